package sample

import (
	"fmt"
	"time"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/customobject"
	"strongroom/internal/feature/flexibleasset"
)

// makeLoans defines a kind of objects: devices that are lent.
func (w *world) makeLoans(tx *gate.Tx) error {
	e := w.filler.Records
	typ, err := e.Create(tx, customobject.TypeKind, record.Values{"name": "Loan", "icon": "transfer", "description": "A device that somebody takes along, and brings back.", "states": []map[string]any{
		{"state": "Requested", "begins": true, "becomes": "Out, Refused"}, {"state": "Out", "begins": true, "becomes": "Returned", "needs": "Device"}, {"state": "Returned", "closed": true}, {"state": "Refused", "closed": true}}})
	if err != nil {
		return err
	}
	d := &design{typ.ID, map[string]string{}}
	for _, v := range []record.Values{
		{"name": "What for", "kind": flexibleasset.Text, "use_for_title": true, "required": true},
		{"name": "Borrower", "kind": customobject.Link, "tag_type": "contact", "show_in_list": true},
		{"name": "Device", "kind": flexibleasset.Tag, "tag_type": "configuration", "show_in_list": true},
		{"name": "Back on", "kind": flexibleasset.Date, "show_in_list": true, "expiration": true},
		{"name": "Leaves the house", "kind": flexibleasset.Checkbox},
		{"name": "Address", "kind": customobject.Lines, "shown_when": "Leaves the house", "required": true},
		{"name": "Condition", "kind": flexibleasset.Select, "default_value": "As new\nUsed\nDamaged"},
	} {
		v[customobject.TypeField] = typ.ID
		f, err := e.Create(tx, customobject.FieldKind, v)
		if err != nil {
			return err
		}
		d.fields[f.Name] = record.TraitName(f.ID)
	}
	w.designs["Loan"] = d
	return nil
}

// loan makes a device that is lent.
func (c *client) loan() step {
	what := []string{"Trade fair", "Working from home", "Training room", "Spare during repair"}[c.n%4]
	state := []string{"Out", "Requested", "Returned"}[c.n%3]
	back := c.w.today.AddDate(0, 0, 3+7*(c.n%5)).Format(time.DateOnly)
	return func(tx *gate.Tx) error {
		d := c.w.designs["Loan"]
		v := record.Values{"organization_id": c.org, customobject.TypeField: d.typ, "number": int64(1001 + c.n), "status": state}
		for name, x := range map[string]any{"What for": what, "Device": c.named("nas"), "Back on": back, "Condition": "Used", "Leaves the house": true, "Address": fmt.Sprintf("Hall %d", 1+c.n%6)} {
			if x != nil {
				v[d.fields[name]] = x
			}
		}
		if len(c.people) > 0 {
			v[d.fields["Borrower"]] = c.people[0].id
		}
		_, err := c.w.create(tx, customobject.Kind, v)
		return err
	}
}
