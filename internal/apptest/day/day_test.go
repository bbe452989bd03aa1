// Package day tells a day in the life of a service desk, from the first mail to the answer
// to the last survey, as those who work there and their customers see it.
//
// Always true: everything goes through mail and pages, as people use them; what nobody does
// happens by itself, when the clock has moved on; it is the same on each database.
package day_test

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"strongroom/internal/app"
	"strongroom/internal/apptest"
	"strongroom/internal/base/mailfetch/dovecottest"
	"strongroom/internal/core/access"
)

func TestMain(m *testing.M) { apptest.Main(m) }

// TestADayInADesksLife is the whole of it.
func TestADayInADesksLife(t *testing.T) {
	o := open(t)
	agent, lead, board := o.as(o.People[access.Editor]), o.as(o.People[access.Manager]), o.as(o.People[access.Administrator])
	org := o.Open.String()

	// Before nine: what the desk promises, who decides, and the address at which it is written to.
	desk, service := o.id("teams", "Service desk"), o.id("services", "Printing")
	board.edits("/teams/"+desk, url.Values{"manager_id": {lead.who.ID.String()}, "member_ids": {agent.who.ID.String()}})
	printing := o.make("categories", map[string]any{"name": "Printers", "service_id": service})
	office := map[string]any{"name": "Office", "zone": "UTC"}
	for _, day := range []string{"monday", "tuesday", "wednesday", "thursday", "friday"} {
		office[day] = "09:00-17:00"
	}
	hours := o.make("calendars", office)
	o.make("service_agreements", map[string]any{"name": "Gold", "calendar_id": hours, "targets": []map[string]any{{"measure": "response", "hours": 3}, {"measure": "resolution", "hours": 8}}})
	o.make("approval_plans", map[string]any{"name": "Changes", "of_kind": "change", "phases": []map[string]any{
		{"name": "Team", "who": "Person", "named": lead.who.Email, "rule": "All", "hours": 8},
		{"name": "Advisory board", "who": "Group", "named": "Technicians", "rule": "Quorum", "needed": 2, "hours": 8},
	}})
	server := o.make("configurations", map[string]any{"organization_id": org, "name": "PRINT-01", "configuration_type_id": o.id("configuration_types", "Server")})
	for _, name := range []string{"Rosa", "Piet", "Wim"} {
		o.make("contacts", map[string]any{"organization_id": org, "first_name": name, "last_name": "Lind", "contact_emails": []map[string]any{{"value": strings.ToLower(name) + "@harbour.example", "primary": true}}})
	}
	board.sends("/settings/surveys", url.Values{"on": {"1"}, "hours": {"0"}, "rest": {"14"}, "days": {"14"}, "low": {"2"}})
	board.sends("/settings/mailboxes", url.Values{"name": {"Desk"}, "address": {"desk@northbeam.example"}, "active": {"1"}, "server": {o.imap.Implicit}, "tls": {"tls"}, "user": {"desk"}, "password": {dovecottest.Password},
		"send": {"relay"}, "confirms": {"1"}, "resolves": {"1"}, "language": {"en"}})

	// Nine o'clock. Two people of one customer cannot print, and write so.
	o.writes("Rosa Lind <rosa@harbour.example>", "Nothing prints on floor 2", "Since this morning nothing comes out.\nWe have the invoices to send.")
	o.writes("Piet Lind <piet@harbour.example>", "Printer dead", "The printer of floor 2 does nothing.")
	told := o.gets("rosa@harbour.example", "Nothing prints on floor 2")
	if told.Automatic == "" {
		t.Error("the confirmation does not say that a machine wrote it: it would be answered by one")
	}
	o.gets("piet@harbour.example", "Printer dead")

	// Triage. The agent finds both in the queue of what is nobody's, and takes the first.
	queue := agent.looks("/desk?queue=unassigned")
	queue.says(".qlist", "Nothing prints on floor 2", "Printer dead", "left")
	first, second := queue.link("Nothing prints on floor 2"), queue.link("Printer dead")
	n := func(at string) string { return at[strings.LastIndexByte(at, '/')+1:] }
	ticket := agent.looks(first)
	ticket.says(".msgs", "nothing comes out", "invoices")
	ticket.says(".slabox", "First response", "Resolution")
	ticket.says("#tickethead", "Rosa Lind", "Logged")
	ticket.omits("#hand", "Known errors")
	agent.edits(first, url.Values{"category_id": {printing}, "urgency": {"High"}, "impact": {"Medium"}})
	agent.sends("/tickets/"+n(first)+"/take", nil)
	agent.sends("/tickets/"+n(first)+"/move", url.Values{"to": {"Active"}})
	ticket = agent.looks(first)
	ticket.says("#tickethead", "Active", "P2")
	ticket.says("#facts", "Printing", "Service desk")

	// She asks back. From then on it is the customer's turn, and the clock rests.
	agent.sends("/tickets/"+n(first)+"/say", url.Values{"journal_type": {"Reply"}, "notes_body": {"<p>Dear Rosa, which <b>light</b> is on?</p>"}, "then": {"Waiting for Customer"}})
	asked := o.gets("rosa@harbour.example", "which light is on")
	agent.looks(first).says(".slabox", "Met in", "Paused")
	o.passes(40 * time.Minute)
	o.writes("Rosa Lind <rosa@harbour.example>", "Re: "+asked.Subject, "The red one.\n\n> Dear Rosa, which light is on?", "In-Reply-To: <"+strings.Trim(asked.ID, "<>")+">", "Message-ID: <red@harbour.example>")
	o.until("her answer on the ticket", func() bool { return strings.Contains(agent.looks(first).text(".msgs"), "The red one.") })
	ticket = agent.looks(first)
	ticket.says("#tickethead", "Active")
	ticket.omits(".slabox", "Paused")

	// It is the queue of the print server, as it was before. She writes down what is known of it.
	problem := agent.sends("/problems", url.Values{"organization_id": {org}, "name": {"The spooler of PRINT-01 hangs"}, "category_id": {printing}, "team_id": {desk}, "owner_id": {agent.who.ID.String()},
		"root_cause": {"<p>A driver that loses jobs.</p>"}, "workaround": {"<p>Empty the queue and start the spooler again.</p>"}})
	agent.sends("/tickets/"+n(problem)+"/move", url.Values{"to": {"Active"}})
	agent.edits(first, url.Values{"problem_id": {n(problem)}})

	// A third mail comes. Once it is known what it is about, the known error stands beside it.
	o.writes("Wim Lind <wim@harbour.example>", "Invoices are stuck", "I sent forty and none came out of the machine.")
	o.gets("wim@harbour.example", "Invoices are stuck")
	third := agent.looks("/desk?queue=unassigned").link("Invoices are stuck")
	agent.edits(third, url.Values{"category_id": {printing}})
	agent.looks(third).says("#hand", "Known errors", "The spooler of PRINT-01 hangs", "Empty the queue")

	// The first becomes the master of the others.
	agent.edits(first, url.Values{"master": {"1"}})
	for _, at := range []string{second, third} {
		agent.edits(at, url.Values{"master_id": {n(first)}})
		agent.looks(at).says("#facts", "Nothing prints on floor 2")
	}
	if said := agent.refused(second, with(agent.looks(second+"/edit").form("form.genform"), "master", "1")); !strings.Contains(said, "has no master of its own") {
		t.Errorf("one that follows becomes a master: %s", said)
	}

	// The driver has to go. That is a change, in a release, and the board decides.
	release := agent.sends("/releases", url.Values{"organization_id": {org}, "name": {"Drivers of March"}, "release_type": {"Minor"}, "description": {"<p>New drivers</p>"}, "team_id": {desk}, "owner_id": {agent.who.ID.String()},
		"scheduled_start": {moment(15)}, "scheduled_end": {moment(17)}})
	change := agent.sends("/changes", url.Values{"organization_id": {org}, "name": {"New driver on PRINT-01"}, "change_type": {"Significant"}, "description": {"<p>It loses jobs.</p>"}, "plan": {"<p>Install 4.2</p>"}, "backout": {"<p>Install 4.1</p>"},
		"team_id": {desk}, "owner_id": {agent.who.ID.String()}, "scheduled_start": {moment(15)}, "scheduled_end": {moment(16)}, "problem_id": {n(problem)}, "release_id": {n(release)},
		"risk_reach": {"A team"}, "risk_back": {"Minutes"}, "risk_tried": {"In part"}, "risk_done": {"Once or twice"}})
	agent.sends("/related/"+n(change), url.Values{"item": {server}})
	for _, to := range []string{"Requested", "Active"} {
		agent.sends("/tickets/"+n(release)+"/move", url.Values{"to": {to}})
	}
	agent.sends("/tickets/"+n(change)+"/move", url.Values{"to": {"Requested"}})
	if said := agent.refused("/tickets/"+n(change)+"/move", url.Values{"to": {"Scheduled"}}); !strings.Contains(said, "nobody has been asked") {
		t.Errorf("a change that nobody approved is scheduled: %s", said)
	}
	agent.sends("/tickets/"+n(change)+"/move", url.Values{"to": {"Pending Approval"}})
	agent.looks(change).says(".rail", "Approval", "Team", "Advisory board", "Affects 1 record", "PRINT-01")
	agent.looks("/change-agenda").says("main", "New driver on PRINT-01", "Install 4.2", "Install 4.1", "Medium risk", "Team: 0 of 1 say yes")
	agent.looks("/change-calendar?month=2026-03").says("main", "15:00–16:00", "New driver on PRINT-01")

	// Who asked does not vote. The lead does, and then the board: who follows every link has not voted.
	vote := lead.looks("/votes").link("New driver on PRINT-01")
	agent.refused(vote+"/cast", url.Values{"yes": {"1"}})
	for _, path := range []string{vote, vote + "/cast", vote + "/cast?yes=1"} {
		lead.asks(http.MethodGet, path, nil)
	}
	lead.looks("/votes").says("main", "0 of 1 say yes")
	lead.sends(vote+"/cast", url.Values{"yes": {"1"}, "words": {"It has to go."}})
	creator := o.as(o.People[access.Creator])
	creator.sends(vote+"/cast", url.Values{"yes": {"1"}})
	agent.looks("/change-agenda").says("main", "Advisory board: 1 of")
	lead.sends(vote+"/cast", url.Values{"yes": {"1"}})
	agent.looks(vote).says("main", "Approved", "It has to go.")
	o.passes(5 * time.Minute)
	agent.sends("/tickets/"+n(change)+"/move", url.Values{"to": {"Scheduled"}})
	agent.looks(change).says("#tickethead", "Scheduled")

	// Three o'clock. The driver is changed, and what it took is written down.
	o.now.Store(opened.Add(6*time.Hour + 20*time.Minute).UnixMilli())
	agent.sends("/tickets/"+n(change)+"/move", url.Values{"to": {"Implemented"}})
	agent.sends("/tickets/"+n(change)+"/move", url.Values{"to": {"Closed"}, "closed_code": {"Successful"}, "review": {"<p>As planned.</p>"}})
	agent.looks(change).says("#tickethead", "Closed")
	agent.sends("/tickets/"+n(release)+"/move", url.Values{"to": {"Closed"}, "review": {"<p>As planned.</p>"}})
	agent.looks(release).says("#tickethead", "Closed")

	// The problem is gone, and so are the incidents: the two that follow, with the first.
	agent.sends("/tickets/"+n(problem)+"/move", url.Values{"to": {"Resolved"}, "resolution": {"<p>Driver 4.2</p>"}})
	agent.sends("/tickets/"+n(first)+"/move", url.Values{"to": {"Resolved"}, "resolution": {"<p>There is a new driver.</p>"}, "cause_code": {"Software"}})
	for _, at := range []string{first, second, third} {
		ticket = agent.looks(at)
		ticket.says("#tickethead", "Resolved")
		ticket.says("#thread", "There is a new driver.")
	}
	for _, who := range []string{"rosa", "piet", "wim"} {
		o.gets(who+"@harbour.example", "There is a new driver.")
	}

	// Each is asked how content she is. Rosa's mail is read by a scanner first, which says nothing.
	link := regexp.MustCompile(`https://desk\.northbeam\.example(/survey/[^\s?]+)`)
	question := o.gets("rosa@harbour.example", "/survey/")
	found := link.FindStringSubmatch(question.Text + question.Rest)
	if found == nil {
		t.Fatalf("no link in %s", question.Text)
	}
	outside := func(method, path string, form url.Values) *page {
		t.Helper()
		a, err := o.Do(o.Programs(), method, path, form, nil)
		if err != nil {
			t.Fatal(err)
		}
		return read(t, path, a)
	}
	for _, path := range []string{found[1], found[1] + "?score=1", found[1] + "?score=5"} {
		outside(http.MethodGet, path, nil).says("main", "Nothing prints on floor 2")
	}
	outside(http.MethodPost, found[1], url.Values{"score": {"5"}, "words": {"Quick, and friendly."}})
	outside(http.MethodGet, found[1], nil).says("main", "Thank you", "5 of 5")
	outside(http.MethodPost, found[1], url.Values{"score": {"1"}})
	outside(http.MethodGet, found[1], nil).says("main", "5 of 5")
	agent.looks(first).says("main", "Quick, and friendly.")

	// It is closed, and stays as it is.
	for _, at := range []string{first, second, third} {
		agent.sends("/tickets/"+n(at)+"/move", url.Values{"to": {"Closed"}})
	}
	agent.sends("/tickets/"+n(problem)+"/move", url.Values{"to": {"Closed"}})
	agent.refused("/tickets/"+n(first)+"/move", url.Values{"to": {"Active"}})
	agent.looks("/desk?queue=all").omits(".qlist", "Nothing prints", "Printer dead", "Invoices")

	// The evening. The clocks say how it went, and why: the time in which Rosa was asked does not count.
	why := agent.looks("/tickets/" + n(first) + "/clocks")
	why.says("main", "First response", "Met in", "Paused: ", "Resolution")
	why.omits("main", "too late")
	agent.looks("/tickets/"+n(second)+"/clocks").says("main", "First response", "Met too late", "Resolution", "Met in")

	// What the clocks did stands among what people did, and who likes reads the talk alone, or the changes alone.
	agent.looks(first).says(".msgs", "Resolution rests: Waiting for Customer", "Resolution goes on: Active", "The red one.", "Status: Logged → Active")
	agent.looks(second).says(".msgs", "First response is nearly used up", "First response is late from here on")
	talk := agent.looks(first + "?show=talk")
	talk.says(".msgs", "nothing comes out", "which light is on", "The red one.")
	talk.omits(".msgs", "Status: ", "rests: ")
	agent.looks(first+"?show=changes").says(".msgs", "Status: Logged → Active", "rests: ")
	agent.looks(first+"?show=changes").omits(".msgs", "The red one.")
	agent.looks(first+"?show=nonsense").says(".shows [aria-current]", "All")

	// And the log has all of it, each deed once, in a chain that nobody has broken.
	did := board.looks("/activity/" + n(change))
	did.says("main", "Manager Person voted yes: Team", "It has to go.", "Creator Person voted yes: Advisory board", "Editor Person changed status")
	did.omits("main", "Editor Person changed it")
	board.looks("/activity/"+n(first)).says("main", "said how content somebody is with", "Strongroom changed status")
	report, err := app.VerifyAudit(t.Context(), app.Options{Config: o.App.Config, Now: o.clock, Stderr: io.Discard}, o.Name)
	if err != nil || !report.OK || report.Entries < 100 {
		t.Errorf("the log: %+v, %v", report, err)
	}
}

// with is a form with a field that says something else.
func with(form url.Values, name, value string) url.Values {
	form.Set(name, value)
	return form
}
