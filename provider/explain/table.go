package explain

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// WriteTable writes the report for people: a line for the pods of each object,
// what is to be said about them, and what the figures mean.
func (r *Report) WriteTable(w io.Writer) error {
	var out bytes.Buffer
	if len(r.Pods) > 0 {
		r.writeRows(&out)
	}
	for _, pod := range r.Pods {
		pod.writeMessages(&out)
	}
	r.writeNotes(&out)
	r.writeFooter(&out)
	_, err := w.Write(out.Bytes())
	return err
}

func (r *Report) writeRows(out *bytes.Buffer) {
	currency := "PRICE"
	if len(r.Totals) == 1 {
		currency = r.Totals[0].Currency
	}
	table := tabwriter.NewWriter(out, 0, 8, 3, ' ', 0)
	// Writing to a buffer does not fail.
	fmt.Fprintf(table, "FILE\tOBJECT\tPODS\tASKED\tBILLED\t%s/HOUR\t%s/MONTH\tOUTCOME\n", currency, currency)
	for _, pod := range r.Pods {
		hour, month := "-", "-"
		if c := pod.Cost; c != nil {
			hour, month = cost(c, c.AllPerHour, 4, currency), cost(c, c.AllPerMonth, 2, currency)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n", pod.File, pod.object(), pod.Pods,
			cmp.Or(pod.Asked, "-"), cmp.Or(pod.Billed, "-"), hour, month, pod.Outcome)
	}
	table.Flush()
}

// cost names the currency where the heading does not.
func cost(c *Cost, amount float64, digits int, heading string) string {
	text := strconv.FormatFloat(amount, 'f', digits, 64)
	if c.Currency != heading {
		text += " " + c.Currency
	}
	return text
}

// object is kind and name, and the namespace where it is not the usual one.
func (p *Pod) object() string {
	if p.Namespace == "default" {
		return p.Kind + "/" + p.Name
	}
	return p.Kind + "/" + p.Name + " -n " + p.Namespace
}

func (p *Pod) writeMessages(out *bytes.Buffer) {
	note := p.Cost != nil && p.Cost.Note != ""
	if len(p.Refusals)+len(p.Missing)+len(p.Warnings)+len(p.Profile) == 0 && p.Cloud+p.Networking == "" && !note {
		return
	}
	fmt.Fprintf(out, "\n%s %s\n", p.File, p.object())
	write := func(label string, messages []Message) {
		for _, m := range messages {
			fmt.Fprintf(out, "  %-8s %s\n", label, m)
		}
	}
	write("refused", p.Refusals)
	write("missing", p.Missing)
	write("warning", p.Warnings)
	if note {
		fmt.Fprintf(out, "  %-8s %s\n", "price", p.Cost.Note)
	}
	if len(p.Profile) > 0 {
		fmt.Fprintf(out, "  %-8s selectors that apply: %s\n", "profile", strings.Join(p.Profile, ", "))
	}
	if p.Networking != "" {
		fmt.Fprintf(out, "  %-8s PodNetworking that gives vSwitches and security groups: %s\n", "network", p.Networking)
	}
	if p.Cloud != "" {
		fmt.Fprintf(out, "  %-8s %s\n", "cloud", p.Cloud)
	}
}

func (r *Report) writeNotes(out *bytes.Buffer) {
	if len(r.Notes) > 0 {
		out.WriteString("\n")
	}
	for _, n := range r.Notes {
		fmt.Fprintf(out, "%s %s: %s\n", n.File, n.Object, n.Text)
	}
}

func (r *Report) writeFooter(out *bytes.Buffer) {
	if len(r.Pods) == 0 {
		out.WriteString("There are no pods in these files.\n")
		return
	}
	out.WriteString("\n")
	for _, t := range r.Totals {
		fmt.Fprintf(out, "Total: %s %.4f an hour, %.2f for 30 days, if all pods that are not refused ran all the time.\n", t.Currency, t.AllPerHour, t.AllPerMonth)
	}
	fmt.Fprintf(out, "Prices: %s.\n", r.Prices)
	if len(r.Assumed) > 0 {
		fmt.Fprintf(out, "Assumed: %s.\n", strings.Join(r.Assumed, ", "))
	}
}
