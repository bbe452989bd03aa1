package comment

import (
	"context"
	"strings"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/search"
)

// together is how many words one statement keeps.
const together = 64

// keepWords keeps by which words a comment is found.
func keepWords(tx *gate.Tx, comment id.ID, source string) error {
	if _, err := tx.Exec(`delete from record_comment_word where comment_id = ?`, int64(comment)); err != nil {
		return err
	}
	for list := search.Indexed(source); len(list) > 0; {
		n := min(len(list), together)
		args := make([]any, 0, 2*n)
		for _, w := range list[:n] {
			args = append(args, w, int64(comment))
		}
		if _, err := tx.Exec(`insert into record_comment_word (word, comment_id) values (?, ?)`+strings.Repeat(`, (?, ?)`, n-1), args...); err != nil {
			return err
		}
		list = list[n:]
	}
	_, err := tx.Exec(`update record_comment set indexed = 1 where id = ?`, int64(comment))
	return err
}

// rewrote keeps the words of a record's comments anew when their texts changed in passing.
func rewrote(tx *gate.Tx, table string, rec id.ID) error {
	if table != "record_comment" {
		return nil
	}
	list, err := tx.IDs(`select id from record_comment where record_id = ?`, int64(rec))
	for _, c := range list {
		var source string
		if err := tx.QueryRow(`select source from record_comment where id = ?`, int64(c)).Scan(&source); err != nil {
			return err
		}
		if err := keepWords(tx, c, source); err != nil {
			return err
		}
	}
	return err
}

// found narrows a query to the comments in which each of the words begins one. Those that
// are not indexed yet are read.
func found(tx *gate.Tx, words []string, narrow func(cond string, args ...any)) error {
	var left bool
	if err := tx.QueryRow(`select exists (select 1 from record_comment where indexed = 0)`).Scan(&left); err != nil {
		return err
	}
	asked := search.Asked(strings.Join(words, " "))
	for _, w := range asked {
		last := w + "\U0010FFFF"
		often, err := isCommon(tx, w, last)
		if err != nil {
			return err
		}
		by := `c.id in (select w.comment_id from record_comment_word w where w.word >= ? and w.word < ?)`
		if often { // the newest comments are gone through, each asked for the word
			by = `exists (select 1 from record_comment_word w where w.comment_id = c.id and w.word >= ? and w.word < ?)`
		}
		if !left {
			narrow(by, w, last)
			continue
		}
		narrow(`(`+by+` or c.indexed = 0 and lower(c.source) like ? escape '\')`, w, last,
			`%`+strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(w)+`%`)
	}
	if len(asked) == 0 {
		narrow(`1 = 0`)
	}
	return nil
}

// common is how many comments hold a word of which it is not worth listing them.
const common = 2000

func isCommon(tx *gate.Tx, from, to string) (bool, error) {
	var n int
	err := tx.QueryRow(`select count(*) from (select 1 from record_comment_word where word >= ? and word < ? limit ?) x`, from, to, common).Scan(&n)
	return n == common, err
}

// some is how many comments are indexed in one transaction.
const some = 200

// Index indexes the comments of a tenant that were written before there was an index.
func Index(ctx context.Context, g *gate.Gate, tenant string) error {
	for more := true; more; {
		err := g.Change(ctx, access.System(tenant, "comments"), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
			tx.Withdraw(tx.Entry())
			list, err := left(tx)
			for _, x := range list {
				if err == nil {
					err = keepWords(tx, x.ID, x.Source)
				}
			}
			more = len(list) == some
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func left(tx *gate.Tx) ([]Comment, error) {
	rows, err := tx.Query(`select id, source from record_comment where indexed = 0 order by id limit ?`, some)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Comment
	for rows.Next() {
		var n int64
		var x Comment
		if err := rows.Scan(&n, &x.Source); err != nil {
			return nil, err
		}
		x.ID = id.ID(n)
		out = append(out, x)
	}
	return out, rows.Err()
}
