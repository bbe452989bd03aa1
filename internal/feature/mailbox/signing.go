package mailbox

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"database/sql"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/mail"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/secret"
)

// signer is what a pair of keys that sign mail is called, in the audit log and as the
// place of its private halves.
const signer = "mail-key"

// The states of a pair of keys.
const (
	KeyMade = "made" // to be published
	KeyUsed = "used" // signs
	KeyOld  = "old"  // signed before; its records stay published while mail of it is on the way
)

// halves are the keys of a pair: not every receiver knows the newer algorithm.
func halves() []string { return []string{"rsa", "ed25519"} }

const rsaBits = 2048

// Pair is two keys that sign the mail of a domain together.
type Pair struct {
	ID      id.ID
	Domain  string
	State   string
	Made    int64
	Records []Record // to be published
}

// Record is a text that stands in the names of a domain.
type Record struct{ Name, Text string }

// published is the public half of a key.
type published struct{ crypto.PublicKey }

func (p published) Public() crypto.PublicKey { return p.PublicKey }

// Sign fails: it is the public half.
func (published) Sign(_ io.Reader, _ []byte, _ crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("a public key signs nothing")
}

func selector(pair id.ID, half string) string { return "sr" + pair.String() + half[:1] }

// keys gives the public keys of a pair.
func (p *Pair) keys(public []string) (out []mail.Key, err error) {
	for i, half := range halves() {
		raw, err := base64.StdEncoding.DecodeString(public[i])
		if err != nil {
			return nil, err
		}
		k, err := x509.ParsePKIXPublicKey(raw)
		if err != nil {
			return nil, err
		}
		out = append(out, mail.Key{Domain: p.Domain, Selector: selector(p.ID, half), Signer: published{k}})
	}
	return out, nil
}

// Domains lists the domains whose mail can be signed: those of the mailboxes' addresses.
func Domains(tx *gate.Tx) ([]string, error) {
	boxes, err := Boxes(tx)
	var out []string
	for _, b := range boxes {
		_, domain, _ := strings.Cut(b.Address, "@")
		out = append(out, domain)
	}
	slices.Sort(out)
	return slices.Compact(out), err
}

// Pairs lists the keys that sign mail, for who manages the tenant; the newest last.
func Pairs(tx *gate.Tx) ([]*Pair, error) {
	if err := tx.Check(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	all, _, err := pairs(tx, ``)
	return all, err
}

func pairs(tx *gate.Tx, where string, args ...any) (all []*Pair, keys [][]mail.Key, err error) {
	rows, err := tx.Query(`select id, domain, state, made_at, rsa, ed25519 from mail_key `+where+` order by domain, id`, args...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		p, public, n := &Pair{}, make([]string, 2), int64(0)
		if err := rows.Scan(&n, &p.Domain, &p.State, &p.Made, &public[0], &public[1]); err != nil {
			return nil, nil, err
		}
		p.ID = id.ID(n)
		ks, err := p.keys(public)
		if err != nil {
			return nil, nil, err
		}
		for _, k := range ks {
			text, err := k.Record()
			if err != nil {
				return nil, nil, err
			}
			p.Records = append(p.Records, Record{k.Name(), text})
		}
		all, keys = append(all, p), append(keys, ks)
	}
	return all, keys, rows.Err()
}

// MakeKeys makes a pair for a domain, which signs nothing yet. Invalid for a domain of no
// mailbox, Conflict while another pair waits to be used.
func (d *Desk) MakeKeys(ctx context.Context, c *access.Caller, domain string) error {
	public, private := make([]string, 2), make([]string, 2)
	big, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		return err
	}
	_, small, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	for i, k := range []crypto.Signer{big, small} {
		raw, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			return err
		}
		private[i] = base64.StdEncoding.EncodeToString(raw)
		if raw, err = x509.MarshalPKIXPublicKey(k.Public()); err != nil {
			return err
		}
		public[i] = base64.StdEncoding.EncodeToString(raw)
	}
	return d.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		known, err := Domains(tx)
		if err != nil {
			return err
		}
		if !slices.Contains(known, domain) {
			return fault.Field("domain", "No mailbox has an address of this domain.").WithHint("Choose one from the list.")
		}
		var waits int
		if err := tx.QueryRow(`select count(*) from mail_key where domain = ? and state = ?`, domain, KeyMade).Scan(&waits); err != nil {
			return err
		}
		if waits > 0 {
			return fault.New(fault.Conflict, "There are keys for %s that are not used yet.", domain).WithHint("Publish their records and use them, or remove them.")
		}
		kid, err := tx.NewID()
		if err != nil {
			return err
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name = "mail-key.make", signer, kid, domain
		if _, err := tx.Exec(`insert into mail_key (id, domain, state, made_at, rsa, ed25519) values (?, ?, ?, ?, ?, ?)`, int64(kid), domain, KeyMade, tx.Now, public[0], public[1]); err != nil {
			return err
		}
		for i, half := range halves() {
			if _, err := secret.Put(tx, secret.Place{Kind: signer, Object: kid, Field: half}, private[i], secret.Note{}); err != nil {
				return err
			}
		}
		return nil
	})
}

// pair gives a pair, for who manages the tenant. NotFound when there is none.
func (d *Desk) pair(ctx context.Context, c *access.Caller, kid id.ID) (p *Pair, keys []mail.Key, err error) {
	err = d.Gate.View(ctx, c, func(tx *gate.Tx) error {
		if err := tx.Check(access.Administer, gate.Thing{}); err != nil {
			return err
		}
		all, ks, err := pairs(tx, `where id = ?`, int64(kid))
		if err == nil && len(all) == 0 {
			return gate.Missing()
		}
		if err == nil {
			p, keys = all[0], ks[0]
		}
		return err
	})
	return p, keys, err
}

// CheckKeys looks whether the records of a pair are published, and says what it found.
// Conflict when one is not, Unavailable when nobody can be asked.
func (d *Desk) CheckKeys(ctx context.Context, c *access.Caller, kid id.ID) (said []string, err error) {
	_, keys, err := d.pair(ctx, c, kid)
	if err != nil {
		return nil, err
	}
	if d.Texts == nil {
		return nil, fault.New(fault.Unavailable, "This server asks no name servers.").WithHint("Its operator decides that, with the setting outgoing.")
	}
	for _, k := range keys {
		found, err := d.Texts(ctx, k.Name())
		switch {
		case fault.Is(err, fault.NotFound) || err == nil && len(found) == 0:
			return said, fault.New(fault.Conflict, "There is no TXT record at %s.", k.Name()).WithHint("Publish it as it stands here. New records can take an hour until they are seen everywhere.")
		case err != nil:
			return said, fault.Wrap(err, fault.Unavailable, "The name servers do not answer for %s.", k.Name()).WithHint("Try again in some minutes.")
		case !slices.ContainsFunc(found, k.Published):
			return said, fault.New(fault.Conflict, "At %s stands something else than the record.", k.Name()).WithHint("Compare it with what stands here: long texts are sometimes cut.")
		}
		said = append(said, k.Name()+" is published.")
	}
	return said, nil
}

// UseKeys has a pair sign from now on, in place of the one before, once its records are
// published. Conflict when they are not.
func (d *Desk) UseKeys(ctx context.Context, c *access.Caller, kid id.ID) error {
	p, _, err := d.pair(ctx, c, kid)
	if err != nil || p.State == KeyUsed {
		return err
	}
	if _, err := d.CheckKeys(ctx, c, kid); err != nil {
		return err
	}
	return d.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name = "mail-key.use", signer, kid, p.Domain
		if _, err := tx.Exec(`update mail_key set state = ? where domain = ? and state = ?`, KeyOld, p.Domain, KeyUsed); err != nil {
			return err
		}
		_, err := tx.Exec(`update mail_key set state = ? where id = ?`, KeyUsed, int64(kid))
		return err
	})
}

// RemoveKeys destroys a pair. If it was the one that signs, mail of its domain is not signed
// any more.
func (d *Desk) RemoveKeys(ctx context.Context, c *access.Caller, kid id.ID) error {
	p, _, err := d.pair(ctx, c, kid)
	if err != nil {
		return err
	}
	err = d.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name = "mail-key.remove", signer, kid, p.Domain
		if err := secret.Purge(tx, kid); err != nil {
			return err
		}
		_, err := tx.Exec(`delete from mail_key where id = ?`, int64(kid))
		return err
	})
	for _, half := range halves() {
		d.forget(c.Tenant, kid, half)
	}
	return err
}

// signing gives the keys by which a mailbox's mail is signed; none where its domain has no
// pair that is used.
func (d *Desk) signing(ctx context.Context, tenant string, b *Box) (out []mail.Key, err error) {
	_, domain, _ := strings.Cut(b.Address, "@")
	var kid int64
	err = d.Gate.View(ctx, access.System(tenant, "job"), func(tx *gate.Tx) error {
		return tx.QueryRow(`select id from mail_key where domain = ? and state = ?`, domain, KeyUsed).Scan(&kid)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, half := range halves() {
		text, err := d.half(ctx, tenant, id.ID(kid), domain, half)
		if err != nil {
			return nil, err
		}
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, err
		}
		k, err := x509.ParsePKCS8PrivateKey(raw)
		if err != nil {
			return nil, err
		}
		s, ok := k.(crypto.Signer)
		if !ok {
			return nil, errors.New("a key that signs mail cannot sign")
		}
		out = append(out, mail.Key{Domain: domain, Selector: selector(id.ID(kid), half), Signer: s})
	}
	return out, nil
}

// half opens a private key, once while the process lives.
func (d *Desk) half(ctx context.Context, tenant string, kid id.ID, domain, half string) (string, error) {
	return d.opening(ctx, place{tenant, kid, 0, half}, "to sign mail", func(tx *gate.Tx) (*secret.Ref, error) {
		e := tx.Entry()
		e.Kind, e.Object, e.Detail.Name = signer, kid, domain
		return &secret.Ref{Kind: signer, Object: kid, Field: half}, nil
	})
}
