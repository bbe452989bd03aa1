package home_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

func titles(p *webuitest.Page) string { return strings.Join(p.Texts("[role=option] b"), "; ") }

func TestPaletteOffersWhatOneMayDo(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org, other := h.Org("Northbeam"), h.Org("Kestrel")
	h.See(h.UserID(access.ReadOnly), org)
	pass := h.Make("password", org, record.Values{"name": "Door"})
	hidden := h.Make("password", other, record.Values{"name": "Vault"})
	editor, reader := h.As(access.Editor), h.As(access.ReadOnly)
	at := "/actions/" + pass.String()
	if got := titles(editor.Swap(at, "palette-results").Want(http.StatusOK)); got != "Open; Copy the password; Reveal the password; Edit; Add to the favourites; Show on the map; Comment; Move to another organization; Flags and alerts; History" {
		t.Errorf("an editor may %s", got)
	}
	if got := titles(reader.Swap(at, "palette-results").Want(http.StatusOK)); strings.Contains(got, "Edit") || strings.Contains(got, "Move") || !strings.Contains(got, "Copy the password") {
		t.Errorf("a reader may %s", got)
	}
	reader.Get("/actions/" + hidden.String()).Want(http.StatusNotFound)
	if p := editor.Get(at).Want(http.StatusOK); !p.Has(`form[action="/passwords/` + pass.String() + `/star"]`) {
		t.Error("without script there is no star")
	}
	if got := titles(editor.Swap("/search?q=new+doc&at=/organizations/"+org.String(), "palette-results").Want(http.StatusOK)); got != "New document in Northbeam; New document" {
		t.Errorf("within an organization there is %s", got)
	}
	if got := titles(reader.Swap("/search?q=new+doc&at=/organizations/"+org.String(), "palette-results").Want(http.StatusOK)); got != "" {
		t.Errorf("a reader is offered %s", got)
	}
	if got := titles(reader.Swap("/search?q=&at=/passwords/"+hidden.String(), "palette-results").Want(http.StatusOK)); strings.Contains(got, "Copy") {
		t.Errorf("on what is hidden there is %s", got)
	}
	p := editor.Swap("/search?q=org:+kes&at=/passwords/"+pass.String(), "palette-results").Want(http.StatusOK)
	if titles(p) == "" || p.Attr("[role=option]", "href") != "/organizations/"+other.String()+"/passwords" {
		t.Errorf("switching leads to %q", p.Attr("[role=option]", "href"))
	}
	editor.Get("/keyboard").Want(http.StatusOK)
}

// TestPaletteByHand does everything with the keyboard alone.
func TestPaletteByHand(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	h.Org("Kestrel")
	pass := h.Make("password", org, record.Values{"name": "Door of the server room", "password": "vT9-kelp-orbit"})
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Editor))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Visit("/organizations/" + org.String())
	open := func(words, first string) {
		t.Helper()
		b.Press("k", chromedp.ModifierCtrl)
		b.Wait(`document.querySelector("#palette").open`)
		b.Press(words)
		b.Wait(`document.querySelector("#palette [aria-selected=true] b")?.textContent.startsWith("` + first + `")`)
	}
	open("door", "Door")
	b.Shot("palette-hit")
	b.Press(kb.Tab)
	b.Wait(`document.querySelector("#palette [aria-selected=true] b")?.textContent == "Open" && document.querySelector("#palette .g").textContent == "Door of the server room"`)
	b.Axe("actions of a hit")
	b.Shot("palette-actions")
	b.Press(kb.Escape)
	b.Wait(`document.querySelector("#palette").open && document.querySelector("#palette [aria-selected=true] b")?.textContent.startsWith("Door")`)
	b.Press(kb.Tab)
	b.Wait(`document.querySelector("#palette [aria-selected=true] b")?.textContent == "Open"`)
	b.Press(kb.ArrowDown)
	b.Press(kb.Enter)
	b.Wait(`document.querySelector(".toast")`)
	revealed := 0
	h.View(h.Admin(), func(tx *gate.Tx) error {
		return tx.QueryRow(`select count(*) from audit_entry where object = ? and action = 'reveal.granted'`, int64(pass)).Scan(&revealed)
	})
	if revealed != 1 {
		t.Errorf("copying left %d entries of a reveal", revealed)
	}
	open("theme", "Light or dark")
	b.Press(kb.Enter)
	b.Wait(`!document.querySelector("#palette").open && document.documentElement.dataset.theme == "dark"`)
	open("switch organization", "Switch organization")
	b.Press(kb.Enter)
	b.Wait(`document.querySelector("#palette input").value == "org: " && document.querySelectorAll("#palette [role=option]").length >= 2`)
	b.Press("kes")
	b.Wait(`document.querySelector("#palette [aria-selected=true] b")?.textContent == "Kestrel"`)
	b.Press(kb.Enter)
	b.Wait(`document.querySelector("h1")?.textContent.includes("Kestrel") && document.documentElement.dataset.ready`)
	b.Press("?")
	b.Wait(`document.querySelector("#help").open`)
	b.Axe("help")
	b.Shot("help")
	b.Press(kb.Escape)
	for _, p := range []string{"/keyboard", "/actions/" + pass.String()} {
		b.Visit(p)
		b.Axe(p)
		b.NoSideScroll(p)
	}
	b.FullShot("actions-page")
	b.Visit("/keyboard")
	b.FullShot("keyboard")
	b.Phone()
	b.Visit("/keyboard")
	b.NoSideScroll("keyboard on a phone")
	b.Desktop()
	open("sign out", "Sign out")
	b.Press(kb.Enter)
	b.Wait(`location.pathname == "/sign-in"`)
}

// TestFirstSteps: who sees no organization is told whom to ask, and not to make one that she
// would not see; who may not make something is not given its form.
func TestFirstSteps(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	h.Org("Not hers")
	h.NewUser("new@example.com", "New Editor", access.Editor)
	c := h.SignIn("new@example.com")
	if s := c.Get("/").Want(http.StatusOK).Text("main"); strings.Contains(s, "Start with your first") || !strings.Contains(s, "Ask an administrator") {
		t.Errorf("an editor who sees nothing is told %s", s)
	}
	for role, may := range map[access.Role]int{access.Administrator: http.StatusOK, access.ReadOnly: http.StatusForbidden, access.Lite: http.StatusForbidden} {
		h.As(role).Get("/organizations/new").Want(may)
	}
	h.As(access.Lite).Get("/contacts/new").Want(http.StatusOK)
	h.As(access.Editor).Get("/webhooks/new").Want(http.StatusForbidden)
}
