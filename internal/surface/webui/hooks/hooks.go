// Package hooks holds the pages of webhooks: how an address stands, what was sent to it and
// what it answered, its secret, a test, and sending once more.
//
// Always true: a secret is shown once, on the page that follows when it is made; what was
// sent is told to who may see the address.
package hooks

import (
	"bytes"
	"embed"
	"encoding/json"
	"io/fs"
	"strconv"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/webhook"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{ Hooks *webhook.Hooks }

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages.
func (p *Pages) Mount(s *shell.Shell) {
	k := s.Records.Kinds.Kind(webhook.Kind)
	if k == nil {
		return
	}
	s.Own(webhook.Kind).Page = func(v *shell.Visit, r *record.Record) error { return (&visit{v, p}).page(r, "") }
	s.Own(webhook.Kind).Form = form
	at := "/" + k.Plural + "/{id}"
	s.Post(at+"/secret", p.as((*visit).secret))
	s.Post(at+"/test", p.as((*visit).test))
	s.Post(at+"/replay", p.as((*visit).replay))
	s.Manage(shell.ToPrograms, func(v *shell.Visit, _ map[string]int64) []ui.Item {
		return []ui.Item{{Title: k.Labels, Sub: "Other systems are told what happens, signed", Href: shell.ListURL(k), Icon: k.Icon}}
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

// form lets the kind be chosen by its name.
func form(v *shell.Visit, f *ui.Form, _ *record.Record) error {
	for i := range f.Fields {
		x := &f.Fields[i]
		if x.Name != "of_kind" {
			continue
		}
		x.Type, x.Options = "select", []ui.Option{{Label: "Everything", Selected: x.Value == ""}}
		for _, k := range v.Records.Kinds.Kinds() {
			if k.Scope == record.OfOrganization && k.Menu > 0 && !k.Admin && !k.Shared {
				x.Options = append(x.Options, ui.Option{Value: k.Name, Label: k.Labels, Selected: k.Name == x.Value})
			}
		}
	}
	return nil
}

// view is the page of an address.
type view struct {
	Head    ui.Head
	Notice  *ui.Notice
	Secret  string // that was just made
	Public  bool
	Deeds   []ui.Action
	Cards   []*ui.Section
	Message *message
	Rail    []*ui.Section
}

// message is one that was sent, with what came of it.
type message struct {
	ID, Body string
	Tries    []webhook.Try
	Again    *ui.Action
}

const mostShown = 30

func tone(state string) string {
	return map[string]string{webhook.Sent: "ok", webhook.Failed: "bad", webhook.Waiting: "info", webhook.Sending: "info"}[state]
}

// page is the page of one address; with ?message= it shows a message whole.
func (v *visit) page(r *record.Record, secret string) error {
	d := view{Notice: v.ArchivedNotice(r), Secret: secret, Public: r.Values.Text("signs") == webhook.Ed25519}
	at := shell.RecordURL(r.Kind, r.ID)
	d.Deeds = []ui.Action{{Label: "Send a test", Icon: "send", Href: at + "/test", Post: true}, {Label: "Make a secret", Icon: "key", Href: at + "/secret", Post: true}}
	err := v.View(func(tx *gate.Tx) (err error) {
		if d.Head, err = v.HeadOf(tx, r); err != nil {
			return err
		}
		s, err := webhook.StandingOf(tx, r.ID)
		if err != nil {
			return err
		}
		d.Cards = append(d.Cards, v.standing(r, s))
		if n, ok := id.Parse(v.R.URL.Query().Get("message")); ok {
			list, err := webhook.Log(tx, r.ID, n, 1)
			if err != nil {
				return err
			}
			if len(list) == 1 {
				d.Message = shown(at, list[0])
			}
		}
		list, err := webhook.Log(tx, r.ID, 0, mostShown)
		if err != nil {
			return err
		}
		log := &ui.Section{Title: "Messages", Icon: "send"}
		if len(list) == 0 {
			log.Empty = "Nothing was sent yet."
		}
		for _, l := range list {
			log.Items = append(log.Items, ui.Item{Title: what(l), Sub: webhook.MessageID(l.ID) + tries(l.Attempts), Href: at + "?message=" + l.ID.String(), Icon: "send", Time: shell.When(l.At), Pill: &ui.Pill{Text: shell.Capital(l.State), Tone: tone(l.State)}})
		}
		d.Cards = append(d.Cards, log)
		d.Rail, err = v.RailOf(tx, r)
		return err
	})
	if err != nil {
		return err
	}
	p, err := v.Page(r.Name, v.Crumbs(r.Kind, 0, "", ui.Crumb{Label: r.Name})...)
	if err != nil {
		return err
	}
	p.Keys, p.Data = shell.RecordKeys(), d
	return v.Render("webhook", p)
}

func what(l *webhook.Line) string {
	if l.Kind == "" {
		return "A test"
	}
	return l.Kind + "." + l.Event
}

func tries(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return ", sent once"
	}
	return ", sent " + strconv.Itoa(n) + " times"
}

func shown(at string, l *webhook.Line) *message {
	m := &message{ID: webhook.MessageID(l.ID), Body: l.Body, Tries: l.Tries}
	var b bytes.Buffer
	if json.Indent(&b, []byte(l.Body), "", "  ") == nil {
		m.Body = b.String()
	}
	if l.State == webhook.Sent || l.State == webhook.Failed {
		m.Again = &ui.Action{Label: "Send once more", Icon: "refresh", Href: at + "/replay", Post: true, Fields: []ui.Hidden{{Name: "message", Value: l.ID.String()}}}
	}
	return m
}

// standing says how an address stands.
func (v *visit) standing(r *record.Record, s *webhook.Standing) *ui.Section {
	out := &ui.Section{Title: "How it stands", Icon: "webhook"}
	say := func(label, text string) {
		out.Props = append(out.Props, ui.Prop{Label: label, Cells: []ui.Cell{{Text: text}}})
	}
	when := func(ms int64) string { return shell.When(ms).UTC().Format("2 January 2006, 15:04 UTC") }
	switch {
	case !s.Secret:
		say("Sends", "Nothing: it has no secret yet. Make one below.")
	case s.Off != 0:
		say("Turned off", when(s.Off)+". "+s.Said+" Saving it turns it on again.")
	case !r.Values.Bool("active"):
		say("Sends", "Nothing: it is off.")
	case s.Failing != 0:
		say("Fails", "Since "+when(s.Failing)+". After three days it is turned off.")
	case s.Well != 0:
		say("Answered last", when(s.Well))
	default:
		say("Sends", "It waits for something to happen.")
	}
	say("Waiting", messages(s.Waiting))
	if s.Lost > 0 {
		say("Lost", messages(s.Lost)+", while the queue was full or a record was told of too often")
	}
	if s.Public != "" {
		say("Public key", s.Public)
	}
	if s.Rotated != 0 && s.Secret {
		say("Secret made", when(s.Rotated)+"; the one before it holds for a day after that")
	}
	return out
}

// target is the address that a form is about.
func (v *visit) target(fn func(tx *gate.Tx, r *record.Record) error) (*record.Record, error) {
	n, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	var r *record.Record
	err = v.Change(access.View, gate.Thing{Kind: webhook.Kind, ID: n}, func(tx *gate.Tx) (err error) {
		if r, err = v.Records.Get(tx, webhook.Kind, n); err != nil {
			return err
		}
		return fn(tx, r)
	})
	return r, err
}

func (v *visit) secret() error {
	text := ""
	r, err := v.target(func(tx *gate.Tx, r *record.Record) (err error) {
		text, err = v.Hooks.Rotate(tx, r.ID)
		return err
	})
	if err != nil {
		return err
	}
	v.W.Header().Set("Cache-Control", "no-store")
	return v.page(r, text)
}

func (v *visit) test() error {
	r, err := v.target(func(tx *gate.Tx, r *record.Record) error { return v.Hooks.Test(tx, r.ID) })
	if err != nil {
		return err
	}
	return v.Done(shell.RecordURL(r.Kind, r.ID), "A test is on its way.")
}

func (v *visit) replay() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	message, ok := id.Parse(f.Text("message"))
	if !ok {
		return gate.Missing()
	}
	r, err := v.target(func(tx *gate.Tx, r *record.Record) error { return v.Hooks.Replay(tx, r.ID, message) })
	if err != nil {
		return err
	}
	return v.Done(shell.RecordURL(r.Kind, r.ID)+"?message="+message.String(), "It is sent once more.")
}

func messages(n int) string {
	if n == 1 {
		return "1 message"
	}
	return strconv.Itoa(n) + " messages"
}
