"""Cells of the built-in kinds other than pods."""

from __future__ import annotations

from collections.abc import Callable

from drydock.cluster.errors import Json, Obj
from drydock.cluster.tables import pods
from drydock.cluster.tables.columns import (
    NONE,
    UNKNOWN,
    UNSET,
    age,
    containers,
    duration,
    labels,
    number,
    seconds_since,
    selector,
    some,
)

Cells = Callable[[Obj], list[Json]]
TABLES: dict[str, tuple[tuple[str, ...], Cells]] = {"pods": (pods.HEADINGS, pods.cells)}
CREATED_AT = frozenset(
    {
        "limitranges",
        "roles.rbac.authorization.k8s.io",
        "clusterroles.rbac.authorization.k8s.io",
        "customresourcedefinitions.apiextensions.k8s.io",
    }
)


def table(resource: str, *headings: str) -> Callable[[Cells], Cells]:
    """Register the cells of a resource under its headings."""

    def register(function: Cells) -> Cells:
        TABLES[resource] = (headings, function)
        return function

    return register


def _name(obj: Obj) -> str:
    return str(obj["metadata"].get("name", ""))


def _age(obj: Obj) -> str:
    return age(obj["metadata"].get("creationTimestamp"))


@table("deployments.apps", "Name", "Ready", "Up-to-date", "Available", "Age", "Containers*",
       "Images*", "Selector*")  # fmt: skip
def _deployment(obj: Obj) -> list[Json]:
    spec, status = obj["spec"], obj.get("status") or {}
    names, images = containers(spec["template"]["spec"])
    ready = f"{number(status.get('readyReplicas'))}/{number(spec.get('replicas'))}"
    counts = [number(status.get("updatedReplicas")), number(status.get("availableReplicas"))]
    return [_name(obj), ready, *counts, _age(obj), names, images, selector(spec.get("selector"))]


@table("replicasets.apps", "Name", "Desired", "Current", "Ready#", "Age", "Containers*", "Images*",
       "Selector*")  # fmt: skip
def _replica_set(obj: Obj) -> list[Json]:
    spec, status = obj["spec"], obj.get("status") or {}
    names, images = containers(spec["template"]["spec"])
    counts = [number(status.get("replicas")), number(status.get("readyReplicas"))]
    wish = number(spec.get("replicas"))
    return [_name(obj), wish, *counts, _age(obj), names, images, selector(spec.get("selector"))]


@table("replicationcontrollers", "Name", "Desired", "Current", "Ready#", "Age", "Containers*",
       "Images*", "Selector*")  # fmt: skip
def _replication_controller(obj: Obj) -> list[Json]:
    spec, status = obj["spec"], obj.get("status") or {}
    names, images = containers((spec.get("template") or {}).get("spec") or {})
    counts = [number(status.get("replicas")), number(status.get("readyReplicas"))]
    wish = number(spec.get("replicas"))
    return [_name(obj), wish, *counts, _age(obj), names, images, labels(spec.get("selector"))]


@table("statefulsets.apps", "Name", "Ready", "Age", "Containers*", "Images*")
def _stateful_set(obj: Obj) -> list[Json]:
    spec, status = obj["spec"], obj.get("status") or {}
    names, images = containers(spec["template"]["spec"])
    ready = f"{number(status.get('readyReplicas'))}/{number(spec.get('replicas'))}"
    return [_name(obj), ready, _age(obj), names, images]


@table("daemonsets.apps", "Name", "Desired", "Current", "Ready#", "Up-to-date", "Available",
       "Node Selector", "Age", "Containers*", "Images*", "Selector*")  # fmt: skip
def _daemon_set(obj: Obj) -> list[Json]:
    spec, status = obj["spec"], obj.get("status") or {}
    names, images = containers(spec["template"]["spec"])
    counts = [
        number(status.get(name))
        for name in (
            "desiredNumberScheduled",
            "currentNumberScheduled",
            "numberReady",
            "updatedNumberScheduled",
            "numberAvailable",
        )
    ]
    where = labels(spec["template"]["spec"].get("nodeSelector"))
    chosen = selector(spec.get("selector"))
    return [_name(obj), *counts, where, _age(obj), names, images, chosen]


@table("jobs.batch", "Name", "Status", "Completions", "Duration", "Age", "Containers*", "Images*",
       "Selector*")  # fmt: skip
def _job(obj: Obj) -> list[Json]:
    spec, status = obj["spec"], obj.get("status") or {}
    done = number(status.get("succeeded"))
    if spec.get("completions") is not None:
        completions = f"{done}/{spec['completions']}"
    elif number(spec.get("parallelism")) > 1:
        completions = f"{done}/1 of {spec['parallelism']}"
    else:
        completions = f"{done}/1"
    lasted = ""
    started, ended = seconds_since(status.get("startTime")), seconds_since(
        status.get("completionTime")
    )
    if started is not None:
        lasted = duration(started - (ended or 0))
    names, images = containers(spec["template"]["spec"])
    chosen = selector(spec.get("selector"))
    return [_name(obj), _job_state(obj), completions, lasted, _age(obj), names, images, chosen]


def _job_state(obj: Obj) -> str:
    true = {
        c["type"]
        for c in (obj.get("status") or {}).get("conditions") or ()
        if c["status"] == "True"
    }
    for kind, word in (
        ("Complete", "Complete"),
        ("Failed", "Failed"),
    ):
        if kind in true:
            return word
    if "deletionTimestamp" in obj["metadata"]:
        return "Terminating"
    for kind, word in (
        ("Suspended", "Suspended"),
        ("FailureTarget", "FailureTarget"),
        ("SuccessCriteriaMet", "SuccessCriteriaMet"),
    ):
        if kind in true:
            return word
    return "Running"


@table("cronjobs.batch", "Name", "Schedule", "Timezone", "Suspend", "Active", "Last Schedule", "Age",
       "Containers*", "Images*", "Selector*")  # fmt: skip
def _cron_job(obj: Obj) -> list[Json]:
    spec, status = obj["spec"], obj.get("status") or {}
    last = status.get("lastScheduleTime")
    job = spec["jobTemplate"]["spec"]
    names, images = containers(job["template"]["spec"])
    return [
        _name(obj), spec["schedule"], spec.get("timeZone") or NONE,
        "True" if spec.get("suspend") else "False", len(status.get("active") or ()),
        age(last) if last else NONE, _age(obj), names, images, selector(job.get("selector")),
    ]  # fmt: skip


@table("services", "Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector*")
def _service(obj: Obj) -> list[Json]:
    spec = obj["spec"]
    ports = ",".join(
        (
            f"{p['port']}:{p['nodePort']}/{p['protocol']}"
            if p.get("nodePort")
            else f"{p['port']}/{p['protocol']}"
        )
        for p in spec.get("ports") or ()
    )
    return [
        _name(obj), spec.get("type", ""), spec.get("clusterIP") or NONE, _external(obj),
        ports or NONE, _age(obj), labels(spec.get("selector")),
    ]  # fmt: skip


def _external(obj: Obj) -> str:
    spec = obj["spec"]
    given = list(spec.get("externalIPs") or ())
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName", ""))
    if spec.get("type") == "LoadBalancer":
        balancer = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
        found = [one.get("ip") or one.get("hostname", "") for one in balancer] + given
        return ",".join(found) if found else "<pending>"
    return ",".join(given) if given else NONE


@table("endpoints", "Name", "Endpoints", "Age")
def _endpoints(obj: Obj) -> list[Json]:
    found = []
    for subset in obj.get("subsets") or ():
        addresses = subset.get("addresses") or ()
        ports = subset.get("ports") or ()
        if not ports:
            found += [one["ip"] for one in addresses]
        found += [f"{one['ip']}:{port['port']}" for port in ports for one in addresses]
    return [_name(obj), some(found), _age(obj)]


@table("endpointslices.discovery.k8s.io", "Name", "AddressType", "Ports", "Endpoints", "Age")
def _endpoint_slice(obj: Obj) -> list[Json]:
    ports, ends = obj.get("ports"), obj.get("endpoints")
    shown_ports = (
        UNSET if not ports else some(str(p["port"]) if p.get("port") else "*" for p in ports)
    )
    addresses = [address for end in ends or () for address in end.get("addresses") or ()]
    shown = UNSET if not addresses else some(addresses)
    return [_name(obj), obj.get("addressType", ""), shown_ports, shown, _age(obj)]


@table("ingresses.networking.k8s.io", "Name", "Class", "Hosts", "Address", "Ports", "Age")
def _ingress(obj: Obj) -> list[Json]:
    spec = obj["spec"]
    hosts = [rule["host"] for rule in spec.get("rules") or () if rule.get("host")]
    if len(hosts) > 3:
        shown = f"{','.join(hosts[:3])} + {len(hosts) - 3} more..."
    else:
        shown = ",".join(hosts) or "*"
    balancer = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    address = ",".join(one.get("ip") or one.get("hostname", "") for one in balancer)
    ports = "80, 443" if spec.get("tls") else "80"
    return [_name(obj), spec.get("ingressClassName") or NONE, shown, address, ports, _age(obj)]


@table("ingressclasses.networking.k8s.io", "Name", "Controller", "Parameters", "Age")
def _ingress_class(obj: Obj) -> list[Json]:
    found = obj["spec"].get("parameters")
    text = NONE
    if found:
        kind = f"{found['kind']}.{found['apiGroup']}" if found.get("apiGroup") else found["kind"]
        text = f"{kind}/{found['name']}"
    return [_name(obj), obj["spec"].get("controller", ""), text, _age(obj)]


@table("networkpolicies.networking.k8s.io", "Name", "Pod-Selector", "Age")
def _network_policy(obj: Obj) -> list[Json]:
    return [_name(obj), selector(obj["spec"].get("podSelector")), _age(obj)]


@table("configmaps", "Name", "Data", "Age")
def _config_map(obj: Obj) -> list[Json]:
    return [_name(obj), len(obj.get("data") or ()) + len(obj.get("binaryData") or ()), _age(obj)]


@table("secrets", "Name", "Type", "Data", "Age")
def _secret(obj: Obj) -> list[Json]:
    return [_name(obj), obj.get("type", ""), len(obj.get("data") or ()), _age(obj)]


@table("serviceaccounts", "Name", "Age")
def _service_account(obj: Obj) -> list[Json]:
    return [_name(obj), _age(obj)]


@table("namespaces", "Name", "Status", "Age")
def _namespace(obj: Obj) -> list[Json]:
    return [_name(obj), (obj.get("status") or {}).get("phase", ""), _age(obj)]


@table("nodes", "Name", "Status", "Roles", "Age", "Version", "Internal-IP*", "External-IP*",
       "OS-Image*", "Kernel-Version*", "Container-Runtime*")  # fmt: skip
def _node(obj: Obj) -> list[Json]:
    status = obj.get("status") or {}
    conditions = {c["type"]: c["status"] for c in status.get("conditions") or ()}
    words = [
        (
            "Unknown"
            if "Ready" not in conditions
            else "Ready" if conditions["Ready"] == "True" else "NotReady"
        )
    ]
    if obj["spec"].get("unschedulable"):
        words.append("SchedulingDisabled")
    prefix = "node-role.kubernetes.io/"
    roles = [
        k[len(prefix) :]
        for k in sorted(obj["metadata"].get("labels") or {})
        if k.startswith(prefix)
    ]
    addresses = {one["type"]: one["address"] for one in status.get("addresses") or ()}
    info = status.get("nodeInfo") or {}
    return [
        _name(obj), ",".join(words), ",".join(filter(None, roles)) or NONE, _age(obj),
        info.get("kubeletVersion", ""), addresses.get("InternalIP", NONE),
        addresses.get("ExternalIP", NONE), info.get("osImage") or UNKNOWN,
        info.get("kernelVersion") or UNKNOWN, info.get("containerRuntimeVersion") or UNKNOWN,
    ]  # fmt: skip


@table("events", "Last Seen", "Type", "Reason", "Object", "Subobject*", "Source*", "Message",
       "First Seen*", "Count*", "Name*")  # fmt: skip
def _event(obj: Obj) -> list[Json]:
    first = age(obj.get("firstTimestamp") or obj.get("eventTime"))
    series = obj.get("series") or {}
    last = obj.get("lastTimestamp")
    shown = age(series.get("lastObservedTime")) if series else age(last) if last else first
    thing = obj.get("involvedObject") or {}
    where = (
        f"{str(thing.get('kind', '')).lower()}/{thing['name']}"
        if thing.get("name")
        else str(thing.get("kind", "")).lower()
    )
    source = obj.get("source") or {}
    component = source.get("component") or obj.get("reportingComponent", "")
    host = source.get("host") or obj.get("reportingInstance", "")
    count = series.get("count") or obj.get("count") or 1
    return [
        shown, obj.get("type", ""), obj.get("reason", ""), where, thing.get("fieldPath", ""),
        ", ".join(filter(None, (component, host))), obj.get("message", "").strip(), first,
        str(count), _name(obj),
    ]  # fmt: skip


TABLES["events.events.k8s.io"] = TABLES["events"]


@table("persistentvolumeclaims", "Name", "Status", "Volume", "Capacity", "Access Modes",
       "StorageClass", "VolumeAttributesClass", "Age", "VolumeMode*")  # fmt: skip
def _claim(obj: Obj) -> list[Json]:
    spec, status = obj["spec"], obj.get("status") or {}
    volume = spec.get("volumeName", "")
    phase = "Terminating" if "deletionTimestamp" in obj["metadata"] else status.get("phase", "")
    capacity = (status.get("capacity") or {}).get("storage", "") if volume else ""
    modes = _modes(status.get("accessModes")) if volume else ""
    return [
        _name(obj), phase, volume, capacity, modes, spec.get("storageClassName", ""),
        spec.get("volumeAttributesClassName") or UNSET, _age(obj), spec.get("volumeMode", UNSET),
    ]  # fmt: skip


def _modes(found: list[str] | None) -> str:
    short = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX",
             "ReadWriteOncePod": "RWOP"}  # fmt: skip
    return ",".join(short.get(one, one) for one in found or ())


@table("poddisruptionbudgets.policy", "Name", "Min Available", "Max Unavailable",
       "Allowed Disruptions", "Age")  # fmt: skip
def _budget(obj: Obj) -> list[Json]:
    spec = obj["spec"]
    bounds = [str(spec.get(name, "N/A")) for name in ("minAvailable", "maxUnavailable")]
    allowed = number((obj.get("status") or {}).get("disruptionsAllowed"))
    return [_name(obj), *bounds, allowed, _age(obj)]


@table("horizontalpodautoscalers.autoscaling", "Name", "Reference", "Targets", "MinPods", "MaxPods",
       "Replicas", "Age")  # fmt: skip
def _autoscaler(obj: Obj) -> list[Json]:
    spec, status = obj["spec"], obj.get("status") or {}
    target = spec["scaleTargetRef"]
    shown = []
    current = {
        (one.get("resource") or {}).get("name"): (one.get("resource") or {}).get("current") or {}
        for one in status.get("currentMetrics") or ()
    }
    for metric in spec.get("metrics") or ():
        source = metric.get("resource") or {}
        wish = source.get("target") or {}
        now = current.get(source.get("name"), {})
        if "averageUtilization" in wish:
            have = f"{now['averageUtilization']}%" if "averageUtilization" in now else UNKNOWN
            shown.append(f"{source.get('name')}: {have}/{wish['averageUtilization']}%")
        else:
            amount = wish.get("averageValue") or wish.get("value") or UNKNOWN
            shown.append(
                f"{source.get('name', metric['type'])}: {now.get('averageValue', UNKNOWN)}/{amount}"
            )
    return [
        _name(obj), f"{target['kind']}/{target['name']}", ", ".join(shown) or NONE,
        str(spec.get("minReplicas", UNSET)), number(spec.get("maxReplicas")),
        number(status.get("currentReplicas")), _age(obj),
    ]  # fmt: skip


@table("resourcequotas", "Name", "Request", "Limit", "Age")
def _quota(obj: Obj) -> list[Json]:
    status = obj.get("status") or {}
    used = status.get("used") or {}
    requests: list[str] = []
    limits: list[str] = []
    for name, hard in sorted((status.get("hard") or {}).items()):
        text = f"{name}: {used.get(name, '0')}/{hard}"
        (limits if name.startswith("limits.") else requests).append(text)
    return [_name(obj), ", ".join(requests), ", ".join(limits), _age(obj)]


def _binding(obj: Obj) -> list[Json]:
    reference = obj["roleRef"]
    subjects = obj.get("subjects") or ()
    users = [s["name"] for s in subjects if s["kind"] == "User"]
    groups = [s["name"] for s in subjects if s["kind"] == "Group"]
    accounts = [
        f"{s.get('namespace', '')}/{s['name']}" for s in subjects if s["kind"] == "ServiceAccount"
    ]
    role = f"{reference['kind']}/{reference['name']}"
    return [_name(obj), role, _age(obj), ", ".join(users), ", ".join(groups), ", ".join(accounts)]


_BINDING = ("Name", "Role", "Age", "Users*", "Groups*", "ServiceAccounts*")
TABLES["rolebindings.rbac.authorization.k8s.io"] = (_BINDING, _binding)
TABLES["clusterrolebindings.rbac.authorization.k8s.io"] = (_BINDING, _binding)


@table("leases.coordination.k8s.io", "Name", "Holder", "Age")
def _lease(obj: Obj) -> list[Json]:
    return [_name(obj), (obj.get("spec") or {}).get("holderIdentity", ""), _age(obj)]


@table("priorityclasses.scheduling.k8s.io", "Name", "Value", "Global-Default", "Age",
       "PreemptionPolicy")  # fmt: skip
def _priority_class(obj: Obj) -> list[Json]:
    default = bool(obj.get("globalDefault"))
    return [_name(obj), obj.get("value", 0), default, _age(obj), obj.get("preemptionPolicy", "")]


@table("storageclasses.storage.k8s.io", "Name", "Provisioner", "ReclaimPolicy", "VolumeBindingMode",
       "AllowVolumeExpansion", "Age")  # fmt: skip
def _storage_class(obj: Obj) -> list[Json]:
    notes = obj["metadata"].get("annotations") or {}
    name = _name(obj)
    if notes.get("storageclass.kubernetes.io/is-default-class") == "true":
        name += " (default)"
    return [
        name, obj.get("provisioner", ""), obj.get("reclaimPolicy", "Delete"),
        obj.get("volumeBindingMode", "Immediate"), bool(obj.get("allowVolumeExpansion")), _age(obj),
    ]  # fmt: skip


@table("controllerrevisions.apps", "Name", "Controller", "Revision", "Age")
def _revision(obj: Obj) -> list[Json]:
    owner = next(
        (o for o in obj["metadata"].get("ownerReferences") or () if o.get("controller")), None
    )
    shown = NONE
    if owner:
        group = owner["apiVersion"].rpartition("/")[0]
        kind = owner["kind"].lower()
        shown = f"{kind}.{group}/{owner['name']}" if group else f"{kind}/{owner['name']}"
    return [_name(obj), shown, number(obj.get("revision")), _age(obj)]
