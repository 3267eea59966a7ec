package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/provider/explain"
)

// explainSetup is what explain works with.
type explainSetup struct {
	config explain.Config
	deps   explain.Deps
	// assumed are the settings that have a placeholder.
	assumed []string
}

// explainSettings are the settings of run that shape a request.
func explainSettings() []setting {
	flags := []string{"nodename", "region", "zone", "vswitch", "security-group", "resource-group", "endpoint", "cluster-id", "cluster-dns", "cluster-domain"}
	return slices.DeleteFunc(settings(), func(s setting) bool {
		return !slices.Contains(flags, s.flag) && !slices.Contains(s.env, "ECI_CLUSTER_NAME")
	})
}

// newExplainSetup reads the settings. What is not set has a placeholder, but not
// where the cloud is to be asked.
func newExplainSetup(cmd *cobra.Command, env lookupEnv, flags explainFlags) (explainSetup, error) {
	var setup explainSetup
	c, problems := readSettings(cmd, env, explainSettings())
	if flags.live && c.ECI.Region == "" {
		problems = append(problems, "eci.region: Required value: --live asks for the prices of a region; set --region or ECI_REGION")
	}
	if flags.dryRun == "cloud" {
		problems = append(problems, linesOf(c.Validate())...)
	}
	if err := joinProblems(problems); err != nil {
		return setup, err
	}
	setup.assumed = assume(&c, cmd.Flags().Changed("config"))
	setup.config = explain.Config{
		Addresses: c.Prices.Addresses,
		Request:   providerConfig(c).Request, Taints: taintsOf(c), RequireObjects: flags.requireObjects, Requests: flags.output != "table",
	}
	setup.config.Request.Permissions.Assumed = !cmd.Flags().Changed("config")
	if err := setup.config.Validate(); err != nil {
		return setup, err
	}
	given := givePrices(&c.Prices, cmd, flags.prices)
	if flags.live && given {
		return setup, errors.New("--live asks for prices; do not give any")
	}
	var err error
	setup.deps, err = explainDeps(c, env, flags)
	return setup, err
}

// assume sets what is not set, and says what that is. The cluster's DNS is
// assumed only without a file: one that has none says so.
func assume(c *Config, hasFile bool) []string {
	var assumed []string
	text := func(at *string, flag, value string) {
		if *at == "" {
			*at = value
			assumed = append(assumed, flag+" "+value)
		}
	}
	list := func(at *[]string, flag, value string) {
		if len(*at) == 0 {
			*at = []string{value}
			assumed = append(assumed, flag+" "+value)
		}
	}
	text(&c.ECI.Region, "--region", "cn-hangzhou")
	list(&c.ECI.VSwitchIDs, "--vswitch", "vsw-placeholder")
	text(&c.ECI.SecurityGroupID, "--security-group", "sg-placeholder")
	text(&c.ECI.ClusterID, "--cluster-id", "placeholder")
	if !hasFile {
		list(&c.ECI.ClusterDNS, "--cluster-dns", "10.96.0.10")
	}
	return assumed
}

// taintsOf are those that the node is registered with.
func taintsOf(c Config) []corev1.Taint { return vnodeConfig(c).Node.Taints }

// givePrices puts the prices of flags over those of the settings, and says
// whether there are any. Prices of somebody's own are not those of the list.
func givePrices(prices *explain.ListPrices, cmd *cobra.Command, flags explain.ListPrices) bool {
	given := false
	for name, put := range map[string]func(){
		"price-vcpu-hour": func() { prices.VCPUHour = flags.VCPUHour },
		"price-gib-hour":  func() { prices.GiBHour = flags.GiBHour },
		"price-currency":  func() { prices.Currency = flags.Currency },
	} {
		if cmd.Flags().Changed(name) {
			put()
			given = true
		}
	}
	if list := explain.DefaultListPrices(); given || *prices != list && prices.Origin == list.Origin {
		prices.Origin = "as given"
	}
	return given
}

// explainDeps are the prices and the dry run that the flags ask for.
func explainDeps(c Config, env lookupEnv, flags explainFlags) (explain.Deps, error) {
	deps := explain.Deps{Prices: c.Prices}
	if err := c.Prices.Validate(); err != nil {
		return deps, fmt.Errorf("prices: %w", err)
	}
	if !flags.live && flags.dryRun != "cloud" {
		return deps, nil
	}
	cloud, err := newCloud(c.ECI, env, nil)
	if err != nil {
		return deps, err
	}
	if flags.live {
		deps.Prices = newLivePrices(cloud, c.ECI.Region)
	}
	if flags.dryRun == "cloud" {
		deps.DryRun = dryRun(cloud)
	}
	return deps, nil
}
