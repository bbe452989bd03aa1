package itglue_test

import (
	"bytes"
	"errors"
	"io"
	"path"
	"reflect"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/archive"
	"strongroom/internal/base/fault"
	"strongroom/internal/feature/importer/itglue"
)

func pack(t testing.TB, files map[string]string) *bytes.Reader {
	t.Helper()
	var b bytes.Buffer
	z := archive.Create(&b, "")
	for name, body := range files {
		w, err := z.Add(name, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b.Bytes())
}

func open(t testing.TB, files map[string]string) *itglue.Export {
	t.Helper()
	r := pack(t, files)
	x, err := itglue.Open(r, r.Size(), "")
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestLink(t *testing.T) {
	for href, want := range map[string]itglue.Target{
		"https://msp.itglue.com/12/docs/34":                             {"documents", "12", "34"},
		"https://msp.eu.itglue.com/12/docs/34#version=published&x=y":    {"documents", "12", "34"},
		"HTTPS://MSP.ITGLUE.COM/12/passwords/34/":                       {"passwords", "12", "34"},
		"https://msp.itglue.com/12/configurations/34?tab=1":             {"configurations", "12", "34"},
		"https://msp.itglue.com/12/assets/7-lan-floor-plans/records/34": {"lan-floor-plans", "12", "34"},
		"https://msp.itglue.com/passwords/34":                           {"passwords", "", "34"},
		"https://msp.itglue.com/12":                                     {"organizations", "12", "12"},
		"/12/contacts/34":                                               {"contacts", "12", "34"},
		"DOC-12-34":                                                     {"documents", "12", "34"},
		"../DOC-12-34%20Some%20name/Some%20name.html":                   {"documents", "12", "34"},
	} {
		got, _, ok := itglue.Link(href)
		if !ok || got != want {
			t.Errorf("%s is %+v, %v; want %+v", href, got, ok, want)
		}
	}
	for href, foreign := range map[string]bool{
		"https://example.com/12/docs/34":         false,
		"https://notitglue.com/12/docs/34":       false,
		"https://itglue.com.example/12/docs/34":  false,
		"mailto:a@itglue.com":                    false,
		"https://msp.itglue.com/12/reports/list": true,
		"https://www.itglue.com/blog":            false,
		"#top":                                   false,
		"12/docs/34":                             false,
		"javascript:/12/docs/34":                 false,
		"http://[::1":                            false,
	} {
		if got, f, ok := itglue.Link(href); ok || f != foreign {
			t.Errorf("%s is %+v, %v, foreign %v; want foreign %v", href, got, ok, f, foreign)
		}
	}
}

func TestDocuments(t *testing.T) {
	x := open(t, map[string]string{
		"documents/Org/Folder/DOC-1-2 Some name/other.html":         "b",
		"documents/Org/Folder/DOC-1-2 Some name/Some name.html":     "a",
		"documents/Org/Folder/DOC-1-2 Some name/1/docs/2/images/77": "i",
		"documents/DOC-1-3/index.html":                              "c",
		"documents/loose.txt":                                       "d",
		"attachments/configurations/9/a.txt":                        "e",
		"attachments/odd things/9/a.txt":                            "e",
		"photos/9-a.png":                                            "f",
		"domains.csv":                                               "id,name\n1,x\n2,y\n",
	})
	var got []itglue.Document
	for _, d := range x.Documents() {
		got = append(got, *d)
	}
	dir := "documents/Org/Folder/DOC-1-2 Some name"
	want := []itglue.Document{
		{Org: "1", ID: "3", Dir: "documents/DOC-1-3", HTML: "documents/DOC-1-3/index.html", Size: 1, Folders: []string{}},
		{Org: "1", ID: "2", Name: "Some name", Folders: []string{"Org", "Folder"}, Dir: dir, HTML: dir + "/Some name.html", Size: 1,
			Files: []string{dir + "/1/docs/2/images/77", dir + "/other.html"}},
	}
	if got[1].Files[0] != want[1].Files[0] || !reflect.DeepEqual(got, want) {
		t.Errorf("documents\n%+v, want\n%+v", got, want)
	}
	for src, want := range map[string]string{
		"1/docs/2/images/77": dir + "/1/docs/2/images/77", "./1/docs/2/images/77": dir + "/1/docs/2/images/77", "https://m.itglue.com/1/docs/2/images/77": dir + "/1/docs/2/images/77",
		"https://example.com/1/docs/2/images/77": "", "../../../../domains.csv": "", "1/docs/2/images/78": "", "data:image/png;base64,AA": "",
	} {
		got := x.ImageEntry(x.Documents()[1], src)
		if want == "" && got != "" && !strings.HasPrefix(got, dir+"/") && got != "domains.csv" || want != "" && got != want {
			t.Errorf("%s is %q, want %q", src, got, want)
		}
	}
	others, err := x.Others([]string{"documents", "configurations"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantOthers := []itglue.Other{{"domains.csv", 2}, {"attachments/odd things/", 1}, {"documents/loose.txt", 1}, {"photos/", 1}}
	if !reflect.DeepEqual(others, wantOthers) {
		t.Errorf("others %+v, want %+v", others, wantOthers)
	}
}

func TestFileName(t *testing.T) {
	for in, want := range map[string]string{"a/b: c?": "a_b_ c_", " . ": "_", "": "_", "Kühl & Söhne.": "Kühl & Söhne", strings.Repeat("x", 200): strings.Repeat("x", 100), "..": "_"} {
		if got := itglue.FileName(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

// FuzzOpen: any bytes give an export or a sentence, and reading what it names
// ends.
func FuzzOpen(f *testing.F) {
	r := pack(f, map[string]string{"organizations.csv": "id,name\n1,One\n", "documents/DOC-1-2 x/x.html": "<p>x</p>", "attachments/passwords/1/a": "b"})
	seed, _ := io.ReadAll(r)
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := itglue.Open(bytes.NewReader(b), int64(len(b)), "")
		if err != nil {
			if !fault.Is(err, fault.Invalid) || fault.Say(err).Text == "" {
				t.Fatalf("no sentence: %v", err)
			}
			return
		}
		if _, err := x.Others(nil, nil); err != nil && !fault.Is(err, fault.Invalid) {
			t.Fatal(err)
		}
		tab, err := x.Table("organizations", []string{"id"}, func(string) bool { return false })
		if err != nil || tab == nil {
			return
		}
		for range 1_000_000 {
			if _, err := tab.Next(); err != nil {
				if !errors.Is(err, io.EOF) && !fault.Is(err, fault.Invalid) {
					t.Fatal(err)
				}
				return
			}
		}
	})
}

// FuzzNames: a cleaned name is one that a zip takes, and cleaning it again
// changes nothing.
func FuzzNames(f *testing.F) {
	f.Add("a/b", "https://m.itglue.com/1/docs/2")
	f.Fuzz(func(t *testing.T, name, href string) {
		once := itglue.FileName(name)
		if itglue.FileName(once) != once || path.Base(once) != once || once == ".." {
			t.Errorf("%q became %q", name, once)
		}
		if target, _, ok := itglue.Link(href); ok && (target.ID == "" || strings.Trim(target.ID, "0123456789") != "") {
			t.Errorf("%q leads to %+v", href, target)
		}
	})
}
