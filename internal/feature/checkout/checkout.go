// Package checkout lets one person at a time use a password, and has it changed
// afterwards.
//
// Always true: a password that is to be checked out is revealed only to who has it
// checked out in that moment, administrators and jobs not excepted, and that is
// decided in the transaction of the reveal; nobody has one while another has it; a
// check-out ends at its time, when it is checked in, or when somebody who may decide
// ends it; each is recorded.
package checkout

import (
	"strings"
	"time"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/checkout/held"
	"strongroom/internal/feature/password/demand"
	"strongroom/internal/feature/password/filed"
)

// The actions of the audit entries.
const (
	Out       = "checkout.out"
	In        = "checkout.in"
	Over      = "checkout.over" // its time was over
	Exclusive = "checkout.demand"
)

// Most is how long somebody has a password at most, in minutes.
const Most = 24 * 60

const longest = 500

// Feature is the table of check-outs.
func Feature() record.Feature {
	return record.Feature{Name: "checkout", Schema: schema, Purge: purge}
}

// ended_at is 0 until a check-out was ended, or its end was noticed.
var schema = []string{
	`create table if not exists password_checkout (id id primary key, record_id int not null, user_id int not null, reason text not null, at int not null, ends_at int not null, ended_at int not null)`,
	`create index if not exists password_checkout_record on password_checkout (record_id, at)`,
	`alter table password_checkout add column if not exists version int not null default 0`, // of the password's value, when it was checked out
	`create index if not exists password_checkout_open on password_checkout (ends_at) where ended_at = 0`,
}

func purge(tx *gate.Tx, r *record.Record) error {
	_, err := tx.Exec(`delete from password_checkout where record_id = ? or user_id = ?`, int64(r.ID), int64(r.ID))
	return err
}

// Set has a password, or what lies in a folder and below, to be checked out. Managers
// and administrators may. That it is not any more takes an approval: see approval.Share.
func Set(tx *gate.Tx, kind string, rec id.ID) error {
	e, err := demand.Decider(tx, kind, rec)
	if err != nil {
		return err
	}
	d, err := demand.Of(tx, kind, rec)
	if err != nil {
		return err
	}
	if d.OwnExclusive {
		tx.Withdraw(e)
		return nil
	}
	e.Action = Exclusive
	return demand.Raise(tx, rec, 0, true)
}

func taken(h *held.Out) *fault.Error {
	return fault.New(fault.Conflict, "%s has it until %s UTC.", h.UserName, time.UnixMilli(h.Ends).UTC().Format("2 January, 15:04")).WithHint("Ask for it to be checked in, or wait.")
}

// Take checks a password out for the caller, for so many minutes. Fault kinds:
// Conflict when somebody has it, or it is not to be checked out; Invalid for "reason"
// and "minutes".
func Take(tx *gate.Tx, rec id.ID, reason string, minutes int) (*held.Out, error) {
	e, err := tx.Allow(access.Reveal, gate.Thing{Kind: filed.Password, ID: rec})
	if err != nil {
		return nil, err
	}
	reason = strings.Join(strings.Fields(reason), " ")
	switch {
	case tx.Caller.User == 0:
		return nil, fault.New(fault.Denied, "Only people check passwords out.")
	case reason == "":
		return nil, fault.Field("reason", "Say what you need it for.")
	case utf8.RuneCountInString(reason) > longest:
		return nil, fault.Field("reason", "A reason has at most %d characters.", longest)
	case minutes < 1 || minutes > Most:
		return nil, fault.Field("minutes", "Choose a time of at most 24 hours.")
	}
	d, err := demand.Of(tx, filed.Password, rec)
	if err != nil {
		return nil, err
	}
	if !d.Exclusive {
		return nil, fault.New(fault.Conflict, "This password is not to be checked out.")
	}
	if now, err := held.Holding(tx, rec); err != nil || now != nil {
		if err == nil {
			err = taken(now)
		}
		return nil, err
	}
	h := &held.Out{Record: rec, User: tx.Caller.User, Reason: reason, At: tx.Now, Ends: tx.Now + int64(minutes)*time.Minute.Milliseconds()}
	if h.ID, err = tx.NewID(); err != nil {
		return nil, err
	}
	now, err := secret.Current(tx, rec)
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(`insert into password_checkout (id, record_id, user_id, reason, at, ends_at, ended_at, version) values (?, ?, ?, ?, ?, ?, 0, ?)`,
		int64(h.ID), int64(rec), int64(h.User), reason, h.At, h.Ends, int64(now["password"].Number))
	e.Action, e.Detail.Reason, e.Detail.Text = Out, reason, "until "+time.UnixMilli(h.Ends).UTC().Format("15:04")+" UTC"
	return h, err
}

// Return checks a password in: who has it does, or who may decide.
func Return(tx *gate.Tx, rec id.ID) error {
	if err := tx.Check(access.View, gate.Thing{Kind: filed.Password, ID: rec}); err != nil {
		return err
	}
	h, err := held.Holding(tx, rec)
	if err != nil {
		return err
	}
	if h == nil {
		return fault.New(fault.Conflict, "Nobody has it checked out.")
	}
	var e *audit.Entry
	if h.User == tx.Caller.User {
		e, err = tx.Allow(access.Reveal, gate.Thing{Kind: filed.Password, ID: rec})
	} else {
		e, err = demand.Decider(tx, filed.Password, rec)
	}
	if err != nil {
		return err
	}
	e.Action = In
	if _, err := tx.Exec(`update password_checkout set ended_at = ?, ends_at = ? where id = ?`, tx.Now, tx.Now, int64(h.ID)); err != nil {
		return err
	}
	return tell(tx, h)
}

// Policy refuses to reveal a password that is to be checked out to everybody but who
// has it checked out, and says in the entry by which check-out it is shown: it is
// asked by secret.Revealer.
func Policy(tx *gate.Tx, _ secret.Ref, e *audit.Entry) error {
	if e.Kind != filed.Password {
		return nil
	}
	d, err := demand.Of(tx, e.Kind, e.Object)
	if err != nil || !d.Exclusive {
		return err
	}
	h, err := held.Holding(tx, e.Object)
	switch {
	case err != nil:
		return err
	case h == nil:
		return fault.New(fault.Denied, "This password is shown only to who has it checked out.").WithHint("Check it out at /passwords/%s/approval.", e.Object)
	case h.User != tx.Caller.User:
		no := taken(h)
		no.Kind = fault.Denied
		return no
	}
	e.Detail.Text = strings.TrimPrefix(e.Detail.Text+", by check-out "+h.ID.String(), ", ")
	return nil
}
