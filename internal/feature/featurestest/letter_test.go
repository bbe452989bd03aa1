package featurestest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"strongroom/internal/base/dialer"
	post_ "strongroom/internal/base/mail"
	"strongroom/internal/base/mailparse"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/mailbox"
	"strongroom/internal/feature/mailbox/letter"
	"strongroom/internal/feature/outbox"
	"strongroom/internal/feature/outbox/queue"
)

// relay is a mail server that keeps what it takes.
type relay struct {
	addr string

	mu   sync.Mutex
	got  []sent
	lost bool // it takes the mail, and the connection ends before it says so
	no   error
}

// sent is a mail with its envelope.
type sent struct{ from, to, raw string }

func (r *relay) NewSession(*smtp.Conn) (smtp.Session, error) { return &talk{r: r}, nil }

type talk struct {
	r        *relay
	from, to string
}

func (s *talk) Mail(from string, _ *smtp.MailOptions) error { s.from = from; return nil }
func (s *talk) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	return s.r.no
}
func (s *talk) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.r.got = append(s.r.got, sent{s.from, s.to, string(b)})
	if s.r.lost {
		s.r.lost = false
		return &smtp.SMTPError{Code: 451, Message: "lost on the way back"}
	}
	return err
}
func (s *talk) Reset()        {}
func (s *talk) Logout() error { return nil }

func serveSMTP(t *testing.T) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{addr: l.Addr().String()}
	s := smtp.NewServer(r)
	s.Domain = "localhost"
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { s.Close() })
	return r
}

// take gives what came since it was asked last.
func (r *relay) take() []sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.got
	r.got = nil
	return out
}

func (r *relay) set(f func(r *relay)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(r)
}

// sender is a desk that sends by the operator's relay.
type sender struct {
	*post
	*relay
	out *outbox.Outbox
}

func openSender(t *testing.T) *sender {
	t.Helper()
	s := &sender{post: openPost(t), relay: serveSMTP(t)}
	s.desk.Relay = &post_.Relay{Dialer: &dialer.Dialer{Trusted: []string{s.addr}}, Addr: s.addr, TLS: post_.Plain, From: netmail.Address{Address: "strongroom@northbeam.example"}}
	s.out = &outbox.Outbox{Gate: s.Gate, Relay: s.desk.Relay, Via: s.desk.Via, File: func(ctx context.Context, tenant string, file id.ID) (post_.File, error) {
		f, content, err := s.desk.Files.Open(ctx, access.System(tenant, "job"), file)
		if err != nil {
			return post_.File{}, err
		}
		defer content.Close()
		b, err := io.ReadAll(content)
		return post_.File{Name: f.Name, Type: f.Type, Content: b}, err
	}}
	s.out.Jobs = &job.Runner{House: s.House.House, Gate: s.Gate, Now: s.Clock.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Handlers: map[string]job.Handler{outbox.JobKind: s.out.Handler()}}
	s.box.Send, s.box.Confirms, s.box.Resolves = mailbox.ByRelay, true, true
	s.save(t)
	return s
}

func (s *sender) save(t *testing.T) {
	t.Helper()
	if err := s.desk.Save(t.Context(), s.Admin(), s.box, mailbox.Words{}); err != nil {
		t.Fatal(err)
	}
}

// mails sends what waits and gives what the relay took.
func (s *sender) mails() []sent {
	s.t.Helper()
	if err := s.out.Handler()(s.t.Context(), &job.Run{Tenant: s.Admin().Tenant}); err != nil {
		s.t.Fatal(err)
	}
	return s.take()
}

// one sends what waits, which is to be one mail to an address, and reads it.
func (s *sender) one(to string) *mailparse.Mail {
	s.t.Helper()
	got := s.mails()
	if len(got) != 1 || got[0].to != to {
		s.t.Fatalf("%d mails, not one to %s: %v", len(got), to, got)
	}
	m, err := mailparse.Parse([]byte(got[0].raw))
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

// says writes on a ticket as the agent.
func (s *sender) says(n id.ID, typ, text string) *record.Record {
	s.t.Helper()
	var e *record.Record
	err := s.Gate.Change(s.t.Context(), s.agent, access.View, gate.Thing{ID: n}, func(tx *gate.Tx) (err error) {
		e, err = s.Records.Create(tx, entry.Kind, record.Values{"incident_id": n, "journal_type": typ, "notes_body": text})
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

func (s *sender) lines(n id.ID) (list []letter.Line) {
	s.t.Helper()
	s.View(s.agent, func(tx *gate.Tx) (err error) { list, err = letter.Lines(tx, n); return err })
	return list
}

func (s *sender) words(n id.ID) (said string) {
	s.t.Helper()
	s.View(s.agent, func(tx *gate.Tx) error {
		r, err := s.Records.Get(tx, "", n)
		if err != nil {
			return err
		}
		to, err := letter.To(tx, r)
		if err == nil {
			said = to.Words()
		}
		return err
	})
	return said
}

// active makes a ticket active, so that it can be resolved.
func (s *sender) active(n id.ID) {
	s.t.Helper()
	s.mustUpdate(incident.Kind, n, record.Values{"category_id": s.one_("category", "Software"), "owner_id": s.agent.User, "team_id": s.one_("team", "Service Desk")})
	s.mustUpdate(incident.Kind, n, record.Values{"status": incident.Active})
}

func (s *sender) one_(kind, name string) id.ID { return s.post.one(kind, name) }

func TestLetters(t *testing.T) {
	s := openSender(t)
	first := s.brings("Message-ID: <l1@harbour.example>\nCc: boss@harbour.example, desk@northbeam.example\nSubject: Printer {{agent}}\n", "It is broken.")
	inc := first.Ticket

	t.Run("who opens a ticket is told its number, and that no person wrote it", func(t *testing.T) {
		m := s.one("rosa@harbour.example")
		number := fmt.Sprintf("INC-%d", s.ticket(inc).Values["number"])
		if !strings.Contains(m.Subject, number) || !strings.Contains(m.Subject, "{{agent}}") || !slices.Equal(m.InReplyTo, []string{"l1@harbour.example"}) || m.From.Address != "desk@northbeam.example" || !m.Absent || !strings.Contains(m.Text, "Rosa Lind") {
			t.Errorf("%+v", m)
		}
	})
	var replied *mailparse.Mail
	t.Run("a reply goes to the customer and who takes part, as one mail", func(t *testing.T) {
		if said := s.words(inc); said != "is mailed to Rosa Lind (rosa@harbour.example), in copy to boss@harbour.example" {
			t.Errorf("before: %q", said)
		}
		e := s.says(inc, entry.Reply, `<p>Did you <b>turn it off</b>? See <a href="https://help.example/x">this</a>, not <a href="/passwords/1">that</a>. {{customer}}</p><p><img src="/files/7" alt="picture"></p>`)
		got := s.mails()
		if len(got) != 2 || got[0].to != "rosa@harbour.example" || got[1].to != "boss@harbour.example" || got[0].from != "desk@northbeam.example" {
			t.Fatalf("%v", got)
		}
		var err error
		if replied, err = mailparse.Parse([]byte(got[0].raw)); err != nil {
			t.Fatal(err)
		}
		m, _ := mailparse.Parse([]byte(got[1].raw))
		if replied.ID != m.ID || replied.Automatic != "" || len(replied.To) != 1 || len(replied.Cc) != 1 || !slices.Equal(replied.InReplyTo, []string{"l1@harbour.example"}) || len(replied.References) != 2 {
			t.Errorf("%+v", replied)
		}
		if strings.Contains(replied.HTML, "/passwords/1") || strings.Contains(replied.HTML, "/files/7") || !strings.Contains(replied.HTML, "https://help.example/x") || !strings.Contains(replied.Text, "{{customer}}") {
			t.Errorf("%s\n%s", replied.HTML, replied.Text)
		}
		lines := s.lines(inc)
		if last := lines[len(lines)-1]; last.Entry != e.ID || last.State != queue.Sent || last.To != "boss@harbour.example" {
			t.Errorf("%+v", lines)
		}
	})
	t.Run("notes and work notes are not mailed, and no mail holds one", func(t *testing.T) {
		s.says(inc, entry.Note, "<p>sesame-note</p>")
		s.says(inc, entry.WorkNote, "<p>sesame-work</p>")
		if got := s.mails(); len(got) != 0 {
			t.Fatalf("%v", got)
		}
		s.says(inc, entry.Reply, "<p>Second reply</p>")
		for _, m := range s.mails() {
			if strings.Contains(m.raw, "sesame") || strings.Contains(m.raw, "Did you") {
				t.Errorf("%s", m.raw)
			}
		}
	})
	t.Run("M8 the answer finds its ticket though nothing was noted of the mail", func(t *testing.T) {
		s.says(inc, entry.Reply, "<p>Third</p>")
		var id_ string
		s.View(s.Admin(), func(tx *gate.Tx) error {
			return tx.QueryRow(`select message_id from mail where state = 'waiting' order by id desc limit 1`).Scan(&id_)
		})
		s.Change(func(tx *gate.Tx) error { _, err := tx.Exec(`delete from mail where state = 'waiting'`); return err })
		if got := s.brings("From: other@home.example\nSubject: x\nIn-Reply-To: <"+id_+">\n", "Yes."); got.Ticket != inc {
			t.Errorf("%+v", got)
		}
		s.mails()
	})
	t.Run("a mail that was taken while the server died is sent again as the same", func(t *testing.T) {
		n := s.mustMake(incident.Kind, record.Values{"name": "Once"}).ID
		s.says(n, entry.Reply, "<p>Once</p>")
		s.set(func(r *relay) { r.lost = true })
		one := s.mails()
		s.Clock.Advance(2 * time.Minute)
		two := s.mails()
		if len(one) != 1 || len(two) != 1 {
			t.Fatalf("%d and %d", len(one), len(two))
		}
		a, _ := mailparse.Parse([]byte(one[0].raw))
		b, _ := mailparse.Parse([]byte(two[0].raw))
		if a.ID == "" || a.ID != b.ID || len(s.mails()) != 0 {
			t.Errorf("%s, %s", a.ID, b.ID)
		}
	})
	t.Run("a change that is refused mails nothing", func(t *testing.T) {
		err := s.Gate.Change(t.Context(), s.agent, access.View, gate.Thing{ID: inc}, func(tx *gate.Tx) error {
			if _, err := s.Records.Create(tx, entry.Kind, record.Values{"incident_id": inc, "journal_type": entry.Reply, "notes_body": "<p>never</p>"}); err != nil {
				return err
			}
			return errors.New("later")
		})
		if got := s.mails(); err == nil || len(got) != 0 {
			t.Errorf("%v %v", err, got)
		}
	})
	t.Run("files by choice", func(t *testing.T) {
		c, err := s.desk.Files.WriteFor(t.Context(), s.agent, access.Edit, gate.Thing{ID: inc}, "Anleitung ä.txt", bytes.NewReader(bytes.Repeat([]byte("0123456789"), 20)))
		if err != nil {
			t.Fatal(err)
		}
		err = s.Gate.Change(t.Context(), s.agent, access.View, gate.Thing{ID: inc}, func(tx *gate.Tx) error {
			e, err := s.Records.Create(tx, entry.Kind, record.Values{"incident_id": inc, "journal_type": entry.Reply, "notes_body": "<p>See the file</p>"})
			if err != nil {
				return err
			}
			f, err := attachment.Attach(tx, e.ID, attachment.Attached, c)
			if err != nil {
				return err
			}
			return letter.Enclose(tx, e.ID, []id.ID{f.ID})
		})
		if err != nil {
			t.Fatal(err)
		}
		m, _ := mailparse.Parse([]byte(s.mails()[0].raw))
		if len(m.Files) != 1 || m.Files[0].Name != "Anleitung ä.txt" || len(m.Files[0].Content) != 200 || !strings.Contains(m.Text, "See the file") {
			t.Errorf("%+v", m)
		}
	})
	t.Run("M2 a mail that came back is shown with its entry, and answered by nobody", func(t *testing.T) {
		report := func(original string) mailbox.Came {
			return s.brings("From: MAILER-DAEMON@harbour.example\nReturn-Path: <>\nSubject: Undelivered\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n",
				"--b\nContent-Type: text/plain\n\nNo such user.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; boss@harbour.example\nAction: failed\nStatus: 5.1.1\n\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <"+original+">\nSubject: x\n\n--b--\n")
		}
		forged := strings.Replace(replied.ID, "@", "x@", 1)
		report(forged)
		if l := s.lines(inc); slices.ContainsFunc(l, func(l letter.Line) bool { return l.State == queue.Back }) {
			t.Errorf("an outsider's report counts: %+v", l)
		}
		got := report(replied.ID)
		back := 0
		for _, l := range s.lines(inc) {
			if l.State == queue.Back {
				back++
				if l.To != "boss@harbour.example" {
					t.Errorf("%+v", l)
				}
			}
		}
		if back != 1 || got.Ticket != inc || len(s.mails()) != 0 {
			t.Errorf("%d came back, %+v", back, got)
		}
	})
	t.Run("the customer is told that it is resolved", func(t *testing.T) {
		s.active(inc)
		s.mustUpdate(incident.Kind, inc, record.Values{"status": incident.Resolved, "resolution": "<p>A new <b>drum</b></p>", "cause_code": "Hardware"})
		m := s.one("rosa@harbour.example")
		if !strings.Contains(m.Text, "A new drum") || m.Automatic == "" || m.Absent || strings.Contains(m.Text, "sesame") || len(m.Cc) != 0 {
			t.Errorf("%+v", m)
		}
	})
	t.Run("M1 away, to what we sent ourselves: no answer and nothing reopens", func(t *testing.T) {
		got := s.brings("Auto-Submitted: auto-replied\nIn-Reply-To: <"+replied.ID+">\nSubject: Out of office\n", "I am away.")
		if got.Ticket != inc || s.ticket(inc).Values.Text("status") != incident.Resolved || len(s.mails()) != 0 {
			t.Errorf("%+v", got)
		}
	})
	t.Run("a machine gets nothing that nobody wrote", func(t *testing.T) {
		s.Clock.Advance(25 * time.Hour)
		got := s.brings("Auto-Submitted: auto-generated\nSubject: Disk full\n", "/ is full")
		if got.State != mailbox.Filed {
			t.Fatalf("%+v", got)
		}
		s.active(got.Ticket)
		s.mustUpdate(incident.Kind, got.Ticket, record.Values{"status": incident.Resolved, "resolution": "<p>x</p>", "cause_code": "Hardware"})
		lines := s.lines(got.Ticket)
		if len(s.mails()) != 0 || len(lines) != 1 || !strings.Contains(lines[0].Problem, "a program writes") {
			t.Errorf("%+v", lines)
		}
	})
	t.Run("caps of what nobody wrote", func(t *testing.T) {
		s.Clock.Advance(25 * time.Hour)
		n := 0
		for i := range letter.MostAnHour + 2 {
			s.brings(fmt.Sprintf("Message-ID: <cap%d@harbour.example>\nSubject: Cap %d\n", i, i), "x")
			n += len(s.mails())
		}
		if n != letter.MostAnHour {
			t.Errorf("%d confirmations", n)
		}
	})
	t.Run("what a rule writes is marked and capped, and goes to the customer alone", func(t *testing.T) {
		s.Clock.Advance(25 * time.Hour)
		rule := *s.agent
		rule.Behind = &access.Behind{User: 1, Name: "Rule: thanks"}
		n := 0
		for range letter.MostAnHour + 3 {
			err := s.Gate.Change(t.Context(), &rule, access.View, gate.Thing{ID: inc}, func(tx *gate.Tx) error {
				_, err := s.Records.Create(tx, entry.Kind, record.Values{"incident_id": inc, "journal_type": entry.Reply, "notes_body": "<p>Thank you</p>"})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range s.mails() {
				n++
				if got, _ := mailparse.Parse([]byte(m.raw)); got.Automatic == "" || m.to != "rosa@harbour.example" {
					t.Errorf("to %s: %+v", m.to, got)
				}
			}
		}
		if n != letter.MostAnHour {
			t.Errorf("%d mails", n)
		}
	})
	t.Run("addresses with a plus prove", func(t *testing.T) {
		s.Clock.Advance(25 * time.Hour)
		s.box.Plus = true
		s.save(t)
		open := s.brings("Subject: Plus\nMessage-ID: <plus@harbour.example>\n", "x")
		s.mails()
		s.says(open.Ticket, entry.Reply, "<p>Hello</p>")
		m := s.one("rosa@harbour.example")
		if len(m.ReplyTo) != 1 || !strings.HasPrefix(m.ReplyTo[0].Address, "desk+") {
			t.Fatalf("%+v", m)
		}
		to := m.ReplyTo[0].Address
		if got := s.brings("From: else@home.example\nTo: "+to+"\nSubject: no references\n", "Yes"); got.Ticket != open.Ticket {
			t.Errorf("%+v", got)
		}
		if got := s.brings("From: else2@home.example\nTo: "+strings.Replace(to, ".", ".a", 1)+"\nSubject: forged\n", "Yes"); got.State != mailbox.Held {
			t.Errorf("forged: %+v", got)
		}
		if got := s.brings("From: "+to+"\nSubject: ours\n", "Yes"); got.State != mailbox.Ignored {
			t.Errorf("from ourselves: %+v", got)
		}
	})
	t.Run("why something is not mailed is said", func(t *testing.T) {
		n := s.mustMake(incident.Kind, record.Values{"name": "No address", "contact_id": s.Make("contact", s.org, record.Values{"first_name": "Nemo"})}).ID
		if said := s.words(n); said != "is not mailed: the customer has no e-mail address" {
			t.Errorf("%q", said)
		}
		s.says(n, entry.Reply, "<p>x</p>")
		if l := s.lines(n); len(l) != 1 || l[0].State != "" || l[0].Problem == "" {
			t.Errorf("%+v", l)
		}
		s.box.Send = ""
		s.save(t)
		if said := s.words(inc); said != "is not mailed: no mailbox sends mail" {
			t.Errorf("%q", said)
		}
		if _, err := s.desk.Via(t.Context(), s.Admin().Tenant, s.box.ID); err == nil {
			t.Error("a mailbox that sends nothing has a way")
		}
	})
}
