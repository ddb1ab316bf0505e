"""Writing bbolt files: the B+ tree in one file that Trivy keeps its database in.

The whole file is made at once and never changed, so there is no free page, no transaction and no room left in a page; the
same content gives the same bytes. The layout follows bbolt's own sources (page.go, bucket.go, node.go, meta.go of version
1.3): little-endian, pages of 4 KiB, two meta pages, a freelist, then the tree bottom up.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Bucket: TypeAlias = "Mapping[bytes, bytes | Bucket]"

PAGE = 4096
_MAGIC, _VERSION = 0xED0CDAED, 2
_BRANCH, _LEAF, _META, _FREELIST = 0x01, 0x02, 0x04, 0x10
_IS_BUCKET = 0x01
_PAGE_HEADER = struct.Struct("<QHHI")  # id, flags, count, pages that follow
_LEAF_ELEMENT = struct.Struct(
    "<IIII"
)  # flags, offset of the key from here, its size, size of the value
_BRANCH_ELEMENT = struct.Struct("<IIQ")  # offset of the key from here, its size, page below
_BUCKET_HEADER = struct.Struct("<QQ")  # root page (0: it stands right behind), sequence
_META_FIELDS = struct.Struct(
    "<IIIIQQQQQ"
)  # ..., root, sequence, freelist, number of pages, transaction
_LONGEST_INLINE = PAGE // 4
_LONGEST_KEY = 32768
_FNV_OFFSET, _FNV_PRIME, _64_BITS = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1


class BoltError(ValueError):
    """The content does not fit into the format."""


@dataclass(frozen=True)
class _Element:
    """One key of a page: `below` is 0 in a leaf and the page that the key leads to in a branch."""

    key: bytes
    value: bytes = b""
    flags: int = 0
    below: int = 0

    @property
    def size(self) -> int:
        header = _BRANCH_ELEMENT if self.below else _LEAF_ELEMENT
        return header.size + len(self.key) + len(self.value)


def encode(buckets: Mapping[bytes, Bucket]) -> bytes:
    """Write buckets (name to content, nested to any depth) as a file; raise BoltError."""
    for name, content in buckets.items():
        if not isinstance(content, Mapping):
            raise BoltError(f"{name!r}: a file holds buckets, and values only in these")
    pages = _Pages()
    root = pages.add_tree(_elements(buckets, pages))
    return pages.encode(root)


class _Pages:
    """The pages of a file in the order of their numbers; the first three are written last."""

    def __init__(self) -> None:
        self._pages: list[bytes] = []
        self._next = 3

    def add_tree(self, elements: list[_Element]) -> int:
        """Add the pages of one bucket from the leaves up; give the number of the topmost."""
        level = [self._add(_LEAF, group) for group in _groups(elements)]
        while len(level) > 1:
            level = [self._add(_BRANCH, group) for group in _groups(level)]
        return level[0].below

    def _add(self, kind: int, elements: list[_Element]) -> _Element:
        number = self._next
        content = _encode_page(number, kind, elements)
        self._next += len(content) // PAGE
        self._pages.append(content)
        return _Element(elements[0].key if elements else b"", below=number)

    def encode(self, root: int) -> bytes:
        """Join the pages; both meta pages describe the same tree, the second one counts."""
        metas = [_encode_meta(number, root, self._next) for number in (0, 1)]
        freelist = _padded(_PAGE_HEADER.pack(2, _FREELIST, 0, 0))
        return b"".join([*metas, freelist, *self._pages])


def _elements(bucket: Bucket, pages: _Pages) -> list[_Element]:
    return [_element(key, bucket[key], pages) for key in sorted(bucket)]


def _element(key: bytes, value: "bytes | Bucket", pages: _Pages) -> _Element:
    if not 0 < len(key) <= _LONGEST_KEY:
        raise BoltError(f"a key of {len(key)} bytes, allowed are 1 to {_LONGEST_KEY}")
    if isinstance(value, bytes):
        return _Element(key, value)
    elements = _elements(value, pages)
    size = _PAGE_HEADER.size + sum(element.size for element in elements)
    nested = any(element.flags & _IS_BUCKET for element in elements)
    if size <= _LONGEST_INLINE and not nested:
        inline = _encode_content(0, _LEAF, elements, following=0)
        return _Element(key, _BUCKET_HEADER.pack(0, 0) + inline, _IS_BUCKET)
    return _Element(key, _BUCKET_HEADER.pack(pages.add_tree(elements), 0), _IS_BUCKET)


def _groups(elements: list[_Element]) -> list[list[_Element]]:
    """Fill page after page; what is longer than a page gets one of its own, with pages that follow.

    A branch always leads to two pages at least, as bbolt's own do.
    """
    groups: list[list[_Element]] = [[]]
    size = _PAGE_HEADER.size
    for element in elements:
        fewest = 2 if element.below else 1
        if len(groups[-1]) >= fewest and size + element.size > PAGE:
            groups.append([])
            size = _PAGE_HEADER.size
        groups[-1].append(element)
        size += element.size
    if len(groups) > 1 and len(groups[-1]) == 1 and groups[-1][0].below:
        groups[-2:] = [groups[-2] + groups[-1]]
    return groups


def _encode_page(number: int, kind: int, elements: list[_Element]) -> bytes:
    size = _PAGE_HEADER.size + sum(element.size for element in elements)
    following = max(0, -(-size // PAGE) - 1)
    return _padded(_encode_content(number, kind, elements, following))


def _encode_content(number: int, kind: int, elements: list[_Element], following: int) -> bytes:
    header = _BRANCH_ELEMENT if kind == _BRANCH else _LEAF_ELEMENT
    heads, bodies = [], []
    offset = header.size * len(elements)
    for element in elements:
        if kind == _BRANCH:
            heads.append(header.pack(offset, len(element.key), element.below))
        else:
            head = element.flags, offset, len(element.key), len(element.value)
            heads.append(header.pack(*head))
        bodies.append(element.key + element.value)
        offset += len(bodies[-1]) - header.size
    return b"".join([_PAGE_HEADER.pack(number, kind, len(elements), following), *heads, *bodies])


def _encode_meta(number: int, root: int, pages: int) -> bytes:
    fields = _META_FIELDS.pack(_MAGIC, _VERSION, PAGE, 0, root, 0, 2, pages, number)
    checksum = struct.pack("<Q", _fnv1a(fields))
    return _padded(_PAGE_HEADER.pack(number, _META, 0, 0) + fields + checksum)


def _fnv1a(content: bytes) -> int:
    value = _FNV_OFFSET
    for byte in content:
        value = ((value ^ byte) * _FNV_PRIME) & _64_BITS
    return value


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % PAGE)
