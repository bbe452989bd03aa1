package search_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/search"
)

// names gives the names found, best first.
func names(h *coretest.House, c *access.Caller, q string, o search.Options) []string {
	var out []string
	h.View(c, func(tx *gate.Tx) error {
		hits, err := search.Find(tx, q, o)
		for _, hit := range hits {
			out = append(out, hit.Name)
		}
		return err
	})
	return out
}

func TestFind(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	harbour := h.Org("Harbour Dental")
	pine := h.Org("Pine & Sons")
	h.Make("configuration", harbour, record.Values{"name": "HDG-SRV-FILE01", "hostname": "file01.harbour.example.com", "primary_ip": "10.20.1.5",
		"serial_number": "CZ-22_31/7", "notes": "Replaced the fan in spring; see AA:BB:CC:DD:EE:FF and ÅRSTA."})
	h.Make("configuration", harbour, record.Values{"name": "HDG-SRV-DC01", "primary_ip": "10.20.1.50"})
	h.Make("configuration", pine, record.Values{"name": "Straße Köln", "notes": "файл №7 東京支店"})
	h.Make("password", pine, record.Values{"name": "O'Brien's mailbox", "username": "user@example.com", "password": "hunter2-secret"})
	h.Make("document", pine, record.Values{"name": "Telephones", "content": "<p>Fan&nbsp;club of <b>harbour</b></p>"})
	h.Make("configuration", pine, record.Values{"name": "Phone", "hostname": "+1 (555) 010-2000"})
	admin := h.Admin()
	for _, c := range []struct {
		q    string
		want string // joined by |; empty for nothing
	}{
		{"file01 10.20", "HDG-SRV-FILE01"},
		{"harb den", "Harbour Dental"},
		{"10.20.1.5", "HDG-SRV-FILE01|HDG-SRV-DC01"},
		{"10.20.1.50", "HDG-SRV-DC01"},
		{"hdg-srv", "HDG-SRV-DC01|HDG-SRV-FILE01"},
		{"srv-file", "HDG-SRV-FILE01"},
		{"hdgsrvfile", "HDG-SRV-FILE01"},
		{"aa:bb:cc", "HDG-SRV-FILE01"},
		{"aabbccddeeff", "HDG-SRV-FILE01"},
		{"CZ-22_31/7", "HDG-SRV-FILE01"},
		{"example.com", "HDG-SRV-FILE01|O'Brien's mailbox"},
		{"USER@Example", "O'Brien's mailbox"},
		{"obrien", "O'Brien's mailbox"},
		{"o’brien", "O'Brien's mailbox"},
		{"brien", "O'Brien's mailbox"},
		{"arsta", "HDG-SRV-FILE01"},
		{"strasse koln", "Straße Köln"},
		{"ФАЙЛ", "Straße Köln"},
		{"京支", "Straße Köln"},
		{"5550102000", "Phone"},
		{"555 010-2", "Phone"},
		{"fan", "HDG-SRV-FILE01|Telephones"},
		{"harbour", "Harbour Dental|HDG-SRV-FILE01|Telephones"},
		{"pine & sons", "Pine & Sons"},
		{"hunter2", ""},
		{"secret", ""},
		{"file01 pine", ""},
		{"ile01", ""},
		{"  \t", ""},
		{`"'*:()^-`, ""},
		{`file01" OR "harb`, ""},
		{"AND NOT", ""},
	} {
		got := names(h, admin, c.q, search.Options{})
		want := strings.Split(c.want, "|")
		if c.want == "" {
			want = nil
		}
		if strings.Contains(c.want, "|") && c.q != "harbour" && c.q != "10.20.1.5" {
			slices.Sort(got)
			slices.Sort(want)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q found %q, want %q", c.q, got, want)
		}
	}
	if got := names(h, admin, "hdg", search.Options{Org: pine}); got != nil {
		t.Errorf("another organization's records were found: %q", got)
	}
	if got := names(h, admin, "h", search.Options{Kinds: []string{"organization", "document"}}); !slices.Equal(got, []string{"Harbour Dental"}) {
		t.Errorf("one letter among kinds found %q", got)
	}
	if got := names(h, admin, "srv", search.Options{Limit: 1}); len(got) != 1 {
		t.Errorf("a limit of one found %q", got)
	}
}

func TestRank(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	org := h.Org("Org")
	at := func(kind string, v record.Values) {
		h.Clock.Advance(1000000)
		h.Make(kind, org, v)
	}
	at("document", record.Values{"name": "Old text", "content": "about the gateway"})
	at("configuration", record.Values{"name": "Box", "hostname": "gateway.local"})
	at("configuration", record.Values{"name": "Main gateway"})
	at("configuration", record.Values{"name": "Gateway two"})
	at("configuration", record.Values{"name": "Gateway three", "archived": true})
	at("configuration", record.Values{"name": "Gateway one"})
	at("configuration", record.Values{"name": "GATEWAY", "archived": true})
	at("document", record.Values{"name": "New text", "content": "about the gateway"})
	want := []string{"GATEWAY", "Gateway one", "Gateway two", "Gateway three", "Main gateway", "Box", "New text", "Old text"}
	if got := names(h, h.Admin(), "gateway", search.Options{}); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestWhole: whole terms are found, and not the beginnings of others, whether the index is asked or
// the few records in question are read.
func TestWhole(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	org := h.Org("Org")
	for _, v := range []record.Values{{"name": "Print"}, {"name": "Printer one"}, {"name": "Blueprint"}, {"name": "Box", "notes": "to print on"}, {"name": "hdg-print"}} {
		h.Make("configuration", org, v)
	}
	for q, want := range map[string][]string{"print": {"Box", "Print", "hdg-print"}, "PRINTER": {"Printer one"}, "prin": nil, "one printer": {"Printer one"}, "hdg": nil} {
		for _, o := range []search.Options{{Whole: true}, {Whole: true, Kinds: []string{"configuration"}}, {Whole: true, Org: org}} {
			got := names(h, h.Admin(), q, o)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%q within %+v found %q, want %q", q, o, got, want)
			}
		}
	}
}

func TestAccess(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	mine, other := h.Org("Mine"), h.Org("Other")
	h.Make("configuration", mine, record.Values{"name": "srv one"})
	h.Make("configuration", other, record.Values{"name": "srv two"})
	shut := h.Make("configuration", mine, record.Values{"name": "srv three"})
	granted := h.Make("configuration", other, record.Values{"name": "srv four"})
	c := h.User(access.Editor, mine)
	h.Change(func(tx *gate.Tx) error {
		if err := h.Records.SetAccess(tx, "configuration", shut, true, nil, nil); err != nil {
			return err
		}
		return h.Records.SetAccess(tx, "configuration", granted, true, []id.ID{c.User}, nil)
	})
	c.Granted = true // as the next request would find
	got := names(h, c, "srv", search.Options{})
	slices.Sort(got)
	if !slices.Equal(got, []string{"srv four", "srv one"}) {
		t.Errorf("an editor of one organization found %q", got)
	}
	h.View(c, func(tx *gate.Tx) error {
		hits, err := search.Find(tx, "srv four", search.Options{})
		if len(hits) != 1 || hits[0].Org != other || hits[0].OrgName != "" {
			t.Errorf("the name of an organization that is not visible: %+v", hits)
		}
		return err
	})
	h.View(h.Admin(), func(tx *gate.Tx) error {
		hits, err := search.Find(tx, "srv four", search.Options{})
		if len(hits) != 1 || hits[0].OrgName != "Other" || hits[0].Kind != "configuration" {
			t.Errorf("an administrator found %+v", hits)
		}
		return err
	})
}

func TestChangesAreFoundAtOnce(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	org := h.Org("Org")
	rid := h.Make("configuration", org, record.Values{"name": "alpha", "notes": "first"})
	put := func(d search.Doc) {
		h.Change(func(tx *gate.Tx) error { return search.Put(tx.SQL(), d) })
	}
	put(search.Doc{ID: rid, Names: []string{"beta"}, Body: "second"})
	for q, n := range map[string]int{"alpha": 0, "first": 0, "beta": 1, "second": 1} {
		if got := names(h, h.Admin(), q, search.Options{}); len(got) != n {
			t.Errorf("%q found %q, want %d", q, got, n)
		}
	}
	h.Change(func(tx *gate.Tx) error { return h.Records.Trash(tx, "configuration", rid) })
	if got := names(h, h.Admin(), "beta", search.Options{}); got != nil {
		t.Errorf("what is in the trash was found: %q", got)
	}
	h.Change(func(tx *gate.Tx) error {
		if err := search.Remove(tx.SQL(), rid); err != nil {
			return err
		}
		return search.Remove(tx.SQL(), rid)
	})
	h.Change(func(tx *gate.Tx) error { return h.Records.Untrash(tx, "configuration", rid) })
	put(search.Doc{ID: rid})
	if got := names(h, h.Admin(), "beta", search.Options{}); got != nil {
		t.Errorf("what was removed was found: %q", got)
	}
}

// What is in a document is found by every beginning of every one of its words.
func TestEveryWordIsFound(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	rid := h.Make("configuration", h.Org("Org"), record.Values{"name": "x"})
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("ab1ÄßéЖ東 -.:'@/\"*(\n"))).Draw(r, "text")
		h.Change(func(tx *gate.Tx) error {
			return search.Put(tx.SQL(), search.Doc{ID: rid, Names: []string{"only name"}, Body: text})
		})
		for _, w := range strings.Fields(text) {
			n := rapid.IntRange(1, len([]rune(w))).Draw(r, "letters")
			q := string([]rune(w)[:n])
			if !strings.ContainsAny(q, "ab1ÄßéЖ東") {
				continue
			}
			q += " only" // one letter alone is asked of names only
			if got := names(h, h.Admin(), q, search.Options{}); len(got) != 1 {
				r.Fatalf("%q is not found in %q", q, text)
			}
		}
	})
}

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"  A \t B\n": "a b", "Ångström": "angstrom", "STRAẞE": "strasse", "ﬁle": "file", "１２": "12", "Ωμέγα": "ωμεγα", "Øst": "ost", "が": "が", "한글": "한글", "İ": "i",
	} {
		if got := search.Fold(in); got != want {
			t.Errorf("%q folds to %q, want %q", in, got, want)
		}
	}
}

func FuzzFold(f *testing.F) {
	f.Add("Straße")
	f.Add("\xff\u0300")
	f.Fuzz(func(t *testing.T, s string) {
		if once := search.Fold(s); search.Fold(once) != once {
			t.Fatalf("%q folds to %q, which folds to %q", s, once, search.Fold(once))
		}
	})
}

// A removed word is not found from the change on, and leaves the file with the
// next Tidy, however many parts the index has.
func TestRemovedWordsAreGone(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	org := h.Org("Org")
	rid := h.Make("configuration", org, record.Values{"name": "plain", "notes": "zebrafinch was here"})
	for i := range 300 {
		h.Make("configuration", org, record.Values{"name": fmt.Sprint("other ", i), "notes": fmt.Sprint("nothing of interest ", i*7919)})
	}
	if h.Tenant().DB.Dialect() != sqldb.SQLite {
		t.Skip("FTS5 is SQLite's; PostgreSQL rewrites the row, and vacuum removes the old one")
	}
	blocks := func() (n int) {
		h.View(h.Admin(), func(tx *gate.Tx) error {
			return tx.QueryRow(`select count(*) from search_fts_data where instr(block, ?) > 0`, []byte("ebrafinch")).Scan(&n)
		})
		return n
	}
	if blocks() == 0 {
		t.Fatal("the word is not in the index")
	}
	h.Change(func(tx *gate.Tx) error { return search.Put(tx.SQL(), search.Doc{ID: rid, Names: []string{"plain"}}) })
	if got := names(h, h.Admin(), "zebrafinch", search.Options{}); len(got) != 0 {
		t.Errorf("the removed word was found: %v", got)
	}
	for more := true; more; {
		h.Change(func(tx *gate.Tx) (err error) { more, err = search.Tidy(tx.SQL()); return err })
	}
	if n := blocks(); n != 0 {
		t.Errorf("the word is still in %d blocks of the index", n)
	}
	if got := names(h, h.Admin(), "nothing", search.Options{}); len(got) == 0 {
		t.Error("a word that was not removed is gone")
	}
}

func TestLongText(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	var b strings.Builder
	for i := range 300_000 {
		fmt.Fprintf(&b, "w%d/", i)
		if i%3 == 0 {
			b.WriteString(" ")
		}
	}
	b.WriteString(strings.Repeat("ж", 1_000_000))
	rid := h.Make("configuration", h.Org("Org"), record.Values{"name": "x"})
	h.Change(func(tx *gate.Tx) error {
		return search.Put(tx.SQL(), search.Doc{ID: rid, Names: []string{strings.Repeat("long name ", 1000)}, Body: b.String()})
	})
	if got := names(h, h.Admin(), "w1234 long", search.Options{}); len(got) != 1 {
		t.Errorf("found %d", len(got))
	}
}
