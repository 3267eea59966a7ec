package explain

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

// Table is a table for people.
type Table struct {
	Columns []string
	Rows    [][]string
	// code is how many columns, from the left, hold names.
	code int
}

// Fields says of every field of a pod what becomes of it on ECI.
func Fields() Table {
	t := Table{Columns: []string{"Of", "Field", "What becomes of it", "Why, and what to do instead"}, code: 2}
	for _, rule := range request.Rules() {
		t.Rows = append(t.Rows, []string{rule.Kind, rule.Field, string(rule.Treatment), rule.Note})
	}
	return t
}

// Annotations says of every annotation what it does.
func Annotations() Table {
	t := Table{Columns: []string{"Annotation", "Older names", "Parameter of the API", "Who acts", "Permission", "Value, or why it is refused"}, code: 3}
	for _, row := range request.Annotations() {
		t.Rows = append(t.Rows, []string{row.Key, strings.Join(row.Aliases, ", "), row.Parameter, string(row.Actor), permission(row.Permission), row.Note})
	}
	return t
}

// permission is how the table names the permission that an annotation needs; one
// in brackets is given to all pods by default.
func permission(resource request.Resource) string {
	for _, row := range request.Resources() {
		if row.Resource == resource && row.Open {
			return "(" + string(resource) + ")"
		}
	}
	return string(resource)
}

// Resources says which resources of the account a pod can name, and who may.
func Resources() Table {
	t := Table{Columns: []string{"Setting", "Who may by default", "Where a pod names it", "What a pod that should not have it could do"}, code: 1}
	for _, row := range request.Resources() {
		who := "nobody"
		if row.Open {
			who = "every pod"
		}
		t.Rows = append(t.Rows, []string{string(row.Resource), who, row.Named, row.Reach})
	}
	return t
}

// Write writes the table with aligned columns.
func (t Table) Write(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 8, 3, ' ', 0)
	headings := make([]string, len(t.Columns))
	for i, column := range t.Columns {
		headings[i] = strings.ToUpper(column)
	}
	for _, row := range append([][]string{headings}, t.Rows...) {
		if _, err := fmt.Fprintln(out, strings.TrimRight(strings.Join(row, "\t"), "\t")); err != nil {
			return err
		}
	}
	return out.Flush()
}

// WriteMarkdown writes the table as Markdown.
func (t Table) WriteMarkdown(w io.Writer) error {
	rows := [][]string{t.Columns, make([]string, len(t.Columns))}
	for i := range rows[1] {
		rows[1][i] = "---"
	}
	for n, row := range append(rows, t.Rows...) {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = strings.ReplaceAll(cell, "|", `\|`)
			if n > 1 && i < t.code && cell != "" {
				cells[i] = "`" + cells[i] + "`"
			}
		}
		if _, err := fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")); err != nil {
			return err
		}
	}
	return nil
}
