"""Which values of the environment's variables are allowed, and what is said of the others."""

import pytest

from app.settings import Settings, WrongSetting, load_or_exit


def test_an_empty_environment_has_defaults() -> None:
    assert Settings.from_environment({}) == Settings(
        port=5000, environment="production", version="unknown", log_level="info", drain_seconds=3
    )


def test_every_variable_is_read() -> None:
    environ = {
        "PORT": "8123",
        "FLASK_ENV": "staging",
        "APP_VERSION": "v1.2.3-4-gabc-dirty",
        "LOG_LEVEL": "debug",
        "DRAIN_SECONDS": "0.25",
    }
    assert Settings.from_environment(environ) == Settings(
        port=8123,
        environment="staging",
        version="v1.2.3-4-gabc-dirty",
        log_level="debug",
        drain_seconds=0.25,
    )


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("PORT", "http", "a whole number from 1 to 65535"),
        ("PORT", "0", "a whole number from 1 to 65535"),
        ("PORT", "65536", "a whole number from 1 to 65535"),
        ("PORT", "", "a whole number from 1 to 65535"),
        ("FLASK_ENV", "two words", "1 to 63 letters, digits, dots, dashes and underscores"),
        ("APP_VERSION", "", "1 to 128 printable characters"),
        ("LOG_LEVEL", "loud", "debug, info, warning or error"),
        ("DRAIN_SECONDS", "soon", "a number from 0 to 60"),
        ("DRAIN_SECONDS", "-1", "a number from 0 to 60"),
        ("DRAIN_SECONDS", "60.5", "a number from 0 to 60"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(name: str, value: str, allowed: str) -> None:
    with pytest.raises(WrongSetting) as caught:
        Settings.from_environment({name: value})
    assert str(caught.value) == f'{name} is "{value}": allowed is {allowed}.'


def test_a_wrong_value_never_breaks_the_line() -> None:
    with pytest.raises(WrongSetting, match=r'^APP_VERSION is "1\\n2": allowed is [^\n]+$'):
        Settings.from_environment({"APP_VERSION": "1\n2"})


@pytest.mark.parametrize(("value", "port"), [("1", 1), ("65535", 65535)])
def test_the_outermost_ports_are_allowed(value: str, port: int) -> None:
    assert Settings.from_environment({"PORT": value}).port == port


def test_a_wrong_value_ends_the_process_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        load_or_exit({"PORT": "http"})
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        'PORT is "http": allowed is a whole number from 1 to 65535.\n'
    )


def test_right_values_are_loaded() -> None:
    assert load_or_exit({"PORT": "81"}).port == 81
