package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

// providerName is the only value of --provider, as in the first ECI provider.
const providerName = "alibabacloud"

// setting is one thing that can be set outside of the file: by a flag, by
// environment variables (the first that is there counts), or by both.
type setting struct {
	flag  string
	env   []string
	usage string
	binding
}

// binding ties a setting to its place in Config.
type binding struct {
	// kind is the type of the value, for the help.
	kind string
	// set parses a value; its error says what the value must be.
	set func(c *Config, value string) error
	// get formats the value that c has, for the help; nil where the usage tells it.
	get func(c *Config) string
}

// settings is the one table of flags and environment variables. The names of
// the variables are those that manifests for the first ECI provider use.
func settings() []setting {
	return []setting{
		{flag: "nodename", env: []string{"DEFAULT_NODE_NAME"}, usage: "name of the virtual node",
			binding: text(func(c *Config) *string { return &c.NodeName })},
		{flag: "provider", usage: "must be " + providerName + " where it is given; for manifests of the first ECI provider", binding: binding{kind: "string", set: setProvider}},
		{flag: "kubeconfig", env: []string{"KUBECONFIG"}, usage: "kubeconfig file; without it the pod's own ServiceAccount is used",
			binding: text(func(c *Config) *string { return &c.Kube.Kubeconfig })},
		{flag: "region", env: []string{"ECI_REGION"}, usage: "region of ECI, such as cn-hangzhou",
			binding: text(func(c *Config) *string { return &c.ECI.Region })},
		{flag: "zone", usage: "zone label of the node; a group runs in the zone of its vSwitch",
			binding: text(func(c *Config) *string { return &c.ECI.Zone })},
		{flag: "vswitch", env: []string{"ECI_VSWITCH"}, usage: "vSwitch ids, comma separated",
			binding: list(func(c *Config) *[]string { return &c.ECI.VSwitchIDs })},
		{flag: "security-group", env: []string{"ECI_SECURITY_GROUP"}, usage: "security group id",
			binding: text(func(c *Config) *string { return &c.ECI.SecurityGroupID })},
		{flag: "resource-group", usage: "resource group id",
			binding: text(func(c *Config) *string { return &c.ECI.ResourceGroupID })},
		{flag: "endpoint", env: []string{"ECI_ENDPOINT"}, usage: "ECI endpoint: a host, or a URL; empty is the region's own",
			binding: text(func(c *Config) *string { return &c.ECI.Endpoint })},
		{flag: "cluster-id", usage: "identity of this cluster in the tags of its groups; empty is the UID of kube-system",
			binding: text(func(c *Config) *string { return &c.ECI.ClusterID })},
		{flag: "budget-share", usage: "share of the account's rates that this node may use, above 0 and at most 1", binding: binding{"number", setBudgetShare, func(c *Config) string { return fmt.Sprint(c.ECI.BudgetShare) }}},
		{env: []string{"ECI_CLUSTER_NAME"}, usage: "put on every group as the tag ClusterName", binding: binding{kind: "string", set: setClusterName}},
		{flag: "cluster-dns", usage: "IPs of the cluster DNS, comma separated, for pods with dnsPolicy ClusterFirst",
			binding: list(func(c *Config) *[]string { return &c.ECI.ClusterDNS })},
		{flag: "cluster-domain", usage: "DNS domain of the cluster",
			binding: text(func(c *Config) *string { return &c.ECI.ClusterDomain })},
		{env: []string{"ECI_QUOTA_CPU"}, usage: "cpu of the node", binding: capacity(corev1.ResourceCPU)},
		{env: []string{"ECI_QUOTA_MEMORY"}, usage: "memory of the node", binding: capacity(corev1.ResourceMemory)},
		{env: []string{"ECI_QUOTA_POD"}, usage: "pods of the node", binding: capacity(corev1.ResourcePods)},
		{env: []string{"VKUBELET_TAINT_KEY"}, usage: "key of the taint", binding: text(func(c *Config) *string { return &c.Taint.Key })},
		{env: []string{"VKUBELET_TAINT_VALUE"}, usage: "value of the taint", binding: text(func(c *Config) *string { return &c.Taint.Value })},
		{env: []string{"VKUBELET_TAINT_EFFECT"}, usage: "effect of the taint", binding: text(func(c *Config) *string { return &c.Taint.Effect })},
		{flag: "disable-taint", usage: "register the node without its taint", binding: flagOf(func(c *Config) *bool { return &c.Taint.Disabled })},
		{flag: "internal-ip", env: []string{"VKUBELET_POD_IP"}, usage: "address where the API server reaches this program; this machine's when empty",
			binding: text(func(c *Config) *string { return &c.InternalIP })},
		{flag: "kubelet-port", env: []string{"KUBELET_PORT"}, usage: "port of the kubelet API", binding: binding{"int", setKubeletPort, func(c *Config) string { return fmt.Sprint(c.Kubelet.Port) }}},
		{flag: "tls-cert-file", env: []string{"APISERVER_CERT_LOCATION"}, usage: "serving certificate of the kubelet API; made up at start when empty",
			binding: text(func(c *Config) *string { return &c.Kubelet.TLSCertFile })},
		{flag: "tls-private-key-file", env: []string{"APISERVER_KEY_LOCATION"}, usage: "its private key",
			binding: text(func(c *Config) *string { return &c.Kubelet.TLSPrivateKeyFile })},
		{flag: "rotate-server-certificates", usage: "have the cluster sign the serving certificate, as the kubelet's flag of this name",
			binding: flagOf(func(c *Config) *bool { return &c.Kubelet.ServerTLSBootstrap })},
		{flag: "client-ca-file", usage: "CA of clients of the kubelet API; empty is the cluster's own",
			binding: text(func(c *Config) *string { return &c.Kubelet.ClientCAFile })},
		{flag: "anonymous-auth", usage: "let requests without credentials through to authorization, as the kubelet's flag of this name",
			binding: flagOf(func(c *Config) *bool { return &c.Kubelet.AnonymousAuth })},
		{flag: "pod-sync-workers", usage: "how many pods are worked on at once", binding: binding{"int", setWorkers, func(c *Config) string { return fmt.Sprint(c.Kube.Workers) }}},
		{flag: "leader-elect", usage: "work only while holding a lease, as one of several replicas",
			binding: flagOf(func(c *Config) *bool { return &c.LeaderElection.Enabled })},
		{flag: "leader-elect-namespace", env: []string{"POD_NAMESPACE"}, usage: "namespace of the lease",
			binding: text(func(c *Config) *string { return &c.LeaderElection.Namespace })},
		{flag: "leader-elect-identity", env: []string{"POD_NAME"}, usage: "name of this replica, which no other may have; made up when empty",
			binding: text(func(c *Config) *string { return &c.LeaderElection.Identity })},
		{flag: "metrics-addr", usage: "address that serves /metrics, /healthz and /readyz; empty is off",
			binding: text(func(c *Config) *string { return &c.MetricsAddress })},
		{flag: "profiling", usage: "serve /debug/pprof/ at --metrics-addr", binding: flagOf(func(c *Config) *bool { return &c.Profiling })},
		{flag: "log-level", usage: "error, warn, info, debug or trace", binding: text(func(c *Config) *string { return &c.Log.Level })},
		{flag: "log-format", usage: "text or json", binding: text(func(c *Config) *string { return &c.Log.Format })},
	}
}

// addFlags gives cmd a flag for each setting that has one, and the deprecated
// flags of the first ECI provider, which are taken and do nothing.
func addFlags(cmd *cobra.Command) {
	addSettingFlags(cmd, settings())
	for _, name := range []string{
		"namespace", "os", "provider-config", "taint", "enable-node-lease", "trace-exporter", "trace-service-name",
		"trace-tag", "trace-sample-rate", "full-resync-period", "startup-timeout",
	} {
		cmd.Flags().String(name, "", "")
		// Only an unknown name can make this fail.
		_ = cmd.Flags().MarkDeprecated(name, "it has no effect; see --help for what can be set")
	}
	cmd.Flags().Lookup("enable-node-lease").NoOptDefVal = "true" // it was a switch
}

// addSettingFlags gives cmd a flag for each of the settings that has one.
func addSettingFlags(cmd *cobra.Command, table []setting) {
	defaults := defaultConfig()
	for _, s := range table {
		if s.flag == "" {
			continue
		}
		usage := s.usage
		if len(s.env) > 0 {
			usage += " (" + strings.Join(s.env, ", ") + ")"
		}
		value := &flagValue{kind: s.kind}
		if s.get != nil {
			value.text = s.get(&defaults)
		}
		added := cmd.Flags().VarPF(value, s.flag, "", usage)
		if s.kind == boolKind {
			added.NoOptDefVal = "true"
		}
	}
}

// boolKind is the kind of a setting whose flag may be given without a value.
const boolKind = "bool"

// flagValue is the text of a flag. It is parsed together with all other settings, so
// that one problem hides no other.
type flagValue struct{ kind, text string }

func (v *flagValue) String() string         { return v.text }
func (v *flagValue) Set(value string) error { v.text = value; return nil }
func (v *flagValue) Type() string           { return v.kind }

// settingsOf are the settings that have these flags.
func settingsOf(flags ...string) []setting {
	return slices.DeleteFunc(settings(), func(s setting) bool { return !slices.Contains(flags, s.flag) })
}

// loadConfig reads the file, the environment and the flags, in this order, and
// validates the result. All problems are reported at once.
func loadConfig(cmd *cobra.Command, env lookupEnv) (Config, error) {
	c, problems := readSettings(cmd, env, settings())
	return c, joinProblems(append(problems, linesOf(c.Validate())...))
}

// linesOf returns the errors that err joins, each on its own.
func linesOf(err error) (lines []string) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			lines = append(lines, linesOf(e)...)
		}
	} else if joined, ok := err.(utilerrors.Aggregate); ok {
		for _, e := range joined.Errors() {
			lines = append(lines, linesOf(e)...)
		}
	} else if err != nil {
		lines = append(lines, strings.Join(strings.Fields(err.Error()), " "))
	}
	return lines
}

// joinProblems makes one error of all problems, or nil.
func joinProblems(problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("configuration:\n  %s", strings.Join(problems, "\n  "))
}

// readSettings reads the file of --config, and the settings of the table from
// the environment and the flags. The problems are about single settings.
func readSettings(cmd *cobra.Command, env lookupEnv, table []setting) (c Config, problems []string) {
	c = defaultConfig()
	if path, _ := cmd.Flags().GetString("config"); path != "" {
		for _, line := range linesOf(readConfig(&c, path)) {
			problems = append(problems, fmt.Sprintf("--config %s: %s", path, line))
		}
	}
	apply := func(s setting, source, value string) {
		if err := s.set(&c, value); err != nil {
			problems = append(problems, fmt.Sprintf("%s: Invalid value: %q: %v", source, value, err))
		}
	}
	for _, s := range table {
		for _, name := range slices.Backward(s.env) {
			if value, ok := env(name); ok && value != "" {
				apply(s, name, value)
			}
		}
	}
	for _, s := range table {
		if s.flag != "" && cmd.Flags().Changed(s.flag) {
			apply(s, "--"+s.flag, cmd.Flags().Lookup(s.flag).Value.String())
		}
	}
	return c, problems
}

func text(at func(*Config) *string) binding {
	return binding{
		kind: "string",
		set:  func(c *Config, value string) error { *at(c) = value; return nil },
		get:  func(c *Config) string { return *at(c) },
	}
}

func list(at func(*Config) *[]string) binding {
	set := func(c *Config, value string) error {
		*at(c) = nil
		for _, part := range strings.Split(value, ",") {
			if part = strings.TrimSpace(part); part != "" {
				*at(c) = append(*at(c), part)
			}
		}
		return nil
	}
	return binding{kind: "list", set: set, get: func(c *Config) string { return strings.Join(*at(c), ",") }}
}

func flagOf(at func(*Config) *bool) binding {
	set := func(c *Config, value string) error {
		on, err := strconv.ParseBool(value)
		if err != nil {
			return errors.New("must be true or false")
		}
		*at(c) = on
		return nil
	}
	return binding{kind: boolKind, set: set, get: func(c *Config) string { return strconv.FormatBool(*at(c)) }}
}

func capacity(name corev1.ResourceName) binding {
	return binding{kind: "quantity", set: func(c *Config, value string) error {
		q, err := request.ParseQuantity(value)
		if err != nil {
			return errors.New("must be a quantity such as 1000 or 4Ti")
		}
		if c.Capacity == nil {
			c.Capacity = corev1.ResourceList{}
		}
		c.Capacity[name] = q
		return nil
	}}
}

func setProvider(_ *Config, value string) error {
	if value != providerName {
		return errors.New("must be " + providerName)
	}
	return nil
}

func setClusterName(c *Config, value string) error {
	if c.ECI.Tags == nil {
		c.ECI.Tags = map[string]string{}
	}
	c.ECI.Tags["ClusterName"] = value
	return nil
}

func setBudgetShare(c *Config, value string) error {
	if share, err := strconv.ParseFloat(value, 64); err == nil {
		c.ECI.BudgetShare = share
		return nil
	}
	return errors.New("must be a number such as 0.5")
}

func setKubeletPort(c *Config, value string) error {
	port, err := strconv.ParseUint(value, 10, 16)
	if err != nil {
		return errors.New("must be a port, 0 to 65535")
	}
	c.Kubelet.Port = int32(port)
	return nil
}

func setWorkers(c *Config, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 {
		return errors.New("must be a whole number above 0")
	}
	c.Kube.Workers = n
	return nil
}
