package apptest_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"strongroom/internal/app"
	"strongroom/internal/apptest"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/outbox/queue"
	"strongroom/internal/feature/reminder"
	"strongroom/internal/feature/tracker"
	"strongroom/internal/feature/tracker/trackertest"
)

// relay is a mail server that keeps what it takes.
type relay struct {
	mu  sync.Mutex
	got []string
}

func (r *relay) NewSession(*smtp.Conn) (smtp.Session, error) { return r, nil }
func (r *relay) Mail(string, *smtp.MailOptions) error        { return nil }
func (r *relay) Rcpt(to string, _ *smtp.RcptOptions) error   { return nil }
func (r *relay) Reset()                                      {}
func (r *relay) Logout() error                               { return nil }
func (r *relay) Data(in io.Reader) error {
	b, err := io.ReadAll(in)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, string(b))
	return err
}

// TestOutside: in a whole house, a domain is looked up by the name server that the
// settings name, and what runs out is told in the app and by mail, through the relay
// that they name.
func TestOutside(t *testing.T) {
	zone := trackertest.Names(t, "harbour.example NS ns1.example.net", "harbour.example A 192.0.2.80")
	post := &relay{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := smtp.NewServer(post)
	s.Domain = "localhost"
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { s.Close() })
	h := apptest.Open(t, apptest.Options{Bare: true, Config: func(c *app.Config) {
		c.Outgoing = app.Outgoing{Names: zone.Addr, Registries: "builtin"}
		c.Mail = app.Mail{Relay: l.Addr().String(), TLS: "none", From: "Strongroom <strongroom@example.com>", Link: "https://strongroom.example.com"}
	}})
	own := h.Tenants[0]
	boss := own.People[access.Administrator]
	caller, err := h.App.Jobs.Resolve(t.Context(), own.Name, boss.ID)
	if err != nil {
		t.Fatal(err)
	}
	err = h.App.Gate.Change(t.Context(), caller, access.Create, gate.Thing{Kind: "domain", Org: own.Open}, func(tx *gate.Tx) error {
		if err := notification.Choose(tx, notification.Choice{Topic: reminder.Topic, Channel: notification.ByMail, Wanted: true}); err != nil {
			return err
		}
		_, err := h.App.Records.Create(tx, "domain", record.Values{"organization_id": own.Open, "name": "harbour.example", "expires_on": h.App.Now().UTC().AddDate(0, 0, 5).Format(time.DateOnly)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range []func() error{
		func() error { return h.App.Trackers.Sync(t.Context(), own.Name) }, func() error { return h.App.Reminder.Run(t.Context(), own.Name) }, func() error { return h.App.Notices.Run(t.Context(), own.Name) },
	} {
		if err := run(); err != nil {
			t.Fatal(err)
		}
	}
	found, mailed := "", ""
	end, tick := time.Now().Add(30*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for (found == "" || mailed != queue.Sent) && time.Now().Before(end) {
		own.View(func(tx *gate.Tx) error {
			lines, _, err := h.App.Trackers.List(tx, tracker.Query{Tracker: "dns", Limit: 5})
			if len(lines) == 1 {
				found = lines[0].Summary
			}
			mails, err2 := h.App.Outbox.List(tx)
			if len(mails) == 1 {
				mailed = mails[0].State
			}
			if err == nil {
				err = err2
			}
			return err
		})
		<-tick.C
	}
	if found != "2 records" || mailed != queue.Sent {
		t.Fatalf("found %q, mailed %q", found, mailed)
	}
	post.mu.Lock()
	defer post.mu.Unlock()
	if text := strings.Join(post.got, ""); !strings.Contains(text, "harbour.example runs out in 5 days") || !strings.Contains(text, "https://strongroom.example.com/notifications/") {
		t.Errorf("the mail is %s", text)
	}
}
