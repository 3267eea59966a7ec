package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// copyChecks carry files both ways; what arrives is summed up on the other side.
func copyChecks(t *testing.T) []check {
	t.Helper()
	words := strings.Fields
	dir := filepath.Join(t.TempDir(), "files")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	large := bytes.Repeat([]byte("\x00\xff binary\r\n"), 1<<19)
	for name, content := range map[string][]byte{"small": []byte("small\n"), "empty": nil, "large": large} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	then := func(name, args, container, script, out string) check {
		return check{name: name, args: words(args), after: append(words("exec "+container+" -- sh -c"), script), afterOut: out}
	}
	back := func(name, args, file string) check {
		return check{name: name, args: words(args + " " + filepath.Join(filepath.Dir(dir), file)), out: `.*`, err: `.*`}
	}
	return []check{
		then("a file", "cp "+dir+"/small one:/tmp/small", "one", "cat /tmp/small", `small\n`),
		then("an empty file", "cp "+dir+"/empty one:/tmp/empty", "one", "wc -c </tmp/empty", `\s*0\n`),
		then("a large file", "cp "+dir+"/large one:/tmp/large", "one", "sha256sum </tmp/large", fmt.Sprintf(`%x  -\n`, sha256.Sum256(large))),
		then("to a container by name", "cp "+dir+"/small several:/tmp/small -c second", "several -c second", "cat /tmp/small", `small\n`),
		then("a directory", "cp "+dir+" one:/tmp/dir", "one", "ls /tmp/dir", `empty\s+large\s+small\s+`),
		back("from a pod", "cp one:/etc/hosts", "hosts"),
	}
}
