package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/feature/exporter"
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
		b.WriteString("\nIn the export, and not brought in:\n\n")
		for _, u := range r.Unknown {
			fmt.Fprintf(&b, "  %-40s %6d  %s\n", u.File, u.Rows, u.Note)
		}
	}
	for i, row := range r.Rows {
		if i == 0 {
			b.WriteString("\nThe first rows:\n\n")
		}
		fmt.Fprintf(&b, "  line %d: %s %s\n", row.Line, row.What, row.Name)
		for _, d := range row.Fields {
			if row.What == "changed" {
				fmt.Fprintf(&b, "    %s: %q, was %q\n", d.Label, d.New, d.Old)
			}
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
	File  string           `json:"file"`
	Bytes int64            `json:"bytes"`
	Kinds map[string]int64 `json:"kinds"`
	// Withheld counts the secrets left out for want of an approval.
	Withheld int64 `json:"withheld,omitempty"`
	// Key verifies an exported audit log.
	Key string `json:"key,omitempty"`
}

// exportFile writes an export of a tenant.
func exportFile(ctx context.Context, a *App, f ExportFile, progress func(any)) (any, error) {
	if _, err := a.House.Info(ctx, f.Tenant); err != nil {
		return nil, err
	}
	var report *exporter.Report
	err := whole(f.Path, func(out io.Writer) (err error) {
		report, err = a.Exporter.Export(ctx, intoFile(f.Tenant, f.Path), out, exporter.Options{Password: f.Password}, func(p exporter.Progress) { progress(p) })
		return err
	})
	if err != nil {
		return nil, err
	}
	return Exported{File: f.Path, Bytes: report.Bytes, Kinds: report.Kinds, Withheld: report.Withheld}, nil
}

// exportAudit writes a tenant's audit log in the form that verifies anywhere.
func exportAudit(ctx context.Context, a *App, f AuditFile, _ func(any)) (any, error) {
	err := a.Gate.Change(ctx, intoFile(f.Tenant, f.Path), access.Inspect, gate.Thing{}, func(tx *gate.Tx) error { tx.Entry().Action = "audit.export"; return nil })
	if err != nil {
		return nil, err
	}
	t, err := a.House.Open(ctx, f.Tenant)
	if err != nil {
		return nil, err
	}
	defer t.Release()
	return Exported{File: f.Path, Key: t.Keys.CheckpointKey}, whole(f.Path, func(out io.Writer) error {
		return audit.Export(ctx, t.DB, t.Audit, t.Keys.CheckpointKey, out, a.Now().UnixMilli(), f.Details)
	})
}

// intoFile is the console, of which the log says into which file it writes.
func intoFile(tenant, path string) *access.Caller {
	who := *access.System(tenant, "console")
	who.Reason = "On the console, into " + filepath.Base(path)
	return &who
}

// whole writes a file beside its place and moves it there when it is complete: a file of
// that name is replaced by a whole one or not at all.
func whole(path string, write func(io.Writer) error) (err error) {
	out, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The file %s cannot be written.", path).WithHint("Check that its folder exists and may be written to.")
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(out.Name()))
		}
	}()
	if err = errors.Join(write(out), out.Sync(), out.Close()); err != nil {
		return err
	}
	return os.Rename(out.Name(), path)
}
