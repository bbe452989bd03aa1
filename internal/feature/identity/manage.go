package identity

import (
	"context"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity/method"
)

// Session is an open session or access token as its user may see it.
type Session struct {
	ID      string // what Revoke takes
	User    id.ID
	Program bool   // an access token
	Method  string // how the user signed in
	Level   int    // authentication level
	Created int64  // Unix milliseconds, as are the next two
	Seen    int64  // last use, to the minute
	Expires int64
	Address string // where the user signed in from
	Agent   string // what the browser called itself
	Current bool   // the session that asks
}

// List gives the open sessions of a user, the last used first. Everybody may
// see his own; those of others need the right to manage users.
func (s *Sessions) List(ctx context.Context, c *access.Caller, user id.ID) (out []Session, err error) {
	err = s.Gate.View(ctx, c, func(tx *gate.Tx) error {
		if user != c.User {
			if _, err := tx.Allow(access.Administer, gate.Thing{Kind: User, ID: user}); err != nil {
				return err
			}
		}
		rows, err := tx.Query(`select id, sort, method, level, created_at, seen_at, expires_at, address, agent from identity_session
			where user_id = ? and sort <> ? and expires_at > ? and (sort <> ? or seen_at + idle_ms > ?) order by seen_at desc, id desc`,
			int64(user), halfSession, tx.Now, webSession, tx.Now)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			x := Session{User: user}
			var sid int64
			var sort string
			if err := rows.Scan(&sid, &sort, &x.Method, &x.Level, &x.Created, &x.Seen, &x.Expires, &x.Address, &x.Agent); err != nil {
				return err
			}
			x.ID, x.Program = id.ID(sid).String(), sort == accessToken
			x.Current = x.ID == c.Session && c.Via != "api key"
			out = append(out, x)
		}
		return rows.Err()
	})
	return out, err
}

// Revoke ends one session or access token. NotFound when it is not there, or is
// somebody else's and the caller may not manage users.
func (s *Sessions) Revoke(ctx context.Context, c *access.Caller, session string) error {
	sid, ok := id.Parse(session)
	if !ok {
		return gate.Missing()
	}
	var owner int64
	err := s.Gate.View(ctx, c, func(tx *gate.Tx) error {
		err := tx.QueryRow(`select user_id from identity_session where id = ?`, int64(sid)).Scan(&owner)
		if noRows(err) {
			return gate.Missing()
		}
		return err
	})
	if err != nil {
		return err
	}
	if id.ID(owner) != c.User && !c.May(access.Administer) {
		return gate.Missing()
	}
	return s.end(ctx, c, id.ID(owner), "session.revoke", func(tx *gate.Tx) error {
		tx.Entry().Detail.Text = "session " + sid.String()
		_, err := tx.Exec(`delete from identity_session where id = ?`, int64(sid))
		return err
	})
}

// RevokeAll ends all sessions and access tokens of a user; keep leaves the one
// that asks.
func (s *Sessions) RevokeAll(ctx context.Context, c *access.Caller, user id.ID, keep bool) error {
	return s.end(ctx, c, user, "session.revoke-all", func(tx *gate.Tx) error { return endSessions(tx, user, keep) })
}

// SignOut ends the session that asks.
func (s *Sessions) SignOut(ctx context.Context, c *access.Caller) error {
	sid, ok := id.Parse(c.Session)
	if !ok || c.Via == "api key" {
		return fault.New(fault.Invalid, "This is not a session.")
	}
	return s.end(ctx, c, c.User, "sign-out", func(tx *gate.Tx) error {
		_, err := tx.Exec(`delete from identity_session where id = ?`, int64(sid))
		return err
	})
}

// end decides on the end of sessions: people may end their own, administrators
// anybody's.
func (s *Sessions) end(ctx context.Context, c *access.Caller, user id.ID, verb string, fn func(*gate.Tx) error) error {
	action := access.SignIn
	if user != c.User {
		action = access.Administer
	}
	return s.Gate.Change(ctx, c, action, gate.Thing{Kind: User, ID: user}, func(tx *gate.Tx) error {
		tx.Entry().Action = verb
		return fn(tx)
	})
}

// Rotate gives the session that asks a new token, as after a second factor:
// level is what it has from now on. The old token opens nothing any more.
func (s *Sessions) Rotate(ctx context.Context, c *access.Caller, level int) (token string, err error) {
	sid, err := browser(c)
	if err != nil {
		return "", err
	}
	err = s.Gate.Change(ctx, c, access.SignIn, gate.Thing{Kind: User, ID: c.User}, func(tx *gate.Tx) error {
		tx.Entry().Action = "session.rotate"
		tx.Entry().Level = level
		token, err = renew(tx, sid, webSession, level)
		return err
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// Refresh gives a new access token for one that is still good, with a new life,
// at most as long after signing in as a session may last. The old one ends.
func (s *Sessions) Refresh(ctx context.Context, c *access.Caller) (*Signed, error) {
	sid, ok := id.Parse(c.Session)
	if !ok || c.Via != "token" {
		return nil, fault.New(fault.Denied, "Only an access token can be refreshed.").WithHint("Sign in again for a new one.")
	}
	out := &Signed{Caller: c}
	err := s.Gate.Change(ctx, c, access.SignIn, gate.Thing{Kind: User, ID: c.User}, func(tx *gate.Tx) (err error) {
		tx.Entry().Action = "session.refresh"
		var created int64
		if err := tx.QueryRow(`select created_at from identity_session where id = ?`, int64(sid)).Scan(&created); err != nil {
			return missing(err)
		}
		l, err := s.LimitsOf(tx)
		if err != nil {
			return err
		}
		until := min(tx.Now+l.Token.Milliseconds(), created+l.Absolute.Milliseconds())
		if until <= tx.Now {
			return ended()
		}
		out.Expires = time.UnixMilli(until).UTC()
		if _, err := tx.Exec(`update identity_session set expires_at = ? where id = ?`, until, int64(sid)); err != nil {
			return err
		}
		out.Token, err = renew(tx, sid, accessToken, c.AuthLevel)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ChangePassword gives the signed-in user a new password and her session a new
// token; her other sessions and access tokens end. Fault kinds: Invalid with
// the fields old_password or password, Throttled, Denied for programs.
func (s *Sessions) ChangePassword(ctx context.Context, c *access.Caller, old, password string) (token string, err error) {
	sid, err := browser(c)
	if err != nil {
		return "", err
	}
	if s.Passwords == nil {
		return "", fault.New(fault.Invalid, "Your password is kept elsewhere.").WithHint("Change it where you sign in.")
	}
	ch, err := s.beginChange(ctx, c)
	if err != nil {
		return "", err
	}
	claim, err := s.Passwords.Check(ctx, method.Try{Tenant: c.Tenant, Email: c.Email, Password: old, Known: true})
	if fault.Is(err, fault.Unauthorized) || err == nil && claim.User != c.User {
		return "", fault.Field("old_password", "The present password is wrong.")
	}
	var hash string
	if err == nil && old == password {
		err = fault.Field("password", "The new password is the present one.")
	}
	if err == nil {
		hash, err = s.Passwords.Hash(ctx, password, c.Email, c.Name, c.Tenant, ch.company)
	}
	if err != nil {
		s.giveBack(ctx, ch)
		return "", err
	}
	err = s.Gate.Change(ctx, c, access.SignIn, gate.Thing{Kind: User, ID: c.User}, func(tx *gate.Tx) error {
		tx.Entry().Action = "password.change"
		if err := ch.settle(tx, true); err != nil {
			return err
		}
		if err := s.Passwords.Store(tx, c.User, method.Stored{Hash: hash}); err != nil {
			return err
		}
		if err := access.SetOneTime(tx.SQL(), c.User, false); err != nil {
			return err
		}
		if err := endSessions(tx, c.User, true); err != nil {
			return err
		}
		if err := s.changed(tx, c.User, "You changed your password."); err != nil {
			return err
		}
		token, err = renew(tx, sid, webSession, c.AuthLevel)
		return err
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// browser gives the id of the browser's session that asks; Denied for anything
// else.
func browser(c *access.Caller) (id.ID, error) {
	sid, ok := id.Parse(c.Session)
	if !ok || c.Via != "session" {
		return 0, fault.New(fault.Denied, "Only a person who signed in with a browser can do this.")
	}
	return sid, nil
}

func renew(tx *gate.Tx, session id.ID, sort string, level int) (string, error) {
	token := newToken(tx.Tenant.Name, sort)
	hash, err := digest(tx, "session", token)
	if err != nil {
		return "", err
	}
	n, err := tx.Exec(`update identity_session set hash = ?, level = ?, seen_at = ? where id = ? and sort = ?`, hash, level, tx.Now, int64(session), sort)
	if err == nil && n == 0 {
		err = ended()
	}
	return token, err
}

func missing(err error) error {
	if noRows(err) {
		return ended()
	}
	return err
}
