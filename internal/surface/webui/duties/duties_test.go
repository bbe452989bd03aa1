package duties_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/duty"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// TestOnCallPages: a plan is written, who is on call is seen, places are taken and a calendar
// is read by its address and by no other.
func TestOnCallPages(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	c, other := h.As(access.Editor), h.As(access.Manager)
	form := url.Values{"name": {"Nights"}, "zone": {"Europe/Brelin"}, "minutes": {"10"}, "team_id": {h.One("team", "Infrastructure").String()},
		"layers.0.people": {webuitest.Email(access.Editor) + ", " + webuitest.Email(access.Manager)}, "layers.0.first": {h.Clock.Now().AddDate(0, 0, -1).Format(time.DateOnly)}, "layers.0.days": {"5"}, "layers.0.week_kind": {"every day"}}
	p := other.Post("/oncall_plans", form).Want(http.StatusUnprocessableEntity)
	if !p.Has("#e-zone") || p.Attr(`[name="zone"]`, "value") != "Europe/Brelin" || !strings.Contains(p.Attr(`[name="layers.0.people"]`, "value"), webuitest.Email(access.Manager)) {
		t.Errorf("a zone that is none: %s", p.Text("main"))
	}
	form.Set("zone", "Europe/Berlin")
	at := other.Post("/oncall_plans", form).Want(http.StatusSeeOther).To()
	plan := at[strings.LastIndex(at, "/")+1:]
	h.Make(duty.AssignmentKind, 0, record.Values{"name": "Infrastructure", "team_id": h.One("team", "Infrastructure"), "method": duty.OnCall, "plan_id": h.One(duty.PlanKind, "Nights")})
	if p = c.Get("/on-call").Want(http.StatusOK); !strings.Contains(p.Text("main"), "Nights") || p.Count(`a[href^="/on-call/swap?"]`) == 0 {
		t.Errorf("the page: %s", p.Text("main"))
	}
	mine := p.Attr(`a[href^="/on-call/swap?"]`, "href")
	if p = c.Get(mine).Want(http.StatusOK); !p.Has(`option[value="`+h.UserID(access.Manager).String()+`"]`) || !p.Has(`option[value^="`+h.UserID(access.Manager).String()+`/"]`) {
		t.Errorf("whom she can ask: %s", p.Text("main"))
	}
	ask := p.Form(`form[action="/on-call/swap"]`)
	ask.Set("to", h.UserID(access.Editor).String())
	if p = c.Post("/on-call/swap", ask).Want(http.StatusUnprocessableEntity); !p.Has("#e-to") || !strings.Contains(p.Text("main"), "Nights") {
		t.Errorf("asks herself: %s", p.Text("main"))
	}
	ask.Set("to", h.UserID(access.Manager).String())
	c.Post("/on-call/swap", ask).Want(http.StatusSeeOther)
	if p = other.Get("/on-call").Want(http.StatusOK); !strings.Contains(p.Text("main"), "asks you") {
		t.Errorf("who is asked sees %s", p.Text("main"))
	}
	yes := p.Form(`form[action="/on-call/answer"]`)
	h.As(access.ReadOnly).Post("/on-call/answer", yes).Want(http.StatusNotFound)
	other.Post("/on-call/answer", yes).Want(http.StatusSeeOther)
	if p = other.Get("/on-call").Want(http.StatusOK); strings.Contains(p.Text("main"), "asks you") || !strings.Contains(p.Text("main"), ", for ") {
		t.Errorf("after the answer: %s", p.Text("main"))
	}
	c.Post("/on-call/instead", url.Values{"plan": {plan}, "who": {h.UserID(access.Editor).String()}, "from": {"tomorrow"}}).Want(http.StatusUnprocessableEntity)
	day := h.Clock.Now().AddDate(0, 0, 12).Format(time.DateOnly)
	place := url.Values{"plan": {plan}, "who": {h.UserID(access.Manager).String()}, "from": {day + "T10:00"}, "until": {day + "T12:00"}}
	c.Post("/on-call/instead", place).Want(http.StatusForbidden)
	other.Post("/on-call/instead", place).Want(http.StatusSeeOther)

	p = other.Post("/on-call/feed", nil).Want(http.StatusOK)
	address := p.Text("code")
	if !strings.HasPrefix(address, "/on-call/"+coretest.Name+"/src_") || strings.Contains(other.Get("/on-call").Text("main"), "src_") {
		t.Errorf("the address %q is not shown once", address)
	}
	if p = h.Client().Get(address).Want(http.StatusOK); !strings.HasPrefix(p.Header.Get("Content-Type"), "text/calendar") || !strings.Contains(p.Body, "SUMMARY:On call: Nights") {
		t.Errorf("the calendar: %s %s", p.Header.Get("Content-Type"), p.Body)
	}
	for _, wrong := range []string{strings.TrimSuffix(address, ".ics"), strings.Replace(address, "src_", "src_x", 1), strings.Replace(address, coretest.Name, "nobody", 1)} {
		h.Client().Get(wrong).Want(http.StatusNotFound)
	}
	other.Post("/on-call/feed/end", nil).Want(http.StatusSeeOther)
	h.Client().Get(address).Want(http.StatusNotFound)

	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Manager))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Everywhere("on-call", "/on-call")
	b.Everywhere("on-call-instead", "/on-call/instead")
	b.Everywhere("on-call-plan", at+"/edit")
}
