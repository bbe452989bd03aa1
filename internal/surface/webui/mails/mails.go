// Package mails holds the page on which administrators see what was mailed.
//
// Always true: it shows to whom, of what and with what result, and no text of a mail.
package mails

import (
	"embed"
	"io/fs"
	"strconv"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/feature/outbox"
	"strongroom/internal/feature/outbox/queue"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{ Outbox *outbox.Outbox }

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages.
func (p *Pages) Mount(s *shell.Shell) {
	s.Get("/settings/mail", shell.Administering(p.list))
	s.Post("/settings/mail", shell.Administering(p.try))
	s.Manage(shell.ToData, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Mail", Sub: "What was sent, and what waits", Href: "/settings/mail", Icon: "mail"}}
	})
}

// view is the page of mails.
type view struct {
	Head  ui.Head
	Off   bool // no relay is named
	Table ui.Table
}

var states = map[string]ui.Pill{
	queue.Waiting: {Text: "Waiting", Tone: "info"}, queue.Sending: {Text: "Being sent", Tone: "info"}, queue.Sent: {Text: "Sent", Tone: "ok"}, queue.Failed: {Text: "Failed", Tone: "bad"},
}

func (p *Pages) list(v *shell.Visit) error {
	d := &view{Head: ui.Head{Title: "Mail", Icon: "mail", Sub: []ui.Cell{{Text: "What was sent in the last thirty days, and what waits."}}}, Off: p.Outbox.Relay == nil,
		Table: ui.Table{ID: "mails", Title: "Mail", Columns: []ui.Column{{Label: "Subject", Phone: "title"}, {Label: "To", Phone: "line"}, {Label: "State", Phone: "end"}, {Label: "Tries", Right: true, Hide: 2}, {Label: "What the relay said", Hide: 2}, {Label: "When", Hide: 3}},
			Empty: ui.Empty{Icon: "mail", Title: "Nothing was mailed yet.", Text: "Reminders and notices stand here once somebody has chosen to be told by mail, under Notifications."}}}
	if !d.Off {
		d.Head.Actions = []ui.Action{{Label: "Send me a mail", Icon: "mail", Href: "/settings/mail", Post: true, Primary: true}}
	}
	err := v.View(func(tx *gate.Tx) error {
		list, err := p.Outbox.List(tx)
		for _, m := range list {
			s, at := states[m.State], m.Ended
			if at == 0 {
				at = m.Created
			}
			d.Table.Rows = append(d.Table.Rows, ui.Row{ID: m.ID.String(), Name: m.Subject, Cells: []ui.Cell{{Text: m.Subject}, {Text: m.Address}, {Type: "pill", Text: s.Text, Tone: s.Tone},
				{Type: "num", Text: strconv.Itoa(m.Attempts)}, {Text: m.Error}, {Type: "ago", Time: shell.When(at)}}})
		}
		d.Table.Pager.Words = strconv.Itoa(len(list)) + " mails"
		return err
	})
	if err != nil {
		return err
	}
	page, err := v.Page("Mail", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Mail"})
	if err != nil {
		return err
	}
	page.Data = d
	return v.Render("mails", page)
}

// try sends a mail to who asks.
func (p *Pages) try(v *shell.Visit) error {
	if err := p.Outbox.Try(v.R.Context(), v.Caller); err != nil {
		return err
	}
	return v.Done("/settings/mail", "A mail to %s is on its way.", v.Caller.Email)
}
