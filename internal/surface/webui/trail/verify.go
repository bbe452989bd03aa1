package trail

import (
	"sync"
	"time"

	"strongroom/internal/core/audit"
)

// verifications are the verifications of audit logs that run now or ran last,
// one of a tenant. The zero value is ready.
type verifications struct {
	mu   sync.Mutex
	last map[string]*verification
}

type verification struct {
	began time.Time
	done  chan struct{} // closed when report and err are there

	report audit.Report
	err    error
}

// begin starts a verification, unless one of the tenant runs: then it gives that.
func (v *verifications) begin(tenant string, now time.Time, run func() (audit.Report, error)) *verification {
	v.mu.Lock()
	defer v.mu.Unlock()
	if c := v.last[tenant]; c != nil {
		if _, done, _ := c.result(); !done {
			return c
		}
	}
	if v.last == nil {
		v.last = map[string]*verification{}
	}
	c := &verification{began: now.UTC(), done: make(chan struct{})}
	v.last[tenant] = c
	go func() {
		defer close(c.done)
		c.report, c.err = run()
	}()
	return c
}

// of gives the tenant's verification; nil when there was none.
func (v *verifications) of(tenant string) *verification {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.last[tenant]
}

// result gives what came out, once it is done.
func (c *verification) result() (audit.Report, bool, error) {
	select {
	case <-c.done:
		return c.report, true, c.err
	default:
		return audit.Report{}, false, nil
	}
}
