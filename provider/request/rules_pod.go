package request

import corev1 "k8s.io/api/core/v1"

const noBlockDevices = "ECI has no block devices in containers: mount the volume with a file system"

// podRules are the rows of the pod itself.
func podRules() []Rule {
	return join(
		translated(kindPodSpec, "volumes", "initContainers", "containers", "restartPolicy",
			"terminationGracePeriodSeconds", "activeDeadlineSeconds", "dnsPolicy", "dnsConfig",
			"shareProcessNamespace", "securityContext", "imagePullSecrets", "hostname", "hostnameOverride",
			"hostAliases", "enableServiceLinks", "overhead", "resources"),
		partly(kindPodSpec, "kubernetes.io/arch chooses the architecture of the group; the scheduler has acted on the rest",
			"nodeSelector"),
		kept(kindPodSpec, "placement: the scheduler has acted on it", "nodeName", "affinity",
			"schedulerName", "tolerations", "priorityClassName", "priority", "preemptionPolicy",
			"topologySpreadConstraints", "schedulingGates", "workloadRef"),
		kept(kindPodSpec, "the API server has put the token into the volumes of the pod", "serviceAccountName",
			"serviceAccount", "automountServiceAccountToken"),
		kept(kindPodSpec, "counted in the Ready condition", "readinessGates"),
		kept(kindPodSpec, "the DNS name is served by the cluster's DNS; the group's /etc/hosts has the short name",
			"subdomain"),
		refused(kindPodSpec, "an ECI group is no process of the node and has an address of its own: leave it out",
			"hostNetwork", "hostPID", "hostIPC"),
		refused(kindPodSpec, "ECI cannot start containers in a running group; use kubectl exec, or put the tools into a container of the pod", "ephemeralContainers"),
		refused(kindPodSpec, "ECI has one runtime, a virtual machine for every group: leave it out", "runtimeClassName"),
		unless(is(false), refused(kindPodSpec, "ECI sets the short host name only: hostnameOverride takes a whole one", "setHostnameAsFQDN")),
		unless(isLinux, refused(kindPodSpec, "only linux runs on this node: schedule the pod elsewhere", "os")),
		unless(is(true), refused(kindPodSpec, "ECI has no user namespaces, every group is a virtual machine of its own: leave it out",
			"hostUsers")),
		refused(kindPodSpec, "devices are not allocated for an ECI group: name an ECS type with GPUs in k8s.aliyun.com/eci-use-specs", "resourceClaims"),
	)
}

func isLinux(value any) bool { return value == any(corev1.PodOS{Name: corev1.Linux}) }

// containerRules are the rows of app containers.
func containerRules() []Rule {
	return join(
		translated(kindContainer, "name", "image", "command", "args", "workingDir", "ports", "envFrom", "env",
			"resources", "volumeMounts", "livenessProbe", "readinessProbe", "lifecycle", "terminationMessagePath",
			"terminationMessagePolicy", "imagePullPolicy", "securityContext", "stdin", "stdinOnce", "tty"),
		kept(kindContainer, "says what a later resize does", "resizePolicy"),
		partly(kindContainer, "worked into the two probes of ECI where they make the same check, see "+keyStartupProbe, "startupProbe"),
		refused(kindContainer, noBlockDevices, "volumeDevices"),
		refused(kindContainer, "ECI restarts all containers by the policy of the pod: set that one", "restartPolicy", "restartPolicyRules"),
	)
}

// initContainerRules are the rows of init containers.
func initContainerRules() []Rule {
	return join(
		translated(kindInitContainer, "name", "image", "command", "args", "workingDir", "ports", "envFrom", "env",
			"resources", "volumeMounts", "terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy",
			"securityContext"),
		kept(kindInitContainer, "says what a later resize does", "resizePolicy"),
		partly(kindInitContainer, "with Always it becomes an app container that starts before and ends after the others",
			"restartPolicy"),
		refused(kindInitContainer, "ECI restarts all containers by the policy of the pod: set that one", "restartPolicyRules"),
		refused(kindInitContainer, "ECI has no probes and hooks on init containers that end: use restartPolicy Always",
			"livenessProbe", "readinessProbe", "startupProbe", "lifecycle"),
		refused(kindInitContainer, noBlockDevices, "volumeDevices"),
		refused(kindInitContainer, "ECI has no input for init containers: read a file instead", "stdin", "stdinOnce", "tty"),
	)
}

// containerPartRules are the rows of the parts of a container.
func containerPartRules() []Rule {
	return join(
		translated(kindPort, "containerPort", "protocol"),
		kept(kindPort, "names are resolved where they are used", "name"),
		refused(kindPort, "a group has an address of its own: use the pod's IP and containerPort", "hostPort", "hostIP"),
		translated(kindEnvVarSource, "fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef"),
		refused(kindEnvVarSource, "ECI cannot read a variable from a file: let the command of the container read it", "fileKeyRef"),
		translated(kindVolumeMount, "name", "readOnly", "mountPath", "subPath", "subPathExpr", "mountPropagation"),
		unless(isBestEffortReadOnly, refused(kindVolumeMount, "ECI makes only the mount itself read-only",
			"recursiveReadOnly")),
		translated(kindResources, "limits", "requests"),
		refused(kindResources, "devices are not allocated for an ECI group: name an ECS type with GPUs in k8s.aliyun.com/eci-use-specs", "claims"),
	)
}

// isBestEffortReadOnly holds for the values that do not insist.
func isBestEffortReadOnly(value any) bool {
	return value == any(corev1.RecursiveReadOnlyDisabled) || value == any(corev1.RecursiveReadOnlyIfPossible)
}

// probeRules are the rows of probes and hooks.
func probeRules() []Rule {
	return join(
		translated(kindProbe, "exec", "httpGet", "tcpSocket", "initialDelaySeconds", "timeoutSeconds",
			"periodSeconds", "failureThreshold"),
		unless(is[int32](1), refused(kindProbe, "ECI counts one success as enough: minReadySeconds of a workload asks for lasting readiness",
			"successThreshold")),
		partly(kindProbe, "made a tcp or exec probe, see "+keyGRPCProbe, "grpc"),
		partly(kindProbe, "only the grace period of the pod itself", "terminationGracePeriodSeconds"),
		translated(kindHTTPProbe, "path", "port", "scheme"),
		partly(kindHTTPProbe, "made an exec probe with a program of the image, see "+keyHTTPProbe, "host", "httpHeaders"),
		translated(kindTCPProbe, "port"),
		refused(kindTCPProbe, "ECI probes the group itself: leave it out, or use an exec probe", "host"),
		partly(kindGRPCProbe, "see "+keyGRPCProbe, "port", "service"),
		translated(kindLifecycle, "postStart", "preStop"),
		refused(kindLifecycle, "ECI sends the stop signal of the image: use a preStop hook", "stopSignal"),
		translated(kindHook, "exec", "httpGet", "tcpSocket"),
		refused(kindHook, "ECI has no sleep hook; use exec with the sleep program of the image", "sleep"),
	)
}
