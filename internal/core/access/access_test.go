package access_test

import (
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// tables lists what access keeps.
var tables = map[string]string{
	"principals": `select count(*) from access_principal where user_id = ?`,
	"members":    `select count(*) from access_member where ? in (user_id, group_id)`,
	"seen":       `select count(*) from access_org where ? in (user_id, org_id)`,
	"grants":     `select count(*) from access_grant where ? in (user_id, group_id, record_id)`,
	"groups":     `select count(*) from access_group where group_id = ?`,
	"group orgs": `select count(*) from access_group_org where ? in (group_id, org_id)`,
}

// TestForgetLeavesNothing: what is purged is nowhere among the rights.
func TestForgetLeavesNothing(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	org := h.Org("A")
	who := h.User(access.Editor, org)
	doc := h.Make("document", org, record.Values{"name": "d"})
	h.Change(func(tx *gate.Tx) error {
		return access.SetGrants(tx.SQL(), doc, []id.ID{who.User}, who.Groups)
	})
	gone := []id.ID{who.User, who.Groups[0], doc, org}
	h.Change(func(tx *gate.Tx) error {
		for _, x := range gone {
			if err := access.Forget(tx.SQL(), x); err != nil {
				return err
			}
		}
		return nil
	})
	h.View(h.Admin(), func(tx *gate.Tx) error {
		for _, x := range gone {
			for name, q := range tables {
				var n int
				if err := tx.QueryRow(q, int64(x)).Scan(&n); err != nil {
					return err
				}
				if n != 0 {
					t.Errorf("%d rows of %s are left of %s", n, name, x)
				}
			}
		}
		return nil
	})
}

// TestWhoIsGoneDoesNothing: a request that goes on while its user is purged, or
// its key ends, ends as well.
func TestWhoIsGoneDoesNothing(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	purged, keyed, expiring, service := h.User(access.Manager), h.User(access.Manager), h.User(access.Manager), h.User(access.Manager)
	keyed.Key, expiring.Key = 77, 78
	service.User, service.Key = 79, 79
	change := func(c *access.Caller) error {
		return h.Gate.Change(t.Context(), c, access.View, gate.Thing{}, func(*gate.Tx) error { return nil })
	}
	h.Change(func(tx *gate.Tx) error {
		for key, until := range map[id.ID]int64{77: 0, 78: tx.Now + 1000, 79: 0} {
			if err := access.SetKey(tx.SQL(), key, until); err != nil {
				return err
			}
		}
		return nil
	})
	for name, c := range map[string]*access.Caller{"user": purged, "key": keyed, "key with an end": expiring, "service key": service} {
		if err := change(c); err != nil {
			t.Errorf("%s before: %v", name, err)
		}
	}
	h.Clock.Advance(1000e6)
	h.Change(func(tx *gate.Tx) error {
		if err := access.ForgetKey(tx.SQL(), 77); err != nil {
			return err
		}
		if err := access.ForgetKey(tx.SQL(), 79); err != nil {
			return err
		}
		return access.Forget(tx.SQL(), purged.User)
	})
	for name, c := range map[string]*access.Caller{"user": purged, "key": keyed, "key with an end": expiring, "service key": service} {
		if err := change(c); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("%s after: %v", name, err)
		}
	}
}

// TestOneTimeComesToWhoIsThere: who is given a new password while she works sees
// no secrets until she has changed it.
func TestOneTimeComesToWhoIsThere(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	who := h.User(access.Manager)
	h.Change(func(tx *gate.Tx) error {
		if err := access.SetOneTime(tx.SQL(), who.User, true); err != nil {
			return err
		}
		return access.SetPrincipal(tx.SQL(), who.User, access.Manager, true)
	})
	err := h.Gate.Change(t.Context(), who, access.Reveal, gate.Thing{}, func(*gate.Tx) error { return nil })
	if !fault.Is(err, fault.Denied) {
		t.Errorf("a reveal: %v", err)
	}
}
