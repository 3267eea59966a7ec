package emulator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	utilexec "k8s.io/client-go/util/exec"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// execScene is one running group.
type execScene struct {
	*caller
	em    *emulator.Emulator
	clock *emulator.FakeClock
	id    string
}

func mustRunForExec(t *testing.T, framing string, changes ...string) *execScene {
	t.Helper()
	cfg := emulator.DefaultConfig()
	cfg.ExecFraming = framing
	s := &execScene{clock: emulator.NewFakeClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))}
	var endpoint string
	s.em, endpoint = mustServe(t, cfg, emulator.WithClock(s.clock))
	s.caller = newCaller(t, endpoint)
	s.id = s.mustCreate(changes...)
	s.clock.Advance(time.Second)
	return s
}

func (s *execScene) exec(into *eci.ExecContainerCommandResponse, argv []string, pairs ...string) error {
	s.t.Helper()
	command, err := json.Marshal(argv)
	if err != nil {
		s.t.Fatal(err)
	}
	all := append([]string{"ContainerGroupId", s.id, "ContainerName", "app", "Command", string(command)}, pairs...)
	return s.call(eci.ActionExecContainerCommand, into, all...)
}

func (s *execScene) mustAnnounce(argv []string, pairs ...string) *url.URL {
	s.t.Helper()
	var resp eci.ExecContainerCommandResponse
	if err := s.exec(&resp, argv, pairs...); err != nil {
		s.t.Fatal(err)
	}
	u, err := url.Parse(resp.WebSocketURI.Reveal())
	if err != nil || u.Scheme != "ws" || u.Path != "/exec/" || u.Query().Get("s") == "" {
		s.t.Fatalf("the URI is %v (%v)", u, err)
	}
	return u
}

// kubernetes opens the stream with client-go, which nobody here wrote.
func (s *execScene) kubernetes(ctx context.Context, u *url.URL, protocol string, opts remotecommand.StreamOptions) error {
	s.t.Helper()
	asHTTP := *u
	asHTTP.Scheme = "http"
	executor, err := remotecommand.NewWebSocketExecutorForProtocols(&rest.Config{}, http.MethodGet, asHTTP.String(), protocol)
	if err != nil {
		s.t.Fatal(err)
	}
	return executor.StreamWithContext(ctx, opts)
}

func TestClientGoFindsItsFramings(t *testing.T) {
	for _, framing := range []string{emulator.ExecV4, emulator.ExecV5} {
		s := mustRunForExec(t, framing)
		var out, errOut bytes.Buffer
		argv := []string{"sh", "-c", `printf '%s|' "$@"; echo err >&2; exit 3`, "sh", "a  b", "", "c\n'\"d"}
		err := s.kubernetes(t.Context(), s.mustAnnounce(argv, "Stdin", "false"), framing, remotecommand.StreamOptions{Stdout: &out, Stderr: &errOut})
		var exit utilexec.CodeExitError
		if !errors.As(err, &exit) || exit.Code != 3 || out.String() != "a  b||c\n'\"d|" || errOut.String() != "err\n" {
			t.Errorf("%s: error %v, out %q, err %q", framing, err, out.String(), errOut.String())
		}
		err = s.kubernetes(t.Context(), s.mustAnnounce([]string{"true"}), framing, remotecommand.StreamOptions{Stdout: &out})
		if err != nil {
			t.Errorf("%s: true ends with %v", framing, err)
		}
		err = s.kubernetes(t.Context(), s.mustAnnounce([]string{"/app/missing"}), framing, remotecommand.StreamOptions{Stdout: &out})
		if err == nil || !strings.Contains(err.Error(), "executable file not found") {
			t.Errorf("%s: a missing program ends with %v", framing, err)
		}
	}
}

func TestOnlyV5EndsStdin(t *testing.T) {
	s := mustRunForExec(t, emulator.ExecV5)
	var out bytes.Buffer
	data := bytes.Repeat([]byte("0123456789abcde\n"), 1<<14)
	err := s.kubernetes(t.Context(), s.mustAnnounce([]string{"cat"}), emulator.ExecV5, remotecommand.StreamOptions{Stdin: bytes.NewReader(data), Stdout: &out})
	if err != nil || !bytes.Equal(out.Bytes(), data) {
		t.Errorf("error %v, %d bytes of %d came back", err, out.Len(), len(data))
	}
}

type oneSize struct {
	sizes chan remotecommand.TerminalSize
}

func (o oneSize) Next() *remotecommand.TerminalSize {
	size, ok := <-o.sizes
	if !ok {
		return nil
	}
	return &size
}

func TestATerminalHasTheSizeOfTheClient(t *testing.T) {
	s := mustRunForExec(t, emulator.ExecV4)
	sizes := oneSize{make(chan remotecommand.TerminalSize, 1)}
	sizes.sizes <- remotecommand.TerminalSize{Width: 132, Height: 43}
	keys, typing := io.Pipe()
	screen, shown := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- s.kubernetes(t.Context(), s.mustAnnounce([]string{"sh"}, "TTY", "true"), emulator.ExecV4,
			remotecommand.StreamOptions{Stdin: keys, Stdout: shown, Tty: true, TerminalSizeQueue: sizes})
		shown.Close()
	}()
	// The size arrives beside the keys, so that it is asked for until it is there.
	var seen strings.Builder
	var sized atomic.Bool
	asking := make(chan struct{})
	go func() {
		defer close(asking)
		for t.Context().Err() == nil && !sized.Load() {
			if _, err := typing.Write([]byte("stty size\r")); err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 4096)
	// What comes before the answer depends on how fast the shell is: the echo of
	// the return key, or a prompt.
	for !strings.Contains(seen.String(), "43 132\r\n") {
		n, err := screen.Read(buf)
		if err != nil {
			t.Fatalf("the screen shows %q, %v", seen.String(), err)
		}
		seen.Write(buf[:n])
	}
	sized.Store(true)
	go io.Copy(io.Discard, screen)
	<-asking
	typing.Write([]byte("exit 0\r"))
	if err := <-done; err != nil {
		t.Error(err)
	}
	typing.Close()
	close(sizes.sizes)
}

// open connects as the one public client does: no headers, no subprotocol.
func open(t *testing.T, u *url.URL) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	conn, resp, err := websocket.DefaultDialer.DialContext(t.Context(), u.String(), nil)
	if err == nil {
		t.Cleanup(func() { conn.Close() })
	}
	return conn, resp, err
}

func TestRawIsTextUntilTheClose(t *testing.T) {
	s := mustRunForExec(t, emulator.ExecRaw)
	conn, _, err := open(t, s.mustAnnounce([]string{"sh", "-c", "read line; echo got $line; echo err >&2; exit 3"}))
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.WriteMessage(websocket.TextMessage, []byte("hello\n")); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for {
		kind, message, err := conn.ReadMessage()
		if websocket.IsCloseError(err, websocket.CloseNormalClosure) {
			break
		}
		if err != nil || kind != websocket.TextMessage {
			t.Fatalf("message of kind %d, %v", kind, err)
		}
		all.Write(message)
	}
	if all.String() != "got hello\nerr\n" {
		t.Errorf("read %q", all.String())
	}
}

func TestAURIIsGoodOnceAndForThirtySeconds(t *testing.T) {
	s := mustRunForExec(t, emulator.ExecRaw)
	refused := func(u *url.URL) {
		t.Helper()
		if _, resp, err := open(t, u); err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
			t.Errorf("it is open: %v", err)
		}
	}
	used := s.mustAnnounce([]string{"true"})
	if _, _, err := open(t, used); err != nil {
		t.Fatal(err)
	}
	refused(used)
	late, intime := s.mustAnnounce([]string{"true"}), s.mustAnnounce([]string{"true"})
	s.clock.Advance(29 * time.Second)
	if _, _, err := open(t, intime); err != nil {
		t.Error(err)
	}
	s.clock.Advance(time.Second)
	refused(late)
	stopped := s.mustAnnounce([]string{"true"})
	if !s.em.FailGroup(s.id, 1) {
		t.Fatal("the group does not fail")
	}
	refused(stopped)
}

func TestACommandEndsWithItsContainer(t *testing.T) {
	s := mustRunForExec(t, emulator.ExecV4)
	done := make(chan error, 1)
	uri := s.mustAnnounce([]string{"sh", "-c", "echo up; sleep 1000000"}, "Stdin", "false")
	up, shown := io.Pipe()
	go func() {
		done <- s.kubernetes(t.Context(), uri, emulator.ExecV4, remotecommand.StreamOptions{Stdout: shown})
	}()
	if _, err := io.ReadFull(up, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	s.em.FailGroup(s.id, 1)
	var exit utilexec.CodeExitError
	if err := <-done; !errors.As(err, &exit) || exit.Code != 137 {
		t.Errorf("got %v", err)
	}
}

func TestSyncAnswersWithTheOutput(t *testing.T) {
	s := mustRunForExec(t, emulator.ExecRaw)
	var resp eci.ExecContainerCommandResponse
	if err := s.exec(&resp, []string{"sh", "-c", "echo out; echo err >&2; exit 3"}, "Sync", "true"); err != nil {
		t.Fatal(err)
	}
	if resp.SyncResponse != "out\nerr\n" {
		t.Errorf("got %+v", resp)
	}
}

func TestWrongExecsAreRefused(t *testing.T) {
	s := mustRunForExec(t, emulator.ExecRaw, "RestartPolicy", "Never")
	long := strings.Repeat("é", eci.MaxExecPart)
	if err := s.exec(&eci.ExecContainerCommandResponse{}, []string{"echo", long}); err != nil {
		t.Errorf("256 characters are refused: %v", err)
	}
	for _, tc := range []struct {
		why, code string
		argv      []string
		pairs     []string
	}{
		{"too many parts", eci.CodeValueExceeded, make([]string, eci.MaxExecParts+1), nil},
		{"too long a part", eci.CodeValueExceeded, []string{long + "x"}, nil},
		{"no command", eci.CodeMissingParameter, []string{}, nil},
		{"a NUL", eci.CodeInvalidParameter, []string{"a\x00"}, nil},
		{"an unknown container", eci.CodeInvalidParameter, []string{"true"}, []string{"ContainerName", "nobody"}},
		{"an unknown group", eci.CodeNotFound, []string{"true"}, []string{"ContainerGroupId", "eci-0"}},
		{"a terminal with Sync", eci.CodeInvalidParameter, []string{"true"}, []string{"Sync", "true", "TTY", "true"}},
		{"bash with Sync", eci.CodeInvalidParameter, []string{"/bin/bash"}, []string{"Sync", "true"}},
	} {
		if err := s.exec(nil, tc.argv, tc.pairs...); eci.CodeOf(err) != tc.code {
			t.Errorf("%s: got %v, want %s", tc.why, err, tc.code)
		}
	}
	s.em.FailGroup(s.id, 1)
	s.clock.Advance(time.Millisecond)
	if err := s.exec(nil, []string{"true"}); eci.CodeOf(err) != eci.CodeIncorrectStatus {
		t.Errorf("a container that has ended: %v", err)
	}
}
