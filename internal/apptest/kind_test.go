package apptest_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"

	"strongroom/internal/apptest"
)

// TestAddAKind follows doc/chores/add-a-kind.md in a copy of the tree and then
// finds everything that the page promises, on both databases.
func TestAddAKind(t *testing.T) {
	program := rehearse(t)
	for name, postgres := range map[string]func(testing.TB) string{"sqlite": func(testing.TB) string { return "" }, "postgres": apptest.OnPostgres} {
		t.Run(name, func(t *testing.T) {
			place := apptest.NewPlace(t, program)
			place.Postgres = postgres(t)
			c := &circuits{t: t, place: place}
			place.Do(&c.who, "tenant", "create", "acme", "-json")
			c.server = place.Serve()
			c.api()
			c.pages()
			c.permissions()
			c.log()
			c.server.Stop()
			c.export()
		})
	}
}

// rehearse does what the page says and gives the program that comes of it.
func rehearse(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, part := range []string{"cmd", "internal"} {
		if err := os.CopyFS(filepath.Join(dir, part), os.DirFS(filepath.Join("../..", part))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		copyFile(t, filepath.Join("../..", name), filepath.Join(dir, name))
	}
	page, err := os.ReadFile("../../doc/chores/add-a-kind.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)in `([^`]+\\.go)`[^`]*```go\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) != 2 {
		t.Fatalf("the page has %d blocks of Go that say in which file they go, want 2", len(blocks))
	}
	kind := filepath.Join(dir, string(blocks[0][1]))
	if err := os.Mkdir(filepath.Dir(kind), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kind, blocks[0][2], 0o600); err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, string(blocks[1][1]))
	addLine(t, list, string(blocks[1][2]), "strongroom/"+filepath.Dir(string(blocks[0][1])))
	program := filepath.Join(dir, "strongroom")
	build := exec.Command("go", "build", "-o", program, "./cmd/strongroom")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("what the page says does not build: %v\n%s", err, out)
	}
	return program
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// addLine adds a line at the end of the list of features, and its import.
func addLine(t *testing.T, path, line, imports string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, end := string(b), "\n\t}\n}"
	if strings.Count(s, end) != 1 || !strings.Contains(s, "import (\n") {
		t.Fatalf("%s is no list to which a line can be added", path)
	}
	s = strings.Replace(s, end, "\n"+strings.TrimRight(line, "\n")+end, 1)
	s = strings.Replace(s, "import (\n", "import (\n\t\""+imports+"\"\n", 1)
	if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
		t.Fatal(err)
	}
}

// circuits tries the new kind through HTTP.
type circuits struct {
	t      *testing.T
	place  *apptest.Place
	server *apptest.Process
	who    created
	org    string
	id     string
}

func (c *circuits) ask(status int, method, path string, body any) *apptest.Answer {
	c.t.Helper()
	a, err := c.server.API(c.who.APIKey, method, path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	if a.Status != status {
		c.t.Errorf("%s %s answers %d, want %d: %s", method, path, a.Status, status, a.Body)
	}
	return a
}

func (c *circuits) has(a *apptest.Answer, what string, words ...string) {
	c.t.Helper()
	for _, w := range words {
		if !bytes.Contains(a.Body, []byte(w)) {
			c.t.Errorf("%s does not hold %q: %.300s", what, w, a.Body)
		}
	}
}

// api tries list, get, create, change and delete of the JSON:API.
func (c *circuits) api() {
	c.org = idOf(c.t, c.ask(http.StatusCreated, "POST", "/organizations", object("organizations", map[string]any{"name": "Harbor Logistics"})))
	c.ask(http.StatusOK, "GET", "/circuits", nil)
	soon := time.Now().AddDate(0, 0, 20).Format(time.DateOnly)
	one := map[string]any{"organization-id": c.org, "name": "Uplink Rotterdam", "provider": "Zeewind Telecom", "access": "Fibre", "contract-ends": soon, "notes": "<p>Enters by the <b>cellar</b></p>"}
	a := c.ask(http.StatusCreated, "POST", "/circuits", object("circuits", one))
	c.id = idOf(c.t, a)
	c.has(a, "the created circuit", `"type":"circuits"`, `"name":"Uplink Rotterdam"`, `"provider":"Zeewind Telecom"`, `"contract-ends":"`+soon+`"`, "cellar")
	c.has(c.ask(http.StatusOK, "GET", "/circuits/"+c.id, nil), "the circuit", `"access":"Fibre"`)
	c.has(c.ask(http.StatusOK, "GET", "/circuits?filter[provider]=zeewind%20telecom&sort=-name", nil), "the filtered list", `"id":"`+c.id+`"`)
	if a := c.ask(http.StatusOK, "GET", "/circuits?filter[provider]=nobody", nil); bytes.Contains(a.Body, []byte("Uplink")) {
		c.t.Errorf("the filter finds what it should not: %s", a.Body)
	}
	c.has(c.ask(http.StatusOK, "GET", "/organizations/"+c.org+"/relationships/circuits", nil), "the organization's list", `"id":"`+c.id+`"`)
	c.has(c.ask(http.StatusUnprocessableEntity, "POST", "/circuits", object("circuits", map[string]any{"organization-id": c.org, "name": ""})), "the refusal", "/data/attributes/name")
	c.has(c.ask(http.StatusUnprocessableEntity, "PATCH", "/circuits/"+c.id, object("circuits", map[string]any{"access": "Smoke"})), "the refusal", "/data/attributes/access")
	c.has(c.ask(http.StatusOK, "PATCH", "/circuits/"+c.id, object("circuits", map[string]any{"access": "Radio"})), "the changed circuit", `"access":"Radio"`, "Zeewind")
	gone := idOf(c.t, c.ask(http.StatusCreated, "POST", "/organizations/"+c.org+"/relationships/circuits", object("circuits", map[string]any{"name": "Short-lived"})))
	c.ask(http.StatusOK, "DELETE", "/circuits/"+gone, nil)
	c.ask(http.StatusNotFound, "GET", "/circuits/"+gone, nil)
}

// page asks for a page and parses it.
func (c *circuits) page(b *http.Client, status int, path string, form url.Values) (*apptest.Answer, *html.Node) {
	c.t.Helper()
	method, body := "GET", io.Reader(nil)
	if form != nil {
		method, body = "POST", strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.server.URL+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := b.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if resp.StatusCode != status {
		c.t.Errorf("%s %s answers %d, want %d: %.300s", method, path, resp.StatusCode, status, all)
	}
	n, err := html.Parse(bytes.NewReader(all))
	if err != nil {
		c.t.Fatal(err)
	}
	return &apptest.Answer{Status: resp.StatusCode, Header: resp.Header, Body: all}, n
}

func (c *circuits) signIn(email, password string) *http.Client {
	c.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	b := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	c.page(b, http.StatusSeeOther, "/sign-in", url.Values{"tenant": {"acme"}, "email": {email}, "password": {password}})
	return b
}

// pages tries table, list, form, detail, search and export of the web interface.
func (c *circuits) pages() {
	b := c.signIn(c.who.Email, c.who.Password)
	_, form := c.page(b, http.StatusOK, "/circuits/new?organization_id="+c.org, nil)
	for _, field := range []string{`[name="name"]`, `[name="provider"]`, `select[name="access"] option[value="Fibre"]`, `[name="contract_ends"]`, `[name="notes"]`} {
		if cascadia.Query(form, cascadia.MustCompile(`form[action="/circuits"] `+field)) == nil {
			c.t.Errorf("the form has no %s", field)
		}
	}
	a, _ := c.page(b, http.StatusSeeOther, "/circuits", url.Values{"organization_id": {c.org}, "name": {"Backup line Delft"}, "provider": {"Kabelweg"}, "access": {"Copper"}, "contract_ends": {"2026-12-01"}, "notes": {"<p>Slow</p>"}})
	to := a.Header.Get("Location")
	if !regexp.MustCompile(`^/circuits/[0-9]+$`).MatchString(to) {
		c.t.Fatalf("a created circuit leads to %q", to)
	}
	a, _ = c.page(b, http.StatusOK, to, nil)
	c.has(a, "the circuit's page", "Backup line Delft", "Kabelweg", "Copper", "Slow")
	for _, path := range []string{"/circuits", "/organizations/" + c.org + "/circuits", "/search?q=kabelw", "/circuits/export"} {
		a, _ = c.page(b, http.StatusOK, path, nil)
		c.has(a, path, "Backup line Delft")
	}
	a, _ = c.page(b, http.StatusOK, "/expirations", nil)
	c.has(a, "the expirations board", "Uplink Rotterdam")
	a, _ = c.page(b, http.StatusOK, "/circuits/"+c.id+"/history", nil)
	c.has(a, "the history", "Fibre", "Radio")
	a, _ = c.page(b, http.StatusOK, "/", nil)
	c.has(a, "the navigation", `href="/circuits"`)
	a, _ = c.page(b, http.StatusUnprocessableEntity, "/circuits", url.Values{"organization_id": {c.org}, "name": {""}})
	c.has(a, "the refused form", "Name")
	c.page(b, http.StatusSeeOther, to+"/delete", url.Values{})
	c.page(b, http.StatusNotFound, to, nil)
}

// permissions tries a reader who may not see the organization, and then may see
// it and still change nothing.
func (c *circuits) permissions() {
	var given struct{ Email, Password string }
	c.place.Do(&given, "user", "create", "reader@acme.example", "-role", "Read-only", "-tenant", "acme", "-json")
	user := find1(c.t, c.ask(http.StatusOK, "GET", "/users?filter[email]=reader@acme.example", nil))
	b := c.signIn(given.Email, given.Password)
	c.page(b, http.StatusNotFound, "/circuits/"+c.id, nil)
	c.page(b, http.StatusForbidden, "/circuits/export", nil)
	for _, path := range []string{"/circuits", "/search?q=uplink", "/expirations"} {
		if a, _ := c.page(b, http.StatusOK, path, nil); bytes.Contains(a.Body, []byte("Rotterdam")) {
			c.t.Errorf("%s shows the circuit of an organization that the reader may not see", path)
		}
	}
	c.ask(http.StatusCreated, "POST", "/groups", object("groups", map[string]any{"name": "Readers", "accounts-user-ids": []string{user}, "organization-ids": []string{c.org}}))
	a, _ := c.page(b, http.StatusOK, "/circuits/"+c.id, nil)
	c.has(a, "the reader's page", "Uplink Rotterdam")
	c.page(b, http.StatusForbidden, "/circuits/"+c.id, url.Values{"name": {"Hers"}})
	c.page(b, http.StatusForbidden, "/circuits/"+c.id+"/delete", url.Values{})
	c.has(c.ask(http.StatusOK, "GET", "/circuits/"+c.id, nil), "the circuit", "Uplink Rotterdam")
}

// log looks for what was done in the audit log.
func (c *circuits) log() {
	a := c.ask(http.StatusOK, "GET", "/logs?page[size]=200", nil)
	for _, action := range []string{"create", "edit", "delete"} {
		if !regexp.MustCompile(`"action":"` + action + `"[^{}]*"resource-type":"circuit"`).Match(a.Body) {
			c.t.Errorf("the log has no %s of a circuit: %.300s", action, a.Body)
		}
	}
	if _, errs, code := c.place.Run("audit", "verify", "-tenant", "acme"); code != 0 {
		c.t.Errorf("the log does not verify: %s", errs)
	}
}

// export looks for the circuit in an export.
func (c *circuits) export() {
	path := filepath.Join(c.t.TempDir(), "acme.zip")
	c.place.Do(nil, "tenant", "export", "acme", "-o", path, "-json")
	z, err := zip.OpenReader(path)
	if err != nil {
		c.t.Fatal(err)
	}
	defer z.Close()
	var names []string
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			c.t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			c.t.Fatal(err)
		}
		if bytes.Contains(b, []byte("Uplink Rotterdam")) && bytes.Contains(b, []byte("Zeewind Telecom")) {
			return
		}
		names = append(names, fmt.Sprintf("%s (%d bytes)", f.Name, len(b)))
	}
	c.t.Errorf("the export does not hold the circuit, but %s", strings.Join(names, ", "))
}

// find1 gives the id of the only record of a list.
func find1(t *testing.T, a *apptest.Answer) string {
	t.Helper()
	m := regexp.MustCompile(`"data":\[\{"id":"([0-9]+)"`).FindSubmatch(a.Body)
	if m == nil {
		t.Fatalf("nothing is in the list: %s", a.Body)
	}
	return string(m[1])
}
