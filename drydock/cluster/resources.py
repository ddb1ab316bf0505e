"""The table of kinds: which resources the API serves, and under which names.

Discovery, routing, storage and `Client` all read this one table; custom resource definitions add
rows to it while the cluster runs. Invariant: a row is found by its URL (`group`, `version`,
`plural`) and by its kind, and both are unique.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from drydock.cluster.errors import Group

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
READ_WRITE = ("get", "patch", "update")
SCALE = "scale"


@dataclass(frozen=True)
class Subresource:
    """A path below an object: `pods/log`, `deployments/scale`."""

    name: str
    kind: str
    verbs: tuple[str, ...] = READ_WRITE
    group: str | None = None  # None: the group of the resource itself
    version: str = ""


@dataclass(frozen=True)
class Resource:
    """One kind as it is served in one version."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    singular: str = ""
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    subresources: tuple[Subresource, ...] = ()
    list_kind: str = ""
    custom: bool = False
    storage_version: str = ""

    @property
    def group_version(self) -> str:
        """Return the apiVersion: `apps/v1`, or `v1` in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """Return the name of the storage: `deployments.apps`, `pods`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def about(self) -> Group:
        """Return what errors need to know."""
        return Group(self.plural, self.group, self.kind)

    @property
    def stored(self) -> bool:
        """Say whether objects of this kind are kept (reviews and bindings are not)."""
        return "get" in self.verbs

    @property
    def single(self) -> str:
        """Return the singular name."""
        return self.singular or self.kind.lower()

    @property
    def storage_hash(self) -> str:
        """Return the hash that discovery shows for the stored version."""
        text = f"{self.group}/{self.storage_version or self.version}/{self.kind}"
        return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()

    def subresource(self, name: str) -> Subresource | None:
        """Find a subresource by name."""
        return next((one for one in self.subresources if one.name == name), None)


@dataclass
class Registry:
    """All served resources, in the order of discovery."""

    _rows: dict[tuple[str, str, str], Resource] = field(default_factory=dict)
    _kinds: dict[tuple[str, str], Resource] = field(default_factory=dict)

    def add(self, row: Resource) -> None:
        """Serve a resource."""
        self._rows[row.group, row.version, row.plural] = row
        self._kinds[row.group_version, row.kind] = row

    def remove(self, group: str, plural: str) -> None:
        """Stop serving a resource in every version."""
        for key in [k for k in self._rows if k[0] == group and k[2] == plural]:
            row = self._rows.pop(key)
            self._kinds.pop((row.group_version, row.kind), None)

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """Find a resource by its URL."""
        return self._rows.get((group, version, plural))

    def kind(self, group_version: str, kind: str) -> Resource | None:
        """Find a resource by apiVersion and kind."""
        return self._kinds.get((group_version, kind))

    def of_group(self, group: str) -> list[Resource]:
        """Return the rows of a group in every version."""
        return [row for row in self._rows.values() if row.group == group]

    def served(self, group: str, version: str) -> list[Resource]:
        """Return the rows of one group version, by plural name."""
        rows = [row for row in self._rows.values() if (row.group, row.version) == (group, version)]
        return sorted(rows, key=lambda row: row.plural)

    def groups(self) -> dict[str, list[str]]:
        """Return the versions by group in the order of discovery; the core group is left out."""
        found: dict[str, list[str]] = {}
        for row in self._rows.values():
            if row.group and row.version not in found.setdefault(row.group, []):
                found[row.group].append(row.version)
        order = {name: at for at, name in enumerate(GROUP_ORDER)}
        names = sorted(found, key=lambda name: (order.get(name, len(order)), name))
        return {name: found[name] for name in names}

    def by_storage(self, qualified: str) -> Resource | None:
        """Find the row whose objects are stored under a name."""
        return next((row for row in self._rows.values() if row.qualified == qualified), None)

    def __iter__(self) -> Iterator[Resource]:
        return iter(list(self._rows.values()))


GROUP_ORDER = (
    "apiregistration.k8s.io",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "node.k8s.io",
    "discovery.k8s.io",
    "resource.k8s.io",
    "flowcontrol.apiserver.k8s.io",
)

_STATUS = "status"
_CONNECT = {
    "pods": (
        Subresource("attach", "PodAttachOptions", ("create", "get")),
        Subresource("binding", "Binding", ("create",)),
        Subresource("ephemeralcontainers", "Pod"),
        Subresource("eviction", "Eviction", ("create",), "policy", "v1"),
        Subresource("exec", "PodExecOptions", ("create", "get")),
        Subresource("log", "Pod", ("get",)),
        Subresource("portforward", "PodPortForwardOptions", ("create", "get")),
        Subresource("proxy", "PodProxyOptions", ("create", "delete", "get", "patch", "update")),
        Subresource("resize", "Pod"),
    ),
    "services": (
        Subresource("proxy", "ServiceProxyOptions", ("create", "delete", "get", "patch", "update")),
    ),
    "nodes": (
        Subresource("proxy", "NodeProxyOptions", ("create", "delete", "get", "patch", "update")),
    ),
    "namespaces": (Subresource("finalize", "Namespace", ("update",)),),
    "serviceaccounts": (
        Subresource("token", "TokenRequest", ("create",), "authentication.k8s.io", "v1"),
    ),
    "certificatesigningrequests": (Subresource("approval", "CertificateSigningRequest"),),
}

# group/version | plural kind [shortnames] | flags: c cluster-wide, s status, z scale, a category
# `all`, x category `api-extensions`, n no deletecollection, 1 create only, r read only
_TABLE = """
v1
  bindings Binding 1
  componentstatuses ComponentStatus cr cs
  configmaps ConfigMap - cm
  endpoints Endpoints - ep
  events Event - ev
  limitranges LimitRange - limits
  namespaces Namespace csn ns
  nodes Node cs no
  persistentvolumeclaims PersistentVolumeClaim s pvc
  persistentvolumes PersistentVolume cs pv
  pods Pod sa po
  podtemplates PodTemplate -
  replicationcontrollers ReplicationController sza rc
  resourcequotas ResourceQuota s quota
  secrets Secret -
  serviceaccounts ServiceAccount - sa
  services Service sa svc
apiregistration.k8s.io/v1
  apiservices APIService csx
apps/v1
  controllerrevisions ControllerRevision -
  daemonsets DaemonSet sa ds
  deployments Deployment sza deploy
  replicasets ReplicaSet sza rs
  statefulsets StatefulSet sza sts
events.k8s.io/v1
  events Event - ev
authentication.k8s.io/v1
  selfsubjectreviews SelfSubjectReview c1
  tokenreviews TokenReview c1
authorization.k8s.io/v1
  localsubjectaccessreviews LocalSubjectAccessReview 1
  selfsubjectaccessreviews SelfSubjectAccessReview c1
  selfsubjectrulesreviews SelfSubjectRulesReview c1
  subjectaccessreviews SubjectAccessReview c1
autoscaling/v2
  horizontalpodautoscalers HorizontalPodAutoscaler sa hpa
autoscaling/v1
  horizontalpodautoscalers HorizontalPodAutoscaler sa hpa
batch/v1
  cronjobs CronJob sa cj
  jobs Job sa
certificates.k8s.io/v1
  certificatesigningrequests CertificateSigningRequest cs csr
networking.k8s.io/v1
  ingressclasses IngressClass c
  ingresses Ingress s ing
  ipaddresses IPAddress c ip
  networkpolicies NetworkPolicy - netpol
  servicecidrs ServiceCIDR cs
policy/v1
  poddisruptionbudgets PodDisruptionBudget s pdb
rbac.authorization.k8s.io/v1
  clusterrolebindings ClusterRoleBinding c
  clusterroles ClusterRole c
  rolebindings RoleBinding -
  roles Role -
storage.k8s.io/v1
  csidrivers CSIDriver c
  csinodes CSINode c
  csistoragecapacities CSIStorageCapacity -
  storageclasses StorageClass c sc
  volumeattachments VolumeAttachment cs
  volumeattributesclasses VolumeAttributesClass c vac
admissionregistration.k8s.io/v1
  mutatingadmissionpolicies MutatingAdmissionPolicy cx
  mutatingadmissionpolicybindings MutatingAdmissionPolicyBinding cx
  mutatingwebhookconfigurations MutatingWebhookConfiguration cx
  validatingadmissionpolicies ValidatingAdmissionPolicy csx
  validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding cx
  validatingwebhookconfigurations ValidatingWebhookConfiguration cx
apiextensions.k8s.io/v1
  customresourcedefinitions CustomResourceDefinition csx crd,crds
scheduling.k8s.io/v1
  priorityclasses PriorityClass c pc
coordination.k8s.io/v1
  leases Lease -
node.k8s.io/v1
  runtimeclasses RuntimeClass c
discovery.k8s.io/v1
  endpointslices EndpointSlice -
resource.k8s.io/v1
  deviceclasses DeviceClass c
  resourceclaims ResourceClaim s
  resourceclaimtemplates ResourceClaimTemplate -
  resourceslices ResourceSlice c
flowcontrol.apiserver.k8s.io/v1
  flowschemas FlowSchema cs
  prioritylevelconfigurations PriorityLevelConfiguration cs
"""


def builtin() -> Registry:
    """Return the registry of a cluster without custom resources."""
    registry = Registry()
    group = version = ""
    for line in _TABLE.strip().splitlines():
        if not line.startswith(" "):
            group, _, version = line.rpartition("/")
            continue
        registry.add(_row(group, version, *line.split()))
    return registry


def _row(group: str, version: str, plural: str, kind: str, flags: str, short: str = "") -> Resource:
    verbs: tuple[str, ...] = ALL_VERBS
    if "1" in flags:
        verbs = ("create",)
    elif "r" in flags:
        verbs = ("get", "list")
    elif "n" in flags:
        verbs = tuple(verb for verb in ALL_VERBS if verb != "deletecollection")
    subs = list(_CONNECT.get(plural, ()))
    if "z" in flags:
        subs.append(Subresource(SCALE, "Scale", READ_WRITE, "autoscaling", "v1"))
    if "s" in flags:
        subs.append(Subresource(_STATUS, kind))
    categories = ("all",) if "a" in flags else ("api-extensions",) if "x" in flags else ()
    return Resource(
        group,
        version,
        plural,
        kind,
        namespaced="c" not in flags,
        short=tuple(short.split(",")) if short else (),
        categories=categories,
        verbs=verbs,
        subresources=tuple(sorted(subs, key=lambda sub: sub.name)),
        storage_version="v2" if group == "autoscaling" else "",
    )
