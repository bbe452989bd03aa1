package notices_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/notification"
	"strongroom/internal/surface/webui"
	"strongroom/internal/surface/webui/webuitest"
)

// TestChannelsOfOnesOwn: an administrator allows one, an editor sets it up, tries it, chooses what
// comes by it, sees how it reached her and removes it.
func TestChannelsOfOnesOwn(t *testing.T) {
	status, got := http.StatusOK, ""
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got += string(b) + "\n"
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	h := webuitest.Open(t, webuitest.Options{Change: func(x *webui.Server) { x.Channels.HTTP = s.Client() }})
	doc := h.Make("document", h.Org("Northbeam"), record.Values{"name": "Runbook"})
	c, boss := h.As(access.Editor), h.As(access.Administrator)
	const at = "/notifications/channels/ntfy"
	if p := c.Get("/notifications/settings").Want(http.StatusOK); strings.Contains(p.Text("main"), "Channels of my own") {
		t.Error("a channel is offered that nobody has allowed")
	}
	c.Get(at).Want(http.StatusNotFound)
	c.Post("/settings/channels", url.Values{"ntfy": {"1"}}).Want(http.StatusForbidden)
	boss.Post("/settings/channels", boss.Get("/settings/channels").Want(http.StatusOK).Form("form.genform")).Want(http.StatusSeeOther)
	boss.Post("/settings/channels", url.Values{"ntfy": {"1"}, "webhook": {"1"}}).Want(http.StatusSeeOther)
	if p := c.Get("/notifications/settings").Want(http.StatusOK); !strings.Contains(p.Text("main"), "By ntfy") || p.Has(`[name="mention.ntfy"]`) {
		t.Errorf("before it is set up: %s", p.Text("main"))
	}
	form := c.Get(at).Want(http.StatusOK).Form("form.genform")
	form.Set("address", "http://ntfy.example.com/x")
	if p := c.Post(at, form).Want(http.StatusUnprocessableEntity); !p.Has("#e-address") || p.Attr(`[name="address"]`, "value") != "http://ntfy.example.com/x" {
		t.Errorf("an address without TLS: %s", p.Text("main"))
	}
	form.Set("address", s.URL+"/my-topic")
	form.Set("secret", "tk_secret")
	c.Post(at, form).Want(http.StatusSeeOther)
	p := c.Get(at).Want(http.StatusOK)
	if strings.Contains(string(p.Body), "tk_secret") || !strings.Contains(p.Text("main"), "On, at 127.0.0.1") {
		t.Errorf("once it is set up: %s", p.Text("main"))
	}
	c.Post(at+"/test", nil).Want(http.StatusSeeOther)
	if !strings.Contains(got, "This is a test") {
		t.Errorf("the test sends %q", got)
	}
	if p := c.Post(at+"/test", nil).Want(http.StatusConflict); !strings.Contains(p.Text("main"), "a moment ago") {
		t.Errorf("a second test: %s", p.Text("main"))
	}
	choice := c.Get("/notifications/settings").Want(http.StatusOK).Form("form.card")
	if choice.Get("mention.ntfy") != "1" || choice.Has("comment.ntfy") {
		t.Errorf("what comes by it unless one chooses: %v", choice)
	}
	tell(t, h, h.UserID(access.Editor), doc, "1")
	d := &notification.Deliverer{Gate: h.Gate, Channels: h.Server.Channels.Channels(), Resolve: h.Server.Channels.Resolve, Log: slog.New(slog.DiscardHandler)}
	run := func() {
		t.Helper()
		for _, fn := range []func() error{func() error { return d.Run(t.Context(), coretest.Name) }, func() error { return h.Server.Channels.Run(t.Context(), coretest.Name) }} {
			if err := fn(); err != nil {
				t.Fatal(err)
			}
		}
	}
	run()
	if p := c.Get("/notifications/told").Want(http.StatusOK); !strings.Contains(got, "mentioned you on Runbook") || !strings.Contains(p.Text("main"), "By ntfy: taken by the other side") || !strings.Contains(p.Text("main"), "Somebody mentions me") || !strings.Contains(p.Text("main"), "not read yet") {
		t.Errorf("how it reached her: %s", p.Text("main"))
	}
	status = http.StatusForbidden
	tell(t, h, h.UserID(access.Editor), doc, "2")
	run()
	if p := c.Get("/notifications/told").Want(http.StatusOK); !strings.Contains(p.Text("main"), "answered 403 Forbidden") {
		t.Errorf("what was refused: %s", p.Text("main"))
	}
	choice.Del("mention.ntfy")
	c.Post("/notifications/settings", choice).Want(http.StatusSeeOther)
	got = ""
	tell(t, h, h.UserID(access.Editor), doc, "3")
	run()
	if got != "" {
		t.Errorf("it comes although she does not want it: %s", got)
	}
	if p := boss.Get("/settings/channels").Want(http.StatusOK); !strings.Contains(p.Text("main"), "One person has set it up.") {
		t.Errorf("who uses it: %s", p.Text("main"))
	}
	if p := boss.Get("/notifications/told").Want(http.StatusOK); strings.Contains(p.Text("main"), "Runbook") {
		t.Error("an administrator reads what somebody else was told")
	}
	c.Post(at+"/remove", nil).Want(http.StatusSeeOther)
	c.Post(at+"/remove", nil).Want(http.StatusNotFound)
	c.Get("/notifications/channels/pigeon").Want(http.StatusNotFound)
}

// TestChannelsByHand looks at the pages.
func TestChannelsByHand(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(s.Close)
	h := webuitest.Open(t, webuitest.Options{Change: func(x *webui.Server) { x.Channels.HTTP = s.Client() }})
	doc := h.Make("document", h.Org("Northbeam"), record.Values{"name": "Runbook"})
	boss := h.As(access.Administrator)
	boss.Post("/settings/channels", url.Values{"ntfy": {"1"}, "webhook": {"1"}}).Want(http.StatusSeeOther)
	c := h.As(access.Editor)
	c.Post("/notifications/channels/ntfy", url.Values{"address": {s.URL + "/my-topic"}}).Want(http.StatusSeeOther)
	d := &notification.Deliverer{Gate: h.Gate, Channels: h.Server.Channels.Channels(), Resolve: h.Server.Channels.Resolve, Log: slog.New(slog.DiscardHandler)}
	tell(t, h, h.UserID(access.Editor), doc, "1")
	for _, fn := range []func() error{func() error { return d.Run(t.Context(), coretest.Name) }, func() error { return h.Server.Channels.Run(t.Context(), coretest.Name) }} {
		if err := fn(); err != nil {
			t.Fatal(err)
		}
	}
	tell(t, h, h.UserID(access.Editor), h.Make("document", h.Org("Harbour"), record.Values{"name": "Who to call when the line of the branch in the harbour is down again"}), "2")
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Editor))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Everywhere("channel-settings", "/notifications/settings")
	b.Everywhere("channel-ntfy", "/notifications/channels/ntfy")
	b.Everywhere("channel-program", "/notifications/channels/webhook")
	b.Everywhere("channel-told", "/notifications/told")
	private := browser.Open(t, h.URL)
	private.Visit("/sign-in")
	private.Type("#f-email", webuitest.Email(access.Administrator))
	private.Type("#f-password", webuitest.Password)
	private.Click(".entrance button.primary")
	private.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	private.Everywhere("channels-allowed", "/settings/channels")
}
