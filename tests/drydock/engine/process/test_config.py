"""The configuration of containers follows the rules of the real engine."""

from __future__ import annotations

import pytest

from drydock.engine.process.config import Config, ExposedPort, HealthCheck
from drydock.engine.process.durations import (
    InvalidDurationError,
    format_duration,
    parse_duration,
)
from drydock.runtime.image import ImageConfig


def test_a_variable_keeps_its_first_place() -> None:
    config = Config().with_variable("B", "1").with_variable("A", "2").with_variable("B", "3")
    assert list(config.variables().items()) == [("B", "3"), ("A", "2")]
    assert config.without_variable("B").without_variable("none").env == ("A=2",)


def test_a_name_ends_at_its_first_equals_sign() -> None:
    config = Config().with_variable("A=B", "x").with_variable("A", "y")
    assert config.variables() == {"A": "y"}


@pytest.mark.parametrize(
    ("steps", "workdir"),
    [
        (["/a/./b//c/"], "/a/./b//c/"),
        (["/a", "b/c", "../d"], "/a/b/d"),
        (["x"], "/x"),
        (["../../up"], "/up"),
    ],
)
def test_working_directories_add_up(steps: list[str], workdir: str) -> None:
    config = Config()
    for step in steps:
        config = config.with_workdir(step)
    assert config.workdir == workdir


def test_an_entrypoint_takes_its_default_arguments_along() -> None:
    config = Config(default_args=("a",))
    assert config.with_entrypoint(("e",), keep_default_args=False).default_args == ()
    assert config.with_entrypoint(("e",), keep_default_args=True).default_args == ("a",)


def test_which_command_runs() -> None:
    config = Config(entrypoint=("e",), default_args=("d",))
    assert config.command(("x",), use_entrypoint=False) == ("x",)
    assert config.command(("x",), use_entrypoint=True) == ("e", "x")
    assert config.command((), use_entrypoint=True) == ("e", "d")
    assert config.command((), use_entrypoint=False) == ("d",)
    assert config.service_command((), use_entrypoint=False) == ("e", "d")
    assert config.service_command(("x",), use_entrypoint=False) == ("x",)


def test_what_stays_after_from() -> None:
    before = Config(
        env=("A=1", "P=old"),
        labels=(("l", "1"),),
        ports=(ExposedPort(80),),
        user="u",
        workdir="/w",
        entrypoint=("e",),
    )
    image = ImageConfig(
        env=("P=new",), cmd=("sh",), labels={"m": "2"}, exposed_ports=("53/udp", "81")
    )
    after = before.based_on(image)
    assert after.env == ("A=1", "P=new")
    assert after.labels == (("l", "1"), ("m", "2"))
    assert [(port.port, port.protocol) for port in after.ports] == [
        (80, "TCP"),
        (53, "UDP"),
        (81, "TCP"),
    ]
    assert (after.user, after.workdir, after.entrypoint, after.default_args) == (
        "",
        "",
        (),
        ("sh",),
    )


def test_a_configuration_survives_an_image() -> None:
    config = Config(
        env=("A=1",),
        entrypoint=("e",),
        default_args=("d",),
        workdir="/w",
        user="1000",
        labels=(("l", "1"),),
        ports=(ExposedPort(80), ExposedPort(53, "UDP")),
        health_check=HealthCheck(("curl", "x"), interval=5_000_000_000, retries=4),
    )
    assert Config().based_on(config.to_image("linux/amd64")) == config


def test_the_same_port_is_exposed_once() -> None:
    config = Config().with_port(ExposedPort(80)).with_port(ExposedPort(80, description="again"))
    assert config.ports == (ExposedPort(80, description="again"),)
    assert config.without_port(80, "UDP").ports == config.ports
    assert config.without_port(80, "TCP").ports == ()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("5s", "5s"),
        ("90s", "1m30s"),
        ("1h", "1h0m0s"),
        ("1.5s", "1.5s"),
        ("20ms", "20ms"),
        ("1m0.5s", "1m0.5s"),
        ("", "0s"),
        ("0", "0s"),
        ("250us", "250µs"),
    ],
)
def test_durations_are_shown_as_go_does(text: str, shown: str) -> None:
    assert format_duration(parse_duration(text)) == shown


def test_a_text_that_is_no_duration_is_refused() -> None:
    with pytest.raises(InvalidDurationError, match='invalid duration "soon"'):
        parse_duration("soon")
