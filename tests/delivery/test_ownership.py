"""Ownership of fields: a rollback's writes become ours, everything else stays whose it was."""

from typing import Any

from delivery.ownership import joined

Obj = dict[str, Any]


def entry(manager: str, operation: str, spec: Obj, **more: Any) -> Obj:
    """Make an entry of `managedFields`."""
    return {"manager": manager, "operation": operation, "fieldsV1": {"f:spec": spec}, **more}


def test_the_template_is_joined_and_the_rest_is_left() -> None:
    ours = entry("shipyard", "Apply", {"f:replicas": {}, "f:template": {"f:a": {"f:b": {}}}})
    undo = entry("kubectl", "Update", {"f:template": {"f:a": {"f:c": {}}, "f:d": {}}})
    scaler = entry("hpa", "Update", {"f:replicas": {}})
    status = entry("controller", "Update", {"f:template": {}}, subresource="status")
    found = joined([ours, undo, scaler, status])
    assert found == [
        entry(
            "shipyard",
            "Apply",
            {"f:replicas": {}, "f:template": {"f:a": {"f:b": {}, "f:c": {}}, "f:d": {}}},
        ),
        scaler,
        status,
    ]


def test_what_else_a_manager_wrote_stays_its_own() -> None:
    ours = entry("shipyard", "Apply", {})
    other = entry("kubectl", "Update", {"f:paused": {}, "f:template": {"f:a": {}}})
    found = joined([ours, other])
    assert found is not None
    assert found[1] == entry("kubectl", "Update", {"f:paused": {}})


def test_without_an_apply_of_ours_or_a_template_nothing_is_moved() -> None:
    assert joined([entry("kubectl", "Update", {"f:template": {"f:a": {}}})]) is None
    assert joined([entry("shipyard", "Apply", {"f:template": {}})]) is None
