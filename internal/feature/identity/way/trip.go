package way

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"time"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity/method"
)

// tripTime is how long somebody may be away at the other side.
const tripTime = 15 * time.Minute

// trip is what the browser keeps, sealed under a key of the tenant, while its
// person is at the other side.
type trip struct {
	Way   id.ID  `json:"way"`
	User  id.ID  `json:"user,omitempty"` // who wants to be connected; 0 to sign in
	To    string `json:"to,omitempty"`
	State []byte `json:"state"`
	Until int64  `json:"until"` // Unix milliseconds
}

// lost is what somebody is told who comes back without having left.
func lost() error {
	return fault.New(fault.Invalid, "This sign-in did not begin in this browser, or too long ago.").WithHint("Begin again at the sign-in page.")
}

// Begin sends somebody to the other side of a way: to is where, and cookie is what
// her browser keeps until she is back. back is the page she then sees. user is who
// wants the way to be connected with herself; 0 to sign in.
func (w *Ways) Begin(ctx context.Context, tenant string, way id.ID, back string, user id.ID) (to method.Away, cookie string, err error) {
	x, m, err := w.Open(ctx, tenant, way)
	if err != nil {
		return to, "", err
	}
	r, ok := m.(method.Redirect)
	if !ok {
		return to, "", gate.Missing()
	}
	away, state, err := r.Start(ctx, Home(tenant, x)+"/return")
	if err != nil {
		return to, "", err
	}
	t := trip{Way: way, User: user, To: back, State: state, Until: w.now().Add(tripTime).UnixMilli()}
	err = w.Gate.View(ctx, access.System(tenant, "sign-in"), func(tx *gate.Tx) (err error) { cookie, err = t.seal(tx); return err })
	return away, cookie, err
}

// Arrival is somebody who came back from the other side.
type Arrival struct {
	Claim     method.Claim // with the user
	To        string
	Connected bool // the way was connected with the user, who had asked for it
}

// Return takes somebody back: cookie is what her browser kept, query what the other
// side sends along, user who is signed in there, or 0. Fault kinds: Invalid for
// what did not begin in this browser, Unauthorized for what proves nothing, Denied
// for somebody who is not known here.
func (w *Ways) Return(ctx context.Context, tenant string, way id.ID, cookie string, query url.Values, user id.ID) (*Arrival, error) {
	x, m, err := w.Open(ctx, tenant, way)
	if err != nil {
		return nil, err
	}
	r, ok := m.(method.Redirect)
	if !ok {
		return nil, gate.Missing()
	}
	if u, ok := m.(method.Unasked); ok && cookie == "" {
		return w.unasked(ctx, tenant, x, u, query)
	}
	var t trip
	err = w.Gate.View(ctx, access.System(tenant, "sign-in"), func(tx *gate.Tx) (err error) { t, err = readTrip(tx, cookie); return err })
	if err != nil {
		return nil, err
	}
	if t.Way != way || w.now().UnixMilli() >= t.Until || t.User != 0 && t.User != user {
		return nil, lost()
	}
	claim, err := r.Return(ctx, method.Trip{Callback: Home(tenant, x) + "/return", State: t.State}, query)
	if err != nil {
		return nil, err
	}
	if t.User != 0 {
		err = w.connect(ctx, tenant, x, &claim, t.User)
		return &Arrival{Claim: claim, To: t.To, Connected: true}, err
	}
	err = w.arrive(ctx, tenant, x, &claim)
	return &Arrival{Claim: claim, To: t.To}, err
}

// unasked takes somebody who did not begin here. It signs in and connects nobody: to
// be connected one begins here.
func (w *Ways) unasked(ctx context.Context, tenant string, x *Way, u method.Unasked, query url.Values) (*Arrival, error) {
	claim, err := u.Unasked(ctx, Home(tenant, x)+"/return", query)
	if err == nil {
		err = w.arrive(ctx, tenant, x, &claim)
	}
	if err != nil {
		return nil, err
	}
	return &Arrival{Claim: claim, To: query.Get("RelayState")}, nil
}

func (t trip) seal(tx *gate.Tx) (string, error) {
	g, err := browserKey(tx, "trip")
	if err != nil {
		return "", err
	}
	plain, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(g.Seal(nil, nil, plain, nil)), nil
}

// mostTrip is the longest cookie that is looked at, in bytes.
const mostTrip = 3900

func readTrip(tx *gate.Tx, cookie string) (t trip, err error) {
	g, err := browserKey(tx, "trip")
	if err != nil {
		return t, err
	}
	raw, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil || cookie == "" || len(cookie) > mostTrip {
		return t, lost()
	}
	plain, err := g.Open(nil, nil, raw, nil)
	if err != nil || json.Unmarshal(plain, &t) != nil {
		return t, lost()
	}
	return t, nil
}

// browserKey is what seals what browsers keep, and what is kept for them.
func browserKey(tx *gate.Tx, label string) (cipher.AEAD, error) {
	key, err := envelope.Derive(tx.Tenant.Keys.Index, "strongroom/way/"+label+"/1", tx.Tenant.ID)
	if err != nil {
		return nil, err
	}
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(b)
}

// Ask gives a word with which the user who asks can begin to connect a way with
// herself, for a few minutes: a link alone, made by somebody else, cannot.
func (w *Ways) Ask(ctx context.Context, c *access.Caller, way id.ID) (word string, err error) {
	err = w.Gate.View(ctx, c, func(tx *gate.Tx) (err error) {
		word, err = trip{Way: way, User: c.User, To: c.Session, Until: w.now().Add(tripTime).UnixMilli()}.seal(tx)
		return err
	})
	return word, err
}

// Asked checks the word that Ask gave in the same session.
func (w *Ways) Asked(ctx context.Context, c *access.Caller, way id.ID, word string) error {
	var t trip
	err := w.Gate.View(ctx, c, func(tx *gate.Tx) (err error) { t, err = readTrip(tx, word); return err })
	if err != nil {
		return err
	}
	if t.Way != way || t.User != c.User || t.To != c.Session || len(t.State) > 0 || w.now().UnixMilli() >= t.Until {
		return lost()
	}
	return nil
}
