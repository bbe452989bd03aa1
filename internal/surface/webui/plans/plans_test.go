package plans_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/change"
	"strongroom/internal/feature/relation"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// TestCalendar: the calendar shows what is planned to who may see it, what runs into
// something else, and when nothing is changed.
func TestCalendar(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org, other := h.Org("Harbour Dental"), h.Org("Northgate")
	at := func(day, hour int) int64 {
		return time.Date(2031, time.May, day, hour, 0, 0, 0, time.UTC).UnixMilli()
	}
	server := h.Make("configuration", org, record.Values{"name": "HOST", "configuration_type_id": h.One("configuration_type", "Server")})
	secret := h.Make("configuration", other, record.Values{"name": "HIDDEN", "configuration_type_id": h.One("configuration_type", "Server")})
	s := &relation.Relations{Records: h.Records}
	planned := func(in id.ID, name, typ string, from, to int64, about id.ID) id.ID {
		t.Helper()
		r := h.Make(change.Kind, in, record.Values{"name": name, "description": "<p>x</p>", "change_type": typ, "scheduled_start": from, "scheduled_end": to})
		h.Change(func(tx *gate.Tx) error {
			_, err := s.Add(tx, r, about, "")
			if err == nil {
				_, err = h.Records.Update(tx, change.Kind, r, 0, record.Values{"status": change.Requested, "risk": "High"})
			}
			return err
		})
		return r
	}
	first := planned(org, "New firmware", "Minor", at(6, 20), at(8, 2), server)
	planned(org, "Bigger disk", "Emergency", at(7, 9), at(7, 10), server)
	planned(org, "After that", "Minor", at(8, 2), at(8, 3), server)
	planned(other, "Theirs", "Minor", at(7, 9), at(7, 10), secret)
	h.Make(change.FreezeKind, org, record.Values{"name": "Audit", "begins_at": at(20, 0), "ends_at": at(22, 0)})
	h.See(h.UserID(access.ReadOnly), org)
	reader := h.As(access.ReadOnly)

	t.Run("a month", func(t *testing.T) {
		p := reader.Get("/change-calendar?month=2031-05").Want(http.StatusOK)
		if got := p.Text("h1"); got != "May 2031" {
			t.Errorf("the title is %q", got)
		}
		day := func(date string) string { return p.Text(`td:has(time[datetime="` + date + `"])`) }
		for date, want := range map[string]string{"2031-05-06": "from 20:00 New firmware", "2031-05-07": "all day New firmware", "2031-05-08": "to 02:00 New firmware", "2031-05-20": "No changes: Audit", "2031-05-21": "No changes: Audit"} {
			if !strings.Contains(day(date), want) {
				t.Errorf("%s shows %q, want %q", date, day(date), want)
			}
		}
		if !strings.Contains(day("2031-05-07"), "09:00–10:00 Bigger disk") || !strings.Contains(day("2031-05-07"), "High risk · Emergency · Conflict") {
			t.Errorf("an emergency is %q", day("2031-05-07"))
		}
		if strings.Contains(day("2031-05-22"), "Audit") || strings.Contains(day("2031-05-05"), "firmware") {
			t.Error("it goes on after its end, or before its beginning")
		}
		if text := p.Text("main"); strings.Contains(text, "Theirs") || strings.Contains(text, "HIDDEN") {
			t.Error("what others plan is shown")
		}
	})
	t.Run("conflicts", func(t *testing.T) {
		p := reader.Get("/change-calendar?month=2031-05")
		if got := p.Texts(".card li"); len(got) != 1 || !strings.Contains(got[0], "New firmware and Bigger disk") || !strings.Contains(got[0], "both affect HOST") {
			t.Errorf("conflicts: %q", got)
		}
		h.Change(func(tx *gate.Tx) error { return h.Records.SetAccess(tx, "configuration", server, true, nil, nil) })
		if p := reader.Get("/change-calendar?month=2031-05"); strings.Contains(p.Text("main"), "Conflict") {
			t.Error("a conflict about what she does not see")
		}
		h.Change(func(tx *gate.Tx) error { return h.Records.SetAccess(tx, "configuration", server, false, nil, nil) })
	})
	t.Run("a week, and what is no time", func(t *testing.T) {
		p := reader.Get("/change-calendar?week=2031-05-08").Want(http.StatusOK)
		if p.Count("td") != 7 || p.Attr("td time", "datetime") != "2031-05-05" || !strings.HasPrefix(p.Text("h1"), "Week 19") {
			t.Errorf("%q from %s", p.Text("h1"), p.Attr("td time", "datetime"))
		}
		for _, q := range []string{"?month=2031-13", "?month=99999-01", "?week=0001-01-01", "?week=x&month=%00", "?org=abc"} {
			reader.Get("/change-calendar" + q).Want(http.StatusOK)
		}
	})
	t.Run("beside the change", func(t *testing.T) {
		if got := reader.Get("/changes/" + first.String()).Want(http.StatusOK).Text("body"); !strings.Contains(got, "Affects 1 record of 1 organization") {
			t.Errorf("beside it stands %q", got)
		}
	})
	t.Run("up for decision", func(t *testing.T) {
		h.Make("approval_plan", 0, record.Values{"name": "Board", "of_kind": "change", "phases": []map[string]any{{"name": "Advisory board", "who": "Administrators", "rule": "All"}}})
		at := "/change-agenda"
		if got := reader.Get(at).Want(http.StatusOK).Text("main"); !strings.Contains(got, "No change waits for approval") {
			t.Errorf("nothing is asked for, and it says %q", got)
		}
		for _, name := range []string{"Bigger disk", "Theirs"} {
			h.Change(func(tx *gate.Tx) error {
				_, err := h.Records.Update(tx, change.Kind, h.One(change.Kind, name), 0, record.Values{"status": change.PendingApproval, "plan": "<p>Swap it.</p>", "backout": "<p>Swap it back.</p>"})
				return err
			})
		}
		got := reader.Get(at).Want(http.StatusOK).Text("main")
		for _, want := range []string{"Bigger disk", "Harbour Dental", "7 May 2031, 09:00", "Emergency", "Advisory board: 0 of", "Still to vote", "Conflict with New firmware", "both affect HOST", "Swap it back."} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in %q", want, got)
			}
		}
		if strings.Contains(got, "Theirs") || strings.Contains(got, "HIDDEN") {
			t.Error("what others decide is shown")
		}
	})
	t.Run("in a browser", func(t *testing.T) {
		b := browser.Open(t, h.URL)
		b.Visit("/sign-in")
		b.Type("#f-email", webuitest.Email(access.ReadOnly))
		b.Type("#f-password", webuitest.Password)
		b.Click(".entrance button.primary")
		b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
		b.Everywhere("calendar-of-changes", "/change-calendar?month=2031-05")
		b.Everywhere("agenda-of-changes", "/change-agenda")
	})
}

// TestFormFromTemplate: the form of a change shows what its template says, and saving it as it
// stands is a standard change; a template that is not approved fills in nothing.
func TestFormFromTemplate(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Harbour Dental")
	h.Make("approval_plan", 0, record.Values{"name": "Board", "of_kind": "change_template", "phases": []map[string]any{{"name": "Advisory board", "who": "Administrators", "rule": "Any"}}})
	team := h.Make("team", 0, record.Values{"name": "Network"})
	tmpl := h.Make(change.TemplateKind, 0, record.Values{"name": "Restart of a server", "description": "<p>It hangs.</p>", "plan": "<p>Restart it.</p>", "backout": "<p>Start it again.</p>", "risk": "Low", "team_id": team, "valid_until": "2027-01-01"})
	c := h.As(access.Administrator)
	at := "/changes/new?organization_id=" + org.String() + "&name=Restart&change_type=Standard&template_id=" + tmpl.String()
	if f := c.Get(at).Want(http.StatusOK).Form("form.genform"); f.Get("plan") != "" {
		t.Errorf("a template that nobody approved fills in %q", f.Get("plan"))
	}
	manager := h.As(access.Manager)
	h.Change(func(tx *gate.Tx) error {
		tx.Caller.User = h.UserID(access.Manager)
		_, err := h.Records.Update(tx, change.TemplateKind, tmpl, 0, record.Values{"status": change.PendingApproval})
		return err
	})
	vote := c.Get("/votes").Want(http.StatusOK).Attr(`main a[href^="/votes/"]`, "href")
	c.Get(vote).Want(http.StatusOK)
	c.Post(vote+"/cast", url.Values{"yes": {"1"}}).Want(http.StatusSeeOther)
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, change.TemplateKind, tmpl, 0, record.Values{"status": change.Approved})
		return err
	})
	f := manager.Get(at).Want(http.StatusOK).Form("form.genform")
	for name, want := range map[string]string{"name": "Restart", "change_type": "Standard", "plan": "<p>Restart it.</p>", "backout": "<p>Start it again.</p>", "description": "<p>It hangs.</p>", "risk": "Low", "team_id": team.String()} {
		if f.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, f.Get(name), want)
		}
	}
	to := manager.Post("/changes", f).Want(http.StatusSeeOther).To()
	rid, ok := id.Parse(strings.TrimPrefix(to, "/changes/"))
	if r := h.Load(change.Kind, rid); !ok || r.Values.Text("change_type") != "Standard" || r.Values.ID(change.TemplateField) != tmpl {
		t.Errorf("saved as it stands, it is %v", r.Values)
	}
}
