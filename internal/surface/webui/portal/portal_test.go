package portal_test

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/announcement"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/knowledge"
	"strongroom/internal/feature/offering"
	"strongroom/internal/feature/portal/brand"
	"strongroom/internal/feature/relation"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// planted stands in all that no customer may read.
const planted = "PLANTED"

// counter is a house with two organizations and their customers: Nora and her boss of one,
// who speaks for it, and Zoe of the other.
type counter struct {
	*webuitest.House
	org, other             id.ID
	nora, boss, zoe, omar  *webuitest.Client
	noraID, omarID, bossID id.ID
	mine, hers, wish       id.ID // tickets: Nora's, Zoe's; what Nora ordered
	offer, secretOffer     id.ID
	article, staff         id.ID
	foreign                id.ID // an article for customers of the other organization
	news                   id.ID
}

func (c *counter) customer(name, email string, org id.ID, more record.Values) (*webuitest.Client, id.ID) {
	first, last, _ := strings.Cut(name, " ")
	who := c.Make("contact", org, record.Values{"first_name": first, "last_name": last, "contact_emails": []map[string]any{{"value": email, "primary": true}}})
	user := c.NewUser(email, name, access.SelfService)
	if more != nil {
		c.Change(func(tx *gate.Tx) error { _, err := c.Records.Update(tx, "user", user, 0, more); return err })
	}
	return c.SignIn(email), who
}

// publish takes an article through its review.
func (c *counter) publish(article id.ID) {
	for _, state := range []string{knowledge.InReview, knowledge.Reviewed, knowledge.Published} {
		c.Change(func(tx *gate.Tx) error {
			_, err := c.Records.Update(tx, knowledge.Kind, article, 0, record.Values{"status": state})
			return err
		})
	}
}

func openCounter(t *testing.T) *counter {
	t.Helper()
	c := &counter{House: webuitest.Open(t, webuitest.Options{})}
	c.org, c.other = c.Org("Harbour Dental"), c.Org(planted+" Other")
	c.nora, c.noraID = c.customer("Nora Lind", "nora@harbour.example", c.org, nil)
	c.boss, c.bossID = c.customer("Bea Holm", "bea@harbour.example", c.org, record.Values{"speaks_for_organization": true})
	c.omar, c.omarID = c.customer("Omar Reyes", "omar@harbour.example", c.org, nil)
	c.zoe, _ = c.customer("Zoe "+planted, "zoe@other.example", c.other, nil)
	group := c.Make("team", 0, record.Values{"name": planted + " team"})
	known := record.Values{"name": "No network", "contact_id": c.noraID, "description": "<p>The plug is dead.</p>", "status": "Active", "team_id": group, "owner_id": c.UserID(access.Editor),
		"category_id": c.One("category", "Connectivity"), "service_id": c.Make("service", 0, record.Values{"name": planted + " service"})}
	c.mine = c.Make(incident.Kind, c.org, known)
	zoe := c.Make("contact", c.other, record.Values{"first_name": planted, "last_name": "Zed"})
	c.hers = c.Make(incident.Kind, c.other, record.Values{"name": planted + " of others", "contact_id": zoe})
	for _, e := range []record.Values{
		{"journal_type": entry.Reply, "notes_body": "<p>We are looking into it.</p>"},
		{"journal_type": entry.Note, "notes_body": "<p>" + planted + " internal note</p>"},
		{"journal_type": entry.WorkNote, "notes_body": "<p>" + planted + " work note</p>"},
	} {
		e["incident_id"] = c.mine
		c.Make(entry.Kind, 0, e)
	}
	if _, err := c.Server.Attachments.Add(t.Context(), c.Admin(), c.mine, planted+".txt", strings.NewReader(planted)); err != nil {
		t.Fatal(err)
	}
	c.Make("password", c.org, record.Values{"name": planted + " network password", "password": planted})
	c.Make("document", c.org, record.Values{"name": planted + " network plan"})
	c.offer = c.Make(offering.Kind, 0, record.Values{"name": "New telephone", "description": "<p>A telephone for the network.</p>", "status": "Published", "approval": true, "category_id": c.One("category", "Hardware"), "price": 199.0})
	colour := c.Make(offering.QuestionKind, 0, record.Values{"offering_id": c.offer, "name": "Which colour", "answer_type": "combo", "choices": "Black\nOther", "required": true, "order": 1})
	c.Make(offering.QuestionKind, 0, record.Values{"offering_id": c.offer, "name": "Which other one", "required": true, "when_id": colour, "when_answer": "Other", "order": 2})
	c.Make(offering.QuestionKind, 0, record.Values{"offering_id": c.offer, "name": "How many", "answer_type": "number", "least": 1.0, "most": 3.0, "order": 3})
	c.secretOffer = c.Make(offering.Kind, c.other, record.Values{"name": planted + " telephone network", "description": "<p>x</p>", "status": "Published"})
	c.Make(offering.Kind, 0, record.Values{"name": planted + " draft network", "description": "<p>x</p>"})
	c.article = c.Make(knowledge.Kind, 0, record.Values{"name": "When the network is slow", "audience": "Customers", "body": `<p>See <a href="/passwords/1">` + "the box" + `</a> and restart it.</p>`, "resolution": "<p>Restart.</p>"})
	c.staff = c.Make(knowledge.Kind, 0, record.Values{"name": planted + " network for staff", "body": "<p>x</p>"})
	c.publish(c.article)
	c.publish(c.staff)
	c.Make(knowledge.Kind, 0, record.Values{"name": planted + " draft about the network", "audience": "Customers", "body": "<p>x</p>"})
	c.foreign = c.Make(knowledge.Kind, c.other, record.Values{"name": planted + " network of others", "audience": "Customers", "body": "<p>x</p>"})
	c.publish(c.foreign)
	c.news = c.Make(announcement.Kind, 0, record.Values{"name": "The network is down tonight", "status": "Published", "severity": "Planned work", "publish_on": "2026-03-01", "body": "<p>From ten.</p>"})
	c.Make(announcement.Kind, 0, record.Values{"name": planted + " tomorrow", "status": "Published", "publish_on": "2026-03-05", "body": "<p>x</p>"})
	c.Make(announcement.Kind, c.other, record.Values{"name": planted + " elsewhere", "status": "Published", "publish_on": "2026-03-01", "body": "<p>x</p>"})
	c.Make(ballot.PlanKind, 0, record.Values{"name": "Orders", "of_kind": "service_request", "phases": []map[string]any{{"name": planted, "who": ballot.Person, "named": "bea@harbour.example", "rule": "All", "hours": 48}}})
	return c
}

func at(base string, n id.ID) string { return "/portal/" + base + "/" + n.String() }

// clean fails when a page tells what is planted.
func clean(t *testing.T, p *webuitest.Page) *webuitest.Page {
	t.Helper()
	if strings.Contains(p.Body, planted) {
		i := strings.Index(p.Body, planted)
		t.Errorf("%s tells %.100s", p.Path, p.Body[max(0, i-50):])
	}
	return p
}

// order fills in the form of the offering.
func (c *counter) order(who *webuitest.Client, colour, number string) (url.Values, *webuitest.Page) {
	p := who.Get(at("catalogue", c.offer)).Want(http.StatusOK)
	f := p.Form("form.pform")
	names := p.Attrs(`.pstep [name^="q"]`, "name")
	f.Set(names[0], colour)
	f.Set(names[len(names)-1], number)
	return f, p
}

// TestPortal: what a customer does from her first look to the end of a ticket, and that
// nothing of what is planted reaches her, whatever she asks for.
func TestPortal(t *testing.T) {
	c := openCounter(t)
	var reported string
	t.Run("she is led to the portal, and nothing else is there", func(t *testing.T) {
		if p := c.nora.Get("/"); p.Status != http.StatusSeeOther || p.To() != "/portal" {
			t.Errorf("the first page: %d to %s", p.Status, p.To())
		}
		for _, path := range []string{"/incidents", "/incidents/" + c.mine.String(), "/search?q=network", "/users", "/settings", "/votes", "/passwords", "/new", "/organizations/" + c.org.String(), "/account", "/settings/portal"} {
			clean(t, c.nora.Get(path).Want(http.StatusNotFound))
		}
		c.nora.Post("/tickets/"+c.mine.String()+"/say", url.Values{"notes_body": {"x"}}).Want(http.StatusNotFound)
		clean(t, c.nora.Get("/me/security").Want(http.StatusOK))
	})
	t.Run("pages tell nothing that is planted", func(t *testing.T) {
		for _, path := range []string{"/portal", "/portal/search?q=network", "/portal/suggest?q=the+network+is+planted", "/portal/report", "/portal/catalogue", at("catalogue", c.offer), "/portal/tickets", "/portal/tickets?show=closed", "/portal/tickets?show=all",
			at("tickets", c.mine), at("articles", c.article), at("announcements", c.news), "/portal/approvals"} {
			clean(t, c.nora.Get(path).Want(http.StatusOK))
		}
		for _, path := range []string{at("tickets", c.hers), at("tickets", c.offer), at("catalogue", c.secretOffer), at("articles", c.staff), at("articles", c.foreign), at("articles", c.mine), "/portal/tickets/999999", at("approvals", c.mine)} {
			clean(t, c.nora.Get(path).Want(http.StatusNotFound))
		}
		for _, path := range []string{"/portal/suggest?q=network", "/portal/search?q=network"} { // while typing too, each finds what is hers
			if p := c.zoe.Get(path).Want(http.StatusOK); !strings.Contains(p.Body, planted+" network of others") || strings.Contains(p.Body, "for staff") || strings.Contains(p.Body, "draft") {
				t.Errorf("a customer of the other organization finds by %s: %s", path, p.Body)
			}
			if p := c.nora.Get(path).Want(http.StatusOK); !strings.Contains(p.Body, "When the network is slow") {
				t.Errorf("by %s she does not find her own: %s", path, p.Body)
			}
		}
		c.zoe.Get(at("articles", c.foreign)).Want(http.StatusOK)
		if p := c.zoe.Get(at("tickets", c.mine)); p.Status != http.StatusNotFound {
			t.Errorf("a customer of another organization reads a ticket: %d", p.Status)
		}
		if p := c.omar.Get(at("tickets", c.mine)); p.Status != http.StatusNotFound {
			t.Errorf("a colleague reads a ticket: %d", p.Status)
		}
		c.boss.Get(at("tickets", c.mine)).Want(http.StatusOK)
		if s := c.boss.Get("/portal/tickets?show=all").Text("main"); !strings.Contains(s, "No network") || !strings.Contains(s, "for Nora Lind") {
			t.Errorf("who speaks for the organization sees %s", s)
		}
		home := c.nora.Get("/portal")
		if s := home.Text("main"); !strings.Contains(s, "No network") || !strings.Contains(s, "Being worked on") || !strings.Contains(s, "The network is down tonight") {
			t.Errorf("the first page: %s", s)
		}
		if a := c.nora.Get(at("articles", c.article)); a.Has(`.prose a`) || !strings.Contains(a.Text("main"), "the box") {
			t.Error("a link into the house stands in an article")
		}
	})
	t.Run("a report", func(t *testing.T) {
		f := c.nora.Get("/portal/report").Want(http.StatusOK).Form("form.pform")
		f.Set("text", "It is <b>dead</b>.")
		if p := c.nora.Upload("/portal/report", f, map[string]string{"files": "picture"}).Want(http.StatusUnprocessableEntity); !p.Has("#e-subject") || p.Text("#f-text") != "It is <b>dead</b>." {
			t.Errorf("what was typed is lost: %s", p.Text("main"))
		}
		if p := c.nora.Upload("/portal/report", f, map[string]string{"files": "picture"}); p.Count(`input[name="keep"]`) != 1 {
			t.Errorf("the file is lost: %s", p.Text("main"))
		}
		f.Set("keep", "0")
		if p := c.omar.Upload("/portal/report", f, nil).Want(http.StatusUnprocessableEntity); p.Has(`input[name="keep"]`) {
			t.Error("somebody else is given her file")
		}
		f.Set("subject", "The printer")
		f.Set("for", c.omarID.String())
		c.nora.Upload("/portal/report", f, nil).Want(http.StatusUnprocessableEntity) // she speaks for nobody
		f.Del("for")
		reported = c.nora.Upload("/portal/report", f, map[string]string{"files": "a picture"}).Want(http.StatusSeeOther).To()
		if r := c.nora.Get(reported); r.Count(".files a") != 2 || r.Attr(".files a", "href") == "" {
			t.Errorf("what was held and what was added: %s", r.Text("main"))
		}
		if again := c.nora.Upload("/portal/report", f, nil).Want(http.StatusSeeOther).To(); again != reported {
			t.Errorf("sent twice it makes two tickets: %s and %s", reported, again)
		}
		p := clean(t, c.nora.Get(reported).Want(http.StatusOK))
		if s := p.Text("main"); !strings.Contains(s, "It is <b>dead</b>.") || !strings.Contains(s, "Received") {
			t.Errorf("the ticket: %s", s)
		}
		file := p.Attr(".files a", "href")
		if got := c.nora.Get(file).Want(http.StatusOK); got.Body != "picture" {
			t.Errorf("the file: %.100s", got.Body)
		}
		c.omar.Get(file).Want(http.StatusNotFound)
		c.nora.Get("/portal/files/" + c.fileOf(c.mine).String()).Want(http.StatusNotFound)
		rid, _ := id.Parse(reported[strings.LastIndex(reported, "/")+1:])
		r := c.Load(incident.Kind, rid)
		if r.Values.Text("source") != "Self Service" || r.Values.ID("contact_id") != c.noraID || r.Values.ID("owner_id") != 0 || r.Org != c.org {
			t.Errorf("the incident: %v", r.Values)
		}
		g := c.boss.Get("/portal/report").Want(http.StatusOK).Form("form.pform")
		g.Set("subject", "For Omar")
		g.Set("text", "He cannot.")
		g.Set("for", c.omarID.String())
		to := c.boss.Upload("/portal/report", g, nil).Want(http.StatusSeeOther).To()
		c.omar.Get(to).Want(http.StatusOK)
		c.nora.Get(to).Want(http.StatusNotFound)
	})
	t.Run("her devices, and a problem with one of them", func(t *testing.T) {
		kind := c.One("configuration_type", "Laptop")
		device := func(org, of id.ID, name string) id.ID {
			return c.Make("configuration", org, record.Values{"name": name, "configuration_type_id": kind, "contact_id": of, "serial_number": "SN-77", "primary_ip": "10.9.8.7", "notes": "<p>" + planted + " notes</p>"})
		}
		hers, his := device(c.org, c.noraID, "HD-LT-07"), device(c.org, c.omarID, planted+" of Omar")
		device(c.org, 0, planted+" of nobody")
		list := clean(t, c.nora.Get("/portal/devices").Want(http.StatusOK))
		if s := list.Text("main"); list.Count(".pdevice") != 1 || !strings.Contains(s, "Laptop · Serial number SN-77") || strings.Contains(s, "10.9.8.7") {
			t.Errorf("her devices: %s", s)
		}
		if p := c.zoe.Get("/portal/devices").Want(http.StatusOK); p.Has(".pdevice") || !strings.Contains(p.Text("main"), "tell the service desk") {
			t.Errorf("who has none: %s", p.Text("main"))
		}
		form := clean(t, c.nora.Get(list.Attr(".pdevice a", "href")).Want(http.StatusOK))
		f := form.Form("form.pform")
		if f.Get("device") != hers.String() {
			t.Fatalf("the form is about %q", f.Get("device"))
		}
		f.Set("subject", "The lid is loose")
		f.Set("text", "Since today.")
		f.Set("device", his.String())
		if p := c.nora.Upload("/portal/report", f, nil).Want(http.StatusUnprocessableEntity); !p.Has("#e-device") || p.Attr("#f-subject", "value") != "The lid is loose" {
			t.Errorf("a device of a colleague: %s", p.Text("main"))
		}
		f.Set("device", hers.String())
		to := c.nora.Upload("/portal/report", f, nil).Want(http.StatusSeeOther).To()
		if s := clean(t, c.nora.Get(to).Want(http.StatusOK)).Text("main"); !strings.Contains(s, "About HD-LT-07") {
			t.Errorf("her ticket: %s", s)
		}
		ticket, _ := id.Parse(to[strings.LastIndex(to, "/")+1:])
		if s := c.As(access.Editor).Get("/incidents/" + ticket.String()).Want(http.StatusOK).Text("body"); !strings.Contains(s, "HD-LT-07") {
			t.Error("the desk does not see which device it is about")
		}
		c.Change(func(tx *gate.Tx) error { // what the desk relates is not hers to see
			_, err := (&relation.Relations{Records: c.Records}).Add(tx, ticket, his, "")
			return err
		})
		for _, who := range []*webuitest.Client{c.nora, c.boss} {
			clean(t, who.Get(to).Want(http.StatusOK))
		}
		if s := c.boss.Get(to).Text("main"); strings.Contains(s, "HD-LT-07") {
			t.Errorf("her boss sees her device: %s", s)
		}
	})
	t.Run("the tickets of a department, for who is allowed to see them", func(t *testing.T) {
		led, own, apart := c.Make("department", c.org, record.Values{"name": "Surgery"}), c.Make("department", c.org, record.Values{"name": "Front desk"}), c.Make("department", c.other, record.Values{"name": "Front desk"})
		in := func(contact, department id.ID) {
			c.Change(func(tx *gate.Tx) error {
				_, err := c.Records.Update(tx, "contact", contact, 0, record.Values{"department_id": department})
				return err
			})
		}
		kay, kayID := c.customer("Kay Moss", "kay@harbour.example", c.org, nil)
		_, leeID := c.customer("Lee Vance", "lee@harbour.example", c.org, nil)
		user := c.caller(t, "kay@harbour.example").User
		may := func(v record.Values) {
			c.Change(func(tx *gate.Tx) error { _, err := c.Records.Update(tx, "user", user, 0, v); return err })
		}
		in(kayID, own)
		in(leeID, own)
		in(c.omarID, led)
		c.Change(func(tx *gate.Tx) error {
			for _, d := range []id.ID{led, apart} {
				if _, err := c.Records.Update(tx, "department", d, 0, record.Values{"manager_id": user}); err != nil {
					return err
				}
			}
			return nil
		})
		ticket := func(org, contact id.ID, name string) id.ID {
			n := c.Make(incident.Kind, org, record.Values{"name": name, "contact_id": contact})
			c.Make(entry.Kind, 0, record.Values{"incident_id": n, "journal_type": entry.Note, "notes_body": "<p>" + planted + " internal</p>"})
			return n
		}
		lees, omars, noras, secret := ticket(c.org, leeID, "Of Lee"), ticket(c.org, c.omarID, "Of Omar"), ticket(c.org, c.noraID, "Of Nora"), ticket(c.org, leeID, planted+" private")
		c.Change(func(tx *gate.Tx) error {
			_, err := c.Records.Update(tx, incident.Kind, secret, 0, record.Values{"restricted": true})
			return err
		})
		kin := c.Make("contact", c.other, record.Values{"first_name": "Kin", "last_name": "Other", "department_id": apart})
		theirs := ticket(c.other, kin, planted+" of others")
		sees := func(when string, want ...id.ID) {
			t.Helper()
			for _, n := range []id.ID{lees, omars, noras, secret, theirs} {
				status := http.StatusNotFound
				if slices.Contains(want, n) {
					status = http.StatusOK
				}
				if p := clean(t, kay.Get(at("tickets", n))); p.Status != status {
					t.Errorf("%s: ticket %s answers %d, want %d", when, c.Load(incident.Kind, n).Name, p.Status, status)
				}
			}
			list := clean(t, kay.Get("/portal/tickets?show=all").Want(http.StatusOK))
			for _, n := range []id.ID{lees, omars, noras, secret, theirs} {
				if list.Has(`.plist a[href="`+at("tickets", n)+`"]`) != slices.Contains(want, n) {
					t.Errorf("%s: ticket %s is listed wrongly", when, c.Load(incident.Kind, n).Name)
				}
			}
		}
		sees("before she is allowed")
		may(record.Values{"speaks_for_department": true})
		sees("for her department and the one that she manages", lees, omars)
		if s := kay.Get("/portal/tickets?show=all").Text("main"); !strings.Contains(s, "Of my department") || !strings.Contains(s, "for Lee Vance") {
			t.Errorf("the list: %s", s)
		}
		f := kay.Get("/portal/report").Want(http.StatusOK).Form("form.pform")
		f.Set("subject", "x")
		f.Set("text", "x")
		f.Set("for", leeID.String())
		kay.Upload("/portal/report", f, nil).Want(http.StatusUnprocessableEntity) // she sees them, and speaks for nobody
		in(leeID, 0)
		sees("after Lee has left the department", omars)
		may(record.Values{"speaks_for_department": false})
		sees("when it is taken back")
	})
	t.Run("answers move the ticket as its lifecycle allows", func(t *testing.T) {
		page := at("tickets", c.mine)
		say := func(who *webuitest.Client, do, text string) *webuitest.Page {
			return who.Upload(page+"/answer", url.Values{"do": {do}, "text": {text}}, nil)
		}
		status := func() string { return c.Load(incident.Kind, c.mine).Values.Text("status") }
		set := func(v record.Values) {
			c.Change(func(tx *gate.Tx) error { _, err := c.Records.Update(tx, incident.Kind, c.mine, 0, v); return err })
		}
		say(c.nora, "say", " ").Want(http.StatusUnprocessableEntity)
		say(c.nora, "reopen", "It is not solved").Want(http.StatusConflict)
		say(c.omar, "say", "I am not of this").Want(http.StatusNotFound)
		set(record.Values{"status": incident.WaitCustomer})
		say(c.nora, "say", "It is the left one.").Want(http.StatusSeeOther)
		if status() != incident.Active {
			t.Errorf("after her answer it is %s", status())
		}
		set(record.Values{"status": incident.Resolved, "resolution": "<p>" + planted + " way</p>", "cause_code": "Hardware"})
		say(c.nora, "reopen", "Still dead.").Want(http.StatusSeeOther)
		if status() != incident.Active {
			t.Errorf("not solved, it is %s", status())
		}
		set(record.Values{"status": incident.Resolved})
		say(c.nora, "close", "").Want(http.StatusSeeOther)
		if status() != incident.Closed {
			t.Errorf("closed by her it is %s", status())
		}
		say(c.nora, "say", "One more").Want(http.StatusConflict)
		p := clean(t, c.nora.Get(page).Want(http.StatusOK))
		if s := p.Text(".pthread"); !strings.Contains(s, "Service desk") || !strings.Contains(s, "Still dead.") || strings.Index(s, "We are looking") > strings.Index(s, "Still dead.") {
			t.Errorf("the thread: %s", s)
		}
		if p.Has("form.pform") {
			t.Error("a closed ticket can be answered")
		}
	})
	t.Run("an order is checked, approved by who is asked, and once", func(t *testing.T) {
		if f, _ := c.order(c.nora, "Other", "5"); true {
			p := c.nora.Upload(at("catalogue", c.offer), f, nil).Want(http.StatusUnprocessableEntity)
			if p.Count(".pstep small.err") != 2 || p.Attr(`.pstep input[type="number"]`, "value") != "5" {
				t.Errorf("what is wrong: %s", p.Text("form.pform"))
			}
		}
		f, _ := c.order(c.nora, "Black", "2")
		to := c.nora.Upload(at("catalogue", c.offer), f, nil).Want(http.StatusSeeOther).To()
		p := clean(t, c.nora.Get(to).Want(http.StatusOK))
		if s := p.Text("main"); !strings.Contains(s, "Waiting for approval") || !strings.Contains(s, "Black") || strings.Contains(s, "Which other") {
			t.Errorf("the order: %s", s)
		}
		c.wish, _ = id.Parse(to[strings.LastIndex(to, "/")+1:])
		ask := clean(t, c.boss.Get("/portal/approvals").Want(http.StatusOK)).Attr(`main a[href^="/portal/approvals/"]`, "href")
		votes := func() (n int) {
			c.Change(func(tx *gate.Tx) error {
				return tx.QueryRow(`select count(*) from ballot_event where what = 'voted'`).Scan(&n)
			})
			return n
		}
		clean(t, c.boss.Get(ask+"?yes=1").Want(http.StatusOK)) // A1: a scanner that follows the link votes nothing
		c.nora.Get(ask).Want(http.StatusNotFound)
		c.nora.Post(ask, url.Values{"yes": {"1"}}).Want(http.StatusNotFound)
		c.zoe.Post(ask, url.Values{"yes": {"1"}}).Want(http.StatusNotFound)
		c.boss.Post(ask, url.Values{"yes": {"0"}}).Want(http.StatusUnprocessableEntity)
		if votes() != 0 {
			t.Error("somebody voted by looking")
		}
		c.boss.Post(ask, url.Values{"yes": {"1"}}).Want(http.StatusSeeOther)
		c.boss.Post(ask, url.Values{"yes": {"1"}}).Want(http.StatusNotFound) // decided
		if votes() != 1 {
			t.Errorf("%d votes", votes())
		}
	})
	t.Run("an article is judged once a person", func(t *testing.T) {
		for _, x := range []struct {
			who  *webuitest.Client
			said string
		}{{c.nora, "0"}, {c.nora, "1"}, {c.omar, "0"}} {
			x.who.Post(at("articles", c.article)+"/helped", url.Values{"helped": {x.said}, "words": {"Well."}}).Want(http.StatusSeeOther)
		}
		c.nora.Post(at("articles", c.staff)+"/helped", url.Values{"helped": {"1"}}).Want(http.StatusNotFound)
		if a := c.Load(knowledge.Kind, c.article); a.Values["helpful"] != int64(1) || a.Values["unhelpful"] != int64(1) {
			t.Errorf("counted: %v helped, %v did not", a.Values["helpful"], a.Values["unhelpful"])
		}
		if s := c.omar.Get(at("articles", c.article)).Text("form.pform"); !strings.Contains(s, "did not help") {
			t.Errorf("what he said: %s", s)
		}
	})
	t.Run("an article solves her ticket, and what she does not find is told to authors", func(t *testing.T) {
		own := c.Make(incident.Kind, c.org, record.Values{"name": "The network is slow again", "contact_id": c.noraID, "status": "Active", "team_id": c.Load(incident.Kind, c.mine).Values.ID("team_id"), "owner_id": c.UserID(access.Editor),
			"category_id": c.One("category", "Connectivity"), "service_id": c.Load(incident.Kind, c.mine).Values.ID("service_id")})
		page := at("tickets", own)
		p := clean(t, c.nora.Get(page).Want(http.StatusOK))
		if p.Count(".phelps") != 1 || p.Attr(".phelps button", "value") != c.article.String() {
			t.Errorf("what may help: %s", p.Text("main"))
		}
		c.omar.Post(page+"/solved", url.Values{"article": {c.article.String()}}).Want(http.StatusNotFound)
		c.nora.Post(page+"/solved", url.Values{"article": {c.staff.String()}}).Want(http.StatusNotFound)
		c.nora.Post(page+"/solved", url.Values{"article": {c.article.String()}}).Want(http.StatusSeeOther)
		r := c.Load(incident.Kind, own)
		if r.Values.Text("status") != incident.Resolved || r.Values.ID("article_id") != c.article || r.Values.ID("owner_id") != c.UserID(access.Editor) {
			t.Errorf("the ticket: %v", r.Values)
		}
		c.nora.Post(page+"/solved", url.Values{"article": {c.article.String()}}).Want(http.StatusConflict)
		bare := c.Make(incident.Kind, c.org, record.Values{"name": "The network is gone", "contact_id": c.noraID})
		c.nora.Post(at("tickets", bare)+"/solved", url.Values{"article": {c.article.String()}}).Want(http.StatusSeeOther)
		if r := c.Load(incident.Kind, bare); r.Values.ID("article_id") != c.article || r.Values.ID("owner_id") != 0 || r.Values["resolved_at"] != nil {
			t.Errorf("a ticket of which nothing is known: %v", r.Values)
		}
		c.nora.Get("/portal/search?q=zebra+crossing").Want(http.StatusOK)
		admin := c.As(access.Administrator)
		care := admin.Get("/knowledge").Want(http.StatusOK)
		if s := care.Text("main"); !strings.Contains(s, "zebra crossing") || !strings.Contains(s, "When the network is slow") || strings.Contains(s, "Nora") {
			t.Errorf("what needs care: %s", s)
		}
		c.As(access.ReadOnly).Get("/knowledge").Want(http.StatusNotFound)
		edited := "/knowledge_articles/" + c.article.String()
		if s := admin.Get(edited).Want(http.StatusOK).Text("main"); !strings.Contains(s, "2 incidents solved") {
			t.Errorf("the article: %s", s)
		}
		if p := admin.Get(edited + "/editions").Want(http.StatusOK); !strings.Contains(p.Text("main"), "Edition 1") || p.Has(`form[action$="/editions"]`) {
			t.Errorf("its editions: %s", p.Text("main"))
		}
		if hand := admin.Get("/incidents/" + bare.String()).Want(http.StatusOK); !hand.Has(`form[action="/tickets/` + bare.String() + `/solved"]`) {
			t.Errorf("at hand: %s", hand.Text("#hand"))
		}
		admin.Post("/tickets/"+bare.String()+"/solved", url.Values{"article": {c.article.String()}}).Want(http.StatusSeeOther)
	})
	t.Run("programs get nothing by her account", func(t *testing.T) {
		caller := c.caller(t, "nora@harbour.example")
		for _, via := range []string{"api key", "token", "job", ""} {
			caller.Via = via
			if err := c.Gate.View(t.Context(), caller, func(*gate.Tx) error { return nil }); err == nil {
				t.Errorf("a customer gets in by %q", via)
			}
		}
	})
	t.Run("her own looks", func(t *testing.T) {
		admin := c.As(access.Administrator)
		f := url.Values{"name": {"Harbour help"}, "colour": {"#ffee00"}, "welcome": {"Ask us."}}
		if p := admin.Upload("/settings/portal", url.Values{"colour": {"red"}}, nil).Want(http.StatusUnprocessableEntity); !p.Has("#e-colour") {
			t.Error("red is a colour")
		}
		if p := admin.Upload("/settings/portal", f, map[string]string{"logo": "<svg onload=alert(1)>"}).Want(http.StatusUnprocessableEntity); !p.Has("#e-logo") {
			t.Error("a drawing that runs is a logo")
		}
		admin.Upload("/settings/portal", f, nil).Want(http.StatusSeeOther)
		var logo bytes.Buffer
		if err := png.Encode(&logo, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
			t.Fatal(err)
		}
		for _, x := range []struct{ logo, away string }{{"", ""}, {logo.String(), ""}, {"", "1"}} { // a logo is taken away where there is one
			files := map[string]string{"logo": x.logo}
			if x.logo == "" {
				files = nil
			}
			f.Set("away", x.away)
			admin.Upload("/settings/portal", f, files).Want(http.StatusSeeOther)
			if has := admin.Get("/settings/portal").Want(http.StatusOK).Has("#f-away"); has != (x.logo != "") {
				t.Errorf("with a logo of %d bytes one can be taken away: %t", len(x.logo), has)
			}
		}
		p := c.nora.Get("/portal").Want(http.StatusOK)
		css := c.nora.Get(p.Attr(`link[href^="/portal/style.css"]`, "href")).Want(http.StatusOK)
		if !strings.Contains(p.Text("header"), "Harbour help") || !strings.Contains(p.Text("main"), "Ask us.") || !strings.Contains(css.Body, "--acc-on:#000000") {
			t.Errorf("the brand: %s; %s", p.Text("header"), css.Body)
		}
	})
	t.Run("who works with all organizations sees it as she does, and does nothing", func(t *testing.T) {
		user := c.caller(t, "nora@harbour.example").User.String()
		entries := func(action string) (n int) {
			c.Change(func(tx *gate.Tx) error {
				return tx.QueryRow(`select count(*) from audit_entry where action = ? and result = 'ok'`, action).Scan(&n)
			})
			return n
		}
		agent := c.As(access.Editor)
		if p := agent.Get("/contacts/" + c.noraID.String()).Want(http.StatusOK); !p.Has(`form[action="/users/` + user + `/as"]`) {
			t.Errorf("beside the contact: %s", p.Text("main"))
		}
		for _, role := range []access.Role{access.Lite, access.ReadOnly} {
			if p := c.As(role).Post("/users/"+user+"/as", nil); p.Status != http.StatusForbidden && p.Status != http.StatusNotFound {
				t.Errorf("%s looks as a customer: %d", role, p.Status)
			}
		}
		agent.Post("/users/"+c.UserID(access.Manager).String()+"/as", nil).Want(http.StatusForbidden)
		if entries("as.begin") != 0 {
			t.Error("somebody was let")
		}
		agent.Post("/users/"+user+"/as", nil).Want(http.StatusSeeOther)
		if p := agent.Get("/"); p.Status != http.StatusSeeOther || p.To() != "/portal" {
			t.Errorf("the first page: %d to %s", p.Status, p.To())
		}
		for _, path := range []string{"/portal", at("tickets", c.mine), at("articles", c.article), "/portal/catalogue"} {
			if p := clean(t, agent.Get(path).Want(http.StatusOK)); !strings.Contains(p.Text(".notice"), "as Nora Lind does") {
				t.Errorf("%s does not say through whose eyes: %s", path, p.Text("body"))
			}
		}
		for _, path := range []string{"/incidents", "/incidents/" + c.mine.String(), at("tickets", c.hers), "/contacts/" + c.noraID.String()} {
			clean(t, agent.Get(path).Want(http.StatusNotFound))
		}
		agent.Get("/me/security").Want(http.StatusForbidden)
		agent.Post(at("articles", c.article)+"/helped", url.Values{"helped": {"0"}}).Want(http.StatusForbidden)
		agent.Upload(at("tickets", c.mine)+"/answer", url.Values{"do": {"say"}, "text": {"x"}}, nil).Want(http.StatusForbidden)
		agent.Get("/as").Want(http.StatusOK)
		agent.Post("/as/end", nil).Want(http.StatusSeeOther)
		agent.Get("/incidents").Want(http.StatusOK)
		if entries("as.begin") != 1 || entries("as.end") != 1 {
			t.Errorf("recorded: begun %d, ended %d", entries("as.begin"), entries("as.end"))
		}
	})
	t.Run("before sign-in stands what was chosen for that, and mail bears it", func(t *testing.T) {
		out, admin := c.Client(), c.As(access.Administrator)
		here := "/sign-in?company=" + c.Tenant().Name
		if s := out.Get(here).Want(http.StatusOK).Text("main"); strings.Contains(s, "Harbour help") || strings.Contains(s, "network is down") {
			t.Errorf("strangers read %s", s)
		}
		for _, file := range []string{"/logo", "/style.css"} {
			out.Get("/sign-in/brand/" + c.Tenant().Name + file).Want(http.StatusNotFound)
			out.Get("/sign-in/brand/nobody" + file).Want(http.StatusNotFound)
		}
		theirs := c.Make(announcement.Kind, c.other, record.Values{"name": planted + " for one", "status": "Published", "publish_on": "2026-03-01", "body": "<p>x</p>"})
		err := c.Gate.Change(t.Context(), c.Admin(), access.Edit, gate.Thing{ID: theirs}, func(tx *gate.Tx) error {
			_, err := c.Records.Update(tx, announcement.Kind, theirs, 0, record.Values{"at_sign_in": true})
			return err
		})
		if err == nil {
			t.Error("an announcement of one organization stands before sign-in")
		}
		c.Change(func(tx *gate.Tx) error {
			_, err := c.Records.Update(tx, announcement.Kind, c.news, 0, record.Values{"at_sign_in": true})
			return err
		})
		f := admin.Get("/settings/portal").Want(http.StatusOK).Form("form.genform")
		f.Set("outside", "1")
		f.Set("name", "Harbour help")
		f.Set("colour", "#ffcc00")
		admin.Upload("/settings/portal", f, nil).Want(http.StatusSeeOther)
		p := clean(t, out.Get(here).Want(http.StatusOK))
		if s := p.Text("main"); !strings.Contains(s, "Harbour help") || !strings.Contains(s, "The network is down tonight") || !strings.Contains(s, "From ten.") {
			t.Errorf("strangers read %s", s)
		}
		out.Get(p.Attr(`link[href^="/sign-in/brand/"]`, "href")).Want(http.StatusOK)
		out.Get("/sign-in/brand/nobody/style.css").Want(http.StatusNotFound)
		var b brand.Brand
		c.Change(func(tx *gate.Tx) (err error) { b, err = brand.Of(tx); return err })
		if h := b.Head(); !strings.Contains(h, "Harbour help") || !strings.Contains(h, b.Colour) {
			t.Errorf("mail begins with %s", h)
		}
		c.Change(func(tx *gate.Tx) error {
			_, err := c.Records.Update(tx, announcement.Kind, c.news, 0, record.Values{"expire_on": "2026-03-01"})
			return err
		})
		if s := out.Get(here).Text("main"); strings.Contains(s, "network is down") {
			t.Errorf("what is over is shown: %s", s)
		}
	})
	t.Run("the pages in every theme and width", func(t *testing.T) {
		b := browser.Open(t, c.URL)
		b.Visit("/sign-in")
		b.Type("#f-email", "nora@harbour.example")
		b.Type("#f-password", webuitest.Password)
		b.Click(".entrance button.primary")
		b.Wait(`location.pathname == "/portal"`)
		for name, path := range map[string]string{"portal": "/portal", "portal-order": at("catalogue", c.offer), "portal-ticket": reported, "portal-devices": "/portal/devices", "portal-report": "/portal/report", "portal-catalogue": "/portal/catalogue"} {
			b.Everywhere(name, path)
		}
		b.Phone()
		b.Visit("/portal/devices")
		if out := browser.Eval[string](b, `[...document.querySelectorAll(".pnav a")].filter(a => { const r = a.getBoundingClientRect(); return r.left < 0 || r.right > document.documentElement.clientWidth || r.height < 44 || a.scrollWidth > a.clientWidth + 1 || a.tabIndex < 0 }).map(a => a.textContent).join()`); out != "" {
			t.Errorf("not to be reached on a telephone: %s", out)
		}
	})
}

// caller is a user as the gate knows her.
func (c *counter) caller(t *testing.T, email string) *access.Caller {
	t.Helper()
	user, err := c.Directory.ByEmail(t.Context(), c.Admin(), email)
	if err != nil {
		t.Fatal(err)
	}
	var out *access.Caller
	c.Change(func(tx *gate.Tx) (err error) { out, err = access.Load(tx.SQL(), user); return err })
	out.Tenant, out.Via = c.Tenant().Name, "session"
	return out
}

// fileOf is the file that the desk keeps beside a ticket.
func (c *counter) fileOf(ticket id.ID) (out id.ID) {
	c.Change(func(tx *gate.Tx) error {
		list, err := tx.IDs(`select id from attachment where record_id = ?`, int64(ticket))
		out = list[0]
		return err
	})
	return out
}
