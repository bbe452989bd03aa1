// Package share gives passwords to people outside by links that end.
//
// Always true: neither the key of a share nor its passphrase nor what is in it ever
// reaches this package: it keeps what the browser of who shares encrypted, and proofs
// that say nothing about the keys; only who revealed a password a moment before shares
// it, so that every rule about reveals holds; a view is counted, durable, before the
// ciphertext is given, and is asked for by a proof of the key, which no preview of a
// link has; a share ends at its time, with its last view, after too many wrong
// passphrases, when it is taken back, and when the password may not be shared any more
// or its maker not see it any more; what is over holds no ciphertext once it is known to
// be, and is not told from what never was; all of this is in the audit log.
package share

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// The actions of the audit entries, about the password.
const (
	Made    = "share.create"
	Opened  = "share.open"     // one view was used
	Wrong   = "share.wrong"    // a wrong passphrase
	Ended   = "share.withdraw" // by its maker, or by who manages
	Settled = "share.settings"
)

// Limits of a share.
const (
	Shortest = time.Hour
	Longest  = 30 * 24 * time.Hour
	Views    = 10 // how often one is opened at most
	Tries    = 10 // wrong passphrases that end one
)

const (
	passwordKind = "password"
	slack        = 5 * time.Minute     // how much a browser's time may differ from the time asked for
	fresh        = 10 * time.Minute    // how long after a reveal its share is made at most
	kept         = 90 * 24 * time.Hour // how long what is over is listed
	topic        = "share"             // of notices
	outsider     = "Somebody outside"  // by whom a share is opened
	fewestRounds = 600_000             // of PBKDF2
	mostRounds   = 20_000_000
	mostSealed   = 12 + 16 + 64*padding // bytes
	padding      = 256                  // what content is padded to a multiple of
	saltSize     = 16
	proofSize    = 32
)

// Feature is the tables of shares and of a tenant's settings of them.
func Feature() record.Feature {
	return record.Feature{Name: "share", Schema: []string{
		`create table if not exists share (id id primary key, mark bytes not null, record_id int not null, user_id int not null, version int not null, at int not null, ends_at int not null,
			views int not null, used int not null, tries int not null, rounds int not null, state text not null, salt bytes not null, key_proof bytes not null, proof bytes not null, sealed bytes not null)`,
		`create unique index if not exists share_mark on share (mark)`,
		`create index if not exists share_record on share (record_id, at)`,
		`create index if not exists share_user on share (user_id, at)`,
		`create index if not exists share_end on share (state, ends_at)`,
		`create table if not exists share_setting (one int primary key check (one = 1), who text not null, passphrase int not null, hours int not null, views int not null)`,
	}, Purge: purge}
}

// purge forgets the shares of a password that is purged, and of a user.
func purge(tx *gate.Tx, r *record.Record) error {
	_, err := tx.Exec(`delete from share where record_id = ? or user_id = ?`, int64(r.ID), int64(r.ID))
	return err
}

// Shares makes, lists, opens and ends shares. Fill the fields.
type Shares struct {
	Gate    *gate.Gate
	Records *record.Engine
}

// Who shares.
type Who string

// The settings of who shares.
const (
	Everybody Who = "" // who may see the password
	Managers  Who = "managers"
	Nobody    Who = "nobody"
)

// Settings are a tenant's.
type Settings struct {
	Who        Who
	Passphrase bool // every share has one
	Hours      int  // how long one lasts at most
	Views      int  // how often one is opened at most
}

// Setting gives the tenant's settings.
func Setting(tx *gate.Tx) (Settings, error) {
	s := Settings{Hours: int(Longest.Hours()), Views: Views}
	err := tx.QueryRow(`select who, passphrase, hours, views from share_setting where one = 1`).Scan(&s.Who, &s.Passphrase, &s.Hours, &s.Views)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return s, err
}

// lets tells whether the settings let somebody share.
func (s Settings) lets(c *access.Caller) bool {
	switch s.Who {
	case Everybody:
		return true
	case Managers:
		return manages(c)
	}
	return false // nobody, and what is not known
}

// manages tells whether somebody may end the shares of others.
func manages(c *access.Caller) bool { return c.May(access.Configure) }

// Settle keeps the tenant's settings, in a change for which the caller administers the
// tenant. What is shared already obeys who may share from then on. Invalid, with the
// fields who, hours and views.
func Settle(tx *gate.Tx, s Settings) error {
	words := map[Who]string{Everybody: "everybody who may see a password", Managers: "managers and administrators", Nobody: "nobody"}
	bad := map[string]string{}
	if words[s.Who] == "" {
		bad["who"] = "Choose who shares passwords."
	}
	if s.Hours < 1 || s.Hours > int(Longest.Hours()) {
		bad["hours"] = "Choose 1 to 720 hours."
	}
	if s.Views < 1 || s.Views > Views {
		bad["views"] = fmt.Sprintf("Choose 1 to %d.", Views)
	}
	if err := fault.Fields(bad); err != nil {
		return err
	}
	e := tx.Entry()
	e.Action, e.Detail.Text = Settled, fmt.Sprintf("%s, for %d hours and %d views at most", words[s.Who], s.Hours, s.Views)
	if s.Passphrase {
		e.Detail.Text += ", always under a passphrase"
	}
	_, err := tx.Exec(`insert into share_setting (one, who, passphrase, hours, views) values (1, ?, ?, ?, ?)
		on conflict (one) do update set who = excluded.who, passphrase = excluded.passphrase, hours = excluded.hours, views = excluded.views`,
		string(s.Who), s.Passphrase, s.Hours, s.Views)
	return err
}

// May tells why the caller may not share a password that she sees; "" when she may, as
// far as her rights and the settings go.
func May(tx *gate.Tx, r *record.Record) (why string, err error) {
	s, err := Setting(tx)
	switch {
	case err != nil:
		return "", err
	case s.Who == Nobody:
		return "Nothing is shared with people outside here.", nil
	case !s.lets(tx.Caller):
		return "Managers and administrators share passwords with people outside.", nil
	case !r.Values.Bool("shareable"):
		return "This password is not to be shared with people outside.", nil
	}
	_, why = access.Decide(tx.Caller, access.Reveal, access.Target{Kind: r.Kind.Name, Visible: true})
	return why, nil
}

// The states of a share, as they are shown.
const (
	Open      = "open"
	Used      = "used"      // each view is used
	Withdrawn = "withdrawn" // taken back
	Locked    = "locked"    // too many wrong passphrases
	Over      = "over"      // its time is over
)

// Line is a share in a list.
type Line struct {
	ID         id.ID
	Record     id.ID
	Name       string // of the password
	User       id.ID
	UserName   string
	Version    int64 // of the password
	At, Ends   int64 // Unix milliseconds
	Views      int
	Used       int
	Passphrase bool
	State      string
}

const mostListed = 200

// Of gives the shares of a password, the newest first, to who may reveal it.
func Of(tx *gate.Tx, rec id.ID) ([]Line, error) {
	if v, _ := access.Decide(tx.Caller, access.Reveal, access.Target{Kind: passwordKind, Visible: true}); v != access.Allowed {
		return nil, nil
	}
	return list(tx, `s.record_id = ?`, int64(rec))
}

// Mine gives the shares that the caller made, the newest first.
func Mine(tx *gate.Tx) ([]Line, error) { return list(tx, `s.user_id = ?`, int64(tx.Caller.User)) }

// Others gives the shares that are open now of passwords that the caller sees, made by
// others, to who may end them; nothing to anybody else.
func Others(tx *gate.Tx) ([]Line, error) {
	if !manages(tx.Caller) {
		return nil, nil
	}
	return list(tx, `s.user_id <> ? and s.state = 'open' and s.ends_at > ?`, int64(tx.Caller.User), tx.Now)
}

// MayEnd tells whether the caller may take a share back.
func MayEnd(c *access.Caller, l Line) bool {
	return l.State == Open && (l.User == c.User || manages(c))
}

// list reads shares of passwords that the caller sees.
func list(tx *gate.Tx, cond string, args ...any) ([]Line, error) {
	sees, who := tx.Visible("r")
	rows, err := tx.Query(`select s.id, s.record_id, r.name, s.user_id, coalesce(u.name, ''), s.version, s.at, s.ends_at, s.views, s.used, s.rounds, s.state
		from share s join record r on r.id = s.record_id left join record u on u.id = s.user_id
		where `+cond+` and r.trashed_at is null and `+sees+` order by s.at desc, s.id desc limit ?`, append(append(args, who...), mostListed)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Line
	for rows.Next() {
		var l Line
		var n, rec, user, rounds int64
		if err := rows.Scan(&n, &rec, &l.Name, &user, &l.UserName, &l.Version, &l.At, &l.Ends, &l.Views, &l.Used, &rounds, &l.State); err != nil {
			return nil, err
		}
		l.ID, l.Record, l.User, l.Passphrase = id.ID(n), id.ID(rec), id.ID(user), rounds > 0
		if l.State == Open && l.Ends <= tx.Now {
			l.State = Over
		}
		out = append(out, l)
	}
	return out, rows.Err()
}
