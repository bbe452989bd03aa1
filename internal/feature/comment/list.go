package comment

import (
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Placed is a comment with the record that it is about.
type Placed struct {
	Comment
	Record     id.ID
	Kind, Name string // of the record
	Org        id.ID
}

// Query asks for comments, the newest first. What is not said does not narrow.
type Query struct {
	ID, Record, Author id.ID
	Words              []string // each of which begins a word of the text, in any case
	Offset, Limit      int
	NoTotal            bool // how many there are is not asked for
}

// All gives a page of the comments on what the caller may see, and how many there are.
func All(tx *gate.Tx, q Query) ([]*Placed, int64, error) {
	sees, args := tx.Visible("r")
	where := ` from record_comment c join record r on r.id = c.record_id where r.trashed_at is null and ` + sees
	narrow := func(cond string, v ...any) { where, args = where+` and `+cond, append(args, v...) }
	for _, n := range []struct {
		column string
		id     id.ID
	}{{"c.id", q.ID}, {"c.record_id", q.Record}, {"c.author", q.Author}} {
		if n.id != 0 {
			narrow(n.column+` = ?`, int64(n.id))
		}
	}
	if len(q.Words) > 0 {
		if err := found(tx, q.Words, narrow); err != nil {
			return nil, 0, err
		}
	}
	var total int64
	if !q.NoTotal {
		if err := tx.QueryRow(`select count(*)`+where, args...).Scan(&total); err != nil || total == 0 {
			return nil, 0, err
		}
	}
	named, whom := tx.Visible("u")
	rows, err := tx.Query(`select c.id, c.author, coalesce((select u.name from record u where u.id = c.author and `+named+`), ''), c.source, c.html, c.at, c.edited_at, r.id, r.kind, r.name, r.org_id`+
		where+` order by c.at desc, c.id desc limit ? offset ?`, append(append(whom, args...), q.Limit, q.Offset)...)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	var out []*Placed
	for rows.Next() {
		x := &Placed{}
		var cid, author, rec, org int64
		if err := rows.Scan(&cid, &author, &x.AuthorName, &x.Source, &x.HTML, &x.At, &x.Edited, &rec, &x.Kind, &x.Name, &org); err != nil {
			return nil, 0, err
		}
		x.ID, x.Author, x.Record, x.Org = id.ID(cid), id.ID(author), id.ID(rec), id.ID(org)
		out = append(out, x)
	}
	return out, total, rows.Err()
}
