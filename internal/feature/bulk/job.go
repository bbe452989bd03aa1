package bulk

import (
	"context"
	"encoding/json"
	"fmt"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/feature/notification"
)

// JobKind is the kind of the jobs that do works and take them back.
const JobKind = "bulk.work"

type payload struct {
	Work id.ID `json:"work"`
	Undo bool  `json:"undo,omitempty"`
}

// Topic is what the notice that a work is over is about.
const Topic = "bulk"

// atOnce is how many tickets are read ahead.
const atOnce = 100

// Handler does the jobs. How far one is stands with its tickets, each written in the
// transaction of what was done to it: one that is cut short goes on with the next.
func (b *Bulk) Handler() job.Handler {
	return func(ctx context.Context, run *job.Run) error {
		var p payload
		if err := run.Payload(&p); err != nil {
			return err
		}
		c := *run.Caller
		c.Via = Via
		h := &hand{Bulk: b, c: &c, payload: p, from: Waiting}
		if p.Undo {
			h.from = Done
		}
		for {
			list, err := h.next(ctx)
			if err != nil || len(list) == 0 {
				return err
			}
			for _, it := range list {
				run.Progress(h.w.Total-int64(h.left), h.w.Total, "")
				if run.Cancelled() {
					return job.ErrCancelled
				}
				if err := h.one(ctx, it); err != nil {
					return err
				}
				h.left--
			}
		}
	}
}

// hand is one attempt at a work.
type hand struct {
	*Bulk
	payload
	c    *access.Caller
	from string // the state of tickets that are next
	w    *Work
	left int
}

// next reads the tickets that are next, and tells who asked when there is none. Works of long
// ago are forgotten.
func (h *hand) next(ctx context.Context) (list []Item, err error) {
	err = h.Gate.Change(ctx, h.c, access.View, gate.Thing{}, func(tx *gate.Tx) error {
		if h.w == nil {
			for _, q := range []string{`delete from bulk_item where work_id in (select id from bulk_work where at < ?)`, `delete from bulk_work where at < ?`} {
				if _, err := tx.Exec(q, tx.Now-keep.Milliseconds()); err != nil {
					return err
				}
			}
		}
		if h.w, err = Get(tx, h.Work); err != nil {
			return err
		}
		h.left = h.w.Counts[h.from]
		if list, err = h.w.Items(tx, atOnce, h.from); err != nil || len(list) > 0 {
			return err
		}
		return h.tell(tx)
	})
	return list, err
}

// tell says to who asked for a work what became of it, once for its end and once for when it
// was taken back. Who stopped it knows.
func (h *hand) tell(tx *gate.Tx) error {
	c := h.w.Counts
	key, said := "bulk/"+h.Work.String(), fmt.Sprintf("Work on %d tickets is over: %d done", h.w.Total, c[Done])
	more := func(n int, what string) {
		if n > 0 {
			said += fmt.Sprintf(", %d %s", n, what)
		}
	}
	if h.Undo {
		key, said = key+"/undo", fmt.Sprintf("Work on %d tickets was taken back: %d as before", h.w.Total, c[Back])
		more(c[Kept], "left as they are")
	} else {
		more(c[Refused], "refused")
	}
	_, err := notification.Send(tx, notification.Notice{Topic: Topic, To: []id.ID{h.w.User}, Self: true, Own: true, Href: "/bulk/" + h.Work.String(), Key: key, Text: []notification.Part{notification.Words(said + ".")}})
	return err
}

// one does to a ticket what is next, or writes down why it was refused.
func (h *hand) one(ctx context.Context, it Item) error {
	err := h.Gate.Change(ctx, h.c, access.View, gate.Thing{Kind: h.w.Kind, ID: it.Record}, func(tx *gate.Tx) error {
		if mine, err := h.set(tx, it, Done, ""); err != nil || !mine {
			return err
		}
		if h.Undo {
			return h.back(tx, it)
		}
		_, before, err := h.w.Deed.Do(tx, h.Records, h.w.Kind, it.Record)
		if err != nil || len(before) == 0 {
			return err
		}
		kept, err := json.Marshal(before)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`update bulk_item set was = ? where work_id = ? and place = ?`, string(kept), int64(h.Work), it.Place)
		return err
	})
	if err == nil {
		return nil
	}
	why, refused := Why(err)
	if !refused {
		return err
	}
	state := Refused
	if h.Undo {
		state = Kept
	}
	return h.Gate.Change(ctx, h.c, access.View, gate.Thing{}, func(tx *gate.Tx) error {
		_, err := h.set(tx, it, state, why)
		return err
	})
}

// set writes down what became of a ticket, and tells whether it was there to be done: another process may
// have been first.
func (h *hand) set(tx *gate.Tx, it Item, state, why string) (bool, error) {
	n, err := tx.Exec(`update bulk_item set state = ?, why = ? where work_id = ? and place = ? and state = ?`, state, why, int64(h.Work), it.Place, h.from)
	return n > 0, err
}

// back takes back what was set of a ticket.
func (h *hand) back(tx *gate.Tx, it Item) error {
	was := map[string]change{}
	if it.was != "" {
		if err := json.Unmarshal([]byte(it.was), &was); err != nil {
			return err
		}
	}
	why, err := undo(tx, h.Records, h.w.Kind, it.Record, was)
	if err != nil {
		return err
	}
	state := Back
	if why != "" {
		state = Kept
	}
	_, err = h.set(tx, it, state, why)
	return err
}
