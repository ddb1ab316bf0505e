"""Pod Security: our verdict on a pod's template is the API server's verdict on the pod."""

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delivery.cluster import ApiError, Cluster
from delivery.operations.preflight.pod_security import (
    BASELINE,
    RESTRICTED,
    template_of,
    violations,
)

COUNT = itertools.count()
GOOD: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def maybe(**values: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Give mappings in which every key is absent or one of its values."""
    optional = {key: st.sampled_from(list(each)) for key, each in values.items()}
    return st.fixed_dictionaries({}, optional=optional)


CONTEXTS = st.one_of(
    st.just(GOOD),
    maybe(
        allowPrivilegeEscalation=[True, False],
        privileged=[False],
        runAsNonRoot=[True, False],
        runAsUser=[0, 1000],
        capabilities=[
            {"drop": ["ALL"]},
            {"drop": ["KILL"]},
            {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]},
            {"add": ["KILL"], "drop": ["ALL"]},
            {"add": ["SYS_ADMIN"]},
        ],
        seccompProfile=[{"type": "RuntimeDefault"}, {"type": "Unconfined"}],
    ),
)
SPECS = st.builds(
    lambda pod, contexts, volumes, host, ports: {
        **({"securityContext": pod} if pod else {}),
        **({"hostNetwork": True} if host else {}),
        "containers": [
            {"name": f"c{place}", "image": "x", "securityContext": context}
            | ({"ports": [{"containerPort": 80, "hostPort": 80}]} if ports and not place else {})
            for place, context in enumerate(contexts)
        ],
        "volumes": [{"name": f"v{place}", **each} for place, each in enumerate(volumes)],
    },
    maybe(
        runAsNonRoot=[True, False], runAsUser=[0, 7], seccompProfile=[{"type": "RuntimeDefault"}]
    ),
    st.lists(CONTEXTS, min_size=1, max_size=2),
    st.lists(
        st.sampled_from(
            [{"emptyDir": {}}, {"hostPath": {"path": "/x"}}, {"nfs": {"server": "s", "path": "/"}}]
        ),
        max_size=2,
    ),
    st.booleans(),
    st.booleans(),
)


@pytest.fixture(scope="module")
def levels(cluster: Cluster) -> dict[str, str]:
    """Make a namespace for each level."""
    made = {level: f"level-{level}" for level in (BASELINE, RESTRICTED, "privileged")}
    for level, name in made.items():
        labels = {"pod-security.kubernetes.io/enforce": level}
        metadata = {"name": name, "labels": labels}
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        cluster.request("POST", "/api/v1/namespaces", body)
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "mine"}}
        cluster.request("POST", f"/api/v1/namespaces/{name}/serviceaccounts", account)
    return made


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(spec=SPECS, level=st.sampled_from([BASELINE, RESTRICTED, "privileged"]))
def test_our_verdict_is_the_api_servers(
    cluster: Cluster, levels: dict[str, str], spec: dict[str, Any], level: str
) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"p{next(COUNT)}"}}
    account = {"serviceAccountName": "mine", "automountServiceAccountToken": False}
    path = f"/api/v1/namespaces/{levels[level]}/pods?dryRun=All"
    refused = ""
    try:
        cluster.request("POST", path, {**pod, "spec": {**spec, **account}})
    except ApiError as error:
        refused = str(error)
        assert "violates PodSecurity" in refused, refused
    found = violations(spec, level)
    assert bool(refused) == bool(found), (refused, found)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"hostPID": True}, "hostPID must not be true"),
        (
            {"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}},
            "securityContext.sysctls must not name kernel.msgmax",
        ),
        (
            {"securityContext": {"seLinuxOptions": {"type": "spc_t", "user": "u"}}},
            "securityContext.seLinuxOptions.type must not be spc_t",
        ),
        (
            {"securityContext": {"appArmorProfile": {"type": "Unconfined"}}},
            "securityContext.appArmorProfile.type must be RuntimeDefault or Localhost",
        ),
        (
            {"initContainers": [{"name": "i", "securityContext": {"procMount": "Unmasked"}}]},
            "initContainers[i].securityContext.procMount must be Default",
        ),
        (
            {"securityContext": {"windowsOptions": {"hostProcess": True}}},
            "securityContext.windowsOptions.hostProcess must not be true",
        ),
    ],
)
def test_what_the_baseline_forbids_is_named_by_its_field(spec: dict[str, Any], told: str) -> None:
    assert told in violations({"containers": [], **spec}, BASELINE)
    assert violations({"containers": [], **spec}, "privileged") == []


@pytest.mark.parametrize(
    "obj",
    [
        {"kind": "Deployment", "spec": {"template": {"spec": {"containers": []}}}},
        {
            "kind": "CronJob",
            "spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": []}}}}},
        },
        {"kind": "Pod", "spec": {"containers": []}},
    ],
)
def test_whatever_makes_pods_is_judged(obj: dict[str, Any]) -> None:
    assert template_of(obj) == {"containers": []}


def test_what_makes_no_pods_is_not_judged() -> None:
    assert template_of({"kind": "Service", "spec": {"ports": []}}) is None
    assert template_of({"kind": "Certificate", "spec": {"template": {"spec": {}}}}) is None
