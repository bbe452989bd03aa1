package local

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"strongroom/internal/base/fault"
)

// Cost is how dear one Argon2id hash is.
type Cost struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

// DefaultCost is 64 MiB in three passes, the second choice of RFC 9106 with one
// thread: a server has other uses for its cores.
func DefaultCost() Cost { return Cost{Memory: 64 << 10, Time: 3, Threads: 1} }

// Hasher hashes passwords, a few at a time: each needs much memory and a core. Others
// wait, a bounded number of them for a bounded time; the rest is refused at once.
// The zero value is ready.
type Hasher struct {
	Cost  Cost          // zero is DefaultCost
	Slots int           // how many at once, at least 2; 0 goes by cores and memory
	Wait  time.Duration // how long one waits for a slot; 0 is 5 seconds
	Queue int           // how many strangers may wait at once, and how many known devices; 0 is 64

	once    sync.Once
	anybody chan struct{}   // slots for everybody
	known   chan struct{}   // one more for known devices: strangers cannot take all
	waiting [2]atomic.Int64 // strangers, known devices
}

func (h *Hasher) start() {
	h.once.Do(func() {
		if h.Cost == (Cost{}) {
			h.Cost = DefaultCost()
		}
		if h.Slots == 0 {
			h.Slots = min(runtime.GOMAXPROCS(0), 8)
			if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 { // at most a quarter of what GOMEMLIMIT allows
				h.Slots = min(h.Slots, int(limit/4/(int64(h.Cost.Memory)<<10)))
			}
		}
		if h.Wait == 0 {
			h.Wait = 5 * time.Second
		}
		if h.Queue == 0 {
			h.Queue = 64
		}
		h.Slots = max(h.Slots, 2)
		h.anybody, h.known = make(chan struct{}, h.Slots-1), make(chan struct{}, 1)
	})
}

// enter waits for a slot and gives the function that frees it.
func (h *Hasher) enter(ctx context.Context, known bool) (leave func(), err error) {
	h.start()
	var own chan struct{}
	waiting := &h.waiting[0]
	if known {
		own, waiting = h.known, &h.waiting[1]
	}
	defer waiting.Add(-1)
	if waiting.Add(1) > int64(h.Queue) { // who cannot be served in time is told at once
		return nil, h.crowd()
	}
	timer := time.NewTimer(h.Wait)
	defer timer.Stop()
	select {
	case h.anybody <- struct{}{}:
		return func() { <-h.anybody }, nil
	case own <- struct{}{}:
		return func() { <-own }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
	}
	return nil, h.crowd()
}

// crowd is what who cannot be served is told.
func (h *Hasher) crowd() error {
	e := fault.New(fault.Throttled, "Too many people are signing in at this moment.").WithHint("Wait a few seconds, then try again.")
	e.After = h.Wait
	return e
}

// Hash gives the PHC string of a password. known says that who waits does not
// queue behind strangers. Throttled when no slot came free in time.
func (h *Hasher) Hash(ctx context.Context, password string, known bool) (string, error) {
	leave, err := h.enter(ctx, known)
	if err != nil {
		return "", err
	}
	defer leave()
	salt := make([]byte, 16)
	rand.Read(salt)
	p := phc{cost: h.Cost, salt: salt}
	p.sum = p.derive(password, 32)
	return p.String(), nil
}

// Verify tells whether a password belongs to a stored hash, and whether that
// hash was made with less than the present cost. An empty hash belongs to no
// password and takes as long as another.
func (h *Hasher) Verify(ctx context.Context, stored, password string, known bool) (ok, outdated bool, err error) {
	leave, err := h.enter(ctx, known)
	if err != nil {
		return false, false, err
	}
	defer leave()
	p, real := phc{cost: h.Cost, salt: make([]byte, 16), sum: make([]byte, 32)}, false
	if stored != "" {
		if p, err = parsePHC(stored); err != nil {
			return false, false, err
		}
		real = true
	}
	if len(password) > maxBytes {
		password, real = "", false
	}
	same := subtle.ConstantTimeCompare(p.derive(password, uint32(len(p.sum))), p.sum) == 1
	return same && real, p.cost != h.Cost, nil
}

// phc is a hash in the PHC string format:
// $argon2id$v=19$m=65536,t=3,p=1$<salt>$<sum>, both base64 without padding.
type phc struct {
	cost      Cost
	salt, sum []byte
}

// derive hashes the NFKC form of the password (NIST SP 800-63B, 3.1.1.2), so
// that two keyboards that write an accent differently open the same account.
func (p phc) derive(password string, n uint32) []byte {
	return argon2.IDKey([]byte(norm.NFKC.String(password)), p.salt, p.cost.Time, p.cost.Memory, p.cost.Threads, n)
}

func (p phc) String() string {
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.cost.Memory, p.cost.Time, p.cost.Threads, b.EncodeToString(p.salt), b.EncodeToString(p.sum))
}

// The bounds of what is believed of a stored hash, so that an altered one
// cannot make the server stop.
const (
	maxMemory = 1 << 20 // KiB
	maxTime   = 64
)

func parsePHC(s string) (phc, error) {
	bad := fault.New(fault.Internal, "A stored password hash cannot be read.")
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return phc{}, bad
	}
	var p phc
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.cost.Memory, &p.cost.Time, &p.cost.Threads); err != nil {
		return phc{}, bad
	}
	if p.cost.Memory < 8*uint32(p.cost.Threads) || p.cost.Memory > maxMemory || p.cost.Time == 0 || p.cost.Time > maxTime || p.cost.Threads == 0 {
		return phc{}, bad
	}
	var err1, err2 error
	p.salt, err1 = base64.RawStdEncoding.DecodeString(parts[4])
	p.sum, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(p.salt) < 8 || len(p.sum) < 16 || len(p.sum) > 64 || p.String() != s {
		return phc{}, bad
	}
	return p, nil
}
