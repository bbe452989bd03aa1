// Package importertest_test tries the importer and the exporter together with the
// features whose records they bring in and take out.
package importertest_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"strongroom/internal/base/archive"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/number"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/certificate"
	"strongroom/internal/feature/checklist"
	"strongroom/internal/feature/comment"
	"strongroom/internal/feature/configuration"
	"strongroom/internal/feature/contact"
	"strongroom/internal/feature/customobject"
	"strongroom/internal/feature/document"
	"strongroom/internal/feature/domain"
	"strongroom/internal/feature/exporter"
	"strongroom/internal/feature/exporter/standing"
	"strongroom/internal/feature/external"
	"strongroom/internal/feature/favourite"
	"strongroom/internal/feature/flag"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/layout/glue"
	"strongroom/internal/feature/importer/layout/sheet"
	"strongroom/internal/feature/location"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/organization"
	"strongroom/internal/feature/password"
	"strongroom/internal/feature/relation"
	"strongroom/internal/feature/tracker"
	"time"
)

func features() []record.Feature {
	name := []record.Field{{Name: "name", Type: record.Text, Class: record.Personal, Required: true}}
	return []record.Feature{
		{Name: "people", Kinds: []*record.Kind{
			{Name: "user", Plural: "users", Label: "User", Labels: "Users", Scope: record.OfTenant, Admin: true, Fields: name},
			{Name: "group", Plural: "groups", Label: "Group", Labels: "Groups", Scope: record.OfTenant, Admin: true, Fields: name},
		}},
		organization.Feature(),
		location.Feature(),
		contact.Feature(),
		configuration.Feature(),
		document.Feature(),
		password.Feature(),
		attachment.Feature(),
		relation.Feature(),
		favourite.Feature(),
		external.Feature(),
		importer.Feature(),
		exporter.Feature(),
		standing.Feature(),
		tracker.Feature(),
		flexibleasset.Feature(),
		customobject.Feature(),
		{Name: "number", Schema: number.Schema},
		domain.Feature(),
		certificate.Feature(),
		checklist.Feature(),
		notification.Feature(),
		comment.Feature(),
		flag.Feature(),
		racks(),
	}
}

// racks are kinds that no layout of another product knows, with every sort of
// field; a unit is declared before the rack that it is in.
func racks() record.Feature {
	named := record.Field{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Unique: true, Sort: true}
	return record.Feature{Name: "rack", Kinds: []*record.Kind{
		{Name: "rack_unit", Plural: "rack_units", Label: "Unit", Labels: "Units", Scope: record.OfParent, Parent: "rack_id", Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true},
			{Name: "rack_id", Type: record.Ref, Ref: "rack", Class: record.Internal, Required: true},
			{Name: "configuration_id", Type: record.Ref, Ref: "configuration", Class: record.Internal},
		}},
		{Name: "rack", Plural: "racks", Label: "Rack", Labels: "Racks", Scope: record.OfOrganization, Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true},
			{Name: "above_id", Type: record.Ref, Ref: "rack", Class: record.Internal},
			{Name: "location_id", Type: record.Ref, Ref: "location", Class: record.Internal},
			{Name: "rack_make_id", Type: record.Ref, Ref: "rack_make", Class: record.Internal},
			{Name: "door_code", Type: record.Secret, Class: record.Personal},
			{Name: "height", Type: record.Integer, Class: record.Internal},
			{Name: "weight", Type: record.Number, Class: record.Internal},
			{Name: "locked", Type: record.Bool, Class: record.Internal, Default: true},
			{Name: "checked_on", Type: record.Date, Class: record.Internal, Expires: true},
			{Name: "cooling", Type: record.Choice, Choices: []string{"Air", "Water"}, Class: record.Internal},
			{Name: "notes", Type: record.HTML, Class: record.Personal},
			{Name: "doors", Type: record.Rows, Class: record.Internal, Rows: []record.Field{{Name: "side", Type: record.Text, Class: record.Internal}, {Name: "glass", Type: record.Bool, Class: record.Internal}}},
		}},
		{Name: "rack_make", Plural: "rack_makes", Label: "Make", Labels: "Makes", Scope: record.OfTenant, Fields: []record.Field{named}},
	}}
}

// house is a house with the documentation features, its lists and an importer.
type house struct {
	*coretest.House
	t  testing.TB
	im *importer.Importer
	ex *exporter.Exporter
}

func open(t testing.TB) *house {
	t.Helper()
	h := &house{House: coretest.Open(t, coretest.Options{Features: features(), Schema: job.Schema}), t: t}
	h.Change(farIDs)
	h.Change(func(tx *gate.Tx) error { return h.Records.Seed(tx) })
	store := &attachment.Store{Gate: h.Gate}
	h.im = &importer.Importer{Gate: h.Gate, Records: h.Records.Inside(), Files: store, Relations: &relation.Relations{Records: h.Records}, Layouts: []importer.Layout{glue.Layout{}, sheet.Layout{}}, Now: h.Clock.Now}
	h.ex = &exporter.Exporter{Gate: h.Gate, Records: h.Records, Files: store, Secrets: &secret.Revealer{Gate: h.Gate, Keys: h.Keys.Client}, Now: h.Clock.Now}
	return h
}

// farIDs makes ids numbers that nothing else in the tests is.
func farIDs(tx *gate.Tx) error {
	if _, err := tx.Exec(`update id_block set next = 8000000`); err != nil {
		return err
	}
	for n := id.ID(0); n < 8000000; {
		var err error
		if n, err = tx.NewID(); err != nil {
			return err
		}
	}
	return nil
}

// files are the entries of a zip by their names.
type files map[string]string

func (f files) with(more files) files {
	out := files{}
	for k, v := range f {
		out[k] = v
	}
	for k, v := range more {
		out[k] = v
	}
	return out
}

// pack writes a zip and gives its path.
func (f files) pack(t testing.TB, password string) string {
	t.Helper()
	var b bytes.Buffer
	z := archive.Create(&b, password)
	for _, name := range sorted(f) {
		w, err := z.Add(name, time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	p := filepath.Join(t.TempDir(), "export.zip")
	if err := os.WriteFile(p, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func sorted(f files) []string {
	var out []string
	for k := range f {
		out = append(out, k)
	}
	for i := range out {
		for j := i; j > 0 && out[j] < out[j-1]; j-- {
			out[j], out[j-1] = out[j-1], out[j]
		}
	}
	return out
}

func csv(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n" }

func (h *house) check(p string) *importer.Report {
	h.t.Helper()
	r, err := h.im.Check(h.t.Context(), h.Admin(), importer.Source{Path: p}, importer.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *house) run(p string) *importer.Report {
	h.t.Helper()
	r, err := h.im.Run(h.t.Context(), h.Admin(), importer.Source{Path: p}, importer.Options{}, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// one gives the only record of a kind with that name.
func (h *house) one(kind, name string) *record.Record {
	h.t.Helper()
	var r *record.Record
	h.View(h.Admin(), func(tx *gate.Tx) error {
		p, err := h.Records.List(tx, kind, record.Query{Filters: []record.Filter{{Field: "name", Op: record.Eq, Values: []any{name}}}})
		if err != nil {
			return err
		}
		if len(p.Records) != 1 {
			h.t.Fatalf("%d records of kind %s are called %q, want 1", len(p.Records), kind, name)
		}
		r = p.Records[0]
		return nil
	})
	return r
}

func (h *house) reveal(rec id.ID, field string) string {
	h.t.Helper()
	kind := "password"
	if field == "door_code" {
		kind = "rack"
	}
	rv := &secret.Revealer{Gate: h.Gate, Keys: h.Keys.Client}
	s, err := rv.Reveal(h.t.Context(), h.Admin(), secret.Ref{Kind: kind, Object: rec, Field: field}, "test")
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func unmarshal(b []byte, v any) error { return json.Unmarshal(b, v) }
