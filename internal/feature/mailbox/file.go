package mailbox

import (
	"bytes"
	"context"
	"errors"
	"html"
	"net/mail"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/mailparse"
	"strongroom/internal/base/richtext"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/mailbox/letter"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/outbox/queue"
)

// filing is a mail on its way to where it belongs.
type filing struct {
	*Desk
	tx    *gate.Tx
	w     *waiting
	m     *mailparse.Mail
	box   *Box
	files []*attachment.Content
	who   *record.Record // the sender's contact; nil when nobody knows one
}

// file decides on a mail and does it, in one transaction. as overrides the decision.
func (d *Desk) file(ctx context.Context, tenant string, w *waiting, as func(*filing, Decision) Decision) error {
	m, err := mailparse.Parse(w.raw)
	if err != nil {
		return err
	}
	c := access.System(tenant, "job")
	var files []*attachment.Content
	for _, f := range m.Files {
		content, err := d.Files.WriteFor(ctx, c, access.Create, gate.Thing{Kind: d.Tickets.Journal}, f.Name, bytes.NewReader(f.Content))
		if err != nil {
			return err
		}
		files = append(files, content) // one that is not attached is removed after a day
	}
	return d.Gate.Change(ctx, c, access.Create, gate.Thing{Kind: d.Tickets.Journal}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry()) // the tickets have their own
		var state string
		if err := tx.QueryRow(`select state from mailbox_mail where id = ?`, int64(w.id)).Scan(&state); err != nil {
			return err
		}
		if as == nil && state != Received || as != nil && state != Held {
			return nil // another was faster
		}
		box, err := get(tx, w.box)
		if fault.Is(err, fault.NotFound) {
			box, err = &Box{}, nil
		}
		if err != nil {
			return err
		}
		f := &filing{Desk: d, tx: tx, w: w, m: m, box: box, files: files}
		known, err := f.known()
		if err != nil {
			return err
		}
		decision := Decide(m, known)
		if as != nil {
			decision = as(f, decision)
		}
		return f.do(decision)
	})
}

// do does what was decided.
func (f *filing) do(d Decision) error {
	switch d.Do {
	case Answer, Remark:
		if err := errors.Join(f.write(d), f.returned()); err != nil {
			return err
		}
		return settle(f.tx, f.w, Filed, d.Why, d.Ticket)
	case Begin:
		ticket, err := f.begin(d)
		if err != nil {
			return err
		}
		if err := settle(f.tx, f.w, Filed, d.Why, ticket); err != nil || !d.Confirm {
			return err
		}
		r, err := f.Records.Get(f.tx, f.Tickets.Kind, ticket)
		if err != nil {
			return err
		}
		return letter.Confirm(f.tx, r, f.m.From, f.m.ID)
	case Ignore:
		if err := f.returned(); err != nil {
			return err
		}
		return settle(f.tx, f.w, Ignored, d.Why, d.Ticket)
	}
	return settle(f.tx, f.w, Held, d.Why, d.Maybe)
}

// returned notes which mail of ours came back.
func (f *filing) returned() error {
	b := f.m.Bounce
	if b == nil || !b.Failed || b.Original == "" {
		return nil
	}
	if ours, err := letter.Tokened(f.tx, b.Original); err != nil || ours == 0 {
		return err // only who got or passed on the mail knows its id
	}
	to := b.To
	if len(to) == 0 {
		to = []string{""}
	}
	for _, a := range to {
		if err := queue.Returned(f.tx, b.Original, a, "It came back: the mail server of the address did not take it."); err != nil {
			return err
		}
	}
	return nil
}

// page is the mail as it is shown, with what is quoted folded away. Nothing in it is
// loaded from elsewhere.
func (f *filing) page() string {
	show := func(text, rich string) string {
		if strings.TrimSpace(rich) == "" {
			return richtext.FromText(text)
		}
		return richtext.Clean(richtext.Rewrite(rich, func(tag, _, value string) string {
			if tag == "a" {
				return value
			}
			return ""
		}))
	}
	out := show(f.m.Text, f.m.HTML)
	if rest := show(f.m.Rest, f.m.RestHTML); f.m.HTML == "" && f.m.Rest != "" || f.m.RestHTML != "" {
		out += "<details><summary>Quoted text and signature</summary>" + rest + "</details>"
	}
	for _, s := range f.m.Mended {
		out += "<p><em>" + html.EscapeString(s) + "</em></p>"
	}
	if strings.TrimSpace(richtext.Text(out)) == "" {
		out += "<p><em>This mail holds no text.</em></p>"
	}
	return richtext.Clean(out)
}

// create makes a record, with others' rules as for a person.
func (f *filing) create(kind string, v record.Values) (*record.Record, error) {
	return f.Records.Create(f.tx, kind, v)
}

// begin makes a ticket of the mail.
func (f *filing) begin(d Decision) (id.ID, error) {
	if f.who == nil {
		if err := f.introduce(); err != nil {
			return 0, err
		}
	}
	subject := short(f.m.Subject, 250)
	if subject == "" {
		subject = "Mail without a subject"
	}
	r, err := f.create(f.Tickets.Kind, record.Values{"name": subject, "organization_id": f.who.Org, "contact_id": f.who.ID, "description": f.page(), "source": "Email"})
	if err != nil {
		return 0, err
	}
	if err := errors.Join(f.attach(r.ID), f.join(r.ID, true)); err != nil {
		return 0, err
	}
	for other, what := range map[id.ID]string{d.FollowUp: "This follows a ticket that is closed: ", d.Maybe: "This may belong to another ticket, which it names although its sender takes no part there: "} {
		if other == 0 {
			continue
		}
		if err := f.linked(r, other, what); err != nil {
			return 0, err
		}
	}
	return r.ID, nil
}

// linked says on a new ticket which other it belongs to, or may.
func (f *filing) linked(r *record.Record, other id.ID, what string) error {
	names, err := f.Records.Names(f.tx, other)
	if err != nil {
		return err
	}
	if _, err := f.Relations.Add(f.tx, r.ID, other, ""); err != nil {
		return err
	}
	_, err = f.create(f.Tickets.Journal, record.Values{f.Tickets.FieldOf(f.Tickets.Kind): r.ID, "journal_type": f.Tickets.Note, "notes_body": "<p>" + html.EscapeString(what+names[other]) + ".</p>", "source": "Email"})
	return err
}

// introduce makes a contact of a stranger.
func (f *filing) introduce() error {
	if f.box.Organization == 0 {
		return fault.New(fault.Invalid, "Nobody knows the sender, and the mailbox has no organization for strangers.").WithHint("Add the sender as a contact, or give the mailbox an organization.")
	}
	first, last, _ := strings.Cut(f.m.From.Name, " ")
	if first == "" {
		first, _, _ = strings.Cut(f.m.From.Address, "@")
	}
	var err error
	f.who, err = f.create("contact", record.Values{"organization_id": f.box.Organization, "first_name": short(first, 100), "last_name": short(strings.TrimSpace(last), 100),
		"contact_emails": []map[string]any{{"value": f.m.From.Address, "primary": true}}})
	return err
}

// write writes the mail on its ticket.
func (f *filing) write(d Decision) error {
	kind, err := kindOf(f.tx, d.Ticket)
	if err != nil {
		return err
	}
	field := f.Tickets.FieldOf(kind)
	if field == "" {
		return fault.New(fault.Invalid, "Nothing can be written on this any more.").WithHint("Make a new ticket of the mail instead.")
	}
	typ, said := f.Tickets.Mail, f.page()
	if d.Do == Remark {
		typ = f.Tickets.Note
	}
	e, err := f.create(f.Tickets.Journal, record.Values{field: d.Ticket, "journal_type": typ, "name": short(f.m.Subject, 250), "source": "Email",
		"notes_body": "<p><strong>" + addressed(f.m.From) + "</strong></p>" + said})
	if err != nil {
		return err
	}
	if err := f.attach(d.Ticket); err != nil || d.Do == Remark {
		return err
	}
	if err := f.join(d.Ticket, true); err != nil {
		return err
	}
	if d.Reopen {
		if err := f.wake(kind, d.Ticket); err != nil {
			return err
		}
	}
	return f.tell(kind, e)
}

// addressed is a sender as people write one.
func addressed(a mail.Address) string {
	if a.Name == "" {
		return html.EscapeString(a.Address)
	}
	return html.EscapeString(a.Name + " <" + a.Address + ">")
}

// attach gives a ticket the files of the mail.
func (f *filing) attach(ticket id.ID) error {
	for _, c := range f.files {
		if _, err := attachment.Attach(f.tx, ticket, attachment.Attached, c); err != nil {
			return err
		}
	}
	return nil
}

// join notes who takes part in a ticket: the sender, and whom she wrote to beside us.
func (f *filing) join(ticket id.ID, others bool) error {
	own, err := f.own()
	if err != nil {
		return err
	}
	list := []string{f.m.From.Address}
	if others {
		for _, a := range append(f.m.To[:len(f.m.To):len(f.m.To)], f.m.Cc...) {
			list = append(list, a.Address)
		}
	}
	const most = 50
	for i, a := range list {
		if i >= most || own[letter.Plain(a)] || a == "" {
			continue
		}
		machine := i == 0 && f.m.Automatic != ""
		if _, err := f.tx.Exec(`insert into mailbox_person (ticket_id, address, machine) values (?, ?, ?) on conflict do nothing`, int64(ticket), a, machine); err != nil {
			return err
		}
	}
	return nil
}

// wake lets go on what waits for the customer or was resolved. What its lifecycle does
// not allow stays as it is.
func (f *filing) wake(kind string, ticket id.ID) error {
	if kind != f.Tickets.Kind {
		return nil
	}
	r, err := f.Records.Get(f.tx, kind, ticket)
	if err != nil {
		return err
	}
	if s := r.Values.Text("status"); !slices.Contains(f.Tickets.Waits, s) {
		return nil
	}
	err = f.tx.Try(func() error {
		_, err := f.Records.Update(f.tx, kind, ticket, 0, record.Values{"status": f.Tickets.Goes})
		return err
	})
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		return nil
	}
	return err
}

// tell tells who works on the ticket or follows it.
func (f *filing) tell(kind string, e *record.Record) error {
	people, err := f.Tickets.Watching(f.tx, e.Parent)
	if err != nil {
		return err
	}
	owners, err := f.Records.Field(f.tx, kind, "owner_id", e.Parent)
	if err != nil {
		return err
	}
	if owner, _ := owners[e.Parent].(id.ID); owner != 0 {
		people = append(people, owner)
	}
	if len(people) == 0 {
		return nil
	}
	_, err = notification.Send(f.tx, notification.Notice{Topic: "replied", To: people, Record: e.Parent, Place: f.Tickets.Place(e.ID), Key: "journal/" + e.ID.String(),
		Text: []notification.Part{notification.Words("A mail came on"), notification.Of(e.Parent)}})
	return err
}
