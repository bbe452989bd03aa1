package records

import (
	"log/slog"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/favourite"
	"strongroom/internal/surface/webui/shell"
)

// star marks a record as a favourite of the caller, or unmarks it.
func (v *visit) star(k *record.Kind) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	on := f.Bool("on")
	err = v.Change(access.View, gate.Thing{Kind: k.Name, ID: rid}, func(tx *gate.Tx) error { return favourite.Set(tx, rid, on) })
	if err != nil {
		return err
	}
	if on {
		return v.Done(shell.RecordURL(k, rid), "Added to your favourites.")
	}
	return v.Done(shell.RecordURL(k, rid), "Taken off your favourites.")
}

// favourites tell the shell what each person has at hand.
type favourites struct{}

// Has tells whether a record is a favourite of the caller.
func (favourites) Has(tx *gate.Tx, rid id.ID) (bool, error) { return favourite.Is(tx, rid) }

// Lines gives the favourites and recent records of the sidebar.
func (favourites) Lines(v *shell.Visit, tx *gate.Tx) (stars, recent []ui.NavItem, err error) {
	list, err := favourite.List(tx)
	if err != nil {
		return nil, nil, err
	}
	last, err := favourite.Recent(tx, 6)
	return shortcuts(v, list), shortcuts(v, last), err
}

// shortcuts turns favourites and recent records into lines of the sidebar.
func shortcuts(v *shell.Visit, items []favourite.Item) []ui.NavItem {
	var out []ui.NavItem
	for _, x := range items {
		k := v.Kind(x.Kind)
		if k == nil {
			continue
		}
		n := ui.NavItem{Label: x.Name, Href: shell.RecordURL(k, x.Record), Icon: k.Icon}
		if k.Scope == record.Organization {
			n.Icon, n.Badge = "", x.Name
		}
		out = append(out, n)
	}
	return out
}

// noteVisit keeps that the caller looked at a record; a failure costs a line in
// the list of recent records and no page.
func (v *visit) noteVisit(rid id.ID) {
	if err := (favourite.Visits{Gate: v.Gate}).Note(v.R.Context(), v.Caller, rid); err != nil {
		v.Log.WarnContext(v.R.Context(), "a visit could not be noted", slog.Any("error", err))
	}
}
