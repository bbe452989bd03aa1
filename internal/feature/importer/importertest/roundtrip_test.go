package importertest_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/archive"
	"strongroom/internal/base/table"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/comment"
	"strongroom/internal/feature/customobject"
	"strongroom/internal/feature/document"
	"strongroom/internal/feature/exporter"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/itglue"
	"strongroom/internal/feature/sample"
)

// export writes the whole tenant and gives the path of the zip.
func (h *house) export(o exporter.Options) string {
	h.t.Helper()
	p := filepath.Join(h.t.TempDir(), "out.zip")
	f, err := os.Create(p)
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	if _, err := h.ex.Export(h.t.Context(), h.Admin(), f, o, nil); err != nil {
		h.t.Fatal(err)
	}
	return p
}

// content is a zip with its ids and times taken out: each id becomes the number
// of its first appearance in an order that does not depend on ids.
func content(t *testing.T, p string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	z, err := archive.Open(bytes.NewReader(b), int64(len(b)), archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	raw := map[string]string{}
	for _, f := range z.Files() {
		in, err := z.Open(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		raw[f.Name] = string(all)
	}
	return normalise(t, raw)
}

var (
	digits = regexp.MustCompile(`\bt?80[0-9]{5}\b`)
	stamps = regexp.MustCompile(`"password_updated_at":[0-9]+`)
)

// normalise gives every id a name that does not depend on it: of a row, its
// table and what the row says; of an image, its document and content.
func normalise(t *testing.T, raw map[string]string) map[string]string {
	t.Helper()
	names := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		if strings.HasSuffix(name, ".csv") {
			rowNames(t, name, raw[name], names)
		}
	}
	for name, body := range raw {
		if name != "strongroom/folders.jsonl" && !strings.HasPrefix(name, "strongroom/kinds/") {
			continue
		}
		for _, m := range regexp.MustCompile(`"id":"([0-9]+)","kind":"([a-z_]+)","values":(\{[^}]*\})`).FindAllStringSubmatch(body, -1) {
			names[m[1]] = m[2] + " " + digits.ReplaceAllString(m[3], "#")
		}
	}
	for name, body := range raw {
		if m := regexp.MustCompile(`/images/([0-9]+)$`).FindStringSubmatch(name); m != nil {
			names[m[1]] = fmt.Sprintf("image %x", sha256.Sum256([]byte(body)))
		}
	}
	sub := func(s string) string {
		return digits.ReplaceAllStringFunc(s, func(d string) string {
			n, ok := names[strings.TrimPrefix(d, "t")]
			if !ok {
				return d
			}
			return "{" + d[:len(d)-7] + n + "}"
		})
	}
	section := regexp.MustCompile(`"id":"[0-9]+",("values")`)
	out := map[string]string{}
	for name, body := range raw {
		switch {
		case name == "strongroom/export.json":
			continue
		case name == "strongroom/sections.jsonl":
			body = section.ReplaceAllString(body, `"id":"",$1`)
		}
		body = stamps.ReplaceAllString(body, `"password_updated_at":0`)
		if strings.HasSuffix(name, ".jsonl") || strings.HasSuffix(name, ".csv") || strings.HasSuffix(name, ".html") {
			body = sub(body)
		}
		if !strings.HasSuffix(name, ".html") && (strings.HasSuffix(name, ".jsonl")) {
			lines := strings.Split(body, "\n")
			for i, l := range lines {
				lines[i] = sides(l)
			}
			slices.Sort(lines)
			body = strings.Join(lines, "\n")
		}
		out[sub(name)] = body
	}
	return out
}

// sides brings the two sides of a relation into one order.
func sides(line string) string {
	from, to, ok := strings.Cut(line, `,"to":`)
	a, isPair := strings.CutPrefix(from, `{"from":`)
	if !ok || !isPair {
		return line
	}
	b, rest, _ := strings.Cut(strings.TrimSuffix(to, "}"), "},")
	b = strings.TrimSuffix(b, "}") + "}"
	if b < a {
		a, b = b, a
		rest = strings.NewReplacer("depends on", "used by", "used by", "depends on").Replace(rest)
	}
	return a + " and " + b + rest
}

// rowNames names the rows of a table by all their cells but the ids.
func rowNames(t *testing.T, name, body string, names map[string]string) {
	t.Helper()
	rows, err := table.Read(strings.NewReader(body), name, table.Options{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for {
		row, err := rows.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		cells := slices.Clone(row.Cells)
		for i, h := range rows.Header() {
			if h == "id" || h == "resource_id" || h == "locator" {
				cells[i] = ""
			}
		}
		key := fmt.Sprintf("%s %x", name, sha256.Sum256([]byte(strings.Join(cells, "\x00"))))
		seen[key]++
		names[row.Get("id")] = fmt.Sprintf("%s %d", key, seen[key])
	}
}

// compare says in what two contents differ.
func compare(t *testing.T, first, second map[string]string) {
	t.Helper()
	told := 0
	say := func(format string, args ...any) {
		if told++; told < 6 {
			t.Errorf(format, args...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(first)) {
		other, ok := second[name]
		if !ok {
			say("the second export lacks %s", name)
			continue
		}
		if other == first[name] {
			continue
		}
		a, b := strings.Split(first[name], "\n"), strings.Split(other, "\n")
		for i := range a {
			if i >= len(b) || a[i] != b[i] {
				got := ""
				if i < len(b) {
					got = b[i]
				}
				at := 0
				for at < len(a[i]) && at < len(got) && a[i][at] == got[at] {
					at++
				}
				say("%.200s differs in line %d after %d:\nfirst  %.300s\nsecond %.300s", name, i+1, at, a[i][max(0, at-40):], got[max(0, min(at-40, len(got))):])
				break
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(second)) {
		if _, ok := first[name]; !ok {
			say("the second export has %s too", name)
		}
	}
}

// furnish fills a house with the sample and with what the sample has none of.
func (h *house) furnish(n int) {
	h.t.Helper()
	f := &sample.Filler{Gate: h.Gate, Records: h.Records, Files: h.im.Files}
	if err := f.Fill(h.t.Context(), h.Admin(), n, h.Clock.Now(), nil); err != nil {
		h.t.Fatal(err)
	}
	h.Clock.Advance(time.Hour)
	org := h.Make("organization", 0, record.Values{"name": `Odd "Ends" / & Sons`, "description": "two\nlines", "quick_notes": "<p>a &amp; b</p>", "archived": true})
	folder := h.Make("document_folder", org, record.Values{"name": "Plans: 2026/27"})
	below := h.Make("document_folder", org, record.Values{"name": "Below", "parent_id": folder})
	doc := h.Make("document", org, record.Values{"name": "How to / when to", "document_folder_id": below, "content": "<p>Own text</p>", "restricted": true, "published": false})
	image, err := h.im.Files.AddImage(h.t.Context(), h.Admin(), doc, "dot.png", bytes.NewReader(onePixel()))
	if err != nil {
		h.t.Fatal(err)
	}
	h.Make("document_section", 0, record.Values{"document_id": doc, "resource_type": document.Heading, "content": "Part one", "level": 3})
	h.Make("document_section", 0, record.Values{"document_id": doc, "resource_type": document.Text,
		"content": `<p>See <a href="/` + org.String() + `/docs/` + doc.String() + `">this</a><img src="` + document.ImageURL(image.ID) + `" alt="x"></p>`})
	gallery := h.Make("document_section", 0, record.Values{"document_id": doc, "resource_type": document.Gallery})
	if _, err := h.im.Files.AddImage(h.t.Context(), h.Admin(), gallery, "second dot.png", bytes.NewReader(append(onePixel(), 0))); err != nil {
		h.t.Fatal(err)
	}
	drawer := h.Make("password_folder", org, record.Values{"name": "Drawer"})
	pw := h.Make("password", org, record.Values{"name": "Old and new", "password": "one", "otp_secret": "JBSWY3DPEHPK3PXP", "password_folder_id": drawer, "reason_required": true, "shareable": false})
	h.Make("password", org, record.Values{"name": "Foreign", "password": "two\nlines, \"quoted\"", "external_source": "itglue", "external_resource_type": "StructuredData::Row", "external_resource_id": "77001"})
	h.Make("contact", org, record.Values{"first_name": "Ann", "contact_emails": `[{"value":"a@x.example","label_name":"Home"},{"value":"b@x.example","label_name":"Work","primary":true}]`,
		"contact_phones": `[{"value":"206 555 0100","label_name":"Desk","extension":"12"},{"value":"206 555 0101","label_name":"Fax","label_type":"fax"}]`})
	h.Change(func(tx *gate.Tx) error {
		if _, err := h.Records.Update(tx, "password", pw, 0, record.Values{"password": "two"}); err != nil {
			return err
		}
		_, err := secret.Put(tx, secret.Place{Kind: "password", Org: org, Object: pw, Field: "password"}, "one", secret.Note{Reason: "back to what works", Restores: 1})
		return err
	})
	rack := h.rack(org)
	h.assets(org, rack)
	h.relate(doc, rack, "")
	h.relate(doc, pw, "how to use it")
}

// rack makes records of the kinds that the layout has no place for.
func (h *house) rack(org id.ID) id.ID {
	h.t.Helper()
	place := h.Make("location", org, record.Values{"name": "Cellar"})
	maker := h.Make("rack_make", 0, record.Values{"name": "Stahl & Söhne"})
	rack := h.Make("rack", org, record.Values{"name": "R1", "door_code": "4711", "restricted": true})
	below := h.Make("rack", org, record.Values{"name": "R1 \"left\"", "above_id": rack, "location_id": place, "rack_make_id": maker, "door_code": "1", "height": 42, "weight": 80.5,
		"locked": false, "checked_on": "2027-01-31", "cooling": "Water", "notes": "<p>a &lt; b</p>", "archived": true, "doors": `[{"side":"front","glass":true},{"side":"back"}]`})
	h.Make("rack_unit", 0, record.Values{"name": "U1", "rack_id": below, "configuration_id": h.Make("configuration", org, record.Values{"name": "sw-cellar", "configuration_type_id": h.one("configuration_type", "Switch").ID})})
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, "rack", below, 0, record.Values{"door_code": "2"})
		return err
	})
	if _, err := h.im.Files.Add(h.t.Context(), h.Admin(), below, "plan.txt", strings.NewReader("the plan")); err != nil {
		h.t.Fatal(err)
	}
	return below
}

// assets makes types of assets, and assets that refer to each other.
func (h *house) assets(org, rack id.ID) {
	h.t.Helper()
	trait := map[string]string{}
	design := func(typ id.ID, fields ...record.Values) {
		for i, v := range fields {
			v["flexible_asset_type_id"], v["order"] = typ, i+1
			trait[v.Text("name")] = record.TraitName(h.Make(flexibleasset.FieldKind, 0, v))
		}
	}
	lan := h.Make(flexibleasset.TypeKind, 0, record.Values{"name": "Local/net", "icon": "network", "description": "two\nlines"})
	wan := h.Make(flexibleasset.TypeKind, 0, record.Values{"name": "Uplink/line"})
	design(wan, record.Values{"name": "Line", "kind": "Text", "show_in_list": true, "use_for_title": true},
		record.Values{"name": "Ends", "kind": "Tag", "tag_type": "FlexibleAssetType: " + lan.String()},
		record.Values{"name": "Router password", "kind": "Password"})
	design(lan, record.Values{"name": "Name", "kind": "Text", "show_in_list": true, "required": true}, record.Values{"name": "Details", "kind": "Header"},
		record.Values{"name": "VLAN", "kind": "Number"}, record.Values{"name": "Notes", "kind": "Textbox"}, record.Values{"name": "Until", "kind": "Date", "expiration": true},
		record.Values{"name": "Guests", "kind": "Checkbox"}, record.Values{"name": "Medium", "kind": "Select", "default_value": "Copper\nFibre"},
		record.Values{"name": "Lines", "kind": "Tag", "tag_type": "FlexibleAssetType: " + wan.String()},
		record.Values{"name": "Machines", "kind": "Tag", "tag_type": "Configurations"}, record.Values{"name": "Plans", "kind": "Upload"})
	line := h.Make(flexibleasset.Kind, org, record.Values{"flexible_asset_type_id": wan, trait["Line"]: "Fibre 1", trait["Router password"]: "wan-secret"})
	net := h.Make(flexibleasset.Kind, org, record.Values{"flexible_asset_type_id": lan, trait["Name"]: "Office", trait["VLAN"]: 12.5, trait["Notes"]: "<p>a &amp; b</p>",
		trait["Until"]: "2027-01-02", trait["Guests"]: true, trait["Medium"]: "Fibre", trait["Lines"]: []id.ID{line}, trait["Machines"]: []id.ID{h.one("configuration", "sw-cellar").ID},
		"restricted": true})
	h.Make(flexibleasset.Kind, org, record.Values{"flexible_asset_type_id": lan, trait["Name"]: "Old", "archived": true})
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, flexibleasset.Kind, line, 0, record.Values{trait["Ends"]: []id.ID{net}, trait["Router password"]: "wan-secret-2"})
		return err
	})
	if _, err := h.im.Files.AddTo(h.t.Context(), h.Admin(), net, attachment.Role(trait["Plans"]), "floor plan.txt", strings.NewReader("plan of the floor")); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.im.Files.Add(h.t.Context(), h.Admin(), net, "bill.txt", strings.NewReader("the bill")); err != nil {
		h.t.Fatal(err)
	}
	h.relate(net, rack, "stands in")
	h.agencies(org)
	h.Change(func(tx *gate.Tx) error {
		it, err := h.im.Relations.Add(tx, net, rack, "")
		if err == nil {
			_, err = h.im.Relations.SetDepends(tx, net, it.ID, record.DependsOn)
		}
		return err
	})
}

// agencies makes a kind of objects, and two of them: one refers to the other, and is in a
// state in which none begins.
func (h *house) agencies(org id.ID) {
	h.t.Helper()
	typ := h.Make(customobject.TypeKind, 0, record.Values{"name": "Agency", "prefix": "AG", "states": []map[string]any{{"state": "Open", "begins": true, "becomes": "Shut"}, {"state": "Shut", "needs": "Staff", "closed": true}}})
	trait := map[string]string{}
	for i, v := range []record.Values{{"name": "Staff", "kind": "Whole number"}, {"name": "Opened", "kind": "Date and time"},
		{"name": "Above", "kind": "Link", "tag_type": "Object: Agency"}, {"name": "People", "kind": "Tag", "tag_type": "contact"}} {
		v[customobject.TypeField], v["order"] = typ, 10-i
		trait[v.Text("name")] = record.TraitName(h.Make(customobject.FieldKind, 0, v))
	}
	trait["Town"] = record.TraitName(h.Make(customobject.FieldKind, 0, record.Values{customobject.TypeField: typ, "name": "Town", "kind": "Text", "shown_when": "staff", "order": 1}))
	first := h.Make(customobject.Kind, org, record.Values{customobject.TypeField: typ, "name": "Delft", trait["Town"]: "Delft", trait["Staff"]: 12, trait["Opened"]: "2026-03-01T09:30:00Z"})
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, customobject.Kind, first, 0, record.Values{"status": "Shut"})
		return err
	})
	h.Make(customobject.Kind, org, record.Values{customobject.TypeField: typ, "name": "Gouda", trait["Above"]: first})
}

func (h *house) relate(a, b id.ID, notes string) {
	h.t.Helper()
	err := h.Gate.Change(h.t.Context(), h.Admin(), access.Edit, gate.Thing{ID: a}, func(tx *gate.Tx) error {
		_, err := h.im.Relations.Add(tx, a, b, notes)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func onePixel() []byte {
	return []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa75\x81\x84\x00\x00\x00\x00IEND\xaeB`\x82")
}

// TestRoundTrip: what was exported and imported elsewhere is exported as the
// same.
func TestRoundTrip(t *testing.T) {
	var first string
	t.Run("export", func(t *testing.T) {
		h := open(t)
		h.furnish(300)
		b, err := os.ReadFile(h.export(exporter.Options{}))
		if err != nil {
			t.Fatal(err)
		}
		first = string(b)
	})
	p := filepath.Join(t.TempDir(), "first.zip")
	if err := os.WriteFile(p, []byte(first), 0o600); err != nil {
		t.Fatal(err)
	}
	h := open(t)
	plan := h.check(p)
	got := h.run(p)
	for _, r := range []string{"plan", "run"} {
		rep := plan
		if r == "run" {
			rep = got
		}
		if rep.Skipped+rep.Conflicts+rep.Changed+rep.Unchanged != 0 || len(rep.Unknown) != 0 || len(rep.Problems) != 0 {
			t.Errorf("%s: %+v", r, rep)
		}
	}
	if r := got.Kinds["rack"]; r == nil || r.Created != 2 {
		t.Errorf("racks: %+v", r)
	}
	if s := h.reveal(h.one("rack", `R1 "left"`).ID, "door_code"); s != "2" {
		t.Errorf("the door code is %q", s)
	}
	for k, c := range plan.Kinds {
		if got.Kinds[k] == nil || *got.Kinds[k] != *c {
			t.Errorf("%s: planned %+v, done %+v", k, c, got.Kinds[k])
		}
	}
	second := h.export(exporter.Options{})
	compare(t, content(t, p), content(t, second))
	if again := h.run(p); again.Created+again.Changed+again.Conflicts+again.Skipped != 0 {
		t.Errorf("again: %+v", again)
	}
}

// TestForeignKinds: what only another Strongroom has a kind for is listed.
// TestCommentsInAnExport: what was said is in the export, of the records that are.
func TestCommentsInAnExport(t *testing.T) {
	h := open(t)
	org := h.org("Acme")
	place := h.Make("location", org, record.Values{"name": "HQ"})
	c := h.Admin()
	c.User = 77
	err := h.Gate.Change(t.Context(), c, access.Comment, gate.Thing{ID: place}, func(tx *gate.Tx) error {
		_, err := (&comment.Comments{Records: h.Records}).Say(tx, place, "The *key* is under the mat")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	got := content(t, h.export(exporter.Options{}))[itglue.CommentsFile]
	if !strings.Contains(got, "The *key* is under the mat") || !strings.Contains(got, `"table":"locations"`) {
		t.Errorf("the comments of the export are %q", got)
	}
}

func TestForeignKinds(t *testing.T) {
	h := open(t)
	p := files{
		"strongroom/export.json":            `{"format":1,"product":"Strongroom","tenant":"00112233445566778899aabbccddeeff","made":"2026-01-02T03:04:05Z"}`,
		"strongroom/kinds/submarines.jsonl": `{"id":"1","kind":"submarine","values":{"name":"Nautilus"}}` + "\n" + `{"id":"2","kind":"submarine","values":{"name":"Argonaut"}}` + "\n",
		"organizations.csv":                 csv("id,name", "7,Harbor"),
	}.pack(t, "")
	for _, r := range []*importer.Report{h.check(p), h.run(p)} {
		if len(r.Unknown) != 1 || r.Unknown[0].File != "strongroom/kinds/submarines.jsonl" || r.Unknown[0].Rows != 2 || r.Created != 1 {
			t.Errorf("%+v", r)
		}
	}
}
