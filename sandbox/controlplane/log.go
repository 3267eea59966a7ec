package controlplane

import (
	"flag"
	"fmt"
	"io"
	"log"

	"k8s.io/klog/v2"
)

// redirectLogs sends what the Kubernetes components log to w instead of to
// standard error. Only a fatal message, after which klog ends the process, is
// shown on standard error too.
func redirectLogs(w io.Writer) error {
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	for name, value := range map[string]string{
		"logtostderr":     "false",
		"stderrthreshold": "FATAL",
		"one_output":      "true", // not once more for every lower severity
	} {
		if err := flags.Set(name, value); err != nil {
			return fmt.Errorf("set klog's %s: %w", name, err)
		}
	}
	klog.SetOutput(w)
	log.SetOutput(w) // net/http complains about TLS handshakes here
	return nil
}
