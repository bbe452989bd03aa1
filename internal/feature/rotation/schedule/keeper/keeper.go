// Package keeper begins the changes that plans ask for.
//
// Always true: a dry run goes before each change; never are two changed at one system at a
// time; what somebody has checked out is left alone; what failed is told once, and tried again
// a day later; nothing is kept of what is due, so that a second run does no harm.
package keeper

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/checkout"
	"strongroom/internal/feature/checkout/held"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/password/demand"
	"strongroom/internal/feature/password/filed"
	"strongroom/internal/feature/rotation/change"
	"strongroom/internal/feature/rotation/schedule"
)

// Limits of what is begun by itself.
const (
	fresh = time.Hour      // how long a dry run counts
	pause = 24 * time.Hour // until what failed is tried again
	most  = 20_000         // passwords that are looked at
	takes = 40             // minutes for which a password that is to be checked out is
)

// reason stands beside each reveal, change and check-out.
const reason = "changed by schedule"

// Keeper begins what is due. Fill the fields.
type Keeper struct {
	Gate    *gate.Gate
	Changes *change.Changes
	// Resolve gives a user of a tenant as she is now.
	Resolve func(ctx context.Context, tenant string, user id.ID) (*access.Caller, error)
}

// due is a password to be changed.
type due struct {
	record id.ID
	plan   *schedule.Plan
	dry    bool
	failed *change.Change // what is to be told, instead of beginning anything
}

// Run begins a dry run or a change of each password that is due, one at a time for each
// system. A schedule calls it; it bears repetition.
func (k *Keeper) Run(ctx context.Context, tenant string) error {
	system := access.System(tenant, "job")
	var list []due
	err := k.Gate.View(ctx, system, func(tx *gate.Tx) (err error) { list, err = find(tx); return err })
	for _, d := range list {
		if err != nil {
			return err
		}
		if d.failed != nil {
			err = k.tell(ctx, system, d, fmt.Sprintf("schedule/%d", int64(d.failed.ID)), d.failed.Said)
			continue
		}
		c, wrong := k.Resolve(ctx, tenant, d.plan.By)
		if wrong == nil {
			if wrong = k.take(ctx, c, d.record); wrong == nil {
				_, wrong = k.Changes.Start(ctx, c, d.record, d.dry, reason)
			}
		}
		if said := fault.Say(wrong); wrong != nil && said.Kind == fault.Internal {
			return wrong
		} else if wrong != nil && said.Kind != fault.Conflict { // somebody else is at it, or there is nothing to begin with
			err = k.tell(ctx, system, d, fmt.Sprintf("schedule/%d/%d", int64(d.record), time.UnixMilli(d.plan.At).Unix()), said.Text)
		}
	}
	return err
}

// take checks out for a while what nobody sees without.
func (k *Keeper) take(ctx context.Context, c *access.Caller, rec id.ID) error {
	exclusive, mine := false, false
	err := k.Gate.View(ctx, c, func(tx *gate.Tx) error {
		d, err := demand.Of(tx, filed.Password, rec)
		if err != nil {
			return err
		}
		h, err := held.Holding(tx, rec)
		exclusive, mine = d.Exclusive, h != nil && h.User == c.User
		return err
	})
	if err != nil || !exclusive || mine {
		return err
	}
	return k.Gate.Change(ctx, c, access.Reveal, gate.Thing{Kind: filed.Password, ID: rec}, func(tx *gate.Tx) error {
		_, err := checkout.Take(tx, rec, reason, takes)
		return err
	})
}

// tell tells who made the plan, and the administrators, that it cannot be carried out.
func (k *Keeper) tell(ctx context.Context, c *access.Caller, d due, key, why string) error {
	return k.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry()) // telling changes nothing that somebody would look for in the log
		to, err := tx.IDs(`select user_id from access_principal where role = ? and active = 1 order by user_id`, string(access.Administrator))
		if err != nil {
			return err
		}
		_, err = notification.Send(tx, notification.Notice{Topic: "rotation", To: append(to, d.plan.By), Record: d.record, Own: true, Self: true, Key: key,
			Text: []notification.Part{notification.Words("The schedule could not change"), notification.Of(d.record), notification.Words("by itself. " + why)}})
		return err
	})
}

// candidate is a password that has a place where it is changed.
type candidate struct {
	record  id.ID
	folder  id.ID
	changed int64
	system  string
}

// find gives what is due now.
func find(tx *gate.Tx) ([]due, error) {
	plans, err := schedule.Every(tx)
	if err != nil || len(plans) == 0 {
		return nil, err
	}
	list, err := candidates(tx)
	if err != nil {
		return nil, err
	}
	above, err := filed.Parents(tx)
	if err != nil {
		return nil, err
	}
	last, err := lastChanges(tx)
	if err != nil {
		return nil, err
	}
	back := map[id.ID]bool{}
	unchanged, err := held.Unchanged(tx, 0, most)
	if err != nil {
		return nil, err
	}
	for _, h := range unchanged {
		back[h.Record] = true
	}
	out, err := held.Now(tx)
	if err != nil {
		return nil, err
	}
	own := map[id.ID]int64{} // what it took out itself, it goes on with
	for _, h := range out {
		if h.Reason == reason {
			own[h.Record] = h.At
		}
	}
	busy := map[string]bool{}
	for _, c := range list {
		if l := last[c.record]; l != nil && l.Open() {
			busy[c.system] = true
		}
	}
	var found []due
	for _, c := range list {
		p := planOf(plans, above, c)
		if p == nil || busy[c.system] || !ripe(p, tx.Now, c.changed, back[c.record] || goesOn(own[c.record], last[c.record])) {
			continue
		}
		h, err := held.Holding(tx, c.record)
		if err != nil {
			return nil, err
		}
		if h != nil && (h.User != p.By || h.Reason != reason) { // she needs it as it is
			continue
		}
		if d := next(tx.Now, c, p, last[c.record]); d != nil {
			found = append(found, *d)
			busy[c.system] = busy[c.system] || d.failed == nil
		}
	}
	return found, nil
}

// goesOn tells whether what was taken out at a time, 0 for not, was not changed since.
func goesOn(out int64, last *change.Change) bool {
	return out != 0 && (last == nil || last.State != change.Done || last.Ended < out)
}

// ripe tells whether a password is to be changed now; back tells that it was checked out and
// not changed since.
func ripe(p *schedule.Plan, now, changed int64, back bool) bool {
	t := time.UnixMilli(now).UTC()
	aged := p.Days > 0 && now-changed >= int64(p.Days)*24*time.Hour.Milliseconds() && p.Within(t.Hour()*60+t.Minute())
	return aged || p.After && back
}

// next tells what is done for a password that is due: a dry run, a change once one went
// well, or nothing until what failed may be tried again.
func next(now int64, c candidate, p *schedule.Plan, last *change.Change) *due {
	d := &due{record: c.record, plan: p, dry: true}
	switch {
	case last == nil:
	case last.State == change.Fine && now-last.Ended < fresh.Milliseconds() && last.At >= c.changed && last.User == p.By:
		d.dry = false
	case last.State == change.Unchanged && now-last.Ended < pause.Milliseconds():
		if last.User != p.By || last.Said == "" {
			return nil
		}
		d.failed = last
	}
	return d
}

func planOf(plans map[id.ID]*schedule.Plan, above map[id.ID]id.ID, c candidate) *schedule.Plan {
	if p := plans[c.record]; p != nil {
		return p
	}
	at := c.folder
	for range 64 { // more than folders lie above each other
		if at == 0 || plans[at] != nil {
			break
		}
		at = above[at]
	}
	return plans[at]
}

// candidates are in the order in which they were changed, the longest ago first.
func candidates(tx *gate.Tx) ([]candidate, error) {
	cond, args := tx.Visible("r")
	rows, err := tx.Query(`select r.id, k.password_folder_id, coalesce(k.password_updated_at, r.created_at), t.system || ' ' || t.address from rotation_target t
		join record r on r.id = t.record_id join k_password k on k.id = r.id where r.trashed_at is null and r.archived = 0 and `+cond+` order by 3, 1 limit ?`, append(args, most)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []candidate
	for rows.Next() {
		var c candidate
		var rec int64
		var folder sql.NullInt64
		if err := rows.Scan(&rec, &folder, &c.changed, &c.system); err != nil {
			return nil, err
		}
		c.record, c.folder = id.ID(rec), id.ID(folder.Int64)
		out = append(out, c)
	}
	return out, rows.Err()
}

// lastChanges gives the newest change of each password.
func lastChanges(tx *gate.Tx) (map[id.ID]*change.Change, error) {
	list, err := change.Latest(tx)
	out := map[id.ID]*change.Change{}
	for _, c := range list {
		out[c.Record] = c
	}
	return out, err
}
