package mailboxes

import (
	"html/template"
	"net/http"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/mailbox"
	"strongroom/internal/surface/webui/shell"
)

// came reads which mail the address names.
func (v *visit) came() (n id.ID, err error) {
	n, ok := id.Parse(v.R.PathValue("id"))
	if !ok {
		return 0, gate.Missing()
	}
	return n, nil
}

// held shows a mail that was not filed, and asks what becomes of it.
func (v *visit) held() error { return v.decide(nil) }

func (v *visit) decide(refused error) error {
	n, err := v.came()
	if err != nil {
		return err
	}
	var m *mailbox.Came
	var text string
	var may record.Link
	err = v.View(func(tx *gate.Tx) (err error) {
		if m, text, err = mailbox.Read(tx, n); err != nil || m.Ticket == 0 {
			return err
		}
		links, err := v.Records.Links(tx, m.Ticket)
		may = links[m.Ticket]
		return err
	})
	if err != nil {
		return err
	}
	pill := states[m.State]
	title := subject(m.Subject)
	data := &view{Head: ui.Head{Title: title, Icon: "mail", Sub: []ui.Cell{{Text: sender(*m)}, {Type: "pill", Text: pill.Text, Tone: pill.Tone}, {Type: "ago", Time: shell.When(m.At)}}}}
	card := &ui.Section{Title: "Why it was not filed", Icon: "alert-triangle", Text: sentence(m.Why)}
	if may.Name != "" {
		card.Items = []ui.Item{{Title: may.Name, Sub: "It may belong to this ticket", Icon: "ticket", Href: shell.RecordURL(v.Kind(may.Kind), m.Ticket)}}
	}
	body := &ui.Section{Title: "The mail", Icon: "mail", HTML: template.HTML(richtext.FromText(text))} // #nosec G203 -- FromText escapes all of it
	if text == "" {
		body.Empty = "Its text is not kept any more."
	}
	data.Cards = []*ui.Section{card, body}
	status := http.StatusOK
	if m.State == mailbox.Held && m.Kept {
		at := top + "/held/" + n.String()
		drop := ui.Confirm{ID: "drop", Title: "Drop this mail?", Text: "Its text is forgotten. It stays in the list as dropped.", Action: at + "/drop", Submit: "Drop", Danger: true}
		data.Dialogs = []ui.Confirm{drop}
		data.Head.Actions = []ui.Action{{Label: "Make a ticket", Icon: "ticket", Href: at + "/release", Post: true, Primary: true}, {Label: "Drop", Icon: "trash", Href: drop.Action, Post: true, Danger: true, Quiet: true, Dialog: drop.ID}}
		if may.Name != "" {
			data.Head.Actions = append(data.Head.Actions[:1:1], ui.Action{Label: "Write it on that ticket", Icon: "message-2", Href: at + "/release", Post: true, Fields: []ui.Hidden{{Name: "ticket", Value: m.Ticket.String()}}}, data.Head.Actions[1])
		}
	}
	if refused != nil {
		said := fault.Say(refused)
		data.Found, status = &found{Title: "This was not done", Problem: &ui.Errors{Text: said.Text, Hint: said.Hint}}, web.Status(refused)
	}
	return v.show(status, title, data, ui.Crumb{Label: "Mailboxes", Href: top}, ui.Crumb{Label: title})
}

// sentence is a reason as a sentence.
func sentence(why string) string {
	if why == "" {
		return ""
	}
	if last := why[len(why)-1]; last != '.' {
		why += "."
	}
	return "Because " + why
}

func (v *visit) release() error {
	n, err := v.came()
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	ticket, _ := id.Parse(f.Text("ticket"))
	err = v.Desk.Release(v.R.Context(), v.Caller, n, ticket)
	if fault.Is(err, fault.Invalid) {
		return v.decide(err)
	}
	if err != nil {
		return err
	}
	return v.Done(top, "The mail is filed.")
}

func (v *visit) drop() error {
	n, err := v.came()
	if err != nil {
		return err
	}
	if err := v.Desk.Drop(v.R.Context(), v.Caller, n); err != nil {
		return err
	}
	return v.Done(top, "The mail is dropped.")
}
