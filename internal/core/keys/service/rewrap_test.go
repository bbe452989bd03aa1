package service_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys"
	"strongroom/internal/core/keys/keystest"
	"strongroom/internal/core/keys/service"
)

func bulk(tenant string) keys.Ticket {
	k := ticket(tenant)
	k.Bulk, k.Object, k.Kind, k.Field, k.Version, k.Action = true, 0, "", "", 0, "keys.rewrap"
	return k
}

// rewrap has an envelope wrapped anew and gives it as it is stored then.
func rewrap(t testing.TB, c *keys.Client, e *envelope.Envelope) *envelope.Envelope {
	t.Helper()
	r := must[[]envelope.Recipient](t)(c.Rewrap(t.Context(), bulk(e.Header().Tenant), []keys.Item{{Header: e.HeaderBytes(), Recipient: e.Recipients()[0]}}))
	return must[*envelope.Envelope](t)(envelope.Parse(must[[]byte](t)(e.WithRecipient(r[0]))))
}

// TestRotationThroughEverySuite: a secret is wrapped from suite to suite, opens at
// every stage, and its header is the one that it had.
func TestRotationThroughEverySuite(t *testing.T) {
	s := keystest.Start(t, service.Options{})
	c := s.Client
	tenant(t, c, "demo", "")
	e := seal(t, c, header("demo"), "hunter2")
	first := e
	for _, suite := range []string{rsaSuite(), keys.RSA3072, keys.RSA4096, keys.Hybrid} {
		g := must[uint32](t)(c.Rotate(t.Context(), "demo", suite))
		next := rewrap(t, c, e)
		if next.Recipients()[0].Generation != g || len(next.Recipients()) != 1 || !bytes.Equal(next.HeaderBytes(), first.HeaderBytes()) {
			t.Errorf("%s: wrapped to generation %d, want %d", suite, next.Recipients()[0].Generation, g)
		}
		for name, e := range map[string]*envelope.Envelope{"before": e, "after": next} {
			if p, err := reveal(t, c, e); err != nil || p != "hunter2" {
				t.Errorf("%s, %s: %q, %v", suite, name, p, err)
			}
		}
		e = next
	}
	list := must[[]keys.Generation](t)(c.Generations(t.Context(), "demo"))
	if len(list) != 5 || list[1].Suite != rsaSuite() || list[4].Number != 5 || list[4].ID != e.Recipients()[0].KeyID || list[4].Retired != 0 {
		t.Errorf("the generations are %+v", list)
	}
}

// TestRewrapIsLoggedFirstAndRefusesWhatIsWrong.
func TestRewrapIsLoggedFirstAndRefusesWhatIsWrong(t *testing.T) {
	s := keystest.Start(t, service.Options{})
	c := s.Client
	tenant(t, c, "demo", "")
	tenant(t, c, "other", "")
	e, theirs := seal(t, c, header("demo"), "hunter2"), seal(t, c, header("other"), "theirs")
	must[uint32](t)(c.Rotate(t.Context(), "demo", ""))
	item := func(e *envelope.Envelope) keys.Item {
		return keys.Item{Header: e.HeaderBytes(), Recipient: e.Recipients()[0]}
	}
	other := seal(t, c, header("demo"), "swapped")
	old := bulk("demo")
	old.Time = 1
	for name, x := range map[string]struct {
		ticket keys.Ticket
		items  []keys.Item
		kind   fault.Kind
	}{
		"not bulk":            {ticket("demo"), []keys.Item{item(e)}, fault.Denied},
		"no items":            {bulk("demo"), nil, fault.Invalid},
		"another tenant's":    {bulk("demo"), []keys.Item{item(e), item(theirs)}, fault.Denied},
		"an old ticket":       {old, []keys.Item{item(e)}, fault.Unavailable},
		"another's recipient": {bulk("demo"), []keys.Item{{Header: e.HeaderBytes(), Recipient: other.Recipients()[0]}}, fault.Internal},
	} {
		_, err := c.Rewrap(t.Context(), x.ticket, x.items)
		want(t, name, err, x.kind)
	}
	logDatabase(t, s.Options, `create trigger full before insert on entry begin select raise(abort, 'no'); end`)
	_, err := c.Rewrap(t.Context(), bulk("demo"), []keys.Item{item(e)})
	want(t, "no log", err, fault.Unavailable)
	_, err = c.Retire(t.Context(), bulk("demo"), 2)
	want(t, "retire without a log", err, fault.Unavailable)
	logDatabase(t, s.Options, `drop trigger full`)
	next := rewrap(t, c, e)
	var last string
	must[int64](t)(service.VerifyLog(t.Context(), s.Options.Dir, s.Options.Root, func(x service.Entry) error { last = x.Text; return nil }))
	var line struct{ Call, Header, Key, To string }
	if err := json.Unmarshal([]byte(last), &line); err != nil || line.Call != "rewrap" || line.Key != e.Recipients()[0].KeyID.String() || line.To != next.Recipients()[0].KeyID.String() {
		t.Errorf("the log says %s", last)
	}
}

// TestRetire: what was sealed to a retired pair opens no more, the present pair
// stays, and the store's file holds the destroyed key no more.
func TestRetire(t *testing.T) {
	s := keystest.Start(t, service.Options{})
	c := s.Client
	tenant(t, c, "demo", "")
	e := seal(t, c, header("demo"), "hunter2")
	_, err := c.Retire(t.Context(), bulk("demo"), 2)
	want(t, "the present pair", err, fault.Denied)
	_, err = c.Retire(t.Context(), bulk("demo"), 0)
	want(t, "nothing", err, fault.Denied)
	must[uint32](t)(c.Rotate(t.Context(), "demo", ""))
	next := rewrap(t, c, e)
	size := func() int64 {
		return must[os.FileInfo](t)(os.Stat(filepath.Join(s.Options.Dir, "keys.db"))).ModTime().UnixNano()
	}
	before := size()
	for range 2 { // the second time there is nothing to do
		list := must[[]keys.Generation](t)(c.Retire(t.Context(), bulk("demo"), 2))
		if len(list) != 2 || list[0].Retired == 0 || list[1].Retired != 0 {
			t.Errorf("after retiring: %+v", list)
		}
	}
	if size() == before {
		t.Error("the store was not rewritten")
	}
	check := func() {
		t.Helper()
		_, err := reveal(t, c, e)
		want(t, "sealed to a retired pair", err, fault.NotFound)
		if !strings.Contains(fault.Say(err).Text, "was retired on") {
			t.Errorf("it says %q", fault.Say(err).Text)
		}
		if p, err := reveal(t, c, next); err != nil || p != "hunter2" {
			t.Errorf("sealed to the present pair: %q, %v", p, err)
		}
	}
	check()
	s.Stop()
	s.Start()
	check()
	if g := must[uint32](t)(c.Rotate(t.Context(), "demo", "")); g != 3 {
		t.Errorf("the next generation is %d", g)
	}
}
