"""What Go's types say and the JSON schemas do not.

A server unmarshals every body into structs and marshals them again: zero values of plain fields
vanish, those of pointers stay, structs held by value appear as `{}`. These tables are that
difference, by struct and field name.
"""

from __future__ import annotations

_POINTERS = """
DeploymentSpec: replicas revisionHistoryLimit progressDeadlineSeconds
DeploymentStatus: terminatingReplicas collisionCount
ReplicaSetSpec: replicas
ReplicaSetStatus: terminatingReplicas
StatefulSetSpec: replicas revisionHistoryLimit
StatefulSetStatus: collisionCount
RollingUpdateStatefulSetStrategy: partition
DaemonSetSpec: revisionHistoryLimit
DaemonSetStatus: collisionCount
ReplicationControllerSpec: replicas
JobSpec: parallelism completions activeDeadlineSeconds backoffLimit backoffLimitPerIndex maxFailedIndexes
JobSpec: manualSelector ttlSecondsAfterFinished completionMode suspend podReplacementPolicy managedBy
JobStatus: terminating ready failedIndexes
CronJobSpec: timeZone startingDeadlineSeconds suspend successfulJobsHistoryLimit failedJobsHistoryLimit
PodSpec: terminationGracePeriodSeconds activeDeadlineSeconds automountServiceAccountToken
PodSpec: shareProcessNamespace priority runtimeClassName enableServiceLinks preemptionPolicy
PodSpec: setHostnameAsFQDN hostUsers hostnameOverride
PodSecurityContext: runAsUser runAsGroup runAsNonRoot fsGroup fsGroupChangePolicy
PodSecurityContext: supplementalGroupsPolicy seLinuxChangePolicy
SecurityContext: privileged runAsUser runAsGroup runAsNonRoot readOnlyRootFilesystem
SecurityContext: allowPrivilegeEscalation procMount
SeccompProfile: localhostProfile
Probe: terminationGracePeriodSeconds
GRPCAction: service
ContainerStatus: started
Container: restartPolicy
EphemeralContainer: restartPolicy
PodDNSConfigOption: value
Toleration: tolerationSeconds
VolumeMount: mountPropagation recursiveReadOnly
ConfigMapVolumeSource: defaultMode optional
SecretVolumeSource: defaultMode optional
ProjectedVolumeSource: defaultMode
DownwardAPIVolumeSource: defaultMode
ConfigMapProjection: optional
SecretProjection: optional
ConfigMapKeySelector: optional
SecretKeySelector: optional
ConfigMapEnvSource: optional
SecretEnvSource: optional
KeyToPath: mode
DownwardAPIVolumeFile: mode
ServiceAccountTokenProjection: expirationSeconds
HostPathVolumeSource: type
PersistentVolumeClaimSpec: storageClassName volumeMode volumeAttributesClassName
PersistentVolumeSpec: volumeMode
ServiceSpec: allocateLoadBalancerNodePorts loadBalancerClass internalTrafficPolicy
ServiceSpec: ipFamilyPolicy trafficDistribution
ServicePort: appProtocol
ClientIPConfig: timeoutSeconds
EndpointPort: name protocol port appProtocol
EndpointConditions: ready serving terminating
Endpoint: hostname nodeName zone
ObjectMeta: deletionGracePeriodSeconds
OwnerReference: controller blockOwnerDeletion
DeleteOptions: gracePeriodSeconds orphanDependents propagationPolicy
Preconditions: uid resourceVersion
ConfigMap: immutable
Secret: immutable
ServiceAccount: automountServiceAccountToken
LeaseSpec: holderIdentity leaseDurationSeconds leaseTransitions strategy preferredHolder
HorizontalPodAutoscalerSpec: minReplicas
HorizontalPodAutoscalerStatus: observedGeneration
HPAScalingRules: stabilizationWindowSeconds selectPolicy
MetricTarget: averageUtilization
MetricValueStatus: averageUtilization
IngressSpec: ingressClassName
HTTPIngressPath: pathType
IngressClassParametersReference: apiGroup scope namespace
NetworkPolicyPort: protocol endPort
PodDisruptionBudgetSpec: unhealthyPodEvictionPolicy
PriorityClass: preemptionPolicy
StorageClass: reclaimPolicy allowVolumeExpansion volumeBindingMode
CSIDriverSpec: attachRequired podInfoOnMount fsGroupPolicy storageCapacity requiresRepublish
CSIDriverSpec: seLinuxMount
TokenRequestSpec: expirationSeconds
BoundObjectReference: kind
TypedLocalObjectReference: apiGroup
TypedObjectReference: apiGroup namespace
TopologySpreadConstraint: minDomains nodeAffinityPolicy nodeTaintsPolicy
ContainerStateTerminated: exitCode
NodeSpec: configSource
WebhookClientConfig: url
ServiceReference: path port
MutatingWebhook: failurePolicy matchPolicy sideEffects timeoutSeconds reinvocationPolicy
ValidatingWebhook: failurePolicy matchPolicy sideEffects timeoutSeconds
RuleWithOperations: scope
CertificateSigningRequestSpec: expirationSeconds
EventSeries: count
JSONSchemaProps: maximum minimum maxLength minLength maxItems minItems multipleOf maxProperties
JSONSchemaProps: minProperties x-kubernetes-preserve-unknown-fields x-kubernetes-list-type
JSONSchemaProps: x-kubernetes-map-type
CustomResourceSubresourceScale: labelSelectorPath
ValidationRule: optionalOldSelf reason
Container: name
"""

_BY_VALUE = """
Deployment: metadata spec status
DeploymentSpec: template strategy
ReplicaSet: metadata spec status
ReplicaSetSpec: template
StatefulSet: metadata spec status
StatefulSetSpec: template updateStrategy
DaemonSet: metadata spec status
DaemonSetSpec: template updateStrategy
ControllerRevision: metadata
ReplicationController: metadata spec status
PodTemplate: metadata template
PodTemplateSpec: metadata spec
Job: metadata spec status
JobSpec: template
CronJob: metadata spec status
CronJobSpec: jobTemplate
JobTemplateSpec: metadata spec
Pod: metadata spec status
Container: resources
EphemeralContainer: resources
ContainerStatus: state lastState
Service: metadata spec status
ServiceStatus: loadBalancer
Endpoints: metadata
EndpointSlice: metadata
Endpoint: conditions
ConfigMap: metadata
Secret: metadata
ServiceAccount: metadata
Namespace: metadata spec status
Node: metadata spec status
NodeStatus: daemonEndpoints nodeInfo
NodeDaemonEndpoints: kubeletEndpoint
Event: metadata involvedObject source
PersistentVolume: metadata spec status
PersistentVolumeClaim: metadata spec status
PersistentVolumeClaimSpec: resources
PersistentVolumeClaimTemplate: spec
ResourceQuota: metadata spec status
LimitRange: metadata spec
Ingress: metadata spec status
IngressStatus: loadBalancer
IngressClass: metadata spec
HTTPIngressPath: backend
IngressServiceBackend: port
NetworkPolicy: metadata spec
NetworkPolicySpec: podSelector
PodDisruptionBudget: metadata spec status
HorizontalPodAutoscaler: metadata spec status
HorizontalPodAutoscalerSpec: scaleTargetRef
ResourceMetricSource: target
Role: metadata
ClusterRole: metadata
RoleBinding: metadata roleRef
ClusterRoleBinding: metadata roleRef
Lease: metadata spec
PriorityClass: metadata
StorageClass: metadata
CustomResourceDefinition: metadata spec status
CustomResourceDefinitionSpec: names
CustomResourceDefinitionStatus: acceptedNames
Scale: metadata spec status
Eviction: metadata
Binding: metadata target
TokenRequest: metadata spec status
SelfSubjectAccessReview: metadata spec status
SubjectAccessReview: metadata spec status
LocalSubjectAccessReview: metadata spec status
SelfSubjectRulesReview: metadata spec status
SelfSubjectReview: metadata status
SelfSubjectReviewStatus: userInfo
TokenReview: metadata spec status
TokenReviewStatus: user
CertificateSigningRequest: metadata spec status
RuntimeClass: metadata
VolumeAttachment: metadata spec status
CSINode: metadata spec
CSIDriver: metadata spec
APIService: metadata spec status
FlowSchema: metadata spec status
PriorityLevelConfiguration: metadata spec status
ValidatingWebhookConfiguration: metadata
MutatingWebhookConfiguration: metadata
WeightedPodAffinityTerm: podAffinityTerm
PreferredSchedulingTerm: preference
"""

# Fields without `omitempty`: they are written even when they are zero. The schemas call most of
# them required; these are the others, and the value that stands for zero.
_ALWAYS = """
StatefulSetSpec: serviceName=""
StatefulSetStatus: availableReplicas=0
PodDisruptionBudgetStatus: disruptionsAllowed=0 currentHealthy=0 desiredHealthy=0 expectedPods=0
EndpointSlice: endpoints=null ports=null
HorizontalPodAutoscalerStatus: currentMetrics=null
Role: rules=null
ClusterRole: rules=null
ScaleStatus: replicas=0
CustomResourceDefinitionStatus: conditions=null storedVersions=null
SubjectAccessReviewStatus: allowed=false
SubjectRulesReviewStatus: resourceRules=null nonResourceRules=null incomplete=false
CertificateSigningRequestSpec: request=""
DaemonEndpoint: Port=0
TokenRequestSpec: audiences=null
PodCondition: lastProbeTime=null lastTransitionTime=null
JobCondition: lastProbeTime=null lastTransitionTime=null
NodeCondition: lastHeartbeatTime=null lastTransitionTime=null
DeploymentCondition: lastUpdateTime=null lastTransitionTime=null
ReplicaSetCondition: lastTransitionTime=null
ContainerStateRunning: startedAt=null
ContainerStateTerminated: startedAt=null finishedAt=null
Event: eventTime=null firstTimestamp=null lastTimestamp=null
"""

_ZEROS = {'""': "", "0": 0, "null": None, "false": False}

_OPTIONAL = {
    # the schema calls them required, but the struct is a pointer or the field may stay away
    ("HTTPIngressPath", "pathType"),
    ("ContainerResizePolicy", "restartPolicy"),
}

ENUMS = {
    ("ContainerPort", "protocol"): {
        "SCTP": "is the SCTP protocol.",
        "TCP": "is the TCP protocol.",
        "UDP": "is the UDP protocol.",
    },
}
"""Allowed values with their words, for the fields whose `explain` shows them."""

DEFAULTS = {("ContainerPort", "protocol"): "TCP", ("ServicePort", "protocol"): "TCP"}
"""Defaults that take part in the keys of list maps."""


def _pairs(text: str) -> set[tuple[str, str]]:
    found = set()
    for line in text.strip().splitlines():
        struct, _, fields = line.partition(":")
        found |= {(struct, field) for field in fields.split()}
    return found


POINTERS = _pairs(_POINTERS)
BY_VALUE = _pairs(_BY_VALUE)
ALWAYS: dict[tuple[str, str], object] = {
    (struct, pair.partition("=")[0]): _ZEROS[pair.partition("=")[2]]
    for struct, pair in _pairs(_ALWAYS)
}
OPTIONAL = _OPTIONAL
