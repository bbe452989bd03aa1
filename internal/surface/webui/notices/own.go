package notices

import (
	"net/http"
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

// ownPath is below which the channels of one's own are, and allowedPath where it is said which
// of them people may use.
const (
	ownPath     = "/notifications/channels/"
	allowedPath = "/settings/channels"
)

// mountOwn gives the shell the pages of channels that people set up for themselves.
func (p *Pages) mountOwn(s *shell.Shell) {
	s.Get(ownPath+"{channel}", p.as(func(v *visit) error { return v.ownPage(nil, nil) }))
	s.Post(ownPath+"{channel}", p.as((*visit).setOwn))
	s.Post(ownPath+"{channel}/test", p.as((*visit).testOwn))
	s.Post(ownPath+"{channel}/remove", p.as((*visit).removeOwn))
	s.Get(allowedPath, shell.Administering(p.as((*visit).allowed)))
	s.Post(allowedPath, shell.Administering(p.as((*visit).allow)))
	s.Manage(shell.ToContents, func(v *shell.Visit, _ map[string]int64) []ui.Item {
		if !v.Caller.May(access.Administer) {
			return nil
		}
		return []ui.Item{{Title: "Channels", Sub: "By what people may be told, beside Strongroom and mail", Href: allowedPath, Icon: "bell"}}
	})
}

// ownItems are the channels that the caller has or may set up.
func (v *visit) ownItems(tx *gate.Tx) ([]ui.Item, error) {
	if v.Own == nil {
		return nil, nil
	}
	allowed, err := channel.Allowed(tx)
	if err != nil {
		return nil, err
	}
	var out []ui.Item
	for _, f := range channel.Formats() {
		own, err := channel.Get(tx, f.Name)
		if err != nil {
			return nil, err
		}
		if own == nil && !allowed[f.Name] {
			continue
		}
		out = append(out, ui.Item{Title: f.Label, Sub: stands(f, own, allowed[f.Name]), Href: ownPath + f.Name, Icon: "bell"})
	}
	return out, nil
}

// stands says how a channel stands, in a sentence.
func stands(f channel.Format, own *channel.Own, allowed bool) string {
	switch {
	case own == nil:
		return f.About
	case !allowed:
		return "Set up for " + own.Host() + ", and not allowed at present: nothing is sent."
	case own.Off != 0:
		return "Turned off. " + own.Said
	case own.Said != "":
		return "On, and the last try failed. " + own.Said
	default:
		return "On, at " + own.Host() + "."
	}
}

// ownView is the page of one channel.
type ownView struct {
	Head ui.Head
	Text string
	At   string
	Has  string // how it stands; empty when there is none
	Form *ui.Form
}

func (v *visit) format() (channel.Format, error) {
	f, ok := channel.FormatOf(v.R.PathValue("channel"))
	if !ok {
		return f, gate.Missing()
	}
	return f, nil
}

// ownPage is the page of a channel, again with what was sent and what is wrong with it.
func (v *visit) ownPage(sent *web.Form, refused error) error {
	f, err := v.format()
	if err != nil {
		return err
	}
	d := ownView{Head: ui.Head{Title: f.Label, Icon: "bell"}, Text: f.About, At: ownPath + f.Name}
	err = v.View(func(tx *gate.Tx) error {
		allowed, err := channel.Allowed(tx)
		if err != nil {
			return err
		}
		own, err := channel.Get(tx, f.Name)
		if err != nil {
			return err
		}
		if own == nil && !allowed[f.Name] {
			return gate.Missing()
		}
		d.Form = ownForm(f, own, sent)
		if own != nil {
			d.Has = stands(f, own, allowed[f.Name])
		}
		return nil
	})
	if err != nil {
		return err
	}
	status := http.StatusOK
	if refused != nil {
		say := fault.Say(refused)
		d.Form.Wrong(say.Text, say.Hint, say.Fields)
		status = web.Status(refused)
	}
	p, err := v.Page(f.Label, ui.Crumb{Label: "Notifications", Href: "/notifications"}, ui.Crumb{Label: "What I am told", Href: "/notifications/settings"}, ui.Crumb{Label: f.Label})
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(status, "notification-channel", p)
}

func ownForm(f channel.Format, own *channel.Own, sent *web.Form) *ui.Form {
	address, text, why, typ := "", "", f.Why, "password"
	if own != nil {
		address = own.Address
	}
	if own != nil && own.HasSecret {
		why = "One is kept, and not shown. Leave this empty to keep it."
	} else if f.Fresh != nil {
		text, typ = f.Fresh(), "text" // to be copied
	}
	if sent != nil {
		address, text = sent.Text("address"), sent.Text("secret")
	}
	return &ui.Form{Action: ownPath + f.Name, Submit: "Save", Cancel: "/notifications/settings", Fields: []ui.Field{
		{Name: "address", Label: "Address", Type: "url", Required: true, Value: address, Hint: f.Hint, Wide: true},
		{Name: "secret", Label: f.Secret, Type: typ, Value: text, Hint: why, Wide: true},
	}}
}

func (v *visit) setOwn() error {
	f, err := v.format()
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	err = v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error { return channel.Set(tx, f.Name, form.Text("address"), form.Text("secret")) })
	if shell.Refusable(err) {
		return v.ownPage(form, err)
	}
	if err != nil {
		return err
	}
	return v.Done(ownPath+f.Name, "It is set up. Send a test, and choose what comes by it under What I am told.")
}

func (v *visit) testOwn() error {
	f, err := v.format()
	if err != nil {
		return err
	}
	said, err := v.Own.Test(v.R.Context(), v.Caller, f.Name)
	if shell.Refusable(err) {
		return v.ownPage(nil, err)
	}
	if err != nil {
		return err
	}
	return v.Done(ownPath+f.Name, "%s", said)
}

func (v *visit) removeOwn() error {
	f, err := v.format()
	if err != nil {
		return err
	}
	if err := v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error { return channel.Remove(tx, f.Name) }); err != nil {
		return err
	}
	return v.Done("/notifications/settings", "The channel is removed.")
}

// allowedView is the page on which administrators say what people may use.
type allowedView struct {
	Head ui.Head
	Form *ui.Form
}

func (v *visit) allowed() error {
	d := allowedView{Head: ui.Head{Title: "Channels", Icon: "bell"}, Form: &ui.Form{Action: allowedPath, Submit: "Save"}}
	err := v.View(func(tx *gate.Tx) error {
		may, err := channel.Allowed(tx)
		if err != nil {
			return err
		}
		users, err := channel.Users(tx)
		if err != nil {
			return err
		}
		for _, f := range channel.Formats() {
			d.Form.Fields = append(d.Form.Fields, ui.Field{Name: f.Name, Label: f.Label, Type: "checkbox", Checked: may[f.Name], Wide: true, Hint: f.About + " " + used(users[f.Name])})
		}
		return nil
	})
	if err != nil {
		return err
	}
	p, err := v.Page(d.Head.Title, ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: d.Head.Title})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("settings-channels", p)
}

func used(n int) string {
	switch n {
	case 0:
		return "Nobody has set it up."
	case 1:
		return "One person has set it up."
	default:
		return strconv.Itoa(n) + " people have set it up."
	}
}

func (v *visit) allow() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	var names []string
	for _, f := range channel.Formats() {
		if form.Bool(f.Name) {
			names = append(names, f.Name)
		}
	}
	if err := v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error { return channel.Allow(tx, names...) }); err != nil {
		return err
	}
	return v.Done(allowedPath, "It is kept what people may use.")
}

// toldView is the page of what reached the caller by what.
type toldView struct {
	Head  ui.Head
	Lines []toldLine
	Next  string
}

// toldLine is one notice, and what became of it by each channel.
type toldLine struct {
	Icon, Href, Text, Why string
	At                    time.Time
	Fates                 []toldFate
}

type toldFate struct {
	Label, State, Said string
	At                 time.Time
}

func (v *visit) told() error {
	ask := notification.Query{After: v.R.URL.Query().Get("after"), Limit: pageSize}
	d := toldView{Head: ui.Head{Title: "How it reached me", Icon: "history", Sub: []ui.Cell{{Text: "What I was told, by what, and why"}}, Actions: []ui.Action{{Label: "What I am told", Icon: "settings", Href: "/notifications/settings", Quiet: true}}}}
	labels := v.offered()
	err := v.View(func(tx *gate.Tx) error {
		p, fates, err := notification.Told(tx, ask)
		if err != nil {
			return err
		}
		for _, l := range p.Lines {
			line := toldLine{Icon: l.Topic.Icon, Href: "/notifications", Text: l.Plain(), Why: "Why: " + l.Topic.Label + ".", At: shell.When(l.At)}
			if l.Shown {
				line.Href += "/" + l.ID.String()
				line.Fates = append(line.Fates, toldFate{Label: labels[notification.InApp], State: read(l)})
			}
			for _, f := range fates[l.ID] {
				label := labels[f.Channel]
				switch {
				case label == "": // such as by mail, where none is sent
				case f.State == notification.Waits && f.At <= v.Now().UnixMilli():
					line.Fates = append(line.Fates, toldFate{Label: label, State: "about to be sent"})
				default:
					line.Fates = append(line.Fates, toldFate{Label: label, State: became(f.State), At: shell.When(f.At), Said: f.Said})
				}
			}
			d.Lines = append(d.Lines, line)
		}
		if p.Next != "" {
			q := ui.Query{Path: "/notifications/told"}
			d.Next = q.With("after", p.Next)
		}
		return nil
	})
	if err != nil {
		return err
	}
	p, err := v.Page(d.Head.Title, ui.Crumb{Label: "Notifications", Href: "/notifications"}, ui.Crumb{Label: d.Head.Title})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("notifications-told", p)
}

func read(l *notification.Line) string {
	if l.Read {
		return "in the list, and read"
	}
	return "in the list, not read yet"
}

// became says what became of a notice, before a time.
func became(state string) string {
	switch state {
	case notification.Waits:
		return "waits until"
	case notification.Given:
		return "handed over to be sent"
	case notification.Arrived:
		return "taken by the other side"
	case notification.Failed:
		return "failed"
	default:
		return "not sent: it was read, is hidden or is no news any more,"
	}
}
