package identity

import (
	"context"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
)

// Limits are how long sessions last. A zero member stands for its default.
type Limits struct {
	Idle     time.Duration // a browser's session without a request: 2 hours
	Absolute time.Duration // a session whatever happens: 12 hours
	Token    time.Duration // an access token: 2 hours
}

// limit is one of the limits, with the bounds within which a tenant may set it.
type limit struct {
	name        string
	of          func(*Limits) *time.Duration
	usual       time.Duration
	least, most time.Duration
}

func limits() []limit {
	return []limit{
		{"idle", func(l *Limits) *time.Duration { return &l.Idle }, 2 * time.Hour, 5 * time.Minute, 24 * time.Hour},
		{"absolute", func(l *Limits) *time.Duration { return &l.Absolute }, 12 * time.Hour, 15 * time.Minute, 30 * 24 * time.Hour},
		{"token", func(l *Limits) *time.Duration { return &l.Token }, 2 * time.Hour, 5 * time.Minute, 24 * time.Hour},
	}
}

// LimitsOf gives the limits that hold in a tenant: its own where it has set some,
// else those of the installation.
func (s *Sessions) LimitsOf(tx *gate.Tx) (Limits, error) {
	out := s.Limits
	for _, l := range limits() {
		if d := l.of(&out); *d <= 0 {
			*d = l.usual
		}
	}
	rows, err := tx.Query(`select name, ms from identity_limit`)
	if err != nil {
		return out, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var ms int64
		if err := rows.Scan(&name, &ms); err != nil {
			return out, err
		}
		for _, l := range limits() {
			if l.name == name {
				*l.of(&out) = time.Duration(ms) * time.Millisecond
			}
		}
	}
	return out, rows.Err()
}

// SetLimits sets the limits of the caller's tenant. Open sessions and access
// tokens end by the new ones where those are shorter. Invalid, with the fields
// idle, absolute and token, for what is out of bounds.
func (s *Sessions) SetLimits(ctx context.Context, c *access.Caller, to Limits) error {
	return s.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		if err := to.check(); err != nil {
			return err
		}
		was, err := s.LimitsOf(tx)
		if err != nil {
			return err
		}
		e := tx.Entry()
		e.Action = "session.limits"
		for _, l := range limits() {
			d := *l.of(&to)
			if d == *l.of(&was) {
				continue
			}
			e.Detail.Fields = append(e.Detail.Fields, l.name)
			if _, err := tx.Exec(`insert into identity_limit (name, ms) values (?, ?) on conflict (name) do update set ms = excluded.ms`, l.name, d.Milliseconds()); err != nil {
				return err
			}
		}
		if len(e.Detail.Fields) == 0 {
			tx.Withdraw(e)
			return nil
		}
		e.Detail.Text = "idle " + to.Idle.String() + ", at most " + to.Absolute.String() + ", tokens " + to.Token.String()
		return shorten(tx, to)
	})
}

func (to *Limits) check() error {
	bad := map[string]string{}
	for _, l := range limits() {
		if d := *l.of(to); d < l.least || d > l.most {
			bad[l.name] = "This is between " + l.least.String() + " and " + l.most.String() + "."
		}
	}
	if len(bad) == 0 && to.Idle > to.Absolute {
		bad["idle"] = "This cannot be longer than a session lasts at most."
	}
	return fault.Fields(bad)
}

// shorten brings open sessions to limits that are shorter than theirs.
func shorten(tx *gate.Tx, to Limits) error {
	for _, x := range []struct {
		sort string
		life time.Duration
	}{{webSession, to.Absolute}, {accessToken, to.Token}} {
		ms := x.life.Milliseconds()
		if _, err := tx.Exec(`update identity_session set expires_at = created_at + ? where sort = ? and expires_at > created_at + ?`, ms, x.sort, ms); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`update identity_session set idle_ms = ? where sort = ? and idle_ms > ?`, to.Idle.Milliseconds(), webSession, to.Idle.Milliseconds())
	return err
}
