package tickets

import (
	"cmp"
	"html/template"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/desk"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/mailbox/letter"
	"strongroom/internal/feature/sla"
	"strongroom/internal/surface/webui/shell"
)

// ticketPage is a ticket with the queue on one side and what is at hand on the other.
type ticketPage struct {
	Queue    *queuePane
	Live     watched
	Presence *present
	Latest   string // names the last entry, see latest
	Clocks   *clocksCard
	Head     ui.Head
	Number   string
	Status   ui.Status
	Priority *ui.Status
	Opened   time.Time
	Org      ui.Cell
	Customer ui.Cell
	Notice   *ui.Notice
	Into     *ui.NavItem // where it went when it was merged
	Texts    []text
	Lines    []line
	Earlier  string // address of entries that are not shown
	Moves    []ui.Action
	Macros   []ui.Action
	More     []ui.Action
	Watch    *ui.Action
	Say      *composer
	Files    *shell.FilesCard
	Talk     *shell.TalkCard
	Hand     *hand
	next     []string // the states that are offered
	Props    []ui.Prop
	Rail     []*ui.Section
	Merged   *ui.Section // what was merged into it
	Tags     *tagsCard
	Steps    *stepsCard
	Shows    []ui.NavItem // what of the timeline is shown
}

// text is a long text of the ticket itself.
type text struct {
	Label string
	HTML  template.HTML
}

// composer is where one writes on a ticket.
type composer struct {
	Action, Draft, Type, Text, Error string
	Hint, Seen, Writing              string
	Customer                         string // to whom a reply goes
	Mailed                           string // who gets it by mail, or why nobody does
	Lost                             string // addresses from which mail came back
	States                           []string
	Then                             string
}

// typed is what was written and refused, with the reason.
type typed struct {
	typ, text, then, seen string
	macro                 id.ID // that filled it in; 0 for what somebody wrote
	wrong                 error
	files                 []*attachment.Content
}

// ticket is the page of one; t is what was refused, or nil.
func (v *visit) ticket(r *record.Record, t *typed) error {
	var d ticketPage
	var mailed *letter.Recipients
	if t == nil {
		var err error
		if t, err = v.filled(r); err != nil {
			return err
		}
	}
	err := v.View(func(tx *gate.Tx) (err error) {
		if d.Queue, err = v.queue(tx, r.ID); err != nil {
			return err
		}
		if d.Live, err = v.listening(tx, d.Queue.Name, r.ID); err != nil {
			return err
		}
		if d.Presence, err = presence(tx, r.ID); err != nil {
			return err
		}
		if err = v.about(tx, r, &d); err != nil {
			return err
		}
		if d.Files, err = v.FilesOf(tx, r); err != nil {
			return err
		}
		if d.Tags, err = v.tags(tx, r); err != nil {
			return err
		}
		if d.Steps, err = v.steps(tx, r); err != nil {
			return err
		}
		if d.Hand, err = v.hand(tx, r); err != nil {
			return err
		}
		if mailed, err = letter.To(tx, r); err != nil {
			return err
		}
		d.Rail, err = v.RailOf(tx, r)
		if d.Merged != nil {
			d.Rail = append([]*ui.Section{d.Merged}, d.Rail...)
		}
		return err
	})
	if err != nil {
		return err
	}
	if d.Talk != nil && len(d.Talk.Lines) == 0 { // what is said of a ticket is written in its journal
		d.Talk = nil
	}
	if d.Say = v.composer(r, t, d.next); d.Say != nil {
		d.Say.Seen = d.Latest
		if mailed != nil {
			d.Say.Mailed, d.Say.Lost = "A reply "+mailed.Words()+".", strings.Join(mailed.Lost, ", ")
		}
	}
	p, err := v.Page(r.Name, v.Crumbs(r.Kind, r.Org, r.OrgName, ui.Crumb{Label: d.Number})...)
	if err != nil {
		return err
	}
	p.Keys, p.Data = keys(), d
	if t != nil && t.wrong != nil {
		return v.RenderStatus(web.Status(t.wrong), "ticket", p)
	}
	return v.Render("ticket", p)
}

// about reads what the page shows of the ticket itself, which changes with it.
func (v *visit) about(tx *gate.Tx, r *record.Record, d *ticketPage) (err error) {
	d.Status, d.Priority, d.Opened, d.Notice = v.status(r.Kind, r.Values.Text("status")), priority(r.Values.Text("priority")), shell.When(r.Created), v.ArchivedNotice(r)
	if n, ok := r.Values["number"].(int64); ok {
		d.Number = r.Kind.Field("number").Numbered(n)
	}
	if into := r.Names[desk.MergedInto]; into != "" && d.Notice == nil {
		end, err := v.joins().End(tx, r.ID)
		if err == nil {
			d.Into = &ui.NavItem{Label: called(end), Href: shell.RecordURL(end.Kind, end.ID)}
		} else if !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	if d.Head, err = v.HeadOf(tx, r); err != nil {
		return err
	}
	if d.next, err = lifeOf(r.Kind).Offered(tx, r); err != nil {
		return err
	}
	if d.Macros, err = v.macros(tx, r); err != nil {
		return err
	}
	var did []line
	if d.Clocks, did, err = v.clocks(tx, r); err != nil {
		return err
	}
	if err = v.timeline(tx, r, d, did); err != nil {
		return err
	}
	if d.Talk, err = v.TalkOf(tx, r); err != nil {
		return err
	}
	if d.Talk != nil && d.Talk.Watch != "" {
		d.Watch = &ui.Action{Label: "Watch", Icon: "bell-off", Href: d.Talk.Watch, Post: true, Quiet: true, Fields: []ui.Hidden{{Name: "on", Value: "1"}}}
		if d.Talk.On {
			d.Watch.Label, d.Watch.Icon, d.Watch.Fields[0].Value = "Stop watching", "bell", "0"
		}
	}
	v.parts(r, d)
	v.buttons(r, d)
	return nil
}

// parts fills what the fields of the ticket say: long texts, and the rest beside it.
func (v *visit) parts(r *record.Record, d *ticketPage) {
	d.Org = ui.Cell{Text: r.OrgName, Href: shell.RecordURL(v.Kind("organization"), r.Org)}
	for i := range r.Kind.Fields {
		f := &r.Kind.Fields[i]
		val := r.Values[f.Name]
		switch {
		case val == nil || val == false || f.Type == record.Ref && r.Names[f.Name] == "" || slices.Contains([]string{"name", "number", "status", "priority", "final", sla.Due, "impact_version", desk.TagField}, f.Name):
		case f.Type == record.HTML || f.Type == record.Multiline:
			t := text{Label: f.Title(), HTML: shell.Prose(f, r.Values.Text(f.Name))}
			if f.Name == "description" {
				t.Label = ""
			}
			d.Texts = append(d.Texts, t)
		case f.Name == "contact_id":
			d.Customer = v.Cell(r, f)
		default:
			d.Props = append(d.Props, ui.Prop{Label: f.Title(), Cells: []ui.Cell{v.Cell(r, f)}})
		}
	}
	if d.Customer.Text != "" {
		d.Props = append([]ui.Prop{{Label: r.Kind.Field("contact_id").Title(), Cells: []ui.Cell{d.Customer}}}, d.Props...)
	}
}

// finished are the states in which work is done, by their names.
var finished = [...]string{"Resolved", "Fulfilled", "Implemented", "Completed", "Closed"}

// buttons fills what can be done with the ticket: the declared moves, to take it, and
// what can be done with any record.
func (v *visit) buttons(r *record.Record, d *ticketPage) {
	d.More = slices.DeleteFunc(slices.Clone(d.Head.Actions), func(a ui.Action) bool { return a.Primary })
	for i := range d.More {
		d.More[i].Quiet = true
	}
	d.More = append(d.More, ui.Action{Label: "History", Icon: "history", Href: shell.RecordURL(r.Kind, r.ID) + "/history", Quiet: true})
	if !v.MayTo(access.Edit, r) {
		return
	}
	l := lifeOf(r.Kind)
	is := l.State(r.Values.Text(l.Field))
	if is != nil && !is.Frozen && r.Values.ID("owner_id") != v.Caller.User && v.Caller.User != 0 {
		d.Moves = append(d.Moves, ui.Action{Label: "Take it", Icon: "user-check", Href: at(r) + "/take", Post: true, Key: "t"})
	}
	main, waits := false, []ui.Action(nil)
	for _, to := range d.next {
		a := ui.Action{Label: to, Href: at(r) + "/move", Fields: []ui.Hidden{{Name: "to", Value: to}}, Post: true}
		if len(v.lacking(l.State(to), r)) > 0 {
			a.Href, a.Fields, a.Post = a.Href+"?to="+slug(to), nil, false
		}
		if slices.Contains(finished[:], to) && !main {
			main, a.Primary, a.Icon = true, true, "check"
		}
		if strings.HasPrefix(to, "Waiting") { // there are several, and they go with a reply
			a.Quiet, a.Icon = true, "clock-pause"
			waits = append(waits, a)
			continue
		}
		d.Moves = append(d.Moves, a)
	}
	d.More = append(waits, d.More...)
	if is == nil || !is.Frozen {
		if mergeable(r.Kind) {
			d.More = append(d.More, ui.Action{Label: "Merge", Icon: "stack-2", Href: at(r) + "/merge", Quiet: true, Key: "m"})
		}
		d.More = append([]ui.Action{{Label: "Edit", Icon: "edit", Href: shell.RecordURL(r.Kind, r.ID) + "/edit", Key: "e", Quiet: true}}, d.More...)
	}
}

// lacking are the fields that a state demands and that are not there. Who moves a
// ticket becomes its owner, so nobody is asked for that.
func (v *visit) lacking(s *lifecycle.State, r *record.Record) []string {
	var out []string
	for _, f := range s.Requires {
		if r.Values[f] == nil && !(f == "name" && r.Name != "") && !(f == "owner_id" && v.Caller.User != 0) {
			out = append(out, f)
		}
	}
	return out
}

// composer is where the caller writes; nil for who may not.
func (v *visit) composer(r *record.Record, t *typed, next []string) *composer {
	k := v.Kind(entry.Kind)
	if k == nil || !v.May(access.Create, k) || v.Caller.Scope.ReadOnly {
		return nil
	}
	c := &composer{Action: at(r) + "/say", Draft: "say:" + v.Caller.User.String() + ":" + r.ID.String(), Type: entry.Reply, Customer: r.Names["contact_id"]}
	if r.Kind.Field("contact_id") == nil || c.Customer == "" {
		c.Type = entry.Note
	}
	if v.MayTo(access.Edit, r) {
		l := lifeOf(r.Kind)
		for _, to := range next {
			if len(v.lacking(l.State(to), r)) == 0 {
				c.States = append(c.States, to)
			}
		}
	}
	if v.p.Live != nil {
		c.Writing = at(r) + "/writing"
	}
	if t != nil && t.macro != 0 {
		c.Draft += ":" + t.macro.String() // what was being written is kept apart
	}
	if t != nil {
		c.Type, c.Text, c.Then = cmp.Or(t.typ, c.Type), t.text, t.then
		if t.wrong != nil {
			said := fault.Say(t.wrong)
			c.Error, c.Hint = lost(t.files, said.Text), said.Hint
		}
	}
	return c
}

// at is where the forms of a ticket are sent.
func at(r *record.Record) string { return "/tickets/" + r.ID.String() }
