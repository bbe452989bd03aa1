package records

import (
	"errors"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/surface/webui/shell"
)

// looked is the step that says what would happen, before the one that does it.
const looked = "look"

// mostOutlook is how many records each list of an outlook names.
const mostOutlook = 50

// outlook is the page that says what would become of the selected records.
type outlook struct {
	Head  ui.Head
	Cards []*ui.Section
	Form  ui.Form
}

// errLooked ends a transaction of which nothing is to stay.
var errLooked = errors.New("this was a rehearsal")

// rehearse does something to each of the selected records and takes all of it back: it
// gives those of which it would be done, and says of the others why not.
func (v *visit) rehearse(s *shell.Selected, do func(*gate.Tx, id.ID) error) (goes, stay []ui.Item, err error) {
	err = v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error {
		goes, stay = nil, nil
		for _, i := range s.IDs {
			r, err := v.Records.Get(tx, s.Kind.Name, i)
			if fault.Is(err, fault.NotFound) { // gone since the list was opened, or not for her any more
				stay = append(stay, ui.Item{Title: "One that you may not see, or that is gone"})
				continue
			}
			if err != nil {
				return err
			}
			line := ui.Item{Title: r.Name, Sub: r.OrgName, Href: shell.RecordURL(s.Kind, i), Icon: s.Kind.Icon}
			if err := tx.Try(func() error { return do(tx, i) }); fault.Of(err) == fault.Internal && err != nil {
				return err
			} else if err != nil {
				line.Sub = fault.Say(err).Text
				stay = append(stay, line)
				continue
			}
			goes = append(goes, line)
		}
		return errLooked
	})
	if errors.Is(err, errLooked) {
		err = nil
	}
	return goes, stay, err
}

// wording is what an outlook says of a deed.
type wording struct {
	title, icon string
	becomes     string // of those that go, such as "Go to Northbeam"
	button      string // "Move", before how many
	also        string // what holds of all of them
}

// foresee answers with what would happen, and a button that does it.
func (v *visit) foresee(s *shell.Selected, w wording, hidden []ui.Hidden, do func(*gate.Tx, id.ID) error) error {
	goes, stays, err := v.rehearse(s, do)
	if err != nil {
		return err
	}
	card := func(list []ui.Item, title string) *ui.Section {
		out := &ui.Section{Title: title, Items: list[:min(len(list), mostOutlook)]}
		if n := len(list) - len(out.Items); n > 0 {
			out.Text = "The first of them; " + web.Number(int64(n)) + " more are alike."
		}
		return out
	}
	page := &outlook{Head: ui.Head{Title: w.title, Icon: w.icon}, Form: ui.Form{Action: shell.ListURL(s.Kind) + "/bulk", Cancel: s.Back,
		Hidden: append(hidden, ui.Hidden{Name: "ids", Value: join(s.IDs)}, ui.Hidden{Name: "back", Value: s.Back})}}
	if len(goes) > 0 {
		page.Cards = append(page.Cards, card(goes, w.becomes+": "+shell.Count(int64(len(goes)), s.Kind)))
		page.Form.Submit = w.button + " " + shell.Count(int64(len(goes)), s.Kind)
		page.Form.Fields = []ui.Field{{Type: "note", Text: strings.TrimSpace("Nothing has been done yet. " + w.also)}}
	}
	if len(stays) > 0 {
		page.Cards = append(page.Cards, card(stays, "Stay as they are: "+shell.Count(int64(len(stays)), s.Kind)))
	}
	p, err := v.Page(w.title, append(v.Crumbs(s.Kind, 0, ""), ui.Crumb{Label: "What would happen"})...)
	if err != nil {
		return err
	}
	p.Data = page
	return v.Render("outlook", p)
}
