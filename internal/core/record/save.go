package record

import (
	"maps"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/sealed"
	"strongroom/internal/core/secret"
)

// Create makes a record. Besides its kind's fields, v may hold organization_id,
// archived and restricted, and secrets as plain strings. Fault kinds: Invalid
// with fields, NotFound for an organization that the caller may not see, Denied,
// Conflict for a unique value that is taken.
func (e *Engine) Create(tx *gate.Tx, kind string, v Values) (*Record, error) {
	k := e.Kinds.Kind(kind)
	if k == nil {
		return nil, gate.Missing()
	}
	r := &Record{Kind: k, Values: Values{}, Created: tx.Now, Updated: tx.Now, CreatedBy: tx.Caller.User, UpdatedBy: tx.Caller.User, Version: 1}
	for _, f := range k.Fields {
		if f.Default != nil {
			p, err := f.Parse(f.Default)
			if err != nil {
				return nil, err
			}
			r.Values[f.Name] = p
		}
	}
	if err := e.chooseVariant(tx, r, v); err != nil {
		return nil, err
	}
	secrets, err := e.apply(tx, r, v)
	if err != nil {
		return nil, err
	}
	if err := e.place(tx, r); err != nil {
		return nil, err
	}
	entry, err := tx.Allow(access.Create, gate.Thing{Kind: k.Name, Org: r.Org})
	if err == nil {
		err = e.changeable(tx, k)
	}
	if err == nil {
		err = flags(tx, gate.Thing{Kind: k.Name, Org: r.Org}, r, &Record{})
	}
	if err != nil {
		return nil, err
	}
	if r.ID, err = tx.NewID(); err != nil {
		return nil, err
	}
	if k.Scope == Organization {
		r.Org = r.ID
	}
	if r.Guard == 0 {
		r.Guard = r.ID
	}
	entry.Object, entry.Org, entry.Version = r.ID, r.Org, 1
	if err := e.check(tx, r, nil); err != nil {
		return nil, err
	}
	if k.Scope != OfPerson { // others read the log
		entry.Detail.Name = r.Name
	}
	if err := e.insert(tx, r); err != nil {
		return nil, conflict(k, err)
	}
	r.saved = tx.SQL().Execs()
	return r, e.saved(tx, r, nil, secrets)
}

// Update changes the fields that v holds. version, when not 0, must be the
// record's present one: Conflict otherwise. When nothing differs, nothing is
// written.
func (e *Engine) Update(tx *gate.Tx, kind string, rid id.ID, version int64, v Values) (*Record, error) {
	old, err := e.load(tx, kind, rid, false)
	if err != nil {
		return nil, err
	}
	entry, err := tx.Allow(access.Edit, gate.Thing{Kind: old.Kind.Name, ID: rid})
	if err == nil {
		err = e.changeable(tx, old.Kind)
	}
	if err != nil {
		return nil, err
	}
	if version != 0 && version != old.Version {
		return nil, fault.New(fault.Conflict, "Somebody else changed this after you opened it.").WithHint("Compare both versions, then save again.")
	}
	r := *old
	r.Values, r.Rest = old.Values.Clone(), maps.Clone(old.Rest)
	secrets, err := e.apply(tx, &r, v)
	if err != nil {
		return nil, err
	}
	if r.Org != old.Org || r.Kind.Scope == OfParent {
		if err := e.place(tx, &r); err != nil {
			return nil, err
		}
		if r.Org != old.Org && r.Org != 0 {
			if _, err := tx.Allow(access.View, gate.Thing{Kind: "organization", ID: r.Org}); err != nil {
				return nil, err
			}
		}
	}
	if err := flags(tx, gate.Thing{Kind: r.Kind.Name, ID: rid}, &r, old); err != nil {
		return nil, err
	}
	if err := e.check(tx, &r, old); err != nil {
		return nil, err
	}
	changed := differences(old, &r)
	for f := range secrets {
		changed = append(changed, f)
	}
	for _, p := range r.sealing {
		changed = append(changed, p.Mark.Field)
	}
	if len(changed) == 0 {
		if entry.Detail.Fields == nil {
			tx.Withdraw(entry)
		}
		return old, e.decorate(tx, []*Record{old})
	}
	slices.Sort(changed)
	r.Version, r.Updated, r.UpdatedBy = old.Version+1, tx.Now, tx.Caller.User
	entry.Version, entry.Detail.Fields = r.Version, changed
	if err := e.write(tx, &r, old); err != nil {
		return nil, conflict(r.Kind, err)
	}
	r.saved = tx.SQL().Execs()
	return &r, e.saved(tx, &r, old, secrets)
}

// flags decides on what a change of a record's fields does besides: to archive
// it and to restrict it are rights of their own. A part is restricted as its
// parent is.
func flags(tx *gate.Tx, thing gate.Thing, r, old *Record) error {
	if r.Archived != old.Archived {
		if err := tx.Check(access.Archive, thing); err != nil {
			return err
		}
	}
	if r.Restricted != old.Restricted && r.Kind.Scope != OfParent {
		return tx.Check(access.Restrict, thing)
	}
	return nil
}

// apply parses v into r and gives the secrets, which are not part of r.
func (e *Engine) apply(tx *gate.Tx, r *Record, v Values) (map[string]string, error) {
	secrets := map[string]string{}
	bad := map[string]string{}
	for name, in := range v {
		if err := e.applyOne(tx, r, secrets, name, in); err != nil {
			said := fault.Say(err)
			if said.Kind != fault.Invalid {
				return nil, err
			}
			bad[name] = said.Text
		}
	}
	return secrets, fault.Fields(bad)
}

func (e *Engine) applyOne(tx *gate.Tx, r *Record, secrets map[string]string, name string, in any) error {
	switch name {
	case "organization_id":
		if r.Kind.Scope != OfOrganization {
			return nil
		}
		p, err := (&Field{Name: name, Label: "Organization", Type: Ref, Ref: "organization"}).Parse(in)
		if err != nil {
			return err
		}
		r.Org, _ = p.(id.ID)
		return nil
	case "archived", "restricted":
		p, err := (&Field{Name: name, Type: Bool}).Parse(in)
		on, _ := p.(bool)
		if name == "archived" {
			r.Archived = on
		} else if r.Kind.Scope == OfOrganization || r.Kind.Scope == Organization { // others cannot be, see SetAccess
			r.Restricted = on
		}
		return err
	}
	f := r.Kind.Field(name)
	if f == nil || f.ReadOnly && !e.free(tx) {
		return nil // what a kind does not know, or sets itself, is ignored, as its API promises
	}
	p, err := f.Parse(in)
	if err != nil && f.Type == Choice && in == r.Values[name] {
		return nil // a choice that is offered no longer may stay
	}
	if err != nil && f.Trait != 0 && e.inside { // what is imported is not lost
		if r.Rest == nil {
			r.Rest = map[string]any{}
		}
		r.Rest[name] = in
		delete(r.Values, name)
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case f.Type == Secret:
		if tx.Caller.Scope.NoPasswords {
			return fault.New(fault.Denied, "This API key may not write passwords.")
		}
		text, _ := p.(string)
		if f.Format == Otpauth && text != "" {
			seed, err := secret.Seed(text)
			switch {
			case err == nil:
				text = seed
			case !e.inside: // what comes from elsewhere is kept as it was there
				return err
			}
		}
		secrets[name] = text
	case name == "name":
		r.Name, _ = p.(string)
	case r.Kind.Variants != nil && name == r.Kind.Variants.By && r.ID != 0 && p != r.Values[name]:
		return fault.Field(name, "%s cannot be changed later.", f.Title())
	case p == nil:
		if in == nil { // an empty text, as forms send it, leaves what is sealed alone
			r.cleared = append(r.cleared, name)
		}
		delete(r.Values, name)
		delete(r.Rest, name)
	default:
		r.Values[name] = p
		delete(r.Rest, name)
	}
	return nil
}

// chooseVariant gives a new record of a kind with variants its shape, and the
// defaults of its traits.
func (e *Engine) chooseVariant(tx *gate.Tx, r *Record, v Values) error {
	if r.Kind.Variants == nil {
		return nil
	}
	f := r.Kind.Field(r.Kind.Variants.By)
	p, err := f.Parse(v[f.Name])
	if err != nil {
		return err
	}
	by, _ := p.(id.ID)
	if by == 0 {
		return fault.Field(f.Name, "%s is missing.", f.Title())
	}
	if r.Kind, err = e.shape(tx, r.Kind, by); err != nil {
		return err
	}
	for _, f := range r.Kind.traits {
		if f.Default != nil {
			r.Values[f.Name] = f.Default
		}
	}
	return nil
}

// place finds the organization and the guard of a record that is not one itself.
func (e *Engine) place(tx *gate.Tx, r *Record) error {
	switch r.Kind.Scope {
	case OfTenant, Organization:
		return nil
	case OfPerson:
		return e.placeOwn(tx, r)
	case OfOrganization:
		if r.Org == 0 && !r.Kind.Shared {
			return fault.Field("organization_id", "Choose the organization that this belongs to.")
		}
		return nil
	}
	by, more := r.Kind.Field(r.Kind.Parent), map[string]string{}
	for _, name := range r.Kind.Parents {
		switch {
		case r.Values.ID(name) == 0:
		case r.Values.ID(by.Name) == 0:
			by = r.Kind.Field(name)
		default:
			more[name] = "This belongs to one record, and one is named already: " + by.Title() + "."
		}
	}
	if err := fault.Fields(more); err != nil {
		return err
	}
	parent := r.Values.ID(by.Name)
	if parent == 0 {
		return fault.Field(by.Name, "%s is missing.", by.Title())
	}
	p, err := e.load(tx, by.Ref, parent, false)
	if err != nil {
		return err
	}
	r.Parent, r.Org, r.Guard, r.Restricted = p.ID, p.Org, p.Guard, p.Restricted
	return nil
}

// placeOwn gives a record to the user who makes it. It is restricted to her by its kind.
func (e *Engine) placeOwn(tx *gate.Tx, r *Record) error {
	var n int
	err := tx.QueryRow(`select count(*) from record where id = ? and kind = 'user' and trashed_at is null`, int64(tx.Caller.User)).Scan(&n)
	if err == nil && (n == 0 || tx.Caller.User == tx.Caller.Key) {
		err = fault.New(fault.Denied, "%s belong to a person, and nobody in person asks for this.", r.Kind.Labels).WithHint("Sign in as yourself, or use an API key of your own.")
	}
	r.Parent, r.Guard = tx.Caller.User, tx.Caller.User
	return err
}

// check runs what must hold of any record, then the kind's own rules.
func (e *Engine) check(tx *gate.Tx, r, old *Record) error {
	k := r.Kind
	if k.Before != nil {
		if err := k.Before(tx, r, old); err != nil {
			return err
		}
	}
	var err error
	if r.sealing, err = sealed.Take(tx, k.Name, r.ID, r.cleared, r.Values, r.Rest); err != nil {
		return err
	}
	if k.NameOf != nil && (!k.HasName() || r.Name == "") {
		v := r.Values.Clone()
		v["name"] = r.Name
		r.Name = strings.TrimSpace(k.NameOf(v))
	}
	bad := map[string]string{}
	for _, f := range k.Fields {
		missing := r.Values[f.Name] == nil
		if f.Name == "name" {
			missing = r.Name == ""
		}
		if f.Required && missing {
			if missing, err = sealed.Lacks(tx, r.ID, f.Name, r.sealing); err != nil {
				return err
			}
		}
		if f.Required && missing && f.Type != Secret && (f.Trait == 0 || !e.inside) { // what is imported comes in as it was
			bad[f.Name] = f.Title() + " is missing."
		}
	}
	if r.Name == "" && len(bad) == 0 {
		bad["name"] = "The name is missing."
	}
	if err := fault.Fields(bad); err != nil {
		return err
	}
	return e.checkRefs(tx, r, old)
}

// checkRefs sees that changed references point to records that the caller may
// see, of the right kind and, where both have one, of the same organization.
func (e *Engine) checkRefs(tx *gate.Tx, r, old *Record) error {
	var all []id.ID
	fresh := make(map[*Field][]id.ID)
	for i := range r.Kind.Fields {
		f := &r.Kind.Fields[i]
		if to := newRefs(f, r, old); len(to) > 0 {
			fresh[f] = to
			all = append(all, to...)
		}
	}
	found, err := referred(tx, all)
	if err != nil {
		return err
	}
	bad := map[string]string{}
	for f, list := range fresh {
		for _, to := range list {
			if said := found[to].wrong(f, r); said != "" {
				bad[f.Name] = f.Title() + " " + said
			}
		}
	}
	return fault.Fields(bad)
}

// newRefs are what the field refers to and did not before.
func newRefs(f *Field, r, old *Record) []id.ID {
	now := r.Values.IDs(f.Name)
	if to := r.Values.ID(f.Name); to != 0 {
		now = []id.ID{to}
	}
	if old == nil || old.Org != r.Org {
		return now
	}
	return slices.DeleteFunc(slices.Clone(now), func(to id.ID) bool {
		return old.Values.ID(f.Name) == to || slices.Contains(old.Values.IDs(f.Name), to)
	})
}

// target is what deciding on a reference needs of the record that it points to.
type target struct {
	kind         string // empty when there is none, or the caller may not see it
	org, variant id.ID
}

// referred reads those of the records that the caller may see.
func referred(tx *gate.Tx, ids []id.ID) (map[id.ID]target, error) {
	out := make(map[id.ID]target, len(ids))
	for part := range slices.Chunk(ids, 500) {
		cond, args := tx.Visible("r")
		rows, err := tx.Query(`select r.id, r.kind, r.org_id, r.variant_id from record r where r.id in (`+access.Marks(len(part))+`) and r.trashed_at is null and `+cond,
			append(access.Args(part), args...)...)
		if err != nil {
			return nil, err
		}
		if err := eachTarget(rows, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func eachTarget(rows *sqldb.Rows, out map[id.ID]target) error {
	defer rows.Close()
	for rows.Next() {
		var n, org, variant int64
		var t target
		if err := rows.Scan(&n, &t.kind, &org, &variant); err != nil {
			return err
		}
		t.org, t.variant = id.ID(org), id.ID(variant)
		out[id.ID(n)] = t
	}
	return rows.Err()
}

// wrong says what is wrong with a reference of r; empty when nothing is.
func (t target) wrong(f *Field, r *Record) string {
	switch {
	case t.kind == "" || f.Ref != "" && t.kind != f.Ref || f.RefVariant != 0 && t.variant != f.RefVariant:
		return "does not exist, or you may not see it."
	case t.kind != "organization" && t.org != 0 && r.Org != 0 && t.org != r.Org:
		return "belongs to another organization."
	}
	return ""
}
