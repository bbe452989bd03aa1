package notices_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/notification"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// tell sends a mention of a record to somebody.
func tell(t *testing.T, h *webuitest.House, to, rec id.ID, key string) {
	t.Helper()
	c := h.Admin()
	c.User = h.UserID(access.Administrator)
	err := h.Gate.Change(t.Context(), c, access.View, gate.Thing{}, func(tx *gate.Tx) error {
		_, err := notification.Send(tx, notification.Notice{Topic: "mention", To: []id.ID{to}, Record: rec, Place: "here",
			Text: []notification.Part{notification.Words("mentioned you on"), notification.Of(rec)}, Key: key})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestNoticesInPages goes the whole way without script.
func TestNoticesInPages(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	doc, shut := h.Make("document", org, record.Values{"name": "Runbook"}), h.Make("document", org, record.Values{"name": "Shut away"})
	editor := h.UserID(access.Editor)
	c := h.As(access.Editor)
	if p := c.Get("/notifications").Want(http.StatusOK); !strings.Contains(p.Text("#notices"), "Nothing yet") || p.Has(".bell i") {
		t.Errorf("without any it says %q", p.Text("#notices"))
	}
	tell(t, h, editor, doc, "1")
	tell(t, h, editor, shut, "2")
	if p := c.Get("/").Want(http.StatusOK); p.Text(".bell i") != "2" || p.Attr(".bell", "aria-label") != "2 unread notifications" {
		t.Errorf("the bell says %q", p.Text(".bell i"))
	}
	h.Change(func(tx *gate.Tx) error { return h.Records.SetAccess(tx, "document", shut, true, nil, nil) })
	p := c.Get("/notifications").Want(http.StatusOK)
	if p.Text(".bell i") != "1" || p.Count("#notices li") != 1 || p.Text("#notices li a") == "" || strings.Contains(string(p.Body), "Shut away") {
		t.Fatalf("the list is %q", p.Text("#notices"))
	}
	at := p.Attr("#notices li a", "href")
	if to := c.Get(at).Want(http.StatusSeeOther).To(); to != "/documents/"+doc.String()+"#here" {
		t.Errorf("it leads to %s", to)
	}
	if p := c.Get("/notifications?show=unread").Want(http.StatusOK); !strings.Contains(p.Text("#notices"), "Nothing is unread") || p.Has(".bell i") {
		t.Errorf("after it was opened it says %q", p.Text("#notices"))
	}
	c.Post(at, url.Values{"read": {"0"}}).Want(http.StatusSeeOther)
	if p := c.Get("/notifications?show=unread").Want(http.StatusOK); p.Count("#notices li.unread") != 1 {
		t.Error("it is not unread again")
	}
	if p := c.Get("/notifications?topic=assignment").Want(http.StatusOK); p.Count("#notices li") != 0 {
		t.Error("the topic narrows nothing")
	}
	c.Post("/notifications/read", url.Values{"until": {"x"}}).Want(http.StatusSeeOther)
	if p := c.Get("/").Want(http.StatusOK); p.Has(".bell i") {
		t.Error("something is unread after everything was marked")
	}
	h.As(access.Manager).Get(at).Want(http.StatusNotFound)
	h.As(access.Manager).Post(at, url.Values{"read": {"1"}}).Want(http.StatusNotFound)
}

// TestWhoIsGivenATaskIsTold, and not by herself.
func TestWhoIsGivenATaskIsTold(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	manager, editor := h.As(access.Manager), h.As(access.Editor)
	for _, to := range []access.Role{access.Editor, access.Manager} {
		manager.Post("/checklists", url.Values{"organization_id": {org.String()}, "name": {"Move of " + string(to)}, "assignee_id": {h.UserID(to).String()}}).Want(http.StatusSeeOther)
	}
	p := editor.Get("/notifications").Want(http.StatusOK)
	if got := strings.Join(strings.Fields(p.Text("#notices li a")), " "); got != "Unread: Max Okafor gave you the checklist Move of Editor" {
		t.Errorf("the editor reads %q", got)
	}
	if p := manager.Get("/notifications").Want(http.StatusOK); p.Has("#notices li") {
		t.Errorf("the manager reads %q of her own deed", p.Text("#notices"))
	}
}

func TestChoosingWhatOneIsTold(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	doc := h.Make("document", h.Org("Northbeam"), record.Values{"name": "Runbook"})
	c := h.As(access.Editor)
	form := c.Get("/notifications/settings").Want(http.StatusOK).Form("form.card")
	if form.Get("mention.app") != "1" || form.Has("mention.mail") {
		t.Fatalf("the form is %v", form)
	}
	form.Del("mention.app")
	form.Set("from", "22:00")
	if p := c.Post("/notifications/settings", form).Want(http.StatusUnprocessableEntity); !p.Has("#e-until") || p.Attr(`[name="from"]`, "value") != "22:00" {
		t.Errorf("quiet hours without an end: %s", p.Text("main"))
	}
	form.Set("until", "07:00")
	c.Post("/notifications/settings", form).Want(http.StatusSeeOther)
	if got := c.Get("/notifications/settings").Want(http.StatusOK).Attr(`[name="until"]`, "value"); got != "07:00" {
		t.Errorf("quiet hours end %q", got)
	}
	form.Set("every", "daily")
	if p := c.Post("/notifications/settings", form).Want(http.StatusUnprocessableEntity); !p.Has("#e-at") || p.Count(`[name="every"] option[value="daily"][selected]`) != 1 {
		t.Errorf("once a day, at no time: %s", p.Text("main"))
	}
	form.Set("at", "08:00")
	form.Set("zone", "Europe/Berlin")
	c.Post("/notifications/settings", form).Want(http.StatusSeeOther)
	if p := c.Get("/notifications/settings").Want(http.StatusOK); p.Attr(`[name="at"]`, "value") != "08:00" || p.Attr(`[name="zone"]`, "value") != "Europe/Berlin" || p.Count(`[name="every"] option[value="daily"][selected]`) != 1 {
		t.Errorf("once a day: %s", p.Text("main"))
	}
	tell(t, h, h.UserID(access.Editor), doc, "1")
	if p := c.Get("/notifications").Want(http.StatusOK); p.Has("#notices li") {
		t.Error("she is told what she does not want to be told")
	}
	if c.Get("/notifications/settings").Want(http.StatusOK).Form("form.card").Has("mention.app") {
		t.Error("the choice is not kept")
	}
}

// TestNoticesByHand marks with the keyboard, and looks at the pages.
func TestNoticesByHand(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	me := h.UserID(access.Editor)
	for _, n := range []string{"Runbook", "Who to call when the line of the branch in the harbour is down again, and what to tell them first", "Backups"} {
		tell(t, h, me, h.Make("document", org, record.Values{"name": n}), n)
	}
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Editor))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Press("g")
	b.Press("n")
	b.Wait(`location.pathname == "/notifications" && document.documentElement.dataset.ready`)
	browser.Eval[int](b, `(document.querySelector("#notices li button").focus(), 1)`)
	b.Press(kb.Enter)
	b.Wait(`document.querySelectorAll("#notices li.unread").length == 2`)
	for _, p := range []struct{ name, path string }{{"notifications", "/notifications"}, {"notifications-none", "/notifications?topic=comment"}, {"notification-settings", "/notifications/settings"}} {
		b.Everywhere(p.name, p.path)
	}
	b.Desktop()
	b.Visit("/notifications")
	b.Press("r")
	b.Wait(`!document.querySelector("#notices li.unread") && !document.querySelector(".bell i") && document.documentElement.dataset.ready`)
}
