package lists

import (
	"net/url"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/shell"
)

const mostBulk = 1000 // records that one press of a button changes

// selection gives the ids that a list's form sent.
func (v *visit) selection(k *record.Kind, f *web.Form) ([]id.ID, *listing, error) {
	values := url.Values{}
	k, err := v.Variant(k, f.Text) // the conditions may be on its traits
	if err != nil {
		return nil, nil, err
	}
	for _, name := range append([]string{"q", "archived", "soon", "flag", "sort", "dir"}, fieldNames(k)...) {
		if f.Has(name) {
			values.Set(name, f.Text(name))
		}
	}
	org, _ := id.Parse(f.Text("organization"))
	l, err := v.newListing(k, org, shell.ListURL(k), values)
	if err != nil {
		return nil, nil, err
	}
	var out []id.ID
	if f.Bool("all") {
		l.query.Limit, l.query.NoTotal = mostBulk, true
		err = v.View(func(tx *gate.Tx) (err error) {
			if err := l.narrowByFlag(tx); err != nil {
				return err
			}
			l.found, err = v.Records.List(tx, k.Name, l.query)
			return err
		})
		if err != nil {
			return nil, nil, err
		}
		for _, r := range l.found.Records {
			out = append(out, r.ID)
		}
	}
	list := f.All("id")
	if f.Has("ids") { // an undo
		list = strings.Split(f.Text("ids"), ".")
	}
	seen := map[id.ID]bool{}
	for _, s := range list {
		if i, ok := id.Parse(s); ok && !f.Bool("all") && !seen[i] {
			seen[i] = true
			out = append(out, i)
		}
	}
	switch {
	case len(out) == 0:
		return nil, nil, fault.New(fault.Invalid, "Nothing is selected.").WithHint("Tick the rows that you mean, then press the button again.")
	case len(out) > mostBulk:
		return nil, nil, fault.New(fault.Invalid, "This is more than %s at once.", web.Number(mostBulk)).WithHint("Narrow the list down first.")
	}
	return out, l, nil
}

func fieldNames(k *record.Kind) []string {
	var out []string
	for _, f := range k.Fields {
		out = append(out, f.Name)
	}
	return out
}

// bulk does one thing to the selected records.
func (v *visit) bulk(k *record.Kind) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	ids, l, err := v.selection(k, f)
	if err != nil {
		return err
	}
	if f.Text("do") == exportDeed {
		return v.exportIDs(l, ids)
	}
	return v.Deed(&shell.Selected{Kind: k, Shape: l.kind, Org: l.org, IDs: ids, Form: f, Back: web.LocalPath(f.Text("back"), shell.ListURL(k))})
}

// exportDeed is what is done to selected records that asks for the list itself.
const exportDeed = "export"

// bulkActions are what may be done with selected rows; what destroys is last.
func (v *visit) bulkActions(k *record.Kind, archived string) []ui.Action {
	if k.Fixed {
		return nil
	}
	out := v.DeedsFor(k, archived)
	if v.Caller.May(access.Export) {
		at := slices.IndexFunc(out, func(a ui.Action) bool { return a.Danger })
		if at < 0 {
			at = len(out)
		}
		out = slices.Insert(out, at, ui.Action{Name: exportDeed, Label: "Export", Icon: "download"})
	}
	return out
}
