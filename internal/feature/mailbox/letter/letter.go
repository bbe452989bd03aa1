// Package letter writes what the service desk mails to customers: replies, that their
// mail has arrived, that a ticket is resolved.
//
// Always true: a mail is written in the transaction of what it tells, and once; it holds
// what its template says and of the journal nothing but the reply that it is; what nobody
// wrote says so, goes to no machine, and to no address more often than its caps; why
// something was not mailed is written down where people look for it.
package letter

import (
	"database/sql"
	"errors"
	"html"
	"net/mail"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	post "strongroom/internal/base/mail"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/outbox/queue"
	"strongroom/internal/feature/portal/brand"
)

// The caps of what nobody wrote, for one address.
const (
	MostAnHour = 5
	MostADay   = 20
)

// mostReferences is how many earlier mails a mail names; mostCopies to how many it goes.
const mostReferences, mostCopies = 20, 50

// Schema is the tables beside those of mailboxes.
func Schema() []string {
	return []string{
		`create table if not exists mailbox_unsent (id id primary key, ticket_id int not null, entry_id int not null, what text not null, why text not null, at int not null)`,
		`create index if not exists mailbox_unsent_ticket on mailbox_unsent (ticket_id)`,
		`create table if not exists mailbox_template (organization_id int not null, language text not null, what text not null, subject text not null, body text not null, updated_at int not null, primary key (organization_id, language, what))`,
		`create table if not exists mailbox_language (organization_id int primary key, language text not null)`,
	}
}

// Purge forgets what is kept beside a ticket, an entry or an organization.
func Purge(tx *gate.Tx, r *record.Record) error {
	if _, err := tx.Exec(`delete from mailbox_unsent where ticket_id = ? or entry_id = ?`, int64(r.ID), int64(r.ID)); err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from mailbox_template where organization_id = ?`, int64(r.ID)); err != nil {
		return err
	}
	_, err := tx.Exec(`delete from mailbox_language where organization_id = ?`, int64(r.ID))
	return err
}

// box is a mailbox that sends.
type box struct {
	id                 id.ID
	from               mail.Address
	language           string
	confirms, resolves bool
	plus               bool // addresses with a plus come here too
}

// boxOf is the mailbox by which a ticket is answered: the one at which its last mail came,
// or its organization's, or the first; nil when none sends.
func boxOf(tx *gate.Tx, ticket, org id.ID) (*box, error) {
	var b box
	var n int64
	err := tx.QueryRow(`select id, name, address, language, confirms, tells_solved, plus from mailbox where send <> ''
		order by case when id = (select m.mailbox_id from mailbox_mail m where m.ticket_id = ? and m.state = 'filed' order by m.id desc limit 1) then 0 when organization_id = ? and ? <> 0 then 1 else 2 end, id limit 1`,
		int64(ticket), int64(org), int64(org)).Scan(&n, &b.from.Name, &b.from.Address, &b.language, &b.confirms, &b.resolves, &b.plus)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if b.id = id.ID(n); b.from.Name == b.from.Address {
		b.from.Name = ""
	}
	return &b, err
}

// Recipients are to whom a reply on a ticket is mailed, or why it is to nobody.
type Recipients struct {
	To   mail.Address
	Cc   []mail.Address
	Why  string   // it is not mailed; empty when it is
	Lost []string // addresses from which the last mail came back
	box  *box
}

// Everybody lists all of them.
func (r *Recipients) Everybody() []mail.Address {
	if r.To.Address == "" {
		return r.Cc
	}
	return append([]mail.Address{r.To}, r.Cc...)
}

// Words says to whom it is mailed, or why it is not.
func (r *Recipients) Words() string {
	if r.Why != "" {
		return "is not mailed: " + r.Why
	}
	names := make([]string, 0, 1+len(r.Cc))
	for _, a := range r.Everybody() {
		if a.Name != "" {
			names = append(names, a.Name+" ("+a.Address+")")
			continue
		}
		names = append(names, a.Address)
	}
	said := "is mailed to " + names[0]
	if len(names) > 1 {
		said += ", in copy to " + strings.Join(names[1:], ", ")
	}
	return said
}

// To finds to whom a reply on a ticket is mailed: its customer, and who else takes part
// by mail. nil for a ticket of a kind that has no customer.
func To(tx *gate.Tx, ticket *record.Record) (*Recipients, error) {
	if ticket.Kind.Field("contact_id") == nil {
		return nil, nil
	}
	r := &Recipients{}
	var err error
	if r.box, err = boxOf(tx, ticket.ID, ticket.Org); err != nil {
		return nil, err
	}
	if r.box == nil {
		r.Why = "no mailbox sends mail"
		return r, nil
	}
	known, err := own(tx)
	if err != nil {
		return nil, err
	}
	if r.To, r.Why, err = customer(tx, ticket, known); err != nil {
		return nil, err
	}
	known[r.To.Address] = true
	others, err := parties(tx, ticket.ID)
	if err != nil {
		return nil, err
	}
	for _, a := range others {
		if !known[a] && len(r.Cc) < mostCopies {
			known[a] = true
			r.Cc = append(r.Cc, mail.Address{Address: a})
		}
	}
	if r.To.Address == "" && len(r.Cc) == 0 {
		return r, nil
	}
	r.Why = ""
	for _, a := range r.Everybody() {
		back, err := returned(tx, a.Address)
		if err != nil {
			return nil, err
		}
		if back {
			r.Lost = append(r.Lost, a.Address)
		}
	}
	return r, nil
}

// customer is the address of a ticket's customer, or why there is none.
func customer(tx *gate.Tx, ticket *record.Record, own map[string]bool) (a mail.Address, why string, err error) {
	who := ticket.Values.ID("contact_id")
	if who == 0 {
		return a, "the ticket has no customer", nil
	}
	c, err := ticket.Kind.Engine().Get(tx, "contact", who)
	if fault.Is(err, fault.NotFound) {
		return a, "the customer is deleted, or hidden from you", nil
	}
	if err != nil {
		return a, "", err
	}
	address := strings.ToLower(strings.TrimSpace(c.Values.Text("primary_email")))
	got, err := post.ParseAddress(address)
	switch {
	case address == "":
		return a, "the customer has no e-mail address", nil
	case err != nil:
		return a, "the customer's e-mail address is none", nil
	case c.Archived:
		return a, "the customer is archived", nil
	case own[address]:
		return a, "the customer's address is one of the desk's own", nil
	}
	return mail.Address{Name: c.Name, Address: got.Address}, "", nil
}

// own are the addresses of the mailboxes.
func own(tx *gate.Tx) (map[string]bool, error) {
	list, err := texts(tx, `select address from mailbox`)
	out := map[string]bool{"": true}
	for _, a := range list {
		out[strings.ToLower(a)] = true
	}
	return out, err
}

// parties are the addresses of who takes part in a ticket by mail, but machines.
func parties(tx *gate.Tx, ticket id.ID) ([]string, error) {
	return texts(tx, `select address from mailbox_person where ticket_id = ? and machine = 0 order by address`, int64(ticket))
}

// Join lets who takes part in one ticket take part in another of the same organization: its
// customer, and who was in copy.
func Join(tx *gate.Tx, from, to *record.Record) error {
	if from.Kind.Field("contact_id") == nil || from.Org != to.Org {
		return nil
	}
	if _, err := tx.Exec(`insert into mailbox_person (ticket_id, address, machine) select ?, address, machine from mailbox_person p where p.ticket_id = ? on conflict do nothing`, int64(to.ID), int64(from.ID)); err != nil {
		return err
	}
	if from.Values.ID("contact_id") == to.Values.ID("contact_id") {
		return nil
	}
	known, err := own(tx)
	if err != nil {
		return err
	}
	a, _, err := customer(tx, from, known)
	if err != nil || a.Address == "" {
		return err
	}
	_, err = tx.Exec(`insert into mailbox_person (ticket_id, address, machine) values (?, ?, 0) on conflict do nothing`, int64(to.ID), a.Address)
	return err
}

func texts(tx *gate.Tx, q string, args ...any) ([]string, error) {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// returned tells whether the last mail to an address came back.
func returned(tx *gate.Tx, address string) (bool, error) {
	var state string
	err := tx.QueryRow(`select state from mail where address = ? and state in (?, ?) and via <> 0 order by id desc limit 1`, address, queue.Sent, queue.Back).Scan(&state)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return state == queue.Back, err
}

// mails tells whether what a caller does is mailed to customers: not what is brought in
// or made by hand on the server.
func mails(tx *gate.Tx) bool {
	return tx.Caller.Via != "console" && (tx.Caller.Via != "job" || tx.Caller.User == 0)
}

// Reply mails an entry of a ticket's journal to who takes part, with files of it.
func Reply(tx *gate.Tx, ticket, entry *record.Record) error {
	if !mails(tx) {
		return nil
	}
	r, err := To(tx, ticket)
	if err != nil || r == nil {
		return err
	}
	if r.Why != "" {
		return unsent(tx, ticket.ID, entry.ID, Answer, r.Why)
	}
	w := &writing{tx: tx, ticket: ticket, box: r.box, what: Answer, auto: post.Written, part: entry.ID, to: r.To, cc: r.Cc}
	values := map[string]string{"text": outside(entry.Values.Text("notes_body"))}
	if tx.Caller.Behind == nil && tx.Caller.User != 0 || tx.Caller.Key != 0 {
		return w.send(values)
	}
	// a rule of the house wrote it, not a person: it is marked, capped, and for the customer alone
	if w.auto, w.cc = "auto-generated", nil; w.to.Address == "" {
		return unsent(tx, ticket.ID, entry.ID, Answer, "nobody wrote it, and it has no customer with an address")
	}
	return w.alone(values)
}

// Enclose hangs files on the mails of an entry that were written in this transaction.
func Enclose(tx *gate.Tx, entry id.ID, files []id.ID) error {
	return queue.Enclose(tx, entry, files)
}

// Confirm tells the sender of a mail that it became a ticket, where the mailbox does so.
func Confirm(tx *gate.Tx, ticket *record.Record, to mail.Address, message string) error {
	b, err := boxOf(tx, ticket.ID, ticket.Org)
	if err != nil || b == nil || !b.confirms {
		return err
	}
	w := &writing{tx: tx, ticket: ticket, box: b, what: Confirmation, auto: post.Replied, to: to}
	if message != "" {
		w.answers = []string{message}
	}
	return w.alone(nil)
}

// Resolved tells the customer that a ticket became resolved, where the mailbox does so.
func Resolved(tx *gate.Tx, ticket *record.Record) error {
	if !mails(tx) || ticket.Kind.Field("contact_id") == nil || ticket.Values.ID("contact_id") == 0 {
		return nil
	}
	b, err := boxOf(tx, ticket.ID, ticket.Org)
	if err != nil || b == nil || !b.resolves {
		return err
	}
	known, err := own(tx)
	if err != nil {
		return err
	}
	to, why, err := customer(tx, ticket, known)
	if err != nil {
		return err
	}
	if why != "" {
		return unsent(tx, ticket.ID, 0, Solved, why)
	}
	w := &writing{tx: tx, ticket: ticket, box: b, what: Solved, auto: "auto-generated", to: to}
	return w.alone(map[string]string{"resolution": outside(ticket.Values.Text("resolution"))})
}

// Survey asks the customer of a ticket how content she is, by a link that is hers; empty where
// nobody outside could follow it.
func Survey(tx *gate.Tx, ticket *record.Record, link string) error {
	b, err := boxOf(tx, ticket.ID, ticket.Org)
	if err != nil || b == nil {
		return err
	}
	known, err := own(tx)
	if err != nil {
		return err
	}
	to, why, err := customer(tx, ticket, known)
	if err != nil {
		return err
	}
	if link == "" && why == "" {
		why = "it is not known under which address people outside find this Strongroom"
	}
	if why != "" {
		return unsent(tx, ticket.ID, 0, Question, why)
	}
	w := &writing{tx: tx, ticket: ticket, box: b, what: Question, auto: "auto-generated", to: to}
	return w.alone(map[string]string{"link": linked(link)})
}

// linked is an address as HTML, of which the text is the address.
func linked(link string) string {
	link = html.EscapeString(link)
	return `<p><a href="` + link + `">` + link + `</a></p>`
}

// unsent writes down why something was not mailed.
func unsent(tx *gate.Tx, ticket, entry id.ID, what, why string) error {
	n, err := tx.NewID()
	if err != nil {
		return err
	}
	_, err = tx.Exec(`insert into mailbox_unsent (id, ticket_id, entry_id, what, why, at) values (?, ?, ?, ?, ?, ?)`, int64(n), int64(ticket), int64(entry), what, why, tx.Now)
	return err
}

// writing is a mail on its way into the outbox.
type writing struct {
	tx      *gate.Tx
	ticket  *record.Record
	box     *box
	what    string
	auto    string
	part    id.ID
	to      mail.Address
	cc      []mail.Address
	answers []string // message ids of mails on the ticket, the oldest first; found when nil
}

// robots are how addresses begin that nobody reads.
var robots = [...]string{"mailer-daemon", "postmaster", "noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "bounce", "nicht-antworten"}

// alone sends what nobody wrote, unless it goes to a machine or above the caps.
func (w *writing) alone(values map[string]string) error {
	why, err := w.barred()
	if err != nil {
		return err
	}
	if why != "" {
		return unsent(w.tx, w.ticket.ID, w.part, w.what, why)
	}
	return w.send(values)
}

// barred says why nothing goes to an address that nobody wrote.
func (w *writing) barred() (string, error) {
	address := w.to.Address
	local, _, _ := strings.Cut(address, "@")
	if slices.ContainsFunc(robots[:], func(s string) bool { return strings.HasPrefix(local, s) }) {
		return "nobody reads mail at " + address, nil
	}
	var n int
	if err := w.tx.QueryRow(`select count(*) from mailbox_person where ticket_id = ? and address = ? and machine = 1`, int64(w.ticket.ID), address).Scan(&n); err != nil || n > 0 {
		return "a program writes from " + address, err
	}
	back, err := returned(w.tx, address)
	if err != nil || back {
		return "the last mail to " + address + " came back", err
	}
	for _, cap := range []struct {
		most int
		over time.Duration
		said string
	}{{MostAnHour, time.Hour, "an hour"}, {MostADay, 24 * time.Hour, "a day"}} {
		n, err := queue.Lately(w.tx, address, w.tx.Now-cap.over.Milliseconds())
		if err != nil {
			return "", err
		}
		if n >= cap.most {
			return address + " got as many automatic mails within " + cap.said + " as it may", nil
		}
	}
	return "", nil
}

// send words the mail and puts it into the outbox, once for each who gets it: all get the
// same mail.
func (w *writing) send(values map[string]string) error {
	language, err := languageOf(w.tx, w.ticket.Org, w.box.language)
	if err != nil {
		return err
	}
	t, _, err := Get(w.tx, w.ticket.Org, language, w.what)
	if err != nil {
		return err
	}
	said, err := t.Render(w.what, w.values(values))
	if err != nil {
		return err
	}
	shown, err := brand.Of(w.tx)
	if err != nil {
		return err
	}
	said.HTML = strings.Replace(said.HTML, "<body>", "<body>"+shown.Head(), 1)
	token, err := NewToken(w.tx, w.ticket.ID)
	if err != nil {
		return err
	}
	_, domain, _ := strings.Cut(w.box.from.Address, "@")
	if w.answers == nil {
		if w.answers, err = thread(w.tx, w.ticket.ID); err != nil {
			return err
		}
	}
	head := post.Head{From: w.box.from, ReplyTo: w.box.from, Cc: w.cc, References: w.answers, Auto: w.auto}
	if w.to.Address != "" {
		head.To = []mail.Address{w.to}
	}
	if n := len(w.answers); n > 0 {
		head.InReplyTo = w.answers[n-1]
	}
	if w.box.plus {
		if head.ReplyTo.Address, err = plus(w.tx, w.ticket.ID, w.box.from.Address); err != nil {
			return err
		}
	}
	for _, a := range append(head.To, w.cc...) {
		err := queue.Write(w.tx, queue.Letter{To: a, Subject: said.Subject, Text: said.Text, HTML: said.HTML, Message: token + "@" + domain, Head: head, Via: w.box.id,
			About: w.ticket.ID, Part: w.part, Automatic: w.auto != post.Written, What: w.what})
		if err != nil {
			return err
		}
	}
	return nil
}

// values are what placeholders stand for, with those of this mail alone.
func (w *writing) values(more map[string]string) map[string]string {
	r := w.ticket
	out := map[string]string{"customer": w.to.Name, "subject": r.Name, "status": r.Values.Text("status"), "organization": r.OrgName, "desk": w.box.from.Name, "agent": w.tx.Caller.Name}
	if out["customer"] == "" {
		out["customer"] = w.to.Address
	}
	if out["desk"] == "" {
		out["desk"] = w.box.from.Address
	}
	if n, ok := r.Values["number"].(int64); ok {
		out["number"] = r.Kind.Field("number").Numbered(n)
	}
	for name, val := range more {
		out[name] = val
	}
	return out
}

// thread lists the message ids of mails on a ticket, the oldest first and the last of
// those that came at the end, since it is that which is answered.
func thread(tx *gate.Tx, ticket id.ID) ([]string, error) {
	came, err := texts(tx, `select message_id from mailbox_mail where ticket_id = ? and state = 'filed' and message_id <> '' order by id desc limit ?`, int64(ticket), mostReferences/2)
	if err != nil {
		return nil, err
	}
	went, err := texts(tx, `select message_id from mail where about_id = ? and message_id <> '' group by message_id order by max(id) desc limit ?`, int64(ticket), mostReferences/2)
	if err != nil {
		return nil, err
	}
	slices.Reverse(came)
	slices.Reverse(went)
	return append(went, came...), nil
}

// Line is a mail of a ticket, or one that was not sent, for its timeline.
type Line struct {
	Entry   id.ID // that it is of; 0 for what nobody wrote
	What    string
	To      string
	State   string // as of package outbox; empty when it was not sent
	Problem string
	At      int64
}

// Lines lists the mails of a ticket, and what was not mailed. Who may see the ticket may
// see them.
func Lines(tx *gate.Tx, ticket id.ID) ([]Line, error) {
	list, err := queue.Of(tx, ticket)
	if err != nil {
		return nil, err
	}
	var out []Line
	for _, m := range list {
		l := Line{Entry: m.Part, What: m.What, To: m.Address, State: m.State, Problem: m.Error, At: m.Ended}
		if m.Ended == 0 {
			l.At = m.Created
		}
		out = append(out, l)
	}
	rows, err := tx.Query(`select entry_id, what, why, at from mailbox_unsent where ticket_id = ? order by id`, int64(ticket))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var l Line
		var n int64
		if err := rows.Scan(&n, &l.What, &l.Problem, &l.At); err != nil {
			return nil, err
		}
		l.Entry = id.ID(n)
		out = append(out, l)
	}
	return out, rows.Err()
}
