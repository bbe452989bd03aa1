// Package channel tells people by channels of their own: to an address that each of them
// names, such as a topic of ntfy or a program of hers.
//
// Always true: a channel of one's own is one that administrators allow; what leaves is read
// through the gate as the person at each try, and holds what mail would hold, no secret; the
// secret of a channel is sealed, and is never shown again; the server connects only to where
// its operator lets it; a channel that fails for days is turned off, and its owner is told.
package channel

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/notification"
)

// Format is a sort of channel: how a message is written for it. A new one is a file beside
// this and a line in Formats.
type Format struct {
	Name   string // as it is kept: "ntfy"
	Label  string // for people: "By ntfy"
	About  string // what it is, in one sentence
	Hint   string // what the address is
	Secret string // what its secret is called
	Why    string // what the secret is for
	// Fresh makes a secret for a channel that takes one; nil where it comes from the other
	// side, or is none.
	Fresh func() string
	// Check refuses an address, and a secret when it is given, that this cannot use: a fault
	// with the field address or secret.
	Check func(address *url.URL, secret string) error
	// Request is a message as the other side takes it.
	Request func(ctx context.Context, m Message) (*http.Request, error)
}

// Formats lists them.
func Formats() []Format { return []Format{ntfy(), hook()} }

// FormatOf finds one by its name.
func FormatOf(name string) (Format, bool) {
	for _, f := range Formats() {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}

// Message is what one person is told by one channel.
type Message struct {
	ID      string // the same however often it is sent
	At      time.Time
	Lines   []Line
	Urgent  bool
	Address *url.URL
	Secret  string // empty when there is none
}

// Line is one notice in it.
type Line struct {
	ID    string    `json:"id"`
	Topic string    `json:"topic"`
	Text  string    `json:"text"`
	At    time.Time `json:"at"`
	Link  string    `json:"link,omitempty"`
}

// Feature is the tables of channels.
func Feature() record.Feature {
	return record.Feature{Name: "channel", Schema: schema, Purge: purge}
}

var schema = []string{
	`create table if not exists channel_own (user_id int not null, channel text not null, address text not null, has_secret int not null, at int not null,
		failing_at int not null default 0, off_at int not null default 0, said text not null default '', tested_at int not null default 0, primary key (user_id, channel))`,
	`create table if not exists channel_out (id id primary key, user_id int not null, channel text not null, notices text not null, urgent int not null, attempts int not null default 0, at int not null, created_at int not null)`,
	`create index if not exists channel_out_at on channel_out (at)`,
	`create index if not exists channel_out_user on channel_out (user_id, channel)`,
	`create table if not exists channel_allowed (channel text primary key)`,
}

func purge(tx *gate.Tx, r *record.Record) error {
	for _, q := range []string{`delete from channel_out where user_id = ?`, `delete from channel_own where user_id = ?`} {
		if _, err := tx.Exec(q, int64(r.ID)); err != nil {
			return err
		}
	}
	return nil
}

// thing is what the secrets of channels are of, for the log. They lie with the user.
const thing = "user"

// field is where the secret of a channel lies.
func field(channel string) string { return "channel_" + channel }

// entry is what the log says of a channel: whose, which, and to what server it leads.
func entry(action string, user id.ID, name, host string) *audit.Entry {
	return &audit.Entry{Action: action, Kind: thing, Object: user, Detail: audit.Detail{Name: name + ": " + host}}
}

// Own is a channel as its owner set it up.
type Own struct {
	Channel   string
	Address   string
	HasSecret bool
	At        int64  // when it was set up, Unix milliseconds, as Failing and Off
	Failing   int64  // since when it fails; 0 while it does not
	Off       int64  // when it was turned off; 0 while it is on
	Said      string // what came of the last try that failed
}

// Host is the part of the address that may be shown: a path can be a secret.
func (o *Own) Host() string {
	u, err := url.Parse(o.Address)
	if err != nil {
		return ""
	}
	return u.Host
}

// Get gives a channel of the caller's; nil when she has none of that name.
func Get(tx *gate.Tx, channel string) (*Own, error) { return get(tx, tx.Caller.User, channel) }

func get(tx *gate.Tx, user id.ID, channel string) (*Own, error) {
	o := &Own{Channel: channel}
	err := tx.QueryRow(`select address, has_secret, at, failing_at, off_at, said from channel_own where user_id = ? and channel = ?`, int64(user), channel).Scan(&o.Address, &o.HasSecret, &o.At, &o.Failing, &o.Off, &o.Said)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return o, err
}

// Allowed are the names of the formats that people may use; at first none.
func Allowed(tx *gate.Tx) (map[string]bool, error) {
	rows, err := tx.Query(`select channel from channel_allowed`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]bool{}
	for rows.Next() {
		var ch string
		if err := rows.Scan(&ch); err != nil {
			return nil, err
		}
		out[ch] = true
	}
	return out, rows.Err()
}

// Users counts, by format, who has a channel that is on. For who manages the tenant.
func Users(tx *gate.Tx) (map[string]int, error) {
	if !tx.Caller.May(access.Administer) {
		return nil, fault.New(fault.Denied, "Only administrators see who uses channels.")
	}
	rows, err := tx.Query(`select channel, count(*) from channel_own where off_at = 0 group by channel`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]int{}
	for rows.Next() {
		var ch string
		var n int
		if err := rows.Scan(&ch, &n); err != nil {
			return nil, err
		}
		out[ch] = n
	}
	return out, rows.Err()
}

// Allow says which formats people may use. What somebody has set up of another stays as it is
// and is silent until it is allowed again.
func Allow(tx *gate.Tx, names ...string) error {
	e, err := tx.Allow(access.Administer, gate.Thing{})
	if err != nil {
		return err
	}
	e.Action, e.Detail.Name = "channel.allow", strings.Join(names, ", ")
	if _, err := tx.Exec(`delete from channel_allowed`); err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from notification_channel`); err != nil {
		return err
	}
	for _, name := range names {
		if _, ok := FormatOf(name); !ok {
			return fault.New(fault.Invalid, "There is no channel %q.", name)
		}
		if _, err := tx.Exec(`insert into channel_allowed (channel) values (?)`, name); err != nil {
			return err
		}
		if _, err := tx.Exec(`insert into notification_channel (user_id, channel) select user_id, channel from channel_own where channel = ? and off_at = 0`, name); err != nil {
			return err
		}
	}
	return nil
}

// mostAddress is how many characters an address has at the most, and mostSecret a secret.
const mostAddress, mostSecret = 1000, 500

// Set gives the caller a channel, or another address for it, and turns it on. With an empty
// secret the one that it has is kept, where the address leads to the same host. Faults: Denied
// where the tenant does not allow it, Invalid with the field address or secret.
func Set(tx *gate.Tx, name, address, text string) error {
	f, ok := FormatOf(name)
	if !ok || tx.Caller.User == 0 {
		return gate.Missing()
	}
	allowed, err := Allowed(tx)
	if err != nil {
		return err
	}
	if !allowed[name] {
		return fault.New(fault.Denied, "This channel is not allowed here.").WithHint("An administrator can allow it under Settings, Channels.")
	}
	u, err := parse(address)
	if err != nil {
		return err
	}
	if len(text) > mostSecret {
		return fault.Field("secret", "This is longer than %d characters.", mostSecret)
	}
	old, err := Get(tx, name)
	if err != nil {
		return err
	}
	keeps := text == "" && old != nil && old.HasSecret
	if keeps && old.Host() != u.Host {
		return fault.Field("secret", "Give it again: the address leads to another server, which is not told the one that is kept.")
	}
	if !keeps || text != "" {
		if err := f.Check(u, text); err != nil {
			return err
		}
	}
	tx.Also(entry("channel.set", tx.Caller.User, name, u.Host))
	if text != "" || old != nil && old.HasSecret && !keeps {
		if _, err := secret.Put(tx, secret.Place{Kind: thing, Object: tx.Caller.User, Field: field(name)}, text, secret.Note{}); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`insert into channel_own (user_id, channel, address, has_secret, at) values (?, ?, ?, ?, ?)
		on conflict (user_id, channel) do update set address = excluded.address, has_secret = excluded.has_secret, at = excluded.at, failing_at = 0, off_at = 0, said = ''`,
		int64(tx.Caller.User), name, u.String(), text != "" || keeps, tx.Now); err != nil {
		return err
	}
	return notification.Open(tx, tx.Caller.User, name)
}

// parse reads an address that a channel can lead to.
func parse(address string) (*url.URL, error) {
	address = strings.TrimSpace(address)
	u, err := url.Parse(address)
	switch {
	case address == "":
		return nil, fault.Field("address", "Give the address.")
	case len(address) > mostAddress:
		return nil, fault.Field("address", "This is longer than %d characters.", mostAddress)
	case err != nil || u.Scheme != "https" || u.Host == "":
		return nil, fault.Field("address", "This is no address that begins with https.")
	case u.User != nil:
		return nil, fault.Field("address", "Leave the name and the password out of the address.")
	}
	u.Fragment = ""
	return u, nil
}

// Remove takes a channel of the caller's away, with its secret and what waits for it.
func Remove(tx *gate.Tx, name string) error {
	old, err := Get(tx, name)
	if err != nil {
		return err
	}
	if old == nil {
		return gate.Missing()
	}
	tx.Also(entry("channel.remove", tx.Caller.User, name, old.Host()))
	if old.HasSecret {
		if _, err := secret.Put(tx, secret.Place{Kind: thing, Object: tx.Caller.User, Field: field(name)}, "", secret.Note{}); err != nil {
			return err
		}
	}
	for _, q := range []string{`delete from channel_own where user_id = ? and channel = ?`, `delete from channel_out where user_id = ? and channel = ?`} {
		if _, err := tx.Exec(q, int64(tx.Caller.User), name); err != nil {
			return err
		}
	}
	return notification.Shut(tx, tx.Caller.User, name)
}
