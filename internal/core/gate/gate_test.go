package gate_test

import (
	"net/netip"
	"slices"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

func log(t *testing.T, h *coretest.House, c *access.Caller, f audit.Filter) (list []*audit.Entry) {
	t.Helper()
	f.Limit = 1000
	h.View(c, func(tx *gate.Tx) (err error) {
		list, err = tx.Activity(f)
		return err
	})
	return list
}

func TestTheLogTellsNothingOfHiddenRecords(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	mine, theirs := h.Org("Mine"), h.Org("Theirs")
	open, closed := h.Make("document", mine, record.Values{"name": "open"}), h.Make("document", mine, record.Values{"name": "closed"})
	h.Make("document", theirs, record.Values{"name": "foreign"})
	h.Change(func(tx *gate.Tx) error { return h.Records.SetAccess(tx, "document", closed, true, nil, nil) })
	manager := h.User(access.Manager, mine)
	key := *h.Admin()
	key.Scope.Orgs = []id.ID{mine}
	for _, c := range []*access.Caller{manager, &key} {
		var have []string
		for _, e := range log(t, h, c, audit.Filter{}) {
			have = append(have, e.Detail.Name)
		}
		for name, want := range map[string]bool{"open": true, "foreign": false, "Theirs": false, "Mine": true} {
			if slices.Contains(have, name) != want {
				t.Errorf("%s sees an entry about %q: %v, want %v", c.Role, name, !want, want)
			}
		}
		if c == manager && slices.Contains(have, "closed") {
			t.Error("a manager reads of a record that is closed to her")
		}
	}
	all := log(t, h, h.Admin(), audit.Filter{})
	if len(all) != int(all[0].Seq)+1 {
		t.Errorf("an administrator sees %d of %d entries", len(all), all[0].Seq+1)
	}
	if got := log(t, h, h.Admin(), audit.Filter{Since: all[0].Seq}); len(got) != 1 {
		t.Errorf("%d entries since the last", len(got))
	}
	if got := log(t, h, manager, audit.Filter{Object: open}); len(got) != 1 {
		t.Errorf("%d entries about an open record", len(got))
	}
}

// TestRefusalsDoNotTellWhatExists: whoever may read the log does not learn from her own
// refusals which ids are those of records that are closed to her.
func TestRefusalsDoNotTellWhatExists(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	mine, theirs := h.Org("Mine"), h.Org("Theirs")
	closed, foreign := h.Make("document", mine, record.Values{"name": "closed"}), h.Make("document", theirs, record.Values{"name": "foreign"})
	h.Change(func(tx *gate.Tx) error { return h.Records.SetAccess(tx, "document", closed, true, nil, nil) })
	manager := h.User(access.Manager, mine)
	tried := []id.ID{closed, foreign, 900_000_007}
	for _, rid := range tried {
		for _, kind := range []string{"", "document"} {
			if err := h.Gate.Change(t.Context(), manager, access.Edit, gate.Thing{Kind: kind, ID: rid}, func(*gate.Tx) error { return nil }); err == nil {
				t.Fatal("it was allowed")
			}
			if err := h.Gate.View(t.Context(), manager, func(tx *gate.Tx) error { _, err := tx.Allow(access.View, gate.Thing{Kind: kind, ID: rid}); return err }); err == nil {
				t.Fatal("it was shown")
			}
		}
	}
	h.Gate.Flush(t.Context(), true)
	for _, e := range log(t, h, manager, audit.Filter{}) {
		if slices.Contains(tried, e.Object) {
			t.Errorf("the log tells a manager of %s %d", e.Kind, e.Object)
		}
	}
	if got := log(t, h, h.Admin(), audit.Filter{Actor: manager.User, Result: audit.Refused}); len(got) < len(tried) {
		t.Errorf("an administrator is told of %d refusals", len(got))
	}
}

func TestOnlyWhoInspectsLearnsWherePeopleSignInFrom(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	reader, other := h.User(access.ReadOnly), h.User(access.Editor)
	doc := h.Make("document", h.Org("A"), record.Values{"name": "d"})
	other.Addr = netip.MustParseAddr("192.0.2.7")
	for _, do := range []struct {
		a access.Action
		t gate.Thing
	}{{access.SignIn, gate.Thing{Kind: "user", ID: other.User}}, {access.Edit, gate.Thing{ID: doc}}} {
		if err := h.Gate.Change(t.Context(), other, do.a, do.t, func(*gate.Tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if got := log(t, h, reader, audit.Filter{Object: other.User, Action: "sign-in"}); len(got) != 0 {
		t.Errorf("a reader sees %d times of another's sign-in", len(got))
	}
	if got := log(t, h, reader, audit.Filter{Object: other.User}); len(got) == 0 {
		t.Error("that the user was made is no secret")
	}
	if got := log(t, h, other, audit.Filter{Object: other.User, Action: "sign-in"}); len(got) != 1 || got[0].Detail.Address == "" {
		t.Errorf("her own sign-in: %v", got)
	}
	for _, c := range []struct {
		who  *access.Caller
		want string
	}{{reader, ""}, {other, "192.0.2.7"}, {h.Admin(), "192.0.2.7"}} {
		got := log(t, h, c.who, audit.Filter{Object: doc, Action: "edit"})
		if len(got) != 1 || got[0].Detail.Address != c.want {
			t.Errorf("%s sees the address %q, want %q", c.who.Name, got[0].Detail.Address, c.want)
		}
	}
}

func TestNobodyHidesTheRefusalsOfOthers(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	org := h.Org("A")
	doc := h.Make("document", org, record.Values{"name": "d"})
	noisy, quiet := h.User(access.Editor), h.User(access.ReadOnly)
	refused := func(c *access.Caller, rid id.ID) {
		t.Helper()
		err := h.Gate.Change(t.Context(), c, access.Edit, gate.Thing{ID: rid}, func(*gate.Tx) error { return nil })
		if err == nil {
			t.Fatal("it was allowed")
		}
	}
	const tries = 700
	for i := range tries {
		refused(noisy, id.ID(1_000_000+i))
	}
	refused(quiet, doc)
	h.Gate.Flush(t.Context(), true)
	entries, n := 0, int64(0)
	for _, e := range log(t, h, h.Admin(), audit.Filter{Actor: noisy.User, Result: audit.Refused}) {
		entries, n = entries+1, n+e.Count
	}
	if n != tries || entries > 250 {
		t.Errorf("%d refusals are told in %d entries", n, entries)
	}
	if got := log(t, h, h.Admin(), audit.Filter{Actor: quiet.User, Result: audit.Refused}); len(got) != 1 {
		t.Errorf("the refusal of another is told %d times", len(got))
	}
}

func TestARightThatWasTakenAwayIsGoneAtOnce(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	org := h.Org("A")
	doc := h.Make("document", org, record.Values{"name": "d"})
	boss, gone, key := h.User(access.Administrator), h.User(access.Editor), h.User(access.Administrator)
	service := *key
	service.User, service.Key, service.Via = 77_000_000, 77_000_000, "api key" // a key that belongs to nobody
	h.Change(func(tx *gate.Tx) error {
		if err := access.SetKey(tx.SQL(), service.Key, 0); err != nil {
			return err
		}
		if err := access.SetPrincipal(tx.SQL(), boss.User, access.ReadOnly, true); err != nil {
			return err
		}
		return access.SetPrincipal(tx.SQL(), gone.User, access.Editor, false)
	})
	edit := func(c *access.Caller) error {
		return h.Gate.Change(t.Context(), c, access.Edit, gate.Thing{ID: doc}, func(*gate.Tx) error { return nil })
	}
	if err := edit(boss); !fault.Is(err, fault.Denied) {
		t.Errorf("who was an administrator: %v", err)
	}
	if err := edit(gone); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("who was archived: %v", err)
	}
	if err := edit(&service); err != nil {
		t.Errorf("a key that belongs to nobody: %v", err)
	}
}

func TestWithdrawingInsideOfATryThatFails(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	org := h.Org("A")
	doc := h.Make("document", org, record.Values{"name": "d"})
	err := h.Gate.Change(t.Context(), h.Admin(), access.Edit, gate.Thing{ID: doc}, func(tx *gate.Tx) error {
		err := tx.Try(func() error {
			tx.Withdraw(tx.Entry())
			return fault.New(fault.Invalid, "No.")
		})
		if err == nil {
			t.Error("it did not fail")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := log(t, h, h.Admin(), audit.Filter{Object: doc, Action: "edit"}); len(got) != 1 {
		t.Errorf("%d entries", len(got))
	}
}

func TestWhatIsAllowedAgainAfterNothingHappenedIsRecorded(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	thing := gate.Thing{Kind: "document", ID: h.Make("document", h.Org("A"), record.Values{"name": "d"})}
	err := h.Gate.Change(t.Context(), h.Admin(), access.Edit, thing, func(tx *gate.Tx) error {
		if _, err := h.Records.Update(tx, "document", thing.ID, 0, record.Values{"name": "d"}); err != nil { // nothing differs
			return err
		}
		entry, err := tx.Allow(access.Edit, thing)
		if err == nil {
			entry.Detail.Text = "added a file"
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := log(t, h, h.Admin(), audit.Filter{Object: thing.ID, Action: "edit"}); len(got) != 1 || got[0].Detail.Text != "added a file" {
		t.Errorf("the log says %v", got)
	}
}
