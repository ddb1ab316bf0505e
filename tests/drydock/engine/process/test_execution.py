"""Commands run in a container's files, leave results, and are not run twice."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from drydock.engine.errors import ExecError
from drydock.engine.process.mounts import SecretMount
from drydock.engine.process.outcome import Expectation
from drydock.engine.process.secret_store import SessionSecrets
from drydock.engine.session import Session
from drydock.engine.types.container import Container

pytestmark = pytest.mark.root

RANDOM = "cat /proc/sys/kernel/random/uuid"


async def test_a_command_sees_what_the_one_before_wrote(box: Container, shell) -> None:
    wrote = shell.sh(box, "echo data > /f")
    assert await shell.stdout(wrote, "cat /f") == "data\n"
    assert await shell.stdout(box, "ls /f || echo none") == "none\n"


async def test_an_equal_command_is_answered_from_the_store(box: Container, shell) -> None:
    first = await shell.stdout(box, RANDOM)
    assert await shell.stdout(box, RANDOM) == first
    other = box.configured(box.config.with_label("l", "1"))
    assert await shell.stdout(other, RANDOM) != first


async def test_a_volatile_variable_reaches_the_command_but_not_the_key(
    box: Container, shell
) -> None:
    one = dataclasses.replace(box, volatile_variables=(("V", "1"),))
    two = dataclasses.replace(box, volatile_variables=(("V", "2"),))
    assert await shell.stdout(one, "echo $V") == "1\n"
    assert await shell.stdout(two, "echo $V") == "1\n"


async def test_a_failure_carries_code_and_streams_and_is_not_kept(box: Container, shell) -> None:
    line = f"{RANDOM}; echo err >&2; exit 3"
    said = []
    for _ in range(2):
        with pytest.raises(ExecError) as caught:
            await shell.stdout(box, line)
        assert caught.value.message == "exit code: 3"
        assert caught.value.extensions["exitCode"] == 3
        assert caught.value.extensions["cmd"] == ["sh", "-c", line]
        assert caught.value.extensions["stderr"] == "err"
        said.append(caught.value.extensions["stdout"])
    assert said[0] != said[1]


async def test_an_accepted_failure_is_kept_with_its_files(box: Container, shell) -> None:
    settings = {"expect": Expectation.ANY}
    ended = shell.sh(box, f"{RANDOM} > /f; exit 7", **settings)
    assert ended.last is not None
    assert (await ended.last.get()).exit_code == 7
    first = await shell.stdout(ended, "cat /f")
    again = shell.sh(box, f"{RANDOM} > /f; exit 7", **settings)
    assert await shell.stdout(again, "cat /f") == first


async def test_a_killed_process_is_never_accepted(box: Container, shell) -> None:
    with pytest.raises(ExecError, match="exit code: 137"):
        await shell.stdout(box, "kill -9 $$", expect=Expectation.ANY)


@pytest.mark.parametrize(
    ("args", "stderr"),
    [
        (("no-such",), 'exec: "no-such": executable file not found in $PATH'),
        (("/etc/passwd",), "fork/exec /etc/passwd: permission denied"),
    ],
)
async def test_what_cannot_be_started_is_exit_code_1(
    box: Container, shell, args: tuple[str, ...], stderr: str
) -> None:
    last = shell.after(box, *args).last
    assert last is not None
    with pytest.raises(ExecError, match="exit code: 1") as caught:
        await last.get()
    assert caught.value.extensions["stderr"] == stderr


async def test_user_home_groups_and_workdir(box: Container, shell) -> None:
    config = dataclasses.replace(box.config, user="ada", workdir="/made/for/it")
    line = "id -u; id -g; id -G; echo $HOME; echo $PWD"
    expected = "1001\n1002\n1002 1003\n/home/ada\n/made/for/it\n"
    assert await shell.stdout(box.configured(config), line) == expected


async def test_an_unknown_user_is_a_set_up_failure(box: Container, shell) -> None:
    ghost = box.configured(dataclasses.replace(box.config, user="ghost"))
    with pytest.raises(ExecError) as caught:
        await shell.stdout(ghost, "id")
    assert caught.value.extensions["exitCode"] == -1
    assert caught.value.message == (
        "get user: unable to find user ghost: no matching entries in passwd file"
    )


async def test_streams_go_to_files_as_well(box: Container, shell) -> None:
    ended = shell.sh(box, "echo out; echo err >&2", redirect_stdout="/tmp/o", redirect_stderr="/e")
    assert ended.last is not None
    assert (await ended.last.get()).journal.stdout == b"out\n"
    assert await shell.stdout(ended, "cat /tmp/o /e") == "out\nerr\n"


async def test_a_redirect_makes_no_directory(box: Container, shell) -> None:
    with pytest.raises(ExecError) as caught:
        await shell.stdout(box, "true", redirect_stdout="/none/o")
    assert caught.value.message.endswith("/none/o: no such file or directory")
    assert caught.value.extensions["exitCode"] == -1


async def test_input_from_text_and_file(box: Container, shell) -> None:
    assert await shell.stdout(box, "cat", stdin="hello\nworld") == "hello\nworld"
    assert await shell.stdout(box, "wc -l", redirect_stdin="/etc/passwd") == "2\n"


async def test_the_engine_s_files_do_not_stay(box: Container, shell) -> None:
    ended = shell.sh(box, "ls -A / /etc")
    assert await shell.stdout(ended, "true") == ""
    assert ended.last is not None
    snapshots = shell._session.engine.snapshots
    async with snapshots.view((await ended.last.get()).rootfs) as root:
        assert sorted(path.name for path in root.iterdir()) == ["bin", "etc", "tmp"]
        assert sorted(path.name for path in (root / "etc").iterdir()) == ["group", "passwd"]


async def test_a_cancelled_command_is_killed_and_leaves_nothing(box: Container, shell) -> None:
    last = shell.sh(box, "sleep 86399").last
    assert last is not None
    task = asyncio.create_task(last.get())
    await _until(lambda: _running("86399"))
    task.cancel()
    assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], BaseException)
    await _until(lambda: not _running("86399"))
    assert not shell._session.engine.exec_slots.locked()


async def _until(condition: Callable[[], bool]) -> None:
    """Look until something is so; a process of another namespace tells nobody what it does."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


def _running(argument: str) -> bool:
    """Tell whether a process with this argument runs."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if argument.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                return True
    return False


async def test_commands_share_the_machine_s_slots(box: Container, shell) -> None:
    slots = shell._session.engine.exec_slots._value
    branches = [
        shell.sh(box.configured(box.config.with_variable("N", str(number))), "sleep 0.05")
        for number in range(slots * 2)
    ]
    await asyncio.gather(*(branch.evaluate() for branch in branches))
    assert shell._session.engine.exec_slots._value == slots


async def test_secrets_reach_the_command_and_nothing_else(
    box: Container, shell, session: Session
) -> None:
    secret = session.part(SessionSecrets).set("n", "s3cr3t-value")
    holder = box.changed(
        secret_variables=(("TOKEN", secret),),
        mounts=(SecretMount("/run/token", secret, owner="1000:1001", mode=0o440),),
    )
    line = "stat -c '%a %u:%g' /run/token; echo $TOKEN; cat /run/token; echo ${#TOKEN}"
    ended = shell.sh(holder, line, redirect_stdout="/copy")
    assert await shell.stdout(ended, "cat /copy") == "440 1000:1001\n***\n***12\n"
    after = ended.changed(mounts=(), secret_variables=())
    assert await shell.stdout(after, "ls /run /tmp; echo ${TOKEN-unset}") == "/tmp:\nunset\n"
    stored = b"".join(
        path.read_bytes() for path in session.engine.state.root.rglob("*") if path.is_file()
    )
    assert b"s3cr3t-value" not in stored
