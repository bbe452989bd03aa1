package identity

import (
	"strings"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

func users() *record.Kind {
	return &record.Kind{
		Name: User, Plural: "users", Label: "User", Labels: "Users", Icon: "user", Scope: record.OfTenant, Admin: true,
		NameOf: fullName, Before: beforeUser, After: afterUser,
		Fields: []record.Field{
			{Name: "first_name", Type: record.Text, Class: record.Personal, Sort: true, Search: true},
			{Name: "last_name", Type: record.Text, Class: record.Personal, Sort: true, Search: true},
			{Name: "email", Label: "E-mail address", Type: record.Text, Format: record.Email, Class: record.Personal,
				Required: true, Unique: true, Filter: true, Sort: true, Search: true, List: true, Hint: "She signs in with it."},
			{Name: "role_name", Label: "Role", Type: record.Choice, Choices: roles(), Class: record.Internal,
				Required: true, Default: string(access.ReadOnly), Filter: true, Sort: true, List: true},
			{Name: "custom_role_id", Label: "Custom role", Type: record.Ref, Ref: Role, Class: record.Internal, Filter: true,
				Hint: "Narrows the role: she may do what both allow."},
			{Name: "contact_id", Label: "Contact", Type: record.Ref, Ref: "contact", Class: record.Internal,
				Hint: "The contact that this person also is. With the role Self-service left empty, it is the one with her e-mail address."},
			{Name: "speaks_for_organization", Type: record.Bool, Class: record.Internal, Default: false,
				Hint: "With the role Self-service: she sees all tickets of her organization, and asks for colleagues."},
			{Name: "speaks_for_department", Type: record.Bool, Class: record.Internal, Default: false,
				Hint: "With the role Self-service: she sees the tickets of her department, and of departments that she manages."},
			{Name: "reputation", Type: record.Integer, Class: record.Internal, ReadOnly: true, Sort: true},
			{Name: "current_sign_in_at", Type: record.Time, Class: record.Personal, ReadOnly: true, Own: true, List: true},
			{Name: "current_sign_in_ip", Label: "Current sign in address", Type: record.Text, Class: record.Personal, ReadOnly: true, Own: true},
			{Name: "last_sign_in_at", Type: record.Time, Class: record.Personal, ReadOnly: true, Own: true},
			{Name: "last_sign_in_ip", Label: "Last sign in address", Type: record.Text, Class: record.Personal, ReadOnly: true, Own: true},
			{Name: "invitation_sent_at", Type: record.Time, Class: record.Personal, ReadOnly: true, Own: true},
			{Name: "invitation_accepted_at", Type: record.Time, Class: record.Personal, ReadOnly: true, Own: true},
		},
	}
}

func fullName(v record.Values) string {
	if n := strings.TrimSpace(v.Text("first_name") + " " + v.Text("last_name")); n != "" {
		return n
	}
	return v.Text("email")
}

// maxEmail is how many characters an e-mail address may have, so that its
// folded form is compared in full.
const maxEmail = 200

func beforeUser(tx *gate.Tx, now, old *record.Record) error {
	if utf8.RuneCountInString(now.Values.Text("email")) > maxEmail {
		return fault.Field("email", "E-mail address is longer than %d characters.", maxEmail)
	}
	if email := now.Values.Text("email"); old == nil || old.Values.Text("email") != email {
		if err := lookalike(email); err != nil {
			return err
		}
	}
	if err := checkCustom(tx, now, old); err != nil {
		return err
	}
	if tx.Caller.Scope.Provisions {
		if err := provisioned(now, old); err != nil {
			return err
		}
	}
	if err := customer(tx, now, old); err != nil {
		return err
	}
	if tx.Caller.User == 0 {
		return nil // an import may bring what a person may not set
	}
	for _, f := range now.Kind.Fields {
		if !f.ReadOnly {
			continue
		}
		delete(now.Values, f.Name)
		if old != nil && old.Values[f.Name] != nil {
			now.Values[f.Name] = old.Values[f.Name]
		}
	}
	return nil
}

// customer gives a user with the role of customers the contact that she is, where nobody
// has said it and one contact has her e-mail address as its first.
func customer(tx *gate.Tx, now, old *record.Record) error {
	if role(now) != access.SelfService {
		return nil
	}
	if custom(now) != 0 {
		return fault.Field("custom_role_id", "Somebody with the role %s has no custom role.", access.SelfService).WithHint("What she sees follows from the contact that she is.")
	}
	if now.Values.ID("contact_id") != 0 || old != nil && role(old) == access.SelfService && old.Values.Text("email") == now.Values.Text("email") {
		return nil
	}
	p, err := now.Kind.Engine().List(tx, "contact", record.Query{Archived: "no", Limit: 2, NoTotal: true,
		Filters: []record.Filter{{Field: "primary_email", Op: record.Eq, Values: []any{now.Values.Text("email")}}}})
	if err == nil && len(p.Records) == 1 {
		now.Values["contact_id"] = p.Records[0].ID
	}
	return err
}

// part says which contact somebody is, and of whom she sees the tickets.
func part(r *record.Record) (contact id.ID, sight access.Sight) {
	switch {
	case r.Values.Bool("speaks_for_organization"):
		sight = access.OfOrganization
	case r.Values.Bool("speaks_for_department"):
		sight = access.OfDepartment
	}
	return r.Values.ID("contact_id"), sight
}

// provisioned sees that who may only provision gives nobody rights: no administrator comes
// or goes by its word but by being archived, and custom roles and contacts stay.
func provisioned(now, old *record.Record) error {
	was, before, contact, spoke := access.ReadOnly, id.ID(0), id.ID(0), access.OfHerself
	if old != nil {
		was, before = role(old), custom(old)
		contact, spoke = part(old)
	}
	is, speaks := part(now)
	if (role(now) == access.Administrator) != (was == access.Administrator) || custom(now) != before || is != contact || speaks != spoke {
		return fault.New(fault.Denied, "Provisioning gives nobody rights here.")
	}
	return nil
}

func active(r *record.Record) bool { return !r.Archived && r.Trashed == 0 }

func role(r *record.Record) access.Role { return access.Role(r.Values.Text("role_name")) }

// afterUser keeps what the user may do in step with her record.
func afterUser(tx *gate.Tx, now, old *record.Record) error {
	contact, sight := part(now)
	if old != nil {
		was, spoke := part(old)
		if was != contact || spoke != sight {
			if err := access.SetCustomer(tx.SQL(), now.ID, contact, sight); err != nil {
				return err
			}
		}
	}
	if old != nil && role(old) == role(now) && custom(old) == custom(now) && active(old) == active(now) {
		return nil
	}
	if old != nil && active(old) && role(old) == access.Administrator && !(active(now) && role(now) == access.Administrator) {
		if err := another(tx, now.ID); err != nil {
			return err
		}
	}
	if err := access.SetPrincipal(tx.SQL(), now.ID, role(now), active(now)); err != nil {
		return err
	}
	if err := access.SetCustom(tx.SQL(), now.ID, custom(now)); err != nil {
		return err
	}
	if old == nil {
		return access.SetCustomer(tx.SQL(), now.ID, contact, sight)
	}
	return endSessions(tx, now.ID, active(now))
}

// another sees that there is an active administrator besides user.
func another(tx *gate.Tx, user id.ID) error {
	var n int
	err := tx.QueryRow(`select count(*) from access_principal p join record r on r.id = p.user_id
		where p.role = ? and p.active = 1 and p.user_id <> ? and r.trashed_at is null and r.archived = 0`, string(access.Administrator), int64(user)).Scan(&n)
	if err != nil || n > 0 {
		return err
	}
	return fault.New(fault.Conflict, "This is the last active administrator.").WithHint("Make somebody else an administrator first.")
}

// endSessions ends the sessions and access tokens of a user; own keeps the
// session that asks for it.
func endSessions(tx *gate.Tx, user id.ID, own bool) error {
	keep := id.ID(0)
	if own && tx.Caller.User == user {
		keep, _ = id.Parse(tx.Caller.Session)
	}
	_, err := tx.Exec(`delete from identity_session where user_id = ? and id <> ?`, int64(user), int64(keep))
	return err
}

// EndSessions ends all sessions and access tokens of a user, inside a change that
// was decided on.
func EndSessions(tx *gate.Tx, user id.ID) error { return endSessions(tx, user, false) }

// ByEmail finds the user with an e-mail address, archived ones included. It
// gives NotFound when there is none.
func ByEmail(tx *gate.Tx, email string) (id.ID, error) {
	var n int64
	cond, args := tx.Visible("r")
	err := tx.QueryRow(`select r.id from k_user u join record r on r.id = u.id where u.email_fold = ? and r.trashed_at is null and `+cond,
		append([]any{record.Fold(email)}, args...)...).Scan(&n)
	if noRows(err) {
		return 0, fault.New(fault.NotFound, "There is no user with this e-mail address.").WithHint("Look it up among the users.")
	}
	return id.ID(n), err
}
