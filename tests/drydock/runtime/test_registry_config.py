"""engine.json: the same file that a real engine reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drydock.runtime.errors import ImageFault
from drydock.runtime.registry import RegistryClient
from drydock.runtime.registry_config import Host, RegistryConfig
from drydock.runtime.state import StateDir


def load(tmp_path: Path, document: object) -> RegistryConfig:
    path = tmp_path / "engine.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return RegistryConfig.load(path)


def test_mirrors_come_first_and_inherit_plain_http(tmp_path: Path) -> None:
    """`http` beside `mirrors` means the mirrors, as people write it; a mirror's own entry wins."""
    config = load(
        tmp_path,
        {
            "registries": {
                "docker.io": {"mirrors": ["mirror:5000", "http://other:80"], "http": True},
                "other:80": {"http": False},
            }
        },
    )
    hosts = config.candidates("docker.io")
    assert [host.name for host in hosts] == ["mirror:5000", "other:80", "docker.io"]
    assert [host.is_plain for host in hosts[:2]] == [True, False]


@pytest.mark.parametrize(
    ("name", "plain", "address"),
    [
        ("localhost:5000", True, ("localhost", 5000)),
        ("127.0.0.1", True, ("127.0.0.1", 80)),
        ("[::1]:5000", True, ("::1", 5000)),
        ("ghcr.io", False, ("ghcr.io", 443)),
        ("docker.io", False, ("registry-1.docker.io", 443)),
        ("localhost.example", False, ("localhost.example", 443)),
    ],
)
def test_the_loopback_speaks_plain_http(name: str, plain: bool, address: tuple[str, int]) -> None:
    """Everybody else speaks TLS unless engine.json says otherwise."""
    assert (Host(name).is_plain, Host(name).address) == (plain, address)


def test_no_file_means_nothing_special(tmp_path: Path) -> None:
    """Most machines have no engine.json."""
    assert RegistryConfig.load(tmp_path / "none").candidates("a.io") == [Host("a.io")]


def test_the_file_is_found_where_a_real_engine_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """$XDG_CONFIG_HOME/dagger/engine.json, else ~/.config."""
    folder = tmp_path / "dagger"
    folder.mkdir()
    (folder / "engine.json").write_text('{"registries": {"a.io": {"insecure": true}}}')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert RegistryConfig.load().host("a.io").insecure
    home = tmp_path / "home"
    (home / ".config").mkdir(parents=True)
    folder.rename(home / ".config/dagger")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(home))
    assert RegistryConfig.load().host("a.io").insecure


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("{", "not valid JSON"),
        ({"registries": []}, "must map registry names"),
        ({"registries": {"a.io": 1}}, "`registries.a.io` must be an object"),
        ({"registries": {"a.io": {"mirrors": "b"}}}, "`registries.a.io.mirrors` must be a list"),
    ],
)
def test_a_broken_file_names_file_and_key(tmp_path: Path, document: object, reason: str) -> None:
    """What is wrong and where."""
    with pytest.raises(ImageFault, match=reason) as caught:
        load(tmp_path, document)
    assert "engine.json" in str(caught.value)


def test_a_missing_authority_is_named(tmp_path: Path) -> None:
    """A certificate file that is not there is an error, not a silent default."""
    config = load(tmp_path, {"registries": {"a.io": {"rootCAs": [str(tmp_path / "ca.pem")]}}})
    with pytest.raises(ImageFault, match=r"ca\.pem"):
        config.host("a.io").tls()


def test_a_file_that_is_edited_later_counts(
    tmp_path: Path, state: StateDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to restart the engine to name a mirror."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    client = RegistryClient(state)
    assert [host.name for host in client.config.candidates("docker.io")] == ["docker.io"]
    (tmp_path / "dagger").mkdir()
    settings = {"registries": {"docker.io": {"mirrors": ["127.0.0.1:5000"]}}}
    (tmp_path / "dagger" / "engine.json").write_text(json.dumps(settings))
    names = [host.name for host in client.config.candidates("docker.io")]
    assert names == ["127.0.0.1:5000", "docker.io"]
