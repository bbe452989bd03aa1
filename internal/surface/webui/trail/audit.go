package trail

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/approval"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/breakglass"
	"strongroom/internal/feature/bulk"
	"strongroom/internal/feature/checkout"
	"strongroom/internal/feature/comment"
	"strongroom/internal/feature/dormant"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/leaver"
	"strongroom/internal/feature/mfa"
	"strongroom/internal/feature/personal"
	"strongroom/internal/feature/report"
	"strongroom/internal/feature/review"
	"strongroom/internal/feature/rotation/change"
	"strongroom/internal/feature/rotation/limit"
	"strongroom/internal/feature/runbook"
	"strongroom/internal/feature/sensitive"
	"strongroom/internal/feature/share"
	"strongroom/internal/feature/support"
	"strongroom/internal/surface/webui/shell"
)

func activityURL(r *record.Record) string { return "/activity/" + r.ID.String() }

// activitySection is the part of a record's rail that says what was done to it
// lately.
func (v *visit) activitySection(tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	list, err := tx.Activity(audit.Filter{Object: r.ID, Limit: 7})
	if err != nil {
		return nil, err
	}
	names := map[id.ID]string{}
	if slices.ContainsFunc(list, func(e *audit.Entry) bool { _, _, ok := other(e); return ok || len(v.traits(e)) > 0 }) {
		if names, err = v.namesIn(tx, list); err != nil {
			return nil, err
		}
	}
	s := &ui.Section{Title: "Audit trail"}
	for i, e := range list {
		if i == 6 {
			s.More = &ui.NavItem{Label: "All", Href: activityURL(r)}
			break
		}
		s.Feed = append(s.Feed, v.event(e, names))
	}
	if len(list) == 0 {
		s.Empty = "Nothing yet."
	}
	return s, nil
}

// event says in words what an entry records about the object it is shown with.
func (v *visit) event(e *audit.Entry, names map[id.ID]string) ui.Event {
	ev := ui.Event{Who: actor(e), What: v.did(e, names), Detail: e.Detail.Reason, Time: shell.When(e.Time)}
	if e.Via == "api key" {
		ev.Icon = "api"
	}
	if e.Result != audit.OK {
		ev.Icon = "shield-x"
	}
	return ev
}

func actor(e *audit.Entry) string {
	switch {
	case e.Detail.Actor != "":
		return e.Detail.Actor
	case e.Actor == 0:
		return "Strongroom"
	}
	return "A person who was erased"
}

// verbs say what somebody did to an object; a verb that ends in a colon is
// followed by the entry's own text.
var verbs = map[string]string{
	string(access.View): "looked at it", string(access.Create): "created it", string(access.Edit): "changed it", string(access.Archive): "archived it or brought it back",
	string(access.Delete): "moved it to the trash", "restore": "brought it back", "purge": "removed it for good",
	personal.Given: "handed it over", personal.Asked: "asked for a handover of the personal passwords", personal.Agreed: "agreed to a handover of the personal passwords",
	personal.Refused:      "refused a handover of the personal passwords",
	string(access.Reveal): "asked to see its secret", secret.Granted: "revealed it", secret.Failed: "could not be shown it",
	sensitive.Shown: "was shown a sealed field of it", sensitive.Marked: "marked a field as sensitive", sensitive.Unmarked: "took the mark off a sensitive field",
	string(access.Restrict): "changed who may see it", string(access.Import): "imported", string(access.Export): "exported",
	string(access.Configure): "changed the tenant's lists", string(access.Administer): "managed users, groups, keys or settings", string(access.Inspect): "read the audit trail",
	string(access.SignIn): "signed in", "sign-out": "signed out", "session.revoke": "ended a session", "session.revoke-all": "ended all sessions",
	"document.download": "downloaded it", attachment.Downloaded: "downloaded a file of it", runbook.Saved: "set up the runbook", runbook.Removed: "removed the runbook", runbook.Made: "had the runbook made", runbook.Fetched: "downloaded the runbook", report.Planned: "chose when to be mailed the report", report.Mailed: "was mailed the report", "session.limits": "changed how long sessions last",
	"reveal.stopped": "opened unusually many secrets and was stopped", "reveal.resumed": "let go on, who had been stopped,", "reveal.limits": "changed the limits of reveals", "reveal.budget": "found a budget of the key service used up by",
	"addresses.rules": "changed from where people are let in", "addresses.clear": "cleared from where people are let in",
	"sign-in.first": "gave the first factor of two", "session.confirm": "gave a second factor", mfa.Added: "set up a second factor", mfa.Removed: "removed a second factor",
	mfa.Coded: "made new recovery codes", mfa.Settled: "changed who needs a second factor", mfa.AskedFor: "asked to have second factors reset", mfa.Reset: "had second factors reset", mfa.Declined: "refused to have second factors reset",
	review.Begun: "began an access review", review.Kept: "confirmed in an access review", review.Removes: "removed in an access review", review.Lapsed: "noted that nobody answered in an access review",
	review.Removed: "settled a line of an access review", review.Over: "ended an access review", review.Taken: "took over an access review",
	support.Asked: "asked for support access", support.Approved: "approved support access", support.Refused: "refused support access", support.Entered: "came in by support access",
	support.Request: "opened by support access", support.Ended: "ended support access",
	leaver.Begun: "ended the access of somebody who leaves", leaver.Did: "did for somebody who left", leaver.Over: "did all for somebody who left",
	identity.EyesOn: "began to look as this user", identity.EyesOff: "looked as this user no more",
	breakglass.Named: "named an account for emergencies", breakglass.Unnamed: "made it an ordinary account", breakglass.Used: "came in by an account for emergencies", breakglass.Explained: "said why an account for emergencies is used",
	dormant.Settled: "changed when unused accounts are deactivated", dormant.Deactivated: "deactivated an account that nobody used",
	"keys.rotate": "asked for a rotation of the keys", "keys.rewrap": "began to wrap the keys of secrets anew", "keys.rewrapped": "wrapped keys of secrets anew", "keys.retired": "retired older key pairs",
	"tenant.title":   "renamed the tenant",
	"session.rotate": "proved a second factor", "session.refresh": "renewed an access token", "password.change": "changed the password to sign in", "password.recover": "set a password", "password.resets": "settled how forgotten passwords are set anew", "user.invite": "sent another invitation", "password.reset": "gave out a one-time password",
	"apikey.create": "made an API key", "apikey.revoke": "revoked an API key", "apikey.personal": "said whether an API key sees personal passwords:", "audit.verify": "verified the audit trail", "audit.export": "downloaded the audit trail",
	string(access.Comment): "commented on it", comment.Edited: "changed a comment", comment.Removed: "removed a comment",
	approval.Demanded: "demanded approval", approval.Asked: "asked for", approval.Approved: "approved", approval.Refused: "refused", approval.Ended: "ended",
	approval.BrokeOpen: "approved alone, for herself or himself,", approval.Settled: "changed the settings of approvals",
	share.Made: "shared it with somebody outside", share.Opened: "opened what was shared", share.Wrong: "tried to open what was shared", share.Ended: "took a share back", share.Settled: "changed who shares with people outside",
	checkout.Out: "checked it out", checkout.In: "checked it in", checkout.Exclusive: "made it to be checked out", approval.Shared: "made it to be seen without a check-out", checkout.Over: "had it until the end of its time",
	limit.Chosen: "chose how old it may become", limit.Removed: "took back how old it may become",
	change.Placed: "said where it is changed", change.Taken: "took back where it is changed", change.Asked: "asked for a change at its system", change.Checked: "tried whether it can be changed",
	change.Begun: "began to change it at its system", change.Settled: "changed it at its system", change.Dropped: "left it unchanged", change.Open: "could not find out whether it was changed",
	"assign": "gave it to somebody", "acknowledge": "took it, being on call", "automate": "filled something in",
	"channel.set": "set up a channel to be told by:", "channel.remove": "took away a channel to be told by:", "channel.test": "sent a test by a channel:", "channel.allow": "chose the channels that people may use:",
	"webhook.secret": "made a secret of it", "webhook.test": "sent a test", "webhook.replay": "sent a message of it once more",
	"process.start": "began a process about it", "process.stop": "stopped a process about it", "process.retry": "had a process about it tried again", "process.skip": "skipped a step of a process about it",
	bulk.Asked: "had many tickets worked on", bulk.Undone: "had work on many tickets taken back",
	"ballot.yes": "voted yes", "ballot.no": "voted no", "ballot.back": "took a vote back",
	"survey.ask": "asked how content somebody is with", "survey.answer": "said how content somebody is with", "survey.settings": "changed the settings of surveys",
	"mcp.call":        "used it through an assistant",
	"tracker.changed": "found something new outside", "tracker.check": "had it checked outside", "tracker.pause": "stopped its trackers", "tracker.resume": "let its trackers go on", "mail.try": "sent a mail to try",
}

// did is what follows the name of who did it.
func (v *visit) did(e *audit.Entry, names map[id.ID]string) string {
	what := verbs[e.Action]
	if what == "" {
		what = e.Action
	}
	switch {
	case e.Action == secret.Granted && len(e.Detail.Fields) > 0:
		what = "revealed the " + v.fieldNames(e, names) + ", version " + strconv.FormatInt(e.Version, 10)
		rest, copied := strings.CutPrefix(e.Detail.Text, "copied")
		if copied { // it was not shown
			what = "copied" + strings.TrimPrefix(what, "revealed") + ", without showing it"
		}
		if by := strings.TrimPrefix(rest, ", "); by != "" {
			what += ", " + by
		}
	case e.Action == sensitive.Shown && len(e.Detail.Fields) > 0:
		what = "was shown the " + v.fieldNames(e, names) + ", version " + strconv.FormatInt(e.Version, 10)
	case e.Action == string(access.Edit) && e.Detail.Text != "":
		what = named(e, names)
	case e.Action == string(access.Edit) && len(e.Detail.Fields) > 0:
		what = "changed " + v.fieldNames(e, names)
	case strings.HasPrefix(e.Action, string(access.Comment)): // its number is for programs
	case strings.HasPrefix(e.Detail.Text, "with "):
		what += " " + e.Detail.Text
	case e.Detail.Text != "":
		what += ": " + e.Detail.Text
	}
	if e.Result == audit.Refused {
		what = "was refused: " + what
	}
	if e.Count > 1 {
		what += ", " + strconv.FormatInt(e.Count, 10) + " times"
	}
	return what
}

// other is the second record that an entry about a relation speaks of.
func other(e *audit.Entry) (text string, rid id.ID, ok bool) {
	i := strings.LastIndex(e.Detail.Text, "related to ")
	if i < 0 {
		return "", 0, false
	}
	i += len("related to ")
	rid, ok = id.Parse(e.Detail.Text[i:])
	return e.Detail.Text[:i], rid, ok
}

// named gives the text of an entry with the name of the record that it speaks
// of instead of its id.
func named(e *audit.Entry, names map[id.ID]string) string {
	text, rid, ok := other(e)
	if !ok {
		return e.Detail.Text
	}
	if n := names[rid]; n != "" {
		return text + n
	}
	return text + "another record"
}

// fieldNames names the fields of an entry as the record's page does.
func (v *visit) fieldNames(e *audit.Entry, names map[id.ID]string) string {
	k, designed := v.Records.Kinds.Kind(e.Kind), v.traits(e)
	var out []string
	for _, n := range e.Detail.Fields {
		label := strings.ReplaceAll(strings.TrimSuffix(n, "_id"), "_", " ")
		if k != nil {
			if f := k.Field(n); f != nil {
				label = f.Title()
			}
		}
		if field, ok := designed[n]; ok {
			if label = names[field]; label == "" {
				label = "a field that is gone"
			}
		}
		out = append(out, strings.ToLower(label[:1])+label[1:])
	}
	if len(out) > 4 {
		return strings.Join(out[:3], ", ") + " and " + strconv.Itoa(len(out)-3) + " more"
	}
	return strings.Join(out, ", ")
}

// traits are the fields of an entry that the tenant designed, by the names that the log
// has of them: their records have the names for people.
func (v *visit) traits(e *audit.Entry) map[string]id.ID {
	if k := v.Records.Kinds.Kind(e.Kind); k == nil || k.Variants == nil {
		return nil
	}
	out := map[string]id.ID{}
	for _, n := range e.Detail.Fields {
		if rest, ok := strings.CutPrefix(n, "t"); ok {
			if field, ok := id.Parse(rest); ok {
				out[n] = field
			}
		}
	}
	return out
}

type auditView struct {
	Head    ui.Head
	Filter  *ui.Filter
	Dates   [2]string
	Log     ui.Table
	State   []ui.Prop
	Verify  *ui.Action
	Details bool
}

const auditPage = 50

func (v *visit) audit() error {
	q := v.R.URL.Query()
	filter := auditFilter(q.Get)
	query := ui.Query{Path: "/audit", Values: q}
	view := &auditView{Head: ui.Head{Title: "Audit trail", Icon: "history", Sub: []ui.Cell{{Text: "Everything that was done, in order. It cannot be changed."}}}}
	err := v.View(func(tx *gate.Tx) error {
		list, err := tx.Activity(filter)
		if err != nil {
			return err
		}
		names, err := v.namesIn(tx, list)
		if err != nil {
			return err
		}
		view.Log = v.auditTable(query, list, names)
		if web.IsSwap(v.R) {
			return nil
		}
		if view.Filter, err = v.auditFields(tx, q.Get); err != nil {
			return err
		}
		view.Dates = [2]string{q.Get("from"), q.Get("to")}
		view.State, err = v.treeState(tx)
		return err
	})
	if err != nil {
		return err
	}
	p, err := v.Page("Audit trail", ui.Crumb{Label: "Audit trail"})
	if err != nil {
		return err
	}
	p.Data = view
	return v.Render("audit", p)
}

// auditFilter reads the filter of an address. What cannot be read is left out.
func auditFilter(get func(string) string) audit.Filter {
	f := audit.Filter{Kind: get("kind"), Action: get("action"), Result: get("result"), Limit: auditPage + 1}
	f.Actor, _ = id.Parse(get("who"))
	f.Org, _ = id.Parse(get("organization"))
	f.Object, _ = id.Parse(get("object"))
	f.Before, _ = strconv.ParseInt(get("before"), 10, 64)
	if d, err := time.Parse(time.DateOnly, get("from")); err == nil {
		f.From = d.UnixMilli()
	}
	if d, err := time.Parse(time.DateOnly, get("to")); err == nil {
		f.To = d.AddDate(0, 0, 1).UnixMilli()
	}
	return f
}

// namesIn gives the names of everything a list of entries speaks of that is
// still there.
func (v *visit) namesIn(tx *gate.Tx, list []*audit.Entry) (map[id.ID]string, error) {
	seen := map[id.ID]bool{}
	for _, e := range list {
		seen[e.Object], seen[e.Org] = true, true
		if _, rid, ok := other(e); ok {
			seen[rid] = true
		}
		for _, field := range v.traits(e) {
			seen[field] = true
		}
	}
	delete(seen, 0)
	var all []id.ID
	for i := range seen {
		all = append(all, i)
	}
	slices.Sort(all)
	return v.Records.Names(tx, all...)
}

func (v *visit) auditTable(q ui.Query, list []*audit.Entry, names map[id.ID]string) ui.Table {
	t := ui.Table{ID: "log", Title: "Audit trail", Columns: []ui.Column{
		{Label: "When", Phone: "end"}, {Label: "Who", Phone: "title"}, {Label: "What", Phone: "line"}, {Label: "On", Phone: "line"},
		{Label: "From", Hide: 1}, {Label: "No.", Right: true, Hide: 2},
	}, Empty: ui.Empty{Icon: "history", Title: "Nothing matches", Text: "Widen the filter: another person, more days, every result.",
		Actions: []ui.Action{{Label: "Show everything", Href: "/audit"}}}}
	if len(list) > auditPage {
		list = list[:auditPage]
		t.Pager.Next = q.With("before", strconv.FormatInt(list[auditPage-1].Seq, 10))
	}
	if q.Values.Get("before") != "" {
		t.Pager.Prev = q.With()
	}
	for _, e := range list {
		t.Rows = append(t.Rows, v.auditRow(e, names))
	}
	if n := len(list); n > 0 {
		t.Pager.Words = "Entries " + web.Number(list[n-1].Seq+1) + " to " + web.Number(list[0].Seq+1)
	}
	return t
}

func (v *visit) auditRow(e *audit.Entry, names map[id.ID]string) ui.Row {
	on := ui.Cell{Text: e.Detail.Name}
	if on.Text == "" {
		on.Text = names[e.Object]
	}
	if k := v.Records.Kinds.Kind(e.Kind); k != nil {
		if _, there := names[e.Object]; there {
			on.Href = shell.RecordURL(k, e.Object)
		}
		if on.Text == "" {
			on.Text = k.Label
		} else {
			on.Sub = k.Label
		}
	}
	if org := names[e.Org]; org != "" && e.Org != e.Object {
		on.Sub = strings.TrimPrefix(on.Sub+" · "+org, " · ")
	}
	from := e.Detail.Address
	if e.Via != "session" {
		from = strings.TrimSpace(e.Via + " " + from)
	}
	what := ui.Cell{Text: v.did(e, names)}
	switch e.Result {
	case audit.Refused:
		what.Type, what.Tone = "pill", "bad"
	case audit.Failed:
		what.Type, what.Tone = "pill", "warn"
	}
	if e.Detail.Reason != "" {
		what.Sub = "“" + e.Detail.Reason + "”"
	}
	return ui.Row{ID: strconv.FormatInt(e.Seq, 10), Cells: []ui.Cell{
		{Type: "datetime", Time: shell.When(e.Time)}, {Type: "user", Text: actor(e)}, what, on, {Type: "mut", Text: from}, {Type: "num", Text: web.Number(e.Seq + 1)}}}
}

// auditFields are the selects of the filter.
func (v *visit) auditFields(tx *gate.Tx, get func(string) string) (*ui.Filter, error) {
	who, _ := id.Parse(get("who"))
	people, err := v.Choices(tx, "user", map[id.ID]bool{who: true})
	if err != nil {
		return nil, err
	}
	org, _ := id.Parse(get("organization"))
	orgs, err := v.Choices(tx, "organization", map[id.ID]bool{org: true})
	if err != nil {
		return nil, err
	}
	first := func(label string, o []ui.Option) []ui.Option {
		return append([]ui.Option{{Label: label}}, o...)
	}
	var kinds, actions []ui.Option
	for _, k := range v.Records.Kinds.Kinds() {
		kinds = append(kinds, ui.Option{Value: k.Name, Label: k.Labels, Selected: get("kind") == k.Name})
	}
	slices.SortFunc(kinds, func(a, b ui.Option) int { return strings.Compare(a.Label, b.Label) })
	for a, words := range verbs {
		actions = append(actions, ui.Option{Value: a, Label: strings.ToUpper(words[:1]) + words[1:], Selected: get("action") == a})
	}
	slices.SortFunc(actions, func(a, b ui.Option) int { return strings.Compare(a.Label, b.Label) })
	results := []ui.Option{{Label: "Every result"}, {Value: audit.OK, Label: "Done"}, {Value: audit.Refused, Label: "Refused"}, {Value: audit.Failed, Label: "Failed"}}
	for i := range results {
		results[i].Selected = results[i].Value == get("result")
	}
	return &ui.Filter{Action: "/audit", Fields: []ui.Field{
		{Name: "who", Label: "Person", Options: first("Everybody", people)},
		{Name: "action", Label: "Action", Options: first("Every action", actions)},
		{Name: "kind", Label: "Kind", Options: first("Every kind", kinds)},
		{Name: "organization", Label: "Organization", Options: first("Every organization", orgs)},
		{Name: "result", Label: "Result", Options: results},
	}}, nil
}

// treeState says how long the log is and what of it is signed.
func (v *visit) treeState(tx *gate.Tx) ([]ui.Prop, error) {
	size, root, err := audit.Head(tx.SQL())
	if err != nil {
		return nil, err
	}
	open, err := audit.Unsigned(tx.SQL())
	if err != nil {
		return nil, err
	}
	signed := ui.Cell{Text: web.Number(size-open) + " of " + web.Number(size) + " entries"}
	if size == open {
		signed = ui.Cell{Type: "mut", Text: "No checkpoint yet"}
	}
	return []ui.Prop{
		{Label: "Entries", Cells: []ui.Cell{{Text: web.Number(size)}}},
		{Label: "Signed", Cells: []ui.Cell{signed}},
		{Label: "Root", Cells: []ui.Cell{{Type: "mono", Text: root.String()}}},
		{Label: "Key", Cells: []ui.Cell{{Type: "mono", Text: tx.Tenant.Keys.CheckpointKey}}},
	}, nil
}

type verifyView struct {
	Head     ui.Head
	Progress *ui.Progress
	Report   *ui.Section
	Bad      bool
}

// startVerify begins a verification of the whole log. A short one is done when
// this answers; a long one goes on.
func (v *visit) startVerify(checks *verifications) error {
	if err := v.noteInspect("audit.verify"); err != nil {
		return err
	}
	tenant, ctx := v.Caller.Tenant, context.WithoutCancel(v.R.Context())
	c := checks.begin(tenant, v.Now(), func() (audit.Report, error) {
		t, err := v.House.Open(ctx, tenant)
		if err != nil {
			return audit.Report{}, err
		}
		defer t.Release()
		return audit.Verify(ctx, t.DB, t.Audit, t.Keys.CheckpointKey)
	})
	select {
	case <-c.done:
	case <-time.After(2 * time.Second):
	}
	return web.SeeOther(v.W, v.R, "/audit/verify")
}

// noteInspect records that the caller works with the whole log.
func (v *visit) noteInspect(verb string) error {
	return v.Change(access.Inspect, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Entry().Action = verb
		return nil
	})
}

func (v *visit) verified(checks *verifications) error {
	if err := v.mayInspect(); err != nil {
		return err
	}
	c := checks.of(v.Caller.Tenant)
	if c == nil {
		return web.SeeOther(v.W, v.R, "/audit")
	}
	report, done, err := c.result()
	if web.WantsJSON(v.R) {
		return web.JSON(v.W, http.StatusOK, verifyJSON(report, done, err))
	}
	view := &verifyView{Head: ui.Head{Title: "Verification of the audit trail", Icon: "shield-check"}}
	if !done {
		view.Progress = &ui.Progress{URL: "/audit/verify", Self: "/audit/verify", State: "running", Text: "Reading every entry"}
	} else if err != nil {
		return err
	} else {
		view.Bad = report.Bad != nil
		view.Report = &ui.Section{Title: "It verifies", Icon: "shield-check", Text: report.String(), Props: []ui.Prop{
			{Label: "Began", Cells: []ui.Cell{{Type: "datetime", Time: c.began}}},
			{Label: "Entries", Cells: []ui.Cell{{Text: web.Number(report.Entries)}}},
			{Label: "Details compared", Cells: []ui.Cell{{Text: web.Number(report.Details)}}},
			{Label: "Details of people who were erased", Cells: []ui.Cell{{Text: web.Number(report.Erased)}}},
			{Label: "Signed checkpoints", Cells: []ui.Cell{{Text: web.Number(report.Checkpoints)}}},
			{Label: "Root", Cells: []ui.Cell{{Type: "mono", Text: report.Root.String()}}},
		}}
		if view.Bad {
			view.Report.Title, view.Report.Icon = "It does not verify", "shield-x"
		}
	}
	p, err := v.Page("Verification", ui.Crumb{Label: "Audit trail", Href: "/audit"}, ui.Crumb{Label: "Verification"})
	if err != nil {
		return err
	}
	p.Data = view
	return v.Render("audit-verify", p)
}

func (v *visit) mayInspect() error {
	return v.View(func(tx *gate.Tx) error {
		_, err := tx.Allow(access.Inspect, gate.Thing{})
		return err
	})
}

func verifyJSON(r audit.Report, done bool, err error) map[string]any {
	switch {
	case !done:
		return map[string]any{"state": "running", "text": "Reading every entry"}
	case err != nil:
		return map[string]any{"state": "failed", "text": "It could not be verified.", "href": "/audit/verify", "link": "Why"}
	case r.Bad != nil:
		return map[string]any{"state": "failed", "text": r.String(), "href": "/audit/verify", "link": "Open the result"}
	}
	return map[string]any{"state": "done", "text": r.String(), "href": "/audit/verify", "link": "Open the result"}
}

// exportAudit streams the log in the form that verifies anywhere.
func (v *visit) exportAudit() error {
	form, err := web.ParseForm(v.R)
	if err != nil {
		return err
	}
	if !v.Caller.Everything() { // the log tells of every record
		return fault.New(fault.Denied, "Only an administrator may take the whole log out.")
	}
	if err := v.noteInspect("audit.export"); err != nil {
		return err
	}
	t, err := v.House.Open(v.R.Context(), v.Caller.Tenant)
	if err != nil {
		return err
	}
	defer t.Release()
	h := v.W.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", shell.Disposition("attachment", t.Name+"-audit-"+v.Now().UTC().Format("2006-01-02")+".log"))
	return audit.Export(v.R.Context(), t.DB, t.Audit, t.Keys.CheckpointKey, v.W, v.Now().UnixMilli(), form.Bool("details"))
}

type activityView struct {
	Head ui.Head
	Log  ui.Table
}

// activity is everything that was done to one record.
func (v *visit) activity() error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	q := v.R.URL.Query()
	before, _ := strconv.ParseInt(q.Get("before"), 10, 64)
	view := &activityView{}
	var rec *record.Record
	err = v.View(func(tx *gate.Tx) error {
		if rec, err = v.Records.Get(tx, "", rid); err != nil {
			return err
		}
		list, err := tx.Activity(audit.Filter{Object: rid, Before: before, Limit: auditPage + 1})
		if err != nil {
			return err
		}
		names, err := v.namesIn(tx, list)
		view.Log = v.auditTable(ui.Query{Path: activityURL(rec), Values: q}, list, names)
		return err
	})
	if err != nil {
		return err
	}
	// All rows are about this record: the column that says so is left out.
	t := &view.Log
	t.Columns = slices.Delete(t.Columns, 3, 4)
	for i := range t.Rows {
		t.Rows[i].Cells = slices.Delete(t.Rows[i].Cells, 3, 4)
	}
	view.Head = ui.Head{Title: "Audit trail", Icon: "history", Sub: []ui.Cell{{Text: rec.Name, Href: shell.RecordURL(rec.Kind, rec.ID)}, {Text: "Everything that was done to it. It cannot be changed."}}}
	p, err := v.Page("Audit trail of "+rec.Name, append(v.CrumbsOf(rec), ui.Crumb{Label: "Audit trail"})...)
	if err != nil {
		return err
	}
	p.Data = view
	return v.Render("activity", p)
}
