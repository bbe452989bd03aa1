package tickets

import (
	"net/url"
	"strings"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/desk"
	"strongroom/internal/surface/webui/shell"
)

// tagged begins the name of a queue of what has a tag.
const tagged = "tag:"

// mostKnown is how many tags are suggested.
const mostKnown = 100

// tagsCard is the tags of a ticket, and a form for more.
type tagsCard struct {
	List   []ui.NavItem
	Action string   // empty for who may not
	Known  []string // that are on other tickets
}

// tags are those of a ticket; nil when there are none and nobody may add any.
func (v *visit) tags(tx *gate.Tx, r *record.Record) (*tagsCard, error) {
	d := &tagsCard{}
	for _, t := range desk.TagsOf(r.Values.Text(desk.TagField)) {
		d.List = append(d.List, ui.NavItem{Label: t, Href: "/desk?" + url.Values{"queue": {tagged + t}}.Encode()})
	}
	if is := lifeOf(r.Kind).State(r.Values.Text("status")); !v.MayTo(access.Edit, r) || v.Caller.Scope.ReadOnly || is != nil && is.Frozen {
		if len(d.List) == 0 {
			return nil, nil
		}
		return d, nil
	}
	d.Action = at(r) + "/tags"
	var err error
	d.Known, err = desk.Tags(tx, v.Records.Kinds, mostKnown)
	return d, err
}

// tag adds and removes tags of a ticket.
func (v *visit) tag() error {
	r, err := v.load()
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	err = v.Change(access.Edit, gate.Thing{Kind: r.Kind.Name, ID: r.ID}, func(tx *gate.Tx) error {
		now, err := v.Records.Get(tx, r.Kind.Name, r.ID) // as it is, so that two who tag at once lose nothing
		if err != nil {
			return err
		}
		_, err = v.Records.Update(tx, r.Kind.Name, r.ID, 0, record.Values{desk.TagField: desk.Tag(now.Values.Text(desk.TagField), f.Text("add"), f.Text("remove"))})
		return err
	})
	if err != nil {
		return err
	}
	if more := desk.TagsOf(f.Text("add")); len(more) > 0 {
		return v.Done(shell.RecordURL(r.Kind, r.ID), "Tagged %s.", strings.Join(more, ", "))
	}
	return v.Done(shell.RecordURL(r.Kind, r.ID), "The tag is removed.")
}
