package webui_test

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

// image is a picture of one pixel.
const image = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82"

// desk is a house in which there is something on each of these pages.
type desk struct {
	*webuitest.House
	org, pass, doc, folder id.ID
}

func openDesk(t *testing.T, sample int) *desk {
	h := webuitest.Open(t, webuitest.Options{Sample: sample, Jobs: true})
	d := &desk{House: h}
	if sample == 0 {
		d.org = h.Org("Harbour Dental Group")
	} else {
		d.org = h.One("organization", "Harbour Dental Group")
	}
	d.folder = h.Make("password_folder", d.org, record.Values{"name": "Network"})
	edge := h.Make("password_folder", d.org, record.Values{"name": "Edge", "parent_id": d.folder})
	d.pass = h.Make("password", d.org, record.Values{"name": "FortiGate admin", "username": "hdg-fwadmin", "password": "vT9#mQ2-kelp-Orbit!47", "otp_secret": seed,
		"url": "https://10.20.1.1:8443", "notes": "Local break-glass account; use SSO for daily work.\nAfter use, rotate and update the change record.", "password_folder_id": edge,
		"password_category_id": h.One("password_category", "Network")})
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, "password", d.pass, 0, record.Values{"password": "vT9#mQ2-kelp-Orbit!48"})
		return err
	})
	d.doc = h.Make("document", d.org, record.Values{"name": "Edge firewall rebuild", "content": "<p>What to do when the firewall is gone.</p><h2>Before</h2><p>Get the <strong>spare</strong> out of the rack.</p><ul><li>Console cable</li><li>Licence file</li></ul><h2>Steps</h2><h3>Flash</h3><p>Use the image of the vendor.</p><pre><code>execute restore image tftp fw.out 10.0.0.5</code></pre><h3>Restore</h3><table><tbody><tr><th>Interface</th><th>Network</th></tr><tr><td>wan1</td><td>203.0.113.0/29</td></tr></tbody></table><h2>After</h2><p>Tell the office.</p>"})
	h.Make("document_section", 0, record.Values{"document_id": d.doc, "resource_type": "Document::Step", "content": "<p>Ring the provider.</p>", "duration": int64(5)})
	h.Make("document_section", 0, record.Values{"document_id": d.doc, "resource_type": "Document::Text", "content": "<p>Call 0900-ACME and name the contract.</p>"})
	return d
}

// export is a small export: two organizations, of which one has no name, and a
// table that has no kind here.
func export(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range map[string]string{
		"organizations.csv": "id,organization_type,organization_status,name,short_name\n1,Customer,Active,Fabrikam,FAB\n2,Customer,Active,,\n3,Customer,Active,Tailspin,TAIL\n",
		"locations.csv":     "id,organization,name,city\n11,Fabrikam,Head office,Rotterdam\n12,Unknown Ltd,Depot,Delft\n",
		"wireless.csv":      "id,organization,ssid\n1,Fabrikam,guests\n",
	} {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDeskInABrowser(t *testing.T) {
	d := openDesk(t, 150)
	c := d.As(access.Administrator)
	c.Upload("/attach/"+d.pass.String(), nil, map[string]string{"rack.png": image, "licence.txt": "A-1"})
	c.Post("/keys", url.Values{"name": {"Backup job"}, "role": {"Read-only"}, "read_only": {"1"}, "requests": {"3000"}, "seconds": {"300"}}).Want(http.StatusOK)
	c.Post("/passwords/"+d.pass.String()+"/reveal", url.Values{"reason": {"CHG-1179"}}).Want(http.StatusOK)
	c.Post("/related/"+d.pass.String(), url.Values{"item": {d.doc.String()}, "notes": {"how to rebuild"}}).Want(http.StatusSeeOther)
	up := c.Upload("/imports", nil, map[string]string{"export.zip": export(t)}).Want(http.StatusSeeOther)
	file := c.Get("/passwords/"+d.pass.String()).Attr(".filelist li:first-child .t a", "href")
	pages := []struct{ name, path string }{
		{"password", "/passwords/" + d.pass.String()}, {"password-version", "/passwords/" + d.pass.String() + "/versions/1"}, {"password-form", "/passwords/" + d.pass.String() + "/edit"},
		{"generator", "/generate"}, {"document", "/documents/" + d.doc.String()}, {"document-form", "/documents/" + d.doc.String() + "/edit"},
		{"folders", "/organizations/" + d.org.String() + "/passwords/folders?folder=" + d.folder.String()}, {"file", file}, {"related", "/related/" + d.pass.String()},
		{"access", "/access/" + d.pass.String()}, {"audit", "/audit"}, {"activity", "/activity/" + d.pass.String()}, {"users", "/users"}, {"user", "/users/" + d.UserID(access.Editor).String()},
		{"user-new", "/users/new"}, {"group", "/groups/" + d.One("group", "Technicians").String()}, {"keys", "/keys"}, {"key-new", "/keys/new"}, {"account", "/account"},
		{"account-password", "/account/password"}, {"settings", "/settings"}, {"imports", "/imports"}, {"import-check", up.To()},
	}
	b := browser.Open(t, d.URL)
	signInBy(b, access.Administrator)
	for _, p := range pages {
		b.Everywhere(p.name, p.path)
	}
}

// TestStatements keeps the pages from asking row by row.
func TestStatementsOfTheDesk(t *testing.T) {
	d := openDesk(t, 0)
	c := d.As(access.Administrator)
	for _, path := range []string{"/passwords/" + d.pass.String(), "/documents/" + d.doc.String(), "/audit", "/users/" + d.UserID(access.Editor).String(), "/settings", "/keys",
		"/organizations/" + d.org.String() + "/passwords/folders", "/related/" + d.pass.String(), "/access/" + d.pass.String()} {
		c.Get(path).Want(http.StatusOK)
		if n := d.Statements(func() { c.Get(path) }); n > 38 { // a password asks what seeing it takes, how old it may become, whether it is shared and where it is changed, one statement each
			t.Errorf("%s runs %d statements", path, n)
		} else {
			t.Logf("%s runs %d statements", strings.SplitN(path, "?", 2)[0], n)
		}
	}
}
