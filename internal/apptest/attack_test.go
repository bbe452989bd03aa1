package apptest_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"strongroom/internal/apptest"
	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
)

// TestAttacks tries what intruders try, on two tenants and everything that
// answers.
func TestAttacks(t *testing.T) {
	h := apptest.Open(t, apptest.Options{Bare: true})
	ours, theirs := h.Tenants[0], h.Tenants[1]
	admin := ours.People[access.Administrator]
	do := func(c *http.Client, method, path string, body any, header ...string) *apptest.Answer {
		t.Helper()
		head := http.Header{}
		for i := 0; i+1 < len(header); i += 2 {
			head.Add(header[i], header[i+1])
		}
		a, err := h.Do(c, method, path, body, head)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	t.Run("another site", func(t *testing.T) {
		form := url.Values{"name": {"forged"}, "organization_id": {ours.Open.String()}}
		for _, site := range [][]string{
			{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site", "Origin", "http://evil.localhost"},
			{"Origin", h.URL + ".evil.example"}, {"Origin", "http://evil.example", "X-Forwarded-Host", "evil.example"},
		} {
			for _, path := range []string{"/locations", "/sign-out", "/users", "/account/password", "/first-run", "/sign-in"} {
				if a := do(admin.Browser(), "POST", path, form, site...); a.Status != http.StatusForbidden {
					t.Errorf("POST %s with %v: %d", path, site, a.Status)
				}
			}
		}
		if bytes.Contains(do(admin.Browser(), "GET", "/locations", nil).Body, []byte("forged")) {
			t.Error("something was made")
		}
	})
	t.Run("another site, at every address that changes something", func(t *testing.T) {
		param := regexp.MustCompile(`\{[^}]*\}`)
		asked := 0
		for _, route := range h.App.Web.Routes() {
			method, path, _ := strings.Cut(route, " ")
			if method == http.MethodGet || strings.HasPrefix(path, "/ways/{tenant}/{way}/") { // to the latter other sites send the browser, each with its own proof
				continue
			}
			asked++
			if a := do(admin.Browser(), method, param.ReplaceAllString(path, "1"), url.Values{"name": {"forged"}}, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"); a.Status != http.StatusForbidden {
				t.Errorf("%s answers %d", route, a.Status)
			}
		}
		if asked < 100 {
			t.Errorf("only %d addresses change something", asked)
		}
	})
	t.Run("the tenant by a header", func(t *testing.T) {
		for _, header := range []string{"X-Forwarded-Host", "Forwarded", "X-Tenant", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Server"} {
			for _, value := range []string{theirs.Name + ".localhost", "host=" + theirs.Name + ".localhost", "/organizations/" + theirs.Open.String()} {
				a := do(h.Programs(), "GET", "/api/v1/organizations", nil, "X-Api-Key", admin.Key, header, value)
				if a.Status != 200 || bytes.Contains(a.Body, []byte(theirs.Name)) || !bytes.Contains(a.Body, []byte(ours.Name)) {
					t.Errorf("%s: %s: %d %.300s", header, value, a.Status, a.Body)
				}
			}
		}
		both := do(h.Programs(), "GET", "/api/v1/organizations", nil, "X-Api-Key", admin.Key, "X-Api-Key", theirs.People[access.Administrator].Key, "Authorization", "Bearer "+theirs.People[access.Administrator].Key)
		if bytes.Contains(both.Body, []byte(theirs.Name)) {
			t.Errorf("two keys: %d %.300s", both.Status, both.Body)
		}
	})
	t.Run("a key elsewhere than in its header", func(t *testing.T) {
		for _, query := range []string{"x-api-key=", "api_key=", "X-Api-Key=", "token=", "access_token=", "key=", "refresh_token="} {
			if a := do(h.Programs(), "GET", "/api/v1/organizations?"+query+admin.Key, nil); a.Status != http.StatusUnauthorized {
				t.Errorf("?%s: %d", query, a.Status)
			}
		}
		if a := do(h.Programs(), "GET", "/api/v1/organizations", nil, "Cookie", "x-api-key="+admin.Key+"; session="+admin.Key); a.Status != http.StatusUnauthorized {
			t.Errorf("a cookie: %d", a.Status)
		}
		if a := do(admin.Browser(), "GET", "/api/v1/organizations", nil); a.Status != http.StatusUnauthorized {
			t.Errorf("a browser's session at the API, which other sites may post to: %d", a.Status)
		}
	})
	t.Run("a session that is known beforehand", func(t *testing.T) {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		at, err := url.Parse(h.URL)
		if err != nil {
			t.Fatal(err)
		}
		given := ours.Name + ".srs_" + strings.Repeat("0", 43)
		for _, name := range []string{"session", "__Host-session"} {
			jar.SetCookies(at, []*http.Cookie{{Name: name, Value: given, Path: "/"}})
		}
		c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		a := do(c, "POST", "/sign-in", url.Values{"tenant": {ours.Name}, "email": {admin.Email}, "password": {admin.Password}, "to": {"//evil.example"}})
		if a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/" {
			t.Errorf("signing in leads to %d %s", a.Status, a.Header.Get("Location"))
		}
		if set := strings.Join(a.Header.Values("Set-Cookie"), "\n"); strings.Contains(set, given) || !strings.Contains(set, "HttpOnly") || !strings.Contains(set, "SameSite=Lax") {
			t.Errorf("the cookies are %s", set)
		}
		if a := do(h.Programs(), "GET", "/organizations", nil, "Cookie", "session="+given); a.Status != http.StatusSeeOther {
			t.Errorf("the given session opens: %d", a.Status)
		}
	})
	t.Run("files", func(t *testing.T) { attackFiles(t, h, admin, ours.Open) })
}

// attackFiles attaches what would run if a browser took it for a page.
func attackFiles(t *testing.T, h *apptest.House, p *apptest.Person, org id.ID) {
	const script = `<script>alert(1)</script>`
	contents := map[string]string{
		"svg":   `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">` + script + `</svg>`,
		"html":  `<!doctype html><html>` + script,
		"xhtml": `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">` + script + `</html>`,
		"gif":   "GIF89a" + script,
	}
	names := []string{`../../../etc/passwd`, `..\..\boot.ini`, "a\r\nSet-Cookie: x=1", `"><img src=x onerror=alert(1)>.html`, "\u202egnp.exe", "C:\\x.svg", ".htaccess", "nul\x00.html", strings.Repeat("ä", 300) + ".svg"}
	at := "/organizations/" + org.String() + "/relationships/attachments"
	for kind, content := range contents {
		for _, name := range names {
			a := h.API(p.Key, "POST", at, map[string]any{"data": map[string]any{"type": "attachments", "attributes": map[string]any{
				"attachment": map[string]any{"content": base64.StdEncoding.EncodeToString([]byte(content)), "file_name": name}}}})
			if a.Status != http.StatusCreated {
				t.Errorf("%s %q: %d %s", kind, name, a.Status, a.Body)
				continue
			}
			v, err := a.JSON()
			if err != nil {
				t.Fatal(err)
			}
			file, _ := v["data"].(map[string]any)["id"].(string)
			given := v["data"].(map[string]any)["attributes"].(map[string]any)["attachment-file-name"].(string)
			if strings.ContainsAny(given, "/\\<>\"\r\n\x00\u202e") || strings.HasPrefix(given, ".") || given == "" || len(given) > 255 {
				t.Errorf("%q is kept as %q", name, given)
			}
			for _, path := range []string{"/files/" + file + "/content", "/files/" + file + "/content?inline=1"} {
				harmless(t, fmt.Sprintf("%s %q at %s", kind, name, path), kind == "gif" && strings.Contains(path, "inline"), p.Page("GET", path, nil))
			}
			harmless(t, kind+" by the API", false, h.API(p.Key, "GET", "/attachments/"+file+"/download", nil))
		}
	}
	for _, page := range []string{"/organizations/" + org.String(), "/organizations/" + org.String() + "?tab=files"} {
		if a := p.Page("GET", page, nil); bytes.Contains(a.Body, []byte("<img src=x")) || bytes.Contains(a.Body, []byte(script)) {
			t.Errorf("%s holds what was attached", page)
		}
	}
}

// harmless sees that an answer is kept and not shown, or, for a picture, that
// nothing in it runs.
func harmless(t *testing.T, what string, picture bool, a *apptest.Answer) {
	t.Helper()
	head := a.Header
	if a.Status != http.StatusOK || head.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(head.Get("Content-Security-Policy"), "sandbox") ||
		!strings.Contains(head.Get("Content-Security-Policy"), "default-src 'none'") || len(head.Values("Set-Cookie")) > 0 && strings.Contains(head.Get("Set-Cookie"), "x=1") {
		t.Errorf("%s: %d %v", what, a.Status, head)
	}
	switch disposition, typ := head.Get("Content-Disposition"), head.Get("Content-Type"); {
	case picture && !strings.HasPrefix(typ, "image/gif"):
		t.Errorf("%s is a %s", what, typ)
	case !picture && !strings.HasPrefix(disposition, "attachment"):
		t.Errorf("%s: %q, %s", what, disposition, typ)
	}
}
