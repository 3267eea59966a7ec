package process_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/execstream"
)

// mustSleep returns a group that runs until it is deleted.
func (c *cloud) mustSleep(t *testing.T) string {
	t.Helper()
	id := c.mustCreate(t, group("sleeper", shell("main", "echo up; sleep 3600")))
	c.eventually(t, id, "up", func(emulator.Group) bool { return c.mustLog(t, id, "main") == "up\n" })
	return id
}

func (c *cloud) mustOpen(t *testing.T, id string, tty bool, argv ...string) *execstream.Stream {
	t.Helper()
	answer, err := c.ExecContainerCommand(t.Context(), &eci.ExecContainerCommandRequest{
		ContainerGroupID: id, ContainerName: "main", Command: argv, TTY: &tty,
	})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := (&execstream.Dialer{}).Dial(t.Context(), answer.WebSocketURI, execstream.V5)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stream.Close() })
	return stream
}

func TestExecKeepsArgumentsStreamsAndTheExitCodeApart(t *testing.T) {
	c := mustCloud(t)
	id := c.mustSleep(t)
	stream := c.mustOpen(t, id, false, "sh", "-c", `printf "<%s>" "$@"; echo err >&2; hostname; exit 5`, "sh", "a b", "", "new\nline", `"quoted"`)
	var out, errs bytes.Buffer
	exit, err := stream.Copy(t.Context(), &out, &errs)
	if err != nil || exit.Code != 5 || errs.String() != "err\n" || out.String() != "<a b><><new\nline><\"quoted\">sleeper\n" {
		t.Errorf("exit %+v (%v), stdout %q, stderr %q", exit, err, out.String(), errs.String())
	}
}

func TestExecPassesMegabytesThroughUnchanged(t *testing.T) {
	c := mustCloud(t)
	stream := c.mustOpen(t, c.mustSleep(t), false, "cat")
	sent := make([]byte, 8<<20)
	_, _ = rand.Read(sent)
	go func() {
		_, _ = stream.Write(sent)
		_ = stream.CloseWrite()
	}()
	var out bytes.Buffer
	if exit, err := stream.Copy(t.Context(), &out, nil); err != nil || exit.Code != 0 || sha256.Sum256(out.Bytes()) != sha256.Sum256(sent) {
		t.Errorf("exit %+v (%v), %d bytes of %d", exit, err, out.Len(), len(sent))
	}
}

func TestExecOnATerminalHasItsSizeAndEchoes(t *testing.T) {
	c := mustCloud(t)
	stream := c.mustOpen(t, c.mustSleep(t), true, "sh", "-c", "tty; read line; until test \"$(stty size)\" = '40 100'; do :; done; echo got $line; exit 4")
	if err := stream.Resize(100, 40); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = fmt.Fprint(stream, "hello\n") }()
	var out bytes.Buffer
	exit, err := stream.Copy(t.Context(), &out, nil)
	if text := out.String(); err != nil || exit.Code != 4 || !strings.Contains(text, "/dev/pts/") || !strings.Contains(text, "got hello\r\n") {
		t.Errorf("exit %+v (%v), output %q", exit, err, text)
	}
}

func TestExecOfACommandThatIsNotThereIsAnError(t *testing.T) {
	c := mustCloud(t)
	stream := c.mustOpen(t, c.mustSleep(t), false, "no-such-command")
	var out bytes.Buffer
	exit, err := stream.Copy(t.Context(), &out, &out)
	if message := fmt.Sprint(exit, err); !strings.Contains(message, "executable file not found") {
		t.Errorf("it is not said why: %s", message)
	}
}

func TestACommandEndsWithItsClient(t *testing.T) {
	c := mustCloud(t)
	id := c.mustSleep(t)
	stream := c.mustOpen(t, id, false, "sleep", "1234")
	running := func() bool { return strings.Contains(c.mustExec(t, id, "main", "ps"), "sleep 1234") }
	waitFor(t, "the command runs", running)
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	_, _ = stream.Copy(ctx, nil, nil)
	stream.Close()
	waitFor(t, "the command has ended", func() bool { return !running() })
}
