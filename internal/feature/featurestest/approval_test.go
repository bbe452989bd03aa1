package featurestest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/approval"
	"strongroom/internal/feature/checkout"
	"strongroom/internal/feature/notification"
)

// vault is a house whose secrets obey the policy of approvals.
type vault struct {
	*house
	org    id.ID
	reveal *secret.Revealer
}

func newVault(t *testing.T) *vault {
	h := open(t, false)
	return &vault{h, h.Org("Harbour"), &secret.Revealer{Gate: h.Gate, Keys: h.Keys.Client, Restored: h.Records.SecretRestored, Policies: []secret.Policy{approval.Policy, checkout.Policy}}}
}

func (v *vault) folder(name string, above id.ID) id.ID {
	values := record.Values{"name": name}
	if above != 0 {
		values["parent_id"] = above
	}
	return v.Make("password_folder", v.org, values)
}

func (v *vault) password(name string, folder id.ID) id.ID {
	values := record.Values{"name": name, "password": "kelp-" + name, "otp_secret": "JBSWY3DPEHPK3PXP"}
	if folder != 0 {
		values["password_folder_id"] = folder
	}
	return v.Make("password", v.org, values)
}

// see reveals a password, and tells how that ended.
func (v *vault) see(c *access.Caller, rec id.ID) error {
	text, err := v.reveal.Reveal(v.t.Context(), c, secret.Ref{Kind: "password", Object: rec, Field: "password"}, "")
	if err == nil && !strings.HasPrefix(text, "kelp") {
		err = errors.New("not what was kept: " + text)
	}
	return err
}

func (v *vault) as(c *access.Caller, fn func(tx *gate.Tx) error) error {
	return v.Gate.Change(v.t.Context(), c, access.View, gate.Thing{}, fn)
}

func (v *vault) demand(c *access.Caller, kind string, rec id.ID, needed int) {
	v.t.Helper()
	if err := v.as(c, func(tx *gate.Tx) error { return approval.Set(tx, kind, rec, needed) }); err != nil {
		v.t.Fatal(err)
	}
}

func (v *vault) ask(c *access.Caller, what, kind string, rec id.ID) id.ID {
	v.t.Helper()
	var rid id.ID
	err := v.as(c, func(tx *gate.Tx) (err error) {
		rid, err = approval.Ask(tx, what, kind, rec, "CHG-1179", 60)
		return err
	})
	if err != nil {
		v.t.Fatal(err)
	}
	return rid
}

func (v *vault) decide(c *access.Caller, rid id.ID, yes bool, minutes int) error {
	return v.as(c, func(tx *gate.Tx) error {
		_, err := approval.Decide(tx, rid, yes, "As agreed", minutes)
		return err
	})
}

// last gives the newest entry of the log about a record.
func (v *vault) last(rec id.ID) *audit.Entry {
	v.t.Helper()
	var list []*audit.Entry
	v.View(v.Admin(), func(tx *gate.Tx) (err error) {
		list, err = tx.Activity(audit.Filter{Object: rec, Limit: 1})
		return err
	})
	if len(list) == 0 {
		v.t.Fatal("nothing is recorded")
	}
	return list[0]
}

func want(t *testing.T, err error, k fault.Kind) {
	t.Helper()
	if !fault.Is(err, k) {
		t.Errorf("got %v, want %v", err, k)
	}
}

func TestRevealTakesApproval(t *testing.T) {
	v := newVault(t)
	top := v.folder("Core", 0)
	rec, free := v.password("root", v.folder("Switches", top)), v.password("free", 0)
	editor, manager, admin := v.User(access.Editor), v.User(access.Manager), v.User(access.Administrator)
	want(t, v.as(editor, func(tx *gate.Tx) error { return approval.Set(tx, "password_folder", top, 1) }), fault.Denied)
	v.demand(manager, "password_folder", top, 1)

	for _, c := range []*access.Caller{editor, manager, admin, v.Admin()} {
		want(t, v.see(c, rec), fault.Denied)
		if e := v.last(rec); e.Result != audit.Refused || e.Action != string(access.Reveal) || e.Actor != c.User {
			t.Errorf("the refusal of %s is recorded as %+v", c.Name, e)
		}
		v.Clock.Advance(2 * time.Minute) // the next refusal is one of its own
		if err := v.see(c, free); err != nil {
			t.Errorf("%s: a password that demands nothing: %v", c.Name, err)
		}
	}
	_, err := v.reveal.Reveal(t.Context(), editor, secret.Ref{Kind: "password", Object: rec, Field: "otp_secret"}, "")
	want(t, err, fault.Denied)

	rid := v.ask(editor, approval.See, "password", rec)
	want(t, v.as(editor, func(tx *gate.Tx) error {
		_, err := approval.Ask(tx, approval.See, "password", rec, "again", 60)
		return err
	}), fault.Conflict)
	want(t, v.decide(editor, rid, true, 60), fault.Denied)
	want(t, v.see(editor, rec), fault.Denied)
	if err := v.decide(manager, rid, true, 30); err != nil {
		t.Fatal(err)
	}
	want(t, v.decide(admin, rid, false, 0), fault.Conflict)
	if err := v.see(editor, rec); err != nil {
		t.Fatal(err)
	}
	if e := v.last(rec); e.Action != secret.Granted || e.Detail.Text != "by approval "+rid.String() {
		t.Errorf("the reveal is recorded as %+v", e)
	}
	want(t, v.see(manager, rec), fault.Denied) // it is for who asked
	v.Clock.Advance(30 * time.Minute)
	want(t, v.see(editor, rec), fault.Denied) // its time is over

	var bell []string
	v.View(editor, func(tx *gate.Tx) error {
		p, err := notification.List(tx, notification.Query{})
		for _, l := range p.Lines {
			bell = append(bell, l.Plain())
		}
		return err
	})
	if len(bell) != 1 || !strings.Contains(bell[0], "approved for you") {
		t.Errorf("who asked is told %q", bell)
	}
}

// TestApprovalEnds: by withdrawal, and when the secret changes; and who waits too
// long asks again.
func TestApprovalEnds(t *testing.T) {
	v := newVault(t)
	rec := v.password("root", 0)
	editor, manager := v.User(access.Editor), v.User(access.Manager)
	v.demand(manager, "password", rec, 1)
	grant := func() id.ID {
		t.Helper()
		rid := v.ask(editor, approval.See, "password", rec)
		if err := v.decide(manager, rid, true, 60); err != nil {
			t.Fatal(err)
		}
		if err := v.see(editor, rec); err != nil {
			t.Fatal(err)
		}
		return rid
	}
	end := func(c *access.Caller, rid id.ID) error {
		return v.as(c, func(tx *gate.Tx) error { return approval.End(tx, rid) })
	}
	for _, who := range []*access.Caller{editor, manager} {
		rid := grant()
		want(t, end(v.User(access.Creator), rid), fault.NotFound)
		if err := end(who, rid); err != nil {
			t.Fatal(err)
		}
		want(t, v.see(editor, rec), fault.Denied)
		want(t, end(who, rid), fault.Conflict)
	}
	rid := grant()
	v.mustUpdate("password", rec, record.Values{"password": "kelp-new"})
	want(t, v.see(editor, rec), fault.Denied)
	v.View(editor, func(tx *gate.Tx) error {
		r, votes, err := approval.Get(tx, rid)
		if err == nil && (r.State != approval.Changed || len(votes) != 1 || votes[0].Words != "As agreed") {
			t.Errorf("it is %+v, with %+v", r, votes)
		}
		return err
	})
	late := v.ask(editor, approval.See, "password", rec)
	v.Clock.Advance(approval.Wait + time.Minute)
	want(t, v.decide(manager, late, true, 60), fault.Conflict)
	if rid := v.ask(editor, approval.See, "password", rec); v.decide(manager, rid, false, 0) != nil {
		t.Error("what was asked again cannot be refused")
	}
	want(t, v.see(editor, rec), fault.Denied)
}

// TestDemandStays: it goes along with what leaves a folder, outlives the folder, and
// is lowered by an approval alone.
func TestDemandStays(t *testing.T) {
	v := newVault(t)
	top := v.folder("Core", 0)
	inner, other := v.folder("Inner", top), v.folder("Other", 0)
	rec, deep := v.password("root", top), v.password("deep", inner)
	manager, second, third := v.User(access.Manager), v.User(access.Manager), v.User(access.Manager)
	v.demand(manager, "password_folder", top, 2)
	v.mustUpdate("password", rec, record.Values{"password_folder_id": other})
	v.mustUpdate("password_folder", inner, record.Values{"parent_id": nil})
	v.mustUpdate("password", deep, record.Values{"password_folder_id": nil})
	for _, p := range []id.ID{rec, deep} {
		want(t, v.see(manager, p), fault.Denied)
	}
	v.purge("password_folder", inner)
	last := v.password("last", top)
	v.purge("password_folder", top)
	want(t, v.see(manager, last), fault.Denied)

	want(t, v.as(manager, func(tx *gate.Tx) error { return approval.Set(tx, "password", rec, 1) }), fault.Invalid)
	rid := v.ask(manager, approval.Lift, "password", rec)
	if err := v.decide(second, rid, true, 60); err != nil {
		t.Fatal(err)
	}
	want(t, v.decide(second, rid, true, 60), fault.Conflict)
	want(t, v.see(manager, rec), fault.Denied) // two have to say yes
	if err := v.decide(third, rid, true, 60); err != nil {
		t.Fatal(err)
	}
	if err := v.see(manager, rec); err != nil {
		t.Error(err)
	}
}

// TestBreakGlass: an administrator approves for herself only where the tenant lets
// her, and that is recorded as what it is.
func TestBreakGlass(t *testing.T) {
	v := newVault(t)
	rec := v.password("root", 0)
	manager, admin, other := v.User(access.Manager), v.User(access.Administrator), v.User(access.Administrator)
	v.demand(manager, "password", rec, 3)
	rid := v.ask(admin, approval.See, "password", rec)
	want(t, v.decide(admin, rid, true, 60), fault.Denied)
	settle := func(c *access.Caller) error {
		return v.as(c, func(tx *gate.Tx) error { return approval.Settle(tx, approval.Settings{Needed: 1, Own: true}) })
	}
	want(t, settle(manager), fault.Denied)
	if err := settle(admin); err != nil {
		t.Fatal(err)
	}
	mine := v.ask(manager, approval.See, "password", rec)
	want(t, v.decide(manager, mine, true, 60), fault.Denied)
	if err := v.decide(admin, rid, true, 60); err != nil {
		t.Fatal(err)
	}
	if e := v.last(rec); e.Action != approval.BrokeOpen || e.Actor != admin.User {
		t.Errorf("it is recorded as %+v", e)
	}
	if err := v.see(admin, rec); err != nil {
		t.Error(err)
	}
	v.View(other, func(tx *gate.Tx) error {
		n, err := notification.Unread(tx)
		if n < 3 { // the setting, what was asked, and that she decided alone
			t.Errorf("the other administrator has %d notices", n)
		}
		return err
	})
}

// TestExportLeavesOut: an export holds what is covered by an approval, and counts
// the rest.
func TestExportLeavesOut(t *testing.T) {
	v := newVault(t)
	rec, free := v.password("root", 0), v.password("free", 0)
	manager, second := v.User(access.Manager), v.User(access.Manager)
	v.demand(manager, "password", rec, 1)
	refs := []secret.Ref{{Kind: "password", Object: rec, Field: "password"}, {Kind: "password", Object: rec, Field: "otp_secret"}, {Kind: "password", Object: free, Field: "password"}}
	given := func() (texts []string, withheld int) {
		t.Helper()
		err := v.reveal.RevealMany(t.Context(), manager, refs, "Export", func(_ secret.Ref, text string, why error) error {
			if why != nil {
				withheld++
			}
			texts = append(texts, text)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return texts, withheld
	}
	if texts, n := given(); n != 2 || !slices.Equal(texts, []string{"", "", "kelp-free"}) {
		t.Errorf("the export has %q and leaves out %d", texts, n)
	}
	if e := v.last(rec); e.Result != audit.Refused {
		t.Errorf("what was left out is recorded as %+v", e)
	}
	if err := v.decide(second, v.ask(manager, approval.See, "password", rec), true, 60); err != nil {
		t.Fatal(err)
	}
	if texts, n := given(); n != 0 || texts[0] != "kelp-root" {
		t.Errorf("with an approval the export has %q and leaves out %d", texts, n)
	}
}

// TestApprovalsOfOthers: who may not see a password learns nothing of what is asked
// about it, manager or not.
func TestApprovalsOfOthers(t *testing.T) {
	v := newVault(t)
	elsewhere := v.Org("Elsewhere")
	rec := v.password("root", 0)
	editor, manager, stranger := v.User(access.Editor), v.User(access.Manager), v.User(access.Manager, elsewhere)
	v.demand(manager, "password", rec, 1)
	rid := v.ask(editor, approval.See, "password", rec)
	want(t, v.decide(stranger, rid, true, 60), fault.NotFound)
	for c, n := range map[*access.Caller]int{manager: 1, stranger: 0, editor: 0} {
		v.View(c, func(tx *gate.Tx) error {
			due, err := approval.Due(tx)
			if len(due) != n {
				t.Errorf("%s has %d to decide", c.Name, len(due))
			}
			return err
		})
	}
}
