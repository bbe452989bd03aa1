package main

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"text/tabwriter"

	"strongroom/internal/app"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
)

const aboutVaults = `
It needs the address of the server, an API key of your own that may read passwords
(STRONGROOM_KEY, or a file), and your vault passphrase: the first line of a file,
or of standard input. Everything is decrypted here; the server sees neither the
passphrase nor what is in the vault. What was seen of a vault is remembered in a
folder, so that an older state or other keys are noticed; it holds no secret.

With -file it opens an emergency file, which is saved on the page Vault, and needs
neither server nor key. How old such a file is, it cannot tell.`

func vaultLsCommand() *command {
	return &command{
		name: "vault ls", short: "list what is in your vaults",
		long: "Lists the items of all your vaults: number, vault, title, user name, address.\n" + aboutVaults,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, _, err := p.parse(c, args, 0, 0)
			if err != nil {
				return err
			}
			_, list, err := p.vaults(ctx, s, bufio.NewReader(p.in))
			if err != nil {
				return err
			}
			if s.json {
				return p.printJSON(listed(list))
			}
			w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
			for _, i := range listed(list) {
				fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", i.Number, plainText(i.Vault), plainText(i.Title), plainText(i.Username), plainText(i.URL))
			}
			return w.Flush()
		},
	}
}

func vaultGetCommand() *command {
	return &command{
		name: "vault get", args: "ITEM [FIELD]", short: "print one field of an item of your vaults",
		long: "Prints the password of the item with that number or title, or another field of\nit: title, username, url, notes.\n" + aboutVaults,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 1, 2)
			if err != nil {
				return err
			}
			_, list, err := p.vaults(ctx, s, bufio.NewReader(p.in))
			if err != nil {
				return err
			}
			_, item, err := one(list, rest[0])
			if err != nil {
				return err
			}
			field := "password"
			if len(rest) == 2 {
				field = rest[1]
			}
			value, ok := item.Content[field]
			if !ok {
				return fault.New(fault.NotFound, "This item has no field %q.", field).WithHint("There are: title, username, password, url, notes.")
			}
			if s.json {
				return p.printJSON(item.Content)
			}
			_, err = fmt.Fprintln(p.out, value)
			return err
		},
	}
}

func vaultPutCommand() *command {
	return &command{
		name: "vault put", args: "ITEM", short: "add an item to your vaults, or change its password",
		long: "Gives the item with that number or title another password, or makes one with that\ntitle in the first vault. The password is a line of standard input, behind the\npassphrase when that comes from there too.\n" + aboutVaults,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 1, 1)
			if err != nil {
				return err
			}
			in := bufio.NewReader(p.in)
			client, list, err := p.vaults(ctx, s, in)
			if err != nil {
				return err
			}
			v, item, err := one(list, rest[0])
			content := hostproof.Content{"title": rest[0], "username": "", "password": "", "url": "", "notes": ""}
			switch {
			case fault.Is(err, fault.NotFound) && len(list) > 0:
				v = list[0]
			case err != nil:
				return err
			default:
				content = maps.Clone(item.Content)
			}
			if content["password"], err = line(in, "password"); err != nil {
				return err
			}
			for name, value := range map[string]string{"username": s.vault.Username, "url": s.vault.Site} {
				if value != "" {
					content[name] = value
				}
			}
			done, err := putItem(ctx, client, v, item, content, s.vault.only)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(p.out, done.Number)
			return err
		},
	}
}

// putItem writes an item: for some users of the vault when there are any.
func putItem(ctx context.Context, c *app.VaultClient, v *app.Vault, was *app.VaultItem, content hostproof.Content, only []string) (*app.VaultItem, error) {
	if len(only) == 0 {
		return c.Put(ctx, v, was, content)
	}
	to, err := numbersOf(only)
	if err != nil {
		return nil, err
	}
	return c.Limit(ctx, v, was, content, to)
}

// vaultSettings are what the commands of vaults are told.
type vaultSettings struct {
	app.VaultOptions
	Username, Site string
	only           []string // users
	session        string   // the file with its cookie
	pages          []string

	glass glass
}

// vaults opens all vaults. The passphrase is asked for on in when no file has it.
func (p *program) vaults(ctx context.Context, s *settings, in *bufio.Reader) (*app.VaultClient, []*app.Vault, error) {
	if s.vault.URL == "" && s.vault.File == "" {
		return nil, nil, usage{"Say which server to use.", "For example: strongroom vault ls -url https://demo.example.com"}
	}
	c, err := app.OpenVaults(ctx, s.ownVaults(), func() (string, error) { return line(in, "vault passphrase") })
	if err != nil {
		return nil, nil, err
	}
	list, err := c.All(ctx)
	for _, v := range list {
		if v.Withheld > 0 {
			fmt.Fprintf(p.err, "In the vault %s, %d more items are limited to others.\n", plainText(v.Title), v.Withheld)
		}
	}
	for _, x := range c.Strangers() {
		fmt.Fprintf(p.err, "%s gives you a vault. Compare the words of both your keys, then: strongroom vault meet %d WORDS\n", plainText(x.Name), x.User)
	}
	for _, n := range c.Stale() {
		fmt.Fprintf(p.err, "The vault %d was given to your keys before. Ask its owner to give it new keys.\n", n)
	}
	return c, list, err
}

// ownVaults is where the person's vaults are.
func (s *settings) ownVaults() app.VaultOptions {
	o := s.vault.VaultOptions
	o.Key = s.key
	return o
}

func line(in *bufio.Reader, what string) (string, error) {
	s, err := in.ReadString('\n')
	s = strings.TrimRight(s, "\r\n")
	if s == "" {
		return "", fault.Wrap(err, fault.Invalid, "There is no %s on standard input.", what).WithHint("Give it as a line of its own.")
	}
	return s, nil
}

// listedItem is an item without what is secret in it.
type listedItem struct {
	Number   int64  `json:"item"`
	Vault    string `json:"vault"`
	Title    string `json:"title"`
	Username string `json:"username"`
	URL      string `json:"url"`
}

func listed(list []*app.Vault) []listedItem {
	out := []listedItem{}
	for _, v := range list {
		for _, i := range v.Items {
			out = append(out, listedItem{i.Number, v.Title, i.Content["title"], i.Content["username"], i.Content["url"]})
		}
	}
	return out
}

// one finds the one item with a number or a title.
func one(list []*app.Vault, what string) (vault *app.Vault, item *app.VaultItem, err error) {
	n, _ := strconv.ParseInt(what, 10, 64)
	for _, v := range list {
		for _, i := range v.Items {
			if i.Number != n && i.Content["title"] != what {
				continue
			}
			if item != nil {
				return nil, nil, fault.New(fault.Invalid, "More than one item is called %q.", what).WithHint("Give its number: strongroom vault ls")
			}
			vault, item = v, i
		}
	}
	if item == nil {
		return nil, nil, fault.New(fault.NotFound, "No item is called %q.", what).WithHint("See: strongroom vault ls")
	}
	return vault, item, nil
}

// plainText keeps what is in an item from moving the cursor of a terminal.
func plainText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}
