"""Readiness."""

from flask import Flask

from app.draining import Draining


def test_a_served_application_is_ready(app: Flask) -> None:
    answer = app.test_client().get("/api/ready")
    assert (answer.status_code, answer.json) == (200, {"status": "ready"})


def test_a_draining_one_is_not_ready_but_healthy(app: Flask) -> None:
    state: Draining = app.extensions["draining"]
    state.begun = True
    answer = app.test_client().get("/api/ready")
    assert (answer.status_code, answer.json) == (503, {"status": "draining"})
    assert app.test_client().get("/api/health").status_code == 200
