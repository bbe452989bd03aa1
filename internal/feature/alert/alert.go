// Package alert holds what must be known before one touches something: sentences
// that stand above a record, and above everything of an organization when they
// are put on that.
//
// Always true: an alert is read by who may see the record that it was put on, and
// by nobody else; it is put on and ended by who may change that record; one that
// has ended, or whose day is over, is kept and shown no more.
package alert

import (
	"strings"
	"time"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Severity says how much an alert matters.
type Severity string

// The severities, from least to most.
const (
	Information Severity = "information"
	Warning     Severity = "warning"
	Critical    Severity = "critical"
)

// Severities lists them, the gravest first.
func Severities() []Severity { return []Severity{Critical, Warning, Information} }

// Bounds of what is kept.
const (
	MaxText = 500 // characters
	most    = 20  // that count at a time, on one record
)

// Feature is the table of alerts.
func Feature() record.Feature {
	return record.Feature{Name: "alert", Schema: schema, Purge: purge}
}

var schema = []string{
	`create table if not exists record_alert (id id primary key, record_id int not null, severity int not null, text text not null, until text not null, author int not null, at int not null, ended_at int not null default 0)`,
	`create index if not exists record_alert_record on record_alert (record_id, ended_at)`,
}

func purge(tx *gate.Tx, r *record.Record) error {
	_, err := tx.Exec(`delete from record_alert where record_id = ?`, int64(r.ID))
	return err
}

// Alert is one of them.
type Alert struct {
	ID       id.ID
	Record   id.ID // that it was put on
	Severity Severity
	Text     string
	Until    string // the last day on which it counts, 2006-01-02; empty for always
	Author   string // name; empty when the person is gone
	At       int64  // Unix milliseconds, as Ended
	Ended    int64  // 0 while it counts
	Over     bool   // it counts no more
}

func rank(s Severity) int64 {
	for i, x := range Severities() {
		if x == s {
			return int64(i)
		}
	}
	return -1
}

func today(tx *gate.Tx) string { return time.UnixMilli(tx.Now).UTC().Format(time.DateOnly) }

// Current gives the alerts that count for a record now: its own and those of its
// organization, the gravest first. It takes one statement.
func Current(tx *gate.Tx, rec, org id.ID) ([]Alert, error) {
	return read(tx, `a.record_id in (?, ?) and a.ended_at = 0 and (a.until = '' or a.until >= ?)`, `a.severity, a.at desc, a.id desc`, int64(rec), int64(org), today(tx))
}

// All gives the alerts of one record, those that count first.
func All(tx *gate.Tx, rec id.ID) ([]Alert, error) {
	return read(tx, `a.record_id = ?`, `a.ended_at, a.severity, a.at desc, a.id desc`, int64(rec))
}

func read(tx *gate.Tx, cond, order string, args ...any) ([]Alert, error) {
	sees, who := tx.Visible("r")
	named, whom := tx.Visible("u")
	rows, err := tx.Query(`select a.id, a.record_id, a.severity, a.text, a.until, coalesce(u.name, ''), a.at, a.ended_at from record_alert a join record r on r.id = a.record_id
		left join record u on u.id = a.author and `+named+` where `+cond+` and r.trashed_at is null and `+sees+` order by `+order+` limit 200`,
		append(append(whom, args...), who...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Alert
	for rows.Next() {
		var a Alert
		var n, rec, severity int64
		if err := rows.Scan(&n, &rec, &severity, &a.Text, &a.Until, &a.Author, &a.At, &a.Ended); err != nil {
			return nil, err
		}
		a.ID, a.Record, a.Severity = id.ID(n), id.ID(rec), Severities()[min(max(severity, 0), 2)]
		a.Over = a.Ended != 0 || a.Until != "" && a.Until < today(tx)
		out = append(out, a)
	}
	return out, rows.Err()
}

// Put puts an alert on a record. Invalid, with the field, for an empty or too
// long text, an unknown severity, and a day that is over.
func Put(tx *gate.Tx, rec id.ID, a Alert) (id.ID, error) {
	e, err := tx.Allow(access.Edit, gate.Thing{ID: rec})
	if err != nil {
		return 0, err
	}
	a.Text, a.Until = strings.Join(strings.Fields(a.Text), " "), strings.TrimSpace(a.Until)
	day, wrong := time.Parse(time.DateOnly, a.Until)
	switch {
	case a.Text == "":
		return 0, fault.Field("text", "Write what must be known.")
	case utf8.RuneCountInString(a.Text) > MaxText:
		return 0, fault.Field("text", "An alert has at most %d characters.", MaxText)
	case rank(a.Severity) < 0:
		return 0, fault.Field("severity", "Choose how much it matters.")
	case a.Until != "" && (wrong != nil || day.Year() > 9999):
		return 0, fault.Field("until", "This is no day, such as 2026-11-30.")
	case a.Until != "" && a.Until < today(tx):
		return 0, fault.Field("until", "This day is over.")
	}
	var n int
	if err := tx.QueryRow(`select count(*) from record_alert where record_id = ? and ended_at = 0`, int64(rec)).Scan(&n); err != nil {
		return 0, err
	}
	if n >= most {
		return 0, fault.Field("text", "There are %d alerts here already. End one first.", n)
	}
	aid, err := tx.NewID()
	if err != nil {
		return 0, err
	}
	e.Detail.Text = "put an alert on it"
	_, err = tx.Exec(`insert into record_alert (id, record_id, severity, text, until, author, at) values (?, ?, ?, ?, ?, ?, ?)`,
		int64(aid), int64(rec), rank(a.Severity), a.Text, a.Until, int64(tx.Caller.User), tx.Now)
	return aid, err
}

// End ends an alert of a record. NotFound for one that it does not have.
func End(tx *gate.Tx, rec, alert id.ID) error {
	e, err := tx.Allow(access.Edit, gate.Thing{ID: rec})
	if err != nil {
		return err
	}
	n, err := tx.Exec(`update record_alert set ended_at = ? where id = ? and record_id = ? and ended_at = 0`, tx.Now, int64(alert), int64(rec))
	if err == nil && n == 0 {
		err = gate.Missing()
	}
	e.Detail.Text = "ended an alert on it"
	return err
}
