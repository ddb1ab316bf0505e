"""Where the parts of a machine are found."""

from pathlib import Path

import pytest

from drydock.supervisor import Machine, Ports, Running


def test_a_machine_reads_its_own_environment_back() -> None:
    machine = Machine(Path("/s"), Path("/c"), Ports(1, 2, 3), kubelet=False)
    assert Machine.from_environment(machine.environment()) == machine


def test_the_kubeconfig_stands_in_the_users_configuration() -> None:
    machine = Machine.from_environment({"XDG_CONFIG_HOME": "/home/me/.config"})
    assert machine.kubeconfig == Path("/home/me/.config/drydock/kubeconfig")


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_port_that_is_none_is_refused_by_name(port: str) -> None:
    with pytest.raises(ValueError, match="DRYDOCK_API_PORT="):
        Machine.from_environment({"DRYDOCK_API_PORT": port})


def test_the_record_of_a_running_machine_survives_its_file() -> None:
    running = Running.of(Machine(Path("/s"), Path("/c"), Ports(1, 2, 3)))
    assert Running.from_json(running.to_json()) == running
