package explain

import (
	"bytes"
	"os"
	"strings"
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
one sets. A value that ECI would not take, and a misspelled key, refuse the pod with the nearest known name. A value that
names a resource of the account needs the permission of the column *Permission*; every pod has those in brackets unless
the operator takes them back, see [security.md](security.md).
` + "`eci-vnode explain --annotations`" + ` prints this table.

This page is generated from the code by ` + "`make goldens`" + `.

`

// TestGoldenTableOfPermissions keeps the table in docs/security.md like the code.
func TestGoldenTableOfPermissions(t *testing.T) {
	const page = "../../docs/security.md"
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- the table is written by make goldens -->\n", "<!-- end of the table -->"
	head, rest, found := strings.Cut(string(content), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s lacks the marks of the table", page)
	}
	out := bytes.NewBufferString(head + begin + "\n")
	if err := Resources().WriteMarkdown(out); err != nil {
		t.Fatal(err)
	}
	out.WriteString("\n" + end + tail)
	compareGolden(t, page, out.String())
}

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
