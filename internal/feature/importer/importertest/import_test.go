package importertest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/base/archive"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/exporter"
	"strongroom/internal/feature/importer"
)

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

// whole is small with documents, files and what has no kind.
func whole() files {
	png := string(onePixel())
	return small().with(files{
		"documents.csv": csv("id,organization,name,expires_on,owner,publisher,locator,public,archived,help center",
			`601,Northbeam Dental,Restore a backup,2027-01-31,Ann,Ann,DOC-101-601,No,No,No`,
			`602,Northbeam Dental,Old plan,,,,DOC-101-602,Yes,Yes,No`,
			`603,Harbor Logistics,manual.pdf,,,,DOC-102-603,No,No,Yes`,
			`604,Harbor Logistics,Without a text,,,,,No,No,No`),
		"documents/Northbeam Dental/How to/Servers/DOC-101-601 Restore a backup/Restore a backup.html": `<html><head><title>x</title></head><body><h1>Restore</h1>` +
			`<p style="color:red">On <a href="https://msp.itglue.com/101/configurations/401">the server</a> with <a href="https://msp.eu.itglue.com/101/passwords/501#x">its password</a>,` +
			` then <a href="DOC-101-602">the old plan</a>, ask <a href="/101/contacts/301">Ann</a>, see <a href="https://msp.itglue.com/101">them</a>,` +
			` <a href="https://msp.itglue.com/101/assets/77-lan/records/9001">the LAN</a> and <a href="https://example.com/101/docs/601">elsewhere</a>.</p>` +
			`<img src="101/docs/601/images/7001" data-src-original="101/docs/601/images/7002"><img src="101/docs/601/images/7999"><script>alert(1)</script></body></html>`,
		"documents/Northbeam Dental/How to/Servers/DOC-101-601 Restore a backup/101/docs/601/images/7001": png,
		"documents/Northbeam Dental/How to/Servers/DOC-101-601 Restore a backup/101/docs/601/images/7002": png + "large",
		"documents/Northbeam Dental/_Archive/DOC-101-602 Old plan/index.html":                             `<p>Old</p>`,
		"documents/Harbor Logistics/DOC-102-603 manual.pdf/manual.pdf.html":                               ``,
		"documents/Harbor Logistics/DOC-102-609 Stray/Stray.html":                                         `<p>Not in the table</p>`,
		"attachments/documents/603/manual.pdf":                                                            "%PDF-1.4 hello",
		"attachments/configurations/401/running-config.txt":                                               "interface eth0",
		"attachments/configurations/999/lost.txt":                                                         "nobody's",
		"attachments/lan-floor-plans/9001/plan.txt":                                                       "plan",
		"lan-floor-plans.csv":                  csv("id,organization,Name", "9001,Northbeam Dental,Ground floor", "9002,Northbeam Dental,First floor"),
		"lan-floor-plans-photos/9001-plan.png": png,
		"checklists.csv":                       csv("id,organization,name", "8001,Northbeam Dental,New starter"),
	})
}

// wrapped puts everything into a folder, as people pack it.
func (f files) wrapped(folder string) files {
	out := files{}
	for k, v := range f {
		out[folder+"/"+k] = v
	}
	return out
}

func TestImport(t *testing.T) {
	for name, f := range map[string]files{"plain": whole(), "wrapped": whole().wrapped("export 2026")} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			p := f.pack(t, "")
			plan, got := h.check(p), h.run(p)
			samePlan(t, plan, got)
			h.expectRecords()
			h.expectDocuments()
			h.expectUnknown(got)
		})
	}
}

// samePlan sees that a dry run says what then happens.
func samePlan(t *testing.T, plan, got *importer.Report) {
	t.Helper()
	if !plan.DryRun || got.DryRun || plan.Counts != got.Counts {
		t.Errorf("planned %+v, done %+v", plan.Counts, got.Counts)
	}
	for _, k := range slices.Sorted(maps.Keys(got.Kinds)) {
		if plan.Kinds[k] == nil || *plan.Kinds[k] != *got.Kinds[k] {
			t.Errorf("%s: planned %+v, done %+v", k, plan.Kinds[k], got.Kinds[k])
		}
	}
	if a, b := sentences(plan), sentences(got); !slices.Equal(a, b) {
		t.Errorf("planned problems\n%s\ndone\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
}

// sentences are the problems of a report, sorted.
func sentences(r *importer.Report) []string {
	var out []string
	for _, p := range r.Problems {
		out = append(out, fmt.Sprintf("%s %s:%d %s", p.Severity, p.File, p.Line, p.Text))
	}
	slices.Sort(out)
	return out
}

func (h *house) expectRecords() {
	t := h.t
	org := h.one("organization", "Northbeam Dental")
	if org.Names["organization_type_id"] != "Customer" || org.Values.Text("description") != "First line\nsecond line" || org.Values.Text("quick_notes") != "<p>Call <strong>Ann</strong></p>" {
		t.Errorf("organization %+v %+v", org.Names, org.Values)
	}
	if r := h.one("location", "Dock"); r.Names["country_id"] != "Netherlands" || r.Names["region_id"] == "" && !strings.Contains(r.Values.Text("notes"), "Zuid-Holland") {
		t.Errorf("location %+v %+v", r.Names, r.Values)
	}
	ann := h.one("contact", "Ann Berg")
	if ann.Values.Text("primary_email") != "ann@northbeam.example" || ann.Values.Rows("contact_phones")[0]["label_name"] != "Mobile" || ann.Names["location_id"] != "Head office" {
		t.Errorf("contact %+v %+v", ann.Names, ann.Values)
	}
	srv := h.one("configuration", "NBD-SRV1")
	if srv.Names["location_id"] != "Head office" || srv.Values.ID("contact_id") != ann.ID || srv.Names["model_id"] != "R740" || srv.Values.Text("primary_ip") != "10.0.0.5" ||
		srv.Values.Text("notes") != "<p>line 1<br>line 2</p>" || srv.Values.Text("warranty_expires_at") != "2027-03-01" {
		t.Errorf("configuration %+v %+v", srv.Names, srv.Values)
	}
	if fw := h.one("configuration", "HL-FW"); !fw.Archived {
		t.Error("what was archived is not")
	}
	if i := h.one("configuration_interface", "idrac"); i.Parent != srv.ID || i.Values.Bool("primary") {
		t.Errorf("interface %+v", i.Values)
	}
	pw := h.one("password", "Server admin")
	if pw.Values["resource_id"] != int64(srv.ID) || h.reveal(pw.ID, "password") != "S3cr3t-one!" {
		t.Errorf("password %+v", pw.Values)
	}
	portal := h.one("password", "Portal")
	if h.reveal(portal.ID, "password") != `pa,ss"word` || h.reveal(portal.ID, "otp_secret") != "JBSWY3DPEHPK3PXP" || !portal.Values.Bool("otp_enabled") {
		t.Errorf("password %+v", portal.Values)
	}
	if w := h.one("password", "Wifi"); w.Values.Text("external_resource_type") != "StructuredData::Row" || w.Values.Text("external_resource_id") != "9001" {
		t.Errorf("embedded in what has no kind: %+v", w.Values)
	}
}

func (h *house) expectDocuments() {
	t := h.t
	org, doc, old := h.one("organization", "Northbeam Dental"), h.one("document", "Restore a backup"), h.one("document", "Old plan")
	content := doc.Values.Text("content")
	at := func(segment string, n id.ID) string {
		return `href="/` + org.ID.String() + "/" + segment + "/" + n.String() + `"`
	}
	for _, want := range []string{
		"<h1>Restore</h1>", at("configurations", h.one("configuration", "NBD-SRV1").ID), at("passwords", h.one("password", "Server admin").ID), at("docs", old.ID),
		at("contacts", h.one("contact", "Ann Berg").ID), `href="/` + org.ID.String() + `"`, `href="https://msp.itglue.com/101/assets/77-lan/records/9001"`,
		`href="https://example.com/101/docs/601"`, `src="/documents/images/`,
	} {
		if !strings.Contains(content, want) {
			t.Errorf("the document lacks %s:\n%s", want, content)
		}
	}
	if strings.Contains(content, "alert") || strings.Contains(content, "color") {
		t.Errorf("the document was not cleaned: %s", content)
	}
	if folder := h.one("document_folder", "Servers"); doc.Values.ID("document_folder_id") != folder.ID || folder.Names["parent_id"] != "How to" {
		t.Errorf("folder %+v of %+v", folder.Names, doc.Names)
	}
	if !old.Archived || !old.Values.Bool("public") || old.Names["document_folder_id"] != "_Archive" || doc.Values.Text("expires_on") != "2027-01-31" {
		t.Errorf("old document %+v %+v", old.Names, old.Values)
	}
	manual := h.one("document", "manual.pdf")
	if !manual.Values.Bool("is_uploaded") || manual.Values.ID("document_folder_id") != 0 {
		t.Errorf("uploaded document %+v", manual.Values)
	}
	if s := h.one("document", "Stray"); s.Values.Text("content") != "<p>Not in the table</p>" || s.OrgName != "Harbor Logistics" {
		t.Errorf("document that the table does not name: %+v", s.Values)
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		images, err := attachment.List(tx, doc.ID, attachment.Image)
		if len(images) != 1 || images[0].Type != "image/png" || images[0].Name != "image-7002.png" || images[0].Size != int64(len(onePixel())+5) {
			t.Errorf("images %+v", images)
		}
		if err != nil {
			return err
		}
		files, err := attachment.List(tx, manual.ID, attachment.Attached)
		if len(files) != 1 || files[0].Name != "manual.pdf" {
			t.Errorf("files %+v", files)
		}
		return err
	})
}

func (h *house) expectUnknown(r *importer.Report) {
	h.t.Helper()
	got := map[string]int64{}
	for _, u := range r.Unknown {
		got[u.File] = u.Rows
		if u.Note == "" {
			h.t.Errorf("%s has no note", u.File)
		}
	}
	want := map[string]int64{"checklists.csv": 1}
	if !maps.Equal(got, want) {
		h.t.Errorf("unknown %v, want %v", got, want)
	}
	h.said(r, "error", "attachments/configurations/999/lost.txt", 0, "was not imported")
	h.said(r, "info", "configurations.csv", 2, `The column "cpu"`)
	h.said(r, "info", "documents.csv", 2, `The column "owner"`)
	h.said(r, "info", "documents.csv", 4, `The column "help center"`)
	h.said(r, "warning", "documents.csv", 5, "no text")
	h.said(r, "warning", "documents.csv", 2, "1 link to what is not in the export")
	h.said(r, "warning", "documents.csv", 2, "names 1 image that the zip does not hold")
}

// said sees that a report holds a problem.
func (h *house) said(r *importer.Report, severity, file string, line int, part string) {
	h.t.Helper()
	for _, p := range r.Problems {
		if string(p.Severity) == severity && p.File == file && p.Line == line && strings.Contains(p.Text, part) {
			return
		}
	}
	h.t.Errorf("nothing says %s %s:%d %q; there is\n%s", severity, file, line, part, strings.Join(sentences(r), "\n"))
}

// state is what a repeated import must not change.
func (h *house) state() (versions, secrets, entries, files int) {
	h.t.Helper()
	h.View(h.Admin(), func(tx *gate.Tx) error {
		return errors.Join(
			tx.QueryRow(`select coalesce(sum(version), 0) from record`).Scan(&versions),
			tx.QueryRow(`select count(*) from secret_version`).Scan(&secrets),
			tx.QueryRow(`select size from audit_head`).Scan(&entries),
			tx.QueryRow(`select count(*) from attachment`).Scan(&files))
	})
	return versions, secrets, entries, files
}

func TestTwiceChangesNothing(t *testing.T) {
	h := open(t)
	p := whole().pack(t, "")
	h.run(p)
	v1, s1, e1, f1 := h.state()
	again := h.run(p)
	v2, s2, e2, f2 := h.state()
	if v1 != v2 || s1 != s2 || f1 != f2 || e2 != e1+1 {
		t.Errorf("versions %d %d, secrets %d %d, files %d %d, audit entries %d %d", v1, v2, s1, s2, f1, f2, e1, e2)
	}
	if again.Created+again.Changed+again.Conflicts != 0 || again.Unchanged == 0 {
		t.Errorf("%+v", again.Counts)
	}
	if plan := h.check(p); plan.Counts != again.Counts {
		t.Errorf("planned %+v, done %+v", plan.Counts, again.Counts)
	}
}

// TestChangesAndConflicts: what changed in the source comes in, unless it was
// changed here too; what was changed here only stays.
func TestChangesAndConflicts(t *testing.T) {
	h := open(t)
	f := whole()
	h.run(f.pack(t, ""))
	edit := func(kind, name string, v record.Values) {
		rec := h.one(kind, name)
		h.Change(func(tx *gate.Tx) error {
			_, err := h.Records.Update(tx, kind, rec.ID, 0, v)
			return err
		})
	}
	edit("password", "Portal", record.Values{"username": "local"})
	edit("password", "Server admin", record.Values{"username": "local"})
	h.Change(func(tx *gate.Tx) error {
		return h.Records.Trash(tx, "configuration", h.one("configuration", "HL-FW").ID)
	})
	f["passwords.csv"] = strings.NewReplacer("Server admin,Local", "Server admin 2,Local", "hidden-wifi", "other-wifi").Replace(f["passwords.csv"])
	f["configurations.csv"] = strings.Replace(f["configurations.csv"], "60F", "70F", 1)
	f["documents/Northbeam Dental/_Archive/DOC-101-602 Old plan/index.html"] = "<p>Newer</p>"
	f["attachments/documents/603/manual.pdf"] = "%PDF-1.4 other"
	f["locations.csv"] = strings.Replace(f["locations.csv"], "1 Main Street", "2 Main Street", 1)
	p := f.pack(t, "")
	plan, got := h.check(p), h.run(p)
	samePlan(t, plan, got)
	if got.Conflicts != 2 || got.Changed != 4 || got.Created != 0 {
		t.Errorf("%+v\n%s", got.Counts, strings.Join(sentences(got), "\n"))
	}
	h.said(got, "warning", "passwords.csv", 2, `"Server admin 2" was changed both here and in the source`)
	if w := h.one("password", "Wifi"); h.reveal(w.ID, "password") != "other-wifi" {
		t.Error("the changed password did not come in")
	}
	if s := h.one("password", "Server admin"); s.Values.Text("username") != "local" {
		t.Errorf("%+v", s.Values)
	}
	if d := h.one("document", "Old plan"); d.Values.Text("content") != "<p>Newer</p>" {
		t.Errorf("%+v", d.Values)
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		files, err := attachment.List(tx, h.one("document", "manual.pdf").ID, attachment.Attached)
		if len(files) != 1 {
			t.Errorf("%d files", len(files))
		}
		return err
	})
	_, s1, _, _ := h.state()
	f["passwords.csv"] = strings.Replace(f["passwords.csv"], "other-wifi,,,,No", "other-wifi,,,noted,No", 1)
	h.run(f.pack(t, ""))
	if _, s2, _, _ := h.state(); s1 != s2 || h.one("password", "Wifi").Values.Text("notes") != "noted" {
		t.Errorf("a password that did not change has %d new versions", s2-s1)
	}
}

// TestResume: an import that is interrupted after any batch goes on from there.
func TestResume(t *testing.T) {
	f := whole()
	p := f.pack(t, "")
	var want map[string]string
	calls, v0 := 0, 0
	t.Run("calm", func(t *testing.T) {
		calm := open(t)
		calm.im.Batch = 2
		if _, err := calm.im.Run(t.Context(), calm.Admin(), importer.Source{Path: p}, importer.Options{}, func(importer.Progress) { calls++ }); err != nil {
			t.Fatal(err)
		}
		want = content(t, calm.export(exporter.Options{}))
		v0, _, _, _ = calm.state()
	})
	if calls < 10 {
		t.Fatalf("only %d steps", calls)
	}
	h := open(t)
	h.im.Batch = 2
	interrupted := 0
	for n := 1; n <= calls; n++ { // each try gets a little farther
		ctx, stop := context.WithCancel(t.Context())
		left := n
		_, err := h.im.Run(ctx, h.Admin(), importer.Source{Path: p}, importer.Options{}, func(importer.Progress) {
			if left--; left == 0 {
				stop()
			}
		})
		stop()
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("try %d: %v", n, err)
		}
		interrupted++
	}
	if interrupted < 5 {
		t.Errorf("interrupted only %d times", interrupted)
	}
	h.run(p)
	compare(t, want, content(t, h.export(exporter.Options{})))
	v, _, _, _ := h.state()
	if v != v0 {
		t.Errorf("%d versions after interruptions, %d without", v, v0)
	}
}

func TestStage(t *testing.T) {
	h := open(t)
	p := small().pack(t, "zip-word")
	raw, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := os.ReadFile(small().pack(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	stage, err := h.im.Stage(t.Context(), h.Admin(), "plain.zip", strings.NewReader(string(plain)))
	if err != nil {
		t.Fatal(err)
	}
	h.nowhere("organizations.csv", "passwords.csv")
	r, err := h.im.Check(t.Context(), h.Admin(), importer.Source{Stage: stage}, importer.Options{})
	if err != nil || r.Created == 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if err := h.im.Unstage(t.Context(), h.Admin(), stage); err != nil {
		t.Fatal(err)
	}
	if _, err := h.im.Check(t.Context(), h.Admin(), importer.Source{Stage: stage}, importer.Options{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("after removal: %v", err)
	}
	if stage, err = h.im.Stage(t.Context(), h.Admin(), "locked.zip", strings.NewReader(string(raw))); err != nil {
		t.Fatal(err)
	}
	if _, err := h.im.Check(t.Context(), h.Admin(), importer.Source{Stage: stage}, importer.Options{Password: "zip-word"}); err != nil {
		t.Error(err)
	}
	h.Clock.Advance(8 * 24 * 3600 * 1e9)
	if n, err := h.im.Sweep(t.Context(), "demo"); n != 1 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	h.run(small().pack(t, ""))
	h.nowhere("S3cr3t-one!", "hidden-wifi")
}

// nowhere sees that no file of the house holds any of the texts.
func (h *house) nowhere(texts ...string) {
	h.t.Helper()
	err := filepath.WalkDir(h.House.House.Dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(p)
		for _, s := range texts {
			if strings.Contains(string(b), s) {
				h.t.Errorf("%s holds %q", p, s)
			}
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestWhoMayImport(t *testing.T) {
	h := open(t)
	p := small().pack(t, "")
	for _, role := range access.Roles() {
		c := h.User(role)
		_, check := h.im.Check(t.Context(), c, importer.Source{Path: p}, importer.Options{})
		_, run := h.im.Run(t.Context(), c, importer.Source{Path: p}, importer.Options{}, nil)
		_, stage := h.im.Stage(t.Context(), c, "x.zip", strings.NewReader("x"))
		for _, err := range []error{check, run, stage} {
			if may := role.May(access.Import); may != (err == nil) || !may && !fault.Is(err, fault.Denied) {
				t.Errorf("%s: %v", role, err)
			}
		}
	}
}

// TestBroken: what cannot be imported at all, in words.
func TestBroken(t *testing.T) {
	h := open(t)
	good := small().pack(t, "")
	raw, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	write := func(b []byte) string {
		p := filepath.Join(t.TempDir(), "broken.zip")
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	rename := func(from, to string) string { return write([]byte(strings.ReplaceAll(string(raw), from, to))) }
	for name, c := range map[string]struct{ path, password, want string }{
		"no zip":         {write([]byte("hello")), "", "zip"},
		"half a zip":     {write(raw[:len(raw)/2]), "", "zip"},
		"no such file":   {filepath.Join(t.TempDir(), "none.zip"), "", "cannot be read"},
		"a folder":       {t.TempDir(), "", "is not a file"},
		"no password":    {small().pack(t, "secret"), "", "password"},
		"wrong password": {small().pack(t, "secret"), "guess", "password"},
		"traversal":      {rename("locations.csv", "../../ons.csv"), "", "points outside"},
		"no export":      {files{"readme.txt": "hello"}.pack(t, ""), "", "no IT Glue export"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, try := range []func() error{
				func() error {
					_, err := h.im.Check(t.Context(), h.Admin(), importer.Source{Path: c.path}, importer.Options{Password: c.password})
					return err
				},
				func() error {
					_, err := h.im.Run(t.Context(), h.Admin(), importer.Source{Path: c.path}, importer.Options{Password: c.password}, nil)
					return err
				},
			} {
				err := try()
				said := fault.Say(err)
				if !fault.Is(err, fault.Invalid) || !strings.Contains(said.Text, c.want) || said.Hint == "" {
					t.Errorf("%v (hint %q)", err, said.Hint)
				}
			}
		})
	}
	if n := len(h.names("organization")); n != 0 {
		t.Errorf("%d organizations came in", n)
	}
}

func (h *house) names(kind string) []string {
	var out []string
	h.View(h.Admin(), func(tx *gate.Tx) error {
		p, err := h.Records.List(tx, kind, record.Query{Limit: 10000})
		if err == nil {
			for _, r := range p.Records {
				out = append(out, r.Name)
			}
		}
		return err
	})
	return out
}

// TestProblems: what is wrong with single rows, in words; the others come in.
func TestProblems(t *testing.T) {
	orgs := files{"organizations.csv": csv("id,name", "101,One", "102,Two")}
	for name, c := range map[string]struct {
		f        files
		severity string
		file     string
		line     int
		want     string
		kind     string
		made     []string
	}{
		"unknown organization": {orgs.with(files{"contacts.csv": csv("id,organization,first_name", "1,Nobody,Ann", "2,One,Bob")}),
			"error", "contacts.csv", 2, `Line 2 of contacts.csv was skipped: there is no organization "Nobody".`, "contact", []string{"Bob"}},
		"no organization": {orgs.with(files{"contacts.csv": csv("id,organization,first_name", "1,,Ann", "2,one,Bob")}),
			"error", "contacts.csv", 2, "names no organization", "contact", []string{"Bob"}},
		"missing column": {orgs.with(files{"organizations.csv": csv("id,title", "1,x"), "locations.csv": csv("id,organization,name", "1,x,y")}),
			"error", "organizations.csv", 0, `lacks the column "name"`, "organization", nil},
		"same id twice": {orgs.with(files{"locations.csv": csv("id,organization,name", "1,One,First", "1,One,Second", "2,One,Third")}),
			"error", "locations.csv", 3, "the id 1 was there before", "location", []string{"First", "Third"}},
		"no id": {orgs.with(files{"locations.csv": csv("id,organization,name", ",One,First", "2,One,Second")}),
			"error", "locations.csv", 2, "has no id", "location", []string{"Second"}},
		"row too long": {orgs.with(files{"locations.csv": csv("id,organization,name", "1,One,First,more", "2,One,Second")}),
			"error", "locations.csv", 2, "has 4 cells instead of 3", "location", []string{"Second"}},
		"row too short": {orgs.with(files{"locations.csv": csv("id,organization,name", "1,One", "2,One,Second")}),
			"warning", "locations.csv", 2, "has 2 cells instead of 3", "location", []string{"Location 1", "Second"}},
		"latin-1": {orgs.with(files{"locations.csv": csv("id,organization,name", "1,One,M\xfcnchen")}),
			"warning", "locations.csv", 2, "not UTF-8", "location", []string{"München"}},
		"bad date": {orgs.with(files{"configurations.csv": csv("id,organization,name,configuration_type,purchased_at", "1,One,PC,Laptop,some day")}),
			"warning", "configurations.csv", 2, "was kept in the notes", "configuration", []string{"PC"}},
		"unknown country": {orgs.with(files{"locations.csv": csv("id,organization,name,country", "1,One,HQ,Atlantis")}),
			"warning", "locations.csv", 2, `the country "Atlantis" is not known`, "location", []string{"HQ"}},
		"no type": {orgs.with(files{"configurations.csv": csv("id,organization,name,configuration_type", "1,One,PC,")}),
			"warning", "configurations.csv", 2, "got the type Other", "configuration", []string{"PC"}},
		"unknown location": {orgs.with(files{"configurations.csv": csv("id,organization,name,configuration_type,location", "1,One,PC,Laptop,Moon")}),
			"warning", "configurations.csv", 2, `no location, or several, called "Moon"`, "configuration", []string{"PC"}},
		"owner not there": {orgs.with(files{"passwords.csv": csv("id,organization,name,resource_type,resource_id,password", "1,One,P,Configuration,77,x")}),
			"warning", "passwords.csv", 2, "is not in the export", "password", []string{"P"}},
		"owner of another organization": {orgs.with(files{"configurations.csv": csv("id,organization,name,configuration_type", "77,Two,PC,Laptop"),
			"passwords.csv": csv("id,organization,name,resource_type,resource_id,password", "1,One,P,Configuration,77,x", "2,Two,Q,Configuration,77,y")}),
			"warning", "passwords.csv", 2, "belongs to another organization", "password", []string{"P", "Q"}},
		"bad e-mail address": {orgs.with(files{"contacts.csv": csv("id,organization,first_name,email", "1,One,Ann,not an address")}),
			"warning", "contacts.csv", 2, "e-mail address", "contact", []string{"Ann"}},
		"same name twice": {files{"organizations.csv": csv("id,name", "101,One", "102,one"), "locations.csv": csv("id,organization,name", "1,One,HQ")},
			"error", "locations.csv", 2, `several organizations are called "One"`, "location", nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			p := c.f.pack(t, "")
			got := h.run(p)
			h.said(got, c.severity, c.file, c.line, c.want)
			if names := h.names(c.kind); !slices.Equal(names, c.made) {
				t.Errorf("came in: %q, want %q", names, c.made)
			}
			for _, p := range got.Problems {
				if p.Severity != "info" && p.Hint == "" && !strings.Contains(p.Text, "UTF-8") && !strings.Contains(p.Text, "cells") {
					t.Errorf("no hint: %s", p.Text)
				}
			}
		})
	}
}

func TestMissingOrganizations(t *testing.T) {
	h := open(t)
	f := files{"contacts.csv": csv("id,organization,first_name", "1,Nobody,Ann", "2,nobody,Bob")}
	p := f.pack(t, "")
	o := importer.Options{CreateMissingOrganizations: true}
	plan, err := h.im.Check(t.Context(), h.Admin(), importer.Source{Path: p}, o)
	if err != nil {
		t.Fatal(err)
	}
	got, err := h.im.Run(t.Context(), h.Admin(), importer.Source{Path: p}, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	samePlan(t, plan, got)
	if names := h.names("organization"); !slices.Equal(names, []string{"Nobody"}) || len(h.names("contact")) != 2 {
		t.Errorf("%q", names)
	}
	whole := f.with(files{"organizations.csv": csv("id,name,short_name", "101,Nobody,NB")}).pack(t, "")
	if r := h.run(whole); r.Created != 0 || r.Unchanged != 3 {
		t.Errorf("%+v", r.Counts)
	}
}

// TestASeedThatIsNone comes in all the same, and the report says so.
func TestASeedThatIsNone(t *testing.T) {
	h := open(t)
	f := files{"organizations.csv": csv("id,name", "101,One"), "passwords.csv": csv("id,organization,name,password,otp_secret", `1,One,P,x,"ask Bob, 0189"`, "2,One,Q,x,jbsw y3dp ehpk 3pxp")}
	for _, r := range []*importer.Report{h.check(f.pack(t, "")), h.run(f.pack(t, ""))} {
		h.said(r, "warning", "passwords.csv", 2, "gives no codes; it was imported as it is")
	}
	if got := h.reveal(h.one("password", "P").ID, "otp_secret"); got != "ask Bob, 0189" {
		t.Errorf("it came in as %q", got)
	}
	if got := h.reveal(h.one("password", "Q").ID, "otp_secret"); got != "JBSWY3DPEHPK3PXP" {
		t.Errorf("the good one came in as %q", got)
	}
}

// TestNoSecretInReports: no sentence shows a value of a secret column.
func TestNoSecretInReports(t *testing.T) {
	h := open(t)
	f := files{"organizations.csv": csv("id,name", "101,One"), "passwords.csv": csv("id,organization,name,password,otp_secret,notes,surprise",
		"1,One,P,Hidden-1\x00,Hidden-2,Hidden-3,Hidden-4", "2,None,Q,Hidden-5,,,", "3,One,R,Hidden-6,x,y,z,w", "3,One,,Hidden-7,,,", "4,One,S,"+strings.Repeat("Hidden-8", 20000)+",,,")}
	for _, r := range []*importer.Report{h.check(f.pack(t, "")), h.run(f.pack(t, ""))} {
		if len(r.Problems) < 4 {
			t.Errorf("only %d problems", len(r.Problems))
		}
		for _, s := range sentences(r) {
			if strings.Contains(s, "Hidden") {
				t.Errorf("a secret: %s", s)
			}
		}
	}
}

func TestExportOfOne(t *testing.T) {
	var raw []byte
	t.Run("export", func(t *testing.T) {
		h := open(t)
		h.run(whole().pack(t, ""))
		var err error
		if raw, err = os.ReadFile(h.export(exporter.Options{Org: h.one("organization", "Northbeam Dental").ID, Password: "zip-word"})); err != nil {
			t.Fatal(err)
		}
		if _, err := h.ex.Export(t.Context(), h.User(access.Editor), new(strings.Builder), exporter.Options{}, nil); !fault.Is(err, fault.Denied) {
			t.Errorf("an editor may export: %v", err)
		}
	})
	z, err := archive.Open(strings.NewReader(string(raw)), int64(len(raw)), archive.Options{Password: "zip-word"})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.Files() {
		if strings.Contains(f.Name, "Harbor") {
			t.Errorf("%s is of another organization", f.Name)
		}
	}
	p := filepath.Join(t.TempDir(), "one.zip")
	if err := os.WriteFile(p, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	other := open(t)
	r, err := other.im.Run(t.Context(), other.Admin(), importer.Source{Path: p}, importer.Options{Password: "zip-word"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Skipped != 0 || !slices.Equal(other.names("organization"), []string{"Northbeam Dental"}) || len(other.names("document")) != 2 {
		t.Errorf("%+v\n%s", r.Counts, strings.Join(sentences(r), "\n"))
	}
}
