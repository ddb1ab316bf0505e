"""The overlay of an environment inside a clone: one kustomization file, read and written as bytes are."""

from pathlib import Path, PurePosixPath

from delivery.errors import PreflightError

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


class Overlay:
    """The folder of an environment in a clone."""

    def __init__(self, root: Path, folder: str) -> None:
        self._root, self._folder = root, PurePosixPath(folder)

    @property
    def folder(self) -> Path:
        """Where kubectl renders it."""
        return self._root / self._folder

    @property
    def path(self) -> str:
        """The kustomization, from the repository's root; raise PreflightError when there is none to edit."""
        found = [name for name in NAMES if (self.folder / name).exists()]
        if len(found) != 1:
            told = f"{len(found)} of {', '.join(NAMES)} in {self._folder}, where one has to be"
            raise PreflightError(f"{told}. Is the environment's gitops.folder right?")
        path = self.folder / found[0]
        if path.is_symlink() or not path.resolve().is_relative_to(self._root.resolve()):
            raise PreflightError(
                f"{self._folder / found[0]} is a link; name the folder it leads to"
            )
        return str(self._folder / found[0])

    def read(self) -> str:
        """Read the kustomization, line ends and all."""
        try:
            return (self._root / self.path).read_bytes().decode()
        except ValueError as error:
            raise PreflightError(f"{self.path} is no text in UTF-8: {error}") from error

    def write(self, text: str) -> None:
        """Write the kustomization."""
        (self._root / self.path).write_bytes(text.encode())
