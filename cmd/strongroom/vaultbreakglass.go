package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/app"
	"strongroom/internal/app/remote"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
)

const aboutBreakglass = `An emergency copy is a file with chosen passwords, for when there is no server. Two
holders or more, of those whom its maker names, open it together, until it expires. With
a server:

    people              list who may hold a share, and whose keys were compared here
    meet USER WORDS     take somebody's keys for hers; ask for the words by telephone or
                        in person
    make ITEM...        make a copy of items of your vaults, and of the passwords that
                        -password names, in the file of -o. The server records it. The
                        codes of the papers of -paper are printed, once
    receipt FILE        hand in the receipt of an opening, for the audit log

Without one, with -file, an emergency file of your own vaults, which has your keys:

    show FILE           say what a copy is, who made it, who holds shares
    consent FILE        seal your share to the holder of -to, into the file of -o
    open FILE           open the copy with your share, with the consents of -consent and
                        with so many codes of papers as -codes says, which are lines of
                        standard input behind the passphrase; without -file, with codes
                        alone. The receipt is written before anything is shown

Files of items and one-time-code seeds are in a copy, too. It says by its signature when it
expires, and this program refuses it then. It cannot make anybody forget: change what was
in a copy that is lost or was opened.
`

// glass are the flags of vault breakglass.
type glass struct {
	holders, papers, passwords, consents []string
	needed, days, codes                  int
	to, reason, receipt, files           string
	noFiles                              bool
}

func breakglassFlags(s *settings, f *flag.FlagSet) {
	ownVaultFlags(s, f)
	g := &s.vault.glass
	list := func(name, text string, to *[]string) {
		f.Func(name, text, func(v string) error { *to = append(*to, v); return nil })
	}
	list("holder", "a `user`, by number, who holds a share. May be given several times", &g.holders)
	list("paper", "what a printed code is called, a `name` such as \"Safe in Leeds\", that holds a share. May be given several times", &g.papers)
	list("password", "a `password` of the server, as ORGANIZATION/NAME or its id, to put in. May be given several times", &g.passwords)
	list("consent", "the `file` of another holder's consent. May be given several times", &g.consents)
	f.IntVar(&g.needed, "needed", hostproof.LeastNeeded, "how many holders open it together, a `number`")
	f.IntVar(&g.days, "days", 90, "for how many `days` the copy opens, at most 366")
	f.IntVar(&g.codes, "codes", 0, "how many codes of papers are given, a `number`")
	f.StringVar(&g.to, "to", "", "the `holder` who opens the copy: place, number of the user, or name")
	f.StringVar(&g.reason, "reason", "", "why the copy is opened, or passwords are put in: a `text`")
	f.StringVar(&g.receipt, "receipt", "", "the `file` to write the receipt of the opening to (default: that of the copy with .receipt behind it)")
	f.StringVar(&g.files, "files", "", "the `folder` to write the files of a copy to that is opened")
	f.BoolVar(&g.noFiles, "no-files", false, "leave files of items out of a copy that is made")
	f.StringVar(&s.output, "o", "", "the `file` to write")
}

// glassVerb is one thing that is done about emergency copies.
type glassVerb struct {
	least, most int  // words behind it
	server      bool // it needs one
	do          func(ctx context.Context, p *program, s *settings, rest []string) error
}

func glassVerbs() map[string]glassVerb {
	return map[string]glassVerb{
		"people":  {0, 0, true, glassPeople},
		"meet":    {2, 13, true, glassMeet},
		"make":    {0, 1000, true, glassMake},
		"receipt": {1, 1, true, glassReceipt},
		"show":    {1, 1, false, glassShow},
		"consent": {1, 1, false, glassConsent},
		"open":    {1, 1, false, glassOpen},
	}
}

func vaultBreakglassCommand() *command {
	return &command{
		name: "vault breakglass", args: "WHAT [ARGUMENTS]", short: "make, and open, a copy of passwords for when there is no server",
		long: aboutBreakglass + aboutVaults,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 1, 1000)
			if err != nil {
				return err
			}
			v, ok := glassVerbs()[rest[0]]
			if !ok || len(rest)-1 < v.least || len(rest)-1 > v.most {
				return usage{"Usage: strongroom vault breakglass [flags] people|meet|make|receipt|show|consent|open ...", "More: strongroom vault breakglass -h"}
			}
			if v.server && (s.vault.URL == "" || s.vault.File != "") {
				return usage{"Say which server to use.", "For example: strongroom vault breakglass make -url https://demo.example.com"}
			}
			return v.do(ctx, p, s, rest[1:])
		},
	}
}

// unlockedFor opens the keys of a holder, whose passphrase is the first line of in.
func (s *settings) unlockedFor(ctx context.Context, in *bufio.Reader) (*app.VaultClient, error) {
	return app.OpenVaults(ctx, s.ownVaults(), func() (string, error) { return line(in, "vault passphrase") })
}

func glassPeople(ctx context.Context, p *program, s *settings, _ []string) error {
	c, err := s.unlockedFor(ctx, bufio.NewReader(p.in))
	if err != nil {
		return err
	}
	list, err := c.People(ctx)
	if err != nil {
		return err
	}
	for _, o := range list {
		state := "keys not compared yet"
		if o.Known {
			state = "keys compared"
		}
		fmt.Fprintf(p.out, "%d\t%s\t%s\n", o.User, plainText(o.Name), state)
	}
	return nil
}

func glassMeet(ctx context.Context, p *program, s *settings, rest []string) error {
	c, err := s.unlockedFor(ctx, bufio.NewReader(p.in))
	if err != nil {
		return err
	}
	list, err := c.People(ctx)
	if err != nil {
		return err
	}
	n, _ := strconv.ParseInt(rest[0], 10, 64) // what is no number is nobody
	return c.MeetPerson(ctx, list, n, strings.Join(rest[1:], " "))
}

func glassMake(ctx context.Context, p *program, s *settings, rest []string) error {
	g := &s.vault.glass
	if s.output == "" || len(g.holders)+len(g.papers) == 0 {
		return usage{"Say who holds shares, and which file to write.", "For example: strongroom vault breakglass make Router -holder 57 -paper \"Safe in Leeds\" -o emergency.srb -url https://demo.example.com"}
	}
	c, list, err := p.vaults(ctx, s, bufio.NewReader(p.in))
	if err != nil {
		return err
	}
	holders, err := glassHolders(ctx, c, g)
	if err != nil {
		return err
	}
	var items []hostproof.Copied
	for _, what := range rest {
		v, item, err := one(list, what)
		if err != nil {
			return err
		}
		content, err := item.Content.Alone().WithFiles(nil)
		if err != nil {
			return err
		}
		copied := hostproof.Copied{From: v.Title, Content: content}
		if !g.noFiles {
			if copied.Files, err = c.WholeFiles(ctx, v, item); err != nil {
				return err
			}
		}
		items = append(items, copied)
	}
	for _, what := range g.passwords {
		got, err := glassPassword(ctx, s, c, what)
		if err != nil {
			return err
		}
		items = append(items, got)
	}
	x, codes, err := c.MakeCopy(ctx, items, len(g.passwords), holders, g.needed, time.Now().AddDate(0, 0, g.days).UnixMilli())
	if err != nil {
		return err
	}
	if err := newFile(s.output, func(f *os.File) error { _, err := f.Write(x.Marshal()); return err }); err != nil {
		return err
	}
	for i, code := range codes {
		fmt.Fprintf(p.out, "%s\t%s\n", code.Text(), plainText(g.papers[i]))
	}
	return nil
}

// glassHolders gives the people, and then the papers, that hold shares.
func glassHolders(ctx context.Context, c *app.VaultClient, g *glass) (out []hostproof.Holder, err error) {
	list, err := c.People(ctx)
	if err != nil {
		return nil, err
	}
	for _, what := range g.holders {
		n, _ := strconv.ParseInt(what, 10, 64) // what is no number is nobody
		h, err := c.Holder(ctx, list, n, "user "+what)
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	for _, name := range g.papers {
		out = append(out, hostproof.Holder{Name: name})
	}
	return out, nil
}

// glassPassword asks the server for a password of its own class, and for the seed of its one-time codes, under its rules.
func glassPassword(ctx context.Context, s *settings, c *app.VaultClient, what string) (out hostproof.Copied, err error) {
	key := s.key
	if s.vault.KeyFile != "" {
		if key, err = remote.KeyFrom(s.vault.KeyFile); err != nil {
			return out, err
		}
	}
	reason := s.vault.glass.reason
	if reason == "" {
		reason = "emergency copy"
	}
	server := &remote.Server{URL: s.vault.URL, Key: strings.TrimSpace(key), Reason: reason}
	id, err := server.Find(ctx, what)
	if err != nil {
		return out, err
	}
	got, err := server.Get(ctx, id, true)
	if err != nil {
		return out, err
	}
	out = hostproof.Copied{From: got.Organization, Content: hostproof.Content{"title": got.Name, "username": got.Username, "password": got.Password, "url": got.URL}}
	seed, err := c.Seed(ctx, id, reason)
	if seed != "" {
		out.Content["otp"] = seed
	}
	return out, err
}

// mostFile is the largest file of an emergency copy, a consent or a receipt that is read.
const mostFile = 80 << 20

func glassFile(name string) ([]byte, error) {
	f, err := os.Stat(name) // #nosec G703 -- the person at the command line names it
	if err == nil && f.Size() > mostFile {
		return nil, fault.New(fault.Invalid, "The file %s is too large for what it should be.", name)
	}
	b, err := os.ReadFile(name) // #nosec G304 G703 -- the person at the command line names it
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The file %s cannot be read.", name).WithHint("Check the name and the rights.")
	}
	return b, nil
}

func glassCopy(name string) (*hostproof.Copy, error) {
	b, err := glassFile(name)
	if err != nil {
		return nil, err
	}
	x, err := hostproof.ParseCopy(b)
	if err != nil {
		return nil, err
	}
	return x, x.Verify()
}

func glassShow(_ context.Context, p *program, s *settings, rest []string) error {
	x, err := glassCopy(rest[0])
	if err != nil {
		return err
	}
	say := func(format string, args ...any) { fmt.Fprintf(p.out, format+"\n", args...) }
	hash := x.Hash()
	say("Copy %x of %s, made by user %d on %s", hash[:8], x.Tenant, x.Maker.User, time.UnixMilli(x.Time).UTC().Format(time.RFC3339))
	say("Words of the maker's keys: %s", app.CopyWords(x))
	say("Expires on %s", time.UnixMilli(x.Expiry).UTC().Format(time.RFC3339))
	say("Opened by %d of:", x.Needed)
	for i, h := range x.Holders {
		who := "a paper with a code"
		if h.Statement != nil {
			who = fmt.Sprintf("user %d", h.Statement.User)
		}
		say("%d\t%s\t%s", i+1, plainText(h.Name), who)
	}
	return x.Current(time.Now().UnixMilli())
}

func glassConsent(ctx context.Context, p *program, s *settings, rest []string) error {
	g := &s.vault.glass
	if g.to == "" || s.output == "" || g.reason == "" || s.vault.URL == "" && s.vault.File == "" {
		return usage{"Say who opens the copy, why, which keys are yours, and which file to write.", "For example: strongroom vault breakglass consent emergency.srb -to 2 -reason \"Fire\" -file strongroom-vaults.json -o consent.srn"}
	}
	x, err := glassCopy(rest[0])
	if err != nil {
		return err
	}
	to, err := app.PlaceOf(x, g.to)
	if err != nil {
		return err
	}
	c, err := s.unlockedFor(ctx, bufio.NewReader(p.in))
	if err != nil {
		return err
	}
	n, err := c.Consent(x, to, g.reason)
	if err != nil {
		return err
	}
	return newFile(s.output, func(f *os.File) error { _, err := f.Write(n.Marshal()); return err })
}

func glassOpen(ctx context.Context, p *program, s *settings, rest []string) error {
	g := &s.vault.glass
	if g.reason == "" {
		return usage{"Say why the copy is opened.", "For example: strongroom vault breakglass open emergency.srb -reason \"Fire\" -file strongroom-vaults.json -consent consent.srn"}
	}
	x, err := glassCopy(rest[0])
	if err != nil {
		return err
	}
	if err := x.Current(time.Now().UnixMilli()); err != nil {
		return err
	}
	o := hostproof.Opening{Reason: g.reason}
	for _, name := range g.consents {
		b, err := glassFile(name)
		if err != nil {
			return err
		}
		n, err := hostproof.ParseConsent(b)
		if err != nil {
			return err
		}
		o.Consents = append(o.Consents, n)
	}
	in := bufio.NewReader(p.in)
	c := &app.VaultClient{}
	if s.vault.URL != "" || s.vault.File != "" {
		if c, err = s.unlockedFor(ctx, in); err != nil {
			return err
		}
	}
	for range g.codes {
		text, err := line(in, "code of a paper")
		if err != nil {
			return err
		}
		code, err := hostproof.ParseCode(text)
		if err != nil {
			return err
		}
		o.Codes = append(o.Codes, code)
	}
	items, r, err := c.OpenCopy(x, o)
	if err != nil {
		return err
	}
	to := g.receipt
	if to == "" {
		to = rest[0] + ".receipt"
	}
	if err := newFile(to, func(f *os.File) error { _, err := f.Write(r.Marshal()); return err }); err != nil {
		return err
	}
	fmt.Fprintf(p.err, "The receipt is in %s. Hand it in when there is a server: strongroom vault breakglass receipt %s\n", to, to)
	if g.files != "" {
		if err := writeCopied(g.files, items); err != nil {
			return err
		}
	}
	return p.sayCopied(s, items)
}

// writeCopied writes the files of what is in a copy to a folder, each with a number before its name.
func writeCopied(dir string, items []hostproof.Copied) error {
	n := 0
	for _, i := range items {
		for _, f := range i.Files {
			n++
			name := f.Name
			if !filepath.IsLocal(name) || filepath.Base(name) != name || plainText(name) != name {
				name = "file"
			}
			if err := newFile(filepath.Join(dir, fmt.Sprintf("%d-%s", n, name)), func(out *os.File) error { _, err := out.Write(f.Content); return err }); err != nil {
				return err
			}
		}
	}
	return nil
}

// sayCopied prints what is in a copy.
func (p *program) sayCopied(s *settings, items []hostproof.Copied) error {
	if s.json {
		return p.printJSON(items)
	}
	for _, i := range items {
		fmt.Fprintf(p.out, "%s: %s\n", plainText(i.From), plainText(i.Content["title"]))
		for _, name := range slices.Sorted(maps.Keys(i.Content)) {
			if value := i.Content[name]; value != "" && name != "title" {
				fmt.Fprintf(p.out, "  %s\t%s\n", plainText(name), plainText(value))
			}
		}
		for _, f := range i.Files {
			fmt.Fprintf(p.out, "  file\t%s, %d bytes; -files FOLDER writes it\n", plainText(f.Name), len(f.Content))
		}
	}
	return nil
}

func glassReceipt(ctx context.Context, p *program, s *settings, rest []string) error {
	b, err := glassFile(rest[0])
	if err != nil {
		return err
	}
	if _, err := hostproof.ParseReceipt(b); err != nil {
		return err
	}
	c, err := app.KeyedVaults(s.ownVaults())
	if err != nil {
		return err
	}
	if err := c.HandIn(ctx, b); err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.out, "The opening stands in the audit log.")
	return err
}
