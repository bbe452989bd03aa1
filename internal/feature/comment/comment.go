// Package comment holds what people say about records, and who follows it.
//
// Always true: whoever may see a record may read its comments, and nobody else;
// a comment is changed by its author alone, and what it said before is kept until
// it is removed; each change has its entry in the audit log, which does not hold
// the text; who is mentioned is told only of what she may see.
package comment

import (
	"database/sql"
	"errors"
	"strings"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/notification"
)

// The actions in the audit log beside access.Comment.
const (
	Edited  = "comment.edit"
	Removed = "comment.remove"
)

// MaxText is the longest comment, in characters.
const MaxText = 10000

// Feature is the tables of comments.
func Feature() record.Feature {
	return record.Feature{Name: "comment", Schema: schema, Purge: purge, Rewrote: rewrote}
}

var schema = []string{
	`create table if not exists record_comment (id id primary key, record_id int not null, author int not null, source text not null, html text not null, at int not null, edited_at int not null default 0, indexed int not null default 0)`,
	`alter table record_comment add column if not exists indexed int not null default 0`,
	`create index if not exists record_comment_left on record_comment (id) where indexed = 0`,
	`create table if not exists record_comment_word (word text not null, comment_id int not null, primary key (word, comment_id))`,
	`create index if not exists record_comment_word_of on record_comment_word (comment_id, word)`,
	`create index if not exists record_comment_at on record_comment (at, id)`,
	`create index if not exists record_comment_record on record_comment (record_id, at, id)`,
	`create table if not exists record_comment_version (comment_id int not null, edited_at int not null, html text not null, primary key (comment_id, edited_at))`,
	`create table if not exists record_comment_mention (comment_id int not null, user_id int not null, primary key (comment_id, user_id))`,
	`create table if not exists record_watch (record_id int not null, user_id int not null, wanted int not null, primary key (record_id, user_id))`,
	`create index if not exists record_watch_user on record_watch (user_id)`,
}

// purge forgets what was said of a record that is purged, and what a user who is
// purged followed. What she said stays, as what she wrote elsewhere does.
func purge(tx *gate.Tx, r *record.Record) error {
	n := int64(r.ID)
	for _, t := range []string{"record_comment_version", "record_comment_mention", "record_comment_word"} {
		if _, err := tx.Exec(`delete from `+t+` where comment_id in (select id from record_comment where record_id = ?)`, n); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`delete from record_comment where record_id = ?`, n); err != nil {
		return err
	}
	_, err := tx.Exec(`delete from record_watch where record_id = ? or user_id = ?`, n, n)
	return err
}

// Comment is what somebody said.
type Comment struct {
	ID         id.ID
	Author     id.ID
	AuthorName string // empty when the author is gone
	Source     string // as it was typed, Markdown
	HTML       string // sanitised
	At, Edited int64  // Unix milliseconds; Edited is 0 for never
}

// Said tells what became of a comment.
type Said struct {
	ID     id.ID
	Told   int      // how many of those who are mentioned were told
	Untold []string // the names of those who were not: they may not see the record
}

// Comments reads and writes comments.
type Comments struct{ Records *record.Engine }

// Say adds a comment to a record, tells who is mentioned, and those who watch the
// record; the author watches it from now on. Invalid, with the field text, for an
// empty or too long one and for a mention of which it is not clear who is meant.
func (c *Comments) Say(tx *gate.Tx, rec id.ID, source string) (*Said, error) {
	if err := c.writable(tx, rec); err != nil {
		return nil, err
	}
	text, err := c.read(tx, source)
	if err != nil {
		return nil, err
	}
	cid, err := tx.NewID()
	if err != nil {
		return nil, err
	}
	e, err := tx.Allow(access.Comment, gate.Thing{ID: rec})
	if err != nil {
		return nil, err
	}
	e.Detail.Text = "comment " + cid.String()
	_, err = tx.Exec(`insert into record_comment (id, record_id, author, source, html, at) values (?, ?, ?, ?, ?, ?)`,
		int64(cid), int64(rec), int64(tx.Caller.User), text.source, text.html, tx.Now)
	if err != nil {
		return nil, err
	}
	if err := keepWords(tx, cid, text.source); err != nil {
		return nil, err
	}
	said, told, err := tell(tx, rec, cid, text.people, nil)
	if err != nil {
		return nil, err
	}
	if err := follow(tx, rec, append(told, tx.Caller.User)); err != nil {
		return nil, err
	}
	return said, tellWatchers(tx, rec, cid, told)
}

// writable refuses those who are nobody in particular.
func (c *Comments) writable(tx *gate.Tx, _ id.ID) error {
	if tx.Caller.User == 0 {
		return fault.New(fault.Denied, "Only people comment.")
	}
	return nil
}

// Edit changes what the caller said; who is mentioned now and was not is told.
// NotFound for a comment that is not of the record, Denied for another's.
func (c *Comments) Edit(tx *gate.Tx, rec, comment id.ID, source string) (*Said, error) {
	old, err := Get(tx, rec, comment)
	if err != nil {
		return nil, err
	}
	if old.Author != tx.Caller.User || tx.Caller.User == 0 {
		return nil, fault.New(fault.Denied, "Only who wrote a comment changes it.")
	}
	text, err := c.read(tx, source)
	if err != nil {
		return nil, err
	}
	e, err := tx.Allow(access.Comment, gate.Thing{ID: rec})
	if err != nil {
		return nil, err
	}
	if text.source == old.Source {
		tx.Withdraw(e)
		return &Said{ID: comment}, nil
	}
	e.Action, e.Detail.Text = Edited, "comment "+comment.String()
	before := old.Edited
	if before == 0 {
		before = old.At
	}
	if _, err := tx.Exec(`insert into record_comment_version (comment_id, edited_at, html) values (?, ?, ?) on conflict do nothing`, int64(comment), before, old.HTML); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(`update record_comment set source = ?, html = ?, edited_at = ? where id = ?`, text.source, text.html, tx.Now, int64(comment)); err != nil {
		return nil, err
	}
	if err := keepWords(tx, comment, text.source); err != nil {
		return nil, err
	}
	known, err := mentioned(tx, comment)
	if err != nil {
		return nil, err
	}
	said, told, err := tell(tx, rec, comment, text.people, known)
	if err != nil {
		return nil, err
	}
	return said, follow(tx, rec, told)
}

// Remove takes a comment away, with what it said before and what was told of it:
// its author may, and administrators.
func (c *Comments) Remove(tx *gate.Tx, rec, comment id.ID) error {
	old, err := Get(tx, rec, comment)
	if err != nil {
		return err
	}
	if (old.Author != tx.Caller.User || tx.Caller.User == 0) && tx.Caller.Role != access.Administrator {
		return fault.New(fault.Denied, "Only who wrote a comment, and administrators, remove it.")
	}
	e, err := tx.Allow(access.Comment, gate.Thing{ID: rec})
	if err != nil {
		return err
	}
	e.Action, e.Detail.Text = Removed, "comment "+comment.String()
	if err := notification.Retract(tx, "mention/"+comment.String(), "comment/"+comment.String()); err != nil {
		return err
	}
	for _, q := range []string{`delete from record_comment_version where comment_id = ?`, `delete from record_comment_mention where comment_id = ?`, `delete from record_comment_word where comment_id = ?`, `delete from record_comment where id = ?`} {
		if _, err := tx.Exec(q, int64(comment)); err != nil {
			return err
		}
	}
	return nil
}

// Get gives one comment of a record that the caller may see.
func Get(tx *gate.Tx, rec, comment id.ID) (*Comment, error) {
	list, err := read(tx, rec, ` and c.id = ?`, 1, int64(comment))
	if err == nil && len(list) == 0 {
		err = gate.Missing()
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// List gives the last comments of a record, the oldest first, and whether there
// are earlier ones; those before a comment when before is not 0.
func List(tx *gate.Tx, rec, before id.ID, limit int) (list []*Comment, earlier bool, err error) {
	cond, args := "", []any(nil)
	if before != 0 {
		cond, args = ` and (c.at, c.id) < (select b.at, b.id from record_comment b where b.id = ?)`, []any{int64(before)}
	}
	list, err = read(tx, rec, cond, limit+1, args...)
	if err != nil {
		return nil, false, err
	}
	if earlier = len(list) > limit; earlier {
		list = list[:limit]
	}
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list, earlier, nil
}

// read gives comments of a record, the newest first, when the caller may see it.
func read(tx *gate.Tx, rec id.ID, cond string, limit int, args ...any) ([]*Comment, error) {
	sees, who := tx.Visible("r")
	named, whom := tx.Visible("u")
	rows, err := tx.Query(`select c.id, c.author, coalesce(u.name, ''), c.source, c.html, c.at, c.edited_at from record_comment c join record r on r.id = c.record_id
		left join record u on u.id = c.author and `+named+` where c.record_id = ? and r.trashed_at is null and `+sees+cond+` order by c.at desc, c.id desc limit ?`,
		append(append(append(append(whom, int64(rec)), who...), args...), limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Comment
	for rows.Next() {
		var x Comment
		var cid, author int64
		if err := rows.Scan(&cid, &author, &x.AuthorName, &x.Source, &x.HTML, &x.At, &x.Edited); err != nil {
			return nil, err
		}
		x.ID, x.Author = id.ID(cid), id.ID(author)
		out = append(out, &x)
	}
	return out, rows.Err()
}

// Version is what a comment said until it was changed.
type Version struct {
	HTML string
	At   int64 // since when it said so, Unix milliseconds
}

// Versions gives what a comment said before, the latest first.
func Versions(tx *gate.Tx, rec, comment id.ID) ([]Version, error) {
	if _, err := Get(tx, rec, comment); err != nil {
		return nil, err
	}
	rows, err := tx.Query(`select html, edited_at from record_comment_version where comment_id = ? order by edited_at desc`, int64(comment))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Version
	for rows.Next() {
		var v Version
		if err := rows.Scan(&v.HTML, &v.At); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// Watch says that the caller follows a record, or does not any more. The
// transaction may be one that began with View.
func Watch(tx *gate.Tx, rec id.ID, on bool) error {
	if _, err := tx.Allow(access.View, gate.Thing{ID: rec}); err != nil {
		return err
	}
	_, err := tx.Exec(`insert into record_watch (record_id, user_id, wanted) values (?, ?, ?) on conflict (record_id, user_id) do update set wanted = excluded.wanted`,
		int64(rec), int64(tx.Caller.User), on)
	return err
}

// Watches tells whether the caller follows a record.
func Watches(tx *gate.Tx, rec id.ID) (bool, error) {
	var on bool
	err := tx.QueryRow(`select wanted from record_watch where record_id = ? and user_id = ?`, int64(rec), int64(tx.Caller.User)).Scan(&on)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return on, err
}

// Follow lets people watch a record who did not say that they would not, inside a
// granted change.
func Follow(tx *gate.Tx, rec id.ID, people ...id.ID) error { return follow(tx, rec, people) }

// Watching gives those who watch a record.
func Watching(tx *gate.Tx, rec id.ID) ([]id.ID, error) {
	return tx.IDs(`select user_id from record_watch where record_id = ? and wanted = 1 order by user_id`, int64(rec))
}

// follow lets people watch a record who did not say that they would not.
func follow(tx *gate.Tx, rec id.ID, people []id.ID) error {
	for _, u := range people {
		if _, err := tx.Exec(`insert into record_watch (record_id, user_id, wanted) values (?, ?, 1) on conflict (record_id, user_id) do nothing`, int64(rec), int64(u)); err != nil {
			return err
		}
	}
	return nil
}

// tell tells those who are mentioned now and were not before, and remembers whom.
func tell(tx *gate.Tx, rec, comment id.ID, people []person, before map[id.ID]bool) (*Said, []id.ID, error) {
	said := &Said{ID: comment}
	var to []id.ID
	for _, p := range people {
		if !before[p.id] && p.id != tx.Caller.User {
			to = append(to, p.id)
		}
	}
	told, err := notification.Send(tx, notification.Notice{Topic: "mention", To: to, Record: rec, Place: "comment-" + comment.String(),
		Text: []notification.Part{notification.Words("mentioned you on"), notification.Of(rec)}, Key: "mention/" + comment.String()})
	if err != nil {
		return nil, nil, err
	}
	knows := map[id.ID]bool{}
	for _, u := range told {
		knows[u] = true
		if _, err := tx.Exec(`insert into record_comment_mention (comment_id, user_id) values (?, ?) on conflict do nothing`, int64(comment), int64(u)); err != nil {
			return nil, nil, err
		}
	}
	said.Told = len(told)
	for _, p := range people {
		if p.id != tx.Caller.User && !before[p.id] && !knows[p.id] {
			said.Untold = append(said.Untold, p.name)
		}
	}
	return said, told, nil
}

// tellWatchers tells those who watch the record, but those who were mentioned.
func tellWatchers(tx *gate.Tx, rec, comment id.ID, but []id.ID) error {
	watching, err := Watching(tx, rec)
	if err != nil {
		return err
	}
	met := map[id.ID]bool{}
	for _, u := range but {
		met[u] = true
	}
	var to []id.ID
	for _, u := range watching {
		if !met[u] {
			to = append(to, u)
		}
	}
	_, err = notification.Send(tx, notification.Notice{Topic: "comment", To: to, Record: rec, Place: "comment-" + comment.String(),
		Text: []notification.Part{notification.Words("commented on"), notification.Of(rec)}, Key: "comment/" + comment.String()})
	return err
}

func mentioned(tx *gate.Tx, comment id.ID) (map[id.ID]bool, error) {
	people, err := tx.IDs(`select user_id from record_comment_mention where comment_id = ?`, int64(comment))
	out := map[id.ID]bool{}
	for _, u := range people {
		out[u] = true
	}
	return out, err
}

// text is a comment that was read.
type text struct {
	source, html string
	people       []person
}

type person struct {
	id   id.ID
	name string
}

func (c *Comments) read(tx *gate.Tx, source string) (*text, error) {
	source = strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(source, "\r\n", "\n"), "\uFFFD"))
	switch {
	case source == "":
		return nil, fault.Field("text", "Write something first.")
	case utf8.RuneCountInString(source) > MaxText:
		return nil, fault.Field("text", "A comment has at most %d characters.", MaxText)
	}
	return c.resolve(tx, source)
}
