"""Whose an object is, by the API server's own books."""

from typing import Any

import pytest

from delivery.operations.belongings import is_lock, is_ours, is_shared

BORN = "2026-01-01T00:00:00Z"
LATER = "2026-01-02T00:00:00Z"
OURS = {
    "manager": "shipyard",
    "operation": "Apply",
    "time": BORN,
    "fieldsV1": {"f:spec": {}, "f:metadata": {}},
}
PAINTED = {**OURS, "manager": "shipyard-switch", "operation": "Update"}


def entry(
    manager: str, operation: str = "Update", time: str = LATER, **more: Any
) -> dict[str, Any]:
    """Make an entry of the books."""
    fields = {"fieldsV1": {"f:spec": {"f:replicas": {}}}}
    return {"manager": manager, "operation": operation, "time": time, **fields, **more}


def obj(*entries: dict[str, Any], name: str = "web", **metadata: Any) -> dict[str, Any]:
    """Make an object with these entries."""
    told = {"name": name, "creationTimestamp": BORN, "managedFields": list(entries), **metadata}
    return {"metadata": told}


@pytest.mark.parametrize(
    "entries",
    [
        [OURS],
        [PAINTED],
        [OURS, PAINTED],
        [OURS, entry("kubectl-scale")],
        [OURS, entry("kube-controller-manager", time=BORN, subresource="status")],
        [OURS, entry("kubectl", time=BORN, fieldsV1={"f:metadata": {"f:annotations": {}}})],
        [{**OURS, "time": LATER}, entry("hpa", subresource="scale", time=BORN)],
    ],
)
def test_what_a_delivery_made_is_ours_whoever_touched_it_later(
    entries: list[dict[str, Any]],
) -> None:
    assert is_ours("Deployment", obj(*entries))
    assert not is_shared("Deployment", obj(*entries))


@pytest.mark.parametrize(
    "entries",
    [
        [OURS, entry("kubectl-create", time=BORN)],
        [OURS, entry("argocd-controller", "Apply")],
        [OURS, entry("helm", "Apply")],
        [PAINTED, entry("kubectl-client-side-apply", time=BORN)],
    ],
)
def test_what_somebody_else_made_or_applies_too_is_left_and_told(
    entries: list[dict[str, Any]],
) -> None:
    assert not is_ours("Deployment", obj(*entries))
    assert is_shared("Deployment", obj(*entries))


@pytest.mark.parametrize(
    "found",
    [
        obj(entry("kubectl-create", time=BORN)),
        obj(),
        obj(OURS, ownerReferences=[{"controller": True, "uid": "1"}]),
        obj(entry("shipyard-switch", fieldsV1={"f:metadata": {}}), entry("me", time=BORN)),
    ],
)
def test_what_no_delivery_made_is_neither_ours_nor_shared(found: dict[str, Any]) -> None:
    assert not is_ours("Deployment", found)
    assert not is_shared("Deployment", found)


@pytest.mark.parametrize(
    ("kind", "name"), [("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")]
)
def test_what_every_namespace_has_is_the_clusters(kind: str, name: str) -> None:
    assert not is_ours(kind, obj(OURS, name=name))
    assert not is_shared(kind, obj(OURS, name=name))
    assert is_ours(kind, obj(OURS, name="mine"))


def test_the_deliveries_own_state_is_known_by_its_names() -> None:
    kubectl = entry("kubectl", time=BORN)
    ours = {"labels": {"app.kubernetes.io/managed-by": "shipyard"}}
    for name in ("shipyard-history-web", "shipyard-freeze"):
        assert is_ours("ConfigMap", obj(kubectl, name=name, **ours))
        assert not is_ours("ConfigMap", obj(kubectl, name=name))
    assert not is_ours("ConfigMap", obj(kubectl, name="settings", **ours))
    assert is_ours("Lease", obj(kubectl, name="shipyard-delivery-web"))
    assert not is_ours("Lease", obj(kubectl, name="leader"))


@pytest.mark.parametrize(
    ("name", "lock"),
    [
        ("shipyard-delivery", True),
        ("shipyard-delivery-web", True),
        ("shipyard-deliveryx", False),
        ("other", False),
    ],
)
def test_locks_are_known_by_their_whole_name(name: str, lock: bool) -> None:
    assert is_lock(name) is lock
