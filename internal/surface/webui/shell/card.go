package shell

import (
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

// Card is a record shown within the text of another one.
type Card struct {
	Title, Href, Icon, Kind string
	Props                   []ui.Prop
	Secrets                 []CardSecret
	Notice                  string // why a secret is not shown
	Actions                 []ui.Action
}

// CardSecret is a secret that can be revealed on a card.
type CardSecret struct {
	Label  string
	Secret ui.Secret
}

// mostOnCard is how many fields a card shows.
const mostOnCard = 6

// CardOf shows a record as a card: the fields that its list shows, and what the
// kind's own pages add. id is unique on the page.
func (v *Visit) CardOf(tx *gate.Tx, r *record.Record, id string) (*Card, error) {
	c := &Card{Title: r.Name, Href: v.HomeOf(r), Icon: r.Kind.Icon, Kind: r.Kind.Label}
	for i := range r.Kind.Fields {
		f := &r.Kind.Fields[i]
		if !f.List || f.Name == "name" || f.Type == record.Secret || len(c.Props) == mostOnCard {
			continue
		}
		if cell := v.Cell(r, f); cell != (ui.Cell{}) && (cell.Type != "bool" || cell.Number != 0) {
			c.Props = append(c.Props, ui.Prop{Label: f.Title(), Cells: []ui.Cell{cell}})
		}
	}
	if own := v.OwnOf(r.Kind.Name).Card; own != nil {
		return c, own(v, tx, r, id, c)
	}
	return c, nil
}
