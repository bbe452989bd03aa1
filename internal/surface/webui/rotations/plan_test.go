package rotations_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/checkout"
	"strongroom/internal/feature/rotation/change"
	"strongroom/internal/feature/rotation/connector"
	"strongroom/internal/feature/rotation/rotationtest"
	"strongroom/internal/feature/rotation/schedule/keeper"
	"strongroom/internal/surface/webui/webuitest"
)

// TestPasswordsAreChangedByThemselves has two passwords of one machine changed by the plan of
// their folder: in its window, a dry run first, one at a time, and not while somebody has one.
func TestPasswordsAreChangedByThemselves(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Jobs: true})
	machine := rotationtest.Open(t, map[string]string{"deploy": "Kelp-Anchor-9", "root": "Root-Anchor-9"})
	org := h.Org("Harbour")
	folder := h.Make("password_folder", org, record.Values{"name": "Machines"})
	manager := access.System(h.Admin().Tenant, "session")
	resolve := func(ctx context.Context, name string, user id.ID) (c *access.Caller, err error) {
		err = h.Gate.View(ctx, access.System(name, "job"), func(tx *gate.Tx) (err error) { c, err = access.Load(tx.SQL(), user); return err })
		if err == nil {
			c.Tenant, c.Via, c.AuthLevel = name, "job", 1
		}
		return c, err
	}
	manager, err := resolve(t.Context(), manager.Tenant, h.UserID(access.Manager))
	if err != nil {
		t.Fatal(err)
	}
	var recs []id.ID
	for _, account := range []string{"deploy", "root"} {
		rec := h.Make("password", org, record.Values{"name": account, "username": account, "password": machine.Password(account), "password_folder_id": folder})
		err := h.Gate.Change(t.Context(), manager, access.View, gate.Thing{Kind: "password", ID: rec}, func(tx *gate.Tx) error {
			return h.Server.Changes.Put(tx, rec, change.Place{Target: connector.Target{System: "ssh", Address: machine.Address, Account: account, Pin: machine.Pin}})
		})
		if err != nil {
			t.Fatal(err)
		}
		recs = append(recs, rec)
	}
	at := "/password_folders/" + folder.String() + "/rotation"
	plan := url.Values{"do": {"plan"}, "every": {"30"}, "from": {"02:00"}, "until": {"05:00"}, "after": {"1"}}
	h.As(access.Editor).Post(at, plan).Want(http.StatusForbidden)
	for field, wrong := range map[string]url.Values{"until": {"do": {"plan"}, "every": {"30"}, "from": {"02:00"}, "until": {"02:10"}}, "from": {"do": {"plan"}, "every": {"30"}, "from": {"x"}, "until": {"03:00"}}, "every": {"do": {"plan"}, "every": {"4000"}, "from": {"02:00"}, "until": {"02:00"}}} {
		if p := h.As(access.Manager).Post(at, wrong).Want(http.StatusUnprocessableEntity); !p.Has("#e-" + field) {
			t.Errorf("what is wrong with %s is not said: %s", field, p.Text(".errors"))
		}
	}
	h.As(access.Manager).Post(at, plan).Want(http.StatusSeeOther)
	if s := h.As(access.Manager).Get("/passwords/" + recs[0].String() + "/rotation").Want(http.StatusOK).Text("main"); !strings.Contains(s, "every 30 days between 02:00 and 05:00 UTC, and after each check-out") {
		t.Errorf("the page of a password says %s", s)
	}
	keeper := &keeper.Keeper{Gate: h.Gate, Changes: h.Server.Changes, Resolve: resolve}
	changes := func() (out []*change.Change) {
		t.Helper()
		h.View(h.Admin(), func(tx *gate.Tx) (err error) { out, err = change.Latest(tx); return err })
		return out
	}
	// run lets the schedule look once, and waits until what it began has ended.
	run := func() (begun []*change.Change) {
		t.Helper()
		before := map[id.ID]bool{}
		for _, c := range changes() {
			before[c.ID] = true
		}
		if err := keeper.Run(t.Context(), manager.Tenant); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(webuitest.Wait); time.Now().Before(deadline); {
			begun = nil
			open := false
			for _, c := range changes() {
				if !before[c.ID] {
					begun, open = append(begun, c), open || c.Open()
				}
			}
			if !open {
				return begun
			}
		}
		t.Fatal("a change does not end")
		return nil
	}
	want := func(what string, begun []*change.Change, n int, state string) {
		t.Helper()
		if len(begun) != n || n > 0 && begun[0].State != state {
			t.Errorf("%s: %d were begun, %+v", what, len(begun), begun)
		}
	}
	want("before their time", run(), 0, "")
	h.Clock.Advance(31 * 24 * time.Hour) // 09:00
	want("outside of the window", run(), 0, "")
	h.Clock.Advance(18 * time.Hour) // 03:00
	want("first", run(), 1, change.Fine)
	want("then", run(), 1, change.Done)
	want("the other one", run(), 1, change.Fine)
	want("then", run(), 1, change.Done)
	want("when both are changed", run(), 0, "")
	if a, b := machine.Password("deploy"), machine.Password("root"); a == "Kelp-Anchor-9" || b == "Root-Anchor-9" {
		t.Error("the machine has the earlier passwords")
	}
	t.Run("after a check-out", func(t *testing.T) {
		change := func(fn func(tx *gate.Tx) error) {
			t.Helper()
			if err := h.Gate.Change(t.Context(), manager, access.View, gate.Thing{Kind: "password", ID: recs[0]}, fn); err != nil {
				t.Fatal(err)
			}
		}
		h.Clock.Advance(6 * time.Hour) // 09:00: the window does not count
		change(func(tx *gate.Tx) error { return checkout.Set(tx, "password", recs[0]) })
		change(func(tx *gate.Tx) error { _, err := checkout.Take(tx, recs[0], "CHG-1", 60); return err })
		want("while somebody has it", run(), 0, "")
		h.Clock.Advance(2 * time.Hour)
		want("after the check-out", run(), 1, "checked")
		want("then", run(), 1, "done")
		h.Clock.Advance(time.Minute)
		want("while it is still checked out", run(), 0, "")
		h.Clock.Advance(2 * time.Hour)
		want("once it is changed", run(), 0, "")
	})
	t.Run("what fails is told and waits", func(t *testing.T) {
		h.Clock.Advance(40*24*time.Hour + 14*time.Hour) // 03:00
		machine.Falls(rotationtest.Refuse)
		want("the first", run(), 1, change.Fine)
		want("it is refused", run(), 1, change.Unchanged)
		if n := len(run()); n != 1 { // the other one's dry run
			t.Errorf("%d were begun", n)
		}
		told := 0
		h.View(manager, func(tx *gate.Tx) error {
			return tx.QueryRow(`select count(*) from notification where user_id = ? and topic = 'rotation'`, int64(manager.User)).Scan(&told)
		})
		if told != 1 {
			t.Errorf("it was told %d times", told)
		}
		machine.Falls(rotationtest.Nothing)
		h.Clock.Advance(25 * time.Hour) // 04:00 of the next day
		want("the next day", run(), 1, change.Fine)
	})
}
