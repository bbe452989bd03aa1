package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"strongroom/internal/base/agefile"
	"strongroom/internal/base/fault"
)

func exportOpenCommand() *command {
	return &command{
		name: "export open", args: "FILE", short: "open a sealed export",
		long: `
Opens an export that was sealed with age, as scheduled exports are, and writes the
zip in it. It needs no server: the private key or the passphrase is enough. Every
other program that reads age files opens it too.

With -identity the private key is read from a file; else the passphrase is the
first line of standard input.`,
		run: func(_ context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 1, 1)
			if err == nil && s.output == "" {
				err = usage{"Nothing says which file to write.", "Give -o FILE."}
			}
			if err != nil {
				return err
			}
			keys, passphrase := "", ""
			if s.key != "" {
				b, err := os.ReadFile(s.key)
				if err != nil {
					return fault.Wrap(err, fault.Invalid, "The file %s cannot be read.", s.key).WithHint("Check the name and the rights.")
				}
				if keys = string(b); strings.TrimSpace(keys) == "" {
					return fault.New(fault.Invalid, "There is no private key in %s.", s.key)
				}
			} else {
				fmt.Fprintln(p.err, "Enter the passphrase:")
				line, _ := bufio.NewReader(p.in).ReadString('\n')
				if passphrase = strings.TrimRight(line, "\r\n"); passphrase == "" {
					return fault.New(fault.Invalid, "No passphrase was given.").WithHint("Enter it on standard input, or give -identity.")
				}
			}
			return openSealed(rest[0], s.output, keys, passphrase)
		},
	}
}

// openSealed writes what is in a sealed file beside its place, and moves it there when
// it is whole.
func openSealed(from, to, keys, passphrase string) (err error) {
	in, err := os.Open(from) // #nosec G304 G703 -- the person at the command line names it
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The file %s cannot be read.", from).WithHint("Check the name and the rights.")
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+"-*") // mode 0600
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The file %s cannot be written.", to).WithHint("Check that its folder exists and may be written to.")
	}
	err = agefile.Open(out, in, keys, passphrase)
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Rename(out.Name(), to)
	}
	if err != nil {
		return errors.Join(err, os.Remove(out.Name()))
	}
	return nil
}

func exportKeyCommand() *command {
	return &command{
		name: "export key", args: "FILE", short: "make a pair of keys for sealed exports",
		long: `
Writes a new private key into FILE, which must not exist, and prints the public key:
enter that on the page of scheduled exports, and keep the file away from this
server. Whoever has it can open the exports; without it nobody can.`,
		run: func(_ context.Context, p *program, c *command, args []string) error {
			_, rest, err := p.parse(c, args, 1, 1)
			if err != nil {
				return err
			}
			private, public, err := agefile.Key()
			if err != nil {
				return err
			}
			f, err := os.OpenFile(rest[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // #nosec G304 G703 -- the person at the command line names it
			if err != nil {
				return fault.Wrap(err, fault.Invalid, "The file %s cannot be made.", rest[0]).WithHint("Name a file that does not exist, in a folder that may be written to.")
			}
			_, err = fmt.Fprintf(f, "# public key: %s\n%s\n", public, private)
			if err = errors.Join(err, f.Close()); err != nil {
				return err
			}
			_, err = fmt.Fprintln(p.out, public)
			return err
		},
	}
}
