"""What a command wrote, in the order it wrote it.

The runner feeds two sinks, readers ask for stdout, stderr or both as written: so the chunks are kept in one sequence,
each with its stream. The packed form is what the result store keeps. Bounded: of a command that writes without end,
the beginning is kept and the loss is said in its place.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

STDOUT = 1
STDERR = 2

# More than any build writes on purpose; a runaway loop stops costing memory here.
JOURNAL_BYTES = 256 * 1024 * 1024

_HEADER = struct.Struct(">BI")


@dataclass
class Journal:
    """The chunks of a command's two streams."""

    limit: int = JOURNAL_BYTES
    _chunks: list[tuple[int, bytes]] = field(default_factory=list)
    _size: int = 0
    _lost: int = 0

    def write(self, stream: int, chunk: bytes) -> None:
        """Add a chunk of STDOUT or STDERR."""
        if not chunk:
            return
        if self._size + len(chunk) > self.limit:
            self._lost += len(chunk)
            return
        self._size += len(chunk)
        self._chunks.append((stream, chunk))

    def stream(self, *streams: int) -> bytes:
        """Return what was written to these streams, in the order it was written."""
        text = b"".join(chunk for stream, chunk in self._chunks if stream in streams)
        if self._lost:
            text += (
                b"\n[drydock kept the first %d bytes of this output, %d more were written]\n"
                % (
                    self._size,
                    self._lost,
                )
            )
        return text

    @property
    def stdout(self) -> bytes:
        """What was written to standard output."""
        return self.stream(STDOUT)

    @property
    def stderr(self) -> bytes:
        """What was written to standard error."""
        return self.stream(STDERR)

    @property
    def combined(self) -> bytes:
        """What was written to both, in order."""
        return self.stream(STDOUT, STDERR)

    def pack(self) -> bytes:
        """Return the journal as bytes; `unpack` is the way back."""
        head = struct.pack(">Q", self._lost)
        return head + b"".join(
            _HEADER.pack(stream, len(chunk)) + chunk for stream, chunk in self._merged()
        )

    @classmethod
    def unpack(cls, packed: bytes) -> Journal:
        """Read what `pack` wrote."""
        journal = cls()
        position = 8
        while position < len(packed):
            stream, length = _HEADER.unpack_from(packed, position)
            position += _HEADER.size
            journal.write(stream, packed[position : position + length])
            position += length
        (journal._lost,) = struct.unpack_from(">Q", packed)
        return journal

    def _merged(self) -> Iterator[tuple[int, bytes]]:
        """Yield neighbouring chunks of one stream as one."""
        run: list[bytes] = []
        current = 0
        for stream, chunk in self._chunks:
            if stream != current and run:
                yield current, b"".join(run)
                run = []
            current = stream
            run.append(chunk)
        if run:
            yield current, b"".join(run)
