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
	list  []*Item
	done  []saved
	err   error
	ended chan struct{}
	panic any // what the saving panicked with, which goes on in wait
}

// Flush saves what is pending, and waits until all of it is saved.
func (r *Run) Flush() error {
	if err := r.begun(); err != nil {
		return err
	}
	return r.Wait()
}

// begun begins to save what is pending, once the batch before is saved.
func (r *Run) begun() error {
	if err := r.Wait(); err != nil {
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
		if it.Before != nil { // which looks up what this run knows
			return r.Wait()
		}
	}
	return nil
}

// saveAll saves items in one transaction: all at once, or, when one of them
// fails, each on its own within it.
func (r *Run) saveAll(list []*Item, ahead *secret.Ahead) ([]saved, error) {
	if err := r.Tenant.IDs.Reserve(r.Ctx, r.Tenant.DB, 4*len(list)); err != nil {
		return nil, err
	}
	done, err := r.save(list, ahead, false)
	if RowFault(err) {
		done, err = r.save(list, ahead, true)
	}
	return done, err
}

// Wait waits for the batch that is being saved, and takes note of what became of
// it.
func (r *Run) Wait() error {
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
	r.Look.keepLists(r)
	for i, d := range s.done {
		if err := r.keep(s.list[i], d); err != nil {
			return err
		}
	}
	r.Tell()
	return nil
}

func (r *Run) keep(it *Item, d saved) error {
	if d.err != nil {
		return it.Skip("Correct the row in its source, or add the record by hand.", "Line %d of %s was skipped: %s", it.Line, it.File, Sentence(fault.Say(d.err)))
	}
	it.Known.Rec, it.Known.hash, it.Known.Pending = d.rec, it.Hash, it.Partly
	it.Known.Fresh = it.What == Created
	if it.Kept != nil {
		it.Kept()
	}
	r.Report.Add(append(it.Warnings, d.warnings...)...)
	if !it.Silent {
		r.Report.Count(it.Kind, it.What)
	}
	return nil
}
