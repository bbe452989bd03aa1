package identity

import (
	"context"
	"net/netip"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity/method"
)

// halfLife is how long somebody has to give the second factor.
const halfLife = 10 * time.Minute

// Factor checks, in the transaction in which it counts, that a user gave a
// second factor, and says which sort it was. Invalid when she did not; then
// nothing that it wrote stays.
type Factor func(tx *gate.Tx, user id.ID) (sort string, err error)

// Entry is somebody who came in by a browser.
type Entry struct {
	User    id.ID
	Session id.ID
	Known   bool // on a device that she signed in with before
	First   bool // she never signed in before
	Addr    netip.Addr
	Agent   string // what the browser calls itself
}

// wantsSecond tells whether the caller has to give a second factor before she
// gets a session. Denied for a program, which cannot.
func (s *Sessions) wantsSecond(tx *gate.Tx, c *access.Caller, sort string) (bool, error) {
	if s.Second == nil || c.AuthLevel > 1 {
		return false, nil
	}
	wants, err := s.Second(tx, c.User)
	if err == nil && wants && sort == accessToken {
		return false, fault.New(fault.Denied, "This account has a second factor, which a program cannot give.").WithHint("Use an API key.")
	}
	return wants, err
}

// halve gives the token of half a session.
func (s *Sessions) halve(tx *gate.Tx, a Attempt, out *Signed, claim method.Claim) error {
	if err := s.place(tx, out.Caller, a.Addr); err != nil {
		return err
	}
	out.Half, out.Token, out.Expires = true, newToken(a.Tenant, halfSession), time.UnixMilli(tx.Now).UTC().Add(halfLife)
	sid, err := s.insert(tx, a, out, claim, halfSession, device{}, halfLife)
	if err != nil {
		return err
	}
	tx.Entry().Action, tx.Entry().Session = "sign-in.first", sid.String()
	return nil
}

func (s *Sessions) tellEntered(tx *gate.Tx, a Attempt, user, session id.ID, known bool) error {
	if s.Entered == nil {
		return nil
	}
	var before int
	if err := tx.QueryRow(`select count(*) from k_user where id = ? and current_sign_in_at is not null`, int64(user)).Scan(&before); err != nil {
		return err
	}
	return s.Entered(tx, Entry{User: user, Session: session, Known: known, First: before == 0, Addr: a.Addr, Agent: short(a.Agent)})
}

// Half is somebody who gave the first factor and not yet the second. Nothing but
// the step that asks for the second may be done for her.
type Half struct {
	Caller *access.Caller
	Method string // of the first factor
}

// Half gives who a token of half a session is for. Unauthorized when there is
// nobody.
func (s *Sessions) Half(ctx context.Context, tenant, token string) (*Half, error) {
	name := TenantOf(token)
	if sortOf(token) != halfSession || tenant != "" && tenant != name {
		return nil, ended()
	}
	var out *Half
	err := s.Gate.View(ctx, access.System(name, "session"), func(tx *gate.Tx) error {
		hash, err := digest(tx, "session", token)
		if err != nil {
			return err
		}
		r, err := readRow(tx, hash, halfSession)
		if err != nil {
			return err
		}
		if r.over(halfSession, tx.Now) {
			return ended()
		}
		c, err := access.Load(tx.SQL(), id.ID(r.user))
		if err != nil {
			return err
		}
		c.Tenant, c.Name, c.Email, c.AuthLevel, c.Session, c.Via = name, r.name, r.email, r.level, id.ID(r.id).String(), "session"
		out = &Half{Caller: c, Method: r.method}
		return nil
	})
	if fault.Is(err, fault.NotFound) {
		return nil, ended()
	}
	return out, err
}

// Complete opens the session of somebody who gave the first factor and now gives
// the second; the half of a session is gone then. Fault kinds: Unauthorized when
// token is no half of a session any more, Throttled, what check fails with.
func (s *Sessions) Complete(ctx context.Context, a Attempt, token string, check Factor) (*Signed, error) {
	h, err := s.Half(ctx, a.Tenant, token)
	if err != nil {
		return nil, err
	}
	c := *h.Caller
	a.Tenant, a.Email, c.Addr, c.Request, c.AuthLevel = c.Tenant, c.Email, a.Addr, a.Request, 2
	out := &Signed{Caller: &c}
	return out, s.given(ctx, a, &c, check, func(tx *gate.Tx, how string) error {
		n, err := tx.Exec(`delete from identity_session where id = ? and sort = ?`, sessionOf(h.Caller), halfSession)
		if err == nil && n == 0 {
			err = ended()
		}
		if err != nil {
			return err
		}
		tx.Entry().Detail.Text = "with " + h.Method + " and " + how
		if err := s.admit(tx, a, out, method.Claim{Method: h.Method}, webSession); err != nil || s.Completed == nil {
			return err
		}
		return s.Completed(tx, id.ID(sessionOf(h.Caller)), id.ID(sessionOf(&c)))
	})
}

// Confirm lets somebody who is signed in give a second factor, again or for the
// first time; her session has a new token then. Fault kinds: Denied for
// programs, Throttled, what check fails with.
func (s *Sessions) Confirm(ctx context.Context, c *access.Caller, dev string, check Factor) (token string, err error) {
	sid, err := browser(c)
	if err != nil {
		return "", err
	}
	a := Attempt{Tenant: c.Tenant, Email: c.Email, Device: dev, Addr: c.Addr, Request: c.Request}
	err = s.given(ctx, a, c, check, func(tx *gate.Tx, how string) error {
		e := tx.Entry()
		if e.Action == string(access.SignIn) {
			e.Action = "session.confirm"
		}
		e.Level, e.Detail.Text = 2, "with "+how
		if token, err = renew(tx, sid, webSession, 2); err != nil {
			return err
		}
		_, err = tx.Exec(`update identity_session set factor_at = ? where id = ?`, tx.Now, int64(sid))
		return err
	})
	return token, err
}

// ConfirmPassword lets somebody who is signed in give her password again, where
// she has no second factor to give; her session has a new token then. Fault kinds:
// Invalid with the field password, Throttled, Denied for programs and for who has
// a second factor.
func (s *Sessions) ConfirmPassword(ctx context.Context, c *access.Caller, password string) (token string, err error) {
	sid, err := browser(c)
	if err != nil {
		return "", err
	}
	if s.Passwords == nil {
		return "", fault.New(fault.Denied, "Your password is kept elsewhere.").WithHint("Sign out and sign in again.")
	}
	ch, err := s.beginChange(ctx, c)
	if err != nil {
		return "", err
	}
	claim, err := s.Passwords.Check(ctx, method.Try{Tenant: c.Tenant, Email: c.Email, Password: password, Known: true})
	if fault.Is(err, fault.Unauthorized) || err == nil && (claim.User != c.User || claim.OneTime) {
		s.missed(ctx, Attempt{Tenant: c.Tenant, Email: c.Email, Addr: c.Addr, Request: c.Request}, ch, "wrong password")
		return "", fault.Field("password", "The password is wrong.").WithHint("If you sign in by another system, sign out and in again.")
	}
	if err != nil {
		s.giveBack(ctx, ch)
		return "", err
	}
	err = s.Gate.Change(ctx, c, access.SignIn, gate.Thing{Kind: User, ID: c.User}, func(tx *gate.Tx) error {
		e := tx.Entry()
		e.Action, e.Detail.Text = "session.confirm", "with "+claim.Method
		if err := ch.settle(tx, true); err != nil {
			return err
		}
		if err := s.noSecond(tx, c); err != nil {
			return err
		}
		if token, err = renew(tx, sid, webSession, c.AuthLevel); err != nil {
			return err
		}
		_, err := tx.Exec(`update identity_session set factor_at = ? where id = ?`, tx.Now, int64(sid))
		return err
	})
	return token, err
}

// noSecond refuses who has a second factor, whatever she gave in this session.
func (s *Sessions) noSecond(tx *gate.Tx, c *access.Caller) error {
	if s.Second == nil {
		return nil
	}
	has, err := s.Second(tx, c.User)
	if err == nil && has {
		err = fault.New(fault.Denied, "You have a second factor: give that.").WithHint("Load the page again.")
	}
	return err
}

// given counts a try to give a second factor, checks it and then does what it
// allows, in one transaction.
func (s *Sessions) given(ctx context.Context, a Attempt, c *access.Caller, check Factor, then func(tx *gate.Tx, how string) error) error {
	ch, err := s.beginSecond(ctx, c, a.Device)
	if err != nil {
		if fault.Is(err, fault.Throttled) {
			s.missed(ctx, a, ch, "too many tries of a second factor")
		}
		return err
	}
	err = s.Gate.Change(ctx, c, access.SignIn, gate.Thing{Kind: User, ID: c.User}, func(tx *gate.Tx) error {
		how, err := check(tx, c.User)
		if err != nil {
			return err
		}
		if err := ch.settle(tx, true); err != nil {
			return err
		}
		return then(tx, how)
	})
	switch {
	case fault.Is(err, fault.Invalid):
		s.missed(ctx, a, ch, "wrong second factor")
	case err != nil:
		s.giveBack(ctx, ch)
	}
	return err
}

// beginSecond counts a try to give a second factor: by the device where it is
// known, else by the user, from wherever it is tried. Who gets here knows the
// password, so it is no stranger who can slow her down.
func (s *Sessions) beginSecond(ctx context.Context, c *access.Caller, dev string) (*charge, error) {
	return s.charge(ctx, c, func(tx *gate.Tx, ch *charge) (err error) {
		if ch.who, err = who(tx, c.Email); err != nil {
			return err
		}
		ch.user = c.User
		if d, ok := readDevice(tx, dev); ok && d.User == c.User {
			ch.device = d
			return ch.need(tx, s.rules().Device, true, "second on device", d.Name, c.User.String())
		}
		return ch.need(tx, s.rules().Pair, true, "second", c.User.String())
	})
}

func sessionOf(c *access.Caller) int64 {
	n, _ := id.Parse(c.Session)
	return int64(n)
}
