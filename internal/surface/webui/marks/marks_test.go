package marks_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

func TestAlertsStandAboveAllOfAnOrganization(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org, other := h.Org("Northbeam"), h.Org("Kestrel")
	doc, foreign := h.Make("document", org, record.Values{"name": "Runbook"}), h.Make("document", other, record.Values{"name": "Other"})
	pass := h.Make("password", org, record.Values{"name": "Door"})
	c := h.As(access.Editor)
	at := "/marks/" + org.String()
	form := c.Get(at).Want(http.StatusOK).Form("#alert-form")
	for name, bad := range map[string]string{"text": " ", "until": "2026-02-30", "severity": "loud"} {
		wrong := url.Values{"text": {"Do not restart on Fridays"}, "severity": {"critical"}}
		wrong.Set(name, bad)
		if p := c.Post(at+"/alerts", wrong).Want(http.StatusUnprocessableEntity); p.Text(".errors") == "" {
			t.Errorf("%s %q is not refused in words", name, bad)
		}
	}
	form.Set("text", "Do not restart on Fridays")
	form.Set("severity", "critical")
	form.Set("until", "2026-03-10")
	c.Post(at+"/alerts", form).Want(http.StatusSeeOther)
	c.Post("/marks/"+doc.String()+"/alerts", url.Values{"text": {"Being rewritten"}, "severity": {"information"}}).Want(http.StatusSeeOther)
	shows := func(path string, want ...string) {
		t.Helper()
		if got := c.Get(path).Want(http.StatusOK).Texts(".notice.alert span"); strings.Join(got, "; ") != strings.Join(want, "; ") {
			t.Errorf("%s shows %q, want %q", path, got, want)
		}
	}
	critical := "Critical: Do not restart on Fridays"
	shows("/organizations/"+org.String(), critical)
	shows("/organizations/"+org.String()+"/documents", critical)
	shows("/documents/"+doc.String(), critical, "Being rewritten")
	shows("/passwords/"+pass.String(), critical)
	shows("/documents/" + foreign.String())
	end := c.Get("/marks/"+doc.String()).Want(http.StatusOK).Attr("#alerts form", "action")
	c.Post(strings.Replace(end, doc.String(), pass.String(), 1), nil).Want(http.StatusNotFound)
	c.Post(end, nil).Want(http.StatusSeeOther)
	c.Post(end, nil).Want(http.StatusNotFound)
	shows("/documents/"+doc.String(), critical)
	h.Clock.Advance(9 * 24 * time.Hour)
	shows2 := h.As(access.Editor).Get("/documents/" + doc.String()).Want(http.StatusOK)
	if shows2.Has(".notice.alert") {
		t.Error("an alert whose day is over is shown")
	}
}

func TestFlagsInListsAndForMany(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	vip, late := h.Make("flag", 0, record.Values{"name": "VIP", "colour": "violet"}), h.Make("flag", 0, record.Values{"name": "Late", "colour": "red"})
	a, b := h.Make("document", org, record.Values{"name": "A"}), h.Make("document", org, record.Values{"name": "B"})
	h.Make("document", org, record.Values{"name": "D"})
	c := h.As(access.Editor)
	c.Post("/marks/"+a.String()+"/flags", url.Values{"flag": {vip.String(), late.String()}}).Want(http.StatusSeeOther)
	if got := c.Get("/documents/" + a.String()).Want(http.StatusOK).Texts(".sub .pill"); strings.Join(got, " ") != "Late VIP" {
		t.Errorf("the record bears %q", got)
	}
	if got := c.Get("/documents").Want(http.StatusOK).Texts("tbody td .pill"); strings.Join(got, " ") != "Late VIP" {
		t.Errorf("the list shows the flags %q", got)
	}
	step := func(v url.Values) *webuitest.Page { return c.Post("/documents/bulk", v) }
	form := step(url.Values{"do": {"edit"}, "id": {a.String(), b.String()}}).Want(http.StatusOK).Form("form.genform")
	form.Set("what", "flag.put")
	form = step(form).Want(http.StatusOK).Form("form.genform")
	form.Set("value", vip.String())
	step(form).Want(http.StatusSeeOther)
	if got := c.Get("/documents?flag=" + vip.String()).Want(http.StatusOK).Texts("tbody tr .rowlink"); strings.Join(got, " ") != "A B" {
		t.Errorf("the list of the flag has %q", got)
	}
	if got := c.Get("/organizations/" + org.String() + "/documents?flag=" + late.String()).Want(http.StatusOK).Texts("tbody tr .rowlink"); strings.Join(got, " ") != "A" {
		t.Errorf("the organization's list of the flag has %q", got)
	}
	step(url.Values{"do": {"edit.apply"}, "what": {"flag.take"}, "value": {vip.String()}, "all": {"1"}, "flag": {vip.String()}}).Want(http.StatusSeeOther)
	if got := c.Get("/documents?flag=" + vip.String()).Want(http.StatusOK).Texts("tbody tr .rowlink"); len(got) != 0 {
		t.Errorf("after it was taken off it has %q", got)
	}
	if p := h.As(access.Administrator).Get("/activity/" + a.String()).Want(http.StatusOK); !strings.Contains(p.Text("tbody"), "flagged it: Late, VIP") && !strings.Contains(p.Text("tbody"), "flagged it: VIP, Late") {
		t.Errorf("the audit trail says %q", p.Text("tbody"))
	}
}

// TestFieldsForMany gives many records the same value, and refuses what tells
// them apart.
func TestFieldsForMany(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	a, b := h.Make("domain", org, record.Values{"name": "a.example"}), h.Make("domain", org, record.Values{"name": "b.example"})
	c := h.As(access.Editor)
	form := c.Post("/domains/bulk", url.Values{"do": {"edit"}, "id": {a.String(), b.String()}}).Want(http.StatusOK).Form("form.genform")
	form.Set("what", "registrar_name")
	form = c.Post("/domains/bulk", form).Want(http.StatusOK).Form("form.genform")
	if form.Get("what") != "registrar_name" || !form.Has("value") {
		t.Fatalf("the next step asks %v", form)
	}
	form.Set("value", "Renewed by us")
	c.Post("/domains/bulk", form).Want(http.StatusSeeOther)
	for _, r := range []*record.Record{h.Load("domain", a), h.Load("domain", b)} {
		if r.Values.Text("registrar_name") != "Renewed by us" || r.Version != 2 {
			t.Errorf("%s has %q in version %d", r.Name, r.Values.Text("registrar_name"), r.Version)
		}
	}
	c.Post("/domains/bulk", url.Values{"do": {"edit.apply"}, "what": {"name"}, "value": {"x"}, "id": {a.String()}}).Want(http.StatusUnprocessableEntity)
	h.As(access.ReadOnly).Post("/domains/bulk", url.Values{"do": {"edit.apply"}, "what": {"registrar_name"}, "value": {"x"}, "id": {a.String()}}).Want(http.StatusUnprocessableEntity)
}

// TestWhoMayMark: who may not change a record puts nothing on it, and who may
// not see it learns nothing.
func TestWhoMayMark(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org, other := h.Org("Northbeam"), h.Org("Kestrel")
	h.See(h.UserID(access.ReadOnly), org)
	h.See(h.UserID(access.Lite), other)
	vip := h.Make("flag", 0, record.Values{"name": "VIP", "colour": "violet"})
	doc := h.Make("document", org, record.Values{"name": "Runbook"})
	at := "/marks/" + doc.String()
	h.As(access.Editor).Post(at+"/flags", url.Values{"flag": {vip.String()}}).Want(http.StatusSeeOther)
	h.As(access.Editor).Post(at+"/flags", url.Values{"flag": {doc.String()}}).Want(http.StatusNotFound)
	reader, far := h.As(access.ReadOnly), h.As(access.Lite)
	if p := reader.Get(at).Want(http.StatusOK); p.Has("#alert-form") || p.Has("#flags button") || p.Text(".sub a") != "Runbook" {
		t.Errorf("a reader sees %q", p.Text("main"))
	}
	reader.Post(at+"/flags", nil).Want(http.StatusForbidden)
	reader.Post(at+"/alerts", url.Values{"text": {"x"}, "severity": {"warning"}}).Want(http.StatusForbidden)
	far.Get(at).Want(http.StatusNotFound)
	far.Post(at+"/flags", nil).Want(http.StatusNotFound)
	if got := far.Get("/documents?flag=" + vip.String()).Want(http.StatusOK).Texts("tbody tr"); len(got) != 0 {
		t.Errorf("the list of a flag shows %q", got)
	}
}

func TestLookAtMarks(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	var flags []string
	for i, colour := range []string{"grey", "blue", "green", "amber", "red", "violet", "teal", "pink"} {
		made := h.Make("flag", 0, record.Values{"name": []string{"Quiet", "Site", "Fine", "Look", "Leaving", "VIP", "Pilot", "Party"}[i], "colour": colour, "meaning": "When it is " + colour})
		flags = append(flags, made.String())
	}
	doc := h.Make("document", org, record.Values{"name": "Runbook"})
	c := h.As(access.Editor)
	c.Post("/marks/"+org.String()+"/alerts", url.Values{"text": {"Do not restart anything on Fridays: the plant runs its weekly batch, and a restart in between costs the whole night"}, "severity": {"critical"}}).Want(http.StatusSeeOther)
	c.Post("/marks/"+org.String()+"/alerts", url.Values{"text": {"Invoices go to the parent company"}, "severity": {"information"}, "until": {"2026-12-31"}}).Want(http.StatusSeeOther)
	c.Post("/marks/"+doc.String()+"/alerts", url.Values{"text": {"Being rewritten"}, "severity": {"warning"}}).Want(http.StatusSeeOther)
	c.Post("/marks/"+doc.String()+"/flags", url.Values{"flag": flags}).Want(http.StatusSeeOther)
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Editor))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	for _, p := range []struct{ name, path string }{{"marks", "/marks/" + doc.String()}, {"marked", "/documents/" + doc.String()}, {"marked-list", "/organizations/" + org.String() + "/documents"}, {"flags", "/flags"}} {
		b.Everywhere(p.name, p.path)
	}
	b.Desktop()
	b.Visit("/organizations/" + org.String() + "/documents")
	b.Press("jx")
	b.Click(".bulk [value=edit]")
	b.Wait(`document.querySelector("form.genform select[name=what]") && document.documentElement.dataset.ready`)
	b.Axe("what to change")
	b.FullShot("bulk-edit")
}
