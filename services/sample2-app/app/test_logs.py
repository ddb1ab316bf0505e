"""The form of a log line."""

import logging
import re

from conftest import Logged


def test_a_line_says_when_how_grave_what_and_who(logged: Logged) -> None:
    logging.getLogger("anybody").warning("%d left", 3)
    (line,) = logged()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(line.pop("time")))
    assert line == {"level": "warning", "message": "3 left", "service": "sample2-app"}


def test_fields_stand_beside_the_message(logged: Logged) -> None:
    logging.getLogger("anybody").info("drained", extra={"fields": {"seconds": 2}})
    assert logged()[0]["seconds"] == 2


def test_an_exception_brings_its_trace_in_the_same_line(logged: Logged) -> None:
    try:
        raise RuntimeError("out of paper")
    except RuntimeError:
        logging.getLogger("anybody").exception("failed")
    (line,) = logged()
    assert str(line["trace"]).endswith("RuntimeError: out of paper")
