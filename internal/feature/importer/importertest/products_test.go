package importertest_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/core/record"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/vaults"
)

// imported sees that an export's dry run changes nothing and plans what the import then
// does, that no report shows a secret, and that the same export again does nothing.
func (h *house) imported(t *testing.T, product, path string) *importer.Report {
	t.Helper()
	to := vaults.Places{Org: h.Make("organization", 0, record.Values{"name": "From " + product})}
	versions, secrets, _, _ := h.state()
	plan, err := h.vault(product, path, to, true)
	if err != nil {
		t.Fatal(err)
	}
	if v, s, _, _ := h.state(); v != versions || s != secrets {
		t.Errorf("the dry run changed something: %d versions and %d secrets became %d and %d", versions, secrets, v, s)
	}
	got, err := h.vault(product, path, to, false)
	if err != nil {
		t.Fatal(err)
	}
	samePlan(t, plan, got)
	if text, err := json.Marshal([]any{plan, got}); err != nil || strings.Contains(string(text), "hid-") || strings.Contains(string(text), "JBSWY") {
		t.Errorf("a report shows a secret: %s, %v", text, err)
	}
	if again, err := h.vault(product, path, to, false); err != nil || again.Created+again.Changed != 0 {
		t.Errorf("the same again did %+v, %v", again, err)
	}
	return got
}

// TestLastPass: the table that LastPass's export writes, with typed notes, groups within
// groups, and signs that it writes as HTML does.
func TestLastPass(t *testing.T) {
	h := open(t)
	r := h.imported(t, "lastpass", "testdata/lastpass.csv")
	h.wantLogins("Clients/Harbour/Portal|ines@harbour.example|hid-one,\"two\"|https://portal.harbour.example/login?next=%2F", "Clients/Shop|shop|hid-a&amp;b|https://shop.example",
		"Clients/Harbour/Database host||NoteType:Server\nLanguage:en-US\nHostname:db.harbour.example\nUsername:postgres\nPassword:hid-server\nNotes:|", "Alarm||hid-alarm 4711|", "Router|router|hid-router|")
	h.noneInText("hid-", "JBSWY")
	portal := h.one("password", "Portal")
	if s := h.reveal(portal.ID, "otp_secret"); s != "JBSWY3DPEHPK3PXP" || portal.Values.Text("notes") != "front desk\nback office" {
		t.Errorf("the seed is %q, the notes %q", s, portal.Values.Text("notes"))
	}
	h.said(r, "warning", "lastpass.csv", 4, "&amp;")
}

// TestDashlane: the zip of tables that Dashlane's export writes; what is about a person
// is counted and stays there.
func TestDashlane(t *testing.T) {
	h := open(t)
	list, err := filepath.Glob("testdata/dashlane/*.csv")
	if err != nil || len(list) != 5 {
		t.Fatalf("%q, %v", list, err)
	}
	all := files{}
	for _, p := range list {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(p)] = string(text)
	}
	r := h.imported(t, "dashlane", all.pack(t, ""))
	h.wantLogins("Clients/Portal|ines@harbour.example|hid-one,\"two\"|https://portal.harbour.example/login", "Router|router|hid-router|", "Alarm||hid-alarm 4711|",
		"Company card|Harbour Dental|hid-4111|", "Company card: Security code||hid-321|", "Current account|Harbour Dental|hid-account|", "Current account: Routing number||hid-routing|")
	h.noneInText("hid-", "JBSWY")
	portal := h.one("password", "Portal")
	if s := h.reveal(portal.ID, "otp_secret"); !strings.Contains(s, "secret=JBSWY3DPEHPK3PXP") || portal.Values.Text("notes") != "front desk\nback office\nSecond user name: ines.b" {
		t.Errorf("the seed is %q, the notes %q", s, portal.Values.Text("notes"))
	}
	var left []string
	for _, u := range r.Unknown {
		left = append(left, fmt.Sprint(u.File, " ", u.Rows))
	}
	if slices.Sort(left); !slices.Equal(left, []string{"ids.csv 1", "personalInfo.csv 1"}) {
		t.Errorf("left is %q", left)
	}
}
