package surveys_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/mailbox"
	"strongroom/internal/feature/survey"
	"strongroom/internal/surface/webui/webuitest"
)

// counter is a house whose customers are asked.
type counter struct {
	*webuitest.House
	t    *testing.T
	org  id.ID
	asks *survey.Surveys
	base record.Values // what a ticket needs to be resolved
}

// resolved makes an incident of somebody and resolves it.
func (c *counter) resolved(contact id.ID, name string) id.ID {
	c.t.Helper()
	v := record.Values{"name": name, "contact_id": contact, "status": "Active"}
	for k, x := range c.base {
		v[k] = x
	}
	n := c.Make(incident.Kind, c.org, v)
	c.set(n, record.Values{"status": incident.Resolved, "resolution": "<p>Done.</p>", "cause_code": "Other"})
	return n
}

func (c *counter) set(n id.ID, v record.Values) {
	c.t.Helper()
	c.Change(func(tx *gate.Tx) error { _, err := c.Records.Update(tx, incident.Kind, n, 0, v); return err })
}

func (c *counter) person(name string) id.ID {
	first, last, _ := strings.Cut(name, " ")
	return c.Make("contact", c.org, record.Values{"first_name": first, "last_name": last, "contact_emails": []map[string]any{{"value": strings.ToLower(first) + "@harbour.example", "primary": true}}})
}

// run does what the schedule does.
func (c *counter) run() {
	c.t.Helper()
	if err := c.asks.Run(c.t.Context(), coretest.Name); err != nil {
		c.t.Fatal(err)
	}
}

// link is that of the mail about a ticket; empty where none is mailed. It leaves nothing in
// the queue.
func (c *counter) link(ticket id.ID) (to string) {
	c.t.Helper()
	var body, page string
	var n int
	c.Change(func(tx *gate.Tx) error {
		if err := tx.QueryRow(`select count(*), coalesce(max(body), ''), coalesce(max(html), '') from mail where about_id = ? and what = 'survey'`, int64(ticket)).Scan(&n, &body, &page); err != nil {
			return err
		}
		_, err := tx.Exec(`delete from mail where about_id = ?`, int64(ticket))
		return err
	})
	if n > 1 {
		c.t.Errorf("%d mails ask about one ticket", n)
	}
	const begin = "https://desk.example"
	for word := range strings.FieldsSeq(body) {
		if strings.HasPrefix(word, begin) {
			to = strings.TrimPrefix(word, begin)
		}
	}
	if n > 0 && (to == "" || !strings.Contains(page, `href="`+begin+to+`"`)) {
		c.t.Errorf("the mail has no link: %s %s", body, page)
	}
	return to
}

func (c *counter) said(ticket id.ID) any { return c.Load(incident.Kind, ticket).Values[survey.Score] }

func openCounter(t *testing.T) *counter {
	t.Helper()
	h := webuitest.Open(t, webuitest.Options{})
	c := &counter{House: h, t: t, org: h.Org("Harbour Dental")}
	c.asks = &survey.Surveys{Gate: h.Gate, Records: h.Records, Address: func(path string) string { return "https://desk.example" + path }}
	c.base = record.Values{"team_id": h.Make("team", 0, record.Values{"name": "Desk", "manager_id": h.UserID(access.Manager)}), "owner_id": h.UserID(access.Editor),
		"category_id": h.One("category", "Connectivity"), "service_id": h.Make("service", 0, record.Values{"name": "Wires"})}
	password := "kelp-Orbit"
	if err := h.Server.Mailboxes.Save(t.Context(), h.Admin(), &mailbox.Box{Address: "desk@northbeam.example", Server: "127.0.0.1:1", TLS: "tls", User: "desk", Send: mailbox.ByRelay}, mailbox.Words{Password: &password}); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSurveys: from the setting to the answer, and what is not one.
func TestSurveys(t *testing.T) {
	c := openCounter(t)
	admin := c.As(access.Administrator)
	nora, omar := c.person("Nora Lind"), c.person("Omar Reyes")
	before := c.resolved(nora, "Before anybody asked")
	c.Clock.Advance(time.Minute)
	if p := admin.Post("/settings/surveys", url.Values{"on": {"1"}, "hours": {"-1"}, "rest": {"14"}, "days": {"0"}, "low": {"9"}}).Want(http.StatusUnprocessableEntity); p.Count("small.err") != 3 {
		t.Errorf("the settings: %s", p.Text("main"))
	}
	c.As(access.Editor).Post("/settings/surveys", url.Values{"on": {"1"}}).Want(http.StatusForbidden)
	admin.Post("/settings/surveys", url.Values{"on": {"1"}, "hours": {"4"}, "rest": {"14"}, "days": {"7"}, "low": {"2"}}).Want(http.StatusSeeOther)
	first := c.resolved(nora, "No network")
	c.run()
	if c.link(first) != "" {
		t.Error("she is asked at once")
	}
	c.Clock.Advance(4*time.Hour + time.Minute)
	c.run()
	c.run()
	link := c.link(first)
	if link == "" || c.link(before) != "" {
		t.Fatalf("asked by %q; about what was resolved before by %q", link, c.link(before))
	}
	out := c.Client()

	t.Run("A7 a scanner that follows the link answers nothing", func(t *testing.T) {
		for _, verb := range []string{http.MethodGet, http.MethodHead, http.MethodGet, http.MethodOptions} {
			for _, at := range []string{link, link + "?score=1", link + "?score=5&words=x"} {
				out.Do(verb, at, nil, nil)
			}
		}
		if c.said(first) != nil {
			t.Errorf("looking answered %v", c.said(first))
		}
		p := out.Get(link + "?score=4").Want(http.StatusOK)
		if !strings.Contains(p.Text("main"), "No network") || !p.Has(`input[name=score][value="4"][checked]`) || p.Header.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(p.Header.Get("Cache-Control"), "no-store") {
			t.Errorf("the page: %s %v", p.Text("main"), p.Header)
		}
	})
	t.Run("A8 a survey of somebody else, of another ticket, and none at all", func(t *testing.T) {
		answer := url.Values{"score": {"1"}}
		for _, at := range []string{link[:len(link)-1] + "A", link + "A", "/survey/" + coretest.Name + ".", "/survey/" + coretest.Name, "/survey/nobody." + link[strings.LastIndex(link, ".")+1:]} {
			if at == link {
				continue
			}
			a, b := out.Get(at).Want(http.StatusNotFound), out.Post(at, answer).Want(http.StatusNotFound)
			if a.Text("main") != b.Text("main") || !strings.Contains(a.Text("main"), "none any more") {
				t.Errorf("%s: %s", at, a.Text("main"))
			}
		}
		c.set(first, record.Values{"contact_id": omar}) // it is not hers any more
		out.Post(link, answer).Want(http.StatusNotFound)
		c.set(first, record.Values{"contact_id": nora, "status": incident.Active})
		out.Post(link, answer).Want(http.StatusNotFound) // it is being worked on again
		c.set(first, record.Values{"status": incident.Resolved})
		if c.said(first) != nil {
			t.Errorf("answered %v", c.said(first))
		}
	})
	t.Run("an answer is kept once, also on what is closed", func(t *testing.T) {
		c.set(first, record.Values{"status": incident.Closed})
		if p := out.Post(link, url.Values{"words": {"Not <b>good</b>."}}).Want(http.StatusUnprocessableEntity); p.Text("#f-words") != "Not <b>good</b>." || !p.Has("#e-score") {
			t.Errorf("what was typed is lost: %s", p.Text("main"))
		}
		out.Post(link, url.Values{"score": {"6"}}).Want(http.StatusUnprocessableEntity)
		out.Post(link, url.Values{"score": {"2"}, "words": {strings.Repeat("x", 2001)}}).Want(http.StatusUnprocessableEntity)
		for _, score := range []string{"2", "2", "5"} { // A8: twice, and otherwise
			out.Post(link, url.Values{"score": {score}, "words": {"Not <b>good</b>."}}).Want(http.StatusSeeOther)
		}
		admin := c.As(access.Administrator) // the hours ended her session
		r := c.Load(incident.Kind, first)
		if r.Values[survey.Score] != int64(2) || r.Values.Text(survey.Words) != "Not <b>good</b>." || r.Values[survey.When] == nil {
			t.Errorf("the ticket says %v", r.Values)
		}
		if p := out.Get(link).Want(http.StatusOK); p.Has("form.entrance") || !strings.Contains(p.Text("main"), "You said 2 of 5") {
			t.Errorf("afterwards: %s", p.Text("main"))
		}
		if s := admin.Get("/incidents/" + first.String()).Want(http.StatusOK).Text("main"); !strings.Contains(s, "Not <b>good</b>.") {
			t.Errorf("the page of the ticket: %s", s)
		}
		if s := admin.Get("/incidents?satisfaction.before=3").Text("main"); !strings.Contains(s, "No network") || strings.Contains(s, "Before anybody") {
			t.Errorf("the list: %s", s)
		}
		if p := admin.Get("/standard-reports/satisfaction?days=0").Want(http.StatusOK); !strings.Contains(p.Text("main"), "Satisfaction") {
			t.Errorf("the reports: %s", p.Text("main"))
		}
		for _, who := range []access.Role{access.Editor, access.Manager} { // its owner, and who leads the team
			if s := c.As(who).Get("/notifications").Text("main"); !strings.Contains(s, "content to 2 of 5") {
				t.Errorf("%s is told %s", who, s)
			}
		}
		var n int
		c.Change(func(tx *gate.Tx) error {
			return tx.QueryRow(`select count(*) from audit_entry where action = 'survey.answer'`).Scan(&n)
		})
		if n != 1 {
			t.Errorf("%d answers in the audit log", n)
		}
	})
	t.Run("nobody is asked again soon, and in the portal", func(t *testing.T) {
		again := c.resolved(nora, "Still no network")
		his := c.resolved(omar, "The printer")
		c.NewUser("omar@harbour.example", "Omar Reyes", access.SelfService)
		c.NewUser("nora@harbour.example", "Nora Lind", access.SelfService)
		c.Clock.Advance(5 * time.Hour)
		c.run()
		if c.link(again) != "" {
			t.Error("she is asked twice in a fortnight")
		}
		link := c.link(his)
		page := "/portal/tickets/" + his.String()
		him, her := c.SignIn("omar@harbour.example"), c.SignIn("nora@harbour.example")
		if p := him.Get(page).Want(http.StatusOK); p.Count("input[name=score]") != 5 {
			t.Errorf("his ticket: %s", p.Text("main"))
		}
		her.Post(page+"/content", url.Values{"score": {"1"}}).Want(http.StatusNotFound)
		her.Post("/portal/tickets/"+again.String()+"/content", url.Values{"score": {"1"}}).Want(http.StatusNotFound)
		if p := him.Post(page+"/content", url.Values{"words": {"Fine."}}).Want(http.StatusUnprocessableEntity); p.Text("#f-words") != "Fine." {
			t.Error("what he typed is lost")
		}
		him.Post(page+"/content", url.Values{"score": {"5"}}).Want(http.StatusSeeOther)
		him.Post(page+"/content", url.Values{"score": {"1"}}).Want(http.StatusSeeOther)
		if c.said(his) != int64(5) || !strings.Contains(him.Get(page).Text("main"), "You said 5 of 5") {
			t.Errorf("kept is %v", c.said(his))
		}
		out.Post(link, url.Values{"score": {"1"}}).Want(http.StatusSeeOther) // by the mail as well: the first one stands
		if c.said(his) != int64(5) {
			t.Errorf("kept is %v", c.said(his))
		}
	})
	t.Run("A8 after the end", func(t *testing.T) {
		c.Clock.Advance(15 * 24 * time.Hour)
		third := c.resolved(nora, "A third time")
		c.Clock.Advance(5 * time.Hour)
		c.run()
		link := c.link(third)
		out.Get(link).Want(http.StatusOK)
		c.Clock.Advance(7*24*time.Hour + time.Minute)
		out.Get(link).Want(http.StatusNotFound)
		out.Post(link, url.Values{"score": {"1"}}).Want(http.StatusNotFound)
		if c.said(third) != nil {
			t.Errorf("answered %v", c.said(third))
		}
		var plain int
		c.Change(func(tx *gate.Tx) error {
			return tx.QueryRow(`select count(*) from survey where mark = ?`, []byte(link[strings.LastIndex(link, ".")+1:])).Scan(&plain)
		})
		if plain != 0 {
			t.Error("a link is kept as it is")
		}
	})
}
