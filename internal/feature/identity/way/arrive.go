package way

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/method"
)

// digest is what is stored of a name that the other side gives: an HMAC under a
// key of the tenant.
func digest(tx *gate.Tx, label string, parts ...string) ([]byte, error) {
	key, err := envelope.Derive(tx.Tenant.Keys.Index, "strongroom/way/"+label+"/1")
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, key)
	h.Write(envelope.Bind(parts...))
	return h.Sum(nil), nil
}

func subjectOf(tx *gate.Tx, way id.ID, subject string) ([]byte, error) {
	return digest(tx, "subject", way.String(), subject)
}

// label is what an administrator is shown of who came by a way.
func label(c *method.Claim) string {
	name := strings.TrimSpace(c.FirstName + " " + c.LastName)
	for _, s := range []string{c.Email, c.Subject} {
		if s != "" && name != "" {
			name += ", "
		}
		if s != "" {
			name += s
			break
		}
	}
	r := []rune(strings.ToValidUTF8(name, ""))
	return string(r[:min(len(r), 200)])
}

// prove completes a claim and sees that what proved it was not used before.
func (x *Way) prove(tx *gate.Tx, c *method.Claim) ([]byte, error) {
	if c.Subject == "" || c.User != 0 {
		return nil, fault.New(fault.Unauthorized, "The other side did not say who this is.").WithHint("An administrator can look at the settings of this way in.")
	}
	c.Method, c.Way = x.Kind, x.ID
	if c.Level > 1 && !x.People.Second {
		c.Level = 1
	}
	if c.Once != "" {
		if err := once(tx, x.ID, c.Once, c.Until); err != nil {
			return nil, err
		}
	}
	return subjectOf(tx, x.ID, c.Subject)
}

// once refuses what was used before.
func once(tx *gate.Tx, way id.ID, what string, until int64) error {
	hash, err := digest(tx, "once", way.String(), what)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from sign_in_once where until < ?`, tx.Now); err != nil {
		return err
	}
	n, err := tx.Exec(`insert into sign_in_once (hash, until) values (?, ?) on conflict do nothing`, hash, max(until, tx.Now))
	if err == nil && n == 0 {
		err = fault.New(fault.Unauthorized, "This sign-in was used before.").WithHint("Begin again at the sign-in page.")
	}
	return err
}

// arrive finds or makes the user that somebody is who came by a way, and puts her
// into the claim.
func (w *Ways) arrive(ctx context.Context, tenant string, x *Way, c *method.Claim) error {
	caller := access.System(tenant, "sign-in")
	var refused error
	err := w.Gate.Change(ctx, caller, access.SignIn, gate.Thing{}, func(tx *gate.Tx) error {
		refused = nil
		tx.Withdraw(tx.Entry())
		subject, err := x.prove(tx, c)
		if err != nil {
			return err
		}
		var user int64
		var made bool
		err = tx.QueryRow(`select l.user_id, l.made from sign_in_link l join record r on r.id = l.user_id where l.way_id = ? and l.subject = ? and r.trashed_at is null`,
			int64(x.ID), subject).Scan(&user, &made)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			if refused = x.People.admits(x, c); refused != nil {
				return unknown(tx, x, c, subject)
			}
			if c.User, err = w.make(tx, x, c, subject); err != nil {
				return err
			}
			made = true
		case err != nil:
			return err
		default:
			c.User = id.ID(user)
			if _, err := tx.Exec(`update sign_in_link set seen_at = ? where way_id = ? and subject = ?`, tx.Now, int64(x.ID), subject); err != nil {
				return err
			}
		}
		if made {
			return w.mapped(tx, x, c)
		}
		return nil
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		*c = method.Claim{}
	}
	return err
}

// admits tells whether somebody who is not known may become a user.
func (p *People) admits(x *Way, c *method.Claim) error {
	if !p.Create {
		return fault.New(fault.Denied, "%s says who you are, but nobody here is connected with that.", x.Name).
			WithHint("Ask an administrator, who now finds you in the settings of sign-in; or sign in as before and connect it in your account.")
	}
	_, domain, ok := strings.Cut(c.Email, "@")
	if !ok {
		return fault.New(fault.Denied, "%s did not give your e-mail address, which a new user needs.", x.Name).WithHint("Ask an administrator.")
	}
	if len(p.Domains) > 0 && !slices.ContainsFunc(p.Domains, func(d string) bool { return strings.EqualFold(d, domain) }) {
		return fault.New(fault.Denied, "Nobody with an address at %s becomes a user here by signing in.", domain).WithHint("Ask an administrator.")
	}
	return nil
}

// mostArrivals is how many people who are not known are remembered of a way.
const mostArrivals = 200

// unknown remembers somebody whom an administrator may connect with a user.
func unknown(tx *gate.Tx, x *Way, c *method.Claim, subject []byte) error {
	tx.Also(&audit.Entry{Action: string(access.SignIn), Kind: thing, Object: x.ID, Result: audit.Refused, Count: 1, Detail: audit.Detail{Name: x.Name, Text: "nobody is connected with who came: " + label(c)}})
	if _, err := tx.Exec(`insert into sign_in_arrival (way_id, subject, label, at) values (?, ?, ?, ?) on conflict (way_id, subject) do update set label = excluded.label, at = excluded.at`,
		int64(x.ID), subject, label(c), tx.Now); err != nil {
		return err
	}
	_, err := tx.Exec(`delete from sign_in_arrival where way_id = ? and subject in (select subject from sign_in_arrival where way_id = ? order by at desc limit 1000 offset ?)`,
		int64(x.ID), int64(x.ID), mostArrivals)
	return err
}

// make makes a user of somebody.
func (w *Ways) make(tx *gate.Tx, x *Way, c *method.Claim, subject []byte) (id.ID, error) {
	r, err := w.Records.Create(tx, identity.User, record.Values{"email": c.Email, "first_name": c.FirstName, "last_name": c.LastName, "role_name": string(x.People.Role)})
	if fault.Is(err, fault.Conflict) || fault.Is(err, fault.Invalid) {
		return 0, fault.Wrap(err, fault.Denied, "No user can be made of you: %s", fault.Say(err).Text).
			WithHint("If you are a user here already, sign in as before and connect %s in your account, or ask an administrator.", x.Name)
	}
	if err != nil {
		return 0, err
	}
	return r.ID, link(tx, x, subject, r.ID, label(c), true)
}

// link connects a subject with a user.
func link(tx *gate.Tx, x *Way, subject []byte, user id.ID, label string, made bool) error {
	n, err := tx.Exec(`insert into sign_in_link (way_id, subject, user_id, label, made, created_at, seen_at) values (?, ?, ?, ?, ?, ?, ?)
		on conflict (way_id, subject) do update set user_id = excluded.user_id, label = excluded.label, made = excluded.made, created_at = excluded.created_at, seen_at = excluded.seen_at
		where sign_in_link.user_id = excluded.user_id or exists (select 1 from record r where r.id = sign_in_link.user_id and r.trashed_at is not null)`,
		int64(x.ID), subject, int64(user), label, made, tx.Now, tx.Now)
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "This is connected with another user already.").WithHint("An administrator can end that in the settings of sign-in.")
	}
	if err == nil {
		_, err = tx.Exec(`delete from sign_in_arrival where way_id = ? and subject = ?`, int64(x.ID), subject)
	}
	return err
}

// connect connects a way with the user who asked for it.
func (w *Ways) connect(ctx context.Context, tenant string, x *Way, c *method.Claim, user id.ID) error {
	err := w.Gate.Change(ctx, access.System(tenant, "sign-in"), access.SignIn, gate.Thing{Kind: identity.User, ID: user}, func(tx *gate.Tx) error {
		tx.Entry().Action, tx.Entry().Detail.Text = "sign-in-way.connect", x.Name+": "+label(c)
		subject, err := x.prove(tx, c)
		if err != nil {
			return err
		}
		c.User = user
		return link(tx, x, subject, user, label(c), false)
	})
	if err != nil {
		*c = method.Claim{}
	}
	return err
}

// mapped gives a user whom the way made the groups and role that the other side's
// groups stand for.
func (w *Ways) mapped(tx *gate.Tx, x *Way, c *method.Claim) error {
	has := func(theirs string) bool {
		return slices.ContainsFunc(c.Groups, func(g string) bool { return strings.EqualFold(strings.TrimSpace(g), theirs) })
	}
	want := map[string]bool{} // our group: whether she is in it
	for _, p := range x.People.Groups {
		want[p.Ours] = want[p.Ours] || has(p.Theirs)
	}
	for name, in := range want {
		if err := membership(tx, name, c.User, in); err != nil {
			return err
		}
	}
	if len(x.People.Roles) == 0 {
		return nil
	}
	role := x.People.Role
	for _, r := range access.EveryRole() { // from most to least
		if slices.ContainsFunc(x.People.Roles, func(p Pair) bool { return p.Ours == string(r) && has(p.Theirs) }) {
			role = r
			break
		}
	}
	r, err := w.Records.Get(tx, identity.User, c.User)
	if err != nil {
		return err
	}
	was := access.Role(r.Values.Text("role_name"))
	if was == role || (was == access.Administrator || role == access.Administrator) && !x.People.Admins {
		return nil
	}
	err = tx.Try(func() error {
		_, err := w.Records.Update(tx, identity.User, c.User, 0, record.Values{"role_name": string(role)})
		return err
	})
	if fault.Is(err, fault.Conflict) { // the last administrator stays one
		return nil
	}
	return err
}

// membership puts a user into a group of ours, or takes her out.
func membership(tx *gate.Tx, name string, user id.ID, in bool) error {
	group, err := groupByName(tx, name)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return member(tx, group, user, in)
}
