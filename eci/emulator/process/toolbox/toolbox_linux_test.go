package toolbox

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// run gives a command a file to read, as a process has one: of any other reader
// the shell's library takes what the script itself is to be read from.
func run(t *testing.T, input string, argv ...string) (out, errs string, code int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stdin")
	if err := os.WriteFile(path, []byte(input), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var stdout, stderr bytes.Buffer
	code = commands()[argv[0]](call{name: argv[0], args: argv[1:], in: in, out: &stdout, err: &stderr})
	return stdout.String(), stderr.String(), code
}

func TestCommandsPrintAndEndAsTheirNamesakes(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("b 2\na 1\nc 3\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		input string
		argv  []string
		out   string
		code  int
	}{
		{"", []string{"test", "-e", file}, "", 0},
		{"", []string{"test", "-e", file + ".absent"}, "", 1},
		{"", []string{"[", "-d", dir, "]"}, "", 0},
		{"", []string{"echo", "-n", "a  b"}, "a  b", 0},
		{"", []string{"printf", "%s-%d\n", "a", "3"}, "a-3\n", 0},
		{"", []string{"false"}, "", 1},
		{"", []string{"grep", "-n", "a", file}, "2:a 1\n", 0},
		{"", []string{"grep", "absent", file}, "", 1},
		{"", []string{"grep", "-c", "[abc]", file}, "3\n", 0},
		{"", []string{"sort", file}, "a 1\nb 2\nc 3\n", 0},
		{"", []string{"head", "-n", "1", file}, "b 2\n", 0},
		{"", []string{"tail", "-n", "1", file}, "c 3\n", 0},
		{"1\n1\n2\n", []string{"uniq"}, "1\n2\n", 0},
		{"a:b:c\n", []string{"cut", "-d", ":", "-f", "2-"}, "b:c\n", 0},
		{"abc", []string{"sha256sum"}, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  -\n", 0},
		{"abc", []string{"md5sum"}, "900150983cd24fb0d6963f7d28e17f72  -\n", 0},
		{"a b\nc\n", []string{"wc", "-l"}, "2\n", 0},
		{"", []string{"seq", "3"}, "1\n2\n3\n", 0},
		{"", []string{"basename", "/a/b.c"}, "b.c\n", 0},
		{"", []string{"stat", "-c", "%a %s", file}, "640 12\n", 0},
		{"", []string{"cat", file}, "b 2\na 1\nc 3\n", 0},
		{"", []string{"sh", "-c", `x=$(echo "$1"); for i in 1 2; do echo $x$i; done; exit 7`, "sh", "n"}, "n1\nn2\n", 7},
		{"echo from stdin; exit 3\n", []string{"sh"}, "from stdin\n", 3},
		{"", []string{"sh", "-ec", "true; false; echo not here"}, "", 1},
		{"", []string{"sh", "-c", "no-such-command"}, "", 127},
	} {
		out, errs, code := run(t, c.input, c.argv...)
		if out != c.out || code != c.code {
			t.Errorf("%q: %q and %d, want %q and %d (stderr %q)", c.argv, out, code, c.out, c.code, errs)
		}
	}
}

func TestTarPacksAndUnpacksWhatKubectlCopies(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	if err := os.MkdirAll(filepath.Join(from, "dir", "inner"), 0o755); err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte("0123456789"), 100_000)
	if err := os.WriteFile(filepath.Join(from, "dir", "inner", "file"), want, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(from) // tar itself goes elsewhere with -C
	packed, errs, code := run(t, "", "tar", "cf", "-", "-C", from, "dir")
	if code != 0 {
		t.Fatalf("pack: %d %s", code, errs)
	}
	if _, errs, code := run(t, packed, "tar", "xmf", "-", "-C", to); code != 0 {
		t.Fatalf("unpack: %d %s", code, errs)
	}
	if got, err := os.ReadFile(filepath.Join(to, "dir", "inner", "file")); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d (%v)", len(got), len(want), err)
	}
}
