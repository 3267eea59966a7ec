package emulator

import (
	"strings"
	"testing"
	"time"
)

// trace shows what a command line does, step by step.
func trace(p program) string {
	var out []string
	for _, s := range p.steps {
		switch s.kind {
		case stepPrint:
			out = append(out, "print "+s.text+s.file)
		case stepSleep:
			out = append(out, "sleep "+s.pause.String())
		case stepJump:
			return strings.Join(append(out, "again"), ", ")
		case stepForever:
			return strings.Join(append(out, "forever"), ", ")
		}
	}
	return strings.Join(append(out, "exit "+string(rune('0'+p.code))), ", ")
}

func TestCommandLinesAreUnderstood(t *testing.T) {
	sh := func(script string) []string { return []string{"sh", "-c", script} }
	env := map[string]string{"NAME": "world", "EMPTY": ""}
	files := func(file string) (string, bool) { return "address=\"1.2.3.4\"", file == "/etc/info" }
	for _, tc := range []struct {
		argv []string
		want string
	}{
		{nil, "forever"},
		{[]string{"nginx", "-g", "daemon off;"}, "forever"},
		{[]string{"sleep", "5"}, "sleep 5s, exit 0"},
		{[]string{"/bin/sleep", "1.5m"}, "sleep 1m30s, exit 0"},
		{[]string{"sleep", "infinity"}, "forever"},
		{[]string{"exit", "3"}, "exit 3"},
		{[]string{"false"}, "exit 1"},
		{[]string{"echo", "a", "b"}, "print a b\n, exit 0"},
		{sh("sleep 2; exit 4"), "sleep 2s, exit 4"},
		{sh("true && echo yes || echo no"), "print yes\n, exit 0"},
		{sh("false && echo yes || echo no"), "print no\n, exit 0"},
		{sh("false && echo yes"), "exit 1"},
		{sh("echo 'a  b' \"c $NAME\" $NAME${EMPTY}x \\$NAME '$NAME'"), "print a  b c world worldx $NAME $NAME\n, exit 0"},
		{sh("echo one\necho -n two # three"), "print one\n, print two, exit 0"},
		{sh("echo hi >&2; echo bye 2>&1"), "print hi\n, print bye\n, exit 0"},
		{sh("echo why > /dev/termination-log; exit 2"), "print why\n/dev/termination-log, exit 2"},
		{sh("while true; do echo x; sleep 1; done"), "print x\n, sleep 1s, again"},
		{sh("while true\ndo\n echo x\n sleep 1\ndone"), "print x\n, sleep 1s, again"},
		{sh("while true; do echo x; done"), "print x\n, forever"},
		{sh("while true; do sleep 1"), "sleep 1s, forever"},
		{sh("until grep -q 'address=' /etc/info; do sleep 1; done; echo up"), "print up\n, exit 0"},
		{sh("until grep -q name= /etc/info; do sleep 1; done; echo up"), "sleep 1s, again"},
		{sh("until grep -q 'a.*=' /etc/info; do sleep 1; done"), "forever"},
		{sh("until nc -z db 1; do sleep 1; done"), "forever"},
		{sh("echo a; exec nginx"), "print a\n, forever"},
		{sh("echo a | cat"), "forever"},
		{sh("sleep 1 &"), "forever"},
		{sh("echo $(ls)"), "forever"},
		{sh("echo 'a"), "forever"},
		{sh("echo a >"), "forever"},
		{sh("exit 3; echo never"), "exit 3"},
		{[]string{"/bin/bash", "-ec", "set -x; exit 5"}, "exit 5"},
		{[]string{"sh", "-e", "-c", "exit 5"}, "exit 5"},
		{[]string{"sh", "run.sh", "-c"}, "forever"},
		{sh(""), "exit 0"},
		{sh("sleep x"), "forever"},
		{sh("sleep -1"), "forever"},
		{sh("sleep NaN"), "forever"},
	} {
		if got := trace(compile(tc.argv, env, files)); got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.argv, got, tc.want)
		}
	}
}

func TestTrapsDecideWhatTERMDoes(t *testing.T) {
	for script, want := range map[string]program{
		"trap '' TERM; sleep 1":          {deaf: true},
		"trap 'exit 3' TERM INT":         {handled: true, termCode: 3},
		"trap 'exit 0' SIGTERM; sleep 1": {handled: true},
		"trap 'exit 3' INT":              {},
		"trap 'cleanup' TERM":            {},
	} {
		got := compile([]string{"sh", "-c", script}, nil, nil)
		if got.deaf != want.deaf || got.handled != want.handled || got.termCode != want.termCode {
			t.Errorf("%s: got %+v", script, got)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, seed := range []string{"while true; do sleep 1; done", "echo $A ${B} \"$C\" 'd' \\e > f && exit 1 || false", "trap 'trap x TERM' TERM", "do done while", "1>&2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, script string) {
		p := compile([]string{"sh", "-c", script}, map[string]string{"A": "1"}, nil)
		pause := time.Duration(0)
		for _, s := range p.steps {
			if s.kind == stepJump && (s.target < 0 || s.target >= len(p.steps)) {
				t.Fatalf("%q jumps out of its steps", script)
			}
			pause += s.pause
			if s.kind == stepJump && pause <= 0 {
				t.Fatalf("%q loops without a pause", script)
			}
			if s.pause < 0 {
				t.Fatalf("%q sleeps %s", script, s.pause)
			}
		}
	})
}
