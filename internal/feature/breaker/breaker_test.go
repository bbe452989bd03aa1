package breaker_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/keys/service"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/breaker"
	"strongroom/internal/feature/notification"
)

type house struct {
	*coretest.House
	t     *testing.T
	pws   []id.ID
	boss  *access.Caller
	eve   *access.Caller
	shows *secret.Revealer
}

func open(t *testing.T) *house {
	t.Helper()
	budget := service.Budgets{Bulk: service.Budget{PerSecond: 0.001, Burst: 50}}
	h := &house{House: coretest.Open(t, coretest.Options{Keys: service.Options{Budgets: budget}, Features: []record.Feature{{Name: "test", Kinds: coretest.Kinds()}, notification.Feature(), breaker.Feature()}}), t: t}
	org := h.Org("Harbour Dental")
	for n := range 8 {
		h.pws = append(h.pws, h.Make("password", org, record.Values{"name": fmt.Sprintf("Password %d", n), "password": "x"}))
	}
	h.boss, h.eve = h.User(access.Administrator), h.User(access.Manager)
	h.start()
	h.limit(breaker.Limits{People: 4, Keys: 2, Window: time.Hour, Pause: 10 * time.Minute})
	return h
}

// start begins anew as a process that was started again does.
func (h *house) start() {
	h.shows = &secret.Revealer{Gate: h.Gate, Keys: h.Keys.Client, Policies: []secret.Policy{new(breaker.Breaker).Policy}}
}

func (h *house) limit(l breaker.Limits) {
	h.t.Helper()
	if err := breaker.SetLimits(h.t.Context(), h.Gate, h.boss, l); err != nil {
		h.t.Fatal(err)
	}
}

// shown tells how many of the passwords from..to-1 are shown to c, one after the
// other, and gives what the last refusal says.
func (h *house) shown(c *access.Caller, from, to int) (n int, says string) {
	h.t.Helper()
	for _, pw := range h.pws[from:to] {
		h.Clock.Advance(time.Second)
		_, err := h.shows.Reveal(h.t.Context(), c, secret.Ref{Kind: "password", Object: pw, Field: "password"}, "")
		switch {
		case err == nil:
			n++
		case fault.Is(err, fault.Denied):
			says = fault.Say(err).Text
		default:
			h.t.Fatal(err)
		}
	}
	return n, says
}

func (h *house) told(c *access.Caller) (out []string) {
	h.t.Helper()
	h.View(c, func(tx *gate.Tx) error {
		p, err := notification.List(tx, notification.Query{Unread: true})
		for _, l := range p.Lines {
			out = append(out, l.Plain())
		}
		return err
	})
	return out
}

func (h *house) stopped() (out []breaker.Stopped) {
	h.t.Helper()
	h.View(h.boss, func(tx *gate.Tx) (err error) {
		out, err = breaker.List(tx)
		return err
	})
	return out
}

func TestBreaker(t *testing.T) {
	h := open(t)
	for range 5 { // the same again and again is one
		if n, _ := h.shown(h.eve, 0, 3); n != 3 {
			t.Fatalf("%d are shown", n)
		}
	}
	if n, _ := h.shown(h.eve, 3, 4); n != 1 || len(h.stopped()) != 1 {
		t.Fatalf("the fourth: %d shown, stopped %v", n, h.stopped())
	}
	until := h.Clock.Now().Add(10*time.Minute).UTC().Format("2006-01-02 15:04") + " UTC"
	for range 2 {
		if n, says := h.shown(h.eve, 0, 8); n != 0 || !strings.Contains(says, "Until "+until) {
			t.Errorf("after it: %d shown, %q", n, says)
		}
		h.start() // a restart changes nothing
	}
	if n, _ := h.shown(h.boss, 0, 2); n != 2 {
		t.Errorf("another one: %d shown", n)
	}
	told := h.told(h.boss)
	if len(told) != 1 || !strings.Contains(told[0], "opened the secrets of 4 records and is stopped until "+until) || len(h.told(h.eve)) != 0 {
		t.Errorf("administrators were told %q", told)
	}
	var opened, refused int
	h.View(h.boss, func(tx *gate.Tx) error {
		list, err := tx.Activity(audit.Filter{Actor: h.eve.User, Limit: 1000})
		for _, e := range list {
			if e.Action == breaker.Opened {
				opened++
			}
			if e.Result == audit.Refused {
				refused += int(max(e.Count, 1))
			}
		}
		return err
	})
	if opened != 1 || refused == 0 {
		t.Errorf("the log has %d entries of it and %d refusals", opened, refused)
	}
	h.Clock.Advance(11 * time.Minute)
	if n, _ := h.shown(h.eve, 0, 8); n != 4 {
		t.Errorf("after the pause: %d shown", n)
	}
}

func TestWindowSlides(t *testing.T) {
	h := open(t)
	for n := range 8 {
		if k, says := h.shown(h.eve, n, n+1); k != 1 {
			t.Fatalf("password %d: %s", n, says)
		}
		if n == 4 {
			h.start() // what was shown before is read from the log
		}
		h.Clock.Advance(21 * time.Minute)
	}
	if len(h.stopped()) != 0 {
		t.Error("three an hour stopped somebody")
	}
	if n, _ := h.shown(h.eve, 0, 4); n != 2 { // two are of the last hour
		t.Errorf("%d shown", n)
	}
}

func TestARestartForgetsNothing(t *testing.T) {
	h := open(t)
	h.shown(h.eve, 0, 3)
	h.start()
	if n, _ := h.shown(h.eve, 3, 8); n != 1 {
		t.Errorf("after a restart %d more are shown", n)
	}
}

// TestAKeyIsCountedByItself, apart from its owner.
func TestAKeyIsCountedByItself(t *testing.T) {
	h := open(t)
	key := *h.eve
	key.Via, key.Session = "api key", "k-1"
	h.Change(func(tx *gate.Tx) (err error) {
		if key.Key, err = tx.NewID(); err != nil {
			return err
		}
		return access.SetKey(tx.SQL(), key.Key, 0)
	})
	if n, _ := h.shown(&key, 0, 8); n != 2 {
		t.Errorf("by the key %d are shown", n)
	}
	if n, _ := h.shown(h.eve, 0, 8); n != 4 {
		t.Errorf("to its owner %d are shown", n)
	}
	if list := h.stopped(); len(list) != 2 || list[1].Key != key.Key || list[0].Key != 0 {
		t.Errorf("stopped are %+v", list)
	}
}

func TestExportsAreCountedApart(t *testing.T) {
	h := open(t)
	var refs []secret.Ref
	for _, pw := range h.pws {
		refs = append(refs, secret.Ref{Kind: "password", Object: pw, Field: "password"})
	}
	got := 0
	err := h.shows.RevealMany(t.Context(), h.eve, refs, "", func(_ secret.Ref, text string, withheld error) error {
		if text == "x" && withheld == nil {
			got++
		}
		return nil
	})
	if err != nil || got != 8 || len(h.stopped()) != 0 {
		t.Errorf("%d of an export, %v", got, err)
	}
}

// TestBudgetIsTold: when the key service refuses an export because its budget is used up,
// administrators are told once in an hour, it is in the log, and nobody is stopped.
func TestBudgetIsTold(t *testing.T) {
	h := open(t)
	h.shows.Throttled = breaker.Throttled(h.Gate)
	refs := []secret.Ref{{Kind: "password", Object: h.pws[0], Field: "password"}}
	export := func() error {
		return h.shows.RevealMany(t.Context(), h.eve, refs, "", func(secret.Ref, string, error) error { return nil })
	}
	for range 50 { // of the budget
		if err := export(); err != nil {
			t.Fatal(err)
		}
	}
	if list := h.told(h.boss); len(list) != 0 {
		t.Errorf("before it: %q", list)
	}
	for range 3 {
		if err := export(); !fault.Is(err, fault.Throttled) {
			t.Fatalf("beyond the budget: %v", err)
		}
	}
	list := h.told(h.boss)
	if len(list) != 1 || !strings.Contains(list[0], "refused to open more secrets while") || !strings.Contains(list[0], "exported") {
		t.Errorf("told is %q", list)
	}
	if len(h.stopped()) != 0 || len(h.told(h.eve)) != 0 {
		t.Errorf("stopped are %v, and who it was is told %q", h.stopped(), h.told(h.eve))
	}
}

func TestResume(t *testing.T) {
	h := open(t)
	h.shown(h.eve, 0, 4)
	if err := breaker.Resume(t.Context(), h.Gate, h.eve, h.eve.User, 0); !fault.Is(err, fault.Denied) {
		t.Errorf("by a manager: %v", err)
	}
	h.shown(h.boss, 0, 4)
	if err := breaker.Resume(t.Context(), h.Gate, h.boss, h.boss.User, 0); !fault.Is(err, fault.Denied) {
		t.Errorf("by oneself: %v", err)
	}
	if err := breaker.Resume(t.Context(), h.Gate, h.boss, h.eve.User, 0); err != nil {
		t.Fatal(err)
	}
	if n, _ := h.shown(h.eve, 4, 8); n != 4 {
		t.Errorf("after it %d are shown", n)
	}
	if err := breaker.Resume(t.Context(), h.Gate, h.boss, 12345, 0); !fault.Is(err, fault.NotFound) {
		t.Errorf("of nobody: %v", err)
	}
}

func TestLimits(t *testing.T) {
	h := open(t)
	good := breaker.Limits{Window: time.Hour, Pause: time.Hour}
	for field, l := range map[string]breaker.Limits{
		"people": {People: -1, Window: time.Hour, Pause: time.Hour}, "keys": {Keys: 1 << 30, Window: time.Hour, Pause: time.Hour},
		"window": {Pause: time.Hour}, "pause": {Window: time.Hour, Pause: 365 * 24 * time.Hour},
	} {
		if err := breaker.SetLimits(t.Context(), h.Gate, h.boss, l); fault.Say(err).Fields[field] == "" {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := breaker.SetLimits(t.Context(), h.Gate, h.eve, good); !fault.Is(err, fault.Denied) {
		t.Errorf("by a manager: %v", err)
	}
	h.limit(good) // none
	if n, _ := h.shown(h.eve, 0, 8); n != 8 {
		t.Errorf("without limits %d are shown", n)
	}
	h.View(h.boss, func(tx *gate.Tx) error {
		l, err := breaker.LimitsOf(tx)
		if l != good {
			t.Errorf("the limits are %+v", l)
		}
		return err
	})
}
