"""A reader of bbolt files that believes nothing: it checks what bbolt's own `check` command checks."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

PAGE = 4096


def read(content: bytes) -> dict[bytes, Any]:
    """Read a file into nested mappings; AssertionError tells what is wrong with it."""
    assert len(content) % PAGE == 0
    metas = [_meta(content, number) for number in (0, 1)]
    root, freelist, pages, _ = max(metas, key=lambda meta: meta[3])
    assert len(content) == pages * PAGE
    reader = _Reader(content, seen=[0, 1, freelist])
    assert struct.unpack_from("<QHHI", content, freelist * PAGE) == (freelist, 0x10, 0, 0)
    tree = reader.bucket(root)
    assert sorted(reader.seen) == list(
        range(pages)
    ), "pages that belong to nothing, or to two things"
    return tree


def _meta(content: bytes, number: int) -> tuple[int, int, int, int]:
    start = number * PAGE
    assert struct.unpack_from("<QHHI", content, start) == (number, 0x04, 0, 0)
    values = struct.unpack_from("<IIIIQQQQQQ", content, start + 16)
    magic, version, size, _, root, _, freelist, pages, transaction, checksum = values
    assert (magic, version, size) == (0xED0CDAED, 2, PAGE)
    expected = 0xCBF29CE484222325
    for byte in content[start + 16 : start + 16 + 56]:
        expected = (expected ^ byte) * 0x100000001B3 % 2**64
    assert checksum == expected
    return root, freelist, pages, transaction


@dataclass
class _Reader:
    content: bytes
    seen: list[int] = field(default_factory=list)

    def bucket(self, root: int) -> dict[bytes, Any]:
        """Read a bucket that has pages of its own."""
        items = list(self._items(root))
        keys = [key for key, _ in items]
        assert keys == sorted(set(keys)), "keys out of order"
        return dict(items)

    def _items(self, number: int) -> Iterator[tuple[bytes, Any]]:
        start = number * PAGE
        found, flags, count, following = struct.unpack_from("<QHHI", self.content, start)
        assert found == number
        self.seen += range(number, number + 1 + following)
        if flags == 0x02:
            yield from self._leaf(start, count, start + (1 + following) * PAGE)
            return
        assert flags == 0x01
        assert count > 1, "a branch to a single page"
        for position in range(count):
            head = start + 16 + position * 16
            offset, length, below = struct.unpack_from("<IIQ", self.content, head)
            key = self.content[head + offset : head + offset + length]
            items = list(self._items(below))
            assert items[0][0] == key, "a branch that names another key than the first below it"
            yield from items

    def _leaf(self, start: int, count: int, end: int) -> Iterator[tuple[bytes, Any]]:
        for position in range(count):
            head = start + 16 + position * 16
            flags, offset, key_size, size = struct.unpack_from("<IIII", self.content, head)
            place = head + offset
            key = self.content[place : place + key_size]
            value = self.content[place + key_size : place + key_size + size]
            assert place + key_size + size <= end, "an element that leaves its page"
            yield key, self._nested(place + key_size, value) if flags else value

    def _nested(self, place: int, value: bytes) -> dict[bytes, Any]:
        root, _ = struct.unpack_from("<QQ", value)
        if root:
            assert len(value) == 16
            return self.bucket(root)
        assert len(value) <= 16 + PAGE // 4, "an inline bucket longer than bbolt makes them"
        number, flags, count, following = struct.unpack_from("<QHHI", value, 16)
        assert (number, flags, following) == (0, 0x02, 0)
        items = list(self._leaf(place + 16, count, place + len(value)))
        assert not any(isinstance(item, dict) for _, item in items), "a bucket in an inline one"
        return dict(items)
