"""The `.env` that `drydock start` writes beside dagger.json."""

import json
from pathlib import Path

import pytest

from drydock.supervisor import Ports, Running, user_defaults

RUNNING = Running(
    pid=1,
    build="b",
    ports=Ports(registry=5001, api=6444, ingress=8081),
    kubeconfig="/etc/drydock/kubeconfig",
    control="/run/engine.sock",
    state_dir="/state",
)


def test_writes_the_three_values_that_the_constructor_takes(tmp_path: Path) -> None:
    written = user_defaults.write(tmp_path, RUNNING)
    lines = (tmp_path / ".env").read_text().splitlines()
    assert 'SHIPYARD_CLUSTER="tcp://127.0.0.1:6444"' in lines
    assert 'SHIPYARD_REGISTRY="tcp://127.0.0.1:5001"' in lines
    assert 'SHIPYARD_KUBECONFIG="file:///etc/drydock/kubeconfig"' in lines
    assert written.names == ("SHIPYARD_CLUSTER", "SHIPYARD_REGISTRY", "SHIPYARD_KUBECONFIG")


def test_a_second_start_with_other_ports_replaces_only_its_own_lines(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("MINE=1\n")
    user_defaults.write(tmp_path, RUNNING)
    user_defaults.write(tmp_path, Running(**{**vars(RUNNING), "ports": Ports(registry=5999)}))
    text = env.read_text()
    assert text.startswith("MINE=1\n")
    assert text.count("SHIPYARD_REGISTRY") == 1
    assert "tcp://127.0.0.1:5999" in text


@pytest.mark.parametrize(
    "line",
    ["SHIPYARD_CLUSTER=tcp://10.0.0.1:443", "shipyard_cluster = x", "export SHIPYARD_CLUSTER="],
)
def test_what_a_person_set_is_kept_and_named(tmp_path: Path, line: str) -> None:
    env = tmp_path / ".env"
    env.write_text(line + "\n")
    written = user_defaults.write(tmp_path, RUNNING)
    assert written.kept == ("SHIPYARD_CLUSTER",)
    assert env.read_text().splitlines()[0] == line
    assert 'SHIPYARD_CLUSTER="' not in env.read_text()


def test_the_same_machine_again_changes_nothing(tmp_path: Path) -> None:
    user_defaults.write(tmp_path, RUNNING)
    before = (tmp_path / ".env").read_bytes()
    user_defaults.write(tmp_path, RUNNING)
    assert (tmp_path / ".env").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"name": "shipyard"}, True),
        ({"name": "shop", "dependencies": [{"name": "shipyard", "source": "../shipyard"}]}, True),
        ({"name": "shop"}, False),
        ("not json", False),
    ],
)
def test_only_a_module_that_uses_shipyard_gets_the_file(
    tmp_path: Path, content: object, found: bool
) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    (tmp_path / "dagger.json").write_text(text)
    below = tmp_path / "services" / "api"
    below.mkdir(parents=True)
    assert user_defaults.find_module(below) == (tmp_path if found else None)
