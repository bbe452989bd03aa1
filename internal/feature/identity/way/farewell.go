package way

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity/method"
)

// farewell is what is kept of a session at the other side, sealed under a key of
// the tenant, and given to the browser that leaves.
type farewell struct {
	Way   id.ID  `json:"way"`
	Leave []byte `json:"leave"`
	Until int64  `json:"until,omitempty"` // Unix milliseconds, of what a browser keeps
}

// farewellTime is how long a browser may ask the other side to end its session.
const farewellTime = 5 * time.Minute

func sealFarewell(tx *gate.Tx, f farewell) ([]byte, error) {
	if f.Leave == nil {
		return nil, nil
	}
	g, err := browserKey(tx, "farewell")
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	return g.Seal(nil, nil, plain, nil), nil
}

func openFarewell(tx *gate.Tx, sealed []byte) (f farewell, err error) {
	g, err := browserKey(tx, "farewell")
	if err != nil {
		return f, err
	}
	plain, err := g.Open(nil, nil, sealed, nil)
	if err != nil || json.Unmarshal(plain, &f) != nil {
		return f, lost()
	}
	return f, nil
}

// Leaving is a way whose other side is to be told that somebody signs out here.
type Leaving struct {
	Way    id.ID
	Cookie string // for Leave
}

// Leaving tells on which session of another system that of the caller stands, where
// that is to be ended with it; nil where there is none.
func (w *Ways) Leaving(ctx context.Context, c *access.Caller) (*Leaving, error) {
	session, ok := id.Parse(c.Session)
	if !ok {
		return nil, nil
	}
	var out *Leaving
	err := w.Gate.View(ctx, access.System(c.Tenant, "sign-in"), func(tx *gate.Tx) error {
		var sealed []byte
		err := tx.QueryRow(`select s.leave from sign_in_session s join sign_in_way w on w.id = s.way_id where s.session_id = ? and w.active = 1 and s.leave is not null`, int64(session)).Scan(&sealed)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		f, err := openFarewell(tx, sealed)
		if err != nil {
			return err
		}
		f.Until = tx.Now + farewellTime.Milliseconds()
		if sealed, err = sealFarewell(tx, f); err == nil {
			out = &Leaving{f.Way, base64.RawURLEncoding.EncodeToString(sealed)}
		}
		return err
	})
	return out, err
}

// Leave gives where the browser goes to end the session of the other side. Invalid
// for a cookie that Leaving did not give, or too long ago.
func (w *Ways) Leave(ctx context.Context, tenant string, way id.ID, cookie string) (method.Away, error) {
	b, _, err := w.farewell(ctx, tenant, way)
	if err != nil {
		return method.Away{}, err
	}
	raw, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil || len(cookie) > mostTrip {
		return method.Away{}, lost()
	}
	var f farewell
	err = w.Gate.View(ctx, access.System(tenant, "sign-in"), func(tx *gate.Tx) (err error) { f, err = openFarewell(tx, raw); return err })
	if err != nil {
		return method.Away{}, err
	}
	if f.Way != way || w.now().UnixMilli() >= f.Until {
		return method.Away{}, lost()
	}
	return b.Leave(ctx, f.Leave)
}

func (w *Ways) farewell(ctx context.Context, tenant string, way id.ID) (method.Farewell, *Way, error) {
	x, m, err := w.Open(ctx, tenant, way)
	if err != nil {
		return nil, nil, err
	}
	b, ok := m.(method.Farewell)
	if !ok {
		return nil, nil, gate.Missing()
	}
	return b, x, nil
}

// Parting is what became of a message about sessions that end.
type Parting struct {
	Name   string      // of the way
	Wish   bool        // of the other side; else it answered ours
	Away   method.Away // where the browser goes with our answer; no To when none is wanted
	Partly bool        // the other side did not end everything
}

// Told takes what the other side says, by the browser, of sessions that end: its
// wish, which is met and answered, or its answer to ours. Unauthorized for what
// proves nothing.
func (w *Ways) Told(ctx context.Context, tenant string, way id.ID, m method.Message) (*Parting, error) {
	b, x, err := w.farewell(ctx, tenant, way)
	if err != nil {
		return nil, err
	}
	t, err := b.Told(ctx, m)
	if err != nil {
		return nil, err
	}
	p := &Parting{Name: x.Name, Wish: t.Ended != nil, Partly: t.Partly}
	if !p.Wish {
		return p, nil
	}
	done := t.Ended.Subject != "" || len(t.Ended.Sessions) > 0
	if done {
		if err = w.End(ctx, tenant, x, *t.Ended); err != nil {
			return nil, err
		}
	}
	if p.Away, err = b.Answer(ctx, t, done); fault.Is(err, fault.Unavailable) { // it takes no answers
		err = nil
	}
	return p, err
}
