package featurestest_test

import (
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/approval"
	"strongroom/internal/feature/checkout"
	"strongroom/internal/feature/checkout/held"
	"strongroom/internal/feature/notification"
)

func (v *vault) take(c *access.Caller, rec id.ID, minutes int) error {
	return v.as(c, func(tx *gate.Tx) error { _, err := checkout.Take(tx, rec, "CHG-7", minutes); return err })
}

func (v *vault) giveBack(c *access.Caller, rec id.ID) error {
	return v.as(c, func(tx *gate.Tx) error { return checkout.Return(tx, rec) })
}

func (v *vault) unchanged(c *access.Caller) (names []string) {
	v.t.Helper()
	v.View(c, func(tx *gate.Tx) error {
		list, err := held.Unchanged(tx, 0, 100)
		for _, h := range list {
			names = append(names, h.Name)
		}
		return err
	})
	return names
}

func TestOneAtATime(t *testing.T) {
	v := newVault(t)
	top := v.folder("Core", 0)
	rec := v.password("root", v.folder("Switches", top))
	editor, creator, manager := v.User(access.Editor), v.User(access.Creator), v.User(access.Manager)
	want(t, v.take(editor, rec, 60), fault.Conflict) // nobody demanded it
	set := func(c *access.Caller) error {
		return v.as(c, func(tx *gate.Tx) error { return checkout.Set(tx, "password_folder", top) })
	}
	want(t, set(editor), fault.Denied)
	if err := set(manager); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*access.Caller{editor, manager, v.User(access.Administrator), v.Admin()} {
		want(t, v.see(c, rec), fault.Denied)
	}
	want(t, v.take(editor, rec, 0), fault.Invalid)
	want(t, v.take(v.User(access.Lite), rec, 60), fault.Denied)
	if err := v.take(editor, rec, 60); err != nil {
		t.Fatal(err)
	}
	want(t, v.take(creator, rec, 60), fault.Conflict)
	err := v.see(creator, rec)
	want(t, err, fault.Denied)
	if s := fault.Say(err).Text; !strings.Contains(s, "editor user") || !strings.Contains(s, "10:00") {
		t.Errorf("the other is told %q", s)
	}
	if err := v.see(editor, rec); err != nil {
		t.Fatal(err)
	}
	if e := v.last(rec); !strings.HasPrefix(e.Detail.Text, "by check-out ") {
		t.Errorf("the reveal is recorded as %+v", e)
	}
	want(t, v.giveBack(creator, rec), fault.Denied)
	if err := v.giveBack(manager, rec); err != nil {
		t.Fatal(err)
	}
	want(t, v.see(editor, rec), fault.Denied)
	want(t, v.giveBack(editor, rec), fault.Conflict)
	if got := v.unchanged(creator); len(got) != 1 || got[0] != "root" {
		t.Errorf("to be changed is %q", got)
	}
	if got := v.unchanged(v.User(access.Manager, v.Org("Elsewhere"))); len(got) != 0 {
		t.Errorf("a stranger learns of %q", got)
	}
	v.Clock.Advance(time.Minute)
	v.mustUpdate("password", rec, record.Values{"password": "kelp-next"})
	if got := v.unchanged(creator); len(got) != 0 {
		t.Errorf("once changed there is still %q", got)
	}
}

// TestCheckoutEndsAlone: at its time, without anybody doing anything; the next has it,
// and who had it is told once.
func TestCheckoutEndsAlone(t *testing.T) {
	v := newVault(t)
	rec := v.password("root", 0)
	editor, creator, manager := v.User(access.Editor), v.User(access.Creator), v.User(access.Manager)
	if err := v.as(manager, func(tx *gate.Tx) error { return checkout.Set(tx, "password", rec) }); err != nil {
		t.Fatal(err)
	}
	if err := v.take(editor, rec, 30); err != nil {
		t.Fatal(err)
	}
	rid, second := v.ask(manager, approval.Share, "password", rec), v.User(access.Manager)
	want(t, v.decide(manager, rid, true, 60), fault.Denied)
	want(t, v.decide(second, rid, true, 60), fault.Conflict) // somebody has it
	v.Clock.Advance(30 * time.Minute)
	want(t, v.see(editor, rec), fault.Denied)
	if got := v.unchanged(editor); len(got) != 1 {
		t.Errorf("to be changed is %q", got)
	}
	for range 2 {
		if err := (&checkout.Ending{Gate: v.Gate}).Run(t.Context(), coretest.Name); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []*access.Caller{editor, manager} {
		v.View(c, func(tx *gate.Tx) error {
			p, err := notification.List(tx, notification.Query{})
			if len(p.Lines) != 1 || !strings.Contains(p.Lines[0].Plain(), "is to be changed now") {
				t.Errorf("%s is told %+v", c.Name, p.Lines)
			}
			return err
		})
	}
	if err := v.take(creator, rec, 30); err != nil {
		t.Fatal(err)
	}
	if err := v.see(creator, rec); err != nil {
		t.Error(err)
	}
	v.mustUpdate("password", rec, record.Values{"password_folder_id": v.folder("Free", 0)})
	want(t, v.see(editor, rec), fault.Denied)
	v.Clock.Advance(30 * time.Minute)
	if err := v.decide(second, rid, true, 60); err != nil {
		t.Fatal(err)
	}
	if err := v.see(editor, rec); err != nil {
		t.Errorf("once a second person agreed: %v", err)
	}
}

// TestChangedIsANewValue: the date of a password, which can be edited, says nothing of
// whether its value changed.
func TestChangedIsANewValue(t *testing.T) {
	v := newVault(t)
	rec := v.password("root", 0)
	manager := v.User(access.Manager)
	if err := v.as(manager, func(tx *gate.Tx) error { return checkout.Set(tx, "password", rec) }); err != nil {
		t.Fatal(err)
	}
	if err := v.take(manager, rec, 30); err != nil {
		t.Fatal(err)
	}
	v.Clock.Advance(time.Hour)
	v.mustUpdate("password", rec, record.Values{"password_updated_at": v.Clock.Now().UnixMilli(), "notes": "looked after"})
	if got := v.unchanged(manager); len(got) != 1 {
		t.Errorf("with another date it is not to be changed: %q", got)
	}
	v.mustUpdate("password", rec, record.Values{"password": "kelp-next", "password_updated_at": int64(1)})
	if got := v.unchanged(manager); len(got) != 0 {
		t.Errorf("with another value it is to be changed: %q", got)
	}
}

// TestApprovalAndCheckout: where both are demanded, both are needed and named.
func TestApprovalAndCheckout(t *testing.T) {
	v := newVault(t)
	rec := v.password("root", 0)
	editor, manager := v.User(access.Editor), v.User(access.Manager)
	v.demand(manager, "password", rec, 1)
	if err := v.as(manager, func(tx *gate.Tx) error { return checkout.Set(tx, "password", rec) }); err != nil {
		t.Fatal(err)
	}
	if err := v.take(editor, rec, 60); err != nil {
		t.Fatal(err)
	}
	want(t, v.see(editor, rec), fault.Denied)
	if err := v.decide(manager, v.ask(editor, approval.See, "password", rec), true, 60); err != nil {
		t.Fatal(err)
	}
	if err := v.see(editor, rec); err != nil {
		t.Fatal(err)
	}
	if e := v.last(rec); !strings.Contains(e.Detail.Text, "by approval ") || !strings.Contains(e.Detail.Text, ", by check-out ") {
		t.Errorf("the reveal is recorded as %+v", e)
	}
}
