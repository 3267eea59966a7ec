package sandbox

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"

	"github.com/eci-vnode/eci-vnode/sandbox/process"
)

// accessKey is what the emulator accepts, new on every start.
type accessKey struct{ id, secret string }

func newAccessKey() accessKey { return accessKey{id: "LTAI" + rand.Text(), secret: rand.Text()} }

// env passes the secret: arguments can be read by every user of the machine.
func (k accessKey) env() []string {
	return []string{"ALIBABA_CLOUD_ACCESS_KEY_ID=" + k.id, "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + k.secret}
}

func (s *session) emulatorURL() string {
	return fmt.Sprintf("http://127.0.0.1:%d", s.config.EmulatorPort)
}

func (s *session) startEmulator(ctx context.Context) error {
	s.report.sayf("Starting the ECI emulator")
	child := s.supervise(emulatorName, s.keys.env(), append([]string{
		fmt.Sprintf("--listen=127.0.0.1:%d", s.config.EmulatorPort),
		"--region=" + Region,
		"--access-key-id=" + s.keys.id,
		fmt.Sprintf("--vswitch=%s=%s:%s", VSwitchID, Zone, VSwitchCIDR),
		"--security-group=" + SecurityGroup,
		"--runtime=" + s.config.Runtime,
		"--state-dir=" + s.files.containers(),
	}, s.config.EmulatorArgs...))
	if err := s.await(ctx, "eci-emulator", child, s.emulatorAbsent); err != nil {
		return s.withLog(emulatorName, err)
	}
	s.report.sayf("The ECI emulator is ready at %s: %s", s.emulatorURL(), s.containers)
	return s.writeEmulatorEnv()
}

// emulatorAbsent waits for the emulator's health check.
func (s *session) emulatorAbsent(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.emulatorURL()+"/healthz", nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "it does not answer yet", nil
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "its health check says " + response.Status, nil
	}
	health, err := io.ReadAll(response.Body)
	_, s.containers, _ = strings.Cut(strings.TrimSpace(string(health)), ": ")
	return "", err
}

// cleanContainers removes what containers of a killed emulator left on the
// machine.
func cleanContainers(ctx context.Context, files layout) error {
	if _, err := os.Stat(files.containers()); err != nil {
		return nil // none ever ran
	}
	output, err := exec.CommandContext(ctx, files.program("eci-emulator"), "clean", "--state-dir="+files.containers()).CombinedOutput()
	if err != nil {
		return fmt.Errorf("remove what containers left: %w\n%s", err, output)
	}
	return nil
}

// writeEmulatorEnv saves what any other client of the emulator needs, as lines
// of NAME=value for a shell to source.
func (s *session) writeEmulatorEnv() error {
	lines := append([]string{
		"ENDPOINT=" + s.emulatorURL(),
		"REGION=" + Region,
		"VSWITCH_ID=" + VSwitchID,
		"SECURITY_GROUP_ID=" + SecurityGroup,
	}, s.keys.env()...)
	return os.WriteFile(s.files.emulatorEnv(), []byte(strings.Join(lines, "\n")+"\n"), 0o600)
}

// supervise runs a child with none of the user's environment but PATH, so that
// the ECI_REGION of a shell, say, does not change the sandbox.
func (s *session) supervise(name string, env, args []string) *process.Child {
	child := process.Supervise(process.Spec{
		Name:    name,
		Path:    s.files.children()[name],
		Args:    args,
		Env:     append([]string{"PATH=" + os.Getenv("PATH")}, env...),
		LogFile: s.files.logFile(name),
		PIDFile: s.files.pidFile(name),
	}, s.report.sayf)
	s.children = append(s.children, child)
	return child
}

// logTail is how many of the last lines of a log explain a failure.
const logTail = 10

// withLog adds to an error the end of the log of the program that failed.
func (s *session) withLog(name string, err error) error {
	path := s.files.logFile(name)
	content, readErr := os.ReadFile(path)
	if readErr != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	lines = lines[max(0, len(lines)-logTail):]
	return fmt.Errorf("%s: %w\nthe end of %s:\n  %s", name, err, path, strings.Join(lines, "\n  "))
}
