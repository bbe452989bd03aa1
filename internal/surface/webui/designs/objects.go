package designs

import (
	"strings"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/customobject"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/surface/webui/shell"
)

// objects are the kinds of objects.
func objects() *design {
	d := &design{types: customobject.TypeKind, fields: customobject.FieldKind, made: customobject.Kind, of: customobject.TypeField,
		path: "/object-types", title: "Kinds of objects", about: "What is worked on besides tickets: with fields, links, states and rules of your own",
		one: "kind", thing: "object", label: "kind", name: "plural_name", marks: "Marks and rules",
		empty:   "None yet. A kind of objects has the fields, links and states that you give it, and is in lists, the search, exports and both APIs like everything else.",
		noneYet: "There are no kinds of objects yet. An administrator defines them.",
		place:   customobject.Place}
	d.show = func(v *shell.Visit, tx *gate.Tx, r *record.Record, page *designPage) error {
		now, err := customobject.Of(tx, r.ID)
		if err != nil {
			return err
		}
		edition, _ := r.Values["edition"].(int64)
		page.tell("Several are called", now.Labels)
		page.tell("Numbers", now.Prefix+"-1001")
		page.tell("Key in the APIs", now.Key)
		page.tell("Edition", web.Number(edition))
		for i := range now.Fields {
			f := &now.Fields[i]
			l := d.line(&f.Field, i, len(now.Fields), "Name")
			if f.Kind == customobject.Link || f.Kind == flexibleasset.Tag {
				l.Kind += ": " + linked(f.TagType)
			}
			l.Rules = strings.TrimSpace(rule("Shown when ", f.Shown) + " " + rule("Required when ", f.Needed))
			page.Fields = append(page.Fields, l)
		}
		page.States = statesOf(now)
		return nil
	}
	return d
}

// linked says what a field may lead to.
func linked(to string) string {
	if to == "" {
		return "any record"
	}
	return shell.Capital(strings.ReplaceAll(strings.TrimPrefix(to, "Object: "), "_", " "))
}

// states are those of a design, in their order.
type states struct{ Lines []stateLine }

type stateLine struct {
	Name, Becomes, Needs string
	Pills                []ui.Pill
}

// statesOf are the states of objects of a kind.
func statesOf(d *customobject.Design) *states {
	out := &states{}
	if d.Life == nil {
		return out
	}
	names := map[string]string{}
	for i := range d.Fields {
		names[d.Fields[i].Trait()] = d.Fields[i].Name
	}
	for _, s := range d.Life.States {
		l := stateLine{Name: s.Name, Becomes: strings.Join(s.To, ", ")}
		var needs []string
		for _, f := range s.Requires {
			needs = append(needs, names[f])
		}
		l.Needs = strings.Join(needs, ", ")
		if s.Begins {
			l.Pills = append(l.Pills, ui.Pill{Text: "New ones"})
		}
		if s.Frozen {
			l.Pills = append(l.Pills, ui.Pill{Text: "Nothing changes"})
		}
		out.Lines = append(out.Lines, l)
	}
	return out
}

// rule says a condition in words.
func rule(what string, w customobject.When) string {
	switch {
	case w.Key == "":
		return ""
	case w.Is == "":
		return what + w.Key + " is filled in."
	}
	return what + w.Key + " is " + w.Is + "."
}

// objectForm leaves out the state of objects that have none, and offers the moves that are
// declared.
func objectForm(v *shell.Visit, f *ui.Form, r *record.Record) error {
	if r == nil || r.Kind.Life == nil {
		return nil
	}
	is := r.Values.Text(customobject.State)
	next := map[string]bool{is: true}
	for _, to := range r.Kind.Life.Next(is) {
		next[to] = true
	}
	for i := range f.Fields {
		if x := &f.Fields[i]; x.Name == customobject.State {
			var keep []ui.Option
			for _, o := range x.Options {
				if next[o.Value] || o.Value == "" || o.Selected {
					keep = append(keep, o)
				}
			}
			x.Options = keep
		}
	}
	return nil
}

// linkable are the kinds that a field may lead to, as people look for them.
func linkable(v *shell.Visit) []ui.Option {
	out := []ui.Option{{Value: "", Label: "Any record"}}
	for _, k := range v.Records.Kinds.Kinds() {
		if k.Name != customobject.Kind && (k.Menu > 0 || k.Name == "user" || k.Name == "team" || k.Name == "department" || k.Name == "organization") && k.Variants == nil {
			out = append(out, ui.Option{Value: k.Name, Label: k.Labels, Group: "Kinds"})
		}
	}
	return out
}

// objectField makes the derived form of a field of a kind of objects one that says what there is to choose from.
func objectField(v *shell.Visit, f *ui.Form, r *record.Record) error {
	typ, _ := id.Parse(v.R.URL.Query().Get(customobject.TypeField))
	if r != nil {
		typ = r.Values.ID(customobject.TypeField)
	}
	for _, x := range f.Fields {
		if sent, ok := id.Parse(x.Value); ok && typ == 0 && x.Name == customobject.TypeField {
			typ = sent
		}
	}
	links, others := linkable(v), []ui.Option{{Value: "", Label: "Always"}}
	err := v.View(func(tx *gate.Tx) error {
		list, err := objects().designs(v, tx)
		if err != nil {
			return err
		}
		for _, t := range list {
			links = append(links, ui.Option{Value: "Object: " + t.Values.Text("name_key"), Label: t.Values.Text("plural_name"), Group: "Kinds of objects"})
		}
		if typ == 0 {
			return nil
		}
		d, err := customobject.Of(tx, typ)
		if err != nil {
			return err
		}
		for i := range d.Fields {
			if x := &d.Fields[i]; (r == nil || x.ID != r.ID) && x.Kind != flexibleasset.Header && x.Kind != flexibleasset.Upload && x.Kind != flexibleasset.Tag {
				others = append(others, ui.Option{Value: x.Key, Label: x.Name})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	var keep []ui.Field
	for _, x := range f.Fields {
		switch x.Name {
		case customobject.TypeField:
			if typ != 0 {
				f.Hidden = append(f.Hidden, ui.Hidden{Name: x.Name, Value: typ.String()})
				continue
			}
		case "order":
			if r == nil {
				continue // at the end
			}
		case "tag_type":
			x = choice(x, links)
			x.Hint = "Of a Link or Tag."
		case "shown_when":
			x = choice(x, others)
			x.Hint = ""
		case "required_when":
			never := append([]ui.Option{{Value: "", Label: "No rule"}}, others[1:]...)
			x = choice(x, never)
			x.Hint = ""
		}
		keep = append(keep, x)
	}
	f.Fields = keep
	if typ != 0 {
		f.Cancel = objects().url(typ)
	}
	return nil
}
