package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"strongroom/internal/app"
	"strongroom/internal/base/fault"
)

func importCommand() *command {
	return &command{
		name: "import itglue", args: "FILE", short: "bring in a whole IT Glue export",
		long: `
Reads the zip of an IT Glue account export: organizations, configurations,
contacts, locations, documents with folders and images, passwords and attachments.
Links inside documents are pointed to the imported records. What the export holds
that Strongroom has no kind for yet is listed.

With -dry-run nothing is written: it says what would be created, changed and
skipped, and every problem with its file and line. Importing the same file again
changes nothing. An import that was interrupted is taken up by starting it again.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, path, err := p.parseFile(c, args)
			if err != nil {
				return err
			}
			return p.bringIn(ctx, s, "import.itglue", app.ImportFile{Tenant: s.tenant, Path: path, Password: s.zip, DryRun: s.dryRun})
		},
	}
}

// parseFile reads the command line of an import into a tenant, and gives the path of
// its one file.
func (p *program) parseFile(c *command, args []string) (s *settings, path string, err error) {
	s, rest, err := p.parse(c, args, 1, 1)
	if err == nil {
		err = needTenant(s)
	}
	if err != nil {
		return nil, "", err
	}
	path, err = filepath.Abs(rest[0])
	return s, path, err
}

// bringIn has an import done by whoever has the data folder, and prints what came
// of it.
func (p *program) bringIn(ctx context.Context, s *settings, call string, what any) error {
	var report app.ImportReport
	if err := p.console(ctx, s, call, what, &report, p.progress(s)); err != nil {
		return err
	}
	if s.json {
		return p.printJSON(report)
	}
	return report.Print(p.out)
}

func importTableCommand() *command {
	return &command{
		name: "import csv", args: "FILE", short: "bring in a table of records of one kind",
		long: `
Reads a CSV file whose rows are records of the kind that -kind names. The file is
UTF-8, UTF-16 or Windows-1252, with commas, semicolons or tabs. What the columns
are is guessed by their headings; -column says it where the guess is wrong, and
-mapping takes what was kept in the browser. The tables of ITFlow are known by their
headings and need neither -kind nor -column.

With -dry-run nothing is written: it says what would be created and changed, and
every problem with its line and column. A row with a cell that cannot be used is
left out as a whole, and the others come in.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, path, err := p.parseFile(c, args)
			if err != nil {
				return err
			}
			return p.bringIn(ctx, s, "import.csv", app.TableFile{Tenant: s.tenant, Path: path, DryRun: s.dryRun, Table: s.table})
		},
	}
}

func importHuduCommand() *command {
	return &command{
		name: "import hudu", args: "ADDRESS|FILE", short: "bring in what lies in Hudu, through its API or from a zip",
		long: `
Reads companies, asset layouts with their assets, networks and racks, folders,
articles with their pictures, passwords, websites, procedures, relations, flags, files
and photos from the Hudu at ADDRESS, such as https://name.huducloud.com, or from a zip
of JSON files, tables and files. The API key is in the file that -key-file names, or the first line of
standard input. What belongs to no company comes to the one that -company names.

With -dry-run nothing is written: it says what would be created and changed. An
import that broke off is taken up by starting it again; doing it again later brings
in what changed.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 1, 1)
			if err == nil {
				err = needTenant(s)
			}
			if err != nil {
				return err
			}
			key, online := "", strings.Contains(rest[0], "://")
			if s.key != "" {
				b, err := os.ReadFile(s.key)
				if err != nil {
					return fault.Wrap(err, fault.Invalid, "The file %s cannot be read.", s.key).WithHint("Check the name and the rights.")
				}
				key = string(b)
			} else if online {
				fmt.Fprintln(p.err, "Enter the API key of Hudu:")
				key, _ = bufio.NewReader(p.in).ReadString('\n')
			}
			from := app.HuduSource{Tenant: s.tenant, Key: strings.TrimSpace(key), Company: s.table.Organization, DryRun: s.dryRun}
			if online {
				from.URL = rest[0]
			} else if from.Path, err = filepath.Abs(rest[0]); err != nil {
				return err
			}
			return p.bringIn(ctx, s, "import.hudu", from)
		},
	}
}

// progress shows how far something is, to a person at a terminal.
func (p *program) progress(s *settings) func(json.RawMessage) {
	f, ok := p.err.(*os.File)
	if !ok || s.json {
		return nil
	}
	if st, err := f.Stat(); err != nil || st.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return func(b json.RawMessage) {
		var step struct {
			Stage       string
			Done, Total int64
		}
		if json.Unmarshal(b, &step) == nil && step.Total > 0 {
			fmt.Fprintf(p.err, "\r%-24s %d of %d \x1b[K", step.Stage, step.Done, step.Total)
		}
	}
}

func (p *program) export(ctx context.Context, s *settings, tenant string) error {
	path, err := filepath.Abs(s.output)
	if err != nil {
		return err
	}
	var out app.Exported
	if err := p.console(ctx, s, "tenant.export", app.ExportFile{Tenant: tenant, Path: path, Password: s.zip}, &out, p.progress(s)); err != nil {
		return err
	}
	if s.json {
		return p.printJSON(out)
	}
	if _, err = fmt.Fprintf(p.out, "\nTenant %s was written to %s.\n", tenant, s.output); err != nil || out.Withheld == 0 {
		return err
	}
	_, err = fmt.Fprintf(p.out, "%d secrets and sealed values were left out: strongroom/withheld.jsonl in the zip says which and why.\n", out.Withheld)
	return err
}

func auditExportCommand() *command {
	return &command{
		name: "audit export", short: "write a tenant's audit log into a file that can be checked anywhere",
		long: `
Writes the whole audit log of a tenant with its signed checkpoints. Anybody who has
the file can check it with "strongroom audit verify -file FILE -key KEY"; no server is needed.
With -details it holds names, addresses and reasons too. That it was taken out is in
the log.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, _, err := p.parse(c, args, 0, 0)
			if err == nil {
				err = needTenant(s)
			}
			if err != nil {
				return err
			}
			if s.output == "" {
				return usage{"Say which file to write.", "Give -o FILE, such as -o " + s.tenant + "-audit.log."}
			}
			path, err := filepath.Abs(s.output)
			if err != nil {
				return err
			}
			var out app.Exported
			if err := p.console(ctx, s, "audit.export", app.AuditFile{Tenant: s.tenant, Path: path, Details: s.details}, &out, nil); err != nil {
				return err
			}
			if s.json {
				return p.printJSON(out)
			}
			_, err = fmt.Fprintf(p.out, "The audit log of tenant %s was written to %s. Its public key, to be kept apart from the file:\n\n    %s\n", s.tenant, s.output, out.Key)
			return err
		},
	}
}

func auditVerifyCommand() *command {
	return &command{
		name: "audit verify", short: "check that the audit log is whole and unaltered",
		long: `
Reads a tenant's whole audit log, computes every entry's place in the Merkle tree
again and checks the signed checkpoints. It ends with 0 only if every entry
verifies, and names the first one that does not.

With -file it checks an exported log; that needs nothing but the file and the public
key that its checkpoints must be signed with, -key, which comes from elsewhere than
the file: the page Audit shows it, and who keeps it is told of an exchanged log.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, _, err := p.parse(c, args, 0, 0)
			if err != nil {
				return err
			}
			var v *app.Verified
			if s.output != "" && s.key == "" {
				return usage{"Say which public key the file's checkpoints must be signed with.", "Give -key strongroom/...: the page Audit shows it. Keep it elsewhere than the file."}
			} else if s.output != "" {
				v, err = app.VerifyAuditFile(s.output, s.key)
			} else if err = needTenant(s); err == nil {
				var o app.Options
				if o, err = p.options(s); err == nil {
					v, err = app.VerifyAudit(ctx, o, s.tenant)
				}
			}
			if err != nil {
				return err
			}
			if s.json {
				if err := p.printJSON(v); err != nil {
					return err
				}
			}
			if !v.OK {
				return fault.New(fault.Conflict, "%s", v.Text).WithHint("Keep the data folder as it is, and compare with a checkpoint or an export that is kept elsewhere.")
			}
			if s.json {
				return nil
			}
			_, err = fmt.Fprintln(p.out, v.Text)
			return err
		},
	}
}
