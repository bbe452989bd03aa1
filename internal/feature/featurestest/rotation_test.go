package featurestest_test

import (
	"fmt"
	"slices"
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
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/rotation"
	"strongroom/internal/feature/rotation/limit"
)

func (v *vault) limit(c *access.Caller, kind string, rec id.ID, days int) error {
	return v.as(c, func(tx *gate.Tx) error { return limit.Set(tx, kind, rec, days) })
}

// overdue gives what the board shows: the names, for how long, and why.
func (v *vault) overdue(c *access.Caller, a rotation.Ask) (out []string) {
	v.t.Helper()
	v.View(c, func(tx *gate.Tx) error {
		list, err := rotation.Overdue(tx, v.Records, a)
		for _, l := range list {
			out = append(out, fmt.Sprintf("%s %d %s", l.Name, l.Over, l.Why))
		}
		return err
	})
	return out
}

func TestMostSpecificAgeHolds(t *testing.T) {
	v := newVault(t)
	category := v.Make("password_category", 0, record.Values{"name": "Network"})
	top := v.folder("Core", 0)
	inner := v.folder("Inner", v.folder("Middle", top))
	mk := func(name string, folder id.ID) id.ID {
		rec := v.password(name, folder)
		v.mustUpdate("password", rec, record.Values{"password_category_id": category})
		return rec
	}
	own, _, _ := mk("own", inner), mk("inner", inner), mk("loose", 0)
	free := mk("free", inner)
	manager := v.User(access.Manager)
	want(t, v.limit(v.User(access.Editor), "password", own, 10), fault.Denied)
	want(t, v.limit(v.User(access.Editor), "password_category", category, 10), fault.Denied)
	want(t, v.limit(manager, "password", own, limit.Longest+1), fault.Invalid)
	for _, p := range []struct {
		kind string
		rec  id.ID
		days int
	}{{"password_folder", top, 60}, {"password_category", category, 30}, {"password", own, 10}} {
		if err := v.limit(manager, p.kind, p.rec, p.days); err != nil {
			t.Fatal(err)
		}
	}
	want(t, v.limit(manager, "password", free, 0), fault.Invalid)
	v.agree(manager, v.User(access.Manager), "password", free, 0)
	v.Clock.Advance(40 * 24 * time.Hour)
	if got := v.overdue(manager, rotation.Ask{}); !slices.Equal(got, []string{"own 30 Itself: at most 10 days", "loose 10 Network: at most 30 days"}) {
		t.Errorf("overdue is %q", got)
	}
	if got := v.overdue(manager, rotation.Ask{Soon: 30}); !slices.Contains(got, "inner -20 Core: at most 60 days") || len(got) != 3 {
		t.Errorf("soon is %q", got)
	}
	if got := v.overdue(v.User(access.Manager, v.Org("Elsewhere")), rotation.Ask{Soon: 30}); len(got) != 0 {
		t.Errorf("a stranger learns of %q", got)
	}
	v.mustUpdate("password", own, record.Values{"password": "kelp-next"})
	want(t, v.as(manager, func(tx *gate.Tx) error { return limit.Remove(tx, "password_category", category) }), fault.Invalid)
	v.agree(manager, v.User(access.Manager), "password_category", category, limit.None)
	if got := v.overdue(manager, rotation.Ask{}); len(got) != 0 {
		t.Errorf("still overdue is %q", got)
	}
	v.View(manager, func(tx *gate.Tx) error {
		p, err := limit.Of(tx, "password", free)
		if p != (limit.Policy{From: free, Own: true}) {
			t.Errorf("of the free one holds %+v", p)
		}
		return err
	})
}

// agree has one person ask how old something may become, and another approve.
func (v *vault) agree(who, other *access.Caller, kind string, rec id.ID, days int) {
	v.t.Helper()
	var rid id.ID
	err := v.as(who, func(tx *gate.Tx) (err error) { rid, err = approval.AskAge(tx, kind, rec, "CHG-3", days); return err })
	if err != nil {
		v.t.Fatal(err)
	}
	want(v.t, v.decide(who, rid, true, 60), fault.Denied)
	if err := v.decide(other, rid, true, 60); err != nil {
		v.t.Fatal(err)
	}
}

// TestNobodyAloneLetsItBecomeOlder: what is stricter anybody who decides chooses alone,
// what is not takes somebody else, and a folder's choice is measured by the categories.
func TestNobodyAloneLetsItBecomeOlder(t *testing.T) {
	v := newVault(t)
	manager, second := v.User(access.Manager), v.User(access.Manager)
	category := v.Make("password_category", 0, record.Values{"name": "Network"})
	top := v.folder("Core", 0)
	rec := v.password("root", v.folder("Inner", top))
	remove := func(kind string, rec id.ID) error {
		return v.as(manager, func(tx *gate.Tx) error { return limit.Remove(tx, kind, rec) })
	}
	for _, c := range []struct {
		what string
		err  error
		no   bool
	}{
		{"a first limit", v.limit(manager, "password_folder", top, 60), false},
		{"a stricter one", v.limit(manager, "password_folder", top, 30), false},
		{"a longer one", v.limit(manager, "password_folder", top, 31), true},
		{"none", v.limit(manager, "password_folder", top, 0), true},
		{"away with it", remove("password_folder", top), true},
		{"a password stricter than its folder", v.limit(manager, "password", rec, 10), false},
		{"a password back to its folder's", remove("password", rec), true},
		{"a password longer than its folder", v.limit(manager, "password", rec, 40), true},
		{"a first limit of a category", v.limit(manager, "password_category", category, 20), false},
		{"a folder longer than a category", v.limit(manager, "password_folder", v.folder("Other", 0), 21), true},
		{"a folder stricter than all", v.limit(manager, "password_folder", v.folder("Third", 0), 20), false},
		{"nothing to take away", remove("password_folder", v.folder("Fourth", 0)), false},
	} {
		if fault.Is(c.err, fault.Invalid) != c.no || c.err != nil && !c.no {
			t.Errorf("%s: %v", c.what, c.err)
		}
	}
	want(t, v.as(v.User(access.Editor), func(tx *gate.Tx) error {
		_, err := approval.AskAge(tx, "password_category", category, "x", 0)
		return err
	}), fault.Denied)
	v.agree(manager, second, "password_folder", top, 90)
	if e := v.last(top); e.Action != approval.Approved && e.Action != limit.Chosen {
		t.Errorf("it is recorded as %+v", e)
	}
	v.View(manager, func(tx *gate.Tx) error {
		p, err := limit.Of(tx, "password_folder", top)
		if p.Days != 90 {
			t.Errorf("once approved holds %+v", p)
		}
		return err
	})
}

// TestOverdueIsToldOnce: to administrators, once for each value; and what was checked
// out is on the board without any policy.
func TestOverdueIsToldOnce(t *testing.T) {
	v := newVault(t)
	rec := v.password("root", 0)
	manager, admin := v.User(access.Manager), v.User(access.Administrator)
	if err := v.limit(manager, "password", rec, 10); err != nil {
		t.Fatal(err)
	}
	told := func() (n int) {
		t.Helper()
		for range 2 {
			if err := (&rotation.Teller{Gate: v.Gate, Records: v.Records}).Run(t.Context(), coretest.Name); err != nil {
				t.Fatal(err)
			}
		}
		v.View(admin, func(tx *gate.Tx) (err error) { n, err = notification.Unread(tx); return err })
		return n
	}
	if n := told(); n != 0 {
		t.Errorf("told %d times before it is overdue", n)
	}
	v.Clock.Advance(10 * 24 * time.Hour)
	if n := told(); n != 1 {
		t.Errorf("told %d times", n)
	}
	v.mustUpdate("password", rec, record.Values{"password": "kelp-next"})
	v.Clock.Advance(11 * 24 * time.Hour)
	if n := told(); n != 2 {
		t.Errorf("of the next value told %d times", n)
	}
	other := v.password("shared", 0)
	if err := v.as(manager, func(tx *gate.Tx) error { return checkout.Set(tx, "password", other) }); err != nil {
		t.Fatal(err)
	}
	if err := v.take(manager, other, 15); err != nil {
		t.Fatal(err)
	}
	v.Clock.Advance(24*time.Hour + 15*time.Minute)
	if got := v.overdue(manager, rotation.Ask{}); len(got) != 2 || !strings.HasPrefix(got[1], "shared 1 Checked out by manager user") {
		t.Errorf("overdue is %q", got)
	}
}

// TestOverdueIsFlat: the board takes as many statements for many passwords as for one.
func TestOverdueIsFlat(t *testing.T) {
	v := newVault(t)
	manager := v.User(access.Manager)
	count := func() int64 {
		v.Clock.Advance(30 * 24 * time.Hour)
		db := v.Tenant().DB
		before := db.Statements()
		v.overdue(manager, rotation.Ask{})
		return db.Statements() - before
	}
	fill := func(n int) {
		for i := range n {
			folder := v.folder(fmt.Sprint("F", n, i), 0)
			v.password(fmt.Sprint("p", n, i), folder)
			if err := v.limit(manager, "password_folder", folder, 5); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill(1)
	one := count()
	fill(8)
	if many := count(); many != one {
		t.Errorf("%d statements for one, %d for many", one, many)
	}
}
