package importertest_test

import (
	"archive/zip"
	stdcsv "encoding/csv"
	"io"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/core/gate"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/exporter"
	"strongroom/internal/feature/flexibleasset"
)

// stranger reads an export as programs do that know the layout of IT Glue and
// nothing of us: with readers of zip and CSV that are not ours.
type stranger struct {
	t     *testing.T
	files map[string]string
}

func readStrange(t *testing.T, p string) *stranger {
	t.Helper()
	z, err := zip.OpenReader(p)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	s := &stranger{t, map[string]string{}}
	for _, f := range z.File {
		if strings.HasPrefix(f.Name, "strongroom/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		s.files[f.Name] = string(b)
	}
	return s
}

// table gives the rows of a table by their ids.
func (s *stranger) table(name string) map[string]map[string]string {
	s.t.Helper()
	text, ok := s.files[name+".csv"]
	if !ok {
		s.t.Fatalf("there is no %s.csv", name)
	}
	all, err := stdcsv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff"))).ReadAll()
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string]map[string]string{}
	for _, row := range all[1:] {
		m := map[string]string{}
		for i, head := range all[0] {
			m[head] = row[i]
		}
		out[m["id"]] = m
	}
	return out
}

// find gives the row with that value in a column.
func (s *stranger) find(table, column, value string) map[string]string {
	s.t.Helper()
	for _, row := range s.table(table) {
		if row[column] == value {
			return row
		}
	}
	s.t.Fatalf("%s has no row with %s %q", table, column, value)
	return nil
}

// TestStrangersReadTheExport: assets, tags, uploads, embedded passwords, documents
// with their images and files stand where readers of IT Glue's layout look.
func TestStrangersReadTheExport(t *testing.T) {
	h := open(t)
	h.furnish(300)
	p := h.export(exporter.Options{})
	s := readStrange(t, p)
	net := s.find("local-net", "name", "Office")
	for column, want := range map[string]string{"organization": `Odd "Ends" / & Sons`, "vlan": "12.5", "notes": "<p>a &amp; b</p>", "until": "2027-01-02", "guests": "Yes", "medium": "Fibre",
		"lines": "Fibre 1", "machines": "sw-cellar", "plans": net["id"] + "-floor plan.txt", "archived": "No"} {
		if net[column] != want {
			t.Errorf("%s is %q, want %q", column, net[column], want)
		}
	}
	if got := s.files["local-net-plans/"+net["plans"]]; got != "plan of the floor" {
		t.Errorf("the uploaded file holds %q", got)
	}
	if got := s.files["attachments/local-net/"+net["id"]+"/bill.txt"]; got != "the bill" {
		t.Errorf("the attached file holds %q", got)
	}
	line := s.find("uplink-line", "line", "Fibre 1")
	secret := s.find("passwords", "resource_id", line["id"])
	if secret["resource_type"] != "StructuredData::Cell" || secret["name"] != "Router password" || secret["password"] != "wan-secret-2" || line["router_password"] != secret["name"] || line["ends"] != "Office" {
		t.Errorf("the line is %v, its password %v", line, secret)
	}
	s.documents()
	s.back()
}

// documents sees that each document has its text, and each image of a text its
// file beside it.
func (s *stranger) documents() {
	s.t.Helper()
	dir := regexp.MustCompile(`/DOC-(\d+)-(\d+)\s+[^/]+/[^/]+\.html$`)
	source := regexp.MustCompile(`<img src="([^"]+)"`)
	texts, images := map[string]string{}, 0
	for name, text := range s.files {
		m := dir.FindStringSubmatch("/" + name)
		if m == nil {
			continue
		}
		texts[m[2]] = text
		for _, src := range source.FindAllStringSubmatch(text, -1) {
			at, err := url.PathUnescape(src[1])
			if err != nil || s.files[path.Join(path.Dir(name), at)] == "" {
				s.t.Errorf("%s shows %s, which is not there", name, src[1])
			}
			images++
		}
	}
	for rid, row := range s.table("documents") {
		if _, ok := texts[rid]; !ok || !strings.HasSuffix(row["locator"], "-"+rid) {
			s.t.Errorf("the document %v has no text", row)
		}
	}
	if images < 2 {
		s.t.Errorf("%d images", images)
	}
}

// back imports what a stranger sees, as an export of IT Glue.
func (s *stranger) back() {
	s.t.Helper()
	g := open(s.t)
	rep := g.run(files(s.files).pack(s.t, ""))
	for _, u := range rep.Unknown {
		if strings.HasSuffix(u.File, ".csv") || strings.HasPrefix(u.File, "attachments/local") || strings.HasPrefix(u.File, "local-") {
			s.t.Errorf("not understood: %+v", u)
		}
	}
	office := g.one(flexibleasset.Kind, "Office")
	f := g.traitNames(g.one(flexibleasset.TypeKind, "Local net").ID)
	if v := office.Values; v[f["Vlan"]] != 12.5 && v[f["VLAN"]] != 12.5 || v[f["Guests"]] != true || len(v.IDs(f["Lines"])) != 1 || len(v.IDs(f["Machines"])) != 1 {
		s.t.Errorf("the office came back as %v with %v", v, f)
	}
	var names []string
	g.View(g.Admin(), func(tx *gate.Tx) error {
		all, err := attachment.All(tx, office.ID)
		for _, a := range all {
			names = append(names, a.Name)
		}
		return err
	})
	slices.Sort(names)
	if !slices.Equal(names, []string{"bill.txt", "floor plan.txt"}) {
		s.t.Errorf("the office came back with the files %q", names)
	}
	line := g.one(flexibleasset.Kind, "Fibre 1")
	pw := g.one("password", "Router password")
	if pw.Values["resource_id"] != int64(line.ID) || pw.Values["flexible_asset_field_id"] == nil || g.reveal(pw.ID, "password") != "wan-secret-2" {
		s.t.Errorf("the password came back as %v", pw.Values)
	}
}
