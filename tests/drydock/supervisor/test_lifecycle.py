"""Starting and stopping from the outside; the faults that need no running machine."""

import fcntl
import socket
from pathlib import Path

import pytest

from drydock.supervisor import Machine, MachineError, Ports, doctor, start, status, stop


@pytest.fixture
def free_ports() -> Ports:
    sockets = [socket.socket() for _ in range(3)]
    for listener in sockets:
        listener.bind(("127.0.0.1", 0))
    numbers = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return Ports(*numbers)


@pytest.fixture
def machine(tmp_path: Path, free_ports: Ports) -> Machine:
    return Machine(tmp_path / "state", tmp_path / "config", free_ports)


def test_nothing_runs_at_first(machine: Machine) -> None:
    assert status(machine) is None
    assert stop(machine) is False


def test_a_record_without_its_lock_is_of_a_dead_machine(machine: Machine) -> None:
    machine.run_dir.mkdir(parents=True)
    machine.record_file.write_text("{}")
    machine.lock_file.touch()
    assert status(machine) is None


def test_a_machine_that_is_starting_is_not_stopped_blindly(machine: Machine) -> None:
    machine.run_dir.mkdir(parents=True)
    with machine.lock_file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(MachineError, match="just starting"):
            stop(machine)


@pytest.mark.root
def test_a_taken_port_is_named_with_the_way_out(machine: Machine) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", machine.ports.api))
        other.listen()
        with pytest.raises(MachineError, match=f"port {machine.ports.api} .*DRYDOCK_API_PORT="):
            start(machine, lambda _: None)


def test_the_doctor_tells_the_package_of_a_missing_program(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    findings = {finding.name: finding for finding in doctor.examine(machine)}
    assert not findings["crun"].ok
    assert findings["crun"].remedy == "apt-get install crun"
    assert findings["ip"].remedy == "apt-get install iproute2"


def test_the_doctor_changes_nothing(machine: Machine) -> None:
    doctor.examine(machine)
    assert not machine.state_dir.exists()
