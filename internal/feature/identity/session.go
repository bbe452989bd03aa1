package identity

import (
	"context"
	"sync"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity/method"
)

// Sessions lets people in and tells who is there. Fill Gate, Methods and
// Passwords; it then is safe for concurrent use.
type Sessions struct {
	Gate      *gate.Gate
	Methods   []method.Password // asked in this order
	Passwords method.Keeper     // where users change their local passwords; nil when there are none
	Limits    Limits            // of tenants that have set none of their own
	Rules     Rules

	// Second, when set, tells whether a user has a second factor to be asked for.
	Second func(tx *gate.Tx, user id.ID) (bool, error)
	// Places, when set, says from which addresses people are let in.
	Places Places
	// Entered, when set, runs in the transaction in which a browser's session begins.
	Entered func(tx *gate.Tx, e Entry) error
	// Opening is asked, in the transaction that makes a session, whether that user
	// may come as claimed; Denied, in words for her, when not.
	Opening []func(tx *gate.Tx, user, session id.ID, claim method.Claim) error
	// Changed, when set, tells a user, in words, of a new password of hers.
	Changed func(tx *gate.Tx, user id.ID, words string) error
	// Completed, when set, runs where half a session became a session.
	Completed func(tx *gate.Tx, half, session id.ID) error

	cache  cache
	misses misses
}

func (s *Sessions) rules() Rules {
	if s.Rules == (Rules{}) {
		return DefaultRules()
	}
	return s.Rules
}

// Signed is what somebody gets who signed in.
type Signed struct {
	Caller  *access.Caller
	Token   string    // the session's cookie, or the access token; shown once
	Device  string    // what the browser keeps for a year to be known again; empty for programs
	Expires time.Time // when the session ends whatever happens
	Half    bool      // the token is half a session: the second factor is asked for, see Complete
}

// ended is the one answer for a token that does not, or no longer, open
// anything.
func ended() error {
	return fault.New(fault.Unauthorized, "Your session has ended.").WithHint("Sign in again.")
}

// row is what one statement tells of a session, her user and the rights.
type row struct {
	id, user               int64
	level                  int
	created, seen, expires int64
	idle, factor           int64
	name, email, method    string
	version, epoch         int64
	unexplained            bool  // the reason of its use is asked for
	as, asAt               int64 // whose eyes are looked through, and since when
}

func readRow(tx *gate.Tx, hash []byte, sort string) (*row, error) {
	var r row
	err := tx.QueryRow(`select s.id, s.user_id, s.level, s.created_at, s.seen_at, s.expires_at, s.idle_ms, s.factor_at, s.method, r.name, r.version, coalesce(u.email, ''), e.n, s.as_user, s.as_at, s.unexplained
		from identity_session s join record r on r.id = s.user_id join k_user u on u.id = s.user_id cross join access_epoch e
		where s.hash = ? and s.sort = ? and r.trashed_at is null and r.archived = 0`, hash, sort).
		Scan(&r.id, &r.user, &r.level, &r.created, &r.seen, &r.expires, &r.idle, &r.factor, &r.method, &r.name, &r.version, &r.email, &r.epoch, &r.as, &r.asAt, &r.unexplained)
	if noRows(err) {
		return nil, ended()
	}
	return &r, err
}

// Resolve gives the caller that a browser's session cookie stands for. tenant is
// the one that the request's host names, or "". The caller is a copy of its own;
// its Addr, Request and Reason are for who received the request to fill in.
// Unauthorized when the cookie opens nothing.
func (s *Sessions) Resolve(ctx context.Context, tenant, token string) (*access.Caller, error) {
	return s.resolve(ctx, tenant, token, webSession, true, s.through)
}

// Still is Resolve for what a page does by itself: it is no use of the session, which
// comes to its end as if nobody had asked.
func (s *Sessions) Still(ctx context.Context, tenant, token string) (*access.Caller, error) {
	return s.resolve(ctx, tenant, token, webSession, false, s.through)
}

// Self is Resolve for who is there herself, whomever she looks at the tenant as.
func (s *Sessions) Self(ctx context.Context, tenant, token string) (*access.Caller, error) {
	return s.resolve(ctx, tenant, token, webSession, true, nil)
}

// ResolveToken is Resolve for an access token.
func (s *Sessions) ResolveToken(ctx context.Context, tenant, token string) (*access.Caller, error) {
	return s.resolve(ctx, tenant, token, accessToken, true, nil)
}

func (s *Sessions) resolve(ctx context.Context, tenant, token, sort string, use bool, through func(*gate.Tx, *access.Caller, *row) (*access.Caller, error)) (*access.Caller, error) {
	name := TenantOf(token)
	if sortOf(token) != sort || tenant != "" && tenant != name {
		return nil, ended()
	}
	var c, seen *access.Caller
	var hash []byte
	touch := false
	err := s.Gate.View(ctx, access.System(name, "session"), func(tx *gate.Tx) error {
		var err error
		if hash, err = digest(tx, "session", token); err != nil {
			return err
		}
		r, err := readRow(tx, hash, sort)
		if err != nil {
			return err
		}
		if r.over(sort, tx.Now) {
			return ended()
		}
		c, touch, err = s.callerOf(tx, r, string(hash), sort, use)
		if seen = c; err == nil && r.as != 0 && through != nil {
			seen, err = through(tx, c, r)
		}
		return err
	})
	if fault.Is(err, fault.NotFound) { // no such tenant, or no such active user
		return nil, ended()
	}
	if err != nil {
		return nil, err
	}
	if touch {
		s.touch(ctx, c, hash)
	}
	return seen, nil
}

// over tells whether a session has come to its end.
func (r *row) over(sort string, now int64) bool {
	return now >= r.expires || sort == webSession && now-r.seen >= r.idle
}

// callerOf gives the caller of a session, from memory when neither the rights
// nor the user's record changed, and whether it is time to note the use.
func (s *Sessions) callerOf(tx *gate.Tx, r *row, hash, sort string, use bool) (*access.Caller, bool, error) {
	if c, touch := s.cache.get(hash, r, tx.Now, use); c != nil {
		c.Confirmed, c.Unexplained = r.factor, r.unexplained
		return c, touch, nil
	}
	c, err := access.Load(tx.SQL(), id.ID(r.user))
	if err != nil {
		return nil, false, err
	}
	c.Tenant, c.Name, c.Email, c.AuthLevel, c.Confirmed, c.Unexplained, c.Session, c.Via = tx.Tenant.Name, r.name, r.email, r.level, r.factor, r.unexplained, id.ID(r.id).String(), "session"
	if sort == accessToken {
		c.Via = "token"
	}
	touch := s.cache.put(hash, r, c, tx.Now, use)
	return c, touch, nil
}

// touch notes that a session was used, at most once a minute. A failure costs
// nothing but a little idle time.
func (s *Sessions) touch(ctx context.Context, c *access.Caller, hash []byte) {
	err := s.Gate.Change(ctx, c, access.View, gate.Thing{}, func(tx *gate.Tx) error {
		_, err := tx.Exec(`update identity_session set seen_at = ? where hash = ?`, tx.Now, hash)
		return err
	})
	if err != nil {
		s.Gate.Log.WarnContext(ctx, "the use of a session could not be noted", "tenant", c.Tenant, "error", err)
	}
}

const (
	touchEvery = int64(time.Minute / time.Millisecond)
	maxCache   = 20_000
)

// cache remembers callers by the hash of their token. An entry is never trusted
// alone: each use has read the session's row, the user's version and the epoch
// of the rights in the same snapshot.
type cache struct {
	mu      sync.Mutex
	entries map[string]*entry
}

type entry struct {
	caller         access.Caller
	version, epoch int64
	level          int
	touched        int64 // when a use was last noted, or tried to be
}

func (c *cache) get(hash string, r *row, now int64, use bool) (*access.Caller, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[hash]
	if e == nil || e.version != r.version || e.epoch != r.epoch || e.level != r.level {
		return nil, false
	}
	out := e.caller
	return &out, use && e.due(r, now)
}

// put remembers a caller and tells whether its use is to be noted.
func (c *cache) put(hash string, r *row, caller *access.Caller, now int64, use bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = map[string]*entry{}
	}
	for old := range c.entries { // any: what is in use comes back with one more statement
		if len(c.entries) < maxCache {
			break
		}
		delete(c.entries, old)
	}
	e := &entry{caller: *caller, version: r.version, epoch: r.epoch, level: r.level}
	if old := c.entries[hash]; old != nil {
		e.touched = old.touched
	}
	c.entries[hash] = e
	return use && e.due(r, now)
}

func (e *entry) due(r *row, now int64) bool {
	if now-max(r.seen, e.touched) < touchEvery {
		return false
	}
	e.touched = now
	return true
}
