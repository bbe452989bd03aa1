package importertest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/columns"
)

// tableFile writes a table and gives its path.
func tableFile(t testing.TB, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "table.csv")
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// mapped guesses the columns of a table of a kind.
func (h *house) mapped(m columns.Mapping, headings ...string) columns.Mapping {
	h.t.Helper()
	h.View(h.Admin(), func(tx *gate.Tx) error {
		k, err := h.Records.Shape(tx, m.Kind, m.Variant)
		if err != nil {
			return err
		}
		m.Columns = columns.Guess(headings, columns.Targets(k))
		return nil
	})
	return m
}

func options(t testing.TB, m columns.Mapping) importer.Options {
	t.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return importer.Options{Layout: columns.Name, Settings: b}
}

func (h *house) tableRun(p string, m columns.Mapping) *importer.Report {
	h.t.Helper()
	r, err := h.im.Run(h.t.Context(), h.Admin(), importer.Source{Path: p}, options(h.t, m), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *house) tableCheck(p string, m columns.Mapping) *importer.Report {
	h.t.Helper()
	r, err := h.im.Check(h.t.Context(), h.Admin(), importer.Source{Path: p}, options(h.t, m))
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *house) org(name string) id.ID {
	h.t.Helper()
	var n id.ID
	h.Change(func(tx *gate.Tx) error {
		rec, err := h.Records.Create(tx, "organization", record.Values{"name": name})
		if err == nil {
			n = rec.ID
		}
		return err
	})
	return n
}

func wants(t testing.TB, r *importer.Report, c importer.Counts) {
	t.Helper()
	if r.Counts != c {
		t.Fatalf("counts are %+v, want %+v; problems: %+v", r.Counts, c, r.Problems)
	}
}

const racksTable = "\ufeffName;Client;Location;Rack make;Height;Weight;Locked;Checked on;Cooling;Notes;Door code\r\n" +
	"R1;Acme;HQ;Rittal;42;80.5;yes;31.12.2026;water;\"two\nlines\";s3cret-one\r\n" +
	"R2;Acme;;Rittal;;;;;;;\r\n" +
	"R3;Nobody;;;;;;;;;\r\n" +
	"R4;Acme;Nowhere;;;;;;;;\r\n" +
	"R5;Acme;;;;;;31/31/2026;;;\r\n" +
	"R6;Acme;;;;;;;Steam;;hidden-six\r\n"

func racksMapping(h *house) columns.Mapping {
	return h.mapped(columns.Mapping{Kind: "rack", Match: columns.MatchName, Dates: columns.DayFirst},
		"Name", "Client", "Location", "Rack make", "Height", "Weight", "Locked", "Checked on", "Cooling", "Notes", "Door code")
}

func TestTableOfAnyKind(t *testing.T) {
	h := open(t)
	acme := h.org("Acme")
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Create(tx, "location", record.Values{"name": "HQ", "organization_id": acme})
		return err
	})
	m := racksMapping(h)
	for _, c := range m.Columns {
		if c.Field == "" {
			t.Fatalf("the column %q was not guessed: %+v", c.Heading, m.Columns)
		}
	}
	p := tableFile(t, racksTable)
	check := h.tableCheck(p, m)
	wants(t, check, importer.Counts{Created: 3, Skipped: 4}) // two racks and the make
	text, _ := json.Marshal(check)
	for _, secret := range []string{"s3cret-one", "hidden-six"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the preview shows the secret %q", secret)
		}
	}
	wants(t, h.tableRun(p, m), importer.Counts{Created: 3, Skipped: 4})
	rack := h.one("rack", "R1")
	if v := rack.Values; v["height"] != int64(42) || v["weight"] != 80.5 || v["locked"] != true || v["checked_on"] != "2026-12-31" || v["cooling"] != "Water" {
		t.Errorf("the rack is %+v", v)
	}
	if rack.Names["rack_make_id"] != "Rittal" || rack.Names["location_id"] != "HQ" || !strings.Contains(rack.Values.Text("notes"), "two") {
		t.Errorf("the rack is %+v, its names %v", rack.Values, rack.Names)
	}
	if s := h.reveal(rack.ID, "door_code"); s != "s3cret-one" {
		t.Errorf("the code is %q", s)
	}
	if again := h.tableRun(p, m); again.Created+again.Changed != 0 || again.Unchanged != 2 {
		t.Errorf("the second time is %+v", again.Counts)
	}
}

func TestTableProblemsNameLineAndColumn(t *testing.T) {
	h := open(t)
	h.org("Acme")
	r := h.tableCheck(tableFile(t, racksTable), racksMapping(h))
	var all strings.Builder
	for _, p := range r.Problems {
		if p.Line == 0 || p.Hint == "" || p.File != "table.csv" {
			t.Errorf("the problem %+v lacks its place or what to do", p)
		}
		all.WriteString(p.Text + "\n")
	}
	for _, want := range []string{`there is no organization "Nobody"`, `column "Location": There is no location "Nowhere"`, `column "Checked on": "31/31/2026" is no date`, `column "Cooling": "Steam" is none of the choices`} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("no problem says %q:\n%s", want, all.String())
		}
	}
}

func TestTableChangesWhatItKnows(t *testing.T) {
	h := open(t)
	h.org("Acme")
	first := tableFile(t, "name,client,height,cooling,door code\nR1,Acme,42,Air,one\nR2,Acme,10,,two\n")
	m := h.mapped(columns.Mapping{Kind: "rack", Match: columns.MatchName}, "name", "client", "height", "cooling", "door code")
	wants(t, h.tableRun(first, m), importer.Counts{Created: 2})
	second := tableFile(t, "name,client,height,cooling,door code\nr1,acme,,Water,\nR2,Acme,11,,new-two\nR3,Acme,1,,\n")

	check := h.tableCheck(second, m)
	wants(t, check, importer.Counts{Created: 1, Changed: 2})
	var told []string
	for _, row := range check.Rows {
		for _, d := range row.Fields {
			told = append(told, row.What+" "+row.Name+" "+d.Label+": "+d.Old+" -> "+d.New)
		}
	}
	for _, want := range []string{"changed R1 Cooling: Air -> Water", "changed R2 Height: 10 -> 11", "changed R2 Door code:  -> (not shown)"} {
		if !strings.Contains(strings.Join(told, "\n"), want) {
			t.Errorf("the preview lacks %q:\n%s", want, strings.Join(told, "\n"))
		}
	}
	only := m
	only.Rule = columns.UpdateOnly
	wants(t, h.tableRun(second, only), importer.Counts{Changed: 2, Skipped: 1})
	if r := h.one("rack", "R1"); r.Values["height"] != int64(42) || r.Values["cooling"] != "Water" {
		t.Errorf("R1 is %+v: an empty cell must not clear", r.Values)
	}
	if s := h.reveal(h.one("rack", "R2").ID, "door_code"); s != "new-two" {
		t.Errorf("the code is %q", s)
	}
	if again := h.tableRun(second, only); again.Changed != 0 {
		t.Errorf("the same table again changed %d: a secret that is the same is no change", again.Changed)
	}
	create := m
	create.Rule = columns.CreateOnly
	wants(t, h.tableRun(second, create), importer.Counts{Created: 1, Unchanged: 2})
	clearing := m
	clearing.Clear = true
	h.tableRun(second, clearing)
	if r := h.one("rack", "R1"); r.Values["height"] != nil {
		t.Errorf("R1 is %+v: an empty cell was to clear", r.Values)
	}
}

func TestTableKnowsRowsByForeignID(t *testing.T) {
	h := open(t)
	h.org("Acme")
	m := h.mapped(columns.Mapping{Kind: "rack", Match: columns.MatchID, Source: "rackdb"}, "id", "name", "client")
	wants(t, h.tableRun(tableFile(t, "id,name,client\n7,Old,Acme\n,None,Acme\n7,Twice,Acme\n"), m), importer.Counts{Created: 1, Skipped: 2})
	wants(t, h.tableRun(tableFile(t, "id,name,client\n7,New,Acme\n"), m), importer.Counts{Changed: 1})
	h.one("rack", "New")
}

func TestTableOfAVariant(t *testing.T) {
	h := open(t)
	org := h.org("Acme")
	var typ id.ID
	h.Change(func(tx *gate.Tx) error {
		rec, err := h.Records.Create(tx, flexibleasset.TypeKind, record.Values{"name": "LAN"})
		if err != nil {
			return err
		}
		typ = rec.ID
		for i, f := range []struct{ name, kind string }{{"Subnet", flexibleasset.Text}, {"VLAN", flexibleasset.Number}, {"Admin password", flexibleasset.Password}} {
			if _, err := h.Records.Create(tx, flexibleasset.FieldKind, record.Values{flexibleasset.TypeField: typ, "name": f.name, "kind": f.kind, "order": int64(i + 1), "use_for_title": i == 0}); err != nil {
				return err
			}
		}
		return nil
	})
	m := h.mapped(columns.Mapping{Kind: flexibleasset.Kind, Variant: typ, Org: org, Match: columns.MatchName}, "Subnet", "VLAN", "Admin password")
	p := tableFile(t, "Subnet\tVLAN\tAdmin password\n10.0.0.0/8\t12\topen-sesame\n")
	if check, _ := json.Marshal(h.tableCheck(p, m)); strings.Contains(string(check), "open-sesame") {
		t.Error("the preview shows a password")
	}
	wants(t, h.tableRun(p, m), importer.Counts{Created: 1})
	wants(t, h.tableRun(p, m), importer.Counts{Unchanged: 1})
	h.one(flexibleasset.Kind, "10.0.0.0/8")
}

func TestTableEncodings(t *testing.T) {
	text := "Name;Client\r\nZürich – Büro;Acme\r\n"
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	western, err := charmap.Windows1252.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]string{"UTF-8": text, "UTF-8 with a mark": "\ufeff" + text, "UTF-16": utf16, "Windows-1252": western} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			h.org("Acme")
			p := tableFile(t, in)
			look, err := columns.Look(mustOpen(t, p), int64(len(in)), "table.csv")
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(name, look.Encoding) || look.Separator != "semicolons" || look.Rows[0][0] != "Zürich – Büro" {
				t.Errorf("seen %+v", look)
			}
			wants(t, h.tableRun(p, h.mapped(columns.Mapping{Kind: "rack"}, "Name", "Client")), importer.Counts{Created: 1})
			h.one("rack", "Zürich – Büro")
		})
	}
}

func mustOpen(t testing.TB, p string) *os.File {
	t.Helper()
	f, err := os.Open(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// itflow are tables as ITFlow writes them: headings as in its source, see
// doc/formats/itflow.md.
var itflow = []struct{ kind, text string }{
	{"organization", "\"Client Name\",Industry,Referral,Website,\"Primary Location Name\",\"Location Phone\",\"Location Address\",City,State,\"Postal Code\",Country,\"Primary Contact Name\",Title,\"Contact Phone\",Extension,\"Contact Mobile\",\"Contact Email\",\"Hourly Rate\",Currency,\"Payment Terms\",\"Tax ID\",Abbreviation\nAcme,Dental,Web,https://acme.example,,,,,,,,,,,,,,100,USD,30,,ACM\n"},
	{"location", "Name,Description,Address,City,State,\"Postal Code\",Phone,Hours\nHQ,Main,\"1 Road\",Boston,,02101,,9-5\n"},
	{"contact", "Name,Title,Department,Email,Phone,Ext,Mobile,Location\n\"Ann Lee\",CEO,Board,ann@acme.example,\"555 1\",12,\"555 2\",HQ\n"},
	{"configuration", "Name,Description,Type,Make,Model,\"Serial Number\",\"Operating System\",\"Purchase Date\",\"Warranty Expire\",\"Install Date\",\"Assigned To\",Location,\"Physical Location\",Notes\nSRV1,Files,Server,Dell,R740,SN1,Debian,2024-01-02,2027-01-02,2024-02-01,\"Ann Lee\",HQ,Rack,keep\n"},
	{"contact", "Full Name ,Job Title ,Department Name ,Email Address ,Office Phone ,Office Extension ,Mobile Phone ,Office Location \n\"Bo Ek\",CTO,Board,bo@acme.example,\"555 3\",13,\"555 4\",HQ\n"},
	{"configuration", "Name,Description,Type,Make,Model,Serial,OS,\"Purchase Date\",\"Assigned To\",Location,\"Physical Location\",Notes\nSRV2,Files,Server,Dell,R740,SN2,Debian,2024-01-02,\"Ann Lee\",HQ,Rack,keep\n"},
	{"password", "Name,Description,Username,Password,TOTP,URI,URI_2,Note,Important\nRoot,main,root,itflow-secret,,https://srv1.example,,second,1\n"},
	{"domain", "Domain,Description,Registrar,\"Web Host\",\"Expiration Date\"\nacme.example,main,Reg,Host,2027-03-04\n"},
	{"ssl_certificate", "Name,Description,Domain,Issuer,\"Expiration Date\"\nWeb,main,www.acme.example,CA,2027-03-04\n"},
}

// itflowTypes become assets of types of the library.
var itflowTypes = []struct{ typ, text string }{
	{"LAN", "Name,Description,vLAN,IP/Network,\"Subnet Mask\",Gateway,\"Primary DNS\",\"Secondary DNS\",\"DHCP Range\"\nOffice LAN,main,20,10.20.0.0/24,255.255.255.0,10.20.0.1,10.20.0.2,10.20.0.3,10.20.0.100-200\n"},
	{"Licence", "Name,Version,Description,Type,\"License Type\",Seats,Key,Assets,Contacts,Purchased,Expires,Notes\nOffice,2021,suite,Software,User,12,itflow-key,\"SRV1, \",,2024-01-02,2027-01-02,keep\n"},
	{"Vendor", "Name,Description,\"Contact Name\",Phone,Website,\"Account Number\",Notes\nNordnet,Internet,Bo,555,https://nordnet.example,A1,call early\n"},
}

func (h *house) typeOfITFlow(name, text string, org id.ID) {
	h.t.Helper()
	p := tableFile(h.t, text)
	look, err := columns.Look(mustOpen(h.t, p), int64(len(text)), "table.csv")
	if err != nil {
		h.t.Fatal(err)
	}
	r := columns.Recognize(look.Headings)
	if r == nil || r.Type != name {
		h.t.Fatalf("the table %v is taken for %+v", look.Headings, r)
	}
	m := columns.Mapping{Kind: r.Kind, Match: r.Match, Org: org}
	h.Change(func(tx *gate.Tx) (err error) {
		for _, y := range flexibleasset.Library() {
			if y.Name == name {
				m.Variant, err = y.Make(tx, h.Records)
			}
		}
		if err != nil {
			return err
		}
		k, err := h.Records.Shape(tx, m.Kind, m.Variant)
		if err == nil {
			m.Columns = r.Columns(look.Headings, columns.Targets(k))
		}
		return err
	})
	for _, c := range m.Columns {
		if c.Field == "" {
			h.t.Errorf("the column %q of %s is not read", c.Heading, r.Table)
		}
	}
	report := h.tableRun(p, m)
	if report.Created != 1 || len(report.Problems) > 0 {
		h.t.Fatalf("%s: %+v, %+v", r.Table, report.Counts, report.Problems)
	}
	if again := h.tableRun(p, m); again.Created+again.Changed != 0 {
		h.t.Errorf("%s a second time: %+v", r.Table, again.Counts)
	}
}

func TestTablesOfITFlow(t *testing.T) {
	h := open(t)
	var org id.ID
	for _, f := range itflow {
		p := tableFile(t, f.text)
		look, err := columns.Look(mustOpen(t, p), int64(len(f.text)), "table.csv")
		if err != nil {
			t.Fatal(err)
		}
		r := columns.Recognize(look.Headings)
		if r == nil || r.Kind != f.kind || r.Product != "ITFlow" {
			t.Fatalf("the table %v is taken for %+v", look.Headings, r)
		}
		for _, heading := range look.Headings {
			if r.Fields[heading] == "" {
				t.Errorf("the column %q of %s is not read", heading, r.Table)
			}
		}
		m := columns.Mapping{Kind: r.Kind, Match: r.Match, Columns: r.Columns(look.Headings, nil), Org: org}
		report := h.tableRun(p, m)
		if report.Kinds[f.kind] == nil || report.Kinds[f.kind].Created != 1 || len(report.Problems) > 0 {
			t.Fatalf("%s: %+v, %+v", r.Table, report.Counts, report.Problems)
		}
		if again := h.tableRun(p, m); again.Created+again.Changed != 0 {
			t.Errorf("%s a second time: %+v", r.Table, again.Counts)
		}
		if f.kind == "organization" {
			org = h.one("organization", "Acme").ID
		}
	}
	srv := h.one("configuration", "SRV1")
	if srv.Names["manufacturer_id"] != "Dell" || srv.Names["model_id"] != "R740" || srv.Names["contact_id"] != "Ann Lee" || srv.Names["location_id"] != "HQ" || !strings.Contains(srv.Values.Text("notes"), "keep") {
		t.Errorf("the asset is %+v, %v", srv.Values, srv.Names)
	}
	if s := h.reveal(h.one("password", "Root").ID, "password"); s != "itflow-secret" {
		t.Errorf("the password is %q", s)
	}
	if n := h.one("organization", "Acme").Values.Text("quick_notes"); !strings.Contains(n, "Hourly Rate: 100") {
		t.Errorf("the notes of the client are %q", n)
	}
	for _, f := range itflowTypes {
		h.typeOfITFlow(f.typ, f.text, org)
	}
	if s := h.reveal(h.one("password", "Key").ID, "password"); s != "itflow-key" {
		t.Errorf("the key of the licence is %q", s)
	}
	if columns.Recognize([]string{"Name", "Notes"}) != nil {
		t.Error("any table is taken for one of ITFlow")
	}
}
