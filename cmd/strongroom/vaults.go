package main

import (
	"context"
	"flag"
	"path/filepath"

	"strongroom/internal/app"
)

// vaultFlags are those of every import from a password manager.
func vaultFlags(s *settings, f *flag.FlagSet) {
	f.StringVar(&s.tenant, "tenant", "", "short `name` of the tenant")
	f.BoolVar(&s.dryRun, "dry-run", false, "check only; write nothing")
	f.StringVar(&s.zip, "zip-password", "", "`password` of the zip")
	f.StringVar(&s.places.Organization, "organization", "", "`name` of the organization of everything that nothing else places")
	f.Func("folder", "into which organization an outermost folder goes, as `FOLDER=ORGANIZATION`; nothing after = leaves it out. May be given several times", func(v string) error {
		s.places.Folders = append(s.places.Folders, v)
		return nil
	})
	f.BoolVar(&s.places.Named, "folders-are-organizations", false, "an outermost folder goes into the organization of the same name")
	f.BoolVar(&s.places.Create, "create-missing-organizations", false, "make the organizations that folders name and nobody knows")
}

// importVaultCommands gives one command for each password manager.
func importVaultCommands() (out []*command) {
	for _, p := range app.VaultProducts() {
		out = append(out, &command{
			name: "import " + p.Name, args: "FILE", short: "bring in what " + p.Label + " exported",
			long: `
Reads an export of ` + p.Label + `: ` + p.Files + `.
Folders become password folders; entries become passwords with their one-time codes,
notes, earlier passwords and files as far as the export has them. Hidden fields,
secure notes and the numbers of cards are sealed: what is secret beside the password
becomes a password of its own, called ENTRY: FIELD.

Say where it goes with -organization, with -folder for each outermost folder, or with
-folders-are-organizations. With -dry-run nothing is written: it says what would be
made and changed, and what cannot come in. The same file again changes nothing.
The export is not encrypted: delete it when it is imported.`,
			run: func(ctx context.Context, prog *program, c *command, args []string) error {
				s, rest, err := prog.parse(c, args, 1, 1)
				if err == nil {
					err = needTenant(s)
				}
				if err != nil {
					return err
				}
				path, err := filepath.Abs(rest[0])
				if err != nil {
					return err
				}
				return prog.bringIn(ctx, s, "import.vault", app.VaultFile{Tenant: s.tenant, Path: path, Product: p.Name, Lock: s.zip, DryRun: s.dryRun, Places: s.places})
			},
		})
	}
	return out
}
