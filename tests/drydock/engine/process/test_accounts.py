"""Users and groups come from the container's own files, numbers are taken as they are."""

import pytest

from drydock.engine.process.accounts import Account, UnknownAccountError, owner_of, run_as

PASSWD = """root:x:0:0:root:/root:/bin/sh
# a comment
ada:x:1001:1002::/home/ada:/bin/sh
nobody:x:65534:65534:nobody:/:/sbin/nologin
"""
GROUP = "root:x:0:\nada:x:1002:\nextra:x:1003:ada,bob\nnogroup:x:65534:\n"


@pytest.mark.parametrize(
    ("user", "account"),
    [
        ("", Account(0, 0, (), "/root")),
        ("ada", Account(1001, 1002, (1003,), "/home/ada")),
        ("1001", Account(1001, 1002, (1003,), "/home/ada")),
        ("1000", Account(1000, 0, (), "/")),
        ("1000:7", Account(1000, 7, (), "/")),
        ("ada:extra", Account(1001, 1003, (), "/home/ada")),
        (":extra", Account(0, 1003, (), "/root")),
        ("nobody", Account(65534, 65534, (), "/")),
    ],
)
def test_who_runs(user: str, account: Account) -> None:
    assert run_as(user, PASSWD, GROUP) == account


def test_a_name_without_a_line_is_told() -> None:
    with pytest.raises(UnknownAccountError, match="unable to find user ghost: no matching entries"):
        run_as("ghost", PASSWD, GROUP)
    with pytest.raises(UnknownAccountError, match="unable to find group ghosts: no matching"):
        run_as("root:ghosts", PASSWD, GROUP)


def test_root_needs_no_passwd_file() -> None:
    assert run_as("", "", "") == Account(0, 0, (), "/")


@pytest.mark.parametrize(
    ("owner", "ids"),
    [
        ("ada", (1001, 1001)),  # the user's uid stands for the group too
        ("1000", (1000, 1000)),
        ("1000:1001", (1000, 1001)),
        ("ada:extra", (1001, 1003)),
        ("0:0", (0, 0)),
    ],
)
def test_who_owns(owner: str, ids: tuple[int, int]) -> None:
    assert owner_of(owner, PASSWD, GROUP) == ids


def test_an_owner_without_a_line_is_told() -> None:
    with pytest.raises(UnknownAccountError) as caught:
        owner_of("ghost", PASSWD, GROUP)
    assert str(caught.value) == (
        "failed to resolve ownership for ghost: find uid: no such user: ghost"
    )
