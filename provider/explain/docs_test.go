package explain

import (
	"bytes"
	"testing"
)

const fieldsPage = `# What becomes of every field of a pod

Every field of the pod API of Kubernetes 1.35 has one row. A field that is *translated* reaches the container group, or
is refused in part, with the path of the part. A field that is *kept by Kubernetes* is done there and means nothing to
the group. A field that is *refused* refuses the pod, unless its value asks for what ECI does anyway; nothing is dropped
in silence. ` + "`eci-vnode explain --fields`" + ` prints this table, and ` + "`eci-vnode explain -f pod.yaml`" + ` applies it.

This page is generated from the code by ` + "`make goldens`" + `.

`

const annotationsPage = `# Annotations

The annotations of a pod by which it says what only the cloud knows, with the parameter of CreateContainerGroup that each
one sets. A value that ECI would not take, and a misspelled key, refuse the pod with the nearest known name.
` + "`eci-vnode explain --annotations`" + ` prints this table.

This page is generated from the code by ` + "`make goldens`" + `.

`

func TestGoldenPagesOfTheDocumentation(t *testing.T) {
	for file, page := range map[string]struct {
		head  string
		table Table
	}{
		"../../docs/pod-fields.md":  {fieldsPage, Fields()},
		"../../docs/annotations.md": {annotationsPage, Annotations()},
	} {
		out := bytes.NewBufferString(page.head)
		if err := page.table.WriteMarkdown(out); err != nil {
			t.Fatal(err)
		}
		compareGolden(t, file, out.String())
	}
}
