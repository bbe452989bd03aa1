package portal

import (
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/offering/catalogue"
	desk "strongroom/internal/feature/portal"
	"strongroom/internal/feature/survey"
	"strongroom/internal/surface/webui/shell"
)

// most is how many tickets a list holds.
const most = 200

type ticketsView struct {
	frame
	Tabs  []ui.NavItem
	List  []line
	Empty string
}

func (v *visit) tickets() error {
	of := map[bool]string{v.Caller.Unit: "Of my department", v.Caller.Wide: "Of my organization"}[true]
	over, all := v.R.URL.Query().Get("show") == "closed", of != "" && v.R.URL.Query().Get("show") == "all"
	p, f, err := v.page("My tickets")
	if err != nil {
		return err
	}
	d := ticketsView{frame: f, Empty: "You have no open tickets."}
	d.Tabs = []ui.NavItem{{Label: "Open", Href: "/portal/tickets", Current: !over && !all}}
	if of != "" {
		d.Tabs = append(d.Tabs, ui.NavItem{Label: of, Href: "/portal/tickets?show=all", Current: all})
	}
	d.Tabs = append(d.Tabs, ui.NavItem{Label: "Closed", Href: "/portal/tickets?show=closed", Current: over})
	if over {
		d.Empty = "None of your tickets is closed yet."
	}
	err = v.View(func(tx *gate.Tx) error {
		list, err := v.Portal.Tickets(tx, over, all, most)
		d.List = lines(list)
		return err
	})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("portal-tickets", p)
}

// said is something that was written on a ticket.
type said struct {
	Who  string
	Mine bool
	Text string
	Time time.Time
}

type ticketView struct {
	frame
	desk.Ticket
	Kind, PriceText string
	At, Changed     time.Time
	Said            []said
	Given           []ui.File
	Form            ui.Form // of an answer
	Typed           string
	Wrong           *ui.Errors
	Error           string
	Again           string  // where a closed one is reported again
	Helps           []found // articles that may solve it
	Held            []held  // files of an answer that was refused
	Asked           *asked  // how content she is; nil where she is not asked
}

// asked is the question how content somebody is, or what she answered.
type asked struct {
	Answered     bool
	Is           int
	Action       string
	Score, Words string
	Error, Wrong string
}

func (v *visit) ticket() error { return v.ticketPage("", nil, nil) }

func (v *visit) ticketPage(text string, refused error, files []*attachment.Content) error {
	return v.ticketShown(text, refused, files, asked{})
}

func (v *visit) ticketShown(text string, refused error, files []*attachment.Content, say asked) error {
	tid, err := v.ID("id")
	if err != nil {
		return err
	}
	var t *desk.Ticket
	var q *survey.Question
	err = v.View(func(tx *gate.Tx) (err error) {
		if t, err = v.Portal.Read(tx, tid); err != nil {
			return err
		}
		if q, err = v.Surveys.Of(tx, tid); err != nil || !t.Request || t.Over {
			return err
		}
		b, err := ballot.Of(tx, tid)
		if err == nil && b != nil && b.Result.State == ballot.Pending {
			t.State = desk.WaitsForApproval()
		}
		return err
	})
	if err != nil {
		return err
	}
	p, f, err := v.page(t.Number + " " + t.Subject)
	if err != nil {
		return err
	}
	d := ticketView{frame: f, Ticket: *t, Kind: "Problem", At: shell.When(t.Created), Changed: shell.When(t.Updated), Typed: text,
		Again: "/portal/report?q=" + strings.ReplaceAll(t.Number+" "+t.Subject, " ", "+")}
	if t.Request {
		d.Kind, d.Again = "Order", ""
	}
	if t.Price != nil && *t.Price > 0 {
		d.PriceText = money(*t.Price)
	}
	for _, e := range t.Entries {
		x := said{Who: e.Who, Mine: e.Mine, Text: e.Text, Time: shell.When(e.At)}
		if x.Who == "" {
			x.Who = "Service desk"
		}
		d.Said = append(d.Said, x)
	}
	for _, file := range t.Files {
		d.Given = append(d.Given, ui.File{Name: file.Name, Href: "/portal/files/" + file.ID.String(), Size: file.Size})
	}
	if !t.Request && !t.Over && !t.Reopens {
		if d.Helps, err = v.helps(t); err != nil {
			return err
		}
	}
	if q != nil {
		say.Answered, say.Is, say.Action = q.Answered, q.Score, "/portal/tickets/"+tid.String()+"/content"
		d.Asked = &say
	}
	if refused != nil {
		say := fault.Say(refused)
		d.Wrong, d.Error = &ui.Errors{Text: say.Text, Hint: say.Hint}, say.Fields["text"]
		if d.Held = heldOf(files); len(files) > 0 {
			d.Wrong.Hint = strings.TrimSpace(d.Wrong.Hint + " Your files are kept.")
		}
		for _, name := range []string{"text", "files", "score", "words"} {
			if s := say.Fields[name]; s != "" {
				d.Wrong.Text = s
			}
		}
	}
	p.Data = d
	return v.RenderStatus(status(refused), "portal-ticket", p)
}

func (v *visit) answer() error {
	tid, err := v.ID("id")
	if err != nil {
		return err
	}
	if err := v.View(func(tx *gate.Tx) error { _, err := v.Portal.Read(tx, tid); return err }); err != nil {
		return err
	}
	form, files, err := v.taken(tid, "")
	do := desk.Do(form.Text("do"))
	if err == nil {
		err = v.Portal.Answer(v.R.Context(), v.Caller, tid, do, form.Raw("text"), files)
	}
	if gives(err) {
		if bad := v.hold(form, tid, files); bad != nil {
			return bad
		}
		return v.ticketPage(form.Raw("text"), err, files)
	}
	if err != nil {
		return err
	}
	done := map[desk.Do]string{desk.Reopen: "It is being worked on again.", desk.Close: "Thank you. We have noted it."}[do]
	if done == "" {
		done = "Sent."
	}
	return v.Done("/portal/tickets/"+tid.String(), "%s", done)
}

// mostHelps is how many articles stand beside an open ticket.
const mostHelps = 3

// helps are the articles that the subject of a ticket finds.
func (v *visit) helps(t *desk.Ticket) ([]found, error) {
	list, err := v.find(t.Subject)
	var out []found
	for _, x := range list {
		if x.Article && len(out) < mostHelps {
			out = append(out, x)
		}
	}
	return out, err
}

// solved says that an article solved a ticket.
func (v *visit) solved() error {
	tid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	article, _ := id.Parse(form.Text("article"))
	done, err := v.Portal.Solved(v.R.Context(), v.Caller, tid, article)
	if err != nil {
		return err
	}
	if done {
		return v.Done("/portal/tickets/"+tid.String(), "Good to hear. It is marked as solved.")
	}
	return v.Done("/portal/tickets/"+tid.String(), "Good to hear. We close it for you.")
}

// content takes what somebody says of a ticket that is resolved. The first answer stands.
func (v *visit) content() error {
	tid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	n, _ := strconv.Atoi(form.Text("score"))
	_, err = v.Surveys.Reply(v.R.Context(), v.Caller, tid, survey.Answer{Score: n, Words: strings.TrimSpace(form.Raw("words"))})
	if shell.Refusable(err) {
		say := fault.Say(err).Fields
		return v.ticketShown("", err, nil, asked{Score: form.Text("score"), Words: form.Raw("words"), Error: say["score"], Wrong: say["words"]})
	}
	if err != nil {
		return err
	}
	return v.Done("/portal/tickets/"+tid.String(), "Thank you.")
}

// asking is a request that waits for the caller's yes.
type asking struct {
	ID      id.ID
	Subject string
	For     string
	Text    string
	Price   string
	Answers []catalogue.Answer
	Time    time.Time
}

type approvalsView struct {
	frame
	List []asking
}

// ask reads what an approval is of, as far as who decides has to know it.
func (v *visit) ask(tx *gate.Tx, b *ballot.Ballot) (*asking, *record.Record, error) {
	r, err := v.Records.Get(tx, "", b.Record)
	if err != nil {
		return nil, nil, err
	}
	a := &asking{ID: b.ID, Subject: r.Name, Time: shell.When(b.At)}
	if n, ok := r.Values["number"].(int64); ok {
		a.Subject = r.Kind.Field("number").Numbered(n) + " " + r.Name
	}
	if r.Kind.Name == "service_request" {
		t, err := v.Portal.Read(tx, r.ID)
		if err != nil {
			return nil, nil, err
		}
		a.For, a.Text, a.Answers = t.For, t.Text, t.Answers
		if t.Price != nil && *t.Price > 0 {
			a.Price = money(*t.Price)
		}
	}
	return a, r, nil
}

func (v *visit) approvals() error {
	p, f, err := v.page("Approvals")
	if err != nil {
		return err
	}
	d := approvalsView{frame: f}
	err = v.View(func(tx *gate.Tx) error {
		list, err := ballot.Waiting(tx)
		for _, b := range list {
			a, _, err := v.ask(tx, b)
			if err != nil {
				return err
			}
			d.List = append(d.List, *a)
		}
		return err
	})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("portal-approvals", p)
}

type approvalView struct {
	frame
	Ask  asking
	Form ui.Form
}

func (v *visit) approval() error { return v.approvalPage(web.NewForm(nil), nil) }

func (v *visit) approvalPage(form *web.Form, refused error) error {
	bid, err := v.ID("id")
	if err != nil {
		return err
	}
	var a *asking
	err = v.View(func(tx *gate.Tx) error {
		b, err := v.hers(tx, bid)
		if err == nil {
			a, _, err = v.ask(tx, b)
		}
		return err
	})
	if err != nil {
		return err
	}
	p, f, err := v.page("Approval of " + a.Subject)
	if err != nil {
		return err
	}
	d := approvalView{frame: f, Ask: *a, Form: ui.Form{Action: "/portal/approvals/" + bid.String(), Submit: "Send", Cancel: "/portal/approvals", Fields: []ui.Field{
		{Name: "yes", Label: "Your answer", Type: "select", Required: true, Value: form.Text("yes"), Options: []ui.Option{{Value: "1", Label: "Yes, I approve", Selected: form.Text("yes") == "1"}, {Value: "0", Label: "No", Selected: form.Text("yes") == "0"}}},
		{Name: "words", Label: "In a sentence", Type: "text", Value: form.Text("words"), Most: 500, Wide: true, Hint: "Needed for a no."}}}}
	if refused != nil {
		say := fault.Say(refused)
		d.Form.Wrong(say.Text, say.Hint, say.Fields)
	}
	p.Data = d
	return v.RenderStatus(status(refused), "portal-approval", p)
}

// hers gives an approval that waits for the caller; all others are not there.
func (v *visit) hers(tx *gate.Tx, bid id.ID) (*ballot.Ballot, error) {
	list, err := ballot.Waiting(tx)
	if err != nil {
		return nil, err
	}
	for _, b := range list {
		if b.ID == bid {
			return b, nil
		}
	}
	return nil, gate.Missing()
}

func (v *visit) vote() error {
	bid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	var r *record.Record
	err = v.View(func(tx *gate.Tx) error {
		b, err := v.hers(tx, bid)
		if err == nil {
			_, r, err = v.ask(tx, b)
		}
		return err
	})
	if err != nil {
		return err
	}
	err = v.Change(access.Comment, gate.Thing{Kind: r.Kind.Name, ID: r.ID}, func(tx *gate.Tx) error {
		if yes := form.Text("yes"); yes != "1" && yes != "0" {
			return fault.Field("yes", "Choose yes or no.")
		}
		return tx.Desk(func() error {
			now, err := v.Records.Get(tx, r.Kind.Name, r.ID)
			if err == nil {
				_, err = ballot.Cast(tx, now, bid, form.Text("yes") == "1", form.Text("words"))
			}
			return err
		})
	})
	if shell.Refusable(err) {
		return v.approvalPage(form, err)
	}
	if err != nil {
		return err
	}
	return v.Done("/portal", "Your answer is kept.")
}
