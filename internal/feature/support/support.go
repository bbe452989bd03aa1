// Package support lets the operator's people look into a tenant, where the tenant's
// administrator has said yes.
//
// Always true: asking opens nothing; an administrator of the tenant decides in person,
// may narrow what was asked for and never widens it; what is open looks and writes
// nothing, sees no more than its scope, and shows secrets only where that was approved;
// it is over at its time, or as soon as an administrator or the operator ends it; each
// request under it is an entry of the audit log that carries its number.
package support

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/notification"
)

// Kind is what audit entries of support access are about.
const Kind = "support"

// Via is how its callers come.
const Via = "support"

// The actions of the audit entries.
const (
	Asked    = "support.ask"
	Approved = "support.approve"
	Refused  = "support.refuse"
	Entered  = "support.enter"
	Request  = "support.request"
	Ended    = "support.end"
)

// Topic is what notices are about.
const Topic = "support"

// The states of an access. One whose time is over stays Open in its row and opens nothing.
const (
	Waiting = "asked"
	Open    = "approved"
	No      = "refused"
	Over    = "ended"
)

// Limits.
const (
	MostHours = 72
	Wait      = 7 * 24 * time.Hour // how long an administrator can decide
	longest   = 500
	page      = "/settings/support"
)

// Page is where administrators decide and look.
const Page = page

// Feature is the table of support access.
func Feature() record.Feature {
	return record.Feature{Name: "support", Schema: []string{
		`create table if not exists support_access (id id primary key, hash bytes not null, staff text not null, reason text not null, scope json not null, hours int not null, state text not null,
			asked_at int not null, decided_by int not null default 0, decided_at int not null default 0, until int not null default 0, ended_at int not null default 0, entered_at int not null default 0, used_at int not null default 0)`,
		`create unique index if not exists support_access_hash on support_access (hash)`,
		`create index if not exists support_access_open on support_access (until) where state = 'approved'`,
	}}
}

// Scope is what somebody may look at.
type Scope struct {
	Reveal  bool    `json:"reveal,omitempty"`  // secrets are shown, each recorded as a reveal
	Inspect bool    `json:"inspect,omitempty"` // the audit trail and reports too
	Orgs    []id.ID `json:"organizations,omitempty"`
}

// within tells whether a scope is no wider than another.
func (s Scope) within(of Scope) bool {
	if s.Reveal && !of.Reveal || s.Inspect && !of.Inspect {
		return false
	}
	if len(of.Orgs) == 0 {
		return true
	}
	return len(s.Orgs) > 0 && !slices.ContainsFunc(s.Orgs, func(o id.ID) bool { return !slices.Contains(of.Orgs, o) })
}

// Access is one asking, and what came of it.
type Access struct {
	ID      id.ID
	Staff   string // who asks, as the operator names her
	Reason  string
	Scope   Scope
	Hours   int
	State   string
	Asked   int64 // Unix milliseconds, as the others
	By      id.ID // who decided
	Decided int64
	Until   int64
	Ended   int64
	Entered int64 // 0: nobody has come in yet
	Used    int64
}

// Is tells whether it opens something at a time.
func (a *Access) Is(now int64) bool { return a.State == Open && now < a.Until }

// Lapsed tells whether nobody decided in time.
func (a *Access) Lapsed(now int64) bool {
	return a.State == Waiting && now-a.Asked >= Wait.Milliseconds()
}

// Ask asks for access to the tenant, by the operator's console, and tells its
// administrators. The code is shown once and opens nothing before one of them has said
// yes. Fault kinds: Invalid with fields.
func Ask(tx *gate.Tx, staff, reason string, hours int, s Scope) (made id.ID, code string, err error) {
	staff, reason = strings.Join(strings.Fields(staff), " "), strings.TrimSpace(reason)
	bad := map[string]string{}
	if n := utf8.RuneCountInString(staff); n == 0 || n > 100 {
		bad["as"] = "Say who asks: a name of up to 100 characters."
	}
	if n := utf8.RuneCountInString(reason); n == 0 || n > longest {
		bad["reason"] = fmt.Sprintf("Say why, in up to %d characters.", longest)
	}
	if hours < 1 || hours > MostHours {
		bad["hours"] = fmt.Sprintf("It lasts between 1 and %d hours.", MostHours)
	}
	if err := fault.Fields(bad); err != nil {
		return 0, "", err
	}
	if tx.Caller.User != 0 || tx.Caller.Via != "console" {
		return 0, "", fault.New(fault.Denied, "The operator asks for support access, at the server's console.")
	}
	if made, err = tx.NewID(); err != nil {
		return 0, "", err
	}
	raw := make([]byte, 32)
	rand.Read(raw)
	code = tx.Tenant.Name + sort + base64.RawURLEncoding.EncodeToString(raw)
	hash, err := digest(tx, code)
	if err != nil {
		return 0, "", err
	}
	scope, err := json.Marshal(s)
	if err != nil {
		return 0, "", err
	}
	_, err = tx.Exec(`insert into support_access (id, hash, staff, reason, scope, hours, state, asked_at) values (?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(made), hash, staff, reason, string(scope), hours, Waiting, tx.Now)
	if err != nil {
		return 0, "", err
	}
	e := tx.Entry()
	e.Action, e.Kind, e.Object, e.Detail.Name, e.Detail.Reason, e.Detail.Text = Asked, Kind, made, staff, reason, fmt.Sprintf("%s, %d hours", s, hours)
	return made, code, tell(tx, fmt.Sprintf("%s of the operator asks for support access: %s", staff, reason), "ask/"+made.String())
}

// String says what a scope allows.
func (s Scope) String() string {
	out := "to look"
	if s.Inspect {
		out += " and read the audit trail"
	}
	if s.Reveal {
		out += ", secrets shown"
	}
	if len(s.Orgs) == 1 {
		return out + ", one organization"
	}
	if n := len(s.Orgs); n > 0 {
		return out + fmt.Sprintf(", %d organizations", n)
	}
	return out + ", every organization"
}

// tell tells the administrators.
func tell(tx *gate.Tx, words, key string) error {
	to, err := tx.IDs(`select user_id from access_principal where active = 1 and role = ? order by user_id`, string(access.Administrator))
	if err != nil {
		return err
	}
	_, err = notification.Send(tx, notification.Notice{Topic: Topic, To: to, Href: page, Own: true, Self: true, Text: []notification.Part{notification.Words(words)}, Key: "support/" + key})
	return err
}

// TellConsole tells the administrators that somebody at the server's console did something
// that could let him in: with whoever holds the machine there is no asking.
func TellConsole(tx *gate.Tx, words string) error {
	n, err := tx.NewID()
	if err != nil {
		return err
	}
	return tell(tx, words, "console/"+n.String())
}

const sort = ".sru_"

// TenantOf gives the tenant that a code is for; "" when it has not the form of one.
func TenantOf(code string) string {
	name, rest, ok := strings.Cut(code, sort)
	if !ok || name == "" || len(rest) != 43 || len(code) > 300 {
		return ""
	}
	return name
}

func digest(tx *gate.Tx, code string) ([]byte, error) {
	key, err := envelope.Derive(tx.Tenant.Keys.Index, "strongroom/support/1")
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(code))
	return h.Sum(nil), nil
}

const columns = `select id, staff, reason, scope, hours, state, asked_at, decided_by, decided_at, until, ended_at, entered_at, used_at from support_access `

type row interface{ Scan(...any) error }

func scan(r row) (*Access, error) {
	a := &Access{}
	var n, by int64
	var scope string
	err := r.Scan(&n, &a.Staff, &a.Reason, &scope, &a.Hours, &a.State, &a.Asked, &by, &a.Decided, &a.Until, &a.Ended, &a.Entered, &a.Used)
	if err != nil {
		return nil, err
	}
	a.ID, a.By = id.ID(n), id.ID(by)
	return a, json.Unmarshal([]byte(scope), &a.Scope)
}

// List gives what was asked for, the newest first. It is for who administers the tenant.
func List(tx *gate.Tx) ([]*Access, error) {
	if _, err := tx.Allow(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	rows, err := tx.Query(columns + `order by id desc limit 200`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Access
	for rows.Next() {
		a, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

// Get gives one asking.
func Get(tx *gate.Tx, a id.ID) (*Access, error) {
	if err := tx.Check(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	return get(tx, a)
}

func get(tx *gate.Tx, a id.ID) (*Access, error) {
	x, err := scan(tx.QueryRow(columns+`where id = ?`, int64(a)))
	if errors.Is(err, sql.ErrNoRows) {
		err = gate.Missing()
	}
	return x, err
}

// OpenNow gives what is open now, for the line above pages; nil for nothing.
func OpenNow(tx *gate.Tx) (*Access, error) {
	a, err := scan(tx.QueryRow(columns+`where state = 'approved' and until > ? order by until desc limit 1`, tx.Now))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return a, err
}

func text(s Scope) (string, error) {
	b, err := json.Marshal(s)
	return string(b), err
}
