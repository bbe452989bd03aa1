package outbox_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	post "strongroom/internal/base/mail"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/outbox"
	"strongroom/internal/feature/outbox/queue"
)

// relay is a server that keeps what it takes.
type relay struct {
	mu     sync.Mutex
	got    []string
	refuse error
}

func (r *relay) NewSession(*smtp.Conn) (smtp.Session, error) { return session{r}, nil }

type session struct{ r *relay }

func (s session) Mail(string, *smtp.MailOptions) error { return nil }
func (s session) Rcpt(string, *smtp.RcptOptions) error {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	return s.r.refuse
}
func (s session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.r.got = append(s.r.got, string(b))
	return err
}
func (s session) Reset()        {}
func (s session) Logout() error { return nil }

func (r *relay) set(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse = err
}

func (r *relay) mails() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.got...)
}

type house struct {
	*coretest.House
	*outbox.Outbox
	*relay
	t *testing.T
}

func open(t *testing.T) *house {
	t.Helper()
	h := &house{House: coretest.Open(t, coretest.Options{Features: []record.Feature{{Name: "test", Kinds: coretest.Kinds()}, notification.Feature(), outbox.Feature()}, Schema: job.Schema}), relay: &relay{}, t: t}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := smtp.NewServer(h.relay)
	s.Domain = "localhost"
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { s.Close() })
	addr := l.Addr().String()
	h.Outbox = &outbox.Outbox{Gate: h.House.Gate, Link: "https://strongroom.example.com/",
		Relay: &post.Relay{Dialer: &dialer.Dialer{Trusted: []string{addr}}, Addr: addr, TLS: post.Plain, From: netmail.Address{Address: "strongroom@example.com"}}}
	h.Jobs = &job.Runner{House: h.House.House, Gate: h.House.Gate, Now: h.Clock.Now, Poll: 2 * time.Millisecond, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Handlers: map[string]job.Handler{outbox.JobKind: h.Handler()},
		Resolve: func(_ context.Context, tenant string, _ id.ID) (*access.Caller, error) {
			return access.System(tenant, "job"), nil
		}}
	return h
}

func (h *house) run() {
	ctx, cancel := context.WithCancel(h.t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Jobs.Run(ctx) }()
	h.t.Cleanup(func() { cancel(); <-done })
}

func (h *house) put(subject string) {
	h.t.Helper()
	h.Change(func(tx *gate.Tx) error {
		return h.Put(tx, 7, netmail.Address{Name: "Ines", Address: "ines@example.com"}, subject, "Text", "")
	})
}

func (h *house) list() (out []queue.Mail) {
	h.t.Helper()
	h.View(h.Admin(), func(tx *gate.Tx) (err error) { out, err = h.List(tx); return err })
	return out
}

// until waits for the newest mail to be in a state with so many attempts.
func (h *house) until(state string, attempts int) queue.Mail {
	h.t.Helper()
	end := time.After(20 * time.Second)
	for {
		if l := h.list(); l[0].State == state && l[0].Attempts == attempts {
			return l[0]
		}
		select {
		case <-end:
			h.t.Fatalf("it is %+v", h.list()[0])
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestSent(t *testing.T) {
	h := open(t)
	h.run()
	h.put("Hello")
	m := h.until(queue.Sent, 1)
	if m.Ended == 0 || m.Subject != "Hello" || len(h.mails()) != 1 || !strings.Contains(h.mails()[0], "Subject: Hello") {
		t.Errorf("%+v %q", m, h.mails())
	}
	var text string
	h.View(h.Admin(), func(tx *gate.Tx) error { return tx.QueryRow(`select body from mail`).Scan(&text) })
	if text != "" {
		t.Errorf("the text is kept: %q", text)
	}
	fail := errors.New("no")
	err := h.House.Gate.Change(t.Context(), h.Admin(), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		if err := h.Put(tx, 7, netmail.Address{Address: "ines@example.com"}, "Never", "", ""); err != nil {
			return err
		}
		return fail
	})
	if !errors.Is(err, fail) || len(h.list()) != 1 {
		t.Errorf("a mail of what never happened: %v", h.list())
	}
}

func TestTriedAgain(t *testing.T) {
	h := open(t)
	h.set(&smtp.SMTPError{Code: 451, Message: "later"})
	h.run()
	h.put("Later")
	m := h.until(queue.Waiting, 1)
	if m.Error == "" || m.Next != h.Clock.Now().Add(time.Minute).UnixMilli() {
		t.Errorf("%+v", m)
	}
	h.Clock.Advance(time.Minute)
	h.until(queue.Waiting, 2)
	h.set(nil)
	h.Clock.Advance(time.Hour)
	h.until(queue.Sent, 3)
	h.set(&smtp.SMTPError{Code: 550, Message: "no such user"})
	h.put("Never")
	if m := h.until(queue.Failed, 1); m.Error == "" {
		t.Errorf("%+v", m)
	}
	h.set(&smtp.SMTPError{Code: 451, Message: "later"})
	h.put("Too long")
	h.until(queue.Waiting, 1)
	h.Clock.Advance(73 * time.Hour)
	h.until(queue.Failed, 2)
	if n := len(h.mails()); n != 1 {
		t.Errorf("%d mails were taken", n)
	}
}

// TestAfterACrash: what a server that died was handing over is tried again, under the
// same message id.
func TestAfterACrash(t *testing.T) {
	h := open(t)
	h.put("Once")
	h.Change(func(tx *gate.Tx) error {
		_, err := tx.Exec(`update mail set state = 'sending', attempts = 1, at = ?`, tx.Now+1000)
		return err
	})
	h.run()
	h.Clock.Advance(time.Minute)
	h.put("Other") // has a job looked for what waits
	h.until(queue.Sent, 1)
	end := time.After(20 * time.Second)
	for len(h.mails()) < 2 {
		select {
		case <-end:
			t.Fatalf("it was not tried again: %+v", h.list())
		case <-time.After(5 * time.Millisecond):
		}
	}
	id := "Message-ID: <mail-" + h.list()[1].ID.String() + "@example.com>"
	if !strings.Contains(strings.Join(h.mails(), ""), id) {
		t.Errorf("no mail has %s", id)
	}
}

func TestNotices(t *testing.T) {
	h := open(t)
	h.run()
	doc := h.Make("document", h.Org("Acme"), record.Values{"name": "Runbook"})
	author, reader := h.User(access.Editor), h.User(access.Editor)
	err := h.House.Gate.Change(t.Context(), author, access.View, gate.Thing{}, func(tx *gate.Tx) error {
		_, err := notification.Send(tx, notification.Notice{Topic: "mention", To: []id.ID{reader.User}, Record: doc, Text: []notification.Part{notification.Words("mentioned you on"), notification.Of(doc)}, Key: "c/1"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	reader.Email = "reader@example.com"
	d := &notification.Deliverer{Gate: h.House.Gate, Channels: []notification.Channel{h.Outbox}, Log: slog.New(slog.DiscardHandler),
		Resolve: func(context.Context, string, id.ID) (*access.Caller, error) { return reader, nil }}
	if err := d.Run(t.Context(), coretest.Name); err != nil {
		t.Fatal(err)
	}
	m := h.until(queue.Sent, 1)
	if m.Address != "reader@example.com" || !strings.Contains(m.Subject, "mentioned you on Runbook") || !strings.Contains(strings.ReplaceAll(h.mails()[0], "=\r\n", ""), "https://strongroom.example.com/notifications/") {
		t.Errorf("%+v\n%s", m, h.mails()[0])
	}
	err = h.House.Gate.Change(t.Context(), reader, access.View, gate.Thing{}, func(tx *gate.Tx) error {
		p, err := notification.List(tx, notification.Query{})
		if err != nil {
			return err
		}
		return h.Deliver(tx, notification.Message{To: reader, Digest: []*notification.Line{p.Lines[0], p.Lines[0]}})
	})
	if err != nil {
		t.Fatal(err)
	}
	h.until(queue.Sent, 1)
	if got := strings.ReplaceAll(h.mails()[1], "=\r\n", ""); !strings.Contains(got, "Subject: 2 things that concern you") || strings.Count(got, "mentioned you on Runbook") != 4 { // as text, and as a page
		t.Errorf("two in one mail: %s", got)
	}
	err = h.House.Gate.View(t.Context(), author, func(tx *gate.Tx) error { _, err := h.List(tx); return err })
	if !fault.Is(err, fault.Denied) {
		t.Errorf("who does not manage the tenant sees mails: %v", err)
	}
}
