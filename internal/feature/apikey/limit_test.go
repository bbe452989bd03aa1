package apikey_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/feature/apikey"
)

func caller(key string) *access.Caller { return &access.Caller{Tenant: "demo", Session: key} }

func TestLimit(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	m := &apikey.Limiter{Now: func() time.Time { return now }}
	l := apikey.DefaultLimit()
	take := func(key string, most int) (n int, err error) {
		for n < most {
			if err = m.Take(caller(key), l); err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	}
	n, err := take("1", 5000)
	if n != 3000 || !fault.Is(err, fault.Throttled) || fault.Say(err).After <= 0 {
		t.Fatalf("%d requests, then %v", n, err)
	}
	if n, err := take("2", 10); n != 10 {
		t.Errorf("another key has %d: %v", n, err)
	}
	if err := m.Take(caller("1"), apikey.Limit{}); err != nil {
		t.Errorf("without a limit: %v", err)
	}
	now = now.Add(299 * time.Second)
	if n, _ := take("1", 10); n != 0 {
		t.Errorf("%d within the window", n)
	}
	now = now.Add(fault.Say(m.Take(caller("1"), l)).After)
	if n, _ := take("1", 1); n != 1 {
		t.Error("refused after waiting as long as it was told")
	}
	now = now.Add(10 * time.Minute)
	if n, _ := take("1", 5000); n != 3000 {
		t.Errorf("%d after a pause", n)
	}
}

// TestLimitHolds: in no window are there more requests than allowed, apart from
// what counting the window before in part lets through; and who waits as long
// as told may go on.
func TestLimitHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.UnixMilli(1_800_000_000_000)
		m := &apikey.Limiter{Now: func() time.Time { return now }}
		l := apikey.Limit{Requests: rapid.IntRange(1, 20).Draw(t, "requests"), Window: time.Duration(rapid.IntRange(1, 60).Draw(t, "window")) * time.Second}
		var taken []time.Time
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, l.Window.Milliseconds()/4).Draw(t, "passes")) * time.Millisecond)
			err := m.Take(caller("1"), l)
			if err == nil {
				taken = append(taken, now)
				inside := 0
				for _, at := range taken {
					if now.Sub(at) < l.Window {
						inside++
					}
				}
				if inside > 2*l.Requests {
					t.Fatalf("%d requests within %s, allowed are %d", inside, l.Window, l.Requests)
				}
				continue
			}
			after := fault.Say(err).After
			if after <= 0 || after > 2*l.Window {
				t.Fatalf("told to wait %s with a window of %s", after, l.Window)
			}
			now = now.Add(after)
			if err := m.Take(caller("1"), l); err != nil {
				t.Fatalf("waited %s as told and was refused: %v", after, err)
			}
			taken = append(taken, now)
		}
	})
}
