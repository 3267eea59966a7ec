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
