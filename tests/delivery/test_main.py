"""The result line: whoever reads it gets one, whatever happens."""

import json
from pathlib import Path

import pytest

from delivery import __main__ as program


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """Write a plan that looks only."""
    path = tmp_path / "plan.json"
    named = {"environment": "test", "namespace": "near", "overlay": "", "revision": "abc"}
    plan = {"version": 1, "action": "status", "rollout_seconds": 5, "services": [], **named}
    path.write_text(json.dumps(plan))
    return path


@pytest.mark.parametrize(
    ("error", "code", "outcome", "summary"),
    [
        (RuntimeError("nothing to prepare"), 1, "RuntimeError", "a defect of the delivery, not of"),
        (SystemExit(143), 143, "Interrupted", "asked to end: it stopped where it was"),
        (KeyboardInterrupt(), 130, "Interrupted", "interrupted: it stopped where it was"),
    ],
)
def test_whatever_ends_it_there_is_a_result(
    error: BaseException,
    code: int,
    outcome: str,
    summary: str,
    plan: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken() -> None:
        raise error

    monkeypatch.setattr(program, "connect", broken)
    assert program.main([f"--plan={plan}"]) == code
    told = capsys.readouterr()
    result = json.loads(told.out)
    assert (result["outcome"], result["records"]) == (outcome, [])
    assert result["summary"].startswith(summary)
    assert result["summary"] in told.err
    assert ("Traceback" in told.err) == (outcome == "RuntimeError")
