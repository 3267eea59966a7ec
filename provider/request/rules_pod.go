package request

import corev1 "k8s.io/api/core/v1"

// podRules are the rows of the pod itself.
func podRules() []Rule {
	return join(
		translated(kindPodSpec, "volumes", "initContainers", "containers", "restartPolicy",
			"terminationGracePeriodSeconds", "activeDeadlineSeconds", "dnsPolicy", "dnsConfig",
			"shareProcessNamespace", "securityContext", "imagePullSecrets", "hostname", "hostnameOverride",
			"hostAliases", "enableServiceLinks", "overhead", "resources"),
		kept(kindPodSpec, "placement: the scheduler has acted on it", "nodeSelector", "nodeName", "affinity",
			"schedulerName", "tolerations", "priorityClassName", "priority", "preemptionPolicy",
			"topologySpreadConstraints", "schedulingGates", "workloadRef"),
		kept(kindPodSpec, "the API server has put the token into the volumes of the pod", "serviceAccountName",
			"serviceAccount", "automountServiceAccountToken"),
		kept(kindPodSpec, "counted in the Ready condition", "readinessGates"),
		kept(kindPodSpec, "the DNS name is served by the cluster's DNS; the group's /etc/hosts has the short name",
			"subdomain"),
		refused(kindPodSpec, "an ECI group is no process of the node; it has an address of its own",
			"hostNetwork", "hostPID", "hostIPC"),
		refused(kindPodSpec, "ECI cannot start containers in a running group; use kubectl exec", "ephemeralContainers"),
		refused(kindPodSpec, "ECI has one runtime, a virtual machine for every group", "runtimeClassName"),
		refused(kindPodSpec, "ECI sets the short host name only", "setHostnameAsFQDN"),
		unless(isLinux, refused(kindPodSpec, "only linux runs on ECI by this node", "os")),
		unless(is(true), refused(kindPodSpec, "ECI has no user namespaces; every group is a virtual machine of its own",
			"hostUsers")),
		refused(kindPodSpec, "devices are not allocated for an ECI group", "resourceClaims"),
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
		refused(kindContainer, "ECI has no startup probe; raise initialDelaySeconds of the others", "startupProbe"),
		refused(kindContainer, "ECI has no block devices in containers", "volumeDevices"),
		refused(kindContainer, "ECI restarts all containers by the policy of the pod", "restartPolicy", "restartPolicyRules"),
	)
}

// initContainerRules are the rows of init containers.
func initContainerRules() []Rule {
	return join(
		translated(kindInitContainer, "name", "image", "command", "args", "workingDir", "ports", "envFrom", "env",
			"resources", "volumeMounts", "terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy",
			"securityContext"),
		kept(kindInitContainer, "says what a later resize does", "resizePolicy"),
		refused(kindInitContainer, "ECI has no sidecar containers of this form; make it an ordinary container",
			"restartPolicy", "restartPolicyRules"),
		refused(kindInitContainer, "ECI has no probes and hooks on init containers", "livenessProbe", "readinessProbe",
			"startupProbe", "lifecycle"),
		refused(kindInitContainer, "ECI has no block devices in containers", "volumeDevices"),
		refused(kindInitContainer, "ECI has no input for init containers", "stdin", "stdinOnce", "tty"),
	)
}

// containerPartRules are the rows of the parts of a container.
func containerPartRules() []Rule {
	return join(
		translated(kindPort, "containerPort", "protocol"),
		kept(kindPort, "names are resolved where they are used", "name"),
		refused(kindPort, "a group has an address of its own: use the pod's IP and containerPort", "hostPort", "hostIP"),
		translated(kindEnvVarSource, "fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef"),
		refused(kindEnvVarSource, "ECI cannot read a variable from a file", "fileKeyRef"),
		translated(kindVolumeMount, "name", "readOnly", "mountPath", "subPath", "subPathExpr", "mountPropagation"),
		unless(isBestEffortReadOnly, refused(kindVolumeMount, "ECI makes only the mount itself read-only",
			"recursiveReadOnly")),
		translated(kindResources, "limits", "requests"),
		refused(kindResources, "devices are not allocated for an ECI group", "claims"),
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
		unless(is[int32](1), refused(kindProbe, "ECI counts one success as enough", "successThreshold")),
		refused(kindProbe, "ECI has no gRPC probe; use an exec probe", "grpc"),
		refused(kindProbe, "ECI has one grace period for the pod", "terminationGracePeriodSeconds"),
		translated(kindHTTPProbe, "path", "port", "scheme"),
		refused(kindHTTPProbe, "ECI probes the group itself and sends no headers of yours; use an exec probe",
			"host", "httpHeaders"),
		translated(kindTCPProbe, "port"),
		refused(kindTCPProbe, "ECI probes the group itself; use an exec probe", "host"),
		translated(kindLifecycle, "postStart", "preStop"),
		refused(kindLifecycle, "ECI sends the stop signal of the image", "stopSignal"),
		translated(kindHook, "exec", "httpGet", "tcpSocket"),
		refused(kindHook, "ECI has no sleep hook; use exec with the sleep program of the image", "sleep"),
	)
}
