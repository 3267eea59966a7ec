package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/eci-vnode/eci-vnode/eci/vpc"
	"github.com/eci-vnode/eci-vnode/provider/eip"
)

// unboundEIP is an EIP that is paid for and serves nobody.
type unboundEIP struct {
	AllocationID string `json:"allocationID"`
	Address      string `json:"address"`
	Namespace    string `json:"namespace"`
	PodName      string `json:"pod"`
	Strategy     string `json:"strategy"`
	Status       string `json:"status"`
	// AgeSeconds is the time since it was bought.
	AgeSeconds int64 `json:"ageSeconds"`
}

// runReapEIPs lists the EIPs of the node that are bound to nothing. The node
// itself gives them back when their time is over, so that nothing is done here.
func runReapEIPs(cmd *cobra.Command, cfg Config, env lookupEnv, output string) error {
	if cfg.ECI.ClusterID == "" {
		kube, err := clientAs(cfg.Kube, "")
		if err != nil {
			return err
		}
		if cfg.ECI.ClusterID, err = readClusterID(cmd.Context(), kube); err != nil {
			return err
		}
	}
	cloud, err := newCloud(cfg.ECI, env, nil)
	if err != nil {
		return err
	}
	return listEIPs(cmd.Context(), cloud, cfg, output, time.Now(), cmd.OutOrStdout())
}

func listEIPs(ctx context.Context, cloud eip.Lister, cfg Config, output string, now time.Time, out io.Writer) error {
	found, err := eip.Unbound(ctx, cloud, cfg.ECI.ClusterID, cfg.NodeName)
	if err != nil {
		return fmt.Errorf("listing the EIPs of node %s: %w", cfg.NodeName, err)
	}
	rows := make([]unboundEIP, 0, len(found))
	for _, a := range found {
		rows = append(rows, unboundOf(a, now))
	}
	if output == "json" {
		return writeJSON(out, rows)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(rows) > 0 {
		fmt.Fprintln(table, "EIP\tADDRESS\tNAMESPACE\tPOD\tSTRATEGY\tSTATUS\tAGE")
	}
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.AllocationID, r.Address, r.Namespace, r.PodName, r.Strategy, r.Status,
			duration.HumanDuration(time.Duration(r.AgeSeconds)*time.Second))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d EIPs that node %s of cluster %s bought are bound to nothing\n", len(rows), cfg.NodeName, cfg.ECI.ClusterID)
	return err
}

func unboundOf(a vpc.EIPAddress, now time.Time) unboundEIP {
	who := eip.Owner(a)
	return unboundEIP{
		AllocationID: a.AllocationID, Address: a.IPAddress, Namespace: who.Namespace, PodName: who.PodName,
		Strategy: a.Tag(eip.TagStrategy), Status: a.Status, AgeSeconds: int64(eip.Age(a, now).Seconds()),
	}
}
