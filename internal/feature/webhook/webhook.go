// Package webhook tells other systems what happens, at addresses that a tenant names.
//
// Always true: a message is a row in the transaction of what it tells, once for each address;
// it holds what the person who saved the address last may see at that moment, no secret, and
// nothing personal unless that is said; it is signed, and keeps its id however often it is
// sent; messages of one address go out one after the other, in their order; the server
// connects only to where its operator lets it.
package webhook

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation"
	"strongroom/internal/feature/automation/term"
	"strongroom/internal/feature/journal/entry"
)

// Kind is the name of the kind of addresses, and JobKind that of the jobs that send.
const (
	Kind    = "webhook"
	JobKind = "webhook"
)

// What can have happened.
const (
	Created  = "created"
	Changed  = "changed"
	Deleted  = "deleted"
	Restored = "restored"
	Written  = "written" // an entry on a ticket
	Asked    = "asked"   // a rule, or a process, sends it
	Tested   = "test"
)

// How messages are signed.
const (
	HMAC    = "HMAC-SHA256"
	Ed25519 = "Ed25519"
)

// The states of a message.
const (
	Waiting = "waiting"
	Sending = "sending"
	Sent    = "sent"
	Failed  = "failed"
)

// The bounds of an address.
const (
	mostTerms   = 20
	mostHooks   = 100
	mostWaiting = 10000
	mostOfOne   = 100       // messages about one record within an hour
	mostBody    = 256 << 10 // bytes of a message
	keep        = 30 * 24 * time.Hour
)

// Feature is the kind, and what is sent.
func Feature() record.Feature {
	return record.Feature{Name: "webhook", Kinds: []*record.Kind{hooks()}, Schema: schema, Purge: purge}
}

// The statements make the messages, what came of each try, and how the addresses stand.
var schema = []string{
	`create table if not exists webhook_out (id id primary key, hook_id int not null, event text not null, kind text not null, record_id int not null, once text not null, body text not null, state text not null,
		attempts int not null default 0, next_at int not null, at int not null, ended_at int not null default 0)`,
	`create unique index if not exists webhook_out_once on webhook_out (hook_id, once)`,
	`create index if not exists webhook_out_open on webhook_out (hook_id, id) where state in ('waiting', 'sending')`,
	`create index if not exists webhook_out_at on webhook_out (at)`,
	`create index if not exists webhook_out_record on webhook_out (record_id) where record_id <> 0`,
	`create table if not exists webhook_try (id id primary key, out_id int not null, at int not null, took int not null, status int not null, said text not null, answer text not null)`,
	`create index if not exists webhook_try_out on webhook_try (out_id, id)`,
	`create table if not exists webhook_state (hook_id int primary key, failing_at int not null default 0, ok_at int not null default 0, off_at int not null default 0, said text not null default '', lost int not null default 0,
		version int not null default 0, rotated_at int not null default 0, public text not null default '')`,
}

// purge forgets what was told of a record that is purged, and what an address was told.
func purge(tx *gate.Tx, r *record.Record) error {
	n := int64(r.ID)
	for _, q := range []string{`delete from webhook_try where out_id in (select id from webhook_out where record_id = ? or hook_id = ?)`, `delete from webhook_out where record_id = ? or hook_id = ?`} {
		if _, err := tx.Exec(q, n, n); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`delete from webhook_state where hook_id = ?`, n)
	return err
}

func hooks() *record.Kind {
	text := func(name, label, hint string) record.Field {
		return record.Field{Name: name, Label: label, Type: record.Text, Class: record.Internal, Hint: hint}
	}
	on := func(name, label string, usual bool) record.Field {
		return record.Field{Name: name, Label: label, Type: record.Bool, Class: record.Internal, Default: usual, Group: "When"}
	}
	address := text("url", "Address", "It begins with https.")
	address.Required, address.Format, address.List = true, record.URL, true
	of := text("of_kind", "Of", "What it tells of, such as incident. Empty: of everything, and no conditions.")
	of.Filter, of.List, of.Group = true, true, "When"
	return &record.Kind{
		Name: Kind, Plural: "webhooks", Label: "Webhook", Labels: "Webhooks", Icon: "webhook", Scope: record.OfTenant, Admin: true, Before: before, After: after,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Unique: true, Filter: true, Sort: true, Search: true, List: true},
			address,
			{Name: "active", Label: "On", Type: record.Bool, Class: record.Internal, Default: false, Filter: true, List: true, Hint: "Only a person turns it on, and it tells what who saved it last may see."},
			{Name: "signs", Label: "Signed by", Type: record.Choice, Choices: []string{HMAC, Ed25519}, Default: HMAC, Class: record.Internal},
			{Name: "personal", Label: "Also what is personal", Type: record.Bool, Class: record.Internal, Default: false, Hint: "Names, e-mail addresses and texts of people. Secrets are never told."},
			of, on("on_created", "It is created", true), on("on_changed", "It changes", true), on("on_deleted", "It is deleted, or restored", true), on("on_written", "An entry is written on it", false),
			{Name: "any_term", Label: "One of the conditions is enough", Type: record.Bool, Class: record.Internal, Default: false, Group: "If"},
			{Name: "conditions", Type: record.Rows, Class: record.Internal, Group: "If", Rows: []record.Field{text("field", "Field", ""), {Name: "op", Label: "Is", Type: record.Choice, Choices: term.Ops(), Class: record.Internal}, text("value", "Value", "")}},
			{Name: "acts_as_id", Label: "Rights of", Type: record.Ref, Ref: "user", Class: record.Personal, ReadOnly: true, Group: "Rights"},
		},
	}
}

// Hook is an address as it is used.
type Hook struct {
	ID       id.ID
	Version  int64
	Name     string
	URL      string
	On       bool
	Signs    string
	Personal bool
	Of       string
	Events   []string
	Any      bool
	If       []term.Term
	Maker    id.ID
}

// Of reads an address of its record.
func Of(r *record.Record) *Hook {
	v := r.Values
	h := &Hook{ID: r.ID, Version: r.Version, Name: r.Name, URL: v.Text("url"), On: v.Bool("active") && !r.Archived, Signs: v.Text("signs"), Personal: v.Bool("personal"), Of: v.Text("of_kind"), Any: v.Bool("any_term"), Maker: v.ID("acts_as_id")}
	for field, events := range map[string][]string{"on_created": {Created}, "on_changed": {Changed}, "on_deleted": {Deleted, Restored}, "on_written": {Written}} {
		if v.Bool(field) {
			h.Events = append(h.Events, events...)
		}
	}
	slices.Sort(h.Events)
	text := func(row map[string]any, name string) string { s, _ := row[name].(string); return strings.TrimSpace(s) }
	for _, row := range v.Rows("conditions") {
		t := term.Term{Field: text(row, "field"), Op: text(row, "op"), Value: text(row, "value")}
		if t.Op == "" {
			t.Op = term.Is
		}
		if t.Field != "" || t.Value != "" {
			h.If = append(h.If, t)
		}
	}
	return h
}

// before refuses an address that could not be used, and gives it the rights of who saves it.
func before(tx *gate.Tx, now, old *record.Record) error {
	u, err := url.Parse(now.Values.Text("url"))
	switch {
	case err != nil || u.Scheme != "https" || u.Host == "":
		return fault.Field("url", "A webhook is an https address.").WithHint("Write it as https://example.com/hooks/strongroom.")
	case u.User != nil || u.Fragment != "":
		return fault.Field("url", "An address with a name, a password or a # in it is not called.").WithHint("The receiver knows a message by its signature.")
	}
	e := now.Kind.Engine()
	h := Of(now)
	k := e.Kinds.Kind(h.Of)
	switch {
	case h.Of != "" && (k == nil || !automation.Governed(k)):
		return fault.Field("of_kind", "This is told to nobody.").WithHint("Write the name of a kind, such as incident or configuration, or nothing.")
	case k == nil && len(h.If) > 0:
		return fault.Field("conditions", "Conditions ask for fields of one kind: say of which.")
	case len(h.If) > mostTerms:
		return fault.Field("conditions", "A webhook has %d conditions at the most.", mostTerms)
	}
	for _, t := range h.If {
		if automation.Field(k, t.Field) == nil {
			return fault.Field("conditions", "%s have no field %q that can be asked for.", k.Labels, t.Field)
		}
	}
	if old == nil {
		var n int
		if err := tx.QueryRow(`select count(*) from record where kind = 'webhook' and trashed_at is null`).Scan(&n); err != nil {
			return err
		}
		if n >= mostHooks {
			return fault.New(fault.Conflict, "There are %d webhooks at the most.", mostHooks)
		}
	}
	return automation.Made(tx, now, old, func(old, now *record.Record) bool {
		a, b := Of(old), Of(now)
		b.Version = a.Version
		return a.On == b.On && a.URL == b.URL && a.Of == b.Of && a.Personal == b.Personal && a.Any == b.Any && slices.Equal(a.Events, b.Events) && slices.Equal(a.If, b.If)
	})
}

// after begins anew with an address that was saved: it is not off for having failed before.
func after(tx *gate.Tx, now, _ *record.Record) error {
	_, err := tx.Exec(`insert into webhook_state (hook_id) values (?) on conflict (hook_id) do update set failing_at = 0, off_at = 0, said = ''`, int64(now.ID))
	return err
}

type activeKey struct{}

// active are the addresses that are on, read once in a transaction. It asks one statement.
func active(tx *gate.Tx, e *record.Engine) (list []*Hook, err error) {
	got := tx.Local(activeKey{}, func() any {
		list, err = read(tx, e, `where k.active = 1 and r.archived = 0 and r.trashed_at is null order by r.id`)
		return list
	})
	list, _ = got.([]*Hook)
	return list, err
}

func read(tx *gate.Tx, e *record.Engine, where string, args ...any) ([]*Hook, error) {
	k := e.Kinds.Kind(Kind)
	if k == nil {
		return nil, nil
	}
	names := []string{"active", "personal", "on_created", "on_changed", "on_deleted", "on_written", "any_term"}
	rows, err := tx.Query(`select r.id, r.version, r.name, r.archived, k.url, coalesce(k.signs, ''), coalesce(k.of_kind, ''), coalesce(k.conditions, ''), coalesce(k.acts_as_id, 0), coalesce(k.`+strings.Join(names, `, 0), coalesce(k.`)+`, 0)
		from k_webhook k join record r on r.id = k.id `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Hook
	for rows.Next() {
		r := &record.Record{Kind: k, Values: record.Values{}}
		var n, maker, archived int64
		var address, signs, of, conditions string
		flags := make([]int64, len(names))
		into := []any{&n, &r.Version, &r.Name, &archived, &address, &signs, &of, &conditions, &maker}
		for i := range flags {
			into = append(into, &flags[i])
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		for i, name := range names {
			r.Values[name] = flags[i] == 1
		}
		v, err := k.Field("conditions").Parse(conditions)
		if err != nil {
			return nil, err
		}
		r.ID, r.Archived = id.ID(n), archived == 1
		r.Values["url"], r.Values["signs"], r.Values["of_kind"], r.Values["conditions"], r.Values["acts_as_id"] = address, signs, of, v, id.ID(maker)
		out = append(out, Of(r))
	}
	return out, rows.Err()
}

// Over gives features whose records are told of.
func (h *Hooks) Over(list []record.Feature) []record.Feature {
	for _, f := range list {
		for _, k := range f.Kinds {
			after := k.After
			then := func(tx *gate.Tx, now, old *record.Record, follow func(tx *gate.Tx, now, old *record.Record) error) error {
				if after != nil {
					if err := after(tx, now, old); err != nil {
						return err
					}
				}
				return follow(tx, now, old)
			}
			switch {
			case k.Name == entry.Kind:
				k.After = func(tx *gate.Tx, now, old *record.Record) error { return then(tx, now, old, h.written) }
			case automation.Governed(k):
				k.After = func(tx *gate.Tx, now, old *record.Record) error { return then(tx, now, old, h.happened) }
			}
		}
	}
	return list
}

// quiet tells whether many records are brought in at once.
func quiet(tx *gate.Tx) bool {
	return tx.Caller.Via == "console" || tx.Caller.Via == "job" && tx.Caller.User != 0
}

// happened tells of a record that was saved, deleted or restored.
func (h *Hooks) happened(tx *gate.Tx, now, old *record.Record) error {
	event := Changed
	switch {
	case old == nil:
		event = Created
	case old.Trashed == 0 && now.Trashed != 0:
		event = Deleted
	case old.Trashed != 0 && now.Trashed == 0:
		event = Restored
	}
	return h.tell(tx, now, old, event, fmt.Sprintf("%s/%s/%d", now.ID, event, now.Version), nil)
}

// written tells of an entry on a ticket.
func (h *Hooks) written(tx *gate.Tx, e, old *record.Record) error {
	if old != nil || quiet(tx) {
		return nil
	}
	list, err := active(tx, e.Kind.Engine())
	if err != nil || !slices.ContainsFunc(list, func(x *Hook) bool { return slices.Contains(x.Events, Written) }) {
		return err
	}
	ticket, err := e.Kind.Engine().Get(tx, "", e.Parent)
	if err != nil {
		return err
	}
	return h.tell(tx, ticket, ticket, Written, fmt.Sprintf("%s/entry", e.ID), e)
}

// tell writes a message for each address that is to have it.
func (h *Hooks) tell(tx *gate.Tx, now, old *record.Record, event, once string, said *record.Record) error {
	if quiet(tx) {
		return nil
	}
	list, err := active(tx, now.Kind.Engine())
	if err != nil {
		return err
	}
	for _, x := range list {
		if x.Of != "" && x.Of != now.Kind.Name || !slices.Contains(x.Events, event) || !term.All(x.If, x.Any, now, old, nil) {
			continue
		}
		if err := h.enqueue(tx, x, now, old, event, once, said); err != nil {
			return err
		}
	}
	return nil
}

// enqueue writes a message for one address, as far as its owner may see what it tells.
func (h *Hooks) enqueue(tx *gate.Tx, x *Hook, now, old *record.Record, event, once string, said *record.Record) error {
	owner, _, err := automation.Acting(tx, x.ID, "Webhook: "+x.Name, x.Maker)
	if err != nil || owner == nil {
		return err
	}
	ok, err := sees(tx, owner, now.ID)
	if err != nil || !ok {
		return err
	}
	if said != nil {
		if ok, err = sees(tx, owner, said.ID); err != nil || !ok {
			return err
		}
	}
	n, err := tx.NewID()
	if err != nil {
		return err
	}
	body, err := x.body(tx, owner, n, now, old, event, said)
	if err != nil {
		return err
	}
	return h.put(tx, x, n, event, now.Kind.Name, now.ID, once, body)
}

// put puts a message into the queue of an address, unless that is full, or the record was told
// of so often that it seems to be changed by who is told.
func (h *Hooks) put(tx *gate.Tx, x *Hook, n id.ID, event, kind string, rec id.ID, once string, body []byte) error {
	var waiting int
	if err := tx.QueryRow(`select count(*) from (select id from webhook_out where hook_id = ? and state in ('waiting', 'sending') limit ?) w`, int64(x.ID), mostWaiting).Scan(&waiting); err != nil {
		return err
	}
	lately := 0
	if rec != 0 {
		if err := tx.QueryRow(`select count(*) from webhook_out where record_id = ? and hook_id = ? and at > ?`, int64(rec), int64(x.ID), tx.Now-time.Hour.Milliseconds()).Scan(&lately); err != nil {
			return err
		}
	}
	if waiting >= mostWaiting || lately >= mostOfOne {
		_, err := tx.Exec(`update webhook_state set lost = lost + 1 where hook_id = ?`, int64(x.ID))
		return err
	}
	fresh, err := tx.Exec(`insert into webhook_out (id, hook_id, event, kind, record_id, once, body, state, next_at, at) values (?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?) on conflict do nothing`, int64(n), int64(x.ID), event, kind, int64(rec), once, string(body), tx.Now, tx.Now)
	if err != nil || fresh == 0 {
		return err
	}
	return h.arm(tx, 0)
}

// sees tells whether somebody may see a record, in the trash too: who could see it is told
// that it is gone.
func sees(tx *gate.Tx, c *access.Caller, rec id.ID) (bool, error) {
	var n int
	cond, args := access.Visible(c, "r", tx.Now)
	err := tx.QueryRow(`select count(*) from record r where r.id = ? and `+cond, append([]any{int64(rec)}, args...)...).Scan(&n)
	return n > 0, err
}

// message is what is sent.
type message struct {
	Type string `json:"type"` // "incident.changed"
	Time string `json:"timestamp"`
	Data data   `json:"data"`
}

type data struct {
	ID           string         `json:"id"`
	Kind         string         `json:"kind"`
	Version      int64          `json:"version"`
	Organization string         `json:"organization_id,omitempty"`
	Archived     bool           `json:"archived"`
	Fields       map[string]any `json:"fields,omitempty"`
	Changed      []string       `json:"changed,omitempty"`
	Entry        map[string]any `json:"entry,omitempty"`
	Sent         bool           `json:"fields_left_out,omitempty"` // they were too long
}

// body is a message in JSON.
func (x *Hook) body(tx *gate.Tx, owner *access.Caller, n id.ID, now, old *record.Record, event string, said *record.Record) ([]byte, error) {
	m := message{Type: now.Kind.Name + "." + event, Time: time.UnixMilli(tx.Now).UTC().Format(time.RFC3339Nano),
		Data: data{ID: now.ID.String(), Kind: now.Kind.Name, Version: now.Version, Archived: now.Archived}}
	if now.Org != 0 {
		m.Data.Organization = now.Org.String()
	}
	var err error
	if event != Deleted {
		if m.Data.Fields, err = x.fields(tx, owner, now); err != nil {
			return nil, err
		}
	}
	if event == Changed && old != nil {
		for name := range m.Data.Fields {
			f := automation.Field(now.Kind, name)
			if f == nil {
				f = now.Kind.Field(name)
			}
			if term.Text(f, automation.Value(now, name)) != term.Text(f, automation.Value(old, name)) {
				m.Data.Changed = append(m.Data.Changed, name)
			}
		}
		slices.Sort(m.Data.Changed)
	}
	if said != nil {
		if m.Data.Entry, err = x.fields(tx, owner, said); err != nil {
			return nil, err
		}
	}
	out, err := json.Marshal(m)
	if err == nil && len(out) > mostBody {
		m.Data.Fields, m.Data.Entry, m.Data.Sent = nil, nil, true
		out, err = json.Marshal(m)
	}
	return out, err
}

// rows are the columns of a table that may be told.
func (x *Hook) rows(f *record.Field, rows []map[string]any) (out []map[string]any) {
	for _, row := range rows {
		line := map[string]any{}
		for i := range f.Rows {
			if c := &f.Rows[i]; c.Class != record.Unclassified && (c.Class != record.Personal || x.Personal) && c.Type != record.Secret && row[c.Name] != nil {
				line[c.Name] = row[c.Name]
			}
		}
		out = append(out, line)
	}
	return out
}

// fields are those of a record that may be told: no secret, nothing without a class or that
// is sealed, and what is personal only when that is said. A reference to what the owner may
// not see is left out.
func (x *Hook) fields(tx *gate.Tx, owner *access.Caller, r *record.Record) (map[string]any, error) {
	out := map[string]any{}
	var refs []id.ID
	for i := range r.Kind.Fields {
		f := &r.Kind.Fields[i]
		if f.Class == record.Unclassified || f.Class == record.Personal && !x.Personal || slices.Contains([]record.Type{record.Secret, record.Files}, f.Type) {
			continue
		}
		v := r.Values[f.Name]
		if f.Name == "name" {
			v = r.Name
		}
		if v == nil {
			continue
		}
		switch n := v.(type) {
		case id.ID:
			refs = append(refs, n)
		case []id.ID:
			refs = append(refs, n...)
		}
		if rows, ok := v.([]map[string]any); ok {
			v = x.rows(f, rows)
		}
		out[f.Name] = v
	}
	if len(refs) == 0 {
		return out, nil
	}
	cond, args := access.Visible(owner, "r", tx.Now)
	slices.Sort(refs)
	refs = slices.Compact(refs)
	seen, err := tx.IDs(`select r.id from record r where r.id in (`+access.Marks(len(refs))+`) and `+cond, append(access.Args(refs), args...)...)
	if err != nil {
		return nil, err
	}
	for name, v := range out {
		switch n := v.(type) {
		case id.ID:
			if out[name] = n.String(); !slices.Contains(seen, n) {
				delete(out, name)
			}
		case []id.ID:
			list := []string{}
			for _, one := range n {
				if slices.Contains(seen, one) {
					list = append(list, one.String())
				}
			}
			out[name] = list
		}
	}
	return out, nil
}
