// Package notification tells people what concerns them.
//
// Always true: a notice is written in the transaction of what it tells, once for
// each person and key; it is one person's own; what it says of a record is read
// through the gate when it is read, so that a notice about something that its
// reader may not see any more is not there, neither in the list nor in the count
// nor in a message that leaves the house.
package notification

import (
	"encoding/json"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// How long notices are kept.
const (
	KeepRead   = 90 * 24 * time.Hour
	KeepUnread = 365 * 24 * time.Hour
	keepOut    = 24 * time.Hour // what waits for a channel for longer is no news any more
)

// mostPeople is how many people one notice is told to.
const mostPeople = 500

// Feature is the tables of notices and of what people want to be told how.
func Feature() record.Feature {
	return record.Feature{Name: "notification", Schema: schema, Purge: purge}
}

var schema = []string{
	`create table if not exists notification (id id primary key, user_id int not null, topic text not null, actor int not null, record_id int not null, place text not null,
		href text not null, parts text not null, once text not null, at int not null, read_at int not null default 0, shown int not null default 1)`,
	`create unique index if not exists notification_once on notification (user_id, once)`,
	`create index if not exists notification_user on notification (user_id, at, id)`,
	`create index if not exists notification_unread on notification (user_id, id) where read_at = 0 and shown = 1`,
	`create index if not exists notification_key on notification (once)`,
	`create index if not exists notification_record on notification (record_id)`,
	`create table if not exists notification_choice (user_id int not null, topic text not null, channel text not null, wanted int not null, primary key (user_id, topic, channel))`,
	`create table if not exists notification_quiet (user_id int primary key, zone text not null, from_minute int not null, until_minute int not null)`,
	`create table if not exists notification_out (channel text not null, notification_id int not null, user_id int not null, at int not null, primary key (channel, notification_id))`,
	`alter table notification_out add column if not exists digest int not null default 0`,
	`create table if not exists notification_digest (user_id int primary key, zone text not null, daily int not null, at_minute int not null)`,
	`create table if not exists notification_channel (user_id int not null, channel text not null, primary key (user_id, channel))`,
	`create table if not exists notification_fate (notification_id int not null, channel text not null, state text not null, at int not null, said text not null default '', primary key (notification_id, channel))`,
}

// purge forgets the notices about a record that is purged, and those of a user.
func purge(tx *gate.Tx, r *record.Record) error {
	n := int64(r.ID)
	for _, q := range []string{
		`delete from notification_out where notification_id in (select id from notification where record_id = ? or user_id = ?)`,
		`delete from notification_fate where notification_id in (select id from notification where record_id = ? or user_id = ?)`,
		`delete from notification where record_id = ? or user_id = ?`,
	} {
		if _, err := tx.Exec(q, n, n); err != nil {
			return err
		}
	}
	for _, q := range []string{`delete from notification_quiet where user_id = ?`, `delete from notification_digest where user_id = ?`, `delete from notification_channel where user_id = ?`} {
		if _, err := tx.Exec(q, n); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`delete from notification_choice where user_id = ?`, n)
	return err
}

// Topic is what notices are about; people choose by topics what they are told.
type Topic struct {
	Name  string // as it is kept: "mention"
	Label string // for people: "Somebody mentions me"
	Icon  string // in the icon sprite
	Mail  bool   // goes out by mail unless the person chose otherwise
	Admin bool   // unless they chose otherwise, only administrators are told
	// Urgent ones leave the house in quiet hours too.
	Urgent bool
}

// Topics lists all topics, in the order in which people choose. A feature that
// tells something new adds a line.
func Topics() []Topic {
	return []Topic{
		{Name: "mention", Label: "Somebody mentions me in a comment", Icon: "at", Mail: true},
		{Name: "comment", Label: "New comments on what I watch", Icon: "message"},
		{Name: "replied", Label: "A customer replies on a ticket of mine, or one that I watch", Icon: "mail"},
		{Name: "expiration", Label: "Something that I may see runs out soon", Icon: "calendar-due", Admin: true},
		{Name: "assignment", Label: "A ticket, checklist or task is given to me", Icon: "checklist", Mail: true},
		{Name: "webhook", Label: "A webhook that I saved is turned off, since it fails", Icon: "webhook", Mail: true},
		{Name: "channel", Label: "A channel of my own is turned off, since it fails", Icon: "bell-off", Mail: true},
		{Name: "duty", Label: "I am called because I am on call, or asked to be", Icon: "phone", Mail: true, Urgent: true},
		{Name: "deadline", Label: "A ticket of mine or my team's is due soon", Icon: "clock", Mail: true},
		{Name: "breached", Label: "A ticket of mine or my team's is late", Icon: "alert-triangle", Mail: true},
		{Name: "article", Label: "An article that I look after is to be reviewed", Icon: "bulb", Mail: true},
		{Name: "survey", Label: "A customer is not content with what I or my team did", Icon: "mood-happy", Mail: true},
		{Name: "automation", Label: "A rule has something to tell me", Icon: "bolt", Mail: true},
		{Name: "bulk", Label: "Work on many tickets that I asked for is over", Icon: "headset"},
		{Name: "rotation", Label: "A password is to be changed", Icon: "rotate", Mail: true},
		{Name: "share", Label: "What I shared with somebody outside was opened", Icon: "share"},
		{Name: "breaker", Label: "Somebody opened unusually many secrets and was stopped", Icon: "alert-triangle", Mail: true, Admin: true, Urgent: true},
		{Name: "overdue", Label: "A password is older than it may become", Icon: "calendar-due", Admin: true},
		{Name: "security", Label: "Somebody signs in for me on a new device, or my password or second factors change", Icon: "shield-lock", Mail: true, Urgent: true},
		{Name: "approval", Label: "Somebody asks for my approval, or decides about mine", Icon: "shield-check", Mail: true},
		{Name: "siege", Label: "Somebody tries passwords on many accounts, or many on one", Icon: "shield-lock", Mail: true, Admin: true, Urgent: true},
		{Name: "breakglass", Label: "An account for emergencies is used, or was not tried for long", Icon: "flame", Mail: true, Admin: true, Urgent: true},
		{Name: "dormant", Label: "An account was deactivated that nobody used", Icon: "clock", Admin: true},
		{Name: "support", Label: "The operator asks for access, or uses the server's console", Icon: "lifebuoy", Mail: true, Admin: true},
		{Name: "review", Label: "I am asked who may keep access", Icon: "user-check", Mail: true},
	}
}

// TopicOf finds a topic by its name.
func TopicOf(name string) (Topic, bool) {
	for _, t := range Topics() {
		if t.Name == name {
			return t, true
		}
	}
	return Topic{}, false
}

// Part is a piece of a notice's text: words, or the name of a record or person as
// it is when the notice is read.
type Part struct {
	Text   string `json:"t,omitempty"`
	Record id.ID  `json:"r,omitempty"`
}

// Words is a part of plain text.
func Words(s string) Part { return Part{Text: s} }

// Of is a part that names a record.
func Of(rec id.ID) Part { return Part{Record: rec} }

// Notice is what is to be told.
type Notice struct {
	Topic string  // of one of Topics
	To    []id.ID // users; the caller herself is left out
	// Record is what the notice is about and leads to: who may not see it is told
	// nothing. 0 for a notice about no record, which leads to Href.
	Record id.ID
	Place  string // within the record's page: "comment-12"
	Href   string // local path, for a notice about no record
	// Text follows the name of who caused it: "mentioned you on", the record. One
	// of Strongroom's own, such as a reminder, is a whole sentence.
	Text []Part
	Key  string // the same key is told the same person once: "comment/12"
	Own  bool   // of Strongroom itself, whoever the caller is
	Self bool   // the caller herself is told too: of what is done in her name
}

// Send tells people something, inside the change that causes it, and gives those
// of them who may know of it: active users who may see the record. Others are
// passed over in silence. Telling again under the same key does nothing.
func Send(tx *gate.Tx, n Notice) (told []id.ID, err error) {
	if _, ok := TopicOf(n.Topic); !ok || n.Key == "" || n.Href != "" && !strings.HasPrefix(n.Href, "/") {
		return nil, fault.New(fault.Internal, "A notice of the topic %q under the key %q cannot be sent.", n.Topic, n.Key)
	}
	actor := tx.Caller.User
	if n.Own {
		actor = 0
	}
	if told, err = audience(tx, n.Record, n.To, n.Self); err != nil || len(told) == 0 {
		return nil, err
	}
	parts, err := json.Marshal(n.Text)
	if err != nil {
		return nil, err
	}
	wants, err := choices(tx, n.Topic, told)
	if err != nil {
		return nil, err
	}
	topic, _ := TopicOf(n.Topic)
	leave, err := leaves(tx, topic, told)
	if err != nil {
		return nil, err
	}
	for _, u := range told {
		if err := put(tx, n, actor, u, string(parts), wants(u), leave(u)); err != nil {
			return nil, err
		}
	}
	return told, nil
}

// put writes one person's notice, and what of it is to leave the house, not before a time.
func put(tx *gate.Tx, n Notice, actor, to id.ID, parts string, wants map[string]bool, l leave) error {
	var out []string
	for ch, wanted := range wants {
		if wanted && ch != InApp {
			out = append(out, ch)
		}
	}
	if !wants[InApp] && len(out) == 0 {
		return nil
	}
	nid, err := tx.NewID()
	if err != nil {
		return err
	}
	fresh, err := tx.Exec(`insert into notification (id, user_id, topic, actor, record_id, place, href, parts, once, at, shown) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (user_id, once) do nothing`,
		int64(nid), int64(to), n.Topic, int64(actor), int64(n.Record), n.Place, n.Href, parts, n.Key, tx.Now, wants[InApp])
	if err != nil || fresh == 0 {
		return err
	}
	for _, ch := range out {
		if _, err := tx.Exec(`insert into notification_out (channel, notification_id, user_id, at, digest) values (?, ?, ?, ?, ?)`, ch, int64(nid), int64(to), l.at, l.digest); err != nil {
			return err
		}
		if err := fate(tx, nid, ch, Waits, l.at, ""); err != nil {
			return err
		}
	}
	return nil
}

// Audience gives those of some users, the caller left out, who are active and may
// see a record; with record 0 those who are active.
func Audience(tx *gate.Tx, rec id.ID, users []id.ID) ([]id.ID, error) {
	return audience(tx, rec, users, false)
}

func audience(tx *gate.Tx, rec id.ID, users []id.ID, self bool) ([]id.ID, error) {
	var out []id.ID
	met := map[id.ID]bool{tx.Caller.User: !self, 0: true}
	for _, u := range users {
		if met[u] || len(out) == mostPeople {
			continue
		}
		met[u] = true
		ok, err := Sees(tx, u, rec)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, u)
		}
	}
	return out, nil
}

// Sees tells whether a user is active and may see a record; with record 0
// whether she is active.
func Sees(tx *gate.Tx, user, rec id.ID) (bool, error) {
	c, err := access.Load(tx.SQL(), user)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil || rec == 0 {
		return err == nil, err
	}
	var n int
	cond, args := access.Visible(c, "r", tx.Now)
	err = tx.QueryRow(`select count(*) from record r where r.id = ? and r.trashed_at is null and `+cond, append([]any{int64(rec)}, args...)...).Scan(&n)
	return n > 0, err
}

// Retract takes back what was told under some keys, from everybody: what it told of
// is gone.
func Retract(tx *gate.Tx, keys ...string) error {
	for _, k := range keys {
		for _, q := range []string{`delete from notification_out where notification_id in (select id from notification where once = ?)`,
			`delete from notification_fate where notification_id in (select id from notification where once = ?)`, `delete from notification where once = ?`} {
			if _, err := tx.Exec(q, k); err != nil {
				return err
			}
		}
	}
	return nil
}

// Prune removes what was kept long enough. The transaction is one that may
// change the tenant.
func Prune(tx *gate.Tx) error {
	ago := func(d time.Duration) int64 { return tx.Now - d.Milliseconds() }
	if _, err := tx.Exec(`delete from notification_out where at < ?`, ago(keepOut)); err != nil {
		return err
	}
	if _, err := tx.Exec(`update notification_fate set state = ?, at = ? where state = ? and at < ?`, Dropped, tx.Now, Waits, ago(keepOut)); err != nil {
		return err
	}
	const old = `at < ? or read_at > 0 and at < ?`
	if _, err := tx.Exec(`delete from notification_fate where notification_id in (select id from notification where `+old+`)`, ago(KeepUnread), ago(KeepRead)); err != nil {
		return err
	}
	_, err := tx.Exec(`delete from notification where `+old, ago(KeepUnread), ago(KeepRead))
	return err
}
