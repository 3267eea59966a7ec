package conformance

import (
	"net/url"
	"strings"
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
)

var execContracts = []contract{
	{"a command is announced by a URI of its own", execIsAnnounced},
	{"a command with Sync is answered with its output", syncExecIsAnswered},
	{"a command past the limits, or of nobody, is refused", wrongExecIsRefused},
}

func (s *suite) exec(id string, command ...string) *eci.ExecContainerCommandRequest {
	return &eci.ExecContainerCommandRequest{ContainerGroupID: id, ContainerName: "main", Command: command, Stdin: pointer(false)}
}

func execIsAnnounced(t *testing.T, s *suite) {
	group := s.mustRun(t, s.request())
	seen := map[eci.Secret]bool{}
	for range 2 {
		resp, err := s.Client.ExecContainerCommand(t.Context(), s.exec(group.ContainerGroupID, "echo", "a b", "-", `quo"te`))
		if err != nil {
			t.Fatal(err)
		}
		uri, err := url.Parse(resp.WebSocketURI.Reveal())
		if err != nil || uri.Scheme != "ws" && uri.Scheme != "wss" || uri.RawQuery == "" {
			t.Error("the answer has no URI of a WebSocket with a token")
		}
		if seen[resp.WebSocketURI] {
			t.Error("two commands have one URI")
		}
		seen[resp.WebSocketURI] = true
	}
}

func syncExecIsAnswered(t *testing.T, s *suite) {
	group := s.mustRun(t, s.request())
	req := s.exec(group.ContainerGroupID, "sh", "-c", "echo out; exit 3")
	req.Sync = pointer(true)
	resp, err := s.Client.ExecContainerCommand(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(resp.SyncResponse, "out") {
		t.Errorf("the output is %q", resp.SyncResponse)
	}
}

func wrongExecIsRefused(t *testing.T, s *suite) {
	group := s.mustRun(t, s.request())
	parts := strings.Split(strings.Repeat("x", eci.MaxExecParts+1), "")
	nobody := s.exec(group.ContainerGroupID, "true")
	nobody.ContainerName = "nobody"
	for why, req := range map[string]*eci.ExecContainerCommandRequest{
		"of 21 parts":             s.exec(group.ContainerGroupID, parts...),
		"with 257 characters":     s.exec(group.ContainerGroupID, "echo", strings.Repeat("x", eci.MaxExecPart+1)),
		"in an unknown container": nobody,
		"in an unknown group":     s.exec(unknownID, "true"),
	} {
		if _, err := s.Client.ExecContainerCommand(t.Context(), req); eci.CodeOf(err) == "" {
			t.Errorf("a command %s: got %v", why, err)
		}
	}
}
