"""Owners of files are resolved with the container's own accounts; a user's number stands for its group, too."""

from pathlib import Path

import pytest

from drydock.engine.errors import EngineError
from drydock.engine.process.ownership import needs_names, resolve_owner


@pytest.fixture
def root(tmp_path: Path) -> Path:
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "passwd").write_text("root:x:0:0::/root:/bin/sh\n# none\nada:x:1001:1002::/:/bin/sh\n")
    (etc / "group").write_text("root:x:0:\nada:x:1002:\nextra:x:1003:ada\n")
    return tmp_path


@pytest.mark.parametrize(
    ("owner", "ids"),
    [
        ("ada", (1001, 1001)),
        ("1000", (1000, 1000)),
        ("1000:1001", (1000, 1001)),
        ("ada:extra", (1001, 1003)),
        ("0:0", (0, 0)),
    ],
)
def test_owner(root: Path, owner: str, ids: tuple[int, int]) -> None:
    assert resolve_owner(root, owner) == ids


@pytest.mark.parametrize(
    ("owner", "message"),
    [
        ("ghost", "failed to resolve ownership for ghost: find uid: no such user: ghost"),
        ("ada:g", "failed to resolve ownership for ada:g: find gid: no such group: g"),
    ],
)
def test_unknown_names_are_told(root: Path, owner: str, message: str) -> None:
    with pytest.raises(EngineError) as caught:
        resolve_owner(root, owner)
    assert str(caught.value) == message


def test_a_link_does_not_lead_to_files_of_the_host(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "etc").mkdir(parents=True)
    (outside / "etc" / "passwd").symlink_to(root / "etc" / "passwd")
    with pytest.raises(EngineError, match="no such user: ada"):
        resolve_owner(outside, "ada")


def test_numbers_need_no_files() -> None:
    assert not needs_names("1000:1001")
    assert needs_names("1000:staff")
