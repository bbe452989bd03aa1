package bulk

import (
	"maps"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/checklist/step"
	"strongroom/internal/feature/desk"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/macro"
)

// Deed is what is done to each ticket. What is said here goes before what the macro says.
type Deed struct {
	Macro id.ID             `json:"macro,omitempty"`
	Sets  map[string]string `json:"sets,omitempty"` // owner_id, team_id, status; "" empties
	Type  string            `json:"type,omitempty"` // of the entry
	Say   string            `json:"say,omitempty"`  // sanitised when it is written
	Add   string            `json:"add,omitempty"`  // tags, with commas between
	Off   string            `json:"off,omitempty"`
}

// Empty tells whether nothing is done.
func (d *Deed) Empty() bool {
	return d.Macro == 0 && len(d.Sets) == 0 && d.Say == "" && len(desk.TagsOf(d.Add+","+d.Off)) == 0
}

// plain are the fields that are set back to what they were.
func plain() []string {
	return []string{"owner_id", "team_id", "category_id", "urgency", "impact", desk.TagField}
}

// settable tells whether it may set a plain field; what a macro does is known when it is applied.
func (d *Deed) settable() bool {
	_, owner := d.Sets["owner_id"]
	_, team := d.Sets["team_id"]
	return d.Macro != 0 || owner || team || len(desk.TagsOf(d.Add+","+d.Off)) > 0
}

// change is what a plain field was, and was made.
type change struct {
	Was string `json:"was"`
	Now string `json:"now"`
}

// Do does it to one ticket, all of it or nothing, and says what that is called. NotFound for
// what is not there any more, is not of the kind or hidden.
func (d *Deed) Do(tx *gate.Tx, e *record.Engine, kind string, ticket id.ID) (label string, was map[string]change, err error) {
	r, err := e.Get(tx, kind, ticket)
	if err != nil {
		return "", nil, err
	}
	label = named(r)
	entries, sets, err := d.of(tx, e, r)
	if err != nil {
		return label, nil, err
	}
	for _, x := range entries {
		if _, err := e.Create(tx, entry.Kind, x); err != nil {
			return label, nil, err
		}
	}
	if len(sets) == 0 {
		return label, nil, nil
	}
	now, err := e.Update(tx, r.Kind.Name, r.ID, 0, sets)
	if err != nil {
		return label, nil, err
	}
	was = map[string]change{}
	for _, f := range plain() {
		if _, set := sets[f]; set && text(r.Values[f]) != text(now.Values[f]) {
			was[f] = change{text(r.Values[f]), text(now.Values[f])}
		}
	}
	return label, was, nil
}

// of gives the entries that are written on a ticket, and what is set of it; the steps of a
// macro's checklist are brought.
func (d *Deed) of(tx *gate.Tx, e *record.Engine, r *record.Record) (entries []record.Values, sets record.Values, err error) {
	sets = record.Values{}
	if d.Macro != 0 {
		teams, err := desk.TeamsOf(tx, e, tx.Caller.User)
		if err != nil {
			return nil, nil, err
		}
		_, m, err := macro.Of(tx, e, d.Macro, r, teams)
		if err != nil {
			return nil, nil, err
		}
		if m.Entry != nil {
			entries = append(entries, m.Entry)
		}
		if maps.Copy(sets, m.Sets); m.List != 0 {
			if _, err := step.Bring(tx, e, m.List, r); err != nil {
				return nil, nil, err
			}
		}
	}
	for f, said := range d.Sets {
		if sets[f], err = value(r.Kind.Field(f), said); err != nil {
			return nil, nil, err
		}
	}
	if len(desk.TagsOf(d.Add+","+d.Off)) > 0 {
		was, _ := sets[desk.TagField].(string) // of the macro
		sets[desk.TagField] = desk.Tag(r.Values.Text(desk.TagField)+","+was, d.Add, d.Off)
	}
	if d.Say != "" {
		entries = append(entries, record.Values{entry.FieldOf(r.Kind.Name): r.ID, "journal_type": d.Type, "notes_body": d.Say})
	}
	return entries, sets, nil
}

// undo sets what plain fields were, where nobody changed them since, and says which are
// not as before all the same; "" for none.
func undo(tx *gate.Tx, e *record.Engine, kind string, ticket id.ID, was map[string]change) (why string, err error) {
	r, err := e.Get(tx, kind, ticket)
	if err != nil {
		return "", err
	}
	var since, ruled []string
	sets := record.Values{}
	for _, f := range slices.Sorted(maps.Keys(was)) {
		of, c := r.Kind.Field(f), was[f]
		switch {
		case of == nil:
		case text(r.Values[f]) != c.Now:
			since = append(since, of.Title())
		default:
			if sets[f], err = value(of, c.Was); err != nil {
				return "", err
			}
		}
	}
	if len(sets) > 0 {
		if r, err = e.Update(tx, kind, ticket, 0, sets); err != nil {
			return "", err
		}
	}
	for _, f := range slices.Sorted(maps.Keys(sets)) {
		if text(r.Values[f]) != was[f].Was { // an owner, say, whom its state needs
			ruled = append(ruled, r.Kind.Field(f).Title())
		}
	}
	if len(since) > 0 {
		why = "Changed since: " + strings.Join(since, ", ") + "."
	}
	if len(ruled) > 0 {
		why = strings.TrimSpace(why + " Filled in by its rules: " + strings.Join(ruled, ", ") + ".")
	}
	return why, nil
}

// text is a plain value as it is kept.
func text(v any) string {
	switch x := v.(type) {
	case id.ID:
		return x.String()
	case string:
		return x
	}
	return ""
}

// value reads what text wrote.
func value(f *record.Field, said string) (any, error) {
	switch {
	case f == nil:
		return nil, fault.New(fault.Invalid, "A ticket of this kind has no such field.")
	case said == "" && f.Name == desk.TagField:
		return "", nil
	case said == "":
		return nil, nil
	case f.Type == record.Ref:
		n, ok := id.Parse(said)
		if !ok {
			return nil, fault.Field(f.Name, "Choose one of those in the list.")
		}
		return n, nil
	}
	return said, nil
}

// named is what a ticket is called, with its number.
func named(r *record.Record) string {
	n, ok := r.Values["number"].(int64)
	if !ok {
		return r.Name
	}
	return r.Kind.Field("number").Numbered(n) + " " + r.Name
}

// Why is a refusal in one sentence, or two; ok is false for a failure that is none.
func Why(err error) (why string, ok bool) {
	switch fault.Of(err) {
	case fault.Invalid, fault.Conflict, fault.Denied, fault.NotFound:
	default:
		return "", false
	}
	said := fault.Say(err)
	why = strings.TrimSpace(said.Text + " " + said.Hint)
	for _, f := range slices.Sorted(maps.Keys(said.Fields)) {
		why = strings.TrimSpace(said.Fields[f] + " " + said.Hint)
	}
	return why, true
}
