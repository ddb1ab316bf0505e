"""One stream of a running command: scrubbed, then journalled, shown and copied.

The runner calls `write` from the event loop with each piece as it comes; nothing of a stream is used before it passed
here.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from types import TracebackType
from typing import IO

from drydock.engine.process.journal import Journal
from drydock.engine.process.scrub import Scrubber


class Output:
    """The way of one stream; use as a context, its end flushes what was held back."""

    def __init__(
        self,
        scrubber: Scrubber,
        journal: Journal,
        stream: int,
        show: Callable[[str], None],
        copy: IO[bytes] | None = None,
    ) -> None:
        self._scrubber = scrubber
        self._journal = journal
        self._stream = stream
        self._show = show
        self._copy = copy
        # A character may be cut in two by the pieces in which it arrives.
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def write(self, piece: bytes) -> None:
        """Take a piece as the process wrote it."""
        self._pass(self._scrubber.feed(piece))

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self,
        _: type[BaseException] | None,
        __: BaseException | None,
        ___: TracebackType | None,
    ) -> None:
        self._pass(self._scrubber.finish(), final=True)
        if self._copy is not None:
            self._copy.close()

    def _pass(self, clean: bytes, *, final: bool = False) -> None:
        self._journal.write(self._stream, clean)
        if self._copy is not None and clean:
            self._copy.write(clean)
        text = self._decoder.decode(clean, final=final)
        if text:
            self._show(text)
