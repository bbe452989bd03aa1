// Package sample fills a tenant with the records of a made-up service provider
// and its clients, for demonstrations and for measuring.
//
// Always true: the same number of records and the same day give the same
// content; no person or company in it exists, names of hosts and addresses of
// mail end in .example, network addresses are private ones; every record is
// created through the engine, so what holds of people's records holds of these.
package sample

import (
	"context"
	"html/template"
	"math/rand/v2"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/relation"
)

// Filler fills tenants. All fields are needed.
type Filler struct {
	Gate    *gate.Gate
	Records *record.Engine
	Files   *attachment.Store
}

// Default is how many records a demonstration has when nobody says.
const Default = 640

// batch is how many records are made in one transaction.
const batch = 250

// Fill makes n records that belong to organizations, the organizations
// included, and some makers and models besides. The tenant must have the lists
// of a new tenant; dates lie around today. progress, when not nil, is called
// after every transaction. Favourites become those of c. Conflict when the
// tenant has been filled before.
func (s *Filler) Fill(ctx context.Context, c *access.Caller, n int, today time.Time, progress func(done, total int)) error {
	if n < 1 {
		return fault.Field("records", "Give at least 1 record.")
	}
	w := &world{
		filler: s, caller: c, today: today.UTC().Truncate(24 * time.Hour),
		rng:   rand.New(rand.NewPCG(0x5374726f, 0x6e67726f)), // #nosec G404 -- the sample is the same every time; nothing in it is secret
		lists: map[string]map[string]id.ID{}, templates: map[string]*template.Template{}, numbers: map[string]int{},
	}
	if err := s.Gate.View(ctx, c, w.load); err != nil {
		return err
	}
	if err := w.change(ctx, w.catalogue); err != nil {
		return err
	}
	total, done := n, 0
	flush := func(steps []step) error {
		err := w.change(ctx, func(tx *gate.Tx) error {
			for _, do := range steps {
				if err := do(tx); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil && progress != nil {
			progress(done, total)
		}
		return err
	}
	var waiting []step
	for number := 0; done+len(waiting) < total; number++ {
		cl := w.client(number)
		left := total - done - len(waiting)
		quota := min(left, w.share(number, total))
		if left-quota < 12 { // too few for another organization
			quota = left
		}
		waiting = append(waiting, cl.plan(quota)...)
		for len(waiting) >= batch {
			done += batch
			if err := flush(waiting[:batch]); err != nil {
				return err
			}
			waiting = waiting[batch:]
		}
		w.finished = append(w.finished, cl)
	}
	done += len(waiting)
	if err := flush(waiting); err != nil {
		return err
	}
	return w.connect(ctx)
}

// step makes one record.
type step func(tx *gate.Tx) error

// world is a tenant while it is filled.
type world struct {
	filler    *Filler
	caller    *access.Caller
	today     time.Time
	rng       *rand.Rand
	lists     map[string]map[string]id.ID // kind, then folded name (regions: country and code)
	finished  []*client
	models    map[string]id.ID
	routines  map[string]id.ID              // templates of checklists, by name
	designs   map[string]*design            // of assets, by name
	templates map[string]*template.Template // of documents, by file
	promised  bool                          // agreements are made
	numbers   map[string]int                // of tickets, by kind: the last one
}

// share is how many records the organization with that number gets: about the
// same for all, in more and bigger organizations the more records there are.
func (w *world) share(number, total int) int {
	each := 80 + total/500
	if number == 0 {
		return max(24, each) // the provider itself
	}
	return max(50, each*(80+w.rng.IntN(50))/100)
}

// change runs fn in a transaction that has enough ids at hand.
func (w *world) change(ctx context.Context, fn func(*gate.Tx) error) error {
	t, err := w.filler.Gate.House.Open(ctx, w.caller.Tenant)
	if err != nil {
		return err
	}
	defer t.Release()
	if err := t.IDs.Reserve(ctx, t.DB, 4*batch); err != nil {
		return err
	}
	return w.filler.Gate.Change(ctx, w.caller, access.Import, gate.Thing{}, fn)
}

// create makes one record and gives its id.
func (w *world) create(tx *gate.Tx, kind string, v record.Values) (id.ID, error) {
	r, err := w.filler.Records.Inside().Create(tx, kind, v)
	if err != nil {
		return 0, err
	}
	return r.ID, nil
}

// load reads the lists that the records choose from.
func (w *world) load(tx *gate.Tx) error {
	for _, kind := range []string{"organization_type", "organization_status", "configuration_type", "configuration_status", "operating_system",
		"password_category", "contact_type", "country"} {
		if err := w.list(tx, kind, `select r.name_fold, r.id from record r where r.kind = ? and r.trashed_at is null`, kind); err != nil {
			return err
		}
		if len(w.lists[kind]) == 0 {
			return fault.New(fault.Invalid, "The tenant has no list of kind %s.", kind).WithHint("Fill a tenant that was made by this version.")
		}
	}
	for _, kind := range []string{"team", "service", "category"} { // a list that was emptied is no harm
		if err := w.list(tx, kind, `select r.name_fold, r.id from record r where r.kind = ? and r.trashed_at is null`, kind); err != nil {
			return err
		}
	}
	if err := w.list(tx, "region", `select k.country_iso || ' ' || k.iso, k.id from k_region k`); err != nil {
		return err
	}
	if err := w.list(tx, "organization", `select r.name_fold, r.id from record r where r.kind = ?`, "organization"); err != nil {
		return err
	}
	if w.lists["organization"][record.Fold(own.name)] != 0 {
		return fault.New(fault.Conflict, "The tenant is filled with sample records already.").WithHint("Make a new tenant for another number of records.")
	}
	return nil
}

func (w *world) list(tx *gate.Tx, kind, q string, args ...any) error {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	w.lists[kind] = map[string]id.ID{}
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			return err
		}
		w.lists[kind][name] = id.ID(n)
	}
	return rows.Err()
}

// of finds an entry of a list by its name; nil when it was taken off the list.
func (w *world) of(kind, name string) any {
	if i := w.lists[kind][record.Fold(name)]; i != 0 {
		return i
	}
	return nil
}

// catalogue makes the makers and models that the devices are of, and the
// designs of assets and templates of checklists.
func (w *world) catalogue(tx *gate.Tx) error {
	w.models = map[string]id.ID{}
	makers := map[string]id.ID{}
	for _, d := range hardware {
		if makers[d.maker] == 0 {
			m, err := w.create(tx, "manufacturer", record.Values{"name": d.maker})
			if err != nil {
				return err
			}
			makers[d.maker] = m
		}
		if w.models[d.model] == 0 {
			m, err := w.create(tx, "model", record.Values{"name": d.model, "manufacturer_id": makers[d.maker]})
			if err != nil {
				return err
			}
			w.models[d.model] = m
		}
	}
	if err := w.makeDesigns(tx); err != nil {
		return err
	}
	if err := w.makeLoans(tx); err != nil {
		return err
	}
	if err := w.offers(tx); err != nil {
		return err
	}
	if err := w.articles(tx); err != nil {
		return err
	}
	return w.checklistTemplates(tx)
}

// connect relates, attaches and marks what people would have.
func (w *world) connect(ctx context.Context) error {
	if err := w.attach(ctx); err != nil {
		return err
	}
	if err := w.automate(ctx); err != nil {
		return err
	}
	relations := &relation.Relations{Records: w.filler.Records}
	for part := w.finished; len(part) > 0; {
		now := part[:min(len(part), 20)]
		part = part[len(now):]
		err := w.change(ctx, func(tx *gate.Tx) error {
			for _, cl := range now {
				for _, p := range cl.pairs {
					it, err := relations.Add(tx, *p.from, *p.to, p.notes)
					if err == nil && p.depends != record.Independent {
						_, err = relations.SetDepends(tx, *p.from, it.ID, p.depends)
					}
					if err != nil {
						return err
					}
				}
				for _, n := range cl.moved { // what it affects follows when it is saved
					v := record.Values{"risk_reach": "Everybody", "risk_back": "Minutes", "risk_tried": "In part", "risk_done": []string{"Often", "Once or twice", "Never"}[cl.n%3]}
					if _, err := w.filler.Records.Update(tx, "change", n, 0, v); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if err := w.mark(ctx); err != nil {
		return err
	}
	return w.talk(ctx)
}
