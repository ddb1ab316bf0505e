"""What gunicorn is told, read the way gunicorn reads it."""

import runpy
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from gunicorn.config import Config

from conftest import Logged

FILE = Path(__file__).with_name("gunicorn.conf.py")


@pytest.fixture(autouse=True)
def _sigterm_as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_gunicorn_takes_every_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8123")
    monkeypatch.setenv("DRAIN_SECONDS", "4")
    config = Config()
    for name, value in runpy.run_path(str(FILE)).items():
        if name in config.settings:
            config.set(name, value)
    assert config.bind == ["0.0.0.0:8123"]
    assert config.graceful_timeout == 24
    assert (config.workers, config.threads) == (1, 8)


def test_a_wrong_variable_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "loud")
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(FILE))
    assert ended.value.code == 2


def test_a_worker_says_what_it_is_and_will_drain(
    monkeypatch: pytest.MonkeyPatch, app: Flask, logged: Logged
) -> None:
    monkeypatch.setenv("FLASK_ENV", "staging")
    monkeypatch.setenv("APP_VERSION", "v1")
    before = signal.getsignal(signal.SIGTERM)
    runpy.run_path(str(FILE))["post_worker_init"](SimpleNamespace(wsgi=app))
    assert signal.getsignal(signal.SIGTERM) != before
    (line,) = logged()
    assert (line["message"], line["environment"], line["version"]) == ("started", "staging", "v1")
