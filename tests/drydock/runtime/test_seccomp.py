"""The system call filter: decided from the packaged profile, compiled once, never absent."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from drydock.runtime import seccomp, seccomp_bpf
from drydock.runtime.process import DEFAULT_CAPABILITIES, BindMount
from drydock.runtime.runner import ProcessSpec, Runner
from drydock.runtime.snapshot import Snapshot, SnapshotStore

_NAMESPACES = """
import ctypes, errno, subprocess, threading
UNSHARE, SETNS, CLONE, CLONE3, NEW_USER, SIGCHLD = 272, 308, 56, 435, 0x10000000, 17
call = ctypes.CDLL(None, use_errno=True).syscall
for words in ((UNSHARE, NEW_USER), (SETNS, 0, 0), (CLONE, NEW_USER | SIGCHLD, 0, 0, 0, 0), (CLONE3, 0, 0)):
    assert call(*map(ctypes.c_long, words)) == -1
    print(errno.errorcode[ctypes.get_errno()], flush=True)
thread = threading.Thread(target=lambda: print("thread", flush=True))
thread.start()
thread.join()
subprocess.run(["/bin/busybox", "echo", "process"], check=True)
"""
ADMIN = DEFAULT_CAPABILITIES | {"CAP_SYS_ADMIN"}


@pytest.fixture(autouse=True)
def uncached() -> Iterator[None]:
    """Let each test see the machine anew."""
    yield
    seccomp.filter_for.cache_clear()
    seccomp_bpf.compiled_filter.cache_clear()


@pytest.fixture(params=["packaged", "own"])
def profile(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run with Debian's profile and, as on a machine without it, with the short list."""
    seccomp.filter_for.cache_clear()
    seccomp_bpf.compiled_filter.cache_clear()
    if request.param == "own":
        monkeypatch.setattr(seccomp, "_PROFILE", Path("/nonexistent"))
    return str(request.param)


def allowed(capabilities: frozenset[str], call: str) -> bool:
    found = seccomp.filter_for(capabilities)
    assert found is not None
    actions = {rule["action"] for rule in found["syscalls"] if call in rule["names"]}
    return (actions or {found["defaultAction"]}) == {"SCMP_ACT_ALLOW"}


@pytest.mark.parametrize("call", ["bpf", "quotactl", "perf_event_open", "unshare", "setns"])
def test_capabilities_open_what_they_are_for(profile: str, call: str) -> None:
    """What needs CAP_SYS_ADMIN is denied without it and allowed with it."""
    assert profile
    assert not allowed(DEFAULT_CAPABILITIES, call)
    assert allowed(ADMIN, call)


@pytest.mark.parametrize("call", ["read", "execve", "openat2", "fork"])
def test_ordinary_calls_are_allowed(profile: str, call: str) -> None:
    """Builds and services work."""
    assert profile
    assert allowed(DEFAULT_CAPABILITIES, call)


@pytest.mark.parametrize("call", ["kexec_load", "kexec_file_load"])
def test_some_calls_nobody_gets(profile: str, call: str) -> None:
    """Another kernel is nobody's business in a container."""
    assert profile
    assert not allowed(ADMIN, call)


def test_a_finished_filter_is_whole_instructions(profile: str) -> None:
    """A BPF program is a list of eight-byte instructions; more rights, another program."""
    assert profile
    program = seccomp_bpf.compiled_filter(DEFAULT_CAPABILITIES)
    assert program is not None
    assert len(base64.b64decode(program)) % 8 == 0
    assert seccomp_bpf.compiled_filter(ADMIN) != program


@pytest.mark.root
@pytest.mark.parametrize("compiled", [True, False])
async def test_a_container_is_filtered_either_way(
    store: SnapshotStore,
    runner: Runner,
    busybox: Snapshot,
    profile: str,
    compiled: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a finished program or the profile itself, crun applies the same."""
    assert profile
    if not compiled:
        monkeypatch.setattr("drydock.runtime.bundle.compiled_filter", lambda _: None)
    out = bytearray()
    spec = ProcessSpec(("grep", "^Seccomp:", "/proc/self/status"), {"PATH": "/bin"})
    async with store.edit(busybox) as edit:
        assert await runner.run(edit.path, spec, stdout=out.extend, stderr=out.extend) == 0
    assert out.decode() == "Seccomp:\t2\n"


@pytest.mark.root
@pytest.mark.parametrize("compiled", [True, False])
async def test_a_container_makes_no_namespaces(
    store: SnapshotStore,
    runner: Runner,
    busybox: Snapshot,
    profile: str,
    compiled: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither by unshare nor by clone's flags, while processes and threads start as ever."""
    assert profile
    if not compiled:
        monkeypatch.setattr("drydock.runtime.bundle.compiled_filter", lambda _: None)
    python = BindMount(Path("/usr"), "/usr", read_only=True)
    libraries = BindMount(Path("/usr/lib"), "/lib", read_only=True)
    loader = BindMount(Path("/usr/lib64"), "/lib64", read_only=True)
    out = bytearray()
    async with store.edit(busybox) as edit:
        spec = ProcessSpec(
            ("/usr/bin/python3", "-c", _NAMESPACES), {}, mounts=(python, libraries, loader)
        )
        code = await runner.run(edit.path, spec, stdout=out.extend, stderr=out.extend)
    assert code == 0, out.decode()
    assert out.decode().split() == ["EPERM", "EPERM", "EPERM", "ENOSYS", "thread", "process"]
