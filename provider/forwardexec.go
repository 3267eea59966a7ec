package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	utilexec "k8s.io/utils/exec"
)

// forwarder is a program in a container that connects its stdin and stdout with a
// port.
type forwarder struct {
	container string
	tool      string
}

// maxToolText is more than the name of a program takes, in bytes.
const maxToolText = 1 << 10

// errTextTooLong ends a command that prints more than is wanted of it.
var errTextTooLong = errors.New("the command prints more than it was asked for")

// shortText keeps what is written, and fails once that is too long.
type shortText struct {
	text []byte
	most int
}

func (t *shortText) Write(p []byte) (int, error) {
	if len(t.text)+len(p) > t.most {
		return 0, errTextTooLong
	}
	t.text = append(t.text, p...)
	return len(p), nil
}

// findTool prints the first program that can forward.
const findTool = `for t in socat nc bash;do command -v $t >/dev/null 2>&1&&{ echo $t;exit 0;};done;exit 1`

// The scripts that connect with port $0. What a program complains about would be
// mixed with the data where the framing is raw. Bash has TCP of its own.
const (
	socatForward = `exec socat - "TCP:127.0.0.1:$0" 2>/dev/null`
	ncForward    = `exec nc 127.0.0.1 "$0" 2>/dev/null`
	bashForward  = `exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$0" 4<&0||exit 1;cat <&4 >&3& cat <&3;kill $!;exit 0`
)

// argv is the command for a port. The containers of a group share localhost, so
// that servers which listen only there are reached too.
func (f forwarder) argv(port int32) []string {
	number := strconv.Itoa(int(port))
	switch f.tool {
	case "socat":
		return []string{"sh", "-c", socatForward, number}
	case "nc":
		return []string{"sh", "-c", ncForward, number}
	}
	return []string{"bash", "-c", bashForward, number}
}

// forwardByExec carries a connection over the stream of a command.
func (p *Provider) forwardByExec(ctx context.Context, at place, port int32, stream io.ReadWriter) error {
	f, err := p.forwarderOf(ctx, at, port)
	if err != nil {
		return err
	}
	at.container = f.container
	counted := &countingWriter{w: stream}
	err = p.exec(ctx, at, terminalSession{argv: f.argv(port), stdin: stream, stdout: counted})
	var exit utilexec.CodeExitError
	if errors.As(err, &exit) {
		if counted.n > 0 {
			return nil // it was connected; how the programs end differs
		}
		return fmt.Errorf("%s in container %s could not connect to port %d: does anything listen there?", f.tool, f.container, port)
	}
	return err
}

// countingWriter knows whether anything came through.
type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// forwarderOf looks for a program once per group: first in the containers that
// declare the port.
func (p *Provider) forwarderOf(ctx context.Context, at place, port int32) (forwarder, error) {
	if f, known := p.routes.tool(at.entry.groupID); known {
		return f, nil
	}
	var problems []error
	for _, name := range forwardOrder(at, port) {
		at.container = name
		out := &shortText{most: maxToolText}
		err := p.exec(ctx, at, terminalSession{argv: []string{"sh", "-c", findTool}, stdout: out})
		if tool := strings.TrimSpace(string(out.text)); err == nil && slices.Contains([]string{"socat", "nc", "bash"}, tool) {
			f := forwarder{container: name, tool: tool}
			p.routes.remember(at.entry.groupID, f)
			return f, nil
		}
		var exit utilexec.CodeExitError
		if err == nil || errors.As(err, &exit) {
			err = fmt.Errorf("container %s has none of socat, nc, bash", name)
		}
		problems = append(problems, err)
	}
	return forwarder{}, errors.Join(problems...)
}

// forwardOrder names the containers of a pod, those with the port first.
func forwardOrder(at place, port int32) []string {
	var with, without []string
	for i := range at.entry.pod.Spec.Containers {
		c := &at.entry.pod.Spec.Containers[i]
		if declares(c, port) {
			with = append(with, c.Name)
		} else {
			without = append(without, c.Name)
		}
	}
	return append(with, without...)
}
