"""Pod Security, quotas with scopes, limits of claims, priorities."""

from __future__ import annotations

import pytest

from drydock.cluster.admission.standards import violations
from drydock.cluster.errors import Obj
from tests.drydock.cluster.api.conftest import Asker

PREFIX = "pod-security.kubernetes.io/"
PODS = "/api/v1/namespaces/default/pods"
DEFAULT = "/api/v1/namespaces/default"


@pytest.fixture
async def account(admin: Asker) -> None:
    """Make the account that pods run as."""
    made = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    assert (await admin.ask("POST", f"{DEFAULT}/serviceaccounts", made)).code == 201


def pod(name: str = "p", **spec: object) -> Obj:
    body = {"containers": [{"name": "a", "image": "i"}], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": body}


async def level(admin: Asker, **labels: str) -> object:
    wanted = {PREFIX + name.replace("_", "-"): value for name, value in labels.items()}
    return await admin.ask("PATCH", DEFAULT, {"metadata": {"labels": wanted}})


@pytest.mark.usefixtures("account")
async def test_a_restricted_namespace_refuses_a_plain_pod(admin: Asker) -> None:
    """Every reason is told, with what to set."""
    await level(admin, enforce="restricted")
    answer = await admin.ask("POST", PODS, pod())
    assert answer.code == 403
    assert answer.body["message"] == (
        'pods "p" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation !='
        ' false (container "a" must set securityContext.allowPrivilegeEscalation=false), unrestricted'
        ' capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot'
        ' != true (pod or container "a" must set securityContext.runAsNonRoot=true), seccompProfile (pod'
        ' or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or'
        ' "Localhost")'
    )


@pytest.mark.usefixtures("account")
async def test_a_new_level_names_the_pods_that_do_not_meet_it(admin: Asker) -> None:
    """Pods with the same faults are counted under the first."""
    for name in ("a", "b", "c"):
        await admin.ask("POST", PODS, pod(name))
    await admin.ask("POST", PODS, pod("host", hostNetwork=True))
    answer = await level(admin, enforce="restricted")
    rest = "allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile"
    assert answer.warnings == [
        (
            'existing pods in namespace "default" violate the new PodSecurity enforce level'
            ' "restricted:latest"'
        ),
        f"a (and 2 other pods): {rest}",
        f"host: host namespaces, {rest}",
    ]
    assert (await level(admin, enforce="privileged")).warnings == []


async def test_a_level_that_does_not_exist_is_refused(admin: Asker) -> None:
    """422 with the label as field."""
    answer = await level(admin, enforce="strict")
    assert answer.code == 422
    (cause,) = answer.body["details"]["causes"]
    assert cause["field"] == "metadata.labels[pod-security.kubernetes.io/enforce]"
    assert (
        cause["message"]
        == 'Invalid value: "strict": must be one of privileged, baseline, restricted'
    )
    assert (await level(admin, enforce="baseline", enforce_version="1.30")).code == 422
    assert (await level(admin, enforce="baseline", enforce_version="v1.30")).code == 200


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"hostPID": True}, "host namespaces (hostPID=true)"),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, 'hostPath volumes (volume "v")'),
        (
            {"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}},
            "forbidden sysctls (kernel.msgmax)",
        ),
        (
            {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
            'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
        ),
        (
            {"containers": [{"name": "a", "securityContext": {"procMount": "Unmasked"}}]},
            'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
        ),
    ],
)
def test_what_baseline_finds(spec: Obj, reason: str) -> None:
    """One fault, one reason."""
    assert violations({"containers": [{"name": "a"}], **spec}, "baseline") == [reason]


def test_restricted_tells_a_host_path_once() -> None:
    """Its check of volumes stands for that of baseline."""
    volumes = [{"name": "v", "hostPath": {"path": "/"}}]
    found = violations({"containers": [], "volumes": volumes}, "restricted")
    assert found == ['restricted volume types (volume "v" uses restricted volume type "hostPath")']


GOOD = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def container(name: str = "a", **context: object) -> Obj:
    """Make a container that `restricted` takes; a value of None takes a setting away."""
    held = {key: value for key, value in {**GOOD, **context}.items() if value is not None}
    return {"name": name, "securityContext": held}


NOBODY = "runAsNonRoot != true ({} must not set securityContext.runAsNonRoot=false)"
EITHER = "runAsNonRoot != true (pod or {} must set securityContext.runAsNonRoot=true)"
FILTER = "seccompProfile ({} must not set securityContext.seccompProfile.type to {})"
CHOSEN = (
    "seccompProfile (pod or {} must set securityContext.seccompProfile.type to"
    ' "RuntimeDefault" or "Localhost")'
)


@pytest.mark.parametrize(
    ("pod_context", "containers", "reason"),
    [
        ({"runAsNonRoot": False}, [container()], NOBODY.format("pod")),
        (
            {"runAsNonRoot": False},
            [container(runAsNonRoot=False), container("b", runAsNonRoot=None)],
            NOBODY.format('pod and container "a"'),
        ),
        (
            {},
            [container(), container("b", runAsNonRoot=None)],
            EITHER.format('container "b"'),
        ),
        ({"runAsNonRoot": True}, [container(runAsNonRoot=None)], ""),
        (
            {"runAsUser": 0},
            [container(runAsUser=0), container("b", runAsUser=0)],
            'runAsUser=0 (pod and containers "a", "b" must not set runAsUser=0)',
        ),
        (
            {"seccompProfile": {"type": "Unconfined"}},
            [container()],
            FILTER.format("pod", '"Unconfined"'),
        ),
        (
            {"seccompProfile": {"type": "Unconfined"}},
            [container(seccompProfile={"type": "Odd"}), container("b", seccompProfile=None)],
            FILTER.format('pod and container "a"', '"Odd", "Unconfined"'),
        ),
        (
            {},
            [container(), container("b", seccompProfile=None), container("c", seccompProfile=None)],
            CHOSEN.format('containers "b", "c"'),
        ),
    ],
)
def test_what_restricted_finds(pod_context: Obj, containers: list[Obj], reason: str) -> None:
    """A bad value counts wherever it stands; what is left open can be set by the pod or a container."""
    found = violations({"securityContext": pod_context, "containers": containers}, "restricted")
    assert found == ([reason] if reason else [])


def test_a_user_namespace_of_its_own_lets_a_pod_be_root() -> None:
    """`hostUsers: false` waives `runAsNonRoot`, and the masks of /proc for `baseline` alone."""
    spec = {"hostUsers": False, "containers": [container(runAsNonRoot=False, procMount="Unmasked")]}
    assert violations(spec, "baseline") == []
    (left,) = violations(spec, "restricted")
    assert left.startswith("procMount")
    assert len(violations({**spec, "hostUsers": True}, "restricted")) == 2


@pytest.mark.usefixtures("account")
async def test_a_container_that_joins_later_is_judged_too(admin: Asker) -> None:
    """By the road for ephemeral containers as by any other."""
    await level(admin, enforce="restricted")
    assert (
        await admin.ask("POST", PODS, pod(containers=[{**container(), "image": "i"}]))
    ).code == 201
    guest = {"name": "g", "image": "i", "securityContext": {**GOOD, "privileged": True}}
    guest["securityContext"].pop("allowPrivilegeEscalation")
    for path, code in ((f"{PODS}/p/ephemeralcontainers", 403), (f"{PODS}/p", 422)):
        answer = await admin.ask("PATCH", path, {"spec": {"ephemeralContainers": [guest]}})
        assert answer.code == code
    answer = await admin.ask(
        "PATCH", f"{PODS}/p/ephemeralcontainers", {"spec": {"ephemeralContainers": [guest]}}
    )
    assert 'privileged (container "g" must not' in answer.body["message"]
    good = {"name": "g", "image": "i", "securityContext": GOOD}
    answer = await admin.ask(
        "PATCH", f"{PODS}/p/ephemeralcontainers", {"spec": {"ephemeralContainers": [good]}}
    )
    assert answer.code == 200


def sized(name: str = "a", **resources: Obj) -> Obj:
    return {"name": name, "image": "i", "resources": resources}


def quota(**hard: str) -> Obj:
    """Make a ResourceQuota; dots in a key are written as double underscores, dashes as single ones."""
    limits = {key.replace("__", ".").replace("_", "-"): value for key, value in hard.items()}
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}}
    return {**body, "spec": {"hard": limits}}


@pytest.mark.usefixtures("account")
async def test_a_pod_cannot_grow_out_of_its_limits(admin: Asker) -> None:
    """A resize is held to quota and LimitRange, changes nothing else, and is no matter of safety."""
    await admin.ask(
        "POST", PODS, pod(containers=[sized(requests={"cpu": "1"}, limits={"cpu": "2"})])
    )
    await admin.ask("POST", f"{DEFAULT}/resourcequotas", quota(requests__cpu="2"))
    bound = {"type": "Container", "max": {"cpu": "2"}}
    body = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"}}
    await admin.ask("POST", f"{DEFAULT}/limitranges", {**body, "spec": {"limits": [bound]}})

    async def resized(request: str, limit: str, path: str = "/resize") -> object:
        one = {**sized(requests={"cpu": request}, limits={"cpu": limit}), "image": "other"}
        return await admin.ask("PATCH", f"{PODS}/p{path}", {"spec": {"containers": [one]}})

    answer = await resized("1", "3")
    assert "maximum cpu usage per Container is 2, but limit is 3" in answer.body["message"]
    await admin.ask("DELETE", f"{DEFAULT}/limitranges/l")
    answer = await resized("3", "3")
    assert "exceeded quota: q, requested: requests.cpu=2, used: requests.cpu=1" in (
        answer.body["message"]
    )
    await level(admin, enforce="restricted")
    answer = await resized("2", "3")
    (now,) = answer.body["spec"]["containers"]
    assert (now["image"], now["resources"]["requests"]["cpu"]) == ("i", "2")
    assert (await resized("1", "1", path="")).code == 422
    answer = await resized("4", "3")
    (cause,) = answer.body["details"]["causes"]
    assert cause["field"] == "spec.containers[0].resources.requests"


@pytest.mark.usefixtures("account")
async def test_a_quota_asks_all_containers_for_cpu_and_memory_alone(admin: Asker) -> None:
    """Init containers too; storage of the node is counted, but need not be stated."""
    hard = quota(requests__cpu="4", memory="1Gi", requests__ephemeral_storage="1Gi")
    await admin.ask("POST", f"{DEFAULT}/resourcequotas", hard)
    both = sized(requests={"cpu": "1", "memory": "1Mi"})
    first = [sized("z", requests={"cpu": "1"}), sized("b", requests={"cpu": "1"})]
    answer = await admin.ask("POST", PODS, pod(containers=[both], initContainers=first))
    assert answer.body["message"].endswith("failed quota: q: must specify memory for: b,z")
    assert (await admin.ask("POST", PODS, pod(containers=[both]))).code == 201


async def test_a_claim_cannot_grow_out_of_its_quota(admin: Asker) -> None:
    """What it has already counts once."""
    await admin.ask("POST", f"{DEFAULT}/resourcequotas", quota(requests__storage="3Gi"))
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "c"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    path = f"{DEFAULT}/persistentvolumeclaims"
    assert (await admin.ask("POST", path, claim)).code == 201
    assert (
        await admin.ask("PATCH", f"{path}/c/status", {"status": {"phase": "Bound"}})
    ).code == 200

    async def grown(size: str) -> object:
        wish = {"spec": {"resources": {"requests": {"storage": size}}}}
        return await admin.ask("PATCH", f"{path}/c", wish)

    answer = await grown("4Gi")
    assert "exceeded quota: q, requested: requests.storage=3Gi, used: requests.storage=1Gi" in (
        answer.body["message"]
    )
    assert (await grown("3Gi")).code == 200


@pytest.mark.usefixtures("account")
async def test_a_quota_with_scopes_counts_only_its_pods(admin: Asker) -> None:
    """`BestEffort` leaves pods with requests alone."""
    spec = {"hard": {"pods": "1"}, "scopes": ["BestEffort"]}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": spec}
    assert (await admin.ask("POST", f"{DEFAULT}/resourcequotas", quota)).code == 201
    asking = {"name": "a", "image": "i", "resources": {"requests": {"cpu": "1"}}}
    for name in ("x", "y"):
        assert (await admin.ask("POST", PODS, pod(name, containers=[asking]))).code == 201
    assert (await admin.ask("POST", PODS, pod("one"))).code == 201
    answer = await admin.ask("POST", PODS, pod("two"))
    assert "exceeded quota: q, requested: pods=1, used: pods=1" in answer.body["message"]


@pytest.mark.usefixtures("account")
async def test_a_quota_counts_the_largest_moment_of_a_pod(admin: Asker) -> None:
    """Init containers run before the others, sidecars beside them."""
    spec = {"hard": {"requests.cpu": "3"}}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": spec}
    await admin.ask("POST", f"{DEFAULT}/resourcequotas", quota)

    def container(name: str, cpu: str, **more: str) -> Obj:
        return {"name": name, "image": "i", "resources": {"requests": {"cpu": cpu}}, **more}

    init = [container("side", "500m", restartPolicy="Always"), container("first", "2")]
    made = pod(containers=[container("a", "1")], initContainers=init)
    assert (await admin.ask("POST", PODS, made)).code == 201
    held = await admin.ask("GET", f"{DEFAULT}/resourcequotas/q")
    assert held.body["status"]["used"] == {"requests.cpu": "2500m"}


async def test_claims_are_held_to_the_limits_of_their_namespace(admin: Asker) -> None:
    """Too small and too large are told."""
    limit = {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "2Gi"}}
    body = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"}}
    await admin.ask("POST", f"{DEFAULT}/limitranges", {**body, "spec": {"limits": [limit]}})
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "c"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "3Gi"}}},
    }
    answer = await admin.ask("POST", f"{DEFAULT}/persistentvolumeclaims", claim)
    assert answer.body["message"] == (
        'persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is'
        " 2Gi, but request is 3Gi"
    )


@pytest.mark.usefixtures("account")
async def test_a_pod_is_held_to_its_largest_moment(admin: Asker) -> None:
    """An init container that asks for more than all others together counts for the pod."""
    limit = {"type": "Pod", "max": {"cpu": "2"}}
    body = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"}}
    await admin.ask("POST", f"{DEFAULT}/limitranges", {**body, "spec": {"limits": [limit]}})
    small = sized(requests={"cpu": "1"}, limits={"cpu": "1"})
    first = sized("b", requests={"cpu": "3"}, limits={"cpu": "3"})
    made = pod(containers=[small], initContainers=[first])
    answer = await admin.ask("POST", PODS, made)
    assert "maximum cpu usage per Pod is 2, but limit is 3" in answer.body["message"]
    first["resources"] = small["resources"]
    assert (await admin.ask("POST", PODS, made)).code == 201


@pytest.mark.usefixtures("account")
async def test_label_keys_become_part_of_their_selectors(admin: Asker) -> None:
    """With the pod's own values; where a pod lacks the label or a term the selector, nothing changes."""
    keys = {"topologyKey": "zone", "matchLabelKeys": ["rev", "none"]}
    mine = {"labelSelector": {"matchLabels": {"app": "web"}}, **keys}
    wish = {"weight": 1, "podAffinityTerm": {**mine, "mismatchLabelKeys": ["team"]}}
    spread = {**mine, "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}
    affinity = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [wish]}}
    made = pod(affinity=affinity, topologySpreadConstraints=[spread])
    made["metadata"]["labels"] = {"app": "web", "rev": "2", "team": "a"}
    spec = (await admin.ask("POST", PODS, made)).body["spec"]
    match = {"key": "rev", "operator": "In", "values": ["2"]}
    other = {"key": "team", "operator": "NotIn", "values": ["a"]}
    wanted = {"matchLabels": {"app": "web"}, "matchExpressions": [match]}
    assert spec["topologySpreadConstraints"][0]["labelSelector"] == wanted
    (held,) = spec["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    expressions = held["podAffinityTerm"]["labelSelector"]["matchExpressions"]
    assert expressions == [match, other]


async def test_priority_classes_of_the_system_are_there_and_reserved(admin: Asker) -> None:
    """Nobody makes another one, and only one class is the default."""
    path = "/apis/scheduling.k8s.io/v1/priorityclasses"
    found = await admin.ask("GET", path)
    assert [one["value"] for one in found.body["items"]] == [2_000_000_000, 2_000_001_000]
    kind = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass"}
    mine = {**kind, "metadata": {"name": "system-mine"}, "value": 1}
    assert "reserved for system use only" in (await admin.ask("POST", path, mine)).body["message"]
    first = {**kind, "metadata": {"name": "one"}, "value": 1, "globalDefault": True}
    assert (await admin.ask("POST", path, first)).code == 201
    second = {**first, "metadata": {"name": "two"}}
    answer = await admin.ask("POST", path, second)
    assert "PriorityClass one is already marked as default" in answer.body["message"]


async def test_a_claim_that_names_no_class_gets_the_default(admin: Asker) -> None:
    """An empty name means none at all."""
    notes = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "x/y"}
    await admin.ask(
        "POST",
        "/apis/storage.k8s.io/v1/storageclasses",
        {**kind, "metadata": {"name": "std", **notes}},
    )
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    for name, more, wanted in (("one", {}, "std"), ("two", {"storageClassName": ""}, "")):
        claim = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": name},
            "spec": {**spec, **more},
        }
        answer = await admin.ask("POST", f"{DEFAULT}/persistentvolumeclaims", claim)
        assert answer.body["spec"]["storageClassName"] == wanted


@pytest.mark.usefixtures("account")
async def test_a_gated_pod_says_why_it_waits(admin: Asker) -> None:
    """Gates can be taken away, not added."""
    answer = await admin.ask("POST", PODS, pod(schedulingGates=[{"name": "a.b/c"}]))
    (condition,) = answer.body["status"]["conditions"]
    assert (condition["type"], condition["reason"]) == ("PodScheduled", "SchedulingGated")
    more = {"spec": {"schedulingGates": [{"name": "a.b/c"}, {"name": "x.y/z"}]}}
    answer = await admin.ask("PATCH", f"{PODS}/p", more)
    assert (
        "only deletion is allowed, but found new scheduling gate 'x.y/z'" in answer.body["message"]
    )
    answer = await admin.ask("PATCH", f"{PODS}/p", {"spec": {"schedulingGates": None}})
    assert answer.code == 200


@pytest.mark.parametrize(
    ("scopes", "hard", "why"),
    [
        (["BestEffort", "NotBestEffort"], "pods", "conflicting scopes"),
        (["Sometimes"], "pods", "unsupported scope"),
        (["BestEffort"], "requests.cpu", "unsupported scope applied to resource"),
    ],
)
async def test_scopes_that_make_no_sense(
    admin: Asker, scopes: list[str], hard: str, why: str
) -> None:
    """422 on the scopes."""
    spec = {"hard": {hard: "1"}, "scopes": scopes}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": spec}
    answer = await admin.ask("POST", f"{DEFAULT}/resourcequotas", quota)
    causes = answer.body["details"]["causes"]
    assert (causes[0]["field"], causes[0]["message"].endswith(f": {why}")) == ("spec.scopes", True)


@pytest.mark.usefixtures("account")
async def test_what_is_wrong_with_a_pods_place_and_hooks(admin: Asker) -> None:
    """Every cause at its field."""
    term = {"labelSelector": {}, "topologyKey": ""}
    container = {
        "name": "a",
        "image": "i",
        "livenessProbe": {"grpc": {"port": 99999}},
        "lifecycle": {"preStop": {"sleep": {"seconds": 31}}},
    }
    wrong = pod(
        containers=[container],
        affinity={"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}},
        topologySpreadConstraints=[{"maxSkew": 0, "topologyKey": "z", "whenUnsatisfiable": "No"}],
        hostAliases=[{"ip": "here"}],
        dnsPolicy="None",
        ephemeralContainers=[{"name": "g", "image": "i"}],
    )
    answer = await admin.ask("POST", PODS, wrong)
    first = "spec.containers[0]"
    near = "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]"
    assert [one["field"] for one in answer.body["details"]["causes"]] == [
        f"{first}.livenessProbe.grpc.port",
        f"{first}.lifecycle.preStop.sleep",
        "spec.hostAliases[0].ip",
        "spec.dnsConfig",
        *[f"{near}.topologyKey"] * 3,
        "spec.topologySpreadConstraints[0].maxSkew",
        "spec.topologySpreadConstraints[0].whenUnsatisfiable",
        "spec.ephemeralContainers",
    ]
