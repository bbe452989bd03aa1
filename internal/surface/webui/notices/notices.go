// Package notices holds the pages on which people read what concerns them and
// choose what they are told.
//
// Always true: everybody reads and chooses for herself alone; everything works
// with the keyboard alone and without script.
package notices

import (
	"embed"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/notification/channel"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct {
	Out *notification.Deliverer // the channels that leave the house; nil for none
	Own *channel.Sender         // those that people set up for themselves; nil for none
}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Bell = bell
	s.Get("/notifications", p.as((*visit).list))
	s.Get("/notifications/{id}", p.as((*visit).open))
	s.Post("/notifications/{id}", p.as((*visit).mark))
	s.Post("/notifications/read", p.as((*visit).markAll))
	s.Get("/notifications/settings", p.as((*visit).choices))
	s.Post("/notifications/settings", p.as((*visit).choose))
	s.Get("/notifications/told", p.as((*visit).told))
	if p.Own != nil {
		p.mountOwn(s)
	}
}

// bell counts what the caller has not read, with one statement.
func bell(tx *gate.Tx) (*ui.Bell, error) {
	n, err := notification.Unread(tx)
	return &ui.Bell{Count: n, Href: "/notifications"}, err
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

// listView is the page of notices.
type listView struct {
	Head   ui.Head
	Seg    []ui.NavItem
	Topics []ui.Option
	Unread bool
	Lines  []line
	Until  int64  // what "all" means when everything is marked
	Topic  string // that is shown
	Next   string
	Empty  ui.Empty
}

// line is one notice.
type line struct {
	ID, Href string
	By       string
	Icon     string
	Words    []notification.Word
	At       time.Time
	Read     bool
}

const pageSize = 40

func (v *visit) list() error {
	q := v.R.URL.Query()
	ask := notification.Query{Topic: q.Get("topic"), Unread: q.Get("show") == "unread", After: q.Get("after"), Limit: pageSize}
	if _, ok := notification.TopicOf(ask.Topic); !ok {
		ask.Topic = ""
	}
	d := listView{Head: ui.Head{Title: "Notifications", Icon: "bell", Actions: []ui.Action{{Label: "How it reached me", Icon: "history", Href: "/notifications/told", Quiet: true}, {Label: "What I am told", Icon: "settings", Href: "/notifications/settings", Quiet: true}}},
		Unread: ask.Unread, Topic: ask.Topic, Until: v.Now().UnixMilli()}
	at := ui.Query{Path: "/notifications", Values: q}
	err := v.View(func(tx *gate.Tx) error {
		p, err := notification.List(tx, ask)
		if err != nil {
			return err
		}
		for _, l := range p.Lines {
			d.Lines = append(d.Lines, v.line(l))
		}
		if p.Next != "" {
			d.Next = at.With("after", p.Next)
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.Seg = []ui.NavItem{{Label: "All", Href: at.With("show", "", "after", ""), Current: !ask.Unread, Swap: "notices"}, {Label: "Unread", Href: at.With("show", "unread", "after", ""), Current: ask.Unread, Swap: "notices"}}
	d.Topics = []ui.Option{{Label: "Everything"}}
	for _, t := range notification.Topics() {
		d.Topics = append(d.Topics, ui.Option{Value: t.Name, Label: t.Label, Selected: t.Name == ask.Topic})
	}
	d.Empty = empty(ask)
	p, err := v.Page("Notifications", ui.Crumb{Label: "Notifications"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("notifications", p)
}

func empty(q notification.Query) ui.Empty {
	if q.Unread {
		return ui.Empty{Icon: "bell-off", Title: "Nothing is unread", Text: "What you have read is under All.", Actions: []ui.Action{{Label: "Show all", Href: "/notifications"}}}
	}
	if q.Topic != "" {
		return ui.Empty{Icon: "bell-off", Title: "Nothing of this sort", Actions: []ui.Action{{Label: "Show everything", Href: "/notifications"}}}
	}
	return ui.Empty{Icon: "bell", Title: "Nothing yet", Text: "When somebody mentions you or gives you a task, it stands here."}
}

func (v *visit) line(l *notification.Line) line {
	return line{ID: l.ID.String(), Href: "/notifications/" + l.ID.String(), By: l.By, Icon: l.Topic.Icon, Words: l.Text, At: shell.When(l.At), Read: l.Read}
}

// open marks a notice as read and leads to what it is about.
func (v *visit) open() error {
	nid, err := v.ID("id")
	if err != nil {
		return err
	}
	var l *notification.Line
	err = v.View(func(tx *gate.Tx) error {
		p, err := notification.List(tx, notification.Query{ID: nid, Limit: 1})
		if err == nil && len(p.Lines) == 0 {
			err = gate.Missing()
		}
		if err == nil {
			l = p.Lines[0]
		}
		return err
	})
	if err != nil {
		return err
	}
	if !l.Read && !v.Caller.Scope.Looks {
		err = v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error { return notification.Mark(tx, nid, true) })
	}
	if err != nil {
		return err
	}
	to := l.Href
	if k := v.Kind(l.Kind); k != nil {
		to = shell.RecordURL(k, l.Record)
		if l.Place != "" {
			to += "#" + l.Place
		}
	}
	return web.SeeOther(v.W, v.R, web.LocalPath(to, "/notifications"))
}

// mark notes that a notice was read, or was not after all.
func (v *visit) mark() error {
	nid, err := v.ID("id")
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	err = v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error { return notification.Mark(tx, nid, f.Bool("read")) })
	if err != nil {
		return err
	}
	return web.SeeOther(v.W, v.R, back(f))
}

// markAll notes that everything that the page showed was read.
func (v *visit) markAll() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	until, err := strconv.ParseInt(f.Text("until"), 10, 64)
	if err != nil {
		until = v.Now().UnixMilli()
	}
	err = v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error {
		_, err := notification.MarkAll(tx, f.Text("topic"), until)
		return err
	})
	if err != nil {
		return err
	}
	return v.Done(back(f), "Everything is marked as read.")
}

// back is the list as it was shown.
func back(f *web.Form) string {
	q := ui.Query{Path: "/notifications"}
	show := ""
	if f.Text("show") == "unread" {
		show = "unread"
	}
	topic := f.Text("topic")
	if _, ok := notification.TopicOf(topic); !ok {
		topic = ""
	}
	return q.With("show", show, "topic", topic)
}

// choiceView is the page on which one chooses.
type choiceView struct {
	Head   ui.Head
	Topics []choiceLine
	Errors *ui.Errors
	Times  []ui.Field
	Own    []ui.Item // channels of one's own
}

type choiceLine struct {
	Label string
	Boxes []choiceBox
}

type choiceBox struct {
	Name, Label, Channel string
	On                   bool
}

// offered are the channels that a person can choose, with their headings.
func (p *Pages) offered() map[string]string {
	out := map[string]string{notification.InApp: "In Strongroom"}
	if p.Out.Has(notification.ByMail) {
		out[notification.ByMail] = "By mail"
	}
	if p.Own != nil {
		for _, f := range channel.Formats() {
			out[f.Name] = f.Label
		}
	}
	return out
}

// times are the fields of when mail comes and of quiet hours, as they are or as they were sent
// and refused.
func times(d *notification.Digest, q *notification.Quiet, sent *web.Form) []ui.Field {
	clock := func(m int) string { return time.Date(2000, 1, 1, 0, m, 0, 0, time.UTC).Format("15:04") }
	every, at, from, until, zone := "", "", "", "", "UTC"
	if d != nil {
		every, zone = notification.Hourly, d.Zone
		if d.Daily {
			every, at = notification.Daily, clock(d.Minute)
		}
	}
	if q != nil {
		from, until, zone = clock(q.From), clock(q.Until), q.Zone
	}
	if sent != nil {
		every, at, from, until, zone = sent.Text("every"), sent.Text("at"), sent.Text("from"), sent.Text("until"), sent.Text("zone")
	}
	often := []ui.Option{{Label: "At once"}, {Value: notification.Hourly, Label: "Together, once an hour"}, {Value: notification.Daily, Label: "Together, once a day"}}
	for i := range often {
		often[i].Selected = often[i].Value == every
	}
	return []ui.Field{{Type: "heading", Label: "When it leaves", Hint: "What is sent to you by mail, or by a channel of your own. What is urgent comes at once: that you are called, and what is about security. What you have read in Strongroom by then does not come."},
		{Name: "every", Label: "It comes", Type: "select", Options: often}, {Name: "at", Label: "Once a day at", Type: "time", Value: at},
		{Name: "zone", Label: "Time zone", Type: "text", Value: zone, Hint: "Such as Europe/Berlin. It is that of quiet hours too."},
		{Type: "heading", Label: "Quiet hours", Hint: "In these hours nothing leaves for you but what is urgent. The rest comes when they end."},
		{Name: "from", Label: "From", Type: "time", Value: from}, {Name: "until", Label: "Until", Type: "time", Value: until}}
}

func (v *visit) choices() error { return v.choicesPage(nil, nil) }

// choicesPage is the page, again with what was sent and what is wrong with it.
func (v *visit) choicesPage(sent *web.Form, refused error) error {
	offered := v.offered()
	d := choiceView{Head: ui.Head{Title: "What I am told", Icon: "bell"}}
	err := v.View(func(tx *gate.Tx) error {
		list, err := notification.Choices(tx)
		for _, c := range list {
			t, _ := notification.TopicOf(c.Topic)
			if n := len(d.Topics); n == 0 || d.Topics[n-1].Label != t.Label {
				d.Topics = append(d.Topics, choiceLine{Label: t.Label})
			}
			if offered[c.Channel] == "" {
				continue
			}
			last := &d.Topics[len(d.Topics)-1]
			box := choiceBox{Name: c.Topic + "." + c.Channel, Label: t.Label + ": " + offered[c.Channel], Channel: offered[c.Channel], On: c.Wanted}
			if sent != nil {
				box.On = sent.Bool(box.Name)
			}
			last.Boxes = append(last.Boxes, box)
		}
		if err != nil {
			return err
		}
		q, err := notification.QuietOf(tx)
		if err != nil {
			return err
		}
		together, err := notification.DigestOf(tx)
		if err != nil {
			return err
		}
		d.Times = times(together, q, sent)
		d.Own, err = v.ownItems(tx)
		return err
	})
	if err != nil {
		return err
	}
	p, err := v.Page(d.Head.Title, ui.Crumb{Label: "Notifications", Href: "/notifications"}, ui.Crumb{Label: d.Head.Title})
	if err != nil {
		return err
	}
	status := http.StatusOK
	if refused != nil {
		say := fault.Say(refused)
		form := ui.Form{Fields: d.Times}
		form.Wrong(say.Text, say.Hint, say.Fields)
		d.Errors, d.Times, status = form.Errors, form.Fields, web.Status(refused)
	}
	p.Data = d
	return v.RenderStatus(status, "notification-settings", p)
}

func (v *visit) choose() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	hours, err := notification.ParseQuiet(f.Text("zone"), f.Text("from"), f.Text("until"))
	var together *notification.Digest
	if err == nil {
		together, err = notification.ParseDigest(f.Text("every"), f.Text("at"), f.Text("zone"))
	}
	if shell.Refusable(err) {
		return v.choicesPage(f, err)
	}
	if err != nil {
		return err
	}
	err = v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error {
		list, err := notification.Choices(tx) // of the channels that she has
		if err != nil {
			return err
		}
		offered := v.offered()
		list = slices.DeleteFunc(list, func(c notification.Choice) bool { return offered[c.Channel] == "" })
		for i, c := range list {
			list[i].Wanted = f.Bool(c.Topic + "." + c.Channel)
		}
		if err := notification.Choose(tx, list...); err != nil {
			return err
		}
		if err := notification.SetDigest(tx, together); err != nil {
			return err
		}
		return notification.SetQuiet(tx, hours)
	})
	if err != nil {
		return err
	}
	return v.Done("/notifications", "It is kept what you are told.")
}
