package importer_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"strongroom/internal/base/archive"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/configuration"
	"strongroom/internal/feature/contact"
	"strongroom/internal/feature/document"
	"strongroom/internal/feature/external"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/location"
	"strongroom/internal/feature/organization"
	"strongroom/internal/feature/password"
	"strongroom/internal/feature/relation"
	"time"
)

func features() []record.Feature {
	name := []record.Field{{Name: "name", Type: record.Text, Class: record.Personal, Required: true}}
	return []record.Feature{
		{Name: "people", Kinds: []*record.Kind{
			{Name: "user", Plural: "users", Label: "User", Labels: "Users", Scope: record.OfTenant, Admin: true, Fields: name},
			{Name: "group", Plural: "groups", Label: "Group", Labels: "Groups", Scope: record.OfTenant, Admin: true, Fields: name},
		}},
		organization.Feature(), location.Feature(), contact.Feature(), configuration.Feature(), document.Feature(), password.Feature(),
		attachment.Feature(), relation.Feature(), external.Feature(), importer.Feature(),
	}
}

// house is a house with the documentation features, its lists and an importer.
type house struct {
	*coretest.House
	t  testing.TB
	im *importer.Importer
}

func open(t testing.TB) *house {
	t.Helper()
	h := &house{House: coretest.Open(t, coretest.Options{Features: features()}), t: t}
	h.Change(func(tx *gate.Tx) error { return h.Records.Seed(tx) })
	h.im = &importer.Importer{Gate: h.Gate, Records: h.Records, Files: &attachment.Store{Gate: h.Gate}, Relations: &relation.Relations{Records: h.Records}, Now: h.Clock.Now}
	return h
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
	rv := &secret.Revealer{Gate: h.Gate, Keys: h.Keys.Client}
	s, err := rv.Reveal(h.t.Context(), h.Admin(), secret.Ref{Kind: "password", Object: rec, Field: field}, "test")
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// small is an export of two organizations.
func small() files {
	return files{
		"organizations.csv": "\ufeff" + csv("id,name,organization_type,organization_status,short_name,description,quick_notes,alert",
			`101,Northbeam Dental,Customer,Active,NBD,"First line`+"\n"+`second line",<p>Call <b>Ann</b></p>,Backup fails`,
			`102,Harbor Logistics,Shipping line,Active,HL,,,`),
		"locations.csv": csv("id,organization,name,address_1,address_2,city,region,postal_code,country,phone",
			`201,Northbeam Dental,Head office,1 Main Street,,Seattle,WA,98101,United States,206-555-0100`,
			`202,Harbor Logistics,Dock,Kade 1,,Rotterdam,Zuid-Holland,3011,The Netherlands,`),
		"contacts.csv": csv("id,organization,first_name,last_name,title,contact_type,location,important,notes,email,mobile_phone",
			`301,Northbeam Dental,Ann,Berg,Office manager,Approver,Head office,Yes,"a, b",ann@northbeam.example,206-555-0111`),
		"configurations.csv": csv("id,organization,name,hostname,ip,mac,serial,manufacturer,model,notes,configuration_type,configuration_status,configuration_interfaces,archived,location,contact,warranty_expires_at,cpu",
			`401,Northbeam Dental,NBD-SRV1,nbd-srv1,10.0.0.5,00:11:22:33:44:55,SN1,Dell,R740,"line 1`+"\n"+`line 2",Server,Active,"[{""name"":""eth0"",""ip_address"":""10.0.0.5"",""mac_address"":""00:11:22:33:44:55"",""primary"":true,""notes"":null},{""name"":""idrac"",""ip_address"":""10.0.0.6"",""primary"":false}]",No,Head office,Ann Berg,2027-03-01,Xeon`,
			`402,Harbor Logistics,HL-FW,,,,,Fortinet,60F,,Firewall,,,Yes,,,,`),
		"passwords.csv": csv("id,organization,name,password_category,resource_type,resource_id,username,password,otp_secret,url,notes,archived",
			`501,Northbeam Dental,Server admin,Local administrator,Configuration,401,administrator,S3cr3t-one!,,,,No`,
			`502,Northbeam Dental,Portal,Website,,,ann,"pa,ss""word",JBSWY3DPEHPK3PXP,https://portal.example,see notes,No`,
			`503,Harbor Logistics,Wifi,,StructuredData::Row,9001,,hidden-wifi,,,,No`),
	}
}

func TestImport(t *testing.T) {
	h := open(t)
	p := small().pack(t, "")
	plan := h.check(p)
	if !plan.DryRun || plan.Created == 0 || plan.Skipped != 0 {
		t.Fatalf("plan %+v", plan)
	}
	got := h.run(p)
	t.Logf("%+v", got)
	for k, c := range plan.Kinds {
		if got.Kinds[k] == nil || *got.Kinds[k] != *c {
			t.Errorf("%s: planned %+v, done %+v", k, c, got.Kinds[k])
		}
	}
	srv := h.one("configuration", "NBD-SRV1")
	if srv.Names["location_id"] != "Head office" || srv.Names["contact_id"] != "Ann Berg" || srv.Names["model_id"] != "R740" || srv.Values.Text("primary_ip") != "10.0.0.5" {
		t.Errorf("configuration %+v %+v", srv.Values, srv.Names)
	}
	pw := h.one("password", "Server admin")
	if pw.Values["resource_id"] != int64(srv.ID) {
		t.Errorf("password %+v", pw.Values)
	}
	if s := h.reveal(pw.ID, "password"); s != "S3cr3t-one!" {
		t.Errorf("revealed %q", s)
	}
	again := h.run(p)
	if again.Created+again.Changed+again.Conflicts+again.Skipped != 0 || again.Unchanged != 10 {
		t.Errorf("again %+v", again.Counts)
	}
}
