"""A built image: its digest is known before anything is pushed."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Image:
    """What the packer wrote for one service; sizes in bytes."""

    service: str
    digest: str
    unpacked: int
    compressed: int

    def reference(self, repository: str) -> str:
        """Name the image by digest."""
        return f"{repository}@{self.digest}"
