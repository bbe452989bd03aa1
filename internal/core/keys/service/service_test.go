package service_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/fips140"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/merkle"
	"strongroom/internal/core/keys"
	"strongroom/internal/core/keys/keystest"
	"strongroom/internal/core/keys/service"
)

// must gives v, or ends the test.
func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func want(t testing.TB, what string, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("%s: %v, want %v", what, err, kind)
		return
	}
	f := fault.Say(err)
	if f.Text == "" || !strings.HasSuffix(f.Text, ".") {
		t.Errorf("%s: %q is not a sentence", what, f.Text)
	}
}

// always is the skew of a service whose clock the test sets.
const always = time.Duration(1<<63 - 1)

func header(tenant string) envelope.Header {
	return envelope.Header{Class: envelope.ClassServer, Tenant: tenant, Kind: "password", Container: 2, Object: 42, Field: "password", Version: 1, Time: 1}
}

func ticket(tenant string) keys.Ticket {
	return keys.Ticket{Tenant: tenant, Subject: 5, Session: "s1", Action: "password.reveal", Object: 42, Kind: "password", Field: "password", Version: 1, Time: time.Now().UnixMilli(), AuditSeq: 9}
}

// seal seals a secret to the tenant's present key.
func seal(t testing.TB, c *keys.Client, h envelope.Header, plain string) *envelope.Envelope {
	t.Helper()
	m := must[keys.Material](t)(c.Tenant(t.Context(), h.Tenant))
	b, _, err := envelope.Seal(h, []envelope.PublicKey{m.Public}, []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return must[*envelope.Envelope](t)(envelope.Parse(b))
}

func reveal(t testing.TB, c *keys.Client, e *envelope.Envelope) (string, error) {
	t.Helper()
	k, err := c.Unwrap(t.Context(), ticket(e.Header().Tenant), e.HeaderBytes(), e.Recipients()[0])
	if err != nil {
		return "", err
	}
	p, err := e.Open(k)
	return string(p), err
}

func tenant(t testing.TB, c *keys.Client, name, suite string) {
	t.Helper()
	if err := c.CreateTenant(t.Context(), name, suite); err != nil {
		t.Fatal(err)
	}
}

// rsaSuite is the smallest one that may be made in this mode.
func rsaSuite() string {
	if fips140.Enforced() {
		return keys.RSA3072
	}
	return keys.RSA2048
}

func TestLifeOfATenant(t *testing.T) {
	s := keystest.Start(t, service.Options{Version: "test"})
	c, ctx := s.Client, t.Context()
	for name, suite := range map[string]string{"demo": "", "paper": rsaSuite()} {
		tenant(t, c, name, suite)
		e := seal(t, c, header(name), "hunter2")
		if p, err := reveal(t, c, e); err != nil || p != "hunter2" {
			t.Errorf("%s: %q, %v", name, p, err)
		}
		want(t, "create again", c.CreateTenant(ctx, name, suite), fault.Conflict)
		m := must[keys.Material](t)(c.Tenant(ctx, name))
		for i, k := range [][]byte{m.Database, m.Blobs, m.Fields, m.Index} {
			if len(k) != 32 || bytes.Equal(k, make([]byte, 32)) {
				t.Errorf("%s: root %d is %x", name, i, k)
			}
		}
		if fmt.Sprintf("%v %+v %#v %s", m, m, m, slog.AnyValue(m).Resolve()) != "[redacted] [redacted] [redacted] [redacted]" {
			t.Error("material prints itself")
		}
		if b := must[[]byte](t)(json.Marshal(m)); string(b) != `"[redacted]"` {
			t.Errorf("material as JSON: %s", b)
		}
	}
	st := must[keys.Status](t)(c.Status(ctx))
	if st != (keys.Status{Tenants: 2, Version: "test"}) {
		t.Errorf("status %+v", st)
	}
	a, b := must[keys.Material](t)(c.Tenant(ctx, "demo")), must[keys.Material](t)(c.System(ctx))
	if bytes.Equal(a.Database, b.Database) {
		t.Error("two tenants share a key")
	}
	_, err := c.Tenant(ctx, "nobody")
	want(t, "unknown tenant", err, fault.NotFound)
	want(t, "bad name", c.CreateTenant(ctx, "../x", ""), fault.Invalid)
	want(t, "reserved name", c.CreateTenant(ctx, keys.Control, ""), fault.Conflict)
	want(t, "bad suite", c.CreateTenant(ctx, "x", "rot13"), fault.Invalid)
}

func TestUnwrapRefusesEveryDisagreement(t *testing.T) {
	s := keystest.Start(t, service.Options{})
	c, ctx := s.Client, t.Context()
	tenant(t, c, "demo", "")
	tenant(t, c, "other", "")
	e := seal(t, c, header("demo"), "hunter2")
	r := e.Recipients()[0]
	cases := []struct {
		name   string
		change func(k *keys.Ticket, h *[]byte, r *envelope.Recipient)
		kind   fault.Kind
	}{
		{"tenant", func(k *keys.Ticket, _ *[]byte, _ *envelope.Recipient) { k.Tenant = "other" }, fault.Denied},
		{"object", func(k *keys.Ticket, _ *[]byte, _ *envelope.Recipient) { k.Object++ }, fault.Denied},
		{"kind", func(k *keys.Ticket, _ *[]byte, _ *envelope.Recipient) { k.Kind = "card" }, fault.Denied},
		{"field", func(k *keys.Ticket, _ *[]byte, _ *envelope.Recipient) { k.Field = "otp" }, fault.Denied},
		{"version", func(k *keys.Ticket, _ *[]byte, _ *envelope.Recipient) { k.Version++ }, fault.Denied},
		{"no session", func(k *keys.Ticket, _ *[]byte, _ *envelope.Recipient) { k.Session = "" }, fault.Invalid},
		{"no action", func(k *keys.Ticket, _ *[]byte, _ *envelope.Recipient) { k.Action = "" }, fault.Invalid},
		{"no time", func(k *keys.Ticket, _ *[]byte, _ *envelope.Recipient) { k.Time = 0 }, fault.Invalid},
		{"empty header", func(_ *keys.Ticket, h *[]byte, _ *envelope.Recipient) { *h = nil }, fault.Invalid},
		{"header of another author", func(_ *keys.Ticket, h *[]byte, _ *envelope.Recipient) { (*h)[len(*h)-34]++ }, fault.Internal},
		{"key of nobody", func(_ *keys.Ticket, _ *[]byte, r *envelope.Recipient) { r.KeyID[0]++ }, fault.NotFound},
		{"generation", func(_ *keys.Ticket, _ *[]byte, r *envelope.Recipient) { r.Generation++ }, fault.Internal},
		{"wrapped key", func(_ *keys.Ticket, _ *[]byte, r *envelope.Recipient) { r.Wrapped[1200]++ }, fault.Internal},
	}
	for _, x := range cases {
		k, h, r := ticket("demo"), bytes.Clone(e.HeaderBytes()), r
		r.Wrapped = bytes.Clone(r.Wrapped)
		x.change(&k, &h, &r)
		got, err := c.Unwrap(ctx, k, h, r)
		want(t, x.name, err, x.kind)
		if got != nil {
			t.Errorf("%s: a key came back", x.name)
		}
	}
	// The header of one tenant with a ticket and a key of another.
	foreign := seal(t, c, header("other"), "x")
	k := ticket("demo")
	_, err := c.Unwrap(ctx, k, foreign.HeaderBytes(), foreign.Recipients()[0])
	want(t, "foreign secret", err, fault.Denied)
	k.Bulk = true
	_, err = c.UnwrapMany(ctx, k, []keys.Item{{Header: foreign.HeaderBytes(), Recipient: foreign.Recipients()[0]}})
	want(t, "foreign secret in bulk", err, fault.Denied)
}

func TestBulk(t *testing.T) {
	s := keystest.Start(t, service.Options{})
	c := s.Client
	tenant(t, c, "demo", "")
	var items []keys.Item
	var sealed []*envelope.Envelope
	for i := range int64(300) {
		h := header("demo")
		h.Object = i
		e := seal(t, c, h, fmt.Sprint("secret ", i))
		sealed = append(sealed, e)
		items = append(items, keys.Item{Header: e.HeaderBytes(), Recipient: e.Recipients()[0]})
	}
	k := ticket("demo")
	_, err := c.UnwrapMany(t.Context(), k, items)
	want(t, "no bulk ticket", err, fault.Denied)
	k.Bulk = true
	got := must[[][]byte](t)(c.UnwrapMany(t.Context(), k, items))
	for i, e := range sealed {
		if p, err := e.Open(got[i]); err != nil || string(p) != fmt.Sprint("secret ", i) {
			t.Fatalf("item %d: %q, %v", i, p, err)
		}
	}
	s.Stop()
	n := 0
	must[int64](t)(service.VerifyLog(t.Context(), s.Options.Dir, s.Options.Root, func(e service.Entry) error {
		if strings.Contains(e.Text, `"call":"unwrap_many"`) {
			n++
		}
		return nil
	}))
	if n != len(items) {
		t.Errorf("the log has %d entries for %d items", n, len(items))
	}
}

func TestSealedReveal(t *testing.T) {
	s := keystest.Start(t, service.Options{})
	c := s.Client
	tenant(t, c, "demo", "")
	e := seal(t, c, header("demo"), "hunter2")
	browser := must[*ecdh.PrivateKey](t)(ecdh.P256().GenerateKey(rand.Reader))
	b := must[[]byte](t)(c.SealedUnwrap(t.Context(), ticket("demo"), e.HeaderBytes(), e.Recipients()[0], browser.PublicKey().Bytes()))
	k := must[[]byte](t)(envelope.OpenRewrapped(browser, e.HeaderBytes(), b))
	if p, err := e.Open(k); err != nil || string(p) != "hunter2" {
		t.Errorf("%q, %v", p, err)
	}
	if bytes.Contains(b, k) {
		t.Error("the data key travels in the clear")
	}
	_, err := c.SealedUnwrap(t.Context(), ticket("demo"), e.HeaderBytes(), e.Recipients()[0], []byte("not a point"))
	want(t, "bad ephemeral key", err, fault.Invalid)
	_, err = c.SealedUnwrap(t.Context(), ticket("demo"), e.HeaderBytes(), e.Recipients()[0], nil)
	want(t, "no ephemeral key", err, fault.Invalid)
}

func TestRotateKeepsOldSecrets(t *testing.T) {
	s := keystest.Start(t, service.Options{})
	c, ctx := s.Client, t.Context()
	tenant(t, c, "demo", "")
	old := seal(t, c, header("demo"), "old")
	if g := must[uint32](t)(c.Rotate(ctx, "demo", rsaSuite())); g != 2 {
		t.Errorf("generation %d", g)
	}
	m := must[keys.Material](t)(c.Tenant(ctx, "demo"))
	if m.Public.Generation != 2 || m.Public.Suite != envelope.KeySuite(rsaSuite()) {
		t.Errorf("present key is %s, generation %d", m.Public.Suite, m.Public.Generation)
	}
	for _, restart := range []bool{false, true} {
		if restart {
			s.Stop()
			s.Start()
		}
		if p, err := reveal(t, c, old); err != nil || p != "old" {
			t.Errorf("%q, %v", p, err)
		}
		if p, err := reveal(t, c, seal(t, c, header("demo"), "new")); err != nil || p != "new" {
			t.Errorf("%q, %v", p, err)
		}
	}
	if g := must[uint32](t)(c.Rotate(ctx, "demo", "")); g != 3 {
		t.Errorf("generation %d", g)
	}
}

func TestSealAndUnseal(t *testing.T) {
	s := keystest.Start(t, service.Options{})
	c, ctx := s.Client, t.Context()
	tenant(t, c, "demo", "")
	e := seal(t, c, header("demo"), "hunter2")
	if err := c.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	if st := must[keys.Status](t)(c.Status(ctx)); !st.Sealed {
		t.Error("not sealed")
	}
	_, err := reveal(t, c, e)
	want(t, "reveal while sealed", err, fault.Unavailable)
	want(t, "wrong root", c.Unseal(ctx, service.NewRoot()), fault.Invalid)
	want(t, "short root", c.Unseal(ctx, []byte("x")), fault.Invalid)
	if err := c.Unseal(ctx, s.Options.Root); err != nil {
		t.Fatal(err)
	}
	if p, err := reveal(t, c, e); err != nil || p != "hunter2" {
		t.Errorf("%q, %v", p, err)
	}
	want(t, "wrong root on an open service", c.Unseal(ctx, service.NewRoot()), fault.Invalid)
	if err := c.Unseal(ctx, s.Options.Root); err != nil {
		t.Error(err)
	}
}

func TestCheckpointsNeverRewind(t *testing.T) {
	s := keystest.Start(t, service.Options{})
	c, ctx := s.Client, t.Context()
	tenant(t, c, "demo", "")
	m := must[keys.Material](t)(c.Tenant(ctx, "demo"))
	at := func(size int64, leaf string) merkle.Checkpoint {
		return merkle.Checkpoint{Origin: "strongroom/demo", Size: size, Root: merkle.LeafHash([]byte(leaf)), Time: 7}
	}
	sign := func(x merkle.Checkpoint) error {
		b, err := c.SignCheckpoint(ctx, "demo", []byte(x.Text()))
		if err != nil {
			return err
		}
		got, err := merkle.OpenCheckpoint(b, m.CheckpointKey)
		if err == nil && got != x {
			t.Errorf("%+v came back as %+v", x, got)
		}
		return err
	}
	for _, x := range []merkle.Checkpoint{at(5, "a"), at(5, "a"), at(9, "b")} {
		if err := sign(x); err != nil {
			t.Error(err)
		}
	}
	s.Stop()
	s.Start()
	want(t, "smaller", sign(at(8, "c")), fault.Conflict)
	want(t, "fork", sign(at(9, "c")), fault.Conflict)
	other := at(10, "d")
	other.Origin = "strongroom/other"
	want(t, "another tenant", sign(other), fault.Denied)
	_, err := c.SignCheckpoint(ctx, "demo", []byte("pay me\n"))
	want(t, "anything else", err, fault.Invalid)
}

// TestBudgetOfAPerson: other sessions of the same person are charged to the person, and
// what is refused is charged to nobody.
func TestBudgetOfAPerson(t *testing.T) {
	var now atomic.Int64
	now.Store(1_700_000_000)
	s := keystest.Start(t, service.Options{
		Now: func() time.Time { return time.Unix(now.Load(), 0) }, Skew: always,
		Budgets: service.Budgets{Session: service.Budget{PerSecond: 1, Burst: 2}, Person: service.Budget{PerSecond: 1, Burst: 3}, Tenant: service.Budget{PerSecond: 1, Burst: 5}},
	})
	tenant(t, s.Client, "demo", "")
	e := seal(t, s.Client, header("demo"), "x")
	for i, x := range []struct {
		person  int64
		session string
		ok      bool
	}{{7, "a", true}, {7, "a", true}, {7, "b", true}, {7, "c", false}, {8, "c", true}, {8, "c", true}, {9, "d", false}} {
		k := ticket("demo")
		k.Subject, k.Session = x.person, x.session
		_, err := s.Client.Unwrap(t.Context(), k, e.HeaderBytes(), e.Recipients()[0])
		if x.ok && err != nil {
			t.Errorf("%d: %v", i, err)
		}
		if !x.ok {
			want(t, fmt.Sprint(i), err, fault.Throttled)
		}
	}
}

func TestBudgets(t *testing.T) {
	var now atomic.Int64
	now.Store(1_700_000_000)
	s := keystest.Start(t, service.Options{
		Now:  func() time.Time { return time.Unix(now.Load(), 0) },
		Skew: always,
		Budgets: service.Budgets{
			Session: service.Budget{PerSecond: 1, Burst: 3},
			Tenant:  service.Budget{PerSecond: 1, Burst: 5},
			Bulk:    service.Budget{PerSecond: 1, Burst: 2},
		},
	})
	c, ctx := s.Client, t.Context()
	tenant(t, c, "demo", "")
	e := seal(t, c, header("demo"), "x")
	item := keys.Item{Header: e.HeaderBytes(), Recipient: e.Recipients()[0]}
	unwrap := func(session string) error {
		k := ticket("demo")
		k.Session = session
		_, err := c.Unwrap(ctx, k, item.Header, item.Recipient)
		return err
	}
	for i, x := range []struct {
		session string
		ok      bool
	}{{"a", true}, {"a", true}, {"a", true}, {"a", false}, {"b", true}, {"b", true}, {"b", false}, {"c", false}} {
		err := unwrap(x.session)
		if x.ok && err != nil {
			t.Errorf("%d: %v", i, err)
		}
		if !x.ok {
			want(t, fmt.Sprint(i), err, fault.Throttled)
			if fault.Say(err).After != time.Second {
				t.Errorf("%d: after %v", i, fault.Say(err).After)
			}
		}
	}
	k := ticket("demo")
	k.Bulk = true
	if _, err := c.UnwrapMany(ctx, k, []keys.Item{item, item}); err != nil {
		t.Error("bulk has a budget of its own:", err)
	}
	_, err := c.UnwrapMany(ctx, k, []keys.Item{item})
	want(t, "bulk", err, fault.Throttled)
	_, err = c.UnwrapMany(ctx, k, []keys.Item{item, item, item})
	want(t, "more than can ever be", err, fault.Throttled)
	now.Add(1)
	if err := unwrap("a"); err != nil {
		t.Error(err)
	}
}

// TestATicketIsOfItsMoment: an old ticket, or one from the future, opens nothing
// and is charged to nobody.
func TestATicketIsOfItsMoment(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	s := keystest.Start(t, service.Options{Now: func() time.Time { return now }, Budgets: service.Budgets{Session: service.Budget{PerSecond: 0.001, Burst: 2}}})
	tenant(t, s.Client, "demo", "")
	e := seal(t, s.Client, header("demo"), "x")
	unwrap := func(away time.Duration) error {
		k := ticket("demo")
		k.Time = now.Add(away).UnixMilli()
		_, err := s.Client.Unwrap(t.Context(), k, e.HeaderBytes(), e.Recipients()[0])
		return err
	}
	for _, away := range []time.Duration{-5*time.Minute - 1e6, 5*time.Minute + 1e6, -24 * time.Hour, 100 * 365 * 24 * time.Hour} {
		want(t, away.String(), unwrap(away), fault.Unavailable)
	}
	for _, away := range []time.Duration{-5 * time.Minute, 5 * time.Minute} {
		if err := unwrap(away); err != nil {
			t.Errorf("%s: %v", away, err)
		}
	}
	want(t, "the budget", unwrap(0), fault.Throttled)
}

func TestBudgetText(t *testing.T) {
	for text, want := range map[string]service.Budget{"5000/10": {PerSecond: 10, Burst: 5000}, " 3/0.5 ": {PerSecond: 0.5, Burst: 3}, "none": service.Unlimited(), "": {}} {
		var b, again service.Budget
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%q is %v, %v", text, b, err)
		}
		back, err := b.MarshalText()
		if err == nil {
			err = again.UnmarshalText(back)
		}
		if err != nil || again != want {
			t.Errorf("%q came back as %q: %v, %v", text, back, again, err)
		}
	}
	for _, bad := range []string{"5000", "0/1", "-1/1", "1/0", "1/-1", "1/inf", "1/NaN", "x/y", "1/2/3"} {
		want(t, bad, new(service.Budget).UnmarshalText([]byte(bad)), fault.Invalid)
	}
}

// TestNoBudget: without one, nothing is too much.
func TestNoBudget(t *testing.T) {
	s := keystest.Start(t, service.Options{Budgets: service.Budgets{Session: service.Unlimited(), Tenant: service.Unlimited(), Bulk: service.Unlimited()}})
	tenant(t, s.Client, "demo", "")
	e := seal(t, s.Client, header("demo"), "x")
	for range 300 {
		if _, err := s.Client.Unwrap(t.Context(), ticket("demo"), e.HeaderBytes(), e.Recipients()[0]); err != nil {
			t.Fatal(err)
		}
	}
}
