package vaultapi

import (
	"bytes"
	"context"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/base/wordlist"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/vault"
)

// People gives whom the key's owner sees and who has keys; those whose words were
// compared on this computer are known.
func (c *Client) People(ctx context.Context) (out []Officer, err error) {
	var list []vault.Person
	if err := c.call(ctx, "people", nil, &list); err != nil {
		return nil, err
	}
	for _, p := range list {
		o, err := c.officer(p)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// MeetPerson takes somebody's keys for hers when the words are those of the very keys
// that the server showed. Denied when they are not.
func (c *Client) MeetPerson(ctx context.Context, list []Officer, user int64, words string) error {
	for _, o := range list {
		if o.User != user {
			continue
		}
		fp, err := wordlist.Decode(words)
		if err != nil {
			return err
		}
		if fp != o.statement.Fingerprint() {
			return lied("These are not the words of the keys that the server shows for this person.")
		}
		if err := c.listed(ctx, o.statement); err != nil {
			return err
		}
		return c.Memory.meet(o.statement)
	}
	return fault.New(fault.NotFound, "Nobody with the number %d, whom you see, has keys for vaults.", user).WithHint("See: strongroom vault breakglass people")
}

// Holder gives somebody as a holder of an emergency copy: a number of a user. It
// refuses keys that were not compared, or that do not stand in the audit log.
func (c *Client) Holder(ctx context.Context, list []Officer, user int64, name string) (h hostproof.Holder, err error) {
	if me := c.keys.Statement; me.User == user {
		return hostproof.Holder{Name: name, Statement: me}, nil
	}
	for _, o := range list {
		if o.User != user {
			continue
		}
		if !o.Known {
			return h, fault.New(fault.Invalid, "The keys of %s (%d) were not compared on this computer.", o.Name, user).
				WithHint("Ask for the words by telephone or in person, then: strongroom vault breakglass meet %d WORDS", user)
		}
		return hostproof.Holder{Name: o.Name, Statement: o.statement}, c.listed(ctx, o.statement)
	}
	return h, fault.New(fault.NotFound, "Nobody with the number %d, whom you see, has keys for vaults.", user).WithHint("See: strongroom vault breakglass people")
}

// MakeCopy makes an emergency copy, of which the server is told before it is given. The
// items are those of vaults first; passwords says how many behind them are of the
// server's class.
func (c *Client) MakeCopy(ctx context.Context, items []hostproof.Copied, passwords int, holders []hostproof.Holder, needed int, expiry int64) (*hostproof.Copy, []hostproof.Code, error) {
	x, codes, err := c.keys.NewCopy(items, holders, needed, expiry, c.now())
	if err != nil {
		return nil, nil, err
	}
	if err := c.call(ctx, "copies", vault.NewCopy{Head: x.Head(), Items: len(items) - passwords, Passwords: passwords}, nil); err != nil {
		return nil, nil, err
	}
	return x, codes, nil
}

// Seed gives the one-time-code seed of a password of the server, for an emergency copy; empty
// when it has none. The server records it. reason says why.
func (c *Client) Seed(ctx context.Context, password, reason string) (string, error) {
	n, ok := id.Parse(password)
	if !ok {
		return "", fault.New(fault.Invalid, "%q is no number of a password.", password)
	}
	var out vault.Seed
	err := c.call(ctx, "seeds", vault.Seed{Password: n, Reason: reason}, &out)
	return out.Seed, err
}

// WholeFiles gives the files of an item with what is in them, for an emergency copy.
func (c *Client) WholeFiles(ctx context.Context, v *Vault, item *Item) (out []hostproof.CopiedFile, err error) {
	list, err := item.Content.Files()
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		var b bytes.Buffer
		if err := c.FetchFile(ctx, v, item, f, &b); err != nil {
			return nil, err
		}
		out = append(out, hostproof.CopiedFile{Name: f.Name, Type: f.Type, Content: b.Bytes()})
	}
	return out, nil
}

// Consent consents, with the unlocked keys, to the opening of a copy by the holder at a
// place.
func (c *Client) Consent(x *hostproof.Copy, to int, reason string) (*hostproof.Consent, error) {
	return c.keys.Consent(x, to, reason, c.now())
}

// OpenCopy opens a copy with the unlocked keys and what others bring.
func (c *Client) OpenCopy(x *hostproof.Copy, o hostproof.Opening) ([]hostproof.Copied, *hostproof.Receipt, error) {
	o.Keys = c.keys
	return o.Open(x, c.now())
}

// HandIn hands the receipt of an opening in.
func (c *Client) HandIn(ctx context.Context, receipt []byte) error {
	return c.call(ctx, "receipts", vault.Receipt{Receipt: receipt}, nil)
}

// CopyWords gives the words of the keys that made a copy, by which people know whose it is.
func CopyWords(x *hostproof.Copy) string {
	return strings.Join(wordlist.Encode(x.Maker.Fingerprint()), " ")
}

// PlaceOf gives the place of a holder: by the place, the number of a user, or a name.
func PlaceOf(x *hostproof.Copy, what string) (int, error) {
	found := 0
	for i, h := range x.Holders {
		if h.Statement == nil || strconv.Itoa(i+1) != what && strconv.FormatInt(h.Statement.User, 10) != what && h.Name != what {
			continue
		}
		if found != 0 {
			return 0, fault.New(fault.Invalid, "More than one holder is called %q.", what).WithHint("Give the place of the holder: strongroom vault breakglass show FILE")
		}
		found = i + 1
	}
	if found == 0 {
		return 0, fault.New(fault.NotFound, "No holder with keys is called %q.", what).WithHint("See: strongroom vault breakglass show FILE")
	}
	return found, nil
}
