package mailbox

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/mail"
	"strongroom/internal/base/mailfetch"
	"strongroom/internal/base/mailparse"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/secret"
)

// reasonOfUse is what the log says of why a password of a mailbox was opened.
const reasonOfUse = "to read the mailbox, or send from it"

// place names a password that was opened: another one has another version.
type place struct {
	tenant  string
	box     id.ID
	version int64
	field   string
}

// Run visits the mailboxes of a tenant and files what came. That one cannot be read is
// noted with it and keeps no other waiting.
func (d *Desk) Run(ctx context.Context, tenant string) error {
	var boxes []*Box
	var left int
	err := d.Gate.View(ctx, access.System(tenant, "job"), func(tx *gate.Tx) (err error) {
		if boxes, err = list(tx); err != nil {
			return err
		}
		return tx.QueryRow(`select count(*) from mailbox_mail where state = ?`, Received).Scan(&left)
	})
	if err != nil || len(boxes) == 0 && left == 0 {
		return err
	}
	var failed error
	for _, b := range boxes {
		if b.Active {
			failed = errors.Join(failed, d.visit(ctx, tenant, b))
		}
	}
	return errors.Join(failed, d.FileAll(ctx, tenant))
}

// visit takes what is new in a mailbox. What its server does wrong is noted and no
// failure.
func (d *Desk) visit(ctx context.Context, tenant string, b *Box) error {
	pass, err := d.word(ctx, tenant, b)
	if err != nil {
		noted := d.checked(ctx, tenant, b, b.validity, b.last, err)
		if b.Auth != ByPassword && fault.Is(err, fault.Unavailable) { // what its provider does
			return noted
		}
		return errors.Join(err, noted)
	}
	if b.Protocol == POP3 {
		return d.visitPOP(ctx, tenant, b, pass)
	}
	var kept error
	validity, last, noted, err := d.source(b, pass).Fetch(ctx, func(validity, place uint32, raw []byte) error {
		kept = d.Receive(ctx, tenant, b.ID, strconv.FormatUint(uint64(validity), 10)+":"+strconv.FormatUint(uint64(place), 10), raw)
		return kept
	})
	if err == nil {
		err = noted
	}
	return errors.Join(kept, d.checked(ctx, tenant, b, int64(validity), int64(last), err))
}

// source is where the mail of a mailbox is.
func (d *Desk) source(b *Box, w word) *mailfetch.Source {
	return &mailfetch.Source{Dialer: d.Dialer, Addr: b.Server, StartTLS: b.TLS == mail.StartTLS, User: b.User, Password: w.password, Token: w.token, Folder: b.Folder, Done: b.Done, Config: d.TLS,
		Most: mailparse.MostBytes, Validity: uint32(b.validity), Last: uint32(b.last)}
}

// checked notes how a visit went, unless the mailbox was changed meanwhile.
func (d *Desk) checked(ctx context.Context, tenant string, b *Box, validity, last int64, cause error) error {
	said := fault.Say(cause)
	text, hint := "", ""
	if cause != nil {
		text, hint = said.Text, said.Hint
	}
	return d.quietly(context.WithoutCancel(ctx), tenant, func(tx *gate.Tx) error {
		_, err := tx.Exec(`update mailbox set validity = ?, last = ?, checked_at = ?, error = ?, hint = ? where id = ? and version = ?`, validity, last, tx.Now, text, hint, int64(b.ID), b.Version)
		return err
	})
}

// open opens a password of a mailbox, once for each version of its settings; empty when
// there is none.
func (d *Desk) open(ctx context.Context, tenant string, b *Box, field string) (string, error) {
	return d.opening(ctx, place{tenant, b.ID, b.Version, field}, reasonOfUse, func(tx *gate.Tx) (*secret.Ref, error) {
		b, err := get(tx, b.ID)
		if err != nil {
			return nil, err
		}
		e := tx.Entry()
		e.Kind, e.Object, e.Detail.Name = thing, b.ID, b.Name
		return &secret.Ref{Kind: thing, Object: b.ID, Field: field}, nil
	})
}

// opening opens a secret and remembers it.
func (d *Desk) opening(ctx context.Context, at place, why string, which func(*gate.Tx) (*secret.Ref, error)) (string, error) {
	d.mu.Lock()
	text, ok := d.opened[at]
	d.mu.Unlock()
	if ok {
		return text, nil
	}
	text, _, err := d.Secrets.RevealBeside(ctx, access.System(at.tenant, "job"), gate.Thing{}, why, which)
	if err != nil {
		return "", err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.opened == nil {
		d.opened = map[place]string{}
	}
	for old := range d.opened { // of earlier settings
		if old.tenant == at.tenant && old.box == at.box && old.version != at.version {
			delete(d.opened, old)
		}
	}
	d.opened[at] = text
	return text, nil
}

// Test visits a mailbox without taking anything and says what it found, for who manages
// the tenant. The test is recorded.
func (d *Desk) Test(ctx context.Context, c *access.Caller, box id.ID) ([]string, error) {
	var b *Box
	err := d.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) (err error) {
		if b, err = get(tx, box); err != nil {
			return err
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name = "mailbox.test", thing, box, b.Name
		return nil
	})
	if err != nil {
		return nil, err
	}
	pass, err := d.word(ctx, c.Tenant, b)
	if err != nil {
		return nil, err
	}
	test := d.source(b, pass).Test
	if b.Protocol == POP3 {
		test = d.pop(b, pass).Test
	}
	said, err := test(ctx)
	if err == nil && !b.Active {
		said = append(said, "It is switched off: nothing is taken until it is active.")
	}
	if err == nil && b.last > 0 && b.Protocol == IMAP {
		said = append(said, fmt.Sprintf("The last mail that was taken stood at place %d.", b.last))
	}
	return said, err
}
