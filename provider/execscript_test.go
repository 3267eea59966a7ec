package provider

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/execstream"
)

// shells are those of this machine that the scripts are tried on.
func shells(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, name := range []string{"dash", "bash", "busybox"} {
		if path, err := exec.LookPath(name); err == nil {
			found = append(found, path)
		}
	}
	if len(found) == 0 {
		t.Fatal("there is no shell on this machine")
	}
	return found
}

// mustRunPlan runs the command of a plan as the cloud would, with a real shell, and
// leaves its number out of what it prints.
func mustRunPlan(t *testing.T, shell string, plan execPlan, stdin string) (out, errOut string) {
	t.Helper()
	if len(plan.command) > eci.MaxExecParts {
		t.Fatalf("%d parts", len(plan.command))
	}
	for _, part := range plan.command {
		if len([]rune(part)) > eci.MaxExecPart {
			t.Fatalf("a part of %d characters", len([]rune(part)))
		}
	}
	cmd := exec.Command(shell, plan.command[1:]...)
	if strings.HasSuffix(shell, "busybox") {
		cmd.Args = append([]string{"busybox", "sh"}, plan.command[1:]...)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(plan.preamble+stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil && stdout.Len() == 0 {
		t.Fatalf("%s: %v: %s", shell, err, stderr.String())
	}
	number := regexp.MustCompile(regexp.QuoteMeta(plan.mark) + `:\+[1-9][0-9]*;`)
	return number.ReplaceAllString(stdout.String(), plan.mark+":+"), stderr.String()
}

func mustPlan(t *testing.T, framing execstream.Framing, s terminalSession) execPlan {
	t.Helper()
	plan, err := planExec(framing, s)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestTheScriptKeepsEveryArgumentOnRealShells(t *testing.T) {
	every := make([]byte, 255)
	for i := range every {
		every[i] = byte(i + 1)
	}
	many := []string{"printf", `<%s>`}
	for i := range 200 {
		many = append(many, fmt.Sprint(i))
	}
	for _, shell := range shells(t) {
		for _, argv := range [][]string{
			{"printf", `<%s>`, "a  b", "", `quo"te'd`, "line\nfeed\n", "$HOME `x` $(y) \\n *", "-n", "ünï", "end "},
			{"printf", `<%s>`, string(every)},
			{"printf", `<%s>`, strings.Repeat("long ", 700)},
			{"printf", `<%s>`, strings.Repeat("very long\n", 9000)},
			many,
		} {
			plan := mustPlan(t, execstream.Raw, terminalSession{argv: argv})
			out, _ := mustRunPlan(t, shell, plan, "")
			want := "<" + strings.Join(argv[2:], "><") + ">"
			if out != plan.mark+":+"+want+plan.mark+":0;" {
				t.Errorf("%s: %d arguments: got %.200q, want %.200q", shell, len(argv), out, want)
			}
		}
	}
}

func TestTheScriptTellsTheExitCodeOnRealShells(t *testing.T) {
	for _, shell := range shells(t) {
		for want, argv := range map[int][]string{
			0: {"true"}, 1: {"false"}, 3: {"sh", "-c", "exit 3"}, 137: {"sh", "-c", "kill -9 $$"},
			127: {"exit", "5"}, 143: {"sh", "-c", "kill $$"},
		} {
			plan := mustPlan(t, execstream.Raw, terminalSession{argv: argv})
			if out, _ := mustRunPlan(t, shell, plan, ""); !strings.HasSuffix(out, fmt.Sprintf("%s:%d;", plan.mark, want)) {
				t.Errorf("%s: %q: got %q, want %d", shell, argv, out, want)
			}
		}
	}
}

func TestBlocksGiveStdinAnEndOnRealShells(t *testing.T) {
	data := bytes.Repeat([]byte("0\n12\nbinary\x00\xff\n"), 160_000)
	var blocks strings.Builder
	for rest := data; len(rest) > 0; {
		n := min(blockSize, len(rest))
		fmt.Fprintf(&blocks, "%d\n%s", n, rest[:n])
		rest = rest[n:]
	}
	blocks.WriteString("0\n")
	for _, shell := range shells(t) {
		for _, argv := range [][]string{{"cat"}, {"sh", "-c", "cat; : " + strings.Repeat("x", 9000)}} {
			plan := mustPlan(t, execstream.Raw, terminalSession{argv: argv, stdin: strings.NewReader("")})
			if out, _ := mustRunPlan(t, shell, plan, blocks.String()); out != plan.mark+":+"+string(data)+plan.mark+":0;" {
				t.Errorf("%s: %d bytes came back of %d", shell, len(out), len(data))
			}
		}
		// A command that does not read its stdin ends all the same.
		plan := mustPlan(t, execstream.Raw, terminalSession{argv: []string{"false"}, stdin: strings.NewReader("")})
		if out, _ := mustRunPlan(t, shell, plan, blocks.String()); out != plan.mark+":+"+plan.mark+":1;" {
			t.Errorf("%s: false gave %q", shell, out)
		}
	}
}

func TestACommandIsSentAsItIsWhereThatIsEnough(t *testing.T) {
	reader := strings.NewReader("")
	for _, tc := range []struct {
		framing execstream.Framing
		session terminalSession
		direct  bool
	}{
		{execstream.V5, terminalSession{argv: []string{"cat"}, stdin: reader}, true},
		{execstream.V4, terminalSession{argv: []string{"ls", "a b"}}, true},
		{execstream.V4, terminalSession{argv: []string{"sh"}, stdin: reader, tty: true}, true},
		{execstream.V4, terminalSession{argv: []string{"cat"}, stdin: reader}, false},
		{execstream.V5, terminalSession{argv: []string{"echo", strings.Repeat("x", 257)}}, false},
		{execstream.V5, terminalSession{argv: []string{"echo", "\xff"}}, false},
		{execstream.V5, terminalSession{argv: make([]string, 21)}, false},
		{execstream.Raw, terminalSession{argv: []string{"ls"}}, false},
	} {
		if plan := mustPlan(t, tc.framing, tc.session); (plan.mark == "") != tc.direct {
			t.Errorf("%s %q: mark %q", tc.framing, tc.session.argv, plan.mark)
		}
	}
}

func TestWhatCannotBeSentIsRefused(t *testing.T) {
	for _, s := range []terminalSession{
		{}, {argv: []string{"a\x00b"}}, {argv: []string{"echo", strings.Repeat("x", 5000)}, tty: true},
	} {
		if plan, err := planExec(execstream.Raw, s); err == nil {
			t.Errorf("%.20q is planned as %v", s.argv, plan.command)
		}
	}
}

func TestMarksAreFoundHoweverTheyAreCut(t *testing.T) {
	const mark = "eci:TOKEN"
	stream := "sh: warning\n" + mark + ":+4711;out eci:TOKE and eci:TOKEN:x; eci:TOKEN:12" + mark + ":137;late"
	const want = "out eci:TOKE and eci:TOKEN:x; eci:TOKEN:12"
	for size := 1; size <= len(stream); size++ {
		var out bytes.Buffer
		starts, ends := 0, 0
		m := newMarkReader(&out, mark, func() { starts++ }, func() { ends++ }, io.EOF)
		var err error
		for rest := stream; rest != "" && err == nil; {
			n := min(size, len(rest))
			_, err = m.Write([]byte(rest[:n]))
			rest = rest[n:]
		}
		started, unable, ended, code, _ := m.result()
		if m.pid != 4711 || m.running() != 0 || out.String() != want || starts != 1 || ends != 1 || !started || unable || !ended || code != 137 || err != io.EOF {
			t.Fatalf("in pieces of %d: %q, %d starts, %d ends, code %d, %v", size, out.String(), starts, ends, code, err)
		}
	}
}

func TestWithoutMarksTheReasonIsKept(t *testing.T) {
	m := newMarkReader(io.Discard, "eci:T", func() { t.Error("it has started") }, nil, nil)
	m.Write([]byte("exec: \"sh\": not found\n"))
	if started, _, ended, _, preface := m.result(); started || ended || preface != `exec: "sh": not found` {
		t.Errorf("started %v, ended %v, preface %q", started, ended, preface)
	}
}

func TestOnlyAGroupOfItsOwnIsKilled(t *testing.T) {
	for told, want := range map[string]int{"17": 17, "1": 0, "0": 0, "-5": 0, "x": 0} {
		m := newMarkReader(io.Discard, "eci:T", func() {}, nil, nil)
		if _, err := m.Write([]byte("eci:T:+" + told + ";")); err != nil || m.running() != want {
			t.Errorf("process %s: the group %d is killed, want %d (%v)", told, m.running(), want, err)
		}
	}
}

func TestAnInterruptedCommandLeavesNothingOnRealShells(t *testing.T) {
	for _, shell := range shells(t) {
		plan := mustPlan(t, execstream.Raw, terminalSession{argv: []string{"sh", "-c", "echo up; sleep 1000; echo not reached"}})
		args := plan.command[1:]
		if strings.HasSuffix(shell, "busybox") {
			args = plan.command
		}
		cmd := exec.Command(shell, args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		started := make(chan int, 1)
		m := newMarkReader(io.Discard, plan.mark, func() {}, func() { t.Errorf("%s: the command has ended by itself", shell) }, nil)
		m.out = writerFunc(func(p []byte) { started <- m.pid })
		ended := make(chan error, 1)
		go func() {
			_, err := io.Copy(m, out) // ends when nobody is left who could write
			ended <- err
		}()
		pid := <-started
		if pid != cmd.Process.Pid {
			t.Errorf("%s says that it is %d, and is %d", shell, pid, cmd.Process.Pid)
		}
		if text, err := exec.Command("sh", "-c", interruptScript(pid)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", shell, err, text)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // it was killed
	}
}

// writerFunc is called with all that is written.
type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) { f(p); return len(p), nil }
