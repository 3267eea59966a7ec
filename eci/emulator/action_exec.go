package emulator

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

const (
	// execLife is how long a URI waits to be opened.
	execLife = 30 * time.Second
	// syncLimit ends a command whose answer a client waits for.
	syncLimit = 30 * time.Second
)

// announced is a command that waits for its stream to be opened.
type announced struct {
	container  *container
	run        int
	argv       []string
	tty, stdin bool
}

// execAnswer is the answer on the wire: there the URI is no secret.
type execAnswer struct {
	eci.ResponseMeta
	WebSocketURI string `json:"WebSocketUri"`
	HTTPURL      string `json:"HttpUrl"`
	SyncResponse string `json:"SyncResponse"`
}

// execContainerCommand is not under the lock while a command runs.
func (e *Emulator) execContainerCommand(c *call) (any, *eci.Error) {
	req := &eci.ExecContainerCommandRequest{}
	if err := e.decoder.decode(c.params, req); err != nil {
		return nil, err
	}
	if err := checkExec(req); err != nil {
		return nil, err
	}
	answer := &execAnswer{ResponseMeta: eci.ResponseMeta{RequestID: c.requestID}}
	if value(req.Sync) {
		output, err := e.runSync(c, req)
		answer.SyncResponse = output
		return answer, err
	}
	token, err := e.announce(req)
	answer.WebSocketURI = c.webSocket + "://" + c.host + execPath + "?s=" + token
	return answer, err
}

func checkExec(r *eci.ExecContainerCommandRequest) *eci.Error {
	c := &checker{}
	c.required("ContainerGroupId", r.ContainerGroupID)
	c.required("ContainerName", r.ContainerName)
	if len(r.Command) == 0 {
		c.fail(missing("Command"))
	}
	c.between("Command", int64(len(r.Command)), 0, eci.MaxExecParts)
	for _, part := range r.Command {
		c.between("Command", int64(len([]rune(part))), 0, eci.MaxExecPart)
		c.that(!strings.ContainsRune(part, 0), "Command", "it has a NUL character")
	}
	if value(r.Sync) {
		c.that(!value(r.TTY), "TTY", "it must be false with Sync")
		c.that(len(r.Command) == 0 || r.Command[0] != "/bin/bash", "Command", "it must not be /bin/bash with Sync")
	}
	return c.err
}

// running finds the container that is to run a command. The caller holds the
// lock.
func (e *Emulator) running(id, name string) (*container, *eci.Error) {
	g := e.groups.byID[id]
	if g == nil {
		return nil, notFound(id)
	}
	for c := range g.all() {
		switch _, can := c.process.(Executor); {
		case c.spec.Name != name:
		case c.process == nil:
			return nil, refuse(http.StatusBadRequest, eci.CodeIncorrectStatus, "The container %s is not running.", name)
		case !can:
			return nil, refuse(http.StatusBadRequest, eci.CodeIncorrectOperation, "The runtime of the emulator executes no commands.")
		default:
			return c, nil
		}
	}
	return nil, invalid("ContainerName", "the group has no container %q", name)
}

// announce keeps a command for execLife and returns its token.
func (e *Emulator) announce(r *eci.ExecContainerCommandRequest) (string, *eci.Error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue.drain()
	c, err := e.running(r.ContainerGroupID, r.ContainerName)
	if err != nil {
		return "", err
	}
	// A capability, so that it is random also when the ids are not.
	token := rand.Text()
	e.announced[token] = &announced{
		container: c, run: c.run, argv: r.Command, tty: value(r.TTY), stdin: r.Stdin == nil || *r.Stdin,
	}
	e.queue.after(execLife, func() { delete(e.announced, token) })
	return token, nil
}

// claim takes what waits under a token, once. A container that has ended since
// runs nothing.
func (e *Emulator) claim(token string) (*announced, *execution) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue.drain()
	a := e.announced[token]
	if a == nil || a.container.run != a.run || a.container.process == nil {
		return nil, nil
	}
	delete(e.announced, token)
	return a, e.execute(a.container)
}

// runSync runs a command to its end and returns what it printed.
func (e *Emulator) runSync(c *call, r *eci.ExecContainerCommandRequest) (string, *eci.Error) {
	e.mu.Lock()
	e.queue.drain()
	into, err := e.running(r.ContainerGroupID, r.ContainerName)
	if err != nil {
		e.mu.Unlock()
		return "", err
	}
	x := e.execute(into)
	e.mu.Unlock()
	defer x.end()
	limit := time.AfterFunc(syncLimit, x.cancel)
	defer limit.Stop()
	stop := onDone(c.gone, x.cancel)
	defer stop()
	var output bytes.Buffer
	both := &sharedWriter{w: &output}
	// The API has no place for the exit code.
	_, failed := x.executor.Exec(x.ctx, Command{Argv: r.Command, Stdin: strings.NewReader(""), Stdout: both, Stderr: both})
	if failed != nil {
		both.Write([]byte(failed.Error() + "\n"))
	}
	return output.String(), nil
}
