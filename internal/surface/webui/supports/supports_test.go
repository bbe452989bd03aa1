package supports_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/support"
	"strongroom/internal/surface/webui/webuitest"
)

type desk struct {
	*webuitest.House
	t *testing.T
}

// ask asks as the operator does, at the console.
func (d *desk) ask(hours int, s support.Scope) (at, code string) {
	d.t.Helper()
	c := d.Admin()
	c.Via = "console"
	var n id.ID
	err := d.Gate.Change(d.t.Context(), c, access.Administer, gate.Thing{}, func(tx *gate.Tx) (err error) {
		n, code, err = support.Ask(tx, "Sam of the operator", "search is slow", hours, s)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return support.Page + "/" + n.String(), code
}

// enter gives a browser of the operator's that tried a code, and what came of it.
func (d *desk) enter(code string) (*webuitest.Client, *webuitest.Page) {
	d.t.Helper()
	c := d.Client()
	return c, c.Post("/support", url.Values{"code": {code}})
}

// TestSupport: before it is approved, beyond its scope, after its end and forged, a code
// opens nothing; under it each request is in the audit log with its number.
func TestSupport(t *testing.T) {
	d := &desk{webuitest.Open(t, webuitest.Options{}), t}
	admin, manager := d.As(access.Administrator), d.As(access.Manager)
	org, other := d.Org("Cascade Dental"), d.Org("Hidden Harbour")
	doc := d.Make("document", org, record.Values{"name": "Floor plan"})
	hidden := d.Make("document", other, record.Values{"name": "Berth plan"})
	closed := d.Make("document", org, record.Values{"name": "Payroll"})
	secret := d.Make("password", org, record.Values{"name": "Router", "password": "kelp-lantern-9"})
	d.Change(func(tx *gate.Tx) error { return d.Records.SetAccess(tx, "document", closed, true, nil, nil) })
	path := func(kind string, n id.ID) string { return "/" + kind + "/" + n.String() }

	at, code := d.ask(4, support.Scope{Orgs: []id.ID{org}})
	t.Run("asking opens nothing", func(t *testing.T) {
		c, p := d.enter(code)
		p.Want(http.StatusUnauthorized)
		c.Get("/").Want(http.StatusSeeOther)
		if s := admin.Get("/notifications").Text("main"); !strings.Contains(s, "Sam of the operator of the operator asks") && !strings.Contains(s, "asks for support access") {
			t.Errorf("the administrator is told %s", s)
		}
		manager.Get(at).Want(http.StatusForbidden)
		manager.Post(at+"/approve", url.Values{"hours": {"1"}, "organizations": {org.String()}}).Want(http.StatusForbidden)
	})
	t.Run("an administrator approves it or less, in person", func(t *testing.T) {
		for _, f := range []url.Values{{"hours": {"5"}, "organizations": {org.String()}}, {"hours": {"0"}, "organizations": {org.String()}}, {"hours": {"1"}}, {"hours": {"1"}, "organizations": {org.String() + "," + other.String()}},
			{"hours": {"1"}, "reveal": {"1"}, "organizations": {org.String()}}, {"hours": {"1"}, "inspect": {"1"}, "organizations": {org.String()}}} {
			admin.Post(at+"/approve", f).Want(http.StatusUnprocessableEntity)
		}
		c, p := d.enter(code)
		p.Want(http.StatusUnauthorized)
		c.Get("/").Want(http.StatusSeeOther)
		err := d.Gate.Change(t.Context(), access.System(d.Admin().Tenant, "console"), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
			n, _ := id.Parse(strings.TrimPrefix(at, support.Page+"/"))
			return support.Approve(tx, n, 1, support.Scope{Orgs: []id.ID{org}})
		})
		if err == nil {
			t.Error("the console approved what it asked for")
		}
		admin.Post(at+"/approve", url.Values{"hours": {"2"}, "organizations": {org.String()}}).Want(http.StatusSeeOther)
		admin.Post(at+"/approve", url.Values{"hours": {"2"}, "organizations": {org.String()}}).Want(http.StatusConflict)
	})
	staff, in := d.enter(code)
	in.Want(http.StatusSeeOther)
	t.Run("what is open looks within its scope and does nothing", func(t *testing.T) {
		if s := staff.Get(path("documents", doc)).Want(http.StatusOK).Text("body"); !strings.Contains(s, "Floor plan") || !strings.Contains(s, "by support access") {
			t.Errorf("the page says %s", s)
		}
		for _, p := range []string{path("documents", hidden), path("documents", closed), path("organizations", other)} {
			staff.Get(p).Want(http.StatusNotFound)
		}
		if s := staff.Get("/documents").Text("main"); strings.Contains(s, "Berth") || strings.Contains(s, "Payroll") {
			t.Errorf("the list says %s", s)
		}
		for _, p := range []string{"/audit", "/settings/support", at, "/documents/export", "/settings/second-factor"} {
			if got := staff.Get(p); got.Status != http.StatusForbidden && got.Status != http.StatusNotFound {
				t.Errorf("%s answers %d", p, got.Status)
			}
		}
		for p, f := range map[string]url.Values{path("documents", doc): {"name": {"Mine"}, "version": {"1"}}, path("passwords", secret) + "/reveal": {"reason": {"x"}}, at + "/approve": {"hours": {"2"}}, path("documents", doc) + "/star": {"on": {"1"}},
			path("documents", doc) + "/delete": {}, "/account/password": {"old_password": {"x"}, "password": {"correct horse battery"}}, "/documents": {"name": {"New"}, "organization_id": {org.String()}}} {
			if got := staff.Post(p, f); got.Status < 400 {
				t.Errorf("POST %s answers %d", p, got.Status)
			}
		}
	})
	t.Run("the tenant sees each request, with the number, and that it is open", func(t *testing.T) {
		p := admin.Get(at).Want(http.StatusOK)
		if s := p.Text("main"); !strings.Contains(s, "GET "+path("documents", doc)) || !strings.Contains(s, "was refused: reveal Router") {
			t.Errorf("the page says %s", s)
		}
		if s := p.Text("body"); !strings.Contains(s, "Support access is open: Sam of the operator") {
			t.Errorf("the line above pages is not there: %s", s)
		}
		if admin.Get(at+"?live=1").Header.Get("Refresh") == "" {
			t.Error("it is not followed live")
		}
		var n int
		d.View(d.Admin(), func(tx *gate.Tx) error {
			return tx.QueryRow(`select count(*) from audit_entry where via = ? and session <> ?`, support.Via, strings.TrimPrefix(at, support.Page+"/")).Scan(&n)
		})
		if n != 0 {
			t.Errorf("%d entries of support lack its number", n)
		}
	})
	t.Run("forged, altered and foreign codes open nothing", func(t *testing.T) {
		last := code[:len(code)-2] + map[bool]string{true: "B", false: "A"}[code[len(code)-2] == 'A'] + code[len(code)-1:]
		for _, x := range []string{"", "demo.sru_", last, strings.Replace(code, "demo.", "other.", 1), strings.Replace(code, ".sru_", ".srs_", 1), code + "A", strings.ToUpper(code)} {
			c, p := d.enter(x)
			p.Want(http.StatusUnauthorized)
			c.Get("/").Want(http.StatusSeeOther)
		}
	})
	b := browser.Open(t, d.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Everywhere("support", at)
	t.Run("it ends at once, and by itself, and what goes on ends too", func(t *testing.T) {
		door := support.Door{Gate: d.Gate}
		held, err := door.Caller(context.Background(), code, "GET /", d.Admin().Addr, "")
		if err != nil {
			t.Fatal(err)
		}
		admin.Post(at+"/end", nil).Want(http.StatusSeeOther)
		admin.Post(at+"/end", nil).Want(http.StatusSeeOther)
		staff.Get(path("documents", doc)).Want(http.StatusSeeOther)
		if err := d.Gate.Change(t.Context(), held, access.Reveal, gate.Thing{Kind: "password", ID: secret}, func(*gate.Tx) error { return nil }); err == nil {
			t.Error("a request that was going on does more")
		}
		if s := admin.Get("/").Text("body"); strings.Contains(s, "Support access is open") {
			t.Error("the line says that it is open")
		}
		next, code := d.ask(3, support.Scope{Reveal: true})
		admin.Post(next+"/approve", url.Values{"hours": {"3"}, "reveal": {"1"}}).Want(http.StatusSeeOther)
		staff, in := d.enter(code)
		in.Want(http.StatusSeeOther)
		var got struct{ Secret string }
		if staff.PostJSON(path("passwords", secret)+"/reveal", url.Values{}, &got); got.Secret != "kelp-lantern-9" {
			t.Errorf("approved to show secrets, it shows %q", got.Secret)
		}
		staff.Get(path("documents", closed)).Want(http.StatusNotFound)
		d.Clock.Advance(3*time.Hour + time.Second)
		staff.Get(path("documents", doc)).Want(http.StatusSeeOther)
		_, p := d.enter(code)
		p.Want(http.StatusUnauthorized)
	})
	t.Run("what nobody decides lapses, what is refused stays so", func(t *testing.T) {
		admin := d.As(access.Administrator)
		at, code := d.ask(1, support.Scope{})
		admin.Post(at+"/refuse", nil).Want(http.StatusSeeOther)
		admin.Post(at+"/approve", url.Values{"hours": {"1"}}).Want(http.StatusConflict)
		_, p := d.enter(code)
		p.Want(http.StatusUnauthorized)
		late, _ := d.ask(1, support.Scope{})
		d.Clock.Advance(support.Wait)
		d.As(access.Administrator).Post(late+"/approve", url.Values{"hours": {"1"}}).Want(http.StatusConflict)
	})
}
