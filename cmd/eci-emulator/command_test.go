package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

func noEnv(string) string { return "" }

// mustRun starts the command and returns its URL and what ends it.
func mustRun(t *testing.T, args ...string) (endpoint string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	cmd := newCommand(noEnv)
	cmd.SetArgs(append([]string{"--listen", "127.0.0.1:0"}, args...))
	cmd.SetErr(in)
	done := make(chan error, 1)
	go func() {
		done <- cmd.ExecuteContext(ctx)
		in.Close()
	}()
	address := regexp.MustCompile(`https?://127\.0\.0\.1:\d+`)
	lines := bufio.NewScanner(out)
	for endpoint == "" && lines.Scan() {
		endpoint = address.FindString(lines.Text())
	}
	go io.Copy(io.Discard, out)
	return endpoint, func() error {
		cancel()
		return <-done
	}
}

func TestItServesUntilItIsToldToStop(t *testing.T) {
	endpoint, stop := mustRun(t)
	resp, err := http.Get(endpoint + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("/healthz is %d", resp.StatusCode)
	}
	resp, err = http.Get(endpoint + "/?Action=DescribeRegions&Version=" + eci.Version)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if !strings.Contains(string(body), eci.CodeMissingParameter) {
		t.Errorf("an unsigned call is answered with %s", body)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := http.Get(endpoint + "/healthz"); err == nil {
		t.Error("it still serves after its end")
	}
}

func TestFlagsBecomeTheAccount(t *testing.T) {
	secretFile := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secretFile, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	opts := defaultOptions()
	opts.region, opts.secretFile, opts.rates, opts.delays, opts.vpc = "cn-beijing", secretFile, "ListUsage=5", "none", "vpc-1"
	opts.vSwitches = []string{"vsw-1=cn-beijing-a:10.0.0.0/24", "vsw-2=cn-beijing-b:10.0.1.0/24"}
	opts.securityGroups = []string{"sg-1"}
	cfg, err := opts.config(noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Credentials[0].AccessKeySecret.Reveal() != "from-file" || cfg.Rates["ListUsage"] != 5 || len(cfg.Zones) != 2 ||
		cfg.VSwitches[1].ZoneID != "cn-beijing-b" || cfg.VSwitches[1].VPCID != "vpc-1" || cfg.SecurityGroups[0].ID != "sg-1" {
		t.Errorf("the account is %+v", cfg)
	}
	cfg, err = defaultOptions().config(func(name string) string { return "secret of " + name })
	if err != nil || cfg.Credentials[0].AccessKeySecret.Reveal() != "secret of ALIBABA_CLOUD_ACCESS_KEY_SECRET" {
		t.Errorf("the secret of the environment is not taken: %v", err)
	}
}

func TestWrongFlagsAreReportedTogether(t *testing.T) {
	opts := defaultOptions()
	opts.delays, opts.rates, opts.tlsCert, opts.vSwitches, opts.secretFile = "slow", "many", "tls.crt", []string{"vsw"}, "/no/such/file"
	_, err := opts.config(noEnv)
	if err == nil {
		t.Fatal("they are accepted")
	}
	for _, flag := range []string{"delays", "--rates", "--tls-private-key-file", "--vswitch", "--access-key-secret-file"} {
		if !strings.Contains(err.Error(), flag) {
			t.Errorf("the error does not name %s: %v", flag, err)
		}
	}
}

func TestWhereProcessesCannotRunItSaysWhyAndSimulates(t *testing.T) {
	opts := defaultOptions()
	opts.runtime, opts.stateDir = runtimeAuto, "/not,possible"
	cfg, err := opts.config(noEnv)
	if err != nil {
		t.Fatal(err)
	}
	runtime, what, err := opts.runtimeOf(cfg, logrus.New())
	if _, simulated := runtime.(*emulator.Simulated); !simulated || err != nil || !strings.HasPrefix(what, "containers are simulated, as processes cannot run: ") {
		t.Errorf("auto gives %T: %q (%v)", runtime, what, err)
	}
	opts.runtime = runtimeProcess
	if _, _, err := opts.runtimeOf(cfg, logrus.New()); err == nil || !strings.Contains(err.Error(), "--runtime=process") {
		t.Errorf("process gives %v", err)
	}
	opts.runtime = "docker"
	if _, err := opts.config(noEnv); err == nil || !strings.Contains(err.Error(), "--runtime") {
		t.Errorf("an unknown runtime gives %v", err)
	}
}

func TestAnAddressInUseIsAClearError(t *testing.T) {
	endpoint, stop := mustRun(t)
	cmd := newCommand(noEnv)
	cmd.SetArgs([]string{"--listen", strings.TrimPrefix(endpoint, "http://")})
	cmd.SetErr(io.Discard)
	if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "listen on") {
		t.Errorf("got %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestHelpTeaches(t *testing.T) {
	cmd := newCommand(noEnv)
	var out strings.Builder
	cmd.SetOut(&out)
	cmd.SetArgs([]string{"--help"})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"--vswitch", "Examples:", "documented", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("help does not tell of %s", part)
		}
	}
}
