package identity

import (
	"context"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// The actions of the audit entries of looking through somebody's eyes.
const (
	EyesOn  = "as.begin"
	EyesOff = "as.end"
)

// ViaEyes is how a caller comes who looks through somebody's eyes.
const ViaEyes = "view as"

// EyesFor is how long somebody is looked through at most.
const EyesFor = time.Hour

// LookAs lets an administrator see the tenant as a user does, in her own session of a
// browser, until LookBack or an hour has passed; who works with the records of all
// organizations may see the portal as a customer does. Fault kinds: Denied for who does not see
// everything, for an administrator and oneself; NotFound for who is not an active user.
func (s *Sessions) LookAs(ctx context.Context, c *access.Caller, user id.ID) error {
	sid, err := browser(c)
	if err != nil {
		return err
	}
	action, thing := access.Administer, gate.Thing{Kind: User, ID: user}
	if agent(c) {
		action, thing = access.View, gate.Thing{} // whom she may look as, is decided below
	}
	return s.Gate.Change(ctx, c, action, thing, func(tx *gate.Tx) error {
		e := &audit.Entry{Kind: User, Object: user}
		if action == access.View {
			tx.Also(e)
		} else {
			e = tx.Entry()
		}
		e.Action, e.Behalf = EyesOn, user
		if _, err := eyes(tx, tx.Caller, user); err != nil {
			if fault.Is(err, fault.Denied) {
				tx.Refuse(e)
			}
			return err
		}
		n, err := tx.Exec(`update identity_session set as_user = ?, as_at = ? where id = ? and user_id = ? and sort = ?`, int64(user), tx.Now, int64(sid), int64(c.User), webSession)
		if err == nil && n == 0 {
			err = ended()
		}
		return err
	})
}

// LookBack ends it, for c as Self gives her, and tells whom she looked as; 0 for nobody.
func (s *Sessions) LookBack(ctx context.Context, c *access.Caller) (user id.ID, err error) {
	sid, err := browser(c)
	if err != nil {
		return 0, err
	}
	err = s.Gate.Change(ctx, c, access.View, gate.Thing{}, func(tx *gate.Tx) error {
		var as, at int64
		if err := tx.QueryRow(`select as_user, as_at from identity_session where id = ? and user_id = ?`, int64(sid), int64(c.User)).Scan(&as, &at); err != nil {
			return missing(err)
		}
		if user = id.ID(as); as == 0 {
			return nil
		}
		if _, err := tx.Exec(`update identity_session set as_user = 0, as_at = 0 where id = ?`, int64(sid)); err != nil {
			return err
		}
		tx.Also(&audit.Entry{Action: EyesOff, Kind: User, Object: user, Behalf: user,
			Detail: audit.Detail{Text: "after " + time.Duration((tx.Now-at)*int64(time.Millisecond)).Round(time.Second).String()}})
		return nil
	})
	return user, err
}

// eyes gives the caller that an administrator is who looks as a user: what both see, which
// is what the user sees but what is hers alone, and nothing that can be done.
func eyes(tx *gate.Tx, c *access.Caller, user id.ID) (*access.Caller, error) {
	all := c.Role == access.Administrator && c.Everything()
	refused := fault.New(fault.Denied, "Only an administrator who sees everything can look as somebody else.").WithHint("As a customer, also who works with the records of all organizations.")
	if !all && !agent(c) || c.Key != 0 || c.Behind != nil || c.Unexplained {
		return nil, refused
	}
	seen, err := access.Load(tx.SQL(), user)
	if !all && (fault.Is(err, fault.NotFound) || err == nil && seen.Role != access.SelfService) {
		return nil, refused
	}
	if err != nil {
		return nil, err
	}
	if seen.Role == access.Administrator || user == c.User {
		return nil, fault.New(fault.Denied, "An administrator sees what you see: there is nothing to look at.").WithHint("Choose somebody who is no administrator.")
	}
	if err := tx.QueryRow(`select name from record where id = ? and archived = 0 and trashed_at is null`, int64(user)).Scan(&seen.Name); err != nil {
		return nil, missing(err)
	}
	seen.Tenant, seen.Via, seen.Session, seen.AuthLevel, seen.Confirmed, seen.OneTime = c.Tenant, ViaEyes, c.Session, c.AuthLevel, c.Confirmed, false
	seen.Scope = access.Scope{ReadOnly: true, Looks: true, NoPasswords: true, NoPersonal: true}
	seen.Behind = &access.Behind{User: c.User, Name: c.Name}
	return seen, nil
}

// LooksAsCustomers tells whether somebody may see the portal as a customer does.
func LooksAsCustomers(c *access.Caller) bool {
	return (agent(c) || c.Role == access.Administrator && c.Everything()) && c.Key == 0 && c.Behind == nil && !c.Unexplained && !c.Scope.Looks
}

// agent tells whether somebody who is no administrator works with the records of all
// organizations: what a customer sees is within what she sees.
func agent(c *access.Caller) bool {
	return c.Role != access.Administrator && c.Role.May(access.Edit) && c.Role != access.Lite && c.Custom == nil && c.AllOrgs
}

// through gives who is looked through, or the caller herself where that is over: her hour
// has passed, she is no administrator any more, or the user is not there to be looked as.
func (s *Sessions) through(tx *gate.Tx, c *access.Caller, r *row) (*access.Caller, error) {
	if tx.Now-r.asAt >= EyesFor.Milliseconds() {
		return c, nil
	}
	seen, err := eyes(tx, c, id.ID(r.as))
	if err != nil && (fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Unauthorized)) {
		return c, nil
	}
	return seen, err
}
