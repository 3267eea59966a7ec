package main

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// TestGoldenOutputsInTheDocumentation runs every explain command that the page
// shows, at the root of the repository, and compares with the output below it.
func TestGoldenOutputsInTheDocumentation(t *testing.T) {
	t.Chdir("../..")
	const page = "docs/explain.md"
	before, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	block := regexp.MustCompile("(?s)```console\n\\$ eci-vnode (explain[^\n]*)\n(.*?)```")
	after := block.ReplaceAllFunc(before, func(text []byte) []byte {
		command := string(block.FindSubmatch(text)[1])
		ran++
		var out bytes.Buffer
		err := execute(t.Context(), strings.Fields(command), func(string) (string, bool) { return "", false }, &out, &out)
		if status := exitStatus(err); status != 0 {
			out.WriteString("eci-vnode: " + err.Error() + "\n")
		}
		return []byte("```console\n$ eci-vnode " + command + "\n" + out.String() + "```")
	})
	if ran < 3 {
		t.Errorf("only %d commands are in %s", ran, page)
	}
	if *update {
		if err := os.WriteFile(page, after, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(before), string(after)); diff != "" {
		t.Errorf("%s (make goldens to accept):\n%s", page, diff)
	}
}
