package webui_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

const bitwardenVault = `{"encrypted":false,"folders":[{"id":"f","name":"Harbour/Web"},{"id":"g","name":"Private"}],"items":[
{"id":"1","folderId":"f","type":1,"name":"Shop","login":{"username":"u","password":"hid-pw"},"fields":[{"name":"PIN","value":"hid-pin","type":1}]},
{"id":"2","folderId":"g","type":1,"name":"Bank","login":{"password":"hid-bank"}}]}`

// TestImportOfAVault: an export of a password manager is known by what is in it, goes
// where somebody says, and is shown nowhere.
func TestImportOfAVault(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Jobs: true})
	org := h.Make("organization", 0, record.Values{"name": "Harbour"})
	c := h.As(access.Manager)
	at := c.Upload("/imports", nil, map[string]string{"export.json": bitwardenVault}).Want(http.StatusSeeOther).To()
	if !strings.HasPrefix(at, "/import-vaults/") {
		t.Fatalf("the upload leads to %s", at)
	}
	check := strings.Replace(at, "/import-vaults/", "/import-checks/", 1)
	if to := c.Get(check).Want(http.StatusSeeOther).To(); to != at {
		t.Errorf("the check leads to %s before anything was chosen", to)
	}
	page := c.Get(at).Want(http.StatusOK)
	for _, want := range []string{"An export of Bitwarden with 2 entries", "Harbour", "Leave Private out"} {
		if !strings.Contains(page.Text("main"), want) {
			t.Errorf("the page does not say %q: %s", want, page.Text("main"))
		}
	}
	if wrong := c.Post(at, url.Values{}).Want(http.StatusUnprocessableEntity); !strings.Contains(wrong.Text("main"), "Choose an organization.") {
		t.Errorf("without an organization it says %s", wrong.Text("main"))
	}
	if to := c.Post(at, url.Values{"o0": {org.String()}, "x1": {"1"}}).Want(http.StatusSeeOther).To(); to != check {
		t.Fatalf("it leads to %s", to)
	}
	plan := c.Get(check).Want(http.StatusOK)
	if s := plan.Text(".startbar h2"); s != "3 new, 1 skipped" || strings.Contains(page.Body+plan.Body, "hid-") {
		t.Errorf("the check says %q: %s", s, plan.Text("main"))
	}
	if p := c.Get(at).Want(http.StatusOK); !p.Has(`input[name=x1][checked]`) {
		t.Error("what was chosen is not chosen any more")
	}
	job := c.Post(check+"/start", nil).Want(http.StatusSeeOther).To()
	var state struct{ State, Text string }
	for deadline := time.Now().Add(webuitest.Wait); state.State != "done"; {
		c.Do(http.MethodGet, job, nil, http.Header{"Accept": {"application/json"}}).Want(http.StatusOK).JSON(&state)
		if state.State == "failed" || time.Now().After(deadline) {
			t.Fatalf("the import is %+v", state)
		}
	}
	if h.One("password", "Shop") == 0 || h.One("password", "Shop: PIN") == 0 || h.One("password_folder", "Web") == 0 {
		t.Error("something is missing")
	}
	database, err := os.ReadFile("../../base/kdbx/testdata/aes.kdbx")
	if err != nil {
		t.Fatal(err)
	}
	locked := c.Upload("/imports", nil, map[string]string{"x.kdbx": string(database)}).Want(http.StatusSeeOther).To()
	if p := c.Get(locked).Want(http.StatusOK); !p.Has("input[name=passphrase]") {
		t.Errorf("nothing asks for the passphrase: %s", p.Text("main"))
	}
	if p := c.Post(locked, url.Values{"unlock": {"1"}, "passphrase": {"wrong"}}).Want(http.StatusUnprocessableEntity); !strings.Contains(p.Text("main"), "does not open with this passphrase") {
		t.Errorf("of a wrong passphrase it says %s", p.Text("main"))
	}
	c.Post(locked, url.Values{"unlock": {"1"}, "passphrase": {"correct horse"}}).Want(http.StatusSeeOther)
	if p := c.Get(locked).Want(http.StatusOK); !strings.Contains(p.Text("main"), "An export of KeePass with 3 entries") || strings.Contains(p.Body, "correct horse") {
		t.Errorf("the open database is %s", p.Text("main"))
	}
	check = c.Post(locked, url.Values{"organization": {org.String()}}).Want(http.StatusSeeOther).To()
	if s := c.Get(check).Want(http.StatusOK).Text(".startbar h2"); s != "6 new, 1 unchanged" {
		t.Errorf("the check of the database says %q", s)
	}
	broken := c.Upload("/imports", nil, map[string]string{"x.json": `{"encrypted":true}`}).Want(http.StatusSeeOther).To()
	if p := c.Get(broken).Want(http.StatusUnprocessableEntity); !strings.Contains(p.Text("main"), "is an encrypted export") {
		t.Errorf("of an encrypted export it says %s", p.Text("main"))
	}
}

// TestPagesOfAVaultInABrowser looks at the page that asks where things go, and at the
// one that asks for a passphrase.
func TestPagesOfAVaultInABrowser(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	h.Make("organization", 0, record.Values{"name": "Harbour"})
	database, err := os.ReadFile("../../base/kdbx/testdata/aes.kdbx")
	if err != nil {
		t.Fatal(err)
	}
	c := h.As(access.Administrator)
	b := browser.Open(t, h.URL)
	signInBy(b, access.Administrator)
	for name, file := range map[string][2]string{"vault-import": {"export.json", bitwardenVault}, "vault-locked": {"x.kdbx", string(database)}} {
		b.Everywhere(name, c.Upload("/imports", nil, map[string]string{file[0]: file[1]}).Want(http.StatusSeeOther).To())
	}
}
