package identity

import (
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Role is the name of the kind of roles that a tenant makes itself.
const Role = "role"

// customRoles declares the roles that a tenant makes. What one allows is a field, so
// that revisions, exports and the audit log hold it.
func customRoles() *record.Kind {
	return &record.Kind{
		Name: Role, Plural: "roles", Label: "Custom role", Labels: "Custom roles", Icon: "shield-check", Scope: record.OfTenant, Admin: true,
		Before: beforeRole, After: afterRole,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Unique: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "description", Type: record.Multiline, Class: record.Internal, Search: true, List: true},
			{Name: "rights", Type: record.Multiline, Class: record.Internal, ReadOnly: true, Kept: true,
				Hint: "What it allows: a line for each kind of record."},
		},
	}
}

// Listed lists the kinds that a custom role names: those whose records belong to
// organizations or to one person. Parts of a record are allowed what the record is, and what belongs to
// the tenant is seen by everybody.
func Listed(g *record.Registry) []*record.Kind {
	var out []*record.Kind
	for _, k := range g.Kinds() {
		if k.Scope == record.OfOrganization || k.Scope == record.Organization || k.Scope == record.OfPerson {
			out = append(out, k)
		}
	}
	return out
}

// beforeRole writes the rights in their one form.
func beforeRole(_ *gate.Tx, now, _ *record.Record) error {
	if access.Role(strings.TrimSpace(now.Name)).Valid() {
		return fault.Field("name", "This is the name of a built-in role.")
	}
	rights, err := access.ParseRights(now.Values.Text("rights"))
	if err != nil {
		return err
	}
	known := map[string]bool{access.Whole: true}
	for _, k := range Listed(now.Kind.Engine().Kinds) {
		known[k.Name] = true
	}
	for kind := range rights {
		if !known[kind] {
			return fault.Field("rights", "There is no kind %q whose records belong to organizations.", kind)
		}
	}
	if text := rights.String(); text != "" {
		now.Values["rights"] = text
	}
	return nil
}

// afterRole keeps what is allowed in step with the record; a role that somebody has
// stays.
func afterRole(tx *gate.Tx, now, old *record.Record) error {
	if old != nil && active(old) && !active(now) {
		users, keys, err := access.Holders(tx.SQL(), now.ID)
		if err != nil {
			return err
		}
		if users+keys > 0 {
			return fault.New(fault.Conflict, "Somebody has this role: %d users and %d API keys.", users, keys).WithHint("Give them another one first.")
		}
	}
	rights, err := access.ParseRights(now.Values.Text("rights"))
	if err != nil {
		return err
	}
	g := now.Kind.Engine().Kinds
	for range g.Kinds() { // parts of parts come once their parents are there
		for _, k := range g.Kinds() {
			if k.Scope == record.OfParent && rights[k.Name] == nil {
				if of := ofParents(k, rights); of != nil {
					rights[k.Name] = of
				}
			}
		}
	}
	return access.SetRole(tx.SQL(), now.ID, now.Name, rights)
}

// ofParents are the rights on what lives within other records: those that the role has
// on each kind that it may live within, or it would show what is within others.
func ofParents(k *record.Kind, rights access.Rights) []access.Action {
	of := slices.Clone(rights[k.Field(k.Parent).Ref])
	for _, name := range k.Parents {
		of = slices.DeleteFunc(of, func(a access.Action) bool { return !rights.Has(k.Field(name).Ref, a) })
	}
	return of
}

// SetRights says what a custom role allows, inside a granted change. version as for
// record.Engine.Update. Fault kinds: Invalid for "rights", Conflict, NotFound.
func SetRights(tx *gate.Tx, e *record.Engine, role id.ID, version int64, rights access.Rights) error {
	_, err := e.Inside().Update(tx, Role, role, version, record.Values{"rights": rights.String()})
	return err
}

// custom gives the custom role of a user's record.
func custom(r *record.Record) id.ID { return r.Values.ID("custom_role_id") }

// checkCustom sees that the role is one that can be given, and to whom.
func checkCustom(tx *gate.Tx, now, old *record.Record) error {
	to := custom(now)
	if to == 0 {
		return nil
	}
	if role(now) == access.Administrator {
		return fault.Field("custom_role_id", "An administrator has no custom role.").WithHint("Choose another role beside it, or none of the tenant's own.")
	}
	if old != nil && custom(old) == to {
		return nil
	}
	var n int
	err := tx.QueryRow(`select count(*) from record where id = ? and kind = ? and archived = 0 and trashed_at is null`, int64(to), Role).Scan(&n)
	if err == nil && n == 0 {
		err = fault.Field("custom_role_id", "There is no such custom role in use.")
	}
	return err
}
