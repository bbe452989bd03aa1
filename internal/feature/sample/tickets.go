package sample

import (
	"fmt"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/report"
	"strongroom/internal/feature/view"
)

// call is a ticket that somebody rang up about.
type call struct {
	kind, subject, text, status string
	urgency, impact             string
	service, category, team     string
	days                        int // since it was resolved, of those that are
	resolution, cause           string
}

// calls are what every organization has some of.
var calls = []call{
	{"incident", "Mail is not delivered to one mailbox", "Nothing has come in since this morning. Sending works. The web mail shows the same.", "Active", "High", "Medium", "E-mail", "Software", "Applications", 0, "", ""},
	{"change", "Firmware of the firewall", "The version in use loses support at the end of the quarter.", "Pending Approval", "Medium", "Medium", "Network", "Security", "Infrastructure", 0, "", ""},
	{"service_request", "Access to the accounting folder", "Read and write, until the end of the year. The office manager agrees.", "Active", "Medium", "", "Files and backup", "Account and access", "Service desk", 0, "", ""},
	{"incident", "Wireless drops on the first floor", "Calls break off near the stairs every afternoon. By the window all is well.", "Active", "Medium", "High", "Network", "Connectivity", "Infrastructure", 0, "", ""},
	{"problem", "Wireless drops under load", "Several incidents on the first floor, always after two o'clock.", "Investigation", "Medium", "Medium", "Network", "Connectivity", "Infrastructure", 0, "", ""},
	{"incident", "Shared drive is full", "Nobody in accounting can save. There are old camera recordings on it.", "Resolved", "High", "High", "Files and backup", "Other", "Infrastructure", 1, "Recordings older than ninety days were moved to the archive; 410 GB are free again.", "Configuration"},
	{"task", "Order a spare access point", "The model that hangs there now, with a mount.", "Logged", "", "", "", "", "Infrastructure", 0, "", ""},
	{"incident", "Laptop does not wake from sleep", "The screen stays black after lunch; holding the power key helps. Third time this week.", "Waiting for Customer", "Low", "Low", "Workplace", "Hardware", "Service desk", 0, "", ""},
	{"service_request", "Second screen for the reception", "24 inches, with an arm for the desk.", "Submitted", "Low", "", "Workplace", "Hardware", "", 0, "", ""},
	{"incident", "Backup of the file server failed twice", "The report says that the repository was not reached.", "Waiting for 3rd Party", "Medium", "Medium", "Files and backup", "Software", "Infrastructure", 0, "", ""},
	{"incident", "Locked out after a change of password", "The telephone still knew the old one and tried it every minute.", "Closed", "Medium", "Low", "Workplace", "Account and access", "Service desk", 6, "Unlocked, and the new password was entered on the telephone.", "Session Reset"},
	{"service_request", "Distribution list for the new project", "With the four names below; mail from outside allowed.", "Fulfilled", "Low", "", "E-mail", "Request", "Applications", 2, "Made and tried with a mail from outside.", ""},
	{"release", "Telephones of the new series", "The first floor first, then the rest; the old ones stay in reserve for a month.", "Active", "", "", "Telephony", "", "Infrastructure", 0, "", ""},
	{"incident", "Nobody reaches us from outside", "Calls from mobiles end in an engaged tone; inside all works.", "Active", "High", "High", "Telephony", "Connectivity", "Infrastructure", 0, "", ""},
	{"incident", "Printer prints blank pages", "Only from the label program. Copies are fine.", "Logged", "Medium", "Low", "", "", "", 0, "", ""},
}

// tickets are some of the calls: not the same ones everywhere, and none where nobody
// keeps tickets.
func (c *client) tickets() []step {
	if c.w.filler.Records.Kinds.Kind("incident") == nil {
		return nil
	}
	var out []step
	for i := range calls {
		x := calls[i]
		if x.kind != "change" && x.kind != "problem" && x.kind != "task" && x.kind != "release" && i > 2 && (c.n+i)%3 == 2 || (x.kind == "problem" || x.kind == "task" || x.kind == "release") && c.n%2 == 1 {
			continue
		}
		var made id.ID
		out = append(out, func(tx *gate.Tx) (err error) {
			made, err = c.ticket(tx, x, i)
			if wall := c.roles["fw"]; x.kind == "change" && wall != nil {
				c.pairs = append(c.pairs, pair{from: &made, to: &wall.id, notes: "gets the new version"})
				c.moved = append(c.moved, made)
			}
			return err
		})
		out = append(out, c.answers(x.subject, &made)...)
		out = append(out, c.milestones(x.kind, &made)...)
	}
	return out
}

// reported is how many minutes ago each of the calls came in.
var reported = [...]int{25, 0, 190, 52, 0, 40, 0, 35, 300, 15, 0, 45, 215, 130}

// promise makes what is promised to every client, once: the sample is looked at on any day
// and at any hour, so it is counted round the clock.
func (w *world) promise(tx *gate.Tx) error {
	kinds := w.filler.Records.Kinds
	if w.promised || kinds.Kind("service_agreement") == nil {
		return nil
	}
	w.promised = true
	hours := record.Values{"name": "Round the clock", "zone": "UTC"}
	for _, day := range []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"} {
		hours[day] = "00:00-24:00"
	}
	calendar, err := w.create(tx, "calendar", hours)
	if err != nil {
		return err
	}
	office := record.Values{"name": "Office hours", "zone": "Europe/London"}
	for _, day := range []string{"monday", "tuesday", "wednesday", "thursday", "friday"} {
		office[day] = "09:00-12:30, 13:30-17:30"
	}
	if _, err := w.create(tx, "calendar", office); err != nil {
		return err
	}
	if kinds.Kind("change_freeze") != nil {
		begins := w.today.AddDate(0, 0, 17)
		if _, err := w.create(tx, "change_freeze", record.Values{"name": "Quarter end", "begins_at": begins.UnixMilli(), "ends_at": begins.AddDate(0, 0, 3).UnixMilli(), "reason": "Accounts are closed: nothing that books may stand still."}); err != nil {
			return err
		}
	}
	if kinds.Kind("change_template") != nil {
		if _, err := w.create(tx, "change_template", record.Values{"name": "Monthly updates of a server", "risk": "Low", "valid_until": w.today.AddDate(1, 0, 0).Format("2006-01-02"),
			"description": "<p>The updates of the month, installed out of hours.</p>", "plan": "<ol><li>Take a snapshot</li><li>Install the updates</li><li>Restart, and look at the services</li></ol>", "backout": "<p>Go back to the snapshot.</p>",
			"free": []map[string]any{{"field": "Description"}, {"field": "Team"}}}); err != nil {
			return err
		}
	}
	if kinds.Kind("time_rate") != nil {
		if _, err := w.create(tx, "time_rate", record.Values{"name": "Usual", "hourly": "95.00", "currency": "EUR", "round_to": int64(15)}); err != nil {
			return err
		}
	}
	var targets []map[string]any
	for _, t := range []struct {
		measure, priority string
		hours             float64
	}{{"response", "", 1}, {"response", "3", 4}, {"response", "4", 8}, {"response", "5", 8}, {"resolution", "", 24}, {"resolution", "1", 4}, {"resolution", "2", 8}} {
		row := map[string]any{"measure": t.measure, "hours": t.hours}
		if t.priority != "" {
			row["priority"] = t.priority
		}
		targets = append(targets, row)
	}
	targets = append(targets, map[string]any{"measure": "response", "of": "Tasks", "hours": 8.0}, map[string]any{"measure": "resolution", "of": "Problems", "days": int64(10)},
		map[string]any{"measure": "operational", "team": "Infrastructure", "hours": 12.0})
	if err := w.habits(tx); err != nil {
		return err
	}
	escalations := []map[string]any{{"percent": int64(100), "measure": "resolution", "do": "tell who leads its team"}}
	_, err = w.create(tx, "service_agreement", record.Values{"name": "Standard", "calendar_id": calendar, "targets": targets, "escalations": escalations})
	return err
}

// habits makes what everybody at the desk does: some macros, and a queue.
func (w *world) habits(tx *gate.Tx) error {
	if w.filler.Records.Kinds.Kind("macro") == nil {
		return nil
	}
	for _, m := range []record.Values{
		{"name": "Ask when it began", "shortcut": "1", "text": "<p>Dear {first_name},</p><p>thank you for writing about {subject} ({number}). When did it begin, and does it happen to anybody else?</p><p>{agent}</p>"},
		{"name": "Take and begin", "shortcut": "2", "journal_type": "Note", "text": "<p>{agent} looks into it.</p>", "owner": "Who applies it", "then": "Active"},
		{"name": "Hand to infrastructure", "journal_type": "Note", "text": "<p>Handed on by {agent}: not to be solved at the desk.</p>", "owner": "Nobody", "to_team_id": w.of("team", "Infrastructure")},
	} {
		if _, err := w.create(tx, "macro", m); err != nil {
			return err
		}
	}
	if err := w.told(tx); err != nil {
		return err
	}
	return view.Save(tx, view.View{Kind: "desk", Name: "Waiting for the customer", Query: "cols=customer.changed&sort=oldest&status=Waiting+for+Customer", Shared: true})
}

// told makes what tells how the desk stands: a dashboard, and a webhook that is off.
func (w *world) told(tx *gate.Tx) error {
	kinds := w.filler.Records.Kinds
	if kinds.Kind("webhook") != nil {
		if _, err := w.create(tx, "webhook", record.Values{"name": "Tell the wallboard of incidents", "url": "https://wallboard.northbeam.example/hooks/incidents", "of_kind": "incident", "active": false,
			"conditions": []map[string]any{{"field": "priority", "op": "is", "value": "1"}}}); err != nil {
			return err
		}
	}
	if tx.Caller.User == 0 { // only people have dashboards
		return nil
	}
	board := &report.Board{Name: "The desk this month", Days: 30, Roles: []access.Role{access.Manager, access.Editor}}
	for _, x := range [...][2]string{{"incident", "opened"}, {"incident", "backlog"}, {"incident", "resolution-within"}, {"incident", "agents"}, {"service_request", "opened"}} {
		board.Tiles = append(board.Tiles, report.Tile{Standard: x[1], Ask: report.Ask{Kind: x[0]}})
	}
	board.Tiles = append(board.Tiles, report.Tile{Title: "Waiting for the customer", Ask: report.Ask{Kind: "incident", Query: "status=Waiting+for+Customer", Measure: report.Count}})
	return report.SaveBoard(tx, w.filler.Records, board)
}

// ticket makes one as it stands by now: it comes with its number, so its state need
// not be reached move by move.
func (c *client) ticket(tx *gate.Tx, x call, i int) (id.ID, error) {
	c.w.numbers[x.kind]++
	v := record.Values{
		"organization_id": c.org, "name": x.subject, "description": "<p>" + x.text + "</p>", "status": x.status,
		"number": int64(1000 + c.w.numbers[x.kind]), "source": []string{"Phone", "Email", "Self Service"}[i%3],
	}
	set := func(field string, to any) {
		if s, ok := to.(string); to != nil && (!ok || s != "") {
			v[field] = to
		}
	}
	if err := c.w.promise(tx); err != nil {
		return 0, err
	}
	if k := c.w.filler.Records.Kinds.Kind(x.kind); k.Field("reported_at") != nil && x.resolution == "" {
		v["reported_at"] = tx.Now - int64(reported[i%len(reported)]+c.n%8)*time.Minute.Milliseconds()
	}
	set("urgency", x.urgency)
	set("impact", x.impact)
	set("service_id", c.w.of("service", x.service))
	set("category_id", c.w.of("category", x.category))
	set("team_id", c.w.of("team", x.team))
	if len(c.people) > 0 {
		set("contact_id", c.people[i%len(c.people)].id)
	}
	if c.w.caller.User != id.ID(0) && x.status != "Logged" && x.status != "Submitted" {
		set("owner_id", c.w.caller.User)
	}
	if x.resolution != "" {
		v["resolution"] = "<p>" + x.resolution + "</p>"
		v["resolved_at"] = c.w.today.AddDate(0, 0, -x.days).Add(14 * time.Hour).UnixMilli()
	}
	if k := c.w.filler.Records.Kinds.Kind(x.kind); x.resolution != "" && k.Field("satisfaction") != nil {
		said := content[(c.n+i)%len(content)]
		v["satisfaction"], v["satisfaction_at"] = said.score, c.w.today.AddDate(0, 0, -x.days).Add(19*time.Hour).UnixMilli()
		set("satisfaction_words", said.words)
	}
	if x.status == "Closed" {
		v["closed_at"] = c.w.today.AddDate(0, 0, 1-x.days).Add(9 * time.Hour).UnixMilli()
	}
	set("cause_code", x.cause)
	if x.kind == "change" {
		begin := c.w.today.AddDate(0, 0, 5+c.n%9).Add(20 * time.Hour)
		v["scheduled_start"], v["scheduled_end"] = begin.UnixMilli(), begin.Add(90*time.Minute).UnixMilli()
		v["change_type"], v["plan"] = "Significant", "<ol><li>Save the configuration</li><li>Install the version on the standby unit</li><li>Switch over and try the telephones</li></ol>"
		v["backout"] = "<p>Switch back to the unit that still has the old version.</p>"
	}
	made, err := c.w.create(tx, x.kind, v)
	if err != nil {
		return 0, fmt.Errorf("the ticket %q: %w", x.subject, err)
	}
	return made, c.written(tx, x, made)
}

// content is what customers said of what was done for them.
var content = [...]struct {
	score int64
	words string
}{{5, "Quick, and the explanation helped."}, {4, ""}, {2, "It took three calls until somebody looked at it."}, {5, ""}, {4, "All is well again."}, {3, ""}}

// lines are what was written on some of the calls, by their subjects: the type of an
// entry and its text.
var lines = map[string][][2]string{
	"Mail is not delivered to one mailbox": {
		{"Note", "The queue of the gateway holds 14 mails for this mailbox alone. Nothing for the others."},
		{"Reply", "We have found where your mail waits. Nothing is lost; it should arrive within the hour."},
	},
	"Wireless drops on the first floor": {
		{"Work note", "Measured on site: the access point by the stairs changes its channel every few minutes."},
		{"Reply", "One access point moves between channels. We fix it to one tonight after six; calls may break off once."},
		{"Note", "Same as at two other clients with this model. See the problem before ordering a new one."},
	},
	"Laptop does not wake from sleep": {{"Reply", "Could you send us the number on the sticker below the laptop? Then we can see whether the known firmware fits."}},
	"Backup of the file server failed twice": {
		{"Note", "The repository answers, but the certificate of its proxy ran out on Sunday."},
		{"Reply", "The maker of the storage has to renew a certificate. We have asked for it and hear from them by tomorrow."},
	},
	"Shared drive is full":                  {{"Work note", "Moved 410 GB of recordings older than ninety days to the archive."}, {"Reply", "There is room again. Old camera recordings are in the archive now, and stay readable there."}},
	"Nobody reaches us from outside":        {{"Note", "The carrier confirms a fault in the district. No time of repair yet."}, {"Reply", "The fault lies with the carrier. Until it is mended your number leads to the mobile of the reception."}},
	"Access to the accounting folder":       {{"Note", "The office manager agreed by telephone."}},
	"Wireless drops under load":             {{"Work note", "All affected access points have firmware 7.4.1. Two with 7.2 show nothing."}},
	"Firmware of the firewall":              {{"Note", "The standby unit is on the shelf, with the same licence."}},
	"Distribution list for the new project": {{"Reply", "The list is there and takes mail from outside."}},
}

// written writes what was written on a ticket. Only a person can.
func (c *client) written(tx *gate.Tx, x call, ticket id.ID) error {
	k := c.w.filler.Records.Kinds.Kind("journal")
	if k == nil || c.w.caller.User == id.ID(0) {
		return nil
	}
	for _, l := range lines[x.subject] {
		v := record.Values{k.ParentBy(x.kind).Name: ticket, "journal_type": l[0], "notes_body": "<p>" + l[1] + "</p>"}
		if _, err := c.w.create(tx, k.Name, v); err != nil {
			return fmt.Errorf("what was written on the ticket %q: %w", x.subject, err)
		}
	}
	if err := c.ticked(tx, x, ticket); err != nil {
		return err
	}
	return c.spent(tx, x, ticket)
}

// ticked puts on a ticket what is ticked off there; what is required is not done yet.
func (c *client) ticked(tx *gate.Tx, x call, ticket id.ID) error {
	k := c.w.filler.Records.Kinds.Kind("ticket_step")
	if k == nil || x.subject != "Firmware of the firewall" {
		return nil
	}
	for i, name := range []string{"Save the configuration", "Tell the office", "Look at the log a day later"} {
		v := record.Values{k.ParentBy(x.kind).Name: ticket, "name": name, "completed": i == 0, "required": i != 1}
		if _, err := c.w.create(tx, k.Name, v); err != nil {
			return fmt.Errorf("what is ticked off on the ticket %q: %w", x.subject, err)
		}
	}
	return nil
}

// spent enters the time that went into what was written on a ticket.
func (c *client) spent(tx *gate.Tx, x call, ticket id.ID) error {
	k := c.w.filler.Records.Kinds.Kind("time_entry")
	if k == nil {
		return nil
	}
	for i, l := range lines[x.subject] {
		if l[0] == "Note" {
			continue
		}
		v := record.Values{k.ParentBy(x.kind).Name: ticket, "minutes": int64(10 + 15*((c.n+i)%4)), "name": map[string]string{"Reply": "Wrote to the customer"}[l[0]], "billable": l[0] != "Reply" || c.n%2 == 0}
		if _, err := c.w.create(tx, k.Name, v); err != nil {
			return fmt.Errorf("the time of the ticket %q: %w", x.subject, err)
		}
	}
	return nil
}
