package explain

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

// benchmarkPod has what pods usually have: probes, ports, sizes, variables and
// files from ConfigMaps and a Secret.
const benchmarkPod = `apiVersion: v1
kind: Pod
metadata:
  name: pod-%d
  labels: {app: web}
spec:
  containers:
    - name: app
      image: nginx:1.27
      ports: [{containerPort: 80, name: http}]
      env:
        - {name: MODE, value: production}
        - name: TOKEN
          valueFrom: {secretKeyRef: {name: keys, key: token}}
        - name: POD_IP
          valueFrom: {fieldRef: {fieldPath: status.podIP}}
      envFrom: [{configMapRef: {name: settings}}]
      readinessProbe: {httpGet: {path: /healthz, port: 80}}
      resources: {requests: {cpu: 500m, memory: 1Gi}, limits: {cpu: "1", memory: 2Gi}}
      volumeMounts: [{name: files, mountPath: /etc/app}, {name: scratch, mountPath: /scratch}]
  volumes:
    - name: files
      configMap: {name: settings}
    - name: scratch
      emptyDir: {}
  tolerations: [{key: virtual-kubelet.io/provider, operator: Exists}]
---
`

const benchmarkObjects = `apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {COLOUR: blue, SIZE: big}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {token: s3cr3t}
`

// BenchmarkExplain1000Pods reads, explains and prints 1,000 pods that have
// nothing in common but two objects.
func BenchmarkExplain1000Pods(b *testing.B) {
	var file bytes.Buffer
	for i := range 1000 {
		fmt.Fprintf(&file, benchmarkPod, i)
	}
	file.WriteString(benchmarkObjects)
	cfg := testConfig()
	cfg.Requests = false
	for b.Loop() {
		manifests := NewManifests("default")
		if err := manifests.Read("pods.yaml", file.Bytes()); err != nil {
			b.Fatal(err)
		}
		report, err := Explain(b.Context(), manifests, cfg, Deps{Prices: DefaultListPrices()})
		if err != nil {
			b.Fatal(err)
		}
		if len(report.Pods) != 1000 || report.Refused() != 0 {
			b.Fatalf("%d pods, %d refused", len(report.Pods), report.Refused())
		}
		if err := report.WriteTable(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
