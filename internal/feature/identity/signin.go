package identity

import (
	"cmp"
	"context"
	"net/netip"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity/method"
)

// Attempt is what somebody gives who wants to sign in.
type Attempt struct {
	Tenant   string
	Email    string
	Password string
	Device   string     // the cookie of a known device, or ""
	Addr     netip.Addr // where the request comes from
	Agent    string     // what the browser calls itself
	Request  string     // request id

	// With is the method that is asked instead of Sessions.Methods, when set.
	With method.Password
	// Proof is what With takes where that is no password, in words for the audit log.
	Proof string
}

// wrong is the one answer for an unknown tenant, an unknown address and a wrong
// password.
func wrong() error {
	return fault.New(fault.Unauthorized, "The e-mail address or the password is wrong.").
		WithHint("Check both; an administrator can give you a new one-time password.")
}

// SignIn opens a browser's session. Fault kinds: Unauthorized, without saying
// what was wrong; Throttled with After, when it was tried too often or too much
// is going on.
func (s *Sessions) SignIn(ctx context.Context, a Attempt) (*Signed, error) {
	return s.signIn(ctx, a, webSession)
}

// SignInToken gives an access token, as POST /login of the IT Glue API does.
// Fault kinds are those of SignIn.
func (s *Sessions) SignInToken(ctx context.Context, a Attempt) (*Signed, error) {
	return s.signIn(ctx, a, accessToken)
}

func (s *Sessions) signIn(ctx context.Context, a Attempt, sort string) (*Signed, error) {
	ch, err := s.begin(ctx, a)
	missing := a.Tenant == "" || fault.Is(err, fault.NotFound) // no such tenant: take as long as if there were
	if err != nil && !missing {
		if fault.Is(err, fault.Throttled) {
			s.missed(ctx, a, ch, "too many tries")
		}
		return nil, err
	}
	claim, err := s.ask(ctx, a, ch.device.User != 0)
	switch {
	case missing && (err == nil || fault.Is(err, fault.Unauthorized)):
		return nil, wrong()
	case fault.Is(err, fault.Unauthorized):
		s.missed(ctx, a, ch, "wrong "+cmp.Or(a.Proof, "password"))
		return nil, wrong()
	case err != nil:
		if !missing {
			s.giveBack(ctx, ch)
		}
		return nil, err
	}
	return s.open(ctx, a, ch, claim, sort)
}

// ask asks the methods in order who this is.
func (s *Sessions) ask(ctx context.Context, a Attempt, known bool) (method.Claim, error) {
	try := method.Try{Tenant: a.Tenant, Email: a.Email, Password: a.Password, Known: known}
	methods := s.Methods
	if a.With != nil {
		methods = []method.Password{a.With}
	}
	for _, m := range methods {
		claim, err := m.Check(ctx, try)
		if !fault.Is(err, fault.Unauthorized) {
			return claim, err
		}
	}
	return method.Claim{}, wrong()
}

// Enter opens a browser's session for somebody whom a method that uses no
// password has identified, such as a redirect to another site. The claim names the
// user: an e-mail address that another system gives is nobody's name here.
func (s *Sessions) Enter(ctx context.Context, a Attempt, claim method.Claim) (*Signed, error) {
	if claim.User == 0 {
		return nil, wrong()
	}
	return s.open(ctx, a, &charge{}, claim, webSession)
}

// open makes the session of a user who was identified.
func (s *Sessions) open(ctx context.Context, a Attempt, ch *charge, claim method.Claim, sort string) (*Signed, error) {
	caller, err := s.load(ctx, a, claim)
	if err != nil {
		return nil, err
	}
	if sort == accessToken {
		caller.Via = "token"
	}
	out := &Signed{Caller: caller}
	err = s.Gate.Change(ctx, caller, access.SignIn, gate.Thing{Kind: User, ID: caller.User}, func(tx *gate.Tx) error {
		tx.Entry().Detail.Text = "with " + claim.Method
		if err := ch.settle(tx, true); err != nil {
			return err
		}
		half, err := s.wantsSecond(tx, caller, sort)
		if err != nil {
			return err
		}
		if half {
			if err := s.halve(tx, a, out, claim); err != nil {
				return err
			}
			return s.opening(tx, caller, claim)
		}
		if err := s.admit(tx, a, out, claim, sort); err != nil {
			return err
		}
		return s.opening(tx, caller, claim)
	})
	if fault.Is(err, fault.Denied) {
		s.missed(ctx, a, ch, "refused: "+fault.Say(err).Text)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// opening asks those who have a say in whether somebody may come as claimed.
func (s *Sessions) opening(tx *gate.Tx, c *access.Caller, claim method.Claim) error {
	sid, _ := id.Parse(tx.Entry().Session) // the session's, or that of half of it
	for _, f := range s.Opening {
		if err := f(tx, c.User, sid, claim); err != nil {
			return err
		}
	}
	return nil
}

// admit makes the session or access token of somebody who gave all factors.
func (s *Sessions) admit(tx *gate.Tx, a Attempt, out *Signed, claim method.Claim, sort string) error {
	caller := out.Caller
	if err := s.place(tx, caller, a.Addr); err != nil {
		return err
	}
	d, known := readDevice(tx, a.Device)
	if known = known && d.User == caller.User; !known {
		d = newDevice(caller.User)
	}
	d.Since = tx.Now
	caller.Confirmed = tx.Now
	limits, err := s.LimitsOf(tx)
	if err != nil {
		return err
	}
	life := limits.Absolute
	if sort == accessToken {
		life = limits.Token
	}
	out.Token, out.Expires = newToken(a.Tenant, sort), time.UnixMilli(tx.Now).UTC().Add(life)
	sid, err := s.insert(tx, a, out, claim, sort, d, limits.Idle)
	if err != nil {
		return err
	}
	caller.Session = sid.String()
	tx.Entry().Session, tx.Entry().Level = caller.Session, caller.AuthLevel
	if sort == webSession {
		if out.Device, err = d.token(tx); err != nil {
			return err
		}
		if err := s.tellEntered(tx, a, caller.User, sid, known); err != nil {
			return err
		}
	}
	return signedIn(tx, caller.User, a.Addr)
}

// load gives the caller of an identified user. Unauthorized when there is no
// such active user.
func (s *Sessions) load(ctx context.Context, a Attempt, claim method.Claim) (c *access.Caller, err error) {
	err = s.Gate.View(ctx, stranger(a), func(tx *gate.Tx) error {
		user := claim.User
		if user == 0 {
			if claim.Email == "" || !claim.Verified || claim.Way != 0 {
				return wrong()
			}
			if user, err = ByEmail(tx, claim.Email); err != nil {
				return err
			}
		}
		if c, err = access.Load(tx.SQL(), user); err != nil {
			return err
		}
		return tx.QueryRow(`select r.name, coalesce(u.email, '') from record r join k_user u on u.id = r.id
			where r.id = ? and r.trashed_at is null and r.archived = 0`, int64(user)).Scan(&c.Name, &c.Email)
	})
	if fault.Is(err, fault.NotFound) || noRows(err) {
		return nil, wrong()
	}
	if err != nil {
		return nil, err
	}
	c.Tenant, c.Via, c.AuthLevel, c.Addr, c.Request = a.Tenant, "session", max(1, claim.Level), a.Addr, a.Request
	return c, nil
}

// maxSessions is how many sessions and access tokens a user has at most, maxHalves
// how many halves of sessions; the least recently used ones end.
const maxSessions, maxHalves = 100, 20

func (s *Sessions) insert(tx *gate.Tx, a Attempt, out *Signed, claim method.Claim, sort string, d device, idle time.Duration) (id.ID, error) {
	sid, err := tx.NewID()
	if err != nil {
		return 0, err
	}
	hash, err := digest(tx, "session", out.Token)
	if err != nil {
		return 0, err
	}
	user := int64(out.Caller.User)
	few, most := `delete from identity_session where id in (select id from identity_session where user_id = ? and sort <> ? order by seen_at desc, id desc limit 100 offset ?)`, maxSessions
	if sort == halfSession {
		few, most = `delete from identity_session where id in (select id from identity_session where user_id = ? and sort = ? order by seen_at desc, id desc limit 100 offset ?)`, maxHalves
	}
	if _, err := tx.Exec(few, user, halfSession, most-1); err != nil {
		return 0, err
	}
	if _, err := tx.Exec(`delete from identity_session where expires_at <= ?`, tx.Now); err != nil {
		return 0, err
	}
	_, err = tx.Exec(`insert into identity_session (id, hash, user_id, sort, method, level, created_at, seen_at, expires_at, factor_at, idle_ms, address, agent, device)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, int64(sid), hash, user, sort, claim.Method, out.Caller.AuthLevel, tx.Now, tx.Now,
		out.Expires.UnixMilli(), out.Caller.Confirmed, idle.Milliseconds(), address(a.Addr), short(a.Agent), d.Name)
	return sid, err
}

// signedIn notes when and from where a user signed in. These columns are no
// part of what people write about her: they raise no version.
func signedIn(tx *gate.Tx, user id.ID, from netip.Addr) error {
	_, err := tx.Exec(`update k_user set last_sign_in_at = current_sign_in_at, last_sign_in_ip = current_sign_in_ip,
		current_sign_in_at = ?, current_sign_in_ip = ?,
		invitation_accepted_at = case when invitation_sent_at is not null then coalesce(invitation_accepted_at, ?) end where id = ?`,
		tx.Now, address(from), tx.Now, int64(user))
	return err
}

func address(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.Unmap().String()
}

// short keeps what a browser calls itself within a line.
func short(agent string) string {
	r := []rune(agent)
	return string(r[:min(len(r), 300)])
}

// missed records a try that failed; equal ones of a minute become one entry.
func (s *Sessions) missed(ctx context.Context, a Attempt, ch *charge, why string) {
	for _, e := range s.misses.add(missKey{a.Tenant, ch.who, why}, ch.user, s.now()) {
		s.note(ctx, a, e)
	}
}

func (s *Sessions) note(ctx context.Context, a Attempt, e *audit.Entry) {
	if err := s.Gate.Note(context.WithoutCancel(ctx), stranger(a), e); err != nil {
		s.Gate.Log.ErrorContext(ctx, "a failed sign-in could not be recorded", "tenant", a.Tenant, "error", err)
	}
}

func (s *Sessions) now() time.Time {
	if s.Gate.Now == nil {
		return time.Now()
	}
	return s.Gate.Now()
}
