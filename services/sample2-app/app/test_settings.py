"""Which values of the environment's variables are allowed, and what is said of the others."""

import json

import pytest

from app.settings import Settings, load_or_exit


def test_an_empty_environment_has_defaults() -> None:
    assert load_or_exit().model_dump() == {
        "port": 8000,
        "app_env": "production",
        "app_version": "unknown",
        "log_level": "info",
        "drain_seconds": 3,
    }


def test_every_variable_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8123")
    monkeypatch.setenv("APP_ENV", "staging")
    monkeypatch.setenv("APP_VERSION", "v1.2.3-4-gabc-dirty")
    monkeypatch.setenv("LOG_LEVEL", "debug")
    monkeypatch.setenv("DRAIN_SECONDS", "0.25")
    assert load_or_exit() == Settings(
        port=8123,
        app_env="staging",
        app_version="v1.2.3-4-gabc-dirty",
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
        ("APP_ENV", "two words", "1 to 63 letters, digits, dots, dashes and underscores"),
        ("APP_ENV", "", "1 to 63 letters, digits, dots, dashes and underscores"),
        ("APP_VERSION", "", "1 to 128 printable characters"),
        ("APP_VERSION", "1.2\n", "1 to 128 printable characters"),
        ("LOG_LEVEL", "loud", "debug, info, warning or error"),
        ("DRAIN_SECONDS", "soon", "a number from 0 to 60"),
        ("DRAIN_SECONDS", "-1", "a number from 0 to 60"),
        ("DRAIN_SECONDS", "61", "a number from 0 to 60"),
        ("DRAIN_SECONDS", "nan", "a number from 0 to 60"),
    ],
)
def test_a_wrong_value_ends_the_process_with_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    allowed: str,
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        load_or_exit()
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"{name} is {json.dumps(value)}: allowed is {allowed}.\n"
