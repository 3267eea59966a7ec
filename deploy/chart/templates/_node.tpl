{{/* The name of what belongs to a node: the default one is named as the program. */}}
{{- define "eci-vnode.name" -}}
{{- if eq .name "virtual-kubelet" }}eci-vnode{{ else }}eci-vnode-{{ .name }}{{ end -}}
{{- end -}}

{{/* The share of a node of the account's rates: as given, or equal shares in the region. */}}
{{- define "eci-vnode.share" -}}
{{- $node := .node -}}
{{- if $node.budgetShare }}{{ $node.budgetShare }}
{{- else }}
{{- $same := 0 }}
{{- range .nodes }}{{ if eq .region $node.region }}{{ $same = add1 $same }}{{ end }}{{ end }}
{{- divf 1.0 $same }}
{{- end }}
{{- end -}}

{{/* The names of all nodes, as a list of YAML. */}}
{{- define "eci-vnode.nodeNames" -}}
{{- $names := list }}
{{- range .Values.nodes }}{{ $names = append $names .name }}{{ end -}}
[{{ join ", " $names }}]
{{- end -}}

{{/* The same as the items of a list in CEL. */}}
{{- define "eci-vnode.quotedNodeNames" -}}
{{- $names := list }}
{{- range .Values.nodes }}{{ $names = append $names (printf "'%s'" .name) }}{{ end -}}
{{ join ", " $names }}
{{- end -}}

{{/* The names of the leases of all leaders: as set, or by the node. */}}
{{- define "eci-vnode.leaseNames" -}}
{{- $names := list }}
{{- range .Values.nodes }}
{{- $set := dig "leaderElection" "name" "" (.settings | default dict) }}
{{- $names = append $names ($set | default (printf "eci-vnode-%s" .name)) }}
{{- end -}}
[{{ join ", " $names }}]
{{- end -}}

{{/* Whether a node has its serving certificate signed by the cluster. */}}
{{- define "eci-vnode.signed" -}}
{{- range .Values.nodes }}
{{- if dig "kubelet" "serverTLSBootstrap" false (.settings | default dict) }}yes{{ end }}
{{- end }}
{{- end -}}
