package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// StormRate is how many people try to sign in each second of a storm.
const StormRate = 100

// Storm is what came of a storm of sign-ins: each by another stranger, from a network of
// her own, so that nothing but the number of them slows them down.
type Storm struct {
	Sent    int64 `json:"sent"`
	Checked int64 `json:"checked"` // whose password was hashed and compared
	Refused int64 `json:"refused"` // told that too many sign in, and when to come back
	Failed  int64 `json:"failed"`  // answered in another way, or not at all
}

// storm begins a storm and gives what ends it, which waits until all have their answers.
func (h *House) storm(ctx context.Context) func() *Storm {
	ctx, stop := context.WithCancel(ctx)
	var sent, checked, refused, failed atomic.Int64
	var all sync.WaitGroup
	c := newHTTP()
	one := func(n uint64) {
		sent.Add(1)
		switch status, after := h.try(ctx, c, n); {
		case status == http.StatusTooManyRequests && after:
			refused.Add(1)
		case status >= 400 && status < 500 && status != http.StatusTooManyRequests:
			checked.Add(1)
		case ctx.Err() == nil:
			failed.Add(1)
		}
	}
	all.Go(func() {
		tick := time.NewTicker(time.Second / StormRate)
		defer tick.Stop()
		for n := uint64(0); ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				all.Go(func() { one(n) })
			}
		}
	})
	return func() *Storm {
		stop()
		all.Wait()
		return &Storm{sent.Load(), checked.Load(), refused.Load(), failed.Load()}
	}
}

// try signs in as nobody whom the server knows. after tells whether the answer says when
// to come back.
func (h *House) try(ctx context.Context, c *http.Client, n uint64) (status int, after bool) {
	r := rand.New(rand.NewPCG(n, 11)) // #nosec G404,G115 -- made-up people
	form := url.Values{"tenant": {h.People[0].Tenant}, "email": {fmt.Sprintf("stranger-%d@storm.example", r.Uint64())}, "password": {"a guess of somebody else"}}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+"/sign-in", strings.NewReader(form.Encode()))
	if err != nil {
		return 0, false
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.Header.Set("X-Forwarded-For", fmt.Sprintf("11.%d.%d.%d", r.IntN(256), r.IntN(256), r.IntN(256)))
	resp, err := c.Do(q)
	if err != nil {
		return 0, false
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Retry-After") != ""
}
