package shell_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci/emulator/shell"
)

func host() shell.Host {
	return shell.Host{
		Name: "web", Env: map[string]string{"GREETING": "hello  world"}, Ports: []int32{80},
		Sleep: func(ctx context.Context, d time.Duration) error {
			if d > time.Minute {
				<-ctx.Done()
			}
			return ctx.Err()
		},
		Now: time.Now,
	}
}

func TestCommandsBehaveAsInAContainer(t *testing.T) {
	sh := func(script string, args ...string) []string { return append([]string{"sh", "-c", script}, args...) }
	for _, tc := range []struct {
		argv     []string
		stdin    string
		out, err string
		code     int
	}{
		{argv: []string{"echo", "a  b", "", "c\nd"}, out: "a  b  c\nd\n"},
		{argv: []string{"/bin/cat"}, stdin: "line\x00s\n", out: "line\x00s\n"},
		{argv: []string{"cat", "/etc/passwd"}, err: "cat: /etc/passwd: No such file or directory\n", code: 1},
		{argv: []string{"true"}},
		{argv: []string{"false"}, code: 1},
		{argv: []string{"printf", "%s-%s\n", "a", "b c"}, out: "a-b c\n"},
		{argv: sh("exit 3"), code: 3},
		{argv: sh("echo out; echo err >&2; exit 4"), out: "out\n", err: "err\n", code: 4},
		{argv: sh(`echo "$1|$2|$#" "$GREETING"`, "name", "a b", ""), out: "a b||2 hello  world\n"},
		{argv: sh(`echo "$0"`, "name", "one"), out: "name\n"},
		{argv: sh("cat | wc -c"), stdin: "12345", out: "5\n"},
		{argv: sh("for i in 1 2 3; do printf $i; done; false || echo .$?"), out: "123.1\n"},
		{argv: sh("nosuch; echo $?"), out: "127\n", err: "sh: nosuch: not found\n"},
		{argv: sh("(exec echo 'a\\nb'; echo never); echo $?"), out: "a\\nb\n0\n"},
		{argv: sh("command -v cat && command -v socat"), out: "/bin/cat\n", code: 1},
		{argv: sh("read -r a; dd bs=3 count=1 iflag=fullblock 2>/dev/null; read -r b; echo \"$a/$b\""), stdin: "one\nxyztwo\n", out: "xyzone/two\n"},
		{argv: sh("echo x > /tmp/file; echo $?"), out: "1\n", err: "open /tmp/file: file does not exist\n"},
		{argv: sh("echo x > /dev/null; test -e /etc/passwd; echo $?"), out: "1\n"},
		{argv: sh("cd /etc"), err: "denied: cd: a simulated container has no files\n", code: 1},
		{argv: sh("if"), err: "sh:1:1: `if` must be followed by a statement list\n", code: 2},
		{argv: []string{"sh"}, stdin: "echo one\nexit 7\necho two\n", out: "one\n", code: 7},
		{argv: []string{"seq", "3"}, out: "1\n2\n3\n"},
		{argv: []string{"hostname"}, out: "web\n"},
		{argv: []string{"sha256sum"}, stdin: "abc", out: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  -\n"},
		{argv: []string{"nc", "127.0.0.1", "81"}, err: "nc: 127.0.0.1:81: Connection refused\n", code: 1},
	} {
		var out, errOut bytes.Buffer
		code, err := shell.Run(t.Context(), host(), tc.argv, shell.Streams{Stdin: strings.NewReader(tc.stdin), Stdout: &out, Stderr: &errOut})
		if err != nil || code != tc.code || out.String() != tc.out || errOut.String() != tc.err {
			t.Errorf("%q: code %d, error %v, out %q, err %q; want %d, %q, %q", tc.argv, code, err, out.String(), errOut.String(), tc.code, tc.out, tc.err)
		}
	}
}

func TestAnUnknownProgramIsNotStarted(t *testing.T) {
	if _, err := shell.Run(t.Context(), host(), []string{"nginx"}, shell.Streams{}); !errors.Is(err, shell.ErrNoCommand) {
		t.Errorf("got %v", err)
	}
}

func TestADeclaredPortAnswersHTTP(t *testing.T) {
	var out bytes.Buffer
	in := strings.NewReader("POST /path HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc")
	code, err := shell.Run(t.Context(), host(), []string{"nc", "localhost", "80"}, shell.Streams{Stdin: in, Stdout: &out})
	if err != nil || code != 0 || !strings.HasSuffix(out.String(), "simulated: web on port 80 took POST /path with 3 bytes\n") {
		t.Errorf("code %d, error %v, out %q", code, err, out.String())
	}
}

func TestWhatBlocksEndsWithTheContext(t *testing.T) {
	silent, write := blocked()
	defer write.Close()
	for _, argv := range [][]string{{"sleep", "3600"}, {"cat"}, {"sh", "-c", "cat | cat"}, {"sh", "-c", "while true; do :; done"}, {"sh", "-c", "read x"}} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := shell.Run(ctx, host(), argv, shell.Streams{Stdin: silent})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%q: got %v", argv, err)
		}
		cancel()
	}
}
