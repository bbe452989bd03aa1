package featurestest_test

import (
	"crypto/tls"
	"regexp"
	"testing"
	"time"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/mailfetch/dovecottest"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/mailbox"
	"strongroom/internal/feature/mailbox/letter"
)

// desks are two houses that know each other as customers, each with a mailbox of Dovecot.
type desks struct {
	t      *testing.T
	a, b   *sender
	server *dovecottest.Server
	on     func(raw string) string // what happens to a mail on its way
}

// openDesks opens them, both on SQLite since there is one house at a time elsewhere.
func openDesks(t *testing.T) *desks {
	t.Helper()
	t.Setenv("STRONGROOM_TEST_DB", "")
	d := &desks{t: t, a: openSender(t), b: openSender(t), server: dovecottest.Start(t), on: func(raw string) string { return raw }}
	for s, name := range map[*sender]string{d.a: "north", d.b: "south"} {
		s.desk.Secrets, s.desk.Dialer, s.desk.TLS = &secret.Revealer{Gate: s.Gate, Keys: s.Keys.Client}, &dialer.Dialer{Trusted: []string{d.server.Implicit}}, &tls.Config{RootCAs: d.server.Roots, MinVersion: tls.VersionTLS12}
		s.box.Address, s.box.Server, s.box.User, s.box.Strangers, s.box.Organization = "desk@"+name+".example", d.server.Implicit, name, true, s.org
		word := dovecottest.Password
		if err := s.desk.Save(t.Context(), s.Admin(), s.box, mailbox.Words{Password: &word}); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// carry carries mail between them until there is none, and tells how many there were.
func (d *desks) carry() int {
	d.t.Helper()
	n := 0
	for range 200 {
		moved := 0
		for _, way := range []struct {
			from, to *sender
			user     string
		}{{d.a, d.b, "south"}, {d.b, d.a, "north"}} {
			var mails []string
			for _, m := range way.from.mails() {
				if m.to == way.to.box.Address {
					mails = append(mails, d.on(m.raw))
				}
			}
			moved += len(mails)
			d.server.Deliver(way.user, mails...)
			if err := way.to.desk.Run(d.t.Context(), way.to.Admin().Tenant); err != nil {
				d.t.Fatal(err)
			}
			way.to.Clock.Advance(time.Second)
		}
		if n += moved; moved == 0 {
			return n
		}
	}
	d.t.Fatal("they go on for ever")
	return 0
}

// begins has the first desk write to the second, as to a customer.
func (d *desks) begins(subject string) id.ID {
	d.t.Helper()
	who := d.a.Make("contact", d.a.org, record.Values{"first_name": "South", "contact_emails": []map[string]any{{"value": "desk@south.example"}}})
	n := d.a.mustMake(incident.Kind, record.Values{"name": subject, "contact_id": who}).ID
	d.a.says(n, entry.Reply, "<p>Can you help?</p>")
	return n
}

// TestM4TwoStrongrooms: two whole desks that write to each other over SMTP and IMAP end,
// also when the marks of automatic mail, and what names earlier mail, are lost on the way.
func TestM4TwoStrongrooms(t *testing.T) {
	const (
		marks = `(?mi)^(auto-submitted|x-auto-response-suppress|precedence):.*\r\n`
		past  = `(?mi)^(in-reply-to|references|message-id):.*\r\n([ \t].*\r\n)*`
	)
	d := openDesks(t)
	t.Run("as they are", func(t *testing.T) {
		n := d.begins("Joint outage")
		if all := d.carry(); all != 2 { // the request, and that it has arrived
			t.Errorf("%d mails", all)
		}
		if list := d.a.entries(n); len(list) != 2 || list[1].Values.Text("journal_type") != entry.Note {
			t.Errorf("%d entries", len(list))
		}
		d.a.says(n, entry.Reply, "<p>Any news?</p>")
		if all := d.carry(); all != 1 {
			t.Errorf("then %d mails", all)
		}
	})
	for name, lost := range map[string]*regexp.Regexp{"without marks": regexp.MustCompile(marks), "without marks and names": regexp.MustCompile(marks + "|" + past), "without numbers": regexp.MustCompile(marks + "|" + past + `|INC-\d+`)} {
		t.Run(name, func(t *testing.T) {
			for _, s := range []*sender{d.a, d.b} {
				s.Clock.Advance(25 * time.Hour)
			}
			d.on = func(raw string) string { return lost.ReplaceAllString(raw, "") }
			d.begins("Loop " + name)
			all := d.carry()
			if most := 2*letter.MostAnHour + 2; all > most {
				t.Errorf("%d mails, more than %d", all, most)
			}
			if again := d.carry(); again != 0 {
				t.Errorf("%d mails begin by themselves", again)
			}
			t.Log(all, "mails")
		})
	}
}
