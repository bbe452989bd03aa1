package app

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"strongroom/internal/core/access"
	"strongroom/internal/feature/importer"
)

// ImportReport is the report of an import, with a form for people.
type ImportReport importer.Report

// Print writes the report as a person reads it.
func (r *ImportReport) Print(w io.Writer) error {
	verb := "Imported"
	if r.DryRun {
		verb = "This would be imported; nothing was written"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s:\n\n  %-24s %9s %9s %9s %9s %9s\n", verb, "", "created", "changed", "unchanged", "skipped", "conflicts")
	line := func(name string, c importer.Counts) {
		fmt.Fprintf(&b, "  %-24s %9d %9d %9d %9d %9d\n", name, c.Created, c.Changed, c.Unchanged, c.Skipped, c.Conflicts)
	}
	for _, k := range slices.Sorted(maps.Keys(r.Kinds)) {
		line(strings.ReplaceAll(k, "_", " "), *r.Kinds[k])
	}
	line("in all", r.Counts)
	if len(r.Unknown) > 0 {
		b.WriteString("\nIn the export, but Strongroom has no kind for it yet:\n\n")
		for _, u := range r.Unknown {
			fmt.Fprintf(&b, "  %-40s %6d  %s\n", u.File, u.Rows, u.Note)
		}
	}
	if len(r.Problems) > 0 {
		fmt.Fprintf(&b, "\n%d problems:\n\n", len(r.Problems))
		for _, p := range r.Problems {
			where := p.File
			if p.Line > 0 {
				where = fmt.Sprintf("%s line %d", p.File, p.Line)
			}
			fmt.Fprintf(&b, "  %s: %s: %s %s\n", p.Severity, where, p.Text, p.Hint)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func importFile(ctx context.Context, a *App, f ImportFile, progress func(any)) (any, error) {
	file, _, err := readable(f.Path)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	c := access.System(f.Tenant, "console")
	source, o := importer.Source{Path: f.Path}, importer.Options{Password: f.Password}
	if f.DryRun {
		return a.Importer.Check(ctx, c, source, o)
	}
	return a.Importer.Run(ctx, c, source, o, func(p importer.Progress) { progress(p) })
}

// Exported tells what an export wrote.
type Exported struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
}
