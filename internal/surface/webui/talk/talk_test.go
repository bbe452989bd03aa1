package talk_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// say comments on a record through the form of its page.
func say(t *testing.T, c *webuitest.Client, page, text string) *webuitest.Page {
	t.Helper()
	p := c.Get(page).Want(http.StatusOK)
	form := p.Form("form.say")
	form.Set("text", text)
	return c.Post(p.Attr("form.say", "action"), form)
}

// TestCommentsInPages goes the whole way without script, on the page of every
// sort that has one of its own.
func TestCommentsInPages(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	editor := h.As(access.Editor)
	for kind, plural := range map[string]string{"document": "documents", "domain": "domains", "password": "passwords", "checklist": "checklists", "contact": "contacts"} {
		v := record.Values{"name": "One", "first_name": "Jo"}
		if kind == "contact" {
			delete(v, "name")
		} else {
			delete(v, "first_name")
		}
		at := "/" + plural + "/" + h.Make(kind, org, v).String()
		p := say(t, editor, at, "First *thing* about it, @Max Okafor").Want(http.StatusSeeOther)
		if !strings.HasPrefix(p.To(), at+"#comment-") {
			t.Errorf("%s: it leads to %s", kind, p.To())
		}
		if p := editor.Get(at).Want(http.StatusOK); p.Text(".said .prose em") != "thing" || p.Text(".said .prose strong") != "@Max Okafor" || p.Attr("#talk-watch", "aria-pressed") != "true" {
			t.Errorf("%s: the page shows %q", kind, p.Text("#talk"))
		}
	}
	say(t, editor, "/organizations/"+org.String(), "About all of them").Want(http.StatusSeeOther)
	if p := h.As(access.Manager).Get("/notifications").Want(http.StatusOK); p.Count("#notices li") != 5 {
		t.Errorf("the manager reads %q", p.Text("#notices"))
	}
}

// TestCommentsAreFound by who sees the record, on the page of the search.
func TestCommentsAreFound(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	at := "/documents/" + h.Make("document", org, record.Values{"name": "Server room"}).String()
	editor := h.As(access.Editor)
	say(t, editor, at, "The *humidifier* drips 100% on_the floor").Want(http.StatusSeeOther)
	for q, found := range map[string]bool{"HUMIDIFIER floor": true, "100%": true, "on_the": true, "floo%": true, "f%r": false, "f_oor": false, "humidifier ceiling": false} {
		p := editor.Get("/search?q=" + url.QueryEscape(q)).Want(http.StatusOK)
		if got := strings.Contains(p.Text("main"), "drips"); got != found {
			t.Errorf("%q is found: %v", q, got)
		}
	}
	secret := h.Make("document", org, record.Values{"name": "Board room", "restricted": true})
	say(t, h.As(access.Administrator), "/documents/"+secret.String(), "The humidifier of the board").Want(http.StatusSeeOther)
	if p := editor.Get("/search?q=humidifier").Want(http.StatusOK); strings.Contains(p.Body, "of the board") || strings.Contains(p.Body, "Board room") {
		t.Error("a comment on what is hidden is found")
	}
}

func TestEditingAndWatching(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	doc := h.Make("document", org, record.Values{"name": "Runbook"})
	at := "/documents/" + doc.String()
	editor, manager, admin := h.As(access.Editor), h.As(access.Manager), h.As(access.Administrator)
	say(t, editor, at, "Frist").Want(http.StatusSeeOther)
	p := editor.Get(at).Want(http.StatusOK)
	edit, remove := p.Attr(".said header a", "href"), p.Attr(".said header form", "action")
	form := editor.Get(edit).Want(http.StatusOK).Form("form.genform")
	if form.Get("text") != "Frist" {
		t.Fatalf("the form has %q", form.Get("text"))
	}
	one := strings.TrimSuffix(edit, "/edit")
	form.Set("text", " ")
	if p := editor.Post(one, form).Want(http.StatusUnprocessableEntity); !strings.Contains(p.Text(".errors"), "Write something") {
		t.Errorf("an empty text gives %q", p.Text(".errors"))
	}
	form.Set("text", "First")
	editor.Post(one, form).Want(http.StatusSeeOther)
	if p := manager.Get(one + "/history").Want(http.StatusOK); strings.Join(p.Texts(".said .prose"), " ") != "First Frist" {
		t.Errorf("it said %q", p.Texts(".said .prose"))
	}
	manager.Get(edit).Want(http.StatusForbidden)
	manager.Post(one, form).Want(http.StatusForbidden)
	manager.Post(remove, nil).Want(http.StatusForbidden)
	if p := manager.Get(at).Want(http.StatusOK); p.Has(".said header form") || p.Has(".said a.btn") {
		t.Error("another's comment has buttons")
	}
	manager.Post("/comments/"+doc.String()+"/watch", url.Values{"on": {"1"}}).Want(http.StatusSeeOther)
	say(t, editor, at, "Second").Want(http.StatusSeeOther)
	if p := manager.Get("/notifications").Want(http.StatusOK); !strings.Contains(p.Text("#notices"), "commented on") {
		t.Errorf("who watches reads %q", p.Text("#notices"))
	}
	if p := admin.Get("/activity/" + doc.String()).Want(http.StatusOK); !strings.Contains(p.Text("tbody"), "commented on it") || !strings.Contains(p.Text("tbody"), "changed a comment") {
		t.Errorf("the audit trail says %q", p.Text("tbody"))
	}
	admin.Post(remove, nil).Want(http.StatusSeeOther)
	if p := editor.Get(at).Want(http.StatusOK); p.Count(".said li") != 1 {
		t.Errorf("after its removal there is %q", p.Text(".said"))
	}
}

// TestWhoIsNotTold: the author learns that somebody may not see the record, and
// nobody else learns anything.
func TestWhoIsNotTold(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org, other := h.Org("Northbeam"), h.Org("Kestrel")
	h.See(h.UserID(access.Lite), other)
	doc := h.Make("document", org, record.Values{"name": "Runbook"})
	at := "/documents/" + doc.String()
	editor, lite := h.As(access.Editor), h.As(access.Lite)
	say(t, editor, at, "Ask @Lia Doyle and @Max").Want(http.StatusSeeOther)
	if p := editor.Get(at).Want(http.StatusOK); !strings.Contains(p.Text("#toasts"), "Not told, because they may not see this: Lia Doyle.") {
		t.Errorf("the author is told %q", p.Text("#toasts"))
	}
	if p := lite.Get("/notifications").Want(http.StatusOK); p.Has("#notices li") {
		t.Errorf("who may not see it reads %q", p.Text("#notices"))
	}
	for _, path := range []string{"", "/watch", "/1", "/1/remove"} {
		lite.Post("/comments/"+doc.String()+path, url.Values{"text": {"x"}, "on": {"1"}}).Want(http.StatusNotFound)
	}
	lite.Get("/comments/" + doc.String()).Want(http.StatusNotFound)
	h.NewUser("max.two@demo.example", "Max Twofold", access.Editor)
	p := say(t, editor, at, "Hello @Max").Want(http.StatusUnprocessableEntity)
	if !strings.Contains(p.Text("#say-error"), "Max Okafor or Max Twofold") || p.Text("#say-text") != "Hello @Max" {
		t.Errorf("an unclear name gives %q", p.Text("#talk"))
	}
	reader := h.As(access.ReadOnly)
	h.See(h.UserID(access.ReadOnly), org)
	if p := reader.Get(at).Want(http.StatusOK); p.Has("form.say") || !strings.Contains(p.Text(".said"), "Ask") {
		t.Errorf("a reader sees %q", p.Text("#talk"))
	}
	reader.Post("/comments/"+doc.String(), url.Values{"text": {"x"}}).Want(http.StatusForbidden)
}

func TestEarlierComments(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	doc := h.Make("document", h.Org("Northbeam"), record.Values{"name": "Runbook"})
	at := "/documents/" + doc.String()
	c := h.As(access.Editor)
	for i := range 12 {
		say(t, c, at, "No. "+id.ID(i+1).String()+".").Want(http.StatusSeeOther)
	}
	p := c.Get(at).Want(http.StatusOK)
	if got := p.Texts(".said .prose"); len(got) != 10 || got[0] != "No. 3." {
		t.Errorf("the page shows %q", got)
	}
	if got := c.Get(p.Attr("#talk .more", "href")).Want(http.StatusOK).Texts(".said .prose"); strings.Join(got, " ") != "No. 1. No. 2." {
		t.Errorf("earlier there is %q", got)
	}
}

// TestCommentsByHand mentions somebody with the keyboard, and looks at the pages.
func TestCommentsByHand(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	doc := h.Make("document", org, record.Values{"name": "Runbook"})
	at := "/documents/" + doc.String()
	say(t, h.As(access.Manager), at, "The second step is out of date since the new switches.\n\n- [ ] check the VLANs\n- [x] check the names\n\n`show vlan brief` says more, @Edith Moreau.").Want(http.StatusSeeOther)
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Editor))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Visit(at)
	b.Press("c")
	b.Wait(`document.activeElement.id == "say-text"`)
	b.Press("Thanks @ma")
	b.Wait(`document.querySelector("sr-mention [role=option][aria-selected=true]")?.textContent == "Max Okafor"`)
	b.Axe("suggestions")
	b.Shot("comment-suggestions")
	b.Press(kb.Enter)
	b.Wait(`document.querySelector("#say-text").value == "Thanks @Max Okafor " && document.querySelector("sr-mention .reflist").hidden`)
	b.Press("- done.")
	b.Press(kb.Enter, chromedp.ModifierCtrl)
	b.Wait(`document.querySelectorAll(".said>li").length == 2 && document.querySelector(".said>li:last-child strong")?.textContent == "@Max Okafor"`)
	for _, p := range []struct{ name, path string }{{"comments-record", at}, {"comments", "/comments/" + doc.String()}, {"comments-org", "/organizations/" + org.String()}} {
		b.Everywhere(p.name, p.path)
	}
}

// TestACommentCostsLittle: the card adds two statements to a page, however many
// comments there are.
func TestACommentCostsLittle(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	doc := h.Make("document", h.Org("Northbeam"), record.Values{"name": "Runbook"})
	at := "/documents/" + doc.String()
	c := h.As(access.Editor)
	c.Get(at)
	without := h.Statements(func() { c.Get(at) })
	for range 8 {
		say(t, c, at, "Again, @Max").Want(http.StatusSeeOther)
	}
	c.Get(at)
	if with := h.Statements(func() { c.Get(at) }); with != without {
		t.Errorf("with comments the page runs %d statements, and without %d", with, without)
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		var n int
		err := tx.QueryRow(`select count(*) from record_comment`).Scan(&n)
		if n != 8 {
			t.Errorf("there are %d comments", n)
		}
		return err
	})
}
