package importer

import (
	"strongroom/internal/base/fault"
	"strongroom/internal/core/secret"
)

// saving is a batch that is being saved while the rows of the next one are read.
// There is one at most, so that batches are saved in their order. Until wait has
// returned, nothing but save touches its items and the lists of the tenant, and
// nobody else writes what a job remembers.
type saving struct {
	list  []*item
	done  []saved
	err   error
	ended chan struct{}
	panic any // what the saving panicked with, which goes on in wait
}

// flush saves what is pending, and waits until all of it is saved.
func (r *run) flush() error {
	if err := r.begun(); err != nil {
		return err
	}
	return r.wait()
}

// begun begins to save what is pending, once the batch before is saved.
func (r *run) begun() error {
	if err := r.wait(); err != nil {
		return err
	}
	list, ahead := r.pending, r.ahead
	r.pending, r.ahead, r.size = nil, new(secret.Ahead), 0
	if len(list) == 0 {
		return nil
	}
	s := &saving{list: list, ended: make(chan struct{})}
	r.saving = s
	go func() {
		defer close(s.ended)
		defer func() { s.panic = recover() }()
		s.done, s.err = r.saveAll(list, ahead)
	}()
	for _, it := range list {
		if it.before != nil { // which looks up what this run knows
			return r.wait()
		}
	}
	return nil
}

// saveAll saves items in one transaction: all at once, or, when one of them
// fails, each on its own within it.
func (r *run) saveAll(list []*item, ahead *secret.Ahead) ([]saved, error) {
	if err := r.tenant.IDs.Reserve(r.ctx, r.tenant.DB, 4*len(list)); err != nil {
		return nil, err
	}
	done, err := r.save(list, ahead, false)
	if rowFault(err) {
		done, err = r.save(list, ahead, true)
	}
	return done, err
}

// wait waits for the batch that is being saved, and takes note of what became of
// it.
func (r *run) wait() error {
	s := r.saving
	if s == nil {
		return nil
	}
	r.saving = nil
	<-s.ended
	if s.panic != nil {
		panic(s.panic)
	}
	if s.err != nil {
		return s.err
	}
	r.look.keepLists(r)
	for i, d := range s.done {
		if err := r.keep(s.list[i], d); err != nil {
			return err
		}
	}
	r.say()
	return nil
}

func (r *run) keep(it *item, d saved) error {
	if d.err != nil {
		return it.skip("Correct the row in its source, or add the record by hand.", "Line %d of %s was skipped: %s", it.line, it.file, sentence(fault.Say(d.err)))
	}
	it.known.rec, it.known.hash, it.known.pending = d.rec, it.hash, it.partly
	it.known.fresh = it.what == created
	for _, l := range it.late {
		l.known = it.known
		r.late = append(r.late, l)
	}
	r.report.problem(append(it.warnings, d.warnings...)...)
	if !it.silent {
		r.report.count(it.kind, it.what)
	}
	return nil
}
