package shell

import (
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Deed is something that is done to selected records of a list.
type Deed struct {
	ui.Action // Name is what the list's form sends; what takes several forms adds a step, as in "edit.apply"
	// For tells whether its button stands below a list; archived is which records the
	// list shows: "no", "yes", or empty for both. Nil is what is only undone by.
	For func(v *Visit, k *record.Kind, archived string) bool
	// Do does it and answers the request.
	Do func(v *Visit, s *Selected) error
}

// Selected is what a list's form sent.
type Selected struct {
	Kind  *record.Kind // of the list
	Shape *record.Kind // as the variant that the list is narrowed to; Kind itself when it is to none
	Org   id.ID        // whose list it is; 0 is the whole tenant
	IDs   []id.ID
	Form  *web.Form
	Back  string // the list
}

// Step is the form of a deed that this one is; empty for the first.
func (s *Selected) Step() string {
	_, step, _ := strings.Cut(s.Form.Text("do"), ".")
	return step
}

// Deeds adds what can be done to selected records.
func (s *Shell) Deeds(list ...Deed) { s.deeds = append(s.deeds, list...) }

// DeedsFor gives the buttons below a list.
func (v *Visit) DeedsFor(k *record.Kind, archived string) []ui.Action {
	var out []ui.Action
	for _, d := range v.deeds {
		if d.For != nil && d.For(v, k, archived) {
			out = append(out, d.Action)
		}
	}
	return out
}

// Deed does what the list's form asks for.
func (v *Visit) Deed(s *Selected) error {
	name, _, _ := strings.Cut(s.Form.Text("do"), ".")
	if i := slices.IndexFunc(v.deeds, func(d Deed) bool { return d.Name == name }); i >= 0 {
		return v.deeds[i].Do(v, s)
	}
	return NoDeed()
}

// NoDeed is the failure of a form whose button is not one of the list's.
func NoDeed() error {
	return fault.New(fault.Invalid, "The list does not know this button.").WithHint("Open it again.")
}
