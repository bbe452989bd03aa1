package automations_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation"
	"strongroom/internal/feature/automation/deed"
	"strongroom/internal/feature/automation/routine"
	"strongroom/internal/surface/webui"
	"strongroom/internal/surface/webui/webuitest"
)

// TestRulePages: a rule is made, read in plain words, tried, turned on, asked for, and what
// it did is told to who sees what it was about.
func TestRulePages(t *testing.T) {
	r := &automation.Rules{Do: deed.Do, Rounds: routine.Rounds}
	h := webuitest.Open(t, webuitest.Options{Change: func(s *webui.Server) { r.Gate, r.Records, s.Rules = s.Gate, s.Records, r }})
	org := h.Org("Harbour Dental")
	customer := h.Make("contact", org, record.Values{"first_name": "Rosa", "last_name": "Lind"})
	ticket := h.Make("incident", org, record.Values{"name": "No mail", "contact_id": customer})
	c := h.As(access.Manager)
	if p := c.Get("/automation_rules/new").Want(http.StatusOK); !p.Has(`select[name="of_kind"] option[value="incident"]`) || p.Has(`[name="active"]`) {
		t.Errorf("the form of a new rule: %s", p.Text("main"))
	}
	h.As(access.Editor).Post("/automation_rules", url.Values{"name": {"Mine"}, "of_kind": {"incident"}, "happens": {automation.ByHand}}).Want(http.StatusForbidden)
	at := c.Post("/automation_rules", url.Values{"name": {"Wake the team"}, "of_kind": {"incident"}, "happens": {automation.ByHand}}).Want(http.StatusSeeOther).To()
	edit := url.Values{"name": {"Wake the team"}, "of_kind": {"incident"}, "happens": {automation.ByHand}, "active": {"1"}, "version": {"1"}, "conditions.0.field": {"team_id"}, "conditions.0.op": {"is not"}, "conditions.0.value": {"Nobody's"},
		"actions.0.do_kind": {automation.Sets}, "actions.0.field": {"team_id"}, "actions.0.value": {"Infrastructure"}}
	p := c.Post(at, edit).Want(http.StatusUnprocessableEntity)
	if !strings.Contains(p.Text("main"), "called \"Nobody's\"") || p.Attr(`[name="conditions.0.value"]`, "value") != "Nobody's" {
		t.Errorf("a condition on nothing: %s", p.Text("main"))
	}
	edit.Set("conditions.0.value", "Infrastructure")
	c.Post(at, edit).Want(http.StatusSeeOther)
	if p = c.Get(at + "/edit").Want(http.StatusOK); p.Attr(`[name="actions.0.value"]`, "value") != "Infrastructure" || p.Attr(`[name="actions.0.field"] option[selected]`, "value") != "team_id" {
		t.Errorf("the form again: %s", p.Text("main"))
	}
	p = c.Get(at + "?try=1").Want(http.StatusOK)
	for _, want := range []string{"When somebody asks for it on an incident, if Team is not Infrastructure: set Team to Infrastructure.", "Max Okafor", "All organizations", "It would have run once about the one incident"} {
		if !strings.Contains(p.Text("main"), want) {
			t.Errorf("the page lacks %q: %s", want, p.Text("main"))
		}
	}
	rule, _ := id.Parse(at[strings.LastIndex(at, "/")+1:])
	ask := url.Values{"rule": {rule.String()}, "record": {ticket.String()}}
	h.As(access.ReadOnly).Post("/settings/automation/ask", ask).Want(http.StatusNotFound) // she sees no organization
	if p = c.Get("/incidents/" + ticket.String()).Want(http.StatusOK); !p.Has(`.rail form[action="/settings/automation/ask"]`) {
		t.Error("the ticket does not offer the rule")
	}
	c.Post("/settings/automation/ask", ask).Want(http.StatusSeeOther)
	if err := r.Drain(t.Context(), coretest.Name); err != nil {
		t.Fatal(err)
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		now, err := h.Records.Get(tx, "incident", ticket)
		if err == nil && now.Names["team_id"] != "Infrastructure" {
			t.Errorf("the ticket lies with %q", now.Names["team_id"])
		}
		return err
	})
	for _, path := range []string{at, "/settings/automation", "/incidents/" + ticket.String()} {
		if p = c.Get(path).Want(http.StatusOK); !strings.Contains(p.Text("html"), "Set Team.") {
			t.Errorf("%s does not say what was done: %s", path, p.Text("main"))
		}
	}
	if p = h.As(access.ReadOnly).Get("/settings/automation").Want(http.StatusOK); strings.Contains(p.Text("main"), "No mail") {
		t.Error("who does not see the ticket reads what was done to it")
	}
	form := url.Values{"name": {"Try the backup, {date}"}, "organization_id": {org.String()}, "active": {"1"}, "makes": {routine.Tasks}, "round": {routine.MonthlyWeek}, "first": {"2026-03-10"}, "at": {"9"}}
	if p = c.Post("/routines", form).Want(http.StatusUnprocessableEntity); !p.Has("#e-at") || p.Attr(`[name="at"]`, "value") != "9" {
		t.Error("a time that is none is taken, or lost")
	}
	form.Set("at", "07:30")
	comes := c.Post("/routines", form).Want(http.StatusSeeOther).To()
	if p = c.Get(comes).Want(http.StatusOK); !strings.Contains(p.Text(".rail"), "Tue 14 Apr 2026, 07:30 UTC") {
		t.Errorf("beside the routine: %s", p.Text(".rail"))
	}
	h.As(access.ReadOnly).Get(comes).Want(http.StatusNotFound)
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Everywhere("rule", at+"?try=1")
	b.Everywhere("rule-form", at+"/edit")
	b.Everywhere("routine", comes)
	b.Everywhere("routine-form", comes+"/edit")
	b.Everywhere("rule-log", "/settings/automation")
}
