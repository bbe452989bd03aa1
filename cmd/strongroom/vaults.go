package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"strings"

	"strongroom/internal/app"
	"strongroom/internal/base/fault"
)

// vaultFlags are those of every import from a password manager.
func vaultFlags(s *settings, f *flag.FlagSet) {
	f.StringVar(&s.tenant, "tenant", "", "short `name` of the tenant")
	f.BoolVar(&s.dryRun, "dry-run", false, "check only; write nothing")
	f.StringVar(&s.zip, "zip-password", "", "`password` of the zip")
	f.StringVar(&s.key, "key-file", "", "key `file` of a KeePass database")
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
An export that is not encrypted should be deleted when it is imported. The passphrase
of a KeePass database is the first line of standard input.`,
			run: func(ctx context.Context, prog *program, c *command, args []string) error {
				s, path, err := prog.parseFile(c, args)
				if err != nil {
					return err
				}
				lock, err := prog.vaultLock(s, path)
				if err != nil {
					return err
				}
				return prog.bringIn(ctx, s, "import.vault", app.VaultFile{Tenant: s.tenant, Path: path, Product: p.Name, Lock: lock, DryRun: s.dryRun, Places: s.places})
			},
		})
	}
	return out
}

// vaultLock gives what opens a file; it asks for the passphrase of a KeePass database.
func (p *program) vaultLock(s *settings, path string) (string, error) {
	locked, err := app.VaultLocked(path)
	if err != nil || !locked {
		return s.zip, err
	}
	var file []byte
	if s.key != "" {
		if file, err = os.ReadFile(s.key); err != nil { // #nosec G304 G703 -- the person who runs the command names it
			return "", fault.Wrap(err, fault.Invalid, "The file %s cannot be read.", s.key).WithHint("Check the name and the rights.")
		}
	}
	fmt.Fprintln(p.err, "Enter the passphrase of the database:")
	line, _ := bufio.NewReader(p.in).ReadString('\n')
	return app.VaultLock(strings.TrimRight(line, "\r\n"), file), nil
}
