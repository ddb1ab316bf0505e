"""Secrets leave a command's output before anybody sees it.

Every stream of a command that holds secrets passes one Scrubber: logs, the results `stdout` and `stderr`, redirected
files and error extensions all get what it lets through. Invariant: the text let through does not depend on how the
stream was cut into chunks, and a chunk is held back only where it may be the beginning of a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = b"***"


class Scrubber:
    """Replaces secrets in one stream of bytes by `***`.

    A secret is also found without the blanks around it; where several fit, the longest wins. Encoded forms (base64,
    hex, ...) are not found, as on a real engine.
    """

    def __init__(self, secrets: Iterable[bytes]) -> None:
        needles = {form for secret in secrets for form in (secret, secret.strip()) if form.strip()}
        self._needles = sorted(needles, key=lambda needle: (-len(needle), needle))
        self._longest = len(self._needles[0]) if self._needles else 0
        self._pattern = re.compile(b"|".join(re.escape(needle) for needle in self._needles))
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """Return what of the stream so far is certain and was not returned before."""
        if not self._needles:
            return chunk
        text = self._held + chunk
        clean, end = self._clean(text, final=False)
        self._held = text[end:]
        return clean

    def finish(self) -> bytes:
        """Return the rest at the end of the stream."""
        clean, _ = self._clean(self._held, final=True)
        self._held = b""
        return clean

    def clean(self, text: bytes) -> bytes:
        """Scrub a whole text at once, independently of the stream."""
        return self._clean(text, final=True)[0]

    def _clean(self, text: bytes, *, final: bool) -> tuple[bytes, int]:
        """Return the scrubbed text and how far it reaches into `text`."""
        if not self._needles:
            return text, len(text)
        parts: list[bytes] = []
        position = 0
        while True:
            found = self._pattern.search(text, position)
            # A secret that may begin before (or at) the one found takes precedence: wait for its rest.
            stop = None if final else self._undecided(text, position, found)
            if stop is not None:
                parts.append(text[position:stop])
                return b"".join(parts), stop
            if found is None:
                parts.append(text[position:])
                return b"".join(parts), len(text)
            parts += (text[position : found.start()], MASK)
            position = found.end()

    def _undecided(self, text: bytes, position: int, found: re.Match[bytes] | None) -> int | None:
        """Return the first place, up to a secret found, from where the text's end may be a longer one's beginning."""
        limit = found.start() if found else len(text) - 1
        for start in range(max(position, len(text) - self._longest + 1), limit + 1):
            tail = text[start:]
            if any(len(needle) > len(tail) and needle.startswith(tail) for needle in self._needles):
                return start
        return None
