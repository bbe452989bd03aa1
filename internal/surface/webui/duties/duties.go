// Package duties holds the pages of who is on call: now and in the weeks to come, one's own
// times with the calendar of them, and who takes whose place.
//
// Always true: a page shows the plans that the caller may see; the address of a calendar is
// shown once, gives nothing but its owner's own times, and ends when she ends it or leaves;
// everything works without script.
package duties

import (
	"embed"
	"io/fs"
	"net/http"
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
	"strongroom/internal/feature/duty"
	"strongroom/internal/feature/duty/method"
	"strongroom/internal/feature/duty/roster"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group; they need nothing beside the shell.
type Pages struct{ shell *shell.Shell }

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

const path = "/on-call"

// How far the page looks ahead, and how much of a plan it shows.
const (
	ahead     = 28 * 24 * time.Hour
	mostShown = 12
)

// Mount gives the shell the pages, and beside a ticket who was called.
func (p *Pages) Mount(s *shell.Shell) {
	if s.Records.Kinds.Kind(duty.PlanKind) == nil {
		return
	}
	p.shell = s
	s.Nav(shell.Entry{Label: "On call", Href: path, Icon: "phone", Place: 36, For: func(c *access.Caller) bool { return c.User != 0 && c.May(access.Comment) }})
	s.Get(path, p.as((*visit).page))
	s.Get(path+"/swap", p.as(func(v *visit) error { return v.swapForm(nil, nil) }))
	s.Post(path+"/swap", p.as((*visit).swap))
	s.Post(path+"/answer", p.as((*visit).answer))
	s.Get(path+"/instead", p.as(func(v *visit) error { return v.insteadForm(nil, nil) }))
	s.Post(path+"/instead", p.as((*visit).instead))
	s.Post(path+"/take", p.as((*visit).take))
	s.Post(path+"/feed", p.as((*visit).newFeed))
	s.Post(path+"/feed/end", p.as((*visit).endFeed))
	s.Public("GET "+path+"/{tenant}/{share}", p.feed)
	s.Rail(shell.RailPart{Draw: beside})
	s.Manage(shell.ToContents, func(v *shell.Visit, _ map[string]int64) []ui.Item {
		plan, given := v.Kind(duty.PlanKind), v.Kind(duty.AssignmentKind)
		return []ui.Item{{Title: plan.Labels, Sub: "Who is on call, in turns, and who is called next", Href: shell.ListURL(plan), Icon: plan.Icon},
			{Title: given.Labels, Sub: "How the tickets of a team are given to its people", Href: shell.ListURL(given), Icon: given.Icon}}
	})
}

// visit is one request for a page of the group.
type visit struct {
	*shell.Visit
	*Pages
}

// as makes a handler of the shell.
func (p *Pages) as(h func(*visit) error) shell.Handler {
	return func(v *shell.Visit) error { return h(&visit{v, p}) }
}

// view is the page of who is on call.
type view struct {
	Head   ui.Head
	Notice *ui.Notice
	Feed   string // the address of a calendar that was just made
	Cards  []*ui.Section
	Has    bool // an address of a calendar
}

func (v *visit) page() error { return v.board("") }

// board is the page; feed is an address that is shown this once.
func (v *visit) board(feed string) error {
	d := view{Head: ui.Head{Title: "On call", Icon: "phone", Sub: []ui.Cell{{Text: "Now and in the next four weeks"}}, Actions: []ui.Action{{Label: "Take somebody's place", Icon: "arrows-exchange", Href: path + "/instead"}}}, Feed: feed}
	err := v.View(func(tx *gate.Tx) error {
		boards, err := duty.Boards(tx, v.Records, ahead)
		if err != nil {
			return err
		}
		swaps, err := duty.Swaps(tx)
		if err != nil {
			return err
		}
		who := duty.People(boards)
		for _, s := range swaps {
			who = append(who, s.User, s.To)
		}
		names, err := v.Records.Names(tx, who...)
		if err != nil {
			return err
		}
		if d.Has, err = duty.HasFeed(tx); err != nil {
			return err
		}
		calls, err := v.calling(tx)
		if err != nil {
			return err
		}
		for _, s := range []*ui.Section{calls, v.asked(swaps, boards, names)} {
			if s != nil {
				d.Cards = append(d.Cards, s)
			}
		}
		d.Cards = append(d.Cards, v.mine(boards, names))
		for _, b := range boards {
			d.Cards = append(d.Cards, v.drawn(b, names))
		}
		if len(boards) == 0 {
			d.Cards = append(d.Cards, &ui.Section{Title: "No plan yet", Icon: "phone", Empty: "Who manages the tenant writes on-call plans under Settings."})
		}
		return nil
	})
	if err != nil {
		return err
	}
	p, err := v.Page("On call", ui.Crumb{Label: "On call"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("oncall", p)
}

// span is a time in a zone, in words.
func span(from, until time.Time) string {
	const long = "Mon 2 Jan 15:04"
	if from.YearDay() == until.YearDay() && from.Year() == until.Year() {
		return from.Format(long) + "–" + until.Format("15:04 MST")
	}
	return from.Format(long) + " – " + until.Format(long+" MST")
}

// why is a shift in words, without whose it is.
func why(s roster.Shift, names map[id.ID]string) string {
	if s.Of != 0 {
		return "for " + names[s.Of]
	}
	if s.Person == 0 {
		return string(s.Why)
	}
	return ""
}

func (v *visit) drawn(b *duty.Board, names map[id.ID]string) *ui.Section {
	out := &ui.Section{Title: b.Name, Icon: "phone", More: &ui.NavItem{Label: "Plan", Href: shell.RecordURL(v.Kind(duty.PlanKind), b.ID)}}
	for i, s := range b.Shifts {
		if i == mostShown {
			out.Text = "What follows is in the plan."
			break
		}
		it := ui.Item{Title: names[s.Person], Badge: names[s.Person], Person: true, Sub: span(s.From, s.Until)}
		if w := why(s, names); w != "" {
			it.Sub += ", " + w
		}
		if s.Person == 0 {
			it.Title, it.Badge, it.Person, it.Icon, it.Pill = "Nobody", "", false, "alert-triangle", &ui.Pill{Text: "Gap", Tone: "warn"}
		}
		if i == 0 {
			it.Sub = "Until " + s.Until.Format("Mon 2 Jan 15:04 MST")
			if w := why(s, names); w != "" {
				it.Sub += ", " + w
			}
			if s.Person != 0 {
				it.Pill = &ui.Pill{Text: "Now", Tone: "ok"}
			}
		}
		out.Items = append(out.Items, it)
	}
	return out
}

// mine are the caller's own times.
func (v *visit) mine(boards []*duty.Board, names map[id.ID]string) *ui.Section {
	out := &ui.Section{Title: "My times", Icon: "calendar"}
	for _, b := range boards {
		for _, s := range b.Shifts {
			if s.Person != v.Caller.User || len(out.Items) == mostShown {
				continue
			}
			it := ui.Item{Title: span(s.From, s.Until), Sub: b.Name, Icon: "calendar", Action: &ui.Action{Label: "Ask somebody", Icon: "arrows-exchange", Href: path + "/swap?plan=" + b.ID.String() + "&shift=" + times(s)}}
			if w := why(s, names); w != "" {
				it.Sub += ", " + w
			}
			out.Items = append(out.Items, it)
		}
	}
	if len(out.Items) == 0 {
		out.Empty = "You are not on call in the next four weeks."
	}
	return out
}

// times is a shift as a form carries it.
func times(s roster.Shift) string {
	return strconv.FormatInt(s.From.UnixMilli(), 10) + "-" + strconv.FormatInt(s.Until.UnixMilli(), 10)
}

func readTimes(text string) (from, until int64) {
	a, b, _ := strings.Cut(text, "-")
	from, errA := strconv.ParseInt(a, 10, 64)
	until, errB := strconv.ParseInt(b, 10, 64)
	if errA != nil || errB != nil {
		return 0, 0
	}
	return from, until
}

// asked are the swaps that wait for somebody.
func (v *visit) asked(list []*duty.Swap, boards []*duty.Board, names map[id.ID]string) *ui.Section {
	out := &ui.Section{Title: "Asked", Icon: "arrows-exchange"}
	for _, s := range list {
		zone, plan := time.UTC, ""
		for _, b := range boards {
			if b.ID == s.Plan {
				zone, plan = b.Zone, b.Name
			}
		}
		at := func(ms int64) time.Time { return time.UnixMilli(ms).In(zone) }
		it := ui.Item{Icon: "arrows-exchange", Sub: plan + ", " + span(at(s.From), at(s.Until))}
		if s.BackUntil != 0 {
			it.Sub += "; in return " + span(at(s.BackFrom), at(s.BackUntil))
		}
		button := func(label, yes string) *ui.Action {
			return &ui.Action{Label: label, Href: path + "/answer", Post: true, Fields: []ui.Hidden{{Name: "swap", Value: s.ID.String()}, {Name: "yes", Value: yes}}}
		}
		if s.User == v.Caller.User {
			it.Title, it.Action = "You asked "+names[s.To], button("Take back", "0")
			out.Items = append(out.Items, it)
			continue
		}
		it.Title, it.Action = names[s.User]+" asks you", button("Accept", "1")
		out.Items = append(out.Items, it, ui.Item{Title: "Or decline", Icon: "x", Action: button("Decline", "0")})
	}
	if len(out.Items) == 0 {
		return nil
	}
	return out
}

// calling are the tickets that wait for the caller to take them.
func (v *visit) calling(tx *gate.Tx) (*ui.Section, error) {
	list, err := duty.Calling(tx)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	var ids []id.ID
	for _, c := range list {
		ids = append(ids, c.Ticket)
	}
	links, err := v.Records.Links(tx, ids...)
	out := &ui.Section{Title: "You are called", Icon: "phone-call", Note: true}
	for _, c := range list {
		if l, ok := links[c.Ticket]; ok {
			k := v.Kind(l.Kind)
			out.Items = append(out.Items, ui.Item{Title: l.Name, Sub: "The next is called at " + shell.When(c.Due).UTC().Format("15:04 UTC"), Href: shell.RecordURL(k, c.Ticket), Icon: k.Icon, Action: takeButton(c.Ticket)})
		}
	}
	if len(out.Items) == 0 {
		return nil, err
	}
	return out, err
}

func takeButton(ticket id.ID) *ui.Action {
	return &ui.Action{Label: "I take it", Icon: "check", Href: path + "/take", Post: true, Fields: []ui.Hidden{{Name: "record", Value: ticket.String()}}}
}

// take says that the caller takes a ticket.
func (v *visit) take() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	n, ok := id.Parse(f.Text("record"))
	if !ok {
		return gate.Missing()
	}
	var r *record.Record
	err = v.Change(access.View, gate.Thing{ID: n}, func(tx *gate.Tx) (err error) {
		if r, err = v.Records.Get(tx, "", n); err != nil {
			return err
		}
		return duty.Acknowledge(tx, r)
	})
	if err != nil {
		return err
	}
	return v.Done(shell.RecordURL(r.Kind, r.ID), "You take it: nobody else is called.")
}

// beside is the part of a ticket's rail that says who was called about it, or why nobody has
// it yet.
func beside(v *shell.Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	if !method.Takes(r.Kind) {
		return nil, nil
	}
	list, err := duty.CallsOf(tx, r.ID)
	if err != nil {
		return nil, err
	}
	waits, err := duty.Waits(tx, r.ID)
	if err != nil || len(list) == 0 && waits == "" {
		return nil, err
	}
	var who []id.ID
	for _, c := range list {
		who = append(who, c.User, c.By)
	}
	names, err := v.Records.Names(tx, who...)
	s := &ui.Section{Title: "On call", Icon: "phone"}
	if waits != "" {
		s.Text = "Nobody has it yet: " + waits + "."
	}
	for _, c := range list {
		it := ui.Item{Title: names[c.User], Badge: names[c.User], Person: true, Time: shell.When(c.At)}
		switch c.State {
		case duty.CallWaits:
			it.Sub = "Called; the next is at " + shell.When(c.Due).UTC().Format("15:04 UTC")
			if v.MayTo(access.Edit, r) {
				it.Action = takeButton(r.ID)
			}
		case duty.CallTaken:
			it.Sub = "Takes it"
			if c.By != 0 && c.By != c.User {
				it.Sub = names[c.By] + " takes it"
			}
		case duty.CallPassed:
			it.Sub = "Did not answer"
		case duty.CallNobody:
			it.Sub = "Did not answer, and nobody is left to be called"
		default:
			it.Sub = "Was called"
		}
		s.Items = append(s.Items, it)
	}
	return s, err
}

// swapForm asks who is to take the caller's place.
func (v *visit) swapForm(sent *web.Form, refused error) error {
	q := v.R.URL.Query().Get
	if sent != nil {
		q = sent.Text
	}
	plan, _ := id.Parse(q("plan"))
	from, until := readTimes(q("shift"))
	f := ui.Form{Action: path + "/swap", Submit: "Ask", Cancel: path, Hidden: []ui.Hidden{{Name: "plan", Value: plan.String()}, {Name: "shift", Value: q("shift")}}}
	err := v.View(func(tx *gate.Tx) error {
		boards, err := duty.Boards(tx, v.Records, ahead)
		if err != nil {
			return err
		}
		names, err := v.Records.Names(tx, duty.People(boards)...)
		if err != nil {
			return err
		}
		options, err := v.Choices(tx, "user", nil)
		if err != nil {
			return err
		}
		to := ui.Field{Name: "to", Label: "Who takes your place", Type: "select", Required: true, Wide: true}
		var back []ui.Option
		zone, title := time.UTC, ""
		for _, b := range boards {
			if b.ID != plan {
				continue
			}
			zone, title = b.Zone, b.Name
			for _, s := range b.Shifts[1:] {
				if s.Person != 0 && s.Person != v.Caller.User {
					back = append(back, ui.Option{Value: s.Person.String() + "/" + times(s), Label: names[s.Person] + ", and you are on call " + span(s.From, s.Until), Group: "In return for"})
				}
			}
		}
		if title == "" || until == 0 {
			return gate.Missing()
		}
		for _, o := range options {
			if o.Value != v.Caller.User.String() {
				to.Options = append(to.Options, ui.Option{Value: o.Value, Label: o.Label, Group: "Without return"})
			}
		}
		to.Options = append(to.Options, back...)
		for i := range to.Options {
			to.Options[i].Selected = to.Options[i].Value == q("to")
		}
		f.Fields = []ui.Field{{Type: "fixed", Label: "Plan", Cells: []ui.Cell{{Text: title}}}, {Type: "fixed", Name: "shift", Label: "Your time", Cells: []ui.Cell{{Text: span(time.UnixMilli(from).In(zone), time.UnixMilli(until).In(zone))}}}, to}
		return nil
	})
	if err != nil {
		return err
	}
	return v.form("Ask somebody to be on call", f, refused)
}

// form answers with a form, with what is wrong with it.
func (v *visit) form(title string, f ui.Form, refused error) error {
	status := http.StatusOK
	if refused != nil {
		say := fault.Say(refused)
		f.Wrong(say.Text, say.Hint, say.Fields)
		status = web.Status(refused)
	}
	p, err := v.Page(title, ui.Crumb{Label: "On call", Href: path}, ui.Crumb{Label: title})
	if err != nil {
		return err
	}
	p.Data = shell.FormPage{Head: ui.Head{Title: title, Icon: "arrows-exchange"}, Form: f}
	return v.RenderStatus(status, "form", p)
}

func (v *visit) swap() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	err = v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error {
		s := duty.Swap{}
		s.Plan, _ = id.Parse(f.Text("plan"))
		s.From, s.Until = readTimes(f.Text("shift"))
		to, back, _ := strings.Cut(f.Text("to"), "/")
		s.To, _ = id.Parse(to)
		s.BackFrom, s.BackUntil = readTimes(back)
		return duty.AskSwap(tx, v.Records, s)
	})
	if shell.Refusable(err) {
		return v.swapForm(f, err)
	}
	if err != nil {
		return err
	}
	return v.Done(path, "It is asked.")
}

func (v *visit) answer() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	n, ok := id.Parse(f.Text("swap"))
	if !ok {
		return gate.Missing()
	}
	err = v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error { return duty.AnswerSwap(tx, v.Records, n, f.Text("yes") == "1") })
	if err != nil {
		return err
	}
	return v.Done(path, "Answered.")
}

// local is how a browser writes a time of the clock on the wall.
const local = "2006-01-02T15:04"

// insteadForm asks who is on call in whose place, and when.
func (v *visit) insteadForm(sent *web.Form, refused error) error {
	get := func(string) string { return "" }
	if sent != nil {
		get = sent.Text
	}
	f := ui.Form{Action: path + "/instead", Submit: "Save", Cancel: path, Note: "Who may change a plan names anybody; others name themselves."}
	err := v.View(func(tx *gate.Tx) error {
		boards, err := duty.Boards(tx, v.Records, time.Hour)
		if err != nil {
			return err
		}
		people, err := v.Choices(tx, "user", nil)
		if err != nil {
			return err
		}
		var plans []ui.Option
		for _, b := range boards {
			plans = append(plans, ui.Option{Value: b.ID.String(), Label: b.Name, Sub: b.Zone.String(), Selected: get("plan") == b.ID.String()})
		}
		var who []ui.Option
		for _, o := range people {
			o.Selected = o.Value == get("who") || get("who") == "" && o.Value == v.Caller.User.String()
			if o.Selected || v.May(access.Edit, v.Kind(duty.PlanKind)) {
				who = append(who, o)
			}
		}
		f.Fields = []ui.Field{{Name: "plan", Label: "Plan", Type: "select", Required: true, Options: plans, Wide: true}, {Name: "who", Label: "Who is on call", Type: "select", Required: true, Options: who, Wide: true},
			{Name: "from", Label: "From", Type: "datetime-local", Required: true, Value: get("from"), Hint: "By the clock on the wall in the plan's time zone."}, {Name: "until", Label: "Until", Type: "datetime-local", Required: true, Value: get("until")}}
		return nil
	})
	if err != nil {
		return err
	}
	return v.form("Take somebody's place", f, refused)
}

func (v *visit) instead() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	plan, _ := id.Parse(f.Text("plan"))
	who, _ := id.Parse(f.Text("who"))
	err = v.Change(access.View, gate.Thing{ID: plan}, func(tx *gate.Tx) error {
		boards, err := duty.Boards(tx, v.Records, time.Hour)
		if err != nil {
			return err
		}
		for _, b := range boards {
			if b.ID != plan {
				continue
			}
			at := [2]int64{}
			for i, name := range []string{"from", "until"} {
				t, err := time.ParseInLocation(local, f.Text(name), b.Zone)
				if err != nil {
					return fault.Field(name, "Choose a day and a time.")
				}
				at[i] = t.UnixMilli()
			}
			return duty.StandIn(tx, v.Records, plan, who, at[0], at[1])
		}
		return gate.Missing()
	})
	if shell.Refusable(err) {
		return v.insteadForm(f, err)
	}
	if err != nil {
		return err
	}
	return v.Done(path, "It is in the plan.")
}

func (v *visit) newFeed() error {
	token := ""
	err := v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) (err error) {
		token, err = duty.NewFeed(tx)
		return err
	})
	if err != nil {
		return err
	}
	v.W.Header().Set("Cache-Control", "no-store")
	return v.board(path + "/" + v.Caller.Tenant + "/" + token + ".ics")
}

func (v *visit) endFeed() error {
	if err := v.Change(access.View, gate.Thing{}, duty.EndFeed); err != nil {
		return err
	}
	return v.Done(path, "The calendar has no address any more.")
}

// feed answers with somebody's calendar. An address that is none is like a page that there
// is not.
func (p *Pages) feed(w http.ResponseWriter, r *http.Request) error {
	text := ""
	token, ics := strings.CutSuffix(r.PathValue("share"), ".ics")
	if !ics {
		return gate.Missing()
	}
	err := p.shell.Gate.View(r.Context(), access.System(r.PathValue("tenant"), "feed"), func(tx *gate.Tx) (err error) {
		text, err = duty.Feed(tx, p.shell.Records, token)
		return err
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/calendar; charset=utf-8")
	w.Header().Set("Cache-Control", "private, no-store")
	_, err = w.Write([]byte(text))
	return err
}
