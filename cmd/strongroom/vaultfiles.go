package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"mime"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"strongroom/internal/app"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
)

// vaultItemCommands are those that do something with items beside reading and writing
// their fields.
func vaultItemCommands() []*command {
	return []*command{vaultFilesCommand(), vaultAttachCommand(), vaultFetchCommand(), vaultDetachCommand(), vaultMoveCommand("mv"), vaultMoveCommand("cp"), vaultRemoveCommand(), vaultLimitCommand()}
}

// vaultItemFlags are the flags of vaultItemCommands.
func vaultItemFlags() map[string]func(*settings, *flag.FlagSet) {
	out := map[string]func(*settings, *flag.FlagSet){}
	for _, c := range vaultItemCommands() {
		out[c.name] = ownVaultFlags
	}
	out["vault fetch"] = func(s *settings, f *flag.FlagSet) {
		ownVaultFlags(s, f)
		f.StringVar(&s.output, "o", "", "the `file` to write (default: the name of the file, here)")
	}
	return out
}

// onItem opens the vaults and finds the item that the first argument names.
func (p *program) onItem(ctx context.Context, s *settings, what string) (*app.VaultClient, *app.Vault, *app.VaultItem, error) {
	client, list, err := p.vaults(ctx, s, bufio.NewReader(p.in))
	if err != nil {
		return nil, nil, nil, err
	}
	v, item, err := one(list, what)
	return client, v, item, err
}

func vaultFilesCommand() *command {
	return &command{
		name: "vault files", args: "ITEM", short: "list the files of an item of your vaults",
		long: "Lists the files of the item with that number or title: number, size in bytes, name.\n" + aboutVaults,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 1, 1)
			if err != nil {
				return err
			}
			_, _, item, err := p.onItem(ctx, s, rest[0])
			if err != nil {
				return err
			}
			list, err := item.Content.Files()
			if err != nil {
				return err
			}
			if s.json {
				type row struct {
					Number int64  `json:"file"`
					Name   string `json:"name"`
					Type   string `json:"type"`
					Size   int64  `json:"size"`
				}
				out := []row{}
				for _, f := range list {
					out = append(out, row{f.Number, f.Name, f.Type, f.Size})
				}
				return p.printJSON(out)
			}
			for _, f := range list {
				fmt.Fprintf(p.out, "%d\t%d\t%s\n", f.Number, f.Size, plainText(f.Name))
			}
			return nil
		},
	}
}

func vaultAttachCommand() *command {
	return &command{
		name: "vault attach", args: "ITEM FILE...", short: "add files to an item of your vaults",
		long: "Seals files here and adds them to the item with that number or title. An item has\nat most 20 files, each of at most 128 MiB; the server learns how many there are and\nabout how big.\n" + aboutVaults,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 2, hostproof.MostFiles+1)
			if err != nil {
				return err
			}
			client, v, item, err := p.onItem(ctx, s, rest[0])
			if err != nil {
				return err
			}
			for _, name := range rest[1:] {
				if item, err = attach(ctx, client, v, item, name); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func attach(ctx context.Context, client *app.VaultClient, v *app.Vault, item *app.VaultItem, name string) (*app.VaultItem, error) {
	f, err := os.Open(name) // #nosec G304 G703 -- the person at the command line names it
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The file cannot be read: %v.", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return nil, fault.Wrap(err, fault.Invalid, "%s is no file.", name)
	}
	return client.AddFile(ctx, v, item, filepath.Base(name), mime.TypeByExtension(filepath.Ext(name)), st.Size(), f)
}

// fileOf finds the one file of an item with a number or a name.
func fileOf(item *app.VaultItem, what string) (f hostproof.File, err error) {
	list, err := item.Content.Files()
	if err != nil {
		return f, err
	}
	list = slices.DeleteFunc(list, func(f hostproof.File) bool { return f.Name != what && strconv.FormatInt(f.Number, 10) != what })
	switch len(list) {
	case 0:
		return f, fault.New(fault.NotFound, "This item has no file %q.", what).WithHint("See: strongroom vault files ITEM")
	case 1:
		return list[0], nil
	}
	return f, fault.New(fault.Invalid, "More than one file is called %q.", what).WithHint("Give its number: strongroom vault files ITEM")
}

func vaultFetchCommand() *command {
	return &command{
		name: "vault fetch", args: "ITEM FILE", short: "write a file of an item of your vaults to this computer",
		long: "Opens the file with that number or name of the item with that number or title, and\nwrites it. It appears only when all of it was verified, and takes the place of no\nother file.\n" + aboutVaults,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 2, 2)
			if err != nil {
				return err
			}
			client, v, item, err := p.onItem(ctx, s, rest[0])
			if err != nil {
				return err
			}
			f, err := fileOf(item, rest[1])
			if err != nil {
				return err
			}
			to := s.output
			if to == "" {
				if to = f.Name; !filepath.IsLocal(to) || filepath.Base(to) != to {
					return fault.New(fault.Invalid, "A file cannot be called %q here.", to).WithHint("Name another one with -o.")
				}
			}
			return newFile(to, func(out *os.File) error { return client.FetchFile(ctx, v, item, f, out) })
		},
	}
}

// newFile makes a file that only its owner reads, in one step: whole or not at all.
func newFile(name string, fill func(*os.File) error) error {
	out, err := os.CreateTemp(filepath.Dir(name), ".strongroom-*") // readable by its owner only
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The file cannot be written: %v.", err)
	}
	defer os.Remove(out.Name())
	if err = fill(out); err != nil {
		_ = out.Close() // it is thrown away
		return err
	}
	if err = out.Close(); err == nil {
		err = os.Link(out.Name(), name)
	}
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The file cannot be written: %v.", err).WithHint("Name another one with -o.")
	}
	return nil
}

func vaultDetachCommand() *command {
	return &command{
		name: "vault detach", args: "ITEM FILE", short: "delete a file of an item of your vaults",
		long: "Deletes the file with that number or name of the item with that number or title, for\ngood.\n" + aboutVaults,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 2, 2)
			if err != nil {
				return err
			}
			client, v, item, err := p.onItem(ctx, s, rest[0])
			if err != nil {
				return err
			}
			f, err := fileOf(item, rest[1])
			if err != nil {
				return err
			}
			_, err = client.RemoveFile(ctx, v, item, f)
			return err
		},
	}
}

func vaultMoveCommand(name string) *command {
	c := &command{name: "vault " + name, args: "ITEM... VAULT", short: "move items into another of your vaults",
		long: "Seals the items anew in the vault with that number or title, with their files and\nearlier values, and then deletes them where they were. When it is interrupted nothing\nis lost: the same command goes on with it.\n" + aboutVaults}
	if name == "cp" {
		c.short = "copy items into another of your vaults"
		c.long = "Seals the items anew in the vault with that number or title, with their files and\nwithout their earlier values.\n" + aboutVaults
	}
	c.run = func(ctx context.Context, p *program, c *command, args []string) error {
		s, rest, err := p.parse(c, args, 2, 1000)
		if err != nil {
			return err
		}
		client, list, err := p.vaults(ctx, s, bufio.NewReader(p.in))
		if err != nil {
			return err
		}
		to, err := app.FindVault(list, rest[len(rest)-1])
		if err != nil {
			return err
		}
		return p.eachVault(list, rest[:len(rest)-1], to, func(from *app.Vault, items []*app.VaultItem) error {
			if name == "cp" {
				return client.Copy(ctx, from, items, to)
			}
			return client.Move(ctx, from, items, to)
		})
	}
	return c
}

func vaultRemoveCommand() *command {
	return &command{
		name: "vault rm", args: "ITEM...", short: "delete items of your vaults",
		long: "Deletes the items with those numbers or titles, with their files, for good.\n" + aboutVaults,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 1, 1000)
			if err != nil {
				return err
			}
			client, list, err := p.vaults(ctx, s, bufio.NewReader(p.in))
			if err != nil {
				return err
			}
			return p.eachVault(list, rest, nil, func(v *app.Vault, items []*app.VaultItem) error { return client.Remove(ctx, v, items) })
		},
	}
}

// eachVault finds items by number or title and does something with those of each
// vault together. Every one must be found before anything is done. What is in the vault
// except only is looked for in the others.
func (p *program) eachVault(list []*app.Vault, names []string, except *app.Vault, do func(*app.Vault, []*app.VaultItem) error) error {
	where := slices.DeleteFunc(slices.Clone(list), func(v *app.Vault) bool { return v == except })
	of := map[*app.Vault][]*app.VaultItem{}
	for _, name := range names {
		v, item, err := one(where, name)
		if err != nil {
			return err
		}
		if !slices.Contains(of[v], item) {
			of[v] = append(of[v], item)
		}
	}
	for _, v := range where {
		if len(of[v]) > 0 {
			if err := do(v, of[v]); err != nil {
				return err
			}
		}
	}
	return nil
}
