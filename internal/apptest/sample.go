package apptest

import (
	"encoding/base32"
	"fmt"
	"maps"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/comment"
	"strongroom/internal/feature/customobject"
	"strongroom/internal/feature/flexibleasset"
)

// Where says who may see a sample.
type Where string

// Where samples are.
const (
	Seen   Where = "seen"   // in the organization Open
	Closed Where = "closed" // in the organization Closed: administrators only
	Locked Where = "locked" // in the organization Open, but restricted to nobody: administrators only
	Shared Where = "shared" // of the tenant: everybody
	Alone  Where = "alone"  // of the manager alone: nobody else
)

// Thing is a sample: a record, a file of one or a relation between two.
type Thing struct {
	Kind  string // of the record; attachment, relation or key (of the API)
	ID    id.ID
	Where Where
	Of    id.ID // the record that a file or relation belongs to
}

// Word begins every text of a sample, so that one can be told from its words:
// "qz", the tenant, where it is, a number. Texts that people type hold no such
// word by chance.
func Word(tenant string, w Where) string { return "qz" + tenant + string(w) }

func (t *Tenant) word(w Where, kind string, n int) string {
	return fmt.Sprintf("%sx%sx%d", Word(t.Name, w), strings.ReplaceAll(kind, "_", ""), n)
}

// fill makes samples of every kind that people may make records of.
func (t *Tenant) fill() {
	t.h.t.Helper()
	kinds := t.h.App.Records.Kinds
	t.Things = append(t.Things, &Thing{Kind: "organization", ID: t.Open, Where: Seen}, &Thing{Kind: "organization", ID: t.Closed, Where: Closed})
	for _, p := range t.People {
		t.Things = append(t.Things, &Thing{Kind: "user", ID: p.ID, Where: Shared})
	}
	for _, k := range ordered(kinds) {
		switch {
		case k.Admin || k.Fixed:
		case k.Scope == record.OfTenant:
			t.sample(k, Shared, Shared)
		case k.Scope == record.OfPerson:
			t.alone(k)
		case k.Scope == record.Organization:
			t.sample(k, Locked, Locked)
		default:
			t.sample(k, Locked, Locked)
			t.sample(k, Closed, Closed)
			t.sample(k, Seen, Seen)
			t.sample(k, Seen, Locked)
		}
	}
	t.attach()
	t.talk()
	t.relate()
}

// ordered puts kinds behind those that they refer to.
func ordered(g *record.Registry) []*record.Kind {
	var out []*record.Kind
	done := map[string]bool{}
	var visit func(k *record.Kind)
	visit = func(k *record.Kind) {
		if k == nil || done[k.Name] {
			return
		}
		done[k.Name] = true
		for _, f := range k.Fields {
			if f.Type == record.Ref {
				visit(g.Kind(f.Ref))
			}
		}
		out = append(out, k)
	}
	for _, k := range g.Kinds() {
		visit(k)
	}
	return out
}

// sample makes one record. Its references lead to samples in refs.
func (t *Tenant) sample(k *record.Kind, w, refs Where) {
	t.h.t.Helper()
	n := len(t.Things)
	v := t.Values(k, w, refs, n)
	if k.Scope == record.OfOrganization {
		v["organization_id"] = t.Open
		if w == Closed {
			v["organization_id"] = t.Closed
		}
	}
	made, err := t.create(k, v)
	if err != nil {
		t.h.t.Fatalf("a sample of kind %s cannot be made from its declaration: %v", k.Name, err)
	}
	if w == Locked && k.Scope != record.OfParent {
		t.change(func(tx *gate.Tx) error { return t.h.App.Records.SetAccess(tx, k.Name, made, true, nil, nil) })
	}
	t.Things = append(t.Things, &Thing{Kind: k.Name, ID: made, Where: w})
}

// alone makes a record that is the manager's alone, and lets her first key see it.
func (t *Tenant) alone(k *record.Kind) {
	t.h.t.Helper()
	p := t.People[access.Manager]
	c := &access.Caller{Tenant: t.Name, User: p.ID, Name: p.Email, Role: p.Role, Via: "session", AuthLevel: 1}
	err := t.h.App.Gate.Change(t.h.t.Context(), c, access.Create, gate.Thing{Kind: k.Name}, func(tx *gate.Tx) error {
		r, err := t.h.App.Records.Create(tx, k.Name, t.Values(k, Alone, Shared, len(t.Things)))
		if err == nil {
			t.Things = append(t.Things, &Thing{Kind: k.Name, ID: r.ID, Where: Alone})
		}
		return err
	})
	if err == nil {
		err = t.h.App.APIKeys.LetSee(t.h.t.Context(), c, p.key, true)
	}
	if err != nil {
		t.h.t.Fatal(err)
	}
}

// create makes a record; a value that a rule of its kind refuses is left out,
// and so is what goes with one that it misses (resource_id with resource_type).
func (t *Tenant) create(k *record.Kind, v record.Values) (made id.ID, err error) {
	for range 5 {
		err = t.try(func(tx *gate.Tx) error {
			r, err := t.h.App.Records.Create(tx, k.Name, v)
			if err == nil {
				made = r.ID
			}
			return err
		})
		if !fault.Is(err, fault.Invalid) {
			return made, err
		}
		for name := range fault.Say(err).Fields {
			family, _, _ := strings.Cut(name, "_")
			if _, given := v[name]; !given {
				maps.DeleteFunc(v, func(other string, _ any) bool { return strings.HasPrefix(other, family+"_") })
			}
			delete(v, name)
		}
	}
	return made, err
}

// Values are values for every field of a kind that callers set, with the
// sample's word in every text.
func (t *Tenant) Values(k *record.Kind, w, refs Where, n int) record.Values {
	word := t.word(w, k.Name, n)
	v := record.Values{}
	if k.Variants != nil {
		k = t.designed(k)
		v[k.Variants.By] = k.Variant
	}
	for _, f := range k.Fields {
		switch {
		case f.ReadOnly || k.Variant != 0 && f.Name == k.Variants.By:
		case f.Type == record.Ref:
			from := refs
			if k.NamesParent(f.Name) {
				from = w
			}
			if to := t.find(f.Ref, from); to != 0 && f.Ref != k.Name {
				v[f.Name] = to
			}
		case f.Type == record.Rows:
			row := map[string]any{}
			for _, c := range f.Rows {
				if x := value(&c, word, n); x != nil && !c.ReadOnly {
					row[c.Name] = x
				}
			}
			v[f.Name] = []map[string]any{row}
		default:
			if x := value(&f, word, n); x != nil {
				v[f.Name] = x
			}
		}
	}
	if k.Name == "routine" { // likewise
		v["at"], v["every"], v["active"] = "09:00", 1, false
		delete(v, "until")
	}
	switch k.Name {
	case "oncall_plan":
		v["zone"], v["minutes"] = "UTC", 10
		delete(v, "layers")
	case "process":
		v["of_kind"], v["active"], v["begins"] = "incident", false, "by hand"
		v["steps"] = []map[string]any{{"step": word, "do": "Add a note", "value": word}}
	case "webhook":
		v["url"], v["active"], v["of_kind"] = "https://"+word+".example.com/hook", false, ""
		delete(v, "conditions")
	case "time_rate":
		v["hourly"] = "95.00"
	case "time_entry":
		v["minutes"], v["worked_on"] = 15, "2026-01-05"
	case "assignment":
		v["method"] = "in turn"
		delete(v, "skills")
	}
	if k.Name == "automation_rule" { // whose words are read
		v["of_kind"], v["active"], v["conditions"] = "incident", false, []map[string]any{{"field": "name", "op": "contains", "value": word}}
		v["actions"] = []map[string]any{{"do": "Add a note", "value": word}}
	}
	return v
}

// designed gives a kind as a type of the library makes it, which is made when it
// is not there.
func (t *Tenant) designed(k *record.Kind) *record.Kind {
	t.h.t.Helper()
	e := t.h.App.Records
	if k.Name == customobject.Kind {
		typ := t.defined()
		t.View(func(tx *gate.Tx) (err error) {
			k, err = e.Shape(tx, k.Name, typ)
			return err
		})
		return k
	}
	if t.design == 0 {
		t.change(func(tx *gate.Tx) (err error) {
			for _, y := range flexibleasset.Library() {
				if y.Name == "LAN" {
					t.design, err = y.Make(tx, e)
				}
			}
			return err
		})
	}
	t.View(func(tx *gate.Tx) (err error) {
		k, err = e.Shape(tx, k.Name, t.design)
		return err
	})
	return k
}

// defined gives a kind of objects with a field of each sort, which is made when it is not
// there.
func (t *Tenant) defined() id.ID {
	t.h.t.Helper()
	if t.definition != 0 {
		return t.definition
	}
	t.change(func(tx *gate.Tx) error {
		typ, err := t.h.App.Records.Create(tx, customobject.TypeKind, record.Values{"name": "Agency", "states": []map[string]any{
			{"state": "Open", "begins": true, "becomes": "Over"}, {"state": "Over", "begins": true, "becomes": "Open"}}})
		if err != nil {
			return err
		}
		t.definition = typ.ID
		for _, kind := range customobject.Kinds() {
			v := record.Values{customobject.TypeField: typ.ID, "name": kind, "kind": kind}
			switch kind {
			case flexibleasset.Select:
				v["default_value"] = "Harbour\nHill"
			case customobject.Link:
				v["tag_type"] = "contact"
			}
			if _, err := t.h.App.Records.Create(tx, customobject.FieldKind, v); err != nil {
				return err
			}
		}
		return nil
	})
	return t.definition
}

// find gives a sample of a kind, or any record of it that the tenant began with.
func (t *Tenant) find(kind string, w Where) id.ID {
	for _, x := range t.Things {
		if x.Kind == kind && (x.Where == w || x.Where == Shared) {
			return x.ID
		}
	}
	k := t.h.App.Records.Kinds.Kind(kind)
	if k.Scope != record.OfTenant || k.Admin {
		return 0
	}
	var out id.ID
	t.View(func(tx *gate.Tx) error {
		p, err := t.h.App.Records.List(tx, kind, record.Query{Limit: 1, NoTotal: true})
		if err == nil && len(p.Records) > 0 {
			out = p.Records[0].ID
		}
		return err
	})
	return out
}

// value is a value of a field, of the field's Go type.
func value(f *record.Field, word string, n int) any {
	switch f.Type {
	case record.Text, record.Multiline:
		return text(f.Format, word, n)
	case record.HTML:
		return "<p>" + word + " in a paragraph</p>"
	case record.Secret:
		if f.Format == record.Otpauth {
			return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(word))
		}
		return word + "-" + f.Name
	case record.Integer, record.Time:
		return int64(1 + n%6)
	case record.Number:
		return 1.5
	case record.Bool:
		return false
	case record.Date:
		return "2027-01-02"
	case record.Choice:
		return f.Choices[0]
	}
	return nil
}

func text(f record.Format, word string, n int) string {
	switch f {
	case record.Email:
		return word + "@mail.example"
	case record.URL:
		return "https://" + word + ".example/"
	case record.Phone:
		return fmt.Sprintf("+31 20 555 %04d", n)
	case record.IP:
		return fmt.Sprintf("10.9.%d.%d", n/200, 1+n%200)
	case record.MAC:
		return fmt.Sprintf("02:00:00:00:%02x:%02x", n/256, n%256)
	case record.Mono:
		return word
	}
	return word + " text"
}

// attach adds a file to one record of each place.
func (t *Tenant) attach() {
	t.h.t.Helper()
	for _, w := range []Where{Seen, Closed, Locked} {
		for _, x := range t.Records() {
			k := t.h.App.Records.Kinds.Kind(x.Kind)
			if x.Where != w || k.Scope != record.OfOrganization {
				continue
			}
			word := t.word(w, "file", len(t.Things))
			f, err := t.h.App.Files.Add(t.h.t.Context(), t.Admin, x.ID, word+".txt", strings.NewReader(strings.Repeat(word+" is what this file says.\n", 50)))
			if err != nil {
				t.h.t.Fatal(err)
			}
			t.Things = append(t.Things, &Thing{Kind: "attachment", ID: f.ID, Where: w, Of: x.ID})
		}
	}
}

// talk has the administrator say something about each record, which mentions
// everybody.
func (t *Tenant) talk() {
	t.h.t.Helper()
	said := &comment.Comments{Records: t.h.App.Records}
	var people []string
	for _, role := range access.Roles() {
		people = append(people, "@"+t.People[role].Email)
	}
	for _, x := range t.Records() {
		if t.h.App.Records.Kinds.Kind(x.Kind).Scope != record.OfOrganization {
			continue
		}
		t.change(func(tx *gate.Tx) error {
			_, err := said.Say(tx, x.ID, t.word(x.Where, "comment", len(t.Things))+" is said to "+strings.Join(people, " "))
			return err
		})
	}
}

// relate relates open records to hidden ones, and hidden ones to each other.
func (t *Tenant) relate() {
	t.h.t.Helper()
	var of = map[Where][]*Thing{}
	for _, x := range t.Records() {
		if t.h.App.Records.Kinds.Kind(x.Kind).Scope == record.OfOrganization {
			of[x.Where] = append(of[x.Where], x)
		}
	}
	join := func(a, b *Thing, w Where) {
		t.change(func(tx *gate.Tx) error {
			item, err := t.h.App.Relations.Add(tx, a.ID, b.ID, t.word(w, "note", len(t.Things)))
			if err == nil {
				t.Things = append(t.Things, &Thing{Kind: "relation", ID: item.ID, Where: w, Of: a.ID})
			}
			return err
		})
	}
	for i, a := range of[Seen] {
		join(a, of[Locked][i%len(of[Locked])], Locked)
		join(a, of[Closed][i%len(of[Closed])], Closed)
	}
	join(of[Seen][0], of[Seen][2], Seen)
	join(of[Closed][0], of[Closed][1], Closed)
}

// Records lists the samples that are records.
func (t *Tenant) Records() []*Thing {
	return slices.DeleteFunc(slices.Clone(t.Things), func(x *Thing) bool { return t.h.App.Records.Kinds.Kind(x.Kind) == nil })
}
