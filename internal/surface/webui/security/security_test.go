package security_test

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// phone is somebody's authenticator app.
type phone struct {
	h     *webuitest.House
	seed  string
	codes []string // the recovery codes that came with it
}

// code is what it shows after a time.
func (p *phone) code(t testing.TB, after time.Duration) string {
	t.Helper()
	code, _, err := secret.Code(p.seed, p.h.Clock.Now().Add(after))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// enrol sets up an app for who is signed in.
func enrol(t testing.TB, h *webuitest.House, c *webuitest.Client) *phone {
	t.Helper()
	page := c.Get("/me/security/app").Want(http.StatusOK)
	p := &phone{h: h, seed: strings.ReplaceAll(page.Text("dl.cred output"), " ", "")}
	form := page.Form("form.genform")
	form.Set("code", p.code(t, 0))
	form.Set("name", "Telephone")
	done := c.Post("/me/security/app", form).Want(http.StatusOK)
	p.codes = done.Texts(".codes li")
	if len(p.codes) != 10 || done.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("recovery codes: %q, kept by %q", p.codes, done.Header.Get("Cache-Control"))
	}
	return p
}

// first gives a browser in which only the password was given.
func first(h *webuitest.House, r access.Role) *webuitest.Client {
	c := h.Client()
	a := c.Post("/sign-in", url.Values{"tenant": {coretest.Name}, "email": {webuitest.Email(r)}, "password": {webuitest.Password}}).Want(http.StatusSeeOther)
	if !strings.HasPrefix(a.To(), "/sign-in/second") {
		panic("led to " + a.To())
	}
	return c
}

// TestCodes: who has an app is asked for its code at the next sign-in; a code of the
// step before and after is taken, none twice, none older; with the half of a session
// nothing else is answered.
func TestCodes(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	ada := h.As(access.Editor)
	cookie := func(c *webuitest.Client, name string) string {
		for _, k := range c.Cookies() {
			if k.Name == name {
				return k.Value
			}
		}
		return ""
	}
	before := cookie(ada, "session")
	app := enrol(t, h, ada)
	if after := cookie(ada, "session"); after == before || after == "" {
		t.Error("the session goes on under its old name")
	}
	c := first(h, access.Editor)
	half := cookie(c, "second")
	if half == "" || cookie(c, "session") != "" {
		t.Fatal("there is no half of a session, or a whole one")
	}
	if to := c.Get("/").Want(http.StatusSeeOther).To(); !strings.HasPrefix(to, "/sign-in") {
		t.Errorf("half a session opens the dashboard: %s", to)
	}
	send := func(c *webuitest.Client, code string) *webuitest.Page {
		return c.Post("/sign-in/second", url.Values{"code": {code}, "to": {"/passwords"}})
	}
	send(c, app.code(t, 0)).Want(http.StatusUnprocessableEntity) // it was used to set the app up
	send(c, app.code(t, -30*time.Second)).Want(http.StatusUnprocessableEntity)
	send(c, app.code(t, 60*time.Second)).Want(http.StatusUnprocessableEntity)
	if p := send(c, "").Want(http.StatusUnprocessableEntity); !p.Has("#e-code") {
		t.Error("an empty code is not told at its field")
	}
	if to := send(c, app.code(t, 30*time.Second)).Want(http.StatusSeeOther).To(); to != "/passwords" {
		t.Errorf("led to %s", to)
	}
	if cookie(c, "second") != "" || cookie(c, "session") == "" {
		t.Error("the half of a session is left, or there is no whole one")
	}
	c.Get("/account").Want(http.StatusOK)

	again := first(h, access.Editor)
	send(again, app.code(t, 30*time.Second)).Want(http.StatusUnprocessableEntity)
	h.Clock.Advance(90 * time.Second)
	again.HTTP.Jar.SetCookies(mustURL(t, h.URL), []*http.Cookie{{Name: "second", Value: half, Path: "/"}})
	if to := send(again, app.code(t, 0)).Want(http.StatusSeeOther).To(); to != "/sign-in" {
		t.Errorf("a half that was completed opens %s", to)
	}
	late := first(h, access.Editor)
	h.Clock.Advance(11 * time.Minute)
	if to := send(late, app.code(t, 0)).Want(http.StatusSeeOther).To(); to != "/sign-in" {
		t.Errorf("a half that is over opens %s", to)
	}
}

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestGuessing: codes cannot be tried out.
func TestGuessing(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	enrol(t, h, h.As(access.Editor))
	c := first(h, access.Editor)
	var last *webuitest.Page
	for range 6 {
		last = c.Post("/sign-in/second", url.Values{"code": {"000000"}})
	}
	last.Want(http.StatusTooManyRequests)
	if last.Header.Get("Retry-After") == "" {
		t.Error("it does not say when to try again")
	}
	first(h, access.Editor).Post("/sign-in/second", url.Values{"code": {"000000"}}).Want(http.StatusTooManyRequests)
	if trail := h.As(access.Administrator).Get("/audit").Want(http.StatusOK).Text("main"); !strings.Contains(trail, "second factor") {
		t.Errorf("the trail says %q", trail)
	}
}

// TestRecoveryCodes: each lets in once, also when two try at the same moment; new ones
// end the old ones.
func TestRecoveryCodes(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	ada := h.As(access.Editor)
	app := enrol(t, h, ada)
	var in sync.WaitGroup
	got := make([]int, 3)
	for i := range got {
		c := first(h, access.Editor)
		in.Go(func() { got[i] = c.Post("/sign-in/second", url.Values{"code": {strings.ToUpper(app.codes[0])}}).Status })
	}
	in.Wait()
	entered := 0
	for _, s := range got {
		if s == http.StatusSeeOther {
			entered++
		}
	}
	if entered != 1 {
		t.Errorf("one code let in %d: %v", entered, got)
	}
	h.Clock.Advance(10 * time.Minute)
	once := app.code(t, 0)
	for i := range got {
		c := first(h, access.Editor)
		in.Go(func() { got[i] = c.Post("/sign-in/second", url.Values{"code": {once}}).Status })
	}
	in.Wait()
	if entered = 0; got[0] == http.StatusSeeOther {
		entered++
	}
	for _, s := range got[1:] {
		if s == http.StatusSeeOther {
			entered++
		}
	}
	if entered != 1 {
		t.Errorf("one code of the app let in %d at the same moment: %v", entered, got)
	}
	if text := ada.Get("/me/security").Want(http.StatusOK).Text("main"); !strings.Contains(text, "9 of 10") {
		t.Errorf("the page says %q", text)
	}
	fresh := ada.Post("/me/security/codes", nil).Want(http.StatusOK).Texts(".codes li")
	if len(fresh) != 10 {
		t.Fatalf("new codes: %q", fresh)
	}
	c := first(h, access.Editor)
	c.Post("/sign-in/second", url.Values{"code": {app.codes[1]}}).Want(http.StatusUnprocessableEntity)
	c.Post("/sign-in/second", url.Values{"code": {fresh[0]}}).Want(http.StatusSeeOther)
}

// TestOwnFactors: they are changed only soon after giving one.
func TestOwnFactors(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	ada := h.As(access.Editor)
	ada.Post("/me/security/codes", nil).Want(http.StatusConflict)
	app := enrol(t, h, ada)
	h.Clock.Advance(16 * time.Minute)
	page := ada.Get("/me/security").Want(http.StatusOK)
	remove := page.Attr(`form[action$="/remove"]`, "action")
	if remove == "" {
		t.Fatalf("no way to remove it: %s", page.Text("main"))
	}
	refused := ada.Do(http.MethodPost, remove, nil, http.Header{"Referer": {h.URL + "/me/security"}}).Want(http.StatusForbidden)
	way := "/me/security/confirm?to=" + url.QueryEscape("/me/security")
	if !refused.Has(`a[href="` + way + `"]`) {
		t.Errorf("it leads nowhere: %s", refused.Text("main"))
	}
	ada.Post("/me/security/codes", nil).Want(http.StatusForbidden)
	form := ada.Get(way).Want(http.StatusOK).Form("form.genform")
	form.Set("code", "123456")
	ada.Post("/me/security/confirm", form).Want(http.StatusUnprocessableEntity)
	form.Set("code", app.code(t, 0))
	if to := ada.Post("/me/security/confirm", form).Want(http.StatusSeeOther).To(); to != "/me/security" {
		t.Errorf("led to %s", to)
	}
	h.As(access.Manager).Post(remove, nil).Want(http.StatusNotFound)
	ada.Post(remove, nil).Want(http.StatusSeeOther)
	h.As(access.Editor).Get("/").Want(http.StatusOK)
}

// TestPolicy: what is demanded is asked for when it is done, for the time that was
// chosen, and who demands it meets it.
func TestPolicy(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	pw := h.Make("password", h.Org("Harbour Dental"), record.Values{"name": "Router", "password": "kelp-99"})
	admin, editor := h.As(access.Administrator), h.As(access.Editor)
	at := "/settings/second-factor"
	editor.Get(at).Want(http.StatusForbidden)
	form := admin.Get(at).Want(http.StatusOK).Form("form.genform")
	form["who"], form["reveal"], form["admin"] = []string{"everybody"}, []string{"0", "1"}, []string{"0", "1"}
	form["reveal_minutes"], form["admin_minutes"] = []string{"0"}, []string{"10"}
	if p := admin.Post(at, form).Want(http.StatusForbidden); !p.Has(`a[href^="/me/security?"]`) {
		t.Errorf("who demands one and has none is told %q", p.Text("main"))
	}
	app := enrol(t, h, admin)
	form["admin_minutes"] = []string{"2000"}
	if p := admin.Post(at, form).Want(http.StatusUnprocessableEntity); !p.Has("#e-admin_minutes") {
		t.Error("what is out of bounds is not told at its field")
	}
	form["admin_minutes"] = []string{"10"}
	admin.Post(at, form).Want(http.StatusSeeOther)

	reveal := "/passwords/" + pw.String() + "/reveal"
	admin.Post(reveal, nil).Want(http.StatusOK)
	var said struct {
		Location string `json:"location"`
	}
	if editor.PostJSON(reveal, nil, &said).Want(http.StatusForbidden); !strings.HasPrefix(said.Location, "/me/security") {
		t.Errorf("script is led to %q", said.Location)
	}
	if !editor.Get("/").Want(http.StatusOK).Has(`.notice a[href="/me/security"]`) {
		t.Error("who must have one is not told")
	}
	enrol(t, h, editor)
	editor.Post(reveal, nil).Want(http.StatusOK)

	h.Clock.Advance(11 * time.Minute)
	admin.Post(reveal, nil).Want(http.StatusOK) // once in a session is enough
	for path, form := range map[string]url.Values{
		"/users":           {"email": {"new@demo.example"}, "role_name": {"Editor"}},
		"/keys":            {"name": {"Key"}, "owner": {h.UserID(access.Editor).String()}},
		"/settings/tenant": {"title": {"Other"}},
		"/users/" + h.UserID(access.Editor).String() + "/sessions/end": nil,
	} {
		if p := admin.Post(path, form); p.Status != http.StatusForbidden || !p.Has(`a[href^="/me/security/confirm?"]`) {
			t.Errorf("%s answers %d: %s", path, p.Status, p.Text("main"))
		}
	}
	admin.Post("/me/security/confirm", url.Values{"code": {app.code(t, 0)}, "to": {"/settings/tenant"}}).Want(http.StatusSeeOther)
	admin.Post("/settings/tenant", url.Values{"title": {"Other"}}).Want(http.StatusSeeOther)
	if trail := admin.Get("/audit").Want(http.StatusOK).Text("main"); !strings.Contains(trail, "changed who needs a second factor") || !strings.Contains(trail, "set up a second factor") {
		t.Errorf("the trail says %q", trail)
	}
}

// TestGroupsOfPolicy: a policy for a group is for its members.
func TestGroupsOfPolicy(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	admin := h.As(access.Administrator)
	enrol(t, h, admin)
	group := h.One("group", "Technicians")
	post := func(g id.ID) *webuitest.Page {
		return admin.Post("/settings/second-factor", url.Values{"who": {"groups"}, "groups": {"", g.String()}, "reveal": {"0"}, "reveal_minutes": {"0"}, "admin": {"0"}, "admin_minutes": {"0"}})
	}
	post(0).Want(http.StatusUnprocessableEntity)
	post(4711).Want(http.StatusUnprocessableEntity)
	post(group).Want(http.StatusSeeOther)
	for r, want := range map[access.Role]bool{access.Editor: true, access.ReadOnly: false} {
		if got := h.As(r).Get("/account").Want(http.StatusOK).Has(`.notice a[href="/me/security"]`); got != want {
			t.Errorf("%s is told %v", r, got)
		}
	}
}

// TestNotices: people are told of what changes about their sign-in.
func TestNotices(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	ada := h.As(access.Editor)
	enrol(t, h, ada)
	if text := ada.Get("/notifications").Want(http.StatusOK).Text("main"); !strings.Contains(text, "A second factor was added for you: Telephone") {
		t.Errorf("the notices say %q", text)
	}
}

// TestPages: they are usable everywhere, and the drawn code is what the key is.
func TestPages(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Everywhere("second-factors", "/me/security")
	b.Everywhere("second-factor-app", "/me/security/app")
	b.Everywhere("second-factor-confirm", "/me/security/confirm")
	b.Everywhere("second-factor-policy", "/settings/second-factor")
	b.Everywhere("second-factor-resets", "/settings/second-factor/resets")
	b.Everywhere("second-factor-of-user", "/users/"+h.UserID(access.Editor).String()+"/factors")
	if d := browser.Eval[string](b, `fetch("/me/security/app").then((r) => r.text()).then((t) => (t.match(/<path d="([^"]*)" fill="#000"/) || [])[1] || "")`); !regexp.MustCompile(`^(M\d+ \d+h\d+v1h-\d+z)+$`).MatchString(d) {
		t.Errorf("the path is %.100q", d)
	}
}

// TestReset: one administrator asks, another one approves; neither alone, nor who is
// concerned.
func TestReset(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	h.NewUser("second@demo.example", "Sela Admin", access.Administrator)
	ada, sela, editor := h.As(access.Administrator), h.SignIn("second@demo.example"), h.As(access.Editor)
	enrol(t, h, editor)
	at := "/users/" + h.UserID(access.Editor).String()
	editor.Get(at + "/factors").Want(http.StatusForbidden)
	if !ada.Get(at).Want(http.StatusOK).Has(`a[href="` + at + `/factors"]`) {
		t.Error("no way leads there")
	}
	ada.Post(at+"/factors/reset", url.Values{"reason": {" "}}).Want(http.StatusUnprocessableEntity)
	ada.Post("/users/"+h.UserID(access.Manager).String()+"/factors/reset", url.Values{"reason": {"lost"}}).Want(http.StatusConflict)
	ada.Post(at+"/factors/reset", url.Values{"reason": {"She called from her desk"}}).Want(http.StatusSeeOther)
	list := "/settings/second-factor/resets"
	page := ada.Get(list).Want(http.StatusOK)
	if page.Has(`.keylist form[action$="/approve"]`) || !strings.Contains(page.Text("main"), "She called from her desk") {
		t.Errorf("the page says %q", page.Text("main"))
	}
	approve := sela.Get(list).Want(http.StatusOK).Attr(`form[action$="/approve"]`, "action")
	ada.Post(approve, nil).Want(http.StatusForbidden)
	h.As(access.Manager).Post(approve, nil).Want(http.StatusForbidden)
	sela.Post(approve, nil).Want(http.StatusSeeOther)
	sela.Post(approve, nil).Want(http.StatusNotFound)
	editor.Get("/account").Want(http.StatusSeeOther)
	now := h.As(access.Editor) // the password alone is enough again
	if text := now.Get("/notifications").Want(http.StatusOK).Text("main"); !strings.Contains(text, "Your second factors were reset") {
		t.Errorf("she is told %q", text)
	}
	app := enrol(t, h, now)
	first(h, access.Editor).Post("/sign-in/second", url.Values{"code": {app.codes[3]}}).Want(http.StatusSeeOther)
	ada.Post(at+"/factors/reset", url.Values{"reason": {"lost again"}}).Want(http.StatusSeeOther)
	refuse := strings.Replace(sela.Get(list).Attr(`form[action$="/approve"]`, "action"), "/approve", "/refuse", 1)
	sela.Post(refuse, nil).Want(http.StatusSeeOther)
	if text := sela.Get(list).Want(http.StatusOK).Text("main"); !strings.Contains(text, "Nobody asks for a reset") {
		t.Errorf("it still waits: %s", text)
	}
	if trail := ada.Get("/audit").Want(http.StatusOK).Text("main"); !strings.Contains(trail, "had second factors reset") || !strings.Contains(trail, "refused to have second factors reset") {
		t.Errorf("the trail says %q", trail)
	}
}

// TestNewDevice: a sign-in on a device that was not used before is told, one on a
// known device and the very first are not.
func TestNewDevice(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	told := func(c *webuitest.Client) int {
		return strings.Count(c.Get("/notifications").Want(http.StatusOK).Text("main"), "signed in for you on a new device")
	}
	c := h.As(access.Editor)
	if n := told(c); n != 0 {
		t.Errorf("the first sign-in is told %d times", n)
	}
	c.Post("/sign-out", nil).Want(http.StatusSeeOther)
	c.Post("/sign-in", url.Values{"tenant": {coretest.Name}, "email": {webuitest.Email(access.Editor)}, "password": {webuitest.Password}}).Want(http.StatusSeeOther)
	if n := told(c); n != 0 {
		t.Errorf("one on a known device is told %d times", n)
	}
	h.As(access.Editor)
	if n := told(c); n != 1 {
		t.Errorf("one on a new device is told %d times", n)
	}
}
