// Package approval has secrets shown only once somebody else has said yes.
//
// Always true: whether a password demands approval is asked in the transaction
// that grants its reveal, for administrators and jobs as for everybody; a demand
// of a folder holds for all that lies in it and below, and goes along with what
// leaves it; nobody lowers a demand, of approvals or of a check-out, or lets something
// become older than it may, alone; nobody approves for herself, but an
// administrator where the tenant allows it, and that is recorded as what it is;
// an approval is for one person and one record, and ends at its time, when it is
// taken back, and when the secret changes.
package approval

import (
	"database/sql"
	"errors"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/password/demand"
	"strongroom/internal/feature/password/filed"
)

// The actions of the audit entries.
const (
	Demanded  = "approval.demand"
	Asked     = "approval.ask"
	Approved  = "approval.approve"
	Refused   = "approval.refuse"
	Ended     = "approval.end"
	BrokeOpen = "approval.break-glass" // an administrator approved for herself
	Settled   = "approval.settings"
	Shared    = "checkout.share" // it is not to be checked out any more
)

// Limits of what is asked and granted.
const (
	Usual  = time.Hour          // how long an approval holds, unless something else was chosen
	Most   = 24 * time.Hour     // how long at most
	Wait   = 7 * 24 * time.Hour // how long something that was asked for can be decided
	Voices = 5                  // how many approvals a demand takes at most
)

// longest is how many characters a reason or a sentence has at most.
const longest = 500

// Feature is the tables of demands, of what was asked for and of what was said to it.
func Feature() record.Feature {
	return record.Feature{Name: "approval", Schema: schema, Purge: purge}
}

var schema = []string{
	`create table if not exists approval_request (id id primary key, record_id int not null, user_id int not null, what text not null, reason text not null, minutes int not null, needed int not null,
		state text not null, at int not null, ends_at int not null, versions int not null)`,
	`create index if not exists approval_request_record on approval_request (record_id, user_id)`,
	`create index if not exists approval_request_state on approval_request (state, at)`,
	`create index if not exists approval_request_user on approval_request (user_id, at)`,
	`alter table approval_request add column if not exists days int not null default 0`, // of Age
	`create table if not exists approval_vote (request_id int not null, user_id int not null, yes int not null, own int not null, words text not null, minutes int not null, at int not null,
		primary key (request_id, user_id))`,
	`create table if not exists approval_setting (one int primary key check (one = 1), needed int not null, own int not null)`,
}

// purge forgets what was asked about a record that is purged, or by a user.
func purge(tx *gate.Tx, r *record.Record) error {
	n := int64(r.ID)
	for _, q := range []string{
		`delete from approval_vote where user_id = ? or request_id in (select id from approval_request where record_id = ? or user_id = ?)`,
		`delete from approval_request where record_id = ? or user_id = ? or user_id = ?`,
	} {
		if _, err := tx.Exec(q, n, n, n); err != nil {
			return err
		}
	}
	return nil
}

// Settings are a tenant's. The zero value is that of a tenant that never chose.
type Settings struct {
	Needed int  // how many approvals a new demand takes unless said otherwise; 1 at least
	Own    bool // an administrator may approve for herself
}

// Setting gives the tenant's settings.
func Setting(tx *gate.Tx) (Settings, error) {
	s := Settings{Needed: 1}
	err := tx.QueryRow(`select needed, own from approval_setting where one = 1`).Scan(&s.Needed, &s.Own)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return s, err
}

// Settle keeps the tenant's settings; administrators may, and the others are told.
func Settle(tx *gate.Tx, s Settings) error {
	e, err := tx.Allow(access.Administer, gate.Thing{})
	if err != nil {
		return err
	}
	if s.Needed < 1 || s.Needed > Voices {
		return fault.Field("needed", "Choose a number from 1 to %d.", Voices)
	}
	old, err := Setting(tx)
	if err != nil {
		return err
	}
	if old == s {
		tx.Withdraw(e)
		return nil
	}
	e.Action, e.Detail.Text = Settled, "administrators may not approve for themselves"
	if s.Own {
		e.Detail.Text = "administrators may approve for themselves"
	}
	_, err = tx.Exec(`insert into approval_setting (one, needed, own) values (1, ?, ?) on conflict (one) do update set needed = excluded.needed, own = excluded.own`, s.Needed, s.Own)
	if err != nil || s.Own == old.Own {
		return err
	}
	return tellSetting(tx, s.Own)
}

// Set has a password or folder demand approvals, more than before: fewer take an
// approval themselves, see Ask. Managers and administrators may.
func Set(tx *gate.Tx, kind string, rec id.ID, needed int) error {
	e, err := demand.Decider(tx, kind, rec)
	if err != nil {
		return err
	}
	if needed < 1 || needed > Voices {
		return fault.Field("needed", "Choose a number from 1 to %d.", Voices)
	}
	d, err := demand.Of(tx, kind, rec)
	if err != nil {
		return err
	}
	switch {
	case needed < d.Own:
		return fault.Field("needed", "Fewer approvals than now, or none, take an approval themselves.").WithHint("Ask for the demand to be lifted; when that is approved, set another.")
	case needed == d.Own:
		tx.Withdraw(e)
		return nil
	}
	e.Action, e.Detail.Text = Demanded, voices(needed)
	return demand.Raise(tx, rec, needed, false)
}

func voices(n int) string {
	if n == 1 {
		return "one approval"
	}
	return []string{"no approval", "", "two approvals", "three approvals", "four approvals", "five approvals"}[min(n, Voices)]
}

// Policy refuses a reveal that lacks its approval, and writes into the entry of one
// that has it which it is: it is asked by secret.Revealer.
func Policy(tx *gate.Tx, _ secret.Ref, e *audit.Entry) error {
	if e.Kind != filed.Password {
		return nil
	}
	d, err := demand.Of(tx, e.Kind, e.Object)
	if err != nil || d.Needed == 0 {
		return err
	}
	a, err := Holding(tx, e.Object)
	if err != nil {
		return err
	}
	if a == nil {
		return fault.New(fault.Denied, "This password is shown only once somebody else has approved it.").
			WithHint("Ask for it, with the reason, at /passwords/%s/approval.", e.Object)
	}
	e.Detail.Text = "by approval " + a.ID.String()
	return nil
}
