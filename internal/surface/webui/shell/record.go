package shell

import (
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// HeadOf is the top of a record's page, with the buttons that every record has.
func (v *Visit) HeadOf(tx *gate.Tx, r *record.Record) (ui.Head, error) {
	k := r.Kind
	h := ui.Head{Title: r.Name, Icon: IconOf(r), Actions: v.recordActions(r)}
	if k.Scope == record.Organization {
		h.Badge = r.Name
	}
	if k.Scope == record.OfOrganization && r.OrgName != "" {
		h.Sub = append(h.Sub, ui.Cell{Text: r.OrgName, Href: RecordURL(v.Kind("organization"), r.Org)})
	}
	if k.Shared && r.Org == 0 {
		h.Sub = append(h.Sub, ui.Cell{Text: "All organizations"})
	}
	for i := range k.Fields {
		f := &k.Fields[i]
		if f.Type == record.Ref && (strings.HasSuffix(f.Ref, "_status") || strings.HasSuffix(f.Ref, "_type") || strings.HasSuffix(f.Ref, "_category")) {
			if c := v.RefCell(r, f); c.Text != "" {
				h.Sub = append(h.Sub, c)
			}
		}
	}
	if len(h.Sub) == 0 {
		h.Sub = []ui.Cell{{Text: k.Label}}
	}
	if r.Restricted {
		h.Sub = append(h.Sub, ui.Cell{Type: "pill", Text: "Restricted", Tone: "info"})
	}
	if r.Archived {
		h.Sub = append(h.Sub, ui.Cell{Type: "pill", Text: "Archived"})
	}
	on, err := v.Favourites.Has(tx, r.ID)
	if err != nil {
		return h, err
	}
	h.Star = &ui.Star{On: on, Action: RecordURL(k, r.ID) + "/star"}
	for _, stand := range v.marks {
		if err := stand(v, tx, r, &h); err != nil {
			return h, err
		}
	}
	return h, nil
}

// Movable tells whether records of a kind can be moved to another organization.
// What forms a tree would leave behind what is in it.
func Movable(k *record.Kind) bool {
	return k.Scope == record.OfOrganization && !k.Fixed && !slices.ContainsFunc(k.Fields, func(f record.Field) bool { return f.Type == record.Ref && f.Ref == k.Name })
}

// recordActions are the buttons of a record.
func (v *Visit) recordActions(r *record.Record) []ui.Action {
	k, at := r.Kind, RecordURL(r.Kind, r.ID)
	var out []ui.Action
	if v.May(access.Create, k) && k.Scope == record.OfOrganization {
		out = append(out, ui.Action{Label: "Duplicate", Icon: "copy", Href: ListURL(k) + "/new?from=" + r.ID.String(), Quiet: true})
	}
	if v.MayTo(access.Edit, r) && Movable(k) {
		out = append(out, ui.Action{Label: "Move", Icon: "transfer", Href: at + "/move", Quiet: true})
	}
	if v.MayTo(access.Archive, r) {
		a := ui.Action{Label: "Archive", Icon: "archive", Href: at + "/archive", Post: true, Fields: []ui.Hidden{{Name: "on", Value: "1"}}, Quiet: true}
		if r.Archived {
			a.Label, a.Icon, a.Fields, a.Quiet = "Bring back", "arrow-back-up", []ui.Hidden{{Name: "on", Value: "0"}}, false
		}
		out = append(out, a)
	}
	if v.MayTo(access.Delete, r) {
		out = append(out, ui.Action{Label: "Delete", Icon: "trash", Href: at + "/delete", Post: true, Quiet: true, Danger: true})
	}
	if v.MayTo(access.Edit, r) {
		out = append(out, ui.Action{Label: "Edit", Icon: "edit", Href: at + "/edit", Primary: true, Key: "e"})
	}
	return out
}

// ArchivedNotice is the line above the page of an archived record; nil for
// others.
func (v *Visit) ArchivedNotice(r *record.Record) *ui.Notice {
	if !r.Archived {
		return nil
	}
	return &ui.Notice{Tone: "info", Text: "This is archived: it is kept, and left out of lists and reports."}
}

// RecordKeys are the keys of every record's page, for the help.
func RecordKeys() []ui.Shortcuts {
	return []ui.Shortcuts{{Title: "This record", Keys: []ui.Key{{Keys: "e", Does: "Edit"}, {Keys: "c", Does: "Comment"}}}}
}

// RailOf is what stands beside every record, as the groups gave it: what belongs
// to it, who may see it, what was done with it; at the end its details.
func (v *Visit) RailOf(tx *gate.Tx, r *record.Record) ([]*ui.Section, error) {
	var out []*ui.Section
	for _, part := range v.rail {
		if r.Kind.Scope == record.Organization && !part.OrgToo {
			continue
		}
		s, err := part.Draw(v, tx, r)
		if err != nil {
			return nil, err
		}
		if s != nil {
			out = append(out, s)
		}
	}
	details, err := v.details(tx, r)
	return append(out, details), err
}

// details is the part of the rail that says who made and changed a record, and
// when.
func (v *Visit) details(tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	names, err := v.Records.Names(tx, r.CreatedBy, r.UpdatedBy)
	if err != nil {
		return nil, err
	}
	by := func(ms int64, who id.ID) []ui.Cell {
		c := []ui.Cell{{Type: "date", Time: When(ms)}}
		if names[who] != "" {
			c = append(c, ui.Cell{Type: "mut", Text: "by " + names[who]})
		}
		return c
	}
	return &ui.Section{Title: "Details", More: &ui.NavItem{Label: "History", Href: RecordURL(r.Kind, r.ID) + "/history"}, Props: []ui.Prop{
		{Label: "Created", Cells: by(r.Created, r.CreatedBy)},
		{Label: "Changed", Cells: by(r.Updated, r.UpdatedBy)},
		{Label: "Version", Cells: []ui.Cell{{Type: "num", Text: strconv.FormatInt(r.Version, 10)}}},
		{Label: "Id", Cells: []ui.Cell{{Type: "mono", Text: r.ID.String(), Copy: true}}},
	}}, nil
}

// FolderPath gives the names of a folder and those above it, which above finds:
// "Network / Edge". It is empty for no folder.
func (v *Visit) FolderPath(tx *gate.Tx, folder id.ID, above func(*gate.Tx, id.ID) ([]id.ID, error)) (string, error) {
	if folder == 0 {
		return "", nil
	}
	chain, err := above(tx, folder)
	if err != nil {
		return "", err
	}
	chain = append(chain, folder)
	names, err := v.Records.Names(tx, chain...)
	if err != nil {
		return "", err
	}
	var out []string
	for _, f := range chain {
		if n := names[f]; n != "" {
			out = append(out, n)
		}
	}
	return strings.Join(out, " / "), nil
}

// Where says what something is, and whose when it is not the record's own
// organization's.
func (v *Visit) Where(kind, org, own string) string {
	var parts []string
	if k := v.Records.Kinds.Kind(kind); k != nil {
		parts = append(parts, k.Label)
	}
	if org != "" && org != own {
		parts = append(parts, org)
	}
	return strings.Join(parts, " · ")
}
