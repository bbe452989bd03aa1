package record_test

import (
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/expiry"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

func TestChangingARecordIsNotTheRightToRestrictOrArchiveIt(t *testing.T) {
	h := open(t)
	org := h.Org("A")
	plain := h.Make("thing", org, record.Values{"name": "plain"})
	closed := h.Make("thing", org, record.Values{"name": "closed"})
	creator, editor := h.User(access.Creator), h.User(access.Editor)
	h.Change(func(tx *gate.Tx) error {
		return h.Records.SetAccess(tx, "thing", closed, true, []id.ID{creator.User, editor.User}, nil)
	})
	h.reload(creator)
	h.reload(editor)
	for _, v := range []record.Values{{"restricted": false}, {"archived": true}, {"name": "x", "archived": "yes"}} {
		_, err := h.update(creator, "thing", closed, 0, v)
		want(t, "a creator sets", fault.Of(err), fault.Denied)
	}
	_, err := h.update(creator, "thing", plain, 0, record.Values{"restricted": true})
	want(t, "a creator restricts", fault.Of(err), fault.Denied)
	_, err = h.create(creator, "thing", record.Values{"name": "new", "organization_id": org, "restricted": true})
	want(t, "a creator makes a restricted one", fault.Of(err), fault.Denied)
	_, err = h.create(creator, "thing", record.Values{"name": "new", "organization_id": org, "archived": true})
	want(t, "a creator makes an archived one", fault.Of(err), fault.Denied)
	_, err = h.update(creator, "thing", closed, 0, record.Values{"name": "closed 2", "restricted": true, "archived": false})
	want(t, "what does not differ needs no right", err, nil)
	_, err = h.update(editor, "thing", closed, 0, record.Values{"restricted": false, "archived": true})
	want(t, "an editor may", err, nil)
	r, err := h.create(h.Admin(), "thing_type", record.Values{"name": "hidden from all", "restricted": true})
	want(t, "a tenant-wide record is made", err, nil)
	want(t, "and is not restricted", r.Restricted, false)
}

func TestARecordMovesToOrganizationsOnly(t *testing.T) {
	h := open(t)
	a, b := h.Org("A"), h.Org("B")
	thing, other := h.Make("thing", a, record.Values{"name": "t"}), h.Make("thing", a, record.Values{"name": "other"})
	for _, to := range []id.ID{thing, other} {
		_, err := h.update(h.Admin(), "thing", thing, 0, record.Values{"organization_id": to})
		want(t, "into what is no organization", fault.Of(err), fault.NotFound)
	}
	_, err := h.update(h.Admin(), "thing", thing, 0, record.Values{"organization_id": b})
	want(t, "into an organization", err, nil)
}

func TestArchivingTwiceAtOnceKeepsTheEntry(t *testing.T) {
	h := open(t)
	thing := h.Make("thing", h.Org("A"), record.Values{"name": "t"})
	err := h.Gate.Change(t.Context(), h.Admin(), access.View, gate.Thing{}, func(tx *gate.Tx) error {
		for range 2 {
			if err := tx.Try(func() error { return h.Records.SetArchived(tx, "thing", thing, true) }); err != nil {
				return err
			}
		}
		return nil
	})
	want(t, "archived", err, nil)
	want(t, "in the log", len(h.entries(thing, "archive")), 1)
}

func (h house) entries(object id.ID, action string) (list []*audit.Entry) {
	h.t.Helper()
	h.View(h.Admin(), func(tx *gate.Tx) (err error) {
		list, err = tx.Activity(audit.Filter{Object: object, Action: action})
		return err
	})
	return list
}

func TestDeletingAnOrganizationTakesHiddenRecordsAlong(t *testing.T) {
	h := open(t)
	org := h.Org("A")
	seen, hidden := h.Make("thing", org, record.Values{"name": "seen"}), h.Make("thing", org, record.Values{"name": "hidden"})
	part := h.Make("part", 0, record.Values{"name": "part", "thing_id": hidden})
	h.Change(func(tx *gate.Tx) error { return h.Records.SetAccess(tx, "thing", hidden, true, nil, nil) })
	editor := h.User(access.Editor)
	do := func(f func(*gate.Tx, string, id.ID) error) {
		t.Helper()
		err := h.Gate.Change(t.Context(), editor, access.View, gate.Thing{}, func(tx *gate.Tx) error { return f(tx, "organization", org) })
		want(t, "by the editor", err, nil)
	}
	h.Clock.Advance(1e9)
	do(h.Records.Trash)
	want(t, "left", names(h.list(h.Admin(), "thing", record.Query{})), []string{})
	h.View(h.Admin(), func(tx *gate.Tx) error {
		for _, i := range []id.ID{org, seen, hidden, part} {
			list, err := tx.Tenant.Audit.List(tx.SQL(), audit.Filter{Object: i, Action: "delete", Actor: editor.User})
			if err != nil {
				return err
			}
			want(t, "entries of a deletion", len(list), 1)
		}
		return nil
	})
	err := h.Gate.Change(t.Context(), h.Admin(), access.View, gate.Thing{}, func(tx *gate.Tx) error { return h.Records.Untrash(tx, "thing", seen) })
	want(t, "back into an organization that is in the trash", fault.Of(err), fault.Conflict)
	do(h.Records.Untrash)
	want(t, "back", names(h.list(h.Admin(), "thing", record.Query{})), []string{"hidden", "seen"})
	want(t, "the editor sees", names(h.list(editor, "thing", record.Query{})), []string{"seen"})
	want(t, "counted", h.list(h.Admin(), "thing", record.Query{}).Total, 2)
}

func TestNamesOfHiddenRecordsDoNotShow(t *testing.T) {
	h := open(t)
	theirs, aaa := h.Org("Theirs"), h.Org("AAA hidden")
	one := h.Make("thing", theirs, record.Values{"name": "1", "ends_on": "2026-04-01"})
	two := h.Make("thing", aaa, record.Values{"name": "2", "ends_on": "2026-04-01"})
	c := h.User(access.ReadOnly, h.Org("Mine"))
	h.Change(func(tx *gate.Tx) error {
		for _, i := range []id.ID{one, two} {
			if err := h.Records.SetAccess(tx, "thing", i, false, []id.ID{c.User}, nil); err != nil {
				return err
			}
		}
		return nil
	})
	h.reload(c)
	var soon []expiry.Item
	h.View(c, func(tx *gate.Tx) (err error) {
		soon, err = expiry.List(tx, h.Records, 0, "2026-01-01", "2027-01-01", 10)
		return err
	})
	want(t, "expiring", len(soon), 2)
	for _, x := range soon {
		want(t, "the organization's name", x.OrgName, "")
	}
	byOrg := []record.Order{{Field: "organization_name"}}
	want(t, "in an order that tells nothing", names(h.list(c, "thing", record.Query{Sort: byOrg})), []string{"1", "2"})
	want(t, "in order for who sees them", names(h.list(h.Admin(), "thing", record.Query{Sort: byOrg})), []string{"2", "1"})
}

func TestTextsAreUnicode(t *testing.T) {
	h := open(t)
	org := h.Org("A")
	for _, f := range []string{"name", "notes", "content", "serial_number", "password"} {
		_, err := h.create(h.Admin(), "thing", record.Values{"organization_id": org, "name": "x", f: "a\xffb"})
		want(t, f, fault.Of(err), fault.Invalid)
	}
	for _, f := range []string{"created_at", "order", "thing_type_id", "primary", "id"} {
		err := h.Gate.View(t.Context(), h.Admin(), func(tx *gate.Tx) error {
			_, err := h.Records.List(tx, "thing", record.Query{Filters: []record.Filter{{Field: f, Op: record.Contains, Values: []any{"1"}}}})
			return err
		})
		want(t, "a part of "+f, fault.Of(err), fault.Invalid)
	}
}
