package notification

import (
	"encoding/json"
	"strconv"
	"strings"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// MostCounted is where counting unread notices ends.
const MostCounted = 100

// Line is a notice as its reader sees it.
type Line struct {
	ID     id.ID
	Topic  Topic
	By     string // who caused it; empty for Strongroom itself
	Text   []Word
	Record id.ID // 0 for none
	Kind   string
	Place  string
	Href   string // where it leads when it is about no record
	At     int64  // Unix milliseconds
	Read   bool
	Shown  bool // in the list in the app
}

// Word is a piece of a notice's text; Kind and Record are set of the name of a
// record.
type Word struct {
	Text   string
	Record id.ID
	Kind   string
}

// Plain is the whole text.
func (l *Line) Plain() string {
	words := make([]string, 0, len(l.Text)+1)
	if l.By != "" {
		words = append(words, l.By)
	}
	for _, w := range l.Text {
		words = append(words, w.Text)
	}
	return strings.Join(words, " ")
}

// Query asks for some of the caller's notices, the newest first.
type Query struct {
	ID     id.ID  // only this one
	Topic  string // only of this topic
	Unread bool
	After  string // Next of the page before
	Limit  int    // 50 when 0
}

// Page is some notices, and how the list goes on; Next is empty at its end.
type Page struct {
	Lines []*Line
	Next  string
}

// mine is the condition that a notice is the caller's and about nothing that is
// hidden from her.
func mine(tx *gate.Tx) (string, []any) {
	cond, args := visible(tx, tx.Caller.User)
	return cond + ` and n.shown = 1`, args
}

// visible is the condition that a notice is somebody's, in the list or not, and about nothing
// that is hidden from the caller.
func visible(tx *gate.Tx, user id.ID) (string, []any) {
	cond, args := tx.Visible("r")
	return `n.user_id = ? and (n.record_id = 0 or (r.id is not null and r.trashed_at is null and ` + cond + `))`, append([]any{int64(user)}, args...)
}

// Unread counts the caller's unread notices, as far as MostCounted.
func Unread(tx *gate.Tx) (int, error) {
	if tx.Caller.User == 0 {
		return 0, nil
	}
	cond, args := mine(tx)
	var n int
	err := tx.QueryRow(`select count(*) from (select n.id from notification n left join record r on r.id = n.record_id
		where n.read_at = 0 and `+cond+` limit `+strconv.Itoa(MostCounted)+`) x`, args...).Scan(&n)
	return n, err
}

// List gives some of the caller's notices.
func List(tx *gate.Tx, q Query) (*Page, error) {
	where, args := mine(tx)
	return list(tx, q, where, args)
}

func list(tx *gate.Tx, q Query, where string, args []any) (*Page, error) {
	if q.Limit <= 0 {
		q.Limit = 50
	}
	narrow := func(cond string, more ...any) { where, args = where+` and `+cond, append(args, more...) }
	if q.ID != 0 {
		narrow(`n.id = ?`, int64(q.ID))
	}
	if q.Topic != "" {
		narrow(`n.topic = ?`, q.Topic)
	}
	if q.Unread {
		narrow(`n.read_at = 0`)
	}
	if at, last, ok := after(q.After); ok {
		narrow(`(n.at < ? or n.at = ? and n.id < ?)`, at, at, last)
	}
	rows, err := tx.Query(`select n.id, n.topic, n.actor, n.record_id, coalesce(r.kind, ''), n.place, n.href, n.parts, n.at, n.read_at, n.shown from notification n
		left join record r on r.id = n.record_id where `+where+` order by n.at desc, n.id desc limit ?`, append(args, q.Limit+1)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	p := &Page{}
	var raw []source
	for rows.Next() {
		var s source
		var nid, actor, rec, read int64
		var topic, parts string
		l := &Line{}
		if err := rows.Scan(&nid, &topic, &actor, &rec, &l.Kind, &l.Place, &l.Href, &parts, &l.At, &read, &l.Shown); err != nil {
			return nil, err
		}
		if len(p.Lines) == q.Limit {
			last := p.Lines[q.Limit-1]
			p.Next = strconv.FormatInt(last.At, 10) + "-" + last.ID.String()
			break
		}
		if err := json.Unmarshal([]byte(parts), &s.parts); err != nil {
			return nil, err
		}
		l.ID, l.Record, l.Read, s.actor = id.ID(nid), id.ID(rec), read != 0, id.ID(actor)
		if l.Topic, _ = TopicOf(topic); l.Topic.Name == "" {
			l.Topic = Topic{Name: topic, Label: topic, Icon: "bell"}
		}
		p.Lines, raw = append(p.Lines, l), append(raw, s)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return p, name(tx, p.Lines, raw)
}

// source is what a line's words are made of.
type source struct {
	actor id.ID
	parts []Part
}

func after(s string) (at, last int64, ok bool) {
	a, b, _ := strings.Cut(s, "-")
	at, err := strconv.ParseInt(a, 10, 64)
	n, fine := id.Parse(b)
	return at, int64(n), err == nil && fine
}

// name writes the words of lines, with one statement for all names in them. A
// name that the reader may not see is told as something.
func name(tx *gate.Tx, lines []*Line, raw []source) error {
	var all []id.ID
	for _, s := range raw {
		all = append(all, s.actor)
		for _, p := range s.parts {
			all = append(all, p.Record)
		}
	}
	known, err := names(tx, all)
	if err != nil {
		return err
	}
	for i, l := range lines {
		if raw[i].actor != 0 {
			if l.By = known[raw[i].actor].Text; l.By == "" {
				l.By = "Somebody"
			}
		}
		for _, p := range raw[i].parts {
			w := Word{Text: p.Text}
			if p.Record != 0 {
				if w = known[p.Record]; w.Text == "" {
					w.Text = "something"
				}
			}
			l.Text = append(l.Text, w)
		}
	}
	return nil
}

// names gives the names of records that the caller may see.
func names(tx *gate.Tx, ids []id.ID) (map[id.ID]Word, error) {
	out := map[id.ID]Word{}
	if len(ids) == 0 {
		return out, nil
	}
	cond, args := tx.Visible("r")
	rows, err := tx.Query(`select r.id, r.kind, r.name from record r where r.id in (`+access.Marks(len(ids))+`) and r.trashed_at is null and `+cond, append(access.Args(ids), args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		var w Word
		if err := rows.Scan(&n, &w.Kind, &w.Text); err != nil {
			return nil, err
		}
		w.Record = id.ID(n)
		out[w.Record] = w
	}
	return out, rows.Err()
}

// Mark notes that the caller has read a notice of hers, or has not after all.
// NotFound for one that she does not have. The transaction may be one that began
// with View, as for what follows.
func Mark(tx *gate.Tx, notice id.ID, read bool) error {
	p, err := List(tx, Query{ID: notice, Limit: 1})
	if err != nil {
		return err
	}
	if len(p.Lines) == 0 {
		return gate.Missing()
	}
	at := int64(0)
	if read {
		at = tx.Now
	}
	_, err = tx.Exec(`update notification set read_at = ? where id = ? and user_id = ?`, at, int64(notice), int64(tx.Caller.User))
	return err
}

// MarkAll notes that the caller has read everything until a moment, of a topic or
// of all, and gives how many that are.
func MarkAll(tx *gate.Tx, topic string, until int64) (int64, error) {
	q := `update notification set read_at = ? where user_id = ? and read_at = 0 and at <= ?`
	args := []any{tx.Now, int64(tx.Caller.User), until}
	if topic != "" {
		q, args = q+` and topic = ?`, append(args, topic)
	}
	return tx.Exec(q, args...)
}
