package clock_test

import (
	"testing"
	"time"

	"strongroom/internal/feature/sla/clock"
)

// BenchmarkCompute answers for a ticket of ten moves, over two weeks and over two
// years.
func BenchmarkCompute(b *testing.B) {
	d := newDesk(b)
	d.agree("gold", "", resolve(0, 4000*time.Hour), clock.Target{Measure: clock.Response, Goal: clock.Goal{Time: time.Hour}})
	for name, days := range map[string]int{"two weeks": 14, "two years": 730} {
		b.Run(name, func(b *testing.B) {
			start := on(b, "2026-01-05 09:00")
			events := []clock.Event{d.born("2026-01-05 09:00")}
			for i := range 10 {
				p := []clock.Phase{clock.OnHold, clock.Working}[i%2]
				events = append(events, clock.Event{Seq: int64(i + 1), At: start.AddDate(0, 0, days*i/10), Phase: p})
			}
			now := start.AddDate(0, 0, days)
			for b.Loop() {
				if _, err := clock.Compute(events, d.terms, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
