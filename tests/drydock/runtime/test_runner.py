"""Containers: what runs inside, what it may do, how it ends, and that nothing stays behind."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from drydock.runtime import machine_env
from drydock.runtime.errors import CommandNotFound, NotExecutable, RuntimeFault, SetupFailed
from drydock.runtime.machine_env import MachineEnv, own_certificates
from drydock.runtime.mount import mounts_below
from drydock.runtime.process import Mount
from drydock.runtime.rootview import RootView
from drydock.runtime.runner import BindMount, ProcessSpec, Runner, TmpfsMount, User
from drydock.runtime.snapshot import Snapshot, SnapshotStore
from drydock.runtime.state import StateDir
from drydock.runtime.users import Account, resolve_account

pytestmark = pytest.mark.root

ENV = {"PATH": "/bin"}


def shell(script: str, **fields: object) -> ProcessSpec:
    return ProcessSpec(("sh", "-c", script), ENV, **fields)  # type: ignore[arg-type]


class Box:
    """Runs shell scripts over a busybox snapshot and collects what they print."""

    def __init__(self, store: SnapshotStore, runner: Runner, base: Snapshot) -> None:
        self.store, self.runner, self.base = store, runner, base
        self.left: list[str] = []

    async def run(
        self, spec: ProcessSpec, *, stdin: bytes = b"", limit: float | None = 60
    ) -> tuple[int, str, str]:
        out, err = bytearray(), bytearray()
        async with self.store.edit(self.base) as edit:
            code = await self.runner.run(
                edit.path, spec, stdin=stdin, stdout=out.extend, stderr=err.extend, timeout=limit
            )
            self.left = sorted(str(p.relative_to(edit.path)) for p in edit.path.rglob("*"))
        return code, out.decode(), err.decode()


@pytest.fixture
def box(store: SnapshotStore, runner: Runner, busybox: Snapshot) -> Box:
    return Box(store, runner, busybox)


def leftovers(state: StateDir) -> list[Path]:
    found = [path for path in state.scratch.iterdir() if path.name.startswith("c-")]
    crun = state.scratch / "crun"
    found += list(crun.glob("c-*")) if crun.exists() else []
    return found


async def test_streams_and_exit_code_come_back(box: Box, state: StateDir) -> None:
    """Both streams are kept apart, standard input arrives, the code is the command's."""
    assert await box.run(shell("cat; echo e >&2; exit 7"), stdin=b"in\n") == (7, "in\n", "e\n")
    assert leftovers(state) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, 137), (signal.SIGTERM, 143)])
async def test_a_signal_shows_as_128_and_its_number(box: Box, number: int, code: int) -> None:
    """A command that a signal ended reports it as shells do."""
    assert (await box.run(shell(f"kill -{int(number)} $$")))[0] == code


async def test_large_output_arrives_whole(box: Box) -> None:
    """Megabytes pass without loss."""
    code, out, _ = await box.run(shell("dd if=/dev/zero bs=1M count=8 2>/dev/null | tr '\\0' x"))
    assert (code, len(out)) == (0, 8 << 20)


async def test_a_descriptor_takes_a_stream_directly(
    store: SnapshotStore, runner: Runner, busybox: Snapshot, tmp_path: Path
) -> None:
    """A sink may be a file descriptor, which the process writes itself."""
    with (tmp_path / "out").open("wb") as file:
        async with store.edit(busybox) as edit:
            await runner.run(edit.path, shell("echo hi"), stdout=file.fileno(), stderr=print)
    assert (tmp_path / "out").read_text() == "hi\n"


async def test_isolation_is_dockers(box: Box) -> None:
    """Default capabilities, a system call filter, no sight of the host's processes or network."""
    script = """
        grep -E 'CapEff|CapBnd|^Seccomp:|NoNewPrivs' /proc/self/status
        ps -o pid | wc -l; ls /sys/class/net; hostname
        mkdir -p /m; mount -t tmpfs t /m 2>/dev/null || echo no mount
        echo 1 2>/dev/null > /proc/sys/vm/swappiness || echo read-only
    """
    _, out, _ = await box.run(shell(script, hostname="pod-1"))
    lines = dict(line.split(":\t") for line in out.splitlines() if ":\t" in line)
    assert lines["CapEff"] == lines["CapBnd"] == "00000000a80425fb"
    assert lines["Seccomp"] == "2"
    assert "lo\npod-1\n" in out
    assert "no mount\nread-only\n" in out


async def test_privileged_lifts_the_isolation(box: Box) -> None:
    """All capabilities of this machine, no filter, and mounting works."""
    script = "grep ^Seccomp: /proc/self/status; mkdir /m; mount -t tmpfs t /m && echo mounted"
    assert (await box.run(shell(script, privileged=True)))[1] == "Seccomp:\t0\nmounted\n"


async def test_no_new_privileges_and_dropped_capabilities(box: Box) -> None:
    """A pod's security context is honoured."""
    spec = shell(
        "grep -E 'CapEff|NoNewPrivs' /proc/self/status",
        capabilities=frozenset(),
        no_new_privileges=True,
    )
    assert (await box.run(spec))[1] == "CapEff:\t0000000000000000\nNoNewPrivs:\t1\n"


async def test_the_user_is_who_was_asked_for(box: Box) -> None:
    """Numbers, further groups, and the right to open its own standard output anew."""
    spec = shell("id -u; id -G; echo again > /dev/stdout", user=User(1000, 1001, (50,)))
    assert (await box.run(spec))[1] == "1000\n1001 50\nagain\n"


async def test_names_of_users_are_looked_up_in_the_image(
    store: SnapshotStore, busybox: Snapshot
) -> None:
    """Docker's rules: names bring their groups, numbers only their passwd entry's."""
    async with store.view(busybox) as root:
        view = RootView(root)
        assert resolve_account(view, "") == Account(User(0, 0), "/root")
        assert resolve_account(view, "app") == Account(User(1000, 1001, (50,)), "/home/app")
        assert resolve_account(view, "app:staff").user == User(1000, 50)
        assert resolve_account(view, "4711") == Account(User(4711, 0), "/")
        assert resolve_account(view, "4711:12").user == User(4711, 12)
        with pytest.raises(SetupFailed, match="unable to find user nobody"):
            resolve_account(view, "nobody")
        with pytest.raises(SetupFailed, match="unable to find group gone"):
            resolve_account(view, "app:gone")


async def test_mounts_show_and_leave_no_trace(box: Box, tmp_path: Path) -> None:
    """Bind mounts, files and file systems in memory appear.

    Their mount points are gone afterwards.
    """
    (tmp_path / "src").mkdir()
    (tmp_path / "src/f").write_text("source\n")
    (tmp_path / "secret").write_text("s3cret\n")
    mounts: tuple[Mount, ...] = (
        BindMount(tmp_path / "secret", "/run/secrets/token", read_only=True),
        BindMount(tmp_path / "src", "/deep/down/src"),
        TmpfsMount("/deep/down/src/cache", size=1 << 20),
    )
    script = """
        cat /deep/down/src/f /run/secrets/token; echo new > /deep/down/src/made
        echo x > /deep/down/src/cache/x; echo no 2>/dev/null > /run/secrets/token || echo read-only
    """
    before = box.base
    code, out, err = await box.run(shell(script, mounts=mounts))
    assert (code, out, err) == (0, "source\ns3cret\nread-only\n", "")
    assert sorted(p.name for p in (tmp_path / "src").iterdir()) == ["f", "made"]
    async with box.store.view(before) as root:
        assert box.left == sorted(str(p.relative_to(root)) for p in root.rglob("*"))


async def test_what_was_written_beside_a_mount_point_stays(box: Box, tmp_path: Path) -> None:
    """Only empty mount points go."""
    mounts = (BindMount(tmp_path, "/opt/in"),)
    await box.run(shell("echo x > /opt/kept", mounts=mounts))
    assert "opt/kept" in box.left
    assert "opt/in" not in box.left


async def test_a_run_that_changes_nothing_commits_nothing_but_folders(
    store: SnapshotStore, runner: Runner, busybox: Snapshot
) -> None:
    """The container's own /etc files leave neither content nor a changed time."""
    async with store.edit(busybox) as edit:
        before = (edit.path / "etc").stat().st_mtime_ns
        await runner.run(edit.path, shell("true"), stdout=print, stderr=print)
        assert (edit.path / "etc").stat().st_mtime_ns == before
        after = await edit.commit()
    layer = await store.export_layer(after, busybox)
    assert layer.size < 500


async def test_a_read_only_root_can_still_be_mounted_into(box: Box, tmp_path: Path) -> None:
    """ReadOnlyRootFilesystem with a writable volume, as pods have it."""
    spec = shell(
        "echo x 2>/dev/null > /f || echo ro; echo x > /data/f && echo rw",
        read_only_root=True,
        mounts=(BindMount(tmp_path, "/data"),),
    )
    assert (await box.run(spec))[1] == "ro\nrw\n"


async def test_hosts_and_name_are_the_containers_own(box: Box) -> None:
    """/etc/hosts names the services; the image's own file is not touched."""
    spec = shell("cat /etc/hostname; grep db /etc/hosts", hostname="web", hosts={"db": "10.0.0.9"})
    assert (await box.run(spec))[1] == "web\n10.0.0.9\tdb\n"
    assert "etc/hosts" not in box.left


async def test_a_working_directory_is_made(box: Box) -> None:
    """A directory that is not there yet is made and stays, as on a real engine."""
    assert (await box.run(shell("pwd", cwd="/a/b")))[1] == "/a/b\n"
    assert "a/b" in box.left


async def test_init_reaps_and_passes_signals_on(box: Box) -> None:
    """Process 1 is the init; without it the command itself is."""
    assert (await box.run(shell("echo $$")))[1] == "2\n"
    assert (await box.run(shell("echo $$", init=False)))[1] == "1\n"


@pytest.mark.parametrize(
    ("args", "kind", "message"),
    [
        (("x",), CommandNotFound, 'exec: "x": executable file not found in $PATH'),
        (("/nope",), CommandNotFound, "fork/exec /nope: no such file or directory"),
        (("/f",), NotExecutable, "fork/exec /f: permission denied"),
        (("/bin",), NotExecutable, "fork/exec /bin: permission denied"),
        (("/text",), NotExecutable, "fork/exec /text: exec format error"),
        (("/script",), CommandNotFound, "fork/exec /script: no such file or directory"),
        (("./rel",), CommandNotFound, "fork/exec ./rel: no such file or directory"),
    ],
)
async def test_a_command_that_cannot_start_is_told_as_a_real_engine_does(
    box: Box, args: tuple[str, ...], kind: type[RuntimeFault], message: str, state: StateDir
) -> None:
    """The text is part of the API; nothing was started."""
    async with box.store.edit(box.base) as edit:
        (edit.path / "f").write_text("")
        (edit.path / "text").write_text("echo hi\n")
        (edit.path / "text").chmod(0o755)
        (edit.path / "script").write_text("#!/no/interpreter\n")
        (edit.path / "script").chmod(0o755)
        box.base = await edit.commit()
    with pytest.raises(kind) as caught:
        await box.run(ProcessSpec(args, ENV))
    assert str(caught.value) == message
    assert leftovers(state) == []


async def test_a_command_in_a_mount_is_found(box: Box, tmp_path: Path) -> None:
    """Mounted programs start, also through links and on PATH."""
    (tmp_path / "tool").write_text("#!/bin/sh\necho tool\n")
    (tmp_path / "tool").chmod(0o755)
    (tmp_path / "link").symlink_to("/opt/tool")
    mounts = (BindMount(tmp_path, "/opt"),)
    assert (await box.run(ProcessSpec(("/opt/link",), ENV, mounts=mounts)))[1] == "tool\n"
    on_path = ProcessSpec(("tool",), {"PATH": "/none:/opt:/bin"}, mounts=mounts)
    assert (await box.run(on_path))[1] == "tool\n"


async def test_links_in_an_image_do_not_lead_to_the_host(box: Box) -> None:
    """An absolute link means the image's file: what only the host has is not found."""
    async with box.store.edit(box.base) as edit:
        (edit.path / "cmd").symlink_to("/../../../usr/bin/python3")
        box.base = await edit.commit()
    with pytest.raises(CommandNotFound):
        await box.run(ProcessSpec(("/cmd",), ENV))


async def test_a_broken_set_up_is_a_set_up_failure(box: Box, tmp_path: Path) -> None:
    """What the OCI runtime refuses is told apart from what the command says."""
    with pytest.raises(SetupFailed):
        await box.run(shell("true", mounts=(BindMount(tmp_path / "absent", "/x"),)))
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupFailed, match="a file on a directory: /etc"):
        await box.run(shell("true", mounts=(BindMount(tmp_path / "file", "/etc"),)))


async def test_a_time_out_kills_everything_inside(box: Box, state: StateDir) -> None:
    """Also processes that went into the background."""
    mark = f"sleep {os.getpid()}99"
    with pytest.raises(TimeoutError):
        await box.run(shell(f"{mark} & {mark}"), limit=0.5)
    assert running(mark) == []
    assert leftovers(state) == []


async def test_cancellation_kills_everything_inside(box: Box, state: StateDir) -> None:
    """A cancelled run leaves no process, no mount and no state, however early it comes."""
    mark = f"sleep {os.getpid()}98"
    for pause in (0, 0.005, 0.02, 0.3):
        task = asyncio.create_task(box.run(shell(mark)))
        await asyncio.sleep(pause)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert running(mark) == []
    assert leftovers(state) == []
    assert [path for path in mounts_below(state.scratch) if "edit" in str(path)] == []


def running(command: str) -> list[str]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            except OSError:
                continue
            if line == command:
                found.append(folder.name)
    return found


async def test_a_service_starts_takes_probes_and_stops(
    store: SnapshotStore, runner: Runner, busybox: Snapshot
) -> None:
    """start, exec, signal, stop: what the kubelet does with a container."""
    out = bytearray()
    async with store.edit(busybox) as edit:
        script = "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done"
        spec = ProcessSpec(("sh", "-c", script), {**ENV, "NAME": "value"}, cwd="/etc")
        running = await runner.start(edit.path, spec, stdout=out.extend, stderr=out.extend)
        os.kill(running.pid, 0)
        probe = bytearray()
        script = "echo $NAME; pwd; cat; grep ^Seccomp: /proc/self/status; exit 5"
        code = await running.exec(
            ("sh", "-c", script), stdin=b"in\n", stdout=probe.extend, stderr=probe.extend
        )
        assert (code, probe.decode()) == (5, "value\n/etc\nin\nSeccomp:\t2\n")
        with pytest.raises(TimeoutError):
            await running.exec(("sleep", "60"), stdout=print, stderr=print, timeout=0.3)
        with pytest.raises(CommandNotFound, match="absent"):
            await running.exec(("absent",), stdout=print, stderr=print)
        assert await running.stop(10) == 3
        assert await running.wait() == 3
        with pytest.raises(SetupFailed, match="has ended"):
            await running.exec(("true",), stdout=print, stderr=print)
    assert out.decode() == "up\nbye\n"


async def test_a_deaf_service_is_killed_after_its_grace(
    store: SnapshotStore, runner: Runner, busybox: Snapshot
) -> None:
    """Whoever ignores the signal is killed."""
    async with store.edit(busybox) as edit:
        deaf = asyncio.Event()
        spec = shell("trap '' TERM; echo deaf; while :; do sleep 0.05; done")
        running = await runner.start(edit.path, spec, stdout=lambda _: deaf.set(), stderr=print)
        await deaf.wait()
        assert await running.stop(0.2) == 137


async def test_many_run_at_once(box: Box) -> None:
    """Concurrent containers do not mix up."""
    results = await asyncio.gather(*(box.run(shell(f"echo {n}")) for n in range(12)))
    assert [out for _, out, _ in results] == [f"{n}\n" for n in range(12)]


async def test_the_machines_certificates_fill_in_what_is_unset(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bundle is mounted and named, unless the container names its own or trusts nobody."""
    bundle = tmp_path / "ca.crt"
    bundle.write_text("certificate\n")
    variables = dict.fromkeys(machine_env.CERTIFICATE_VARIABLES, machine_env.BUNDLE_INSIDE)
    additions = MachineEnv(variables, bundle)
    monkeypatch.setattr("drydock.runtime.bundle.machine_env", lambda: additions)
    env = {**ENV, "PIP_CERT": "/mine", "SSL_CERT_FILE": ""}
    script = "cat $CURL_CA_BUNDLE; echo $PIP_CERT [$SSL_CERT_FILE]"
    spec = ProcessSpec(("sh", "-c", script), env)
    async with box.store.edit(box.base) as edit:
        (edit.path / "etc" / "ssl" / "certs").mkdir(parents=True)
        trusting = await edit.commit()
    trusted = Box(box.store, box.runner, trusting)
    assert (await trusted.run(spec))[1] == "certificate\n/mine []\n"
    assert "drydock" not in str(trusted.left)
    code, out, _ = await box.run(ProcessSpec(("sh", "-c", "env; ls -A /dev"), ENV))
    assert code == 0
    assert "CURL_CA_BUNDLE" not in out
    assert ".drydock" not in out


@pytest.mark.parametrize(("environ", "expected"), [({}, False), ({"SSL_CERT_FILE": "x"}, True)])
def test_only_authorities_of_its_own_are_handed_on(
    environ: Mapping[str, str], expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without own authorities adds nothing to containers."""
    (tmp_path / "bundle").write_text("")
    monkeypatch.setattr(machine_env, "_ADDED_AUTHORITIES", tmp_path / "none")
    found = own_certificates({name: str(tmp_path / "bundle") for name in environ})
    assert (found is not None) == expected


async def test_state_in_a_deep_folder_works(busybox: Snapshot) -> None:
    """Paths with spaces, colons and commas are no trouble for mounts."""
    root = Path(tempfile.mkdtemp(prefix="dd-")) / "a, b:c \\ d"
    state = StateDir(root)
    store = SnapshotStore(state)
    async with store.edit(store.empty) as edit:
        (edit.path / "f").write_text("1")
        first = await edit.commit()
    async with store.edit(first) as edit:
        (edit.path / "g").write_text("2")
        second = await edit.commit()
    async with store.view(second) as view:
        assert sorted(path.name for path in view.iterdir()) == ["f", "g"]
    store.close()
    state.close()
    assert busybox
