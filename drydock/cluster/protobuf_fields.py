"""Field numbers of the messages that kubectl sends as protobuf.

A line is `Message: number name type, ...`. Types: string int bool bytes quantity time microtime
int-or-string strings, the name of another message, `[]` before it for repeated and `map:` for maps
with text keys. The name `.` means that the message is part of its parent in JSON.
"""

from __future__ import annotations

_TABLE = """
ObjectMeta: 1 name string, 2 generateName string, 3 namespace string, 4 selfLink string, 5 uid string
ObjectMeta: 6 resourceVersion string, 7 generation int, 8 creationTimestamp time
ObjectMeta: 9 deletionTimestamp time, 10 deletionGracePeriodSeconds int, 11 labels map:string
ObjectMeta: 12 annotations map:string, 13 ownerReferences []OwnerReference, 14 finalizers []string
OwnerReference: 1 kind string, 3 name string, 4 uid string, 5 apiVersion string, 6 controller bool
OwnerReference: 7 blockOwnerDeletion bool
ObjectReference: 1 kind string, 2 namespace string, 3 name string, 4 uid string, 5 apiVersion string
ObjectReference: 6 resourceVersion string, 7 fieldPath string
LocalObjectReference: 1 name string
LabelSelector: 1 matchLabels map:string, 2 matchExpressions []LabelSelectorRequirement
LabelSelectorRequirement: 1 key string, 2 operator string, 3 values []string
ConfigMap: 1 metadata ObjectMeta, 2 data map:string, 3 binaryData map:bytes, 4 immutable bool
Secret: 1 metadata ObjectMeta, 2 data map:bytes, 3 type string, 4 stringData map:string
Secret: 5 immutable bool
ServiceAccount: 1 metadata ObjectMeta, 2 secrets []ObjectReference
ServiceAccount: 3 imagePullSecrets []LocalObjectReference, 4 automountServiceAccountToken bool
Namespace: 1 metadata ObjectMeta, 2 spec NamespaceSpec, 3 status NamespaceStatus
NamespaceSpec: 1 finalizers []string
NamespaceStatus: 1 phase string
Service: 1 metadata ObjectMeta, 2 spec ServiceSpec, 3 status ServiceStatus
ServiceSpec: 1 ports []ServicePort, 2 selector map:string, 3 clusterIP string, 4 type string
ServiceSpec: 5 externalIPs []string, 7 sessionAffinity string, 8 loadBalancerIP string
ServiceSpec: 9 loadBalancerSourceRanges []string, 10 externalName string
ServiceSpec: 11 externalTrafficPolicy string, 12 healthCheckNodePort int
ServiceSpec: 13 publishNotReadyAddresses bool, 17 ipFamilyPolicy string, 18 clusterIPs []string
ServiceSpec: 19 ipFamilies []string, 20 allocateLoadBalancerNodePorts bool
ServiceSpec: 21 loadBalancerClass string, 22 internalTrafficPolicy string
ServicePort: 1 name string, 2 protocol string, 3 port int, 4 targetPort int-or-string, 5 nodePort int
ServicePort: 6 appProtocol string
ServiceStatus: 1 loadBalancer LoadBalancerStatus
LoadBalancerStatus:
Deployment: 1 metadata ObjectMeta, 2 spec DeploymentSpec, 3 status DeploymentStatus
DeploymentSpec: 1 replicas int, 2 selector LabelSelector, 3 template PodTemplateSpec
DeploymentSpec: 4 strategy DeploymentStrategy, 5 minReadySeconds int, 6 revisionHistoryLimit int
DeploymentSpec: 7 paused bool, 9 progressDeadlineSeconds int
DeploymentStrategy: 1 type string, 2 rollingUpdate RollingUpdateDeployment
RollingUpdateDeployment: 1 maxUnavailable int-or-string, 2 maxSurge int-or-string
DeploymentStatus: 1 observedGeneration int, 2 replicas int, 3 updatedReplicas int
DeploymentStatus: 4 availableReplicas int, 5 unavailableReplicas int, 7 readyReplicas int
PodTemplateSpec: 1 metadata ObjectMeta, 2 spec PodSpec
PodSpec: 1 volumes []Volume, 2 containers []Container, 3 restartPolicy string
PodSpec: 4 terminationGracePeriodSeconds int, 5 activeDeadlineSeconds int, 6 dnsPolicy string
PodSpec: 7 nodeSelector map:string, 8 serviceAccountName string, 9 serviceAccount string
PodSpec: 10 nodeName string, 11 hostNetwork bool, 12 hostPID bool, 13 hostIPC bool
PodSpec: 14 securityContext PodSecurityContext, 15 imagePullSecrets []LocalObjectReference
PodSpec: 16 hostname string, 17 subdomain string, 19 schedulerName string
PodSpec: 20 initContainers []Container, 21 automountServiceAccountToken bool
PodSpec: 22 tolerations []Toleration, 24 priorityClassName string, 25 priority int
PodSecurityContext: 2 runAsUser int, 3 runAsNonRoot bool, 4 supplementalGroups []int, 5 fsGroup int
PodSecurityContext: 6 runAsGroup int
Toleration: 1 key string, 2 operator string, 3 value string, 4 effect string, 5 tolerationSeconds int
Volume: 1 name string
Container: 1 name string, 2 image string, 3 command []string, 4 args []string, 5 workingDir string
Container: 6 ports []ContainerPort, 7 env []EnvVar, 8 resources ResourceRequirements
Container: 9 volumeMounts []VolumeMount, 13 terminationMessagePath string
Container: 14 imagePullPolicy string, 16 stdin bool, 17 stdinOnce bool, 18 tty bool
Container: 20 terminationMessagePolicy string
ContainerPort: 1 name string, 2 hostPort int, 3 containerPort int, 4 protocol string, 5 hostIP string
EnvVar: 1 name string, 2 value string
VolumeMount: 1 name string, 2 readOnly bool, 3 mountPath string, 4 subPath string
ResourceRequirements: 1 limits map:quantity, 2 requests map:quantity
Job: 1 metadata ObjectMeta, 2 spec JobSpec, 3 status JobStatus
JobSpec: 1 parallelism int, 2 completions int, 3 activeDeadlineSeconds int, 4 selector LabelSelector
JobSpec: 5 manualSelector bool, 6 template PodTemplateSpec, 7 backoffLimit int
JobSpec: 8 ttlSecondsAfterFinished int, 9 completionMode string, 10 suspend bool
JobSpec: 14 podReplacementPolicy string
JobStatus: 2 startTime time, 3 completionTime time, 4 active int, 5 succeeded int, 6 failed int
JobStatus: 7 completedIndexes string
CronJob: 1 metadata ObjectMeta, 2 spec CronJobSpec, 3 status CronJobStatus
CronJobSpec: 1 schedule string, 2 startingDeadlineSeconds int, 3 concurrencyPolicy string
CronJobSpec: 4 suspend bool, 5 jobTemplate JobTemplateSpec, 6 successfulJobsHistoryLimit int
CronJobSpec: 7 failedJobsHistoryLimit int, 8 timeZone string
CronJobStatus: 4 lastScheduleTime time, 5 lastSuccessfulTime time
JobTemplateSpec: 1 metadata ObjectMeta, 2 spec JobSpec
PolicyRule: 1 verbs []string, 2 apiGroups []string, 3 resources []string, 4 resourceNames []string
PolicyRule: 5 nonResourceURLs []string
Role: 1 metadata ObjectMeta, 2 rules []PolicyRule
ClusterRole: 1 metadata ObjectMeta, 2 rules []PolicyRule, 3 aggregationRule AggregationRule
AggregationRule: 1 clusterRoleSelectors []LabelSelector
Subject: 1 kind string, 2 apiGroup string, 3 name string, 4 namespace string
RoleRef: 1 apiGroup string, 2 kind string, 3 name string
RoleBinding: 1 metadata ObjectMeta, 2 subjects []Subject, 3 roleRef RoleRef
ClusterRoleBinding: 1 metadata ObjectMeta, 2 subjects []Subject, 3 roleRef RoleRef
ResourceQuota: 1 metadata ObjectMeta, 2 spec ResourceQuotaSpec, 3 status ResourceQuotaStatus
ResourceQuotaSpec: 1 hard map:quantity, 2 scopes []string
ResourceQuotaStatus: 1 hard map:quantity, 2 used map:quantity
PodDisruptionBudget: 1 metadata ObjectMeta, 2 spec PodDisruptionBudgetSpec
PodDisruptionBudget: 3 status PodDisruptionBudgetStatus
PodDisruptionBudgetSpec: 1 minAvailable int-or-string, 2 selector LabelSelector
PodDisruptionBudgetSpec: 3 maxUnavailable int-or-string, 4 unhealthyPodEvictionPolicy string
PodDisruptionBudgetStatus: 1 observedGeneration int, 3 disruptionsAllowed int, 4 currentHealthy int
PodDisruptionBudgetStatus: 5 desiredHealthy int, 6 expectedPods int
PriorityClass: 1 metadata ObjectMeta, 2 value int, 3 globalDefault bool, 4 description string
PriorityClass: 5 preemptionPolicy string
Ingress: 1 metadata ObjectMeta, 2 spec IngressSpec, 3 status IngressStatus
IngressSpec: 1 defaultBackend IngressBackend, 2 tls []IngressTLS, 3 rules []IngressRule
IngressSpec: 4 ingressClassName string
IngressBackend: 4 service IngressServiceBackend
IngressServiceBackend: 1 name string, 2 port ServiceBackendPort
ServiceBackendPort: 1 name string, 2 number int
IngressTLS: 1 hosts []string, 2 secretName string
IngressRule: 1 host string, 2 . IngressRuleValue
IngressRuleValue: 1 http HTTPIngressRuleValue
HTTPIngressRuleValue: 1 paths []HTTPIngressPath
HTTPIngressPath: 1 path string, 2 backend IngressBackend, 3 pathType string
IngressStatus: 1 loadBalancer LoadBalancerStatus
HorizontalPodAutoscaler: 1 metadata ObjectMeta, 2 spec HorizontalPodAutoscalerSpec
HorizontalPodAutoscaler: 3 status HorizontalPodAutoscalerStatus
HorizontalPodAutoscalerSpec: 1 scaleTargetRef CrossVersionObjectReference, 2 minReplicas int
HorizontalPodAutoscalerSpec: 3 maxReplicas int, 4 metrics []MetricSpec
CrossVersionObjectReference: 1 kind string, 2 name string, 3 apiVersion string
MetricSpec: 1 type string, 4 resource ResourceMetricSource
ResourceMetricSource: 1 name string, 2 target MetricTarget
MetricTarget: 1 type string, 2 value quantity, 3 averageValue quantity, 4 averageUtilization int
HorizontalPodAutoscalerStatus: 1 observedGeneration int, 3 currentReplicas int, 4 desiredReplicas int
SelfSubjectAccessReview: 1 metadata ObjectMeta, 2 spec SelfSubjectAccessReviewSpec
SelfSubjectAccessReview: 3 status SubjectAccessReviewStatus
SelfSubjectAccessReviewSpec: 1 resourceAttributes ResourceAttributes
SelfSubjectAccessReviewSpec: 2 nonResourceAttributes NonResourceAttributes
SubjectAccessReviewStatus: 1 allowed bool, 2 reason string, 3 evaluationError string, 4 denied bool
ResourceAttributes: 1 namespace string, 2 verb string, 3 group string, 4 version string
ResourceAttributes: 5 resource string, 6 subresource string, 7 name string
NonResourceAttributes: 1 path string, 2 verb string
SubjectAccessReview: 1 metadata ObjectMeta, 2 spec SubjectAccessReviewSpec
SubjectAccessReview: 3 status SubjectAccessReviewStatus
LocalSubjectAccessReview: 1 metadata ObjectMeta, 2 spec SubjectAccessReviewSpec
LocalSubjectAccessReview: 3 status SubjectAccessReviewStatus
SubjectAccessReviewSpec: 1 resourceAttributes ResourceAttributes
SubjectAccessReviewSpec: 2 nonResourceAttributes NonResourceAttributes, 3 user string
SubjectAccessReviewSpec: 4 groups []string, 5 extra map:strings, 6 uid string
SelfSubjectRulesReview: 1 metadata ObjectMeta, 2 spec SelfSubjectRulesReviewSpec
SelfSubjectRulesReview: 3 status SubjectRulesReviewStatus
SelfSubjectRulesReviewSpec: 1 namespace string
SubjectRulesReviewStatus: 3 incomplete bool, 4 evaluationError string
SelfSubjectReview: 1 metadata ObjectMeta, 2 status SelfSubjectReviewStatus
SelfSubjectReviewStatus: 1 userInfo UserInfo
UserInfo: 1 username string, 2 uid string, 3 groups []string, 4 extra map:strings
TokenRequest: 1 metadata ObjectMeta, 2 spec TokenRequestSpec, 3 status TokenRequestStatus
TokenRequestSpec: 1 audiences []string, 3 boundObjectRef BoundObjectReference
TokenRequestSpec: 4 expirationSeconds int
BoundObjectReference: 1 kind string, 2 apiVersion string, 3 name string, 4 uid string
TokenRequestStatus: 1 token string, 2 expirationTimestamp time
Eviction: 1 metadata ObjectMeta, 2 deleteOptions DeleteOptions
DeleteOptions: 1 gracePeriodSeconds int, 2 preconditions Preconditions, 3 orphanDependents bool
DeleteOptions: 4 propagationPolicy string, 5 dryRun []string
Preconditions: 1 uid string, 2 resourceVersion string
Lease: 1 metadata ObjectMeta, 2 spec LeaseSpec
LeaseSpec: 1 holderIdentity string, 2 leaseDurationSeconds int, 3 acquireTime microtime
LeaseSpec: 4 renewTime microtime, 5 leaseTransitions int
"""

Field = tuple[str, str]


def _read() -> dict[str, dict[int, Field]]:
    found: dict[str, dict[int, Field]] = {}
    for line in _TABLE.strip().splitlines():
        message, _, fields = line.partition(":")
        known = found.setdefault(message, {})
        for field in filter(None, (part.strip() for part in fields.split(", "))):
            number, name, kind = field.split()
            known[int(number)] = (name, kind)
    return found


MESSAGES = _read()
