"""What a deletion does to dependents, finalizers and namespaces."""

from __future__ import annotations

import pytest

from tests.drydock.cluster.api.conftest import Asker

JOBS = "/apis/batch/v1/namespaces/default/jobs"
JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "j"},
    "spec": {
        "template": {
            "spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "i"}]}
        }
    },
}


async def test_the_pods_of_a_job_stay_unless_told_otherwise(admin: Asker) -> None:
    """An old default of batch/v1, which the answer warns of."""
    await admin.ask("POST", JOBS, JOB)
    answer = await admin.ask("DELETE", f"{JOBS}/j")
    assert answer.body["metadata"]["finalizers"] == ["orphan"]
    assert "child pods are preserved by default" in answer.warnings[0]
    await admin.ask("PATCH", f"{JOBS}/j", {"metadata": {"finalizers": None}})
    await admin.ask("POST", JOBS, JOB)
    answer = await admin.ask("DELETE", f"{JOBS}/j?propagationPolicy=Background")
    assert (answer.body["kind"], answer.warnings) == ("Status", [])


@pytest.mark.parametrize(
    ("policy", "finalizers"),
    [("Foreground", ["foregroundDeletion"]), ("Orphan", ["orphan"])],
)
async def test_a_policy_becomes_a_finalizer(
    admin: Asker, policy: str, finalizers: list[str]
) -> None:
    """The garbage collector works it off."""
    await admin.ask("POST", JOBS, JOB)
    answer = await admin.ask("DELETE", f"{JOBS}/j", {"propagationPolicy": policy})
    assert answer.body["metadata"]["finalizers"] == finalizers


async def test_two_ways_to_say_it_are_one_too_many(admin: Asker) -> None:
    """`orphanDependents` and a policy exclude each other."""
    await admin.ask("POST", JOBS, JOB)
    given = {"propagationPolicy": "Background", "orphanDependents": True}
    answer = await admin.ask("DELETE", f"{JOBS}/j", given)
    assert answer.code == 422
    assert "cannot be both set" in answer.body["message"]


async def test_who_is_going_gets_no_new_finalizer(admin: Asker) -> None:
    """Taking one away is allowed, adding one is not."""
    path = "/api/v1/namespaces/default/configmaps"
    meta = {"name": "c", "finalizers": ["a.example/x", "a.example/y"]}
    await admin.ask("POST", path, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
    await admin.ask("DELETE", f"{path}/c")
    more = {"metadata": {"finalizers": ["a.example/x", "a.example/z"]}}
    answer = await admin.ask("PATCH", f"{path}/c", more)
    assert answer.body["details"]["causes"] == [
        {
            "reason": "FieldValueForbidden",
            "message": "Forbidden: no new finalizers can be added if the object is being deleted,"
            ' found new finalizers []string{"a.example/z"}',
            "field": "metadata.finalizers",
        }
    ]
    less = {"metadata": {"finalizers": ["a.example/x"]}}
    assert (await admin.ask("PATCH", f"{path}/c", less)).code == 200


async def test_a_namespace_ends_without_a_grace_period(admin: Asker) -> None:
    """It says Terminating, and a second deletion changes nothing."""
    await admin.ask(
        "POST",
        "/api/v1/namespaces",
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}},
    )
    answer = await admin.ask("DELETE", "/api/v1/namespaces/n")
    assert answer.body["status"]["phase"] == "Terminating"
    assert "deletionGracePeriodSeconds" not in answer.body["metadata"]
    again = await admin.ask("DELETE", "/api/v1/namespaces/n")
    assert again.body["metadata"]["resourceVersion"] == answer.body["metadata"]["resourceVersion"]


@pytest.mark.parametrize(
    ("owner", "field", "why"),
    [
        ({"uid": ""}, "metadata.ownerReferences.uid", "uid must not be empty"),
        ({"kind": ""}, "metadata.ownerReferences.kind", "kind must not be empty"),
        ({"apiVersion": ""}, "metadata.ownerReferences.apiVersion", "version must not be empty"),
        (
            {"apiVersion": "v1", "kind": "Event"},
            "metadata.ownerReferences",
            "is disallowed from being an owner",
        ),
    ],
)
async def test_an_owner_needs_all_its_parts(
    admin: Asker, owner: dict, field: str, why: str
) -> None:
    """What cannot be found later is refused now."""
    whole = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "1", **owner}
    meta = {"name": "c", "namespace": "default", "ownerReferences": [whole]}
    answer = await admin.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
    found = {(one["field"], why in one["message"]) for one in answer.body["details"]["causes"]}
    assert (field, True) in found


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
async def test_the_first_namespaces_stay(admin: Asker, name: str) -> None:
    """Not even the administrator deletes them."""
    answer = await admin.ask("DELETE", f"/api/v1/namespaces/{name}")
    assert answer.code == 403
    text = f'namespaces "{name}" is forbidden: this namespace may not be deleted'
    assert answer.body["message"] == text


@pytest.mark.parametrize(("asked", "given"), [(-5, 1), (0, 0), (7, 7)])
async def test_less_than_no_grace_is_a_second(admin: Asker, asked: int, given: int) -> None:
    """Only zero ends a running pod at once."""
    base = "/api/v1/namespaces/default"
    made = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    await admin.ask("POST", f"{base}/serviceaccounts", made)
    spec = {"nodeName": "n", "containers": [{"name": "a", "image": "i"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    await admin.ask("POST", f"{base}/pods", pod)
    answer = await admin.ask("DELETE", f"{base}/pods/p?gracePeriodSeconds={asked}")
    assert answer.body["metadata"].get("deletionGracePeriodSeconds", 0) == given
    assert (await admin.ask("GET", f"{base}/pods/p")).code == (200 if given else 404)
