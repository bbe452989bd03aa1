package featurestest_test

import (
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/number"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/alert"
	"strongroom/internal/feature/announcement"
	"strongroom/internal/feature/approval"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/category"
	"strongroom/internal/feature/certificate"
	"strongroom/internal/feature/change"
	"strongroom/internal/feature/checklist"
	"strongroom/internal/feature/checklist/step"
	"strongroom/internal/feature/checkout"
	"strongroom/internal/feature/comment"
	"strongroom/internal/feature/configuration"
	"strongroom/internal/feature/contact"
	"strongroom/internal/feature/customobject"
	"strongroom/internal/feature/document"
	"strongroom/internal/feature/domain"
	"strongroom/internal/feature/external"
	"strongroom/internal/feature/favourite"
	"strongroom/internal/feature/flag"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/journal"
	"strongroom/internal/feature/knowledge"
	"strongroom/internal/feature/location"
	"strongroom/internal/feature/mailbox"
	"strongroom/internal/feature/merge"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/offering"
	"strongroom/internal/feature/organization"
	"strongroom/internal/feature/outbox"
	"strongroom/internal/feature/password"
	"strongroom/internal/feature/portal"
	"strongroom/internal/feature/problem"
	"strongroom/internal/feature/relation"
	"strongroom/internal/feature/release"
	"strongroom/internal/feature/report"
	"strongroom/internal/feature/request"
	"strongroom/internal/feature/rotation"
	"strongroom/internal/feature/service"
	"strongroom/internal/feature/sla"
	"strongroom/internal/feature/task"
	"strongroom/internal/feature/team"
	"strongroom/internal/feature/timesheet"
	"strongroom/internal/feature/tracker"
)

// features are those of the documentation, with users as plain records.
func features() []record.Feature {
	name := []record.Field{{Name: "name", Type: record.Text, Class: record.Personal, Required: true}}
	user := append(name[:1:1], record.Field{Name: "email", Type: record.Text, Format: record.Email, Class: record.Personal, Unique: true})
	return []record.Feature{
		{Name: "people", Kinds: []*record.Kind{
			{Name: "user", Plural: "users", Label: "User", Labels: "Users", Scope: record.OfTenant, Admin: true, Fields: user},
			{Name: "group", Plural: "groups", Label: "Group", Labels: "Groups", Scope: record.OfTenant, Admin: true, Fields: name},
		}},
		organization.Feature(),
		location.Feature(),
		contact.Feature(),
		configuration.Feature(),
		document.Feature(),
		password.Feature(),
		approval.Feature(),
		checkout.Feature(),
		rotation.Feature(),
		attachment.Feature(),
		relation.Feature(),
		report.Feature(),
		favourite.Feature(),
		external.Feature(),
		flexibleasset.Feature(),
		customobject.Feature(),
		domain.Feature(),
		certificate.Feature(),
		checklist.Feature(),
		step.Feature(),
		notification.Feature(),
		tracker.Feature(),
		comment.Feature(),
		flag.Feature(),
		alert.Feature(),
		sla.Feature(),
		team.Feature(),
		service.Feature(),
		category.Feature(),
		problem.Feature(),
		incident.Feature(),
		request.Feature(),
		offering.Feature(),
		release.Feature(),
		ballot.Feature(),
		knowledge.Feature(),
		change.Feature(),
		task.Feature(),
		journal.Feature(),
		mailbox.Feature(), merge.Feature(),
		timesheet.Feature(),
		outbox.Feature(),
		portal.Feature(),
		announcement.Feature(),
		{Name: "number", Schema: number.Schema},
		{Name: "job", Schema: job.Schema},
	}
}

// house is a house with the documentation features.
type house struct {
	*coretest.House
	t *testing.T
}

// open gives a house; with seeds it holds the lists of a new tenant.
func open(t *testing.T, seeds bool) *house {
	t.Helper()
	h := &house{coretest.Open(t, coretest.Options{Features: features()}), t}
	if seeds {
		h.Change(func(tx *gate.Tx) error { return h.Records.Seed(tx) })
	}
	return h
}

// update changes a record as Admin.
func (h *house) update(kind string, rec id.ID, v record.Values) (*record.Record, error) {
	var r *record.Record
	err := h.Gate.Change(h.t.Context(), h.Admin(), access.Edit, gate.Thing{ID: rec}, func(tx *gate.Tx) error {
		var err error
		r, err = h.Records.Update(tx, kind, rec, 0, v)
		return err
	})
	return r, err
}

func (h *house) mustUpdate(kind string, rec id.ID, v record.Values) *record.Record {
	h.t.Helper()
	r, err := h.update(kind, rec, v)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// create makes a record as Admin and gives the failure, if any.
func (h *house) create(kind string, org id.ID, v record.Values) error {
	return h.Gate.Change(h.t.Context(), h.Admin(), access.Create, gate.Thing{Kind: kind, Org: org}, func(tx *gate.Tx) error {
		w := v.Clone()
		if org != 0 {
			w["organization_id"] = org
		}
		_, err := h.Records.Create(tx, kind, w)
		return err
	})
}

func (h *house) get(kind string, rec id.ID) *record.Record {
	h.t.Helper()
	var r *record.Record
	h.View(h.Admin(), func(tx *gate.Tx) error {
		var err error
		r, err = h.Records.Get(tx, kind, rec)
		return err
	})
	return r
}

func (h *house) trash(kind string, rec id.ID) {
	h.t.Helper()
	h.Change(func(tx *gate.Tx) error { return h.Records.Trash(tx, kind, rec) })
}

func (h *house) purge(kind string, rec id.ID) {
	h.t.Helper()
	h.trash(kind, rec)
	h.Change(func(tx *gate.Tx) error { return h.Records.Purge(tx, kind, rec) })
}

// one gives the id of the only record of a kind with that name.
func (h *house) one(kind, name string) id.ID {
	h.t.Helper()
	var n int64
	h.View(h.Admin(), func(tx *gate.Tx) error {
		return tx.QueryRow(`select id from record where kind = ? and name_fold = ?`, kind, record.Fold(name)).Scan(&n)
	})
	return id.ID(n)
}

// invalid sees that err is Invalid and names exactly that field.
func invalid(t *testing.T, err error, field string) {
	t.Helper()
	if !fault.Is(err, fault.Invalid) {
		t.Fatalf("got %v, want Invalid for %s", err, field)
	}
	if said := fault.Say(err); said.Fields[field] == "" {
		t.Fatalf("got %v, want the field %s named", err, field)
	}
}

// shows sees that a record has these values; nil means not set.
func shows(t *testing.T, r *record.Record, want record.Values) {
	t.Helper()
	for name, w := range want {
		if got := r.Values[name]; got != w {
			t.Errorf("%s: %s is %v (%T), want %v (%T)", r.Kind.Name, name, got, got, w, w)
		}
	}
}

// openB gives a house with seeds for a benchmark.
func openB(b *testing.B) *coretest.House {
	b.Helper()
	h := coretest.Open(b, coretest.Options{Features: features()})
	h.Change(func(tx *gate.Tx) error { return h.Records.Seed(tx) })
	return h
}
