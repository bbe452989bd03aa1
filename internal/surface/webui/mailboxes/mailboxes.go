// Package mailboxes holds the pages on which administrators say which mailboxes the
// service desk reads, and decide on the mail that it did not file.
//
// Always true: a password that was entered is never shown again; of a mail nothing is
// loaded, run or followed to show it.
package mailboxes

import (
	"embed"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/mail"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/mailbox"
	"strongroom/internal/feature/mailbox/letter"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// top is the address of the pages.
const top = "/settings/mailboxes"

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{ Desk *mailbox.Desk }

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages.
func (p *Pages) Mount(s *shell.Shell) {
	s.Manage(shell.ToData, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Mailboxes", Sub: "Mail that becomes tickets, and what was held back", Href: top, Icon: "inbox"}}
	})
	get := func(path string, h func(*visit) error) { s.Get(path, shell.Administering(p.as(h))) }
	post := func(path string, h func(*visit) error) { s.Post(path, shell.Administering(p.as(h))) }
	get(top, (*visit).all)
	post(top, (*visit).save)
	get(top+"/new", (*visit).blank)
	get(top+"/{id}", (*visit).one)
	post(top+"/{id}", (*visit).save)
	post(top+"/{id}/test", (*visit).test)
	post(top+"/{id}/try", (*visit).try)
	post(top+"/{id}/delete", (*visit).remove)
	post(top+"/{id}/connect", (*visit).connect)
	get(mailbox.ReturnPath, (*visit).connected)
	get(signingPage, (*visit).signing)
	post(signingPage, (*visit).makeKeys)
	post(signingPage+"/{id}/check", (*visit).checkKeys)
	post(signingPage+"/{id}/use", (*visit).useKeys)
	post(signingPage+"/{id}/delete", (*visit).removeKeys)
	get(top+"/held/{id}", (*visit).held)
	post(top+"/held/{id}/release", (*visit).release)
	post(top+"/held/{id}/drop", (*visit).drop)
	get(top+"/templates", (*visit).templates)
	post(top+"/templates/language", (*visit).speak)
	get(top+"/templates/mail", (*visit).template)
	post(top+"/templates/mail", (*visit).change)
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

type view struct {
	Head    ui.Head
	Found   *found
	Cards   []*ui.Section
	Forms   []ui.Form
	After   []*ui.Section
	Dialogs []ui.Confirm
}

// found is what a test or the last visit found.
type found struct {
	Title   string
	Lines   []string
	Problem *ui.Errors
}

func (v *visit) show(status int, title string, data *view, crumbs ...ui.Crumb) error {
	list := []ui.Crumb{{Label: "Settings", Href: "/settings"}}
	p, err := v.Page(title, append(list, crumbs...)...)
	if err != nil {
		return err
	}
	p.Data = data
	return v.RenderStatus(status, "mailboxes", p)
}

func address(b id.ID) string { return top + "/" + b.String() }

// states are how a mail stands that was not filed.
var states = map[string]ui.Pill{
	mailbox.Held: {Text: "Held", Tone: "warn"}, mailbox.Ignored: {Text: "Ignored"}, mailbox.Dropped: {Text: "Dropped"}, mailbox.Received: {Text: "Waiting", Tone: "info"}, mailbox.Filed: {Text: "Filed", Tone: "ok"},
}

// all lists the mailboxes and what was not filed.
func (v *visit) all() error {
	data := &view{Head: ui.Head{Title: "Mailboxes", Icon: "inbox", Sub: []ui.Cell{{Text: "Mail that comes here becomes tickets, or is written on those it belongs to."}},
		Actions: []ui.Action{{Label: "Add a mailbox", Icon: "plus", Href: top + "/new", Primary: true}, {Label: "Mail templates", Icon: "template", Href: top + "/templates"}, {Label: "Signed mail", Icon: "shield-check", Href: signingPage}}}}
	boxes := &ui.Section{Title: "Mailboxes", Icon: "inbox", Empty: "None yet: no mail is read."}
	held := &ui.Section{Title: "Held back", Icon: "alert-triangle", Empty: "Nothing waits for you to decide."}
	rest := &ui.Section{Title: "Not filed", Icon: "mail", Empty: "Nothing was ignored."}
	err := v.View(func(tx *gate.Tx) error {
		list, err := mailbox.Boxes(tx)
		if err != nil {
			return err
		}
		for _, b := range list {
			boxes.Items = append(boxes.Items, line(b))
		}
		mails, err := mailbox.List(tx, "")
		for _, m := range mails {
			pill := states[m.State]
			it := ui.Item{Title: subject(m.Subject), Sub: sender(m) + " · " + m.Why, Icon: "mail", Time: shell.When(m.At), Href: top + "/held/" + m.ID.String()}
			if m.State == mailbox.Held {
				held.Items = append(held.Items, it)
				continue
			}
			it.Pill = &pill
			rest.Items = append(rest.Items, it)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, s := range []*ui.Section{boxes, held, rest} {
		if len(s.Items) > 0 {
			s.Empty = ""
		}
	}
	data.Cards = []*ui.Section{boxes, held, rest}
	return v.show(http.StatusOK, "Mailboxes", data, ui.Crumb{Label: "Mailboxes"})
}

// line is a mailbox in the list.
func line(b *mailbox.Box) ui.Item {
	it := ui.Item{Title: b.Name, Sub: b.Address, Href: address(b.ID), Icon: "inbox", Time: shell.When(b.Checked)}
	switch {
	case !b.Active:
		it.Pill = &ui.Pill{Text: "Off"}
	case b.Error != "":
		it.Pill, it.Sub = &ui.Pill{Text: "Cannot be read", Tone: "bad"}, b.Error+" "+b.Hint
	case !b.Connected():
		it.Pill = &ui.Pill{Text: "Not connected", Tone: "warn"}
	case b.Checked == 0:
		it.Pill = &ui.Pill{Text: "Not read yet", Tone: "info"}
	default:
		it.Pill = &ui.Pill{Text: "On", Tone: "ok"}
	}
	return it
}

func subject(s string) string {
	if s == "" {
		return "No subject"
	}
	return s
}

func sender(m mailbox.Came) string {
	switch {
	case m.Sender == "":
		return "no sender"
	case m.Name == "":
		return m.Sender
	}
	return m.Name + " <" + m.Sender + ">"
}

func (v *visit) blank() error {
	return v.page(&mailbox.Box{Active: true, Folder: "INBOX", TLS: mail.Implicit}, nil, nil)
}

// box reads which mailbox the address names.
func (v *visit) box() (b *mailbox.Box, err error) {
	n, ok := id.Parse(v.R.PathValue("id"))
	if !ok {
		return nil, gate.Missing()
	}
	err = v.View(func(tx *gate.Tx) (err error) { b, err = mailbox.GetBox(tx, n); return err })
	return b, err
}

func (v *visit) one() error {
	b, err := v.box()
	if err != nil {
		return err
	}
	return v.page(b, nil, nil)
}

// page shows the form of a mailbox.
func (v *visit) page(b *mailbox.Box, result *found, refused error) error {
	title, status := b.Name, http.StatusOK
	data := &view{Found: result}
	if b.ID == 0 {
		title = "Add a mailbox"
	}
	data.Head = ui.Head{Title: title, Icon: "inbox"}
	if b.ID != 0 {
		d := ui.Confirm{ID: "delete", Title: "Delete " + b.Name + "?", Text: "It is not read any more, and its password is destroyed. What came from it stays.", Action: address(b.ID) + "/delete", Submit: "Delete", Danger: true}
		data.Dialogs = append(data.Dialogs, d)
		data.Head.Sub = []ui.Cell{{Text: b.Address}}
		data.Head.Actions = []ui.Action{{Label: "Test", Icon: "plug", Href: address(b.ID) + "/test", Post: true, Primary: true}}
		if b.Send != "" {
			data.Head.Actions = append(data.Head.Actions, ui.Action{Label: "Send me a mail", Icon: "send", Href: address(b.ID) + "/try", Post: true})
		}
		data.Head.Actions = append(data.Head.Actions, ui.Action{Label: "Delete", Icon: "trash", Href: d.Action, Post: true, Danger: true, Quiet: true, Dialog: d.ID})
		if b.Auth != mailbox.ByPassword {
			data.Cards = append(data.Cards, v.permission(b))
			data.Head.Actions = append([]ui.Action{{Label: map[bool]string{true: "Connect again", false: "Connect"}[b.Connected()], Icon: "link", Href: address(b.ID) + "/connect", Post: true, Primary: !b.Connected()}}, data.Head.Actions...)
			data.Head.Actions[1].Primary = b.Connected()
		}
		if result == nil && b.Error != "" {
			data.Found = &found{Title: "The last visit", Problem: &ui.Errors{Text: b.Error, Hint: b.Hint}}
		}
	}
	f, err := v.form(b)
	if err != nil {
		return err
	}
	if refused != nil {
		said := fault.Say(refused)
		f.Wrong(said.Text, said.Hint, said.Fields)
		status = web.Status(refused)
	}
	data.Forms = []ui.Form{f}
	return v.show(status, title, data, ui.Crumb{Label: "Mailboxes", Href: top}, ui.Crumb{Label: title})
}

// form asks for everything of a mailbox.
func (v *visit) form(b *mailbox.Box) (ui.Form, error) {
	var orgs []ui.Option
	err := v.View(func(tx *gate.Tx) (err error) {
		orgs, err = v.Choices(tx, "organization", map[id.ID]bool{b.Organization: true})
		return err
	})
	f := ui.Form{Action: top, Submit: "Add", Cancel: top}
	hint := "With many providers this is a password made for programs."
	if b.ID != 0 {
		f.Action, f.Submit, hint = address(b.ID), "Save", "One is set. Enter another to replace it. "+hint
		f.Hidden = []ui.Hidden{{Name: "version", Value: strconv.FormatInt(b.Version, 10)}}
	}
	if b.Auth != mailbox.ByPassword {
		hint = "With OAuth2 there is none."
	}
	f.Fields = []ui.Field{
		{Name: "name", Label: "Name", Type: "text", Value: b.Name, Most: 100, Hint: "Left empty, it is the address."},
		{Name: "address", Label: "Address", Type: "email", Value: b.Address, Required: true, Hint: "At which customers write, such as desk@example.com."},
		{Name: "active", Label: "Read this mailbox every five minutes", Type: "checkbox", Checked: b.Active},
		{Type: "heading", Label: "Server that is read"},
		{Name: "protocol", Label: "Protocol", Type: "select", Options: []ui.Option{{Value: mailbox.IMAP, Label: "IMAP", Selected: b.Protocol != mailbox.POP3}, {Value: mailbox.POP3, Label: "POP3: mail stays there, unmarked", Selected: b.Protocol == mailbox.POP3}}},
		{Name: "server", Label: "Server", Type: "text", Value: b.Server, Hint: "Such as imap.example.com:993. Left empty, it is that of the provider, for IMAP."},
		{Name: "tls", Label: "Encryption", Type: "select", Required: true, Options: []ui.Option{{Value: mail.Implicit, Label: "TLS from the first byte (port 993, POP3 995)", Selected: b.TLS != mail.StartTLS}, {Value: mail.StartTLS, Label: "STARTTLS (port 143, POP3 110)", Selected: b.TLS == mail.StartTLS}}},
		{Name: "user", Label: "User", Type: "text", Value: b.User, Hint: "Left empty, it is the address."},
		{Name: "auth", Label: "How it is opened", Type: "select", Options: openings(b.Auth), Hint: "Microsoft 365 and Google take no passwords of programs any more: choose them here, and see the section about OAuth2 below."},
		{Name: "password", Label: "Password", Type: "password", Complete: "new-password", Hint: hint},
		{Name: "folder", Label: "Folder", Type: "text", Value: b.Folder, Hint: "Of IMAP; POP3 knows none."},
		{Name: "done", Label: "Move what was taken to", Type: "text", Value: b.Done, Hint: "A folder of the mailbox. Left empty, mail stays where it is and is marked as read. Nothing is ever deleted."},
		{Type: "heading", Label: "Replies"},
		{Name: "send", Label: "Mail what is replied on tickets", Type: "select", Options: sending(b, v.Desk.Relay != nil)},
		{Name: "confirms", Label: "Confirm new tickets", Type: "checkbox", Checked: b.Confirms, Hint: "Who opens a ticket by mail is told its number."},
		{Name: "resolves", Label: "Tell when a ticket is resolved", Type: "checkbox", Checked: b.Resolves, Hint: "The customer is told, with the resolution."},
		{Name: "language", Label: "Language", Type: "select", Options: languages(b.Language), Hint: "Of what is sent. An organization may have another, under Mail templates."},
		{Name: "plus", Label: "Addresses with a plus come here too", Type: "checkbox", Checked: b.Plus, Hint: "What is written to desk+anything@example.com arrives in this mailbox. Answers are then known by their address as well."},
		{Type: "heading", Label: "Server that sends (SMTP)"},
		{Name: "smtp_server", Label: "Server", Type: "text", Value: b.SMTPServer, Hint: "Such as smtp.example.com:587. Not needed for the server's own relay."},
		{Name: "smtp_tls", Label: "Encryption", Type: "select", Options: []ui.Option{{Value: mail.StartTLS, Label: "STARTTLS (port 587)", Selected: b.SMTPTLS != mail.Implicit}, {Value: mail.Implicit, Label: "TLS from the first byte (port 465)", Selected: b.SMTPTLS == mail.Implicit}}},
		{Name: "smtp_user", Label: "User", Type: "text", Value: b.SMTPUser, Hint: "Left empty, it is the same as for reading."},
		{Name: "smtp_password", Label: "Password", Type: "password", Complete: "new-password", Hint: "Left empty, it stays what it is: at first the same as for reading."},
		{Type: "heading", Label: "Senders who are no contacts"},
		{Name: "strangers", Label: "May open tickets", Type: "checkbox", Checked: b.Strangers, Hint: "Otherwise their mail is held until somebody decides."},
		{Name: "organization_id", Label: "Belong to", Type: "select", Options: append([]ui.Option{{Label: "—"}}, orgs...), Hint: "They become contacts of this organization. It also counts for senders who are contacts of several."},
	}
	if at := slices.IndexFunc(f.Fields, func(f ui.Field) bool { return f.Label == "Replies" }); at > 0 {
		f.Fields = slices.Insert(f.Fields, at, oauthFields(b)...)
	}
	return f, err
}

// sending are the ways by which answers leave.
func sending(b *mailbox.Box, relay bool) []ui.Option {
	out := []ui.Option{{Value: "", Label: "No: nothing is mailed", Selected: b.Send == ""}, {Value: mailbox.BySMTP, Label: "By the mailbox's own server", Selected: b.Send == mailbox.BySMTP}}
	if relay || b.Send == mailbox.ByRelay {
		out = append(out, ui.Option{Value: mailbox.ByRelay, Label: "By the relay of this Strongroom", Selected: b.Send == mailbox.ByRelay})
	}
	return out
}

// languages are those of templates.
func languages(chosen string) []ui.Option {
	var out []ui.Option
	for _, l := range letter.Languages() {
		out = append(out, ui.Option{Value: l.Code, Label: l.Name, Selected: l.Code == chosen})
	}
	return out
}

func (v *visit) save() error {
	b := &mailbox.Box{}
	if v.R.PathValue("id") != "" {
		var err error
		if b, err = v.box(); err != nil {
			return err
		}
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	b.Name, b.Address, b.Active, b.Server, b.TLS, b.User, b.Folder, b.Done, b.Strangers = f.Text("name"), f.Text("address"), f.Bool("active"), f.Text("server"), f.Text("tls"), f.Text("user"), f.Text("folder"), f.Text("done"), f.Bool("strangers")
	b.Protocol = f.Text("protocol")
	b.Auth, b.Client, b.Authorize, b.Token, b.Scope = f.Text("auth"), f.Text("oauth_client"), f.Text("oauth_authorize"), f.Text("oauth_token"), f.Text("oauth_scope")
	b.Send, b.Confirms, b.Resolves, b.Language, b.Plus, b.SMTPServer, b.SMTPTLS, b.SMTPUser = f.Text("send"), f.Bool("confirms"), f.Bool("resolves"), f.Text("language"), f.Bool("plus"), f.Text("smtp_server"), f.Text("smtp_tls"), f.Text("smtp_user")
	b.Organization, _ = id.Parse(f.Text("organization_id"))
	if b.ID != 0 {
		if b.Version, err = strconv.ParseInt(f.Text("version"), 10, 64); err != nil {
			b.Version = 0
		}
	}
	entered := func(name string) *string {
		if text := strings.TrimSpace(f.Raw(name)); text != "" {
			return &text
		}
		return nil
	}
	err = v.Desk.Save(v.R.Context(), v.Caller, b, mailbox.Words{Password: entered("password"), SMTP: entered("smtp_password"), OAuth: entered("oauth_secret")})
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		return v.page(b, nil, err)
	}
	if err != nil {
		return err
	}
	if !b.Connected() {
		return v.Done(address(b.ID), "The mailbox is saved. Connect it now.")
	}
	return v.Done(address(b.ID), "The mailbox is saved. Test it now.")
}

func (v *visit) test() error {
	b, err := v.box()
	if err != nil {
		return err
	}
	lines, err := v.Desk.Test(v.R.Context(), v.Caller, b.ID)
	result := &found{Title: "Test", Lines: lines}
	if err != nil {
		said := fault.Say(err)
		result.Problem = &ui.Errors{Text: said.Text, Hint: said.Hint}
	}
	return v.page(b, result, nil)
}

// try sends a mail to who asks.
func (v *visit) try() error {
	b, err := v.box()
	if err != nil {
		return err
	}
	lines, err := v.Desk.Try(v.R.Context(), v.Caller, b.ID)
	result := &found{Title: "Sending", Lines: lines}
	if err != nil {
		said := fault.Say(err)
		result.Problem = &ui.Errors{Text: said.Text, Hint: said.Hint}
	}
	return v.page(b, result, nil)
}

func (v *visit) remove() error {
	b, err := v.box()
	if err != nil {
		return err
	}
	if err := v.Desk.Remove(v.R.Context(), v.Caller, b.ID); err != nil {
		return err
	}
	return v.Done(top, "%s is deleted.", b.Name)
}
