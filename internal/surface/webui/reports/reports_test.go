package reports_test

import (
	"maps"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/base/mail"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/outbox"
	"strongroom/internal/feature/view"
	"strongroom/internal/surface/webui"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// filled is a house with tickets of two organizations, of which a reader sees one.
func filled(t *testing.T) (h *webuitest.House, mine, other id.ID) {
	h = webuitest.Open(t, webuitest.Options{Change: func(s *webui.Server) { s.Outbox = &outbox.Outbox{Gate: s.Gate, Relay: &mail.Relay{}} }})
	mine, other = h.Org("=SUM(A1) & Sons"), h.Org("Kestrel")
	h.See(h.UserID(access.Lite), mine)
	for org, n := range map[id.ID]int{mine: 5, other: 2} {
		customer := h.Make("contact", org, record.Values{"first_name": "Jo", "last_name": "Orr"})
		for i := range n {
			h.Make("incident", org, record.Values{"name": "No mail " + strconv.Itoa(i), "contact_id": customer, "urgency": []string{"High", "Low"}[i%2]})
			h.Clock.Advance(9 * time.Hour)
		}
	}
	return h, mine, other
}

// behind is how many records the list at an address has.
func behind(t *testing.T, c *webuitest.Client, href string) string {
	t.Helper()
	words := c.Get(href).Want(http.StatusOK).Text(".pager")
	if strings.HasPrefix(words, "No ") {
		return "0"
	}
	_, of, _ := strings.Cut(words, " of ")
	return strings.Fields(of + " ?")[0]
}

// TestNumbersLeadToTheirLists follows every number of the dashboard that counts.
func TestNumbersLeadToTheirLists(t *testing.T) {
	h, mine, _ := filled(t)
	for role, opened := range map[access.Role]string{access.Administrator: "7", access.Lite: "5"} {
		c := h.As(role)
		p := c.Get("/reports?kind=incident&days=30").Want(http.StatusOK)
		for i, label := range p.Texts(".kpi h2") {
			value, href := p.Texts(".kpi .big")[i], p.Attr(".kpi:nth-child("+strconv.Itoa(i+1)+") a", "href")
			if label == "Opened" && value != opened {
				t.Errorf("%s counts %s opened, want %s", role, value, opened)
			}
			if n := behind(t, c, href); value != "—" && !strings.ContainsAny(value, "%m") && n != value || value == "—" && n != "0" {
				t.Errorf("%s: %s says %s, its list %s", role, label, value, n)
			}
		}
		for _, name := range []string{"opened", "backlog", "backlog-age", "organizations", "agents", "breaches"} {
			one := c.Get("/standard-reports/" + name + "?kind=incident&days=7").Want(http.StatusOK)
			values := one.Texts(".rt td")
			for i, href := range one.Attrs(".rt th a", "href") {
				if i%3 == 0 && behind(t, c, href) != values[i] {
					t.Errorf("%s: a number of %s is %s, its list has %s: %s", role, name, values[i], behind(t, c, href), href)
				}
			}
		}
		if role == access.Lite && strings.Contains(c.Get("/standard-reports/organizations?days=30").Text("main"), "Kestrel") {
			t.Error("an organization that the reader does not see is named")
		}
	}
	lite, admin := h.As(access.Lite), h.As(access.Administrator)
	lite.Get("/standard-reports/opened/csv").Want(http.StatusForbidden)
	csv := string(admin.Get("/standard-reports/organizations/csv?days=30").Want(http.StatusOK).Body)
	if !strings.Contains(csv, `'=SUM(A1) & Sons,5,5`) || !strings.Contains(csv, "In all,7,7") {
		t.Errorf("the spreadsheet gets %s", csv)
	}
	pdf := admin.Get("/standard-reports/organizations/pdf?days=30").Want(http.StatusOK)
	if !strings.HasPrefix(string(pdf.Body), "%PDF-") || pdf.Header.Get("Content-Type") != "application/pdf" {
		t.Errorf("on paper it is %.20q", pdf.Body)
	}
	lite.Get("/standard-reports/opened/pdf").Want(http.StatusForbidden)
	if p := admin.Get("/reports?organization=" + mine.String()).Want(http.StatusOK); p.Text(".kpi .big") != "5" {
		t.Errorf("of one organization it counts %s", p.Text(".kpi .big"))
	}
	lite.Get("/standard-reports/nothing").Want(http.StatusNotFound)
	lite.Get("/incidents?created_at.from=yesterday").Want(http.StatusUnprocessableEntity)
	if p := lite.Get("/incidents?created_at.before=2020-01-01&owner_id.unset=1").Want(http.StatusOK); p.Count(".chip") < 2 {
		t.Errorf("what the list is narrowed by is not said: %q", p.Text("main"))
	}
}

// TestAReportOfOnesOwn is made, seen, shared, changed and removed.
func TestAReportOfOnesOwn(t *testing.T) {
	h, _, _ := filled(t)
	admin, lite := h.As(access.Administrator), h.As(access.Lite)
	form := lite.Get("/reports/new?kind=incident").Want(http.StatusOK).Form("form#form")
	form.Set("name", "Urgent ones")
	form.Set("group", "urgency")
	form.Set("query", "urgency=High")
	bad := url.Values{}
	for k, v := range form {
		bad[k] = v
	}
	bad.Set("group", "name; --")
	if p := lite.Post("/reports", bad).Want(http.StatusUnprocessableEntity); p.Attr("#f-name", "value") != "Urgent ones" {
		t.Error("what was typed is lost")
	}
	to := lite.Post("/reports", form).Want(http.StatusSeeOther).To()
	if p := lite.Get(to).Want(http.StatusOK); p.Text(".rt tbody th") != "High" || p.Text(".rt td") != "3" {
		t.Errorf("it says %q", p.Text("main"))
	}
	if !lite.Get("/reports").Has(".report a[href='" + to + "']") {
		t.Error("it does not stand on the dashboard")
	}
	admin.Get(to).Want(http.StatusNotFound)
	admin.Post(to, form).Want(http.StatusNotFound)
	edit := lite.Get(to + "/edit").Want(http.StatusOK).Form("form#form")
	edit["with"] = []string{h.UserID(access.Administrator).String()}
	lite.Post(to, edit).Want(http.StatusSeeOther)
	if p := admin.Get(to).Want(http.StatusOK); p.Text(".rt td") != "4" {
		t.Errorf("with whom it is shared counts %q by other rights", p.Text(".rt td"))
	}
	admin.Get(to + "/edit").Want(http.StatusNotFound)
	admin.Get(to + "/pdf").Want(http.StatusOK)
	lite.Get(to + "/pdf").Want(http.StatusForbidden)
	lite.Post(to+"/mail", url.Values{"when": {"daily"}, "time": {"07:00"}}).Want(http.StatusForbidden)
	times := admin.Get(to).Want(http.StatusOK).Form("form#mail")
	times.Set("when", "monthly")
	times.Set("day", "32")
	if p := admin.Post(to+"/mail", times).Want(http.StatusUnprocessableEntity); p.Attr("#f-day", "value") != "32" {
		t.Error("the times that were typed are lost")
	}
	times.Set("day", "31")
	admin.Post(to+"/mail", times).Want(http.StatusSeeOther)
	if p := admin.Get(to).Want(http.StatusOK); !strings.Contains(p.Text("form#mail"), "monthly on day 31 at 07:00 UTC") {
		t.Errorf("it says %q", p.Text("form#mail"))
	}
	admin.Post(to+"/remove", nil).Want(http.StatusNotFound)
	edit.Set("everybody", "1")
	lite.Post(to, edit).Want(http.StatusForbidden)
	lite.Post(to+"/remove", nil).Want(http.StatusSeeOther)
	lite.Get(to).Want(http.StatusNotFound)
}

// TestADashboardOfOnesOwn is made of built-in reports, a saved list and a report, in an order; each
// number on it is that of the list that it leads to, for each who sees it.
func TestADashboardOfOnesOwn(t *testing.T) {
	h, _, other := filled(t)
	admin, lite := h.As(access.Administrator), h.As(access.Lite)
	h.Change(func(tx *gate.Tx) error {
		return view.Save(tx, view.View{Kind: "incident", Name: "What burns", Query: "urgency=High&cols=status", Shared: true})
	})
	own := admin.Get("/reports/new?kind=incident").Want(http.StatusOK).Form("form#form")
	own.Set("name", "By urgency")
	own.Set("group", "urgency")
	admin.Post("/reports", own).Want(http.StatusSeeOther)
	form := admin.Get("/dashboards/new").Want(http.StatusOK)
	value := func(label string) string {
		for i, s := range form.Texts("#f-tile1 option") {
			if s == label {
				return form.Attrs("#f-tile1 option", "value")[i]
			}
		}
		t.Fatalf("%q cannot be chosen", label)
		return ""
	}
	f := form.Form("form#form")
	f.Set("tile1", value("View of incidents: What burns"))
	f.Set("tile2", value("Incidents: backlog"))
	f.Set("tile3", value("Report: By urgency"))
	f.Set("tile4", value("Incidents: by organization"))
	f.Set("tile5", value("Incidents: opened"))
	if p := admin.Post("/dashboards", f).Want(http.StatusUnprocessableEntity); p.Attr("#f-tile1 option[selected]", "value") != f.Get("tile1") {
		t.Error("what was chosen is lost")
	}
	f.Set("name", "The week")
	bad := maps.Clone(f)
	bad.Set("tile2", "view:1")
	admin.Post("/dashboards", bad).Want(http.StatusUnprocessableEntity)
	f["roles"] = []string{string(access.Lite)}
	to := admin.Post("/dashboards", f).Want(http.StatusSeeOther).To()
	if s := strings.Join(admin.Get(to).Want(http.StatusOK).Texts(".report h2"), ","); s != "What burns,Incidents: backlog,By urgency,Incidents: by organization,Incidents: opened" {
		t.Errorf("it stands in the order %s", s)
	}
	for c, all := range map[*webuitest.Client]string{admin: "4", lite: "3"} {
		p := c.Get(to).Want(http.StatusOK)
		if p.Text(".rt td") != all {
			t.Errorf("the saved list counts %s, want %s", p.Text(".rt td"), all)
		}
		values, links := p.Texts(".rt td"), p.Attrs(".rt th a", "href")
		if len(values) != len(links) || len(links) < 10 {
			t.Fatalf("%d numbers, %d lead to lists", len(values), len(links))
		}
		for i, href := range links {
			if n := behind(t, c, href); values[i] != "0" && n != values[i] {
				t.Errorf("number %d is %s, its list has %s: %s", i, values[i], n, href)
			}
		}
	}
	if s := lite.Get(to).Text("main"); strings.Contains(s, "Kestrel") {
		t.Error("an organization that the reader does not see is named")
	}
	if !lite.Get("/reports").Has(`nav[aria-label="Dashboards"] a[href="` + to + `"]`) {
		t.Error("it is not found from the reports")
	}
	csv := string(admin.Get(to + "/csv").Want(http.StatusOK).Body)
	if !strings.Contains(csv, `Incidents: by organization,'=SUM(A1) & Sons,count,5,5`) || !strings.Contains(csv, "What burns,In all,count,4,4") {
		t.Errorf("the spreadsheet gets %s", csv)
	}
	if pdf := admin.Get(to + "/pdf").Want(http.StatusOK); !strings.HasPrefix(string(pdf.Body), "%PDF-") {
		t.Errorf("on paper it is %.20q", pdf.Body)
	}
	mail := admin.Get(to).Form("form#mail")
	mail.Set("when", "weekly")
	mail.Set("time", "7")
	admin.Post(to+"/mail", mail).Want(http.StatusUnprocessableEntity)
	mail.Set("time", "07:00")
	admin.Post(to+"/mail", mail).Want(http.StatusSeeOther)
	if p := admin.Get(to); !strings.Contains(p.Text("form#mail"), "weekly") {
		t.Errorf("it says %q", p.Text("form#mail"))
	}
	for _, path := range []string{"/csv", "/pdf"} {
		lite.Get(to + path).Want(http.StatusForbidden)
	}
	for _, path := range []string{"", "/remove"} {
		lite.Post(to+path, f).Want(http.StatusNotFound)
	}
	lite.Get(to + "/edit").Want(http.StatusNotFound)
	h.As(access.ReadOnly).Get(to).Want(http.StatusNotFound)
	edit := admin.Get(to + "/edit").Want(http.StatusOK).Form("form#form")
	edit["roles"] = nil
	edit.Set("tile1", "")
	edit.Set("tile2", "")
	admin.Post(to, edit).Want(http.StatusSeeOther)
	if s := strings.Join(admin.Get(to).Texts(".report h2"), ","); s != "By urgency,Incidents: by organization,Incidents: opened" {
		t.Errorf("after the change it holds %s", s)
	}
	lite.Get(to).Want(http.StatusNotFound)
	admin.Post(to+"/remove", nil).Want(http.StatusSeeOther)
	admin.Get(to).Want(http.StatusNotFound)
	// by its id, an organization that the reader does not see is like one that there is not
	for _, org := range []string{other.String(), "999999"} {
		lite.Get("/reports?organization=" + org).Want(http.StatusNotFound)
		if p := lite.Get("/standard-reports/opened?days=30&organization=" + org).Want(http.StatusOK); p.Text(".rsum b") != "0" || strings.Contains(p.Text("main"), "Kestrel") {
			t.Errorf("it is told %s of an organization that the reader does not see", p.Text(".rsum"))
		}
	}
}

func TestLookAtReports(t *testing.T) {
	h, _, _ := filled(t)
	admin := h.As(access.Administrator)
	form := admin.Get("/reports/new?kind=incident").Want(http.StatusOK).Form("form#form")
	form.Set("name", "Opened day by day")
	own := admin.Post("/reports", form).Want(http.StatusSeeOther).To()
	admin.Post(own+"/mail", url.Values{"when": {"weekly"}, "weekday": {"1"}, "time": {"07:00"}}).Want(http.StatusSeeOther)
	f := admin.Get("/dashboards/new").Want(http.StatusOK).Form("form#form")
	f.Set("name", "The week")
	f.Set("tile4", "standard:incident:agents")
	board := admin.Post("/dashboards", f).Want(http.StatusSeeOther).To()
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	for _, p := range []struct{ name, path string }{{"reports", "/reports"}, {"report", own}, {"dashboard", board}} {
		b.Everywhere(p.name, p.path)
	}
}
