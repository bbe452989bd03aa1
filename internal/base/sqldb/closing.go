package sqldb

import (
	"context"
	"errors"
	"fmt"
)

// AtCommit gives items to work, which runs once for all changes that are
// committed together, after the last of them, with what each gave for the same
// key, in the order of the changes; works run in the order in which their keys
// came first. A change that is taken back takes its items back, and so does a
// Try. When work fails the commit has failed: nothing of it is kept.
//
// It is for what changes share, such as an index or the end of a log: written
// once for sixteen changes it costs little more than for one. Work must not
// fail for reasons that lie in one item: they are found before.
func AtCommit[T any](t *Tx, key any, work func(*Tx, []T) error, items ...T) error {
	switch {
	case t.over:
		return errOver
	case !t.writes:
		return errors.New("sqldb: a view commits nothing")
	}
	t.closings = append(t.closings, closing{key, &shared[T]{work, items}})
	return nil
}

// closing is what one call of AtCommit gave.
type closing struct {
	key any
	group
}

// group is shared of any type.
type group interface {
	join(group)
	run(*Tx) error
}

type shared[T any] struct {
	work  func(*Tx, []T) error
	items []T
}

func (s *shared[T]) join(more group) { s.items = append(s.items, more.(*shared[T]).items...) }
func (s *shared[T]) run(t *Tx) error { return s.work(t, s.items) }

// joined puts together what was given for the same key.
func joined(list []closing) []closing {
	var out []closing
	at := map[any]int{}
	for _, c := range list {
		if i, ok := at[c.key]; ok {
			out[i].join(c.group)
			continue
		}
		at[c.key] = len(out)
		out = append(out, c)
	}
	return out
}

// finish runs what the members left for the end, in the transaction that they
// share.
func (w *writer) finish() error {
	if len(w.closings) == 0 {
		return nil
	}
	if w.save || w.nested {
		if err := w.control("release savepoint member"); err != nil {
			return err
		}
		w.save, w.nested = false, false
	}
	t := &Tx{db: w.db, c: w.c, ctx: context.WithValue(context.Background(), changeMark{w.db}, true), run: context.Background(), writes: true}
	return t.end(runAll(t, joined(w.closings)))
}

// runAll runs closings. A panic is an error here: it would end the writer, and
// with it the process, for what one caller gave.
func runAll(t *Tx, list []closing) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("sqldb: the work at the end of a group panicked: %v", p)
		}
	}()
	for _, c := range list {
		if err := c.run(t); err != nil {
			return err
		}
	}
	return nil
}
