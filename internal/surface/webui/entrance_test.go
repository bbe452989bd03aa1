package webui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

func TestSignInAndOut(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	c := h.Client()
	away := c.Get("/contacts?q=x").Want(http.StatusSeeOther)
	if away.To() != "/sign-in?to=%2Fcontacts%3Fq%3Dx" {
		t.Fatalf("sent to %s", away.To())
	}
	page := c.Get(away.To()).Want(http.StatusOK)
	if page.Attr("#f-password", "type") != "password" || page.Attr("#f-password", "autocomplete") != "current-password" || page.Has("#f-password[readonly]") || page.Has("#f-password[onpaste]") {
		t.Error("the password is shown, or a password manager cannot fill it in")
	}
	form := page.Form("form.entrance")
	form.Set("tenant", coretest.Name)
	form.Set("email", webuitest.Email(access.Editor))
	form.Set("password", "wrong")
	refused := c.Post("/sign-in", form).Want(http.StatusUnauthorized)
	if got := refused.Form("form.entrance"); got.Get("email") != webuitest.Email(access.Editor) || got.Get("password") != "" || got.Get("to") != "/contacts?q=x" {
		t.Errorf("the form holds %v", got)
	}
	form.Set("password", webuitest.Password)
	if to := c.Post("/sign-in", form).Want(http.StatusSeeOther).To(); to != "/contacts?q=x" {
		t.Errorf("led to %s", to)
	}
	for _, k := range c.Cookies() {
		if k.Name == "session" && !strings.HasPrefix(k.Value, coretest.Name+".") {
			t.Error("the session does not name its tenant")
		}
	}
	for _, path := range []string{"/", "/contacts", "/account"} {
		if !c.Get(path).Want(http.StatusOK).Has(`form[action="/sign-out"]`) {
			t.Errorf("one cannot sign out at %s", path)
		}
	}
	if to := c.Get("/sign-in").Want(http.StatusSeeOther).To(); to != "/" {
		t.Errorf("who is signed in is led to %s", to)
	}
	if out := c.Post("/sign-out", nil).Want(http.StatusSeeOther); out.Header.Get("Clear-Site-Data") == "" {
		t.Error("what the browser has cached stays")
	}
	again := c.Get("/sign-in").Want(http.StatusOK)
	if again.Form("form.entrance").Get("tenant") != coretest.Name || !strings.Contains(again.Text("#toasts"), "signed out") {
		t.Error("the company is forgotten, or nothing is said")
	}
	c.Get("/").Want(http.StatusSeeOther)
}

func TestSignInLeadsNowhereElse(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	for _, to := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "javascript:alert(1)"} {
		c := h.Client()
		got := c.Post("/sign-in", url.Values{"tenant": {coretest.Name}, "email": {webuitest.Email(access.Lite)}, "password": {webuitest.Password}, "to": {to}}).Want(http.StatusSeeOther).To()
		if got != "/" {
			t.Errorf("%s leads to %s", to, got)
		}
	}
}

func TestOneTimePasswordIsChangedFirst(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	issued, err := h.Directory.Reset(t.Context(), h.Admin(), h.UserID(access.Creator))
	if err != nil {
		t.Fatal(err)
	}
	c := h.Client()
	p := c.Post("/sign-in", url.Values{"tenant": {coretest.Name}, "email": {issued.Email}, "password": {issued.Password}}).Want(http.StatusSeeOther)
	if p.To() != "/account/password" {
		t.Errorf("led to %s", p.To())
	}
	if home := c.Get("/").Want(http.StatusOK); home.Attr(`.notice a`, "href") != "/account/password" {
		t.Error("no page says that the password must be changed")
	}
}

func TestHostNamesTheTenant(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	c := h.Client()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+"/sign-in", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "demo.localhost"
	resp, err := c.HTTP.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	p := c.Read(resp, "/sign-in")
	if p.Has(`form.entrance [name="tenant"]`) || !p.Has(`[name="email"]`) {
		t.Error("the tenant is asked for though the host names it")
	}
}

func TestFirstRun(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Empty: true})
	c := h.Client()
	if to := c.Get("/").Want(http.StatusSeeOther).To(); to != "/first-run" {
		t.Fatalf("an empty server leads to %s", to)
	}
	form := c.Get("/first-run").Want(http.StatusOK).Form("form.entrance")
	form.Set("code", "guess")
	form.Set("title", "Northbeam IT")
	form.Set("name", "northbeam")
	form.Set("person", "Ines Okafor")
	form.Set("email", "ines@northbeam.example")
	form.Set("password", webuitest.Password)
	refused := c.Post("/first-run", form).Want(http.StatusUnprocessableEntity)
	if refused.Text("#e-code") == "" || refused.Form("form.entrance").Get("title") != "Northbeam IT" {
		t.Error("a wrong code is not named, or what was typed is lost")
	}
	form.Set("code", h.FirstRun.Code())
	form.Set("name", "Not A Name")
	if p := c.Post("/first-run", form).Want(http.StatusUnprocessableEntity); p.Text("#e-name") == "" {
		t.Error("a bad short name is not named")
	}
	form.Set("name", "northbeam")
	if to := c.Post("/first-run", form).Want(http.StatusSeeOther).To(); to != "/imports" {
		t.Errorf("led to %s", to)
	}
	if p := c.Get("/").Want(http.StatusOK); !strings.Contains(p.Text(".brand"), "Northbeam IT") || !p.Has(".none a.primary") {
		t.Error("the new tenant's dashboard does not say where to start")
	}
	if to := h.Client().Get("/first-run").Want(http.StatusSeeOther).To(); to != "/sign-in" {
		t.Errorf("the page is still there: %s", to)
	}
}

func TestIncomingAddresses(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	pw := h.Make("password", org, record.Values{"name": "Router"})
	doc := h.Make("document", org, record.Values{"name": "Runbook"})
	c := h.As(access.Manager)
	for from, to := range map[string]string{
		"/" + org.String():                                 "/organizations/" + org.String(),
		"/" + org.String() + "/passwords":                  "/organizations/" + org.String() + "/passwords",
		"/" + org.String() + "/docs":                       "/organizations/" + org.String() + "/documents",
		"/" + org.String() + "/passwords/" + pw.String():   "/passwords/" + pw.String(),
		"/" + org.String() + "/docs/" + doc.String():       "/documents/" + doc.String(),
		"/" + org.String() + "/docs/" + doc.String() + "/": "/documents/" + doc.String(),
	} {
		if got := c.Get(from).Want(http.StatusSeeOther).To(); got != to {
			t.Errorf("%s leads to %s, want %s", from, got, to)
		}
	}
	c.Get("/" + org.String() + "/passwords/999999").Want(http.StatusNotFound)
}

func TestPaletteFinds(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Sample: 120})
	c := h.As(access.Administrator)
	p := c.Swap("/search?q=harbour", "palette-results").Want(http.StatusOK)
	if p.Has("html aside") || p.Text(".g") != "Organizations" || !strings.HasPrefix(p.Attr("#opt-0", "href"), "/organizations/") {
		t.Errorf("the palette begins %q", p.Text("body"))
	}
	p = c.Swap("/search?q=new+con", "palette-results")
	if !strings.Contains(p.Text("body"), "New contact") || !strings.Contains(p.Text("body"), "New configuration") {
		t.Errorf("actions are not found: %q", p.Text("body"))
	}
	if p = c.Swap("/search?q=audit", "palette-results"); p.Attr(`a[href="/audit"]`, "role") != "option" {
		t.Error("pages are not found")
	}
	if p = c.Swap("/search?q=zzzz", "palette-results"); !p.Has("p.empty") {
		t.Error("nothing is said when nothing matches")
	}
}
