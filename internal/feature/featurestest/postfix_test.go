package featurestest_test

import (
	"crypto/tls"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/mail/postfixtest"
	"strongroom/internal/base/mailfetch/dovecottest"
	"strongroom/internal/base/mailparse"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/mailbox"
	"strongroom/internal/feature/mailbox/letter"
	"strongroom/internal/feature/outbox/queue"
)

// TestM2Postfix: what a desk writes goes by Postfix into a mailbox of Dovecot, whole; what
// Postfix cannot hand on comes back to the desk's own mailbox, and is shown with its entry.
func TestM2Postfix(t *testing.T) {
	d := dovecottest.Start(t)
	folder, uid, gid, cert, key := d.Place()
	for _, who := range []string{"desk", "ada"} {
		d.Deliver(who)
	}
	addr := postfixtest.Start(t, postfixtest.Options{Domain: "north.example", Users: []string{"desk", "ada"}, Folder: folder, UID: uid, GID: gid, Cert: cert, Key: key})
	s := openSender(t)
	s.desk.Secrets, s.desk.Dialer, s.desk.TLS = &secret.Revealer{Gate: s.Gate, Keys: s.Keys.Client}, &dialer.Dialer{Trusted: []string{d.Implicit}}, &tls.Config{RootCAs: d.Roots, MinVersion: tls.VersionTLS12}
	s.desk.Relay.Dialer, s.desk.Relay.Addr, s.desk.Relay.TLS, s.desk.Relay.Config = &dialer.Dialer{Trusted: []string{addr}}, addr, "starttls", s.desk.TLS
	word := dovecottest.Password
	s.box.Address, s.box.Server, s.box.User = "desk@north.example", d.Implicit, "desk"
	if err := s.desk.Save(t.Context(), s.Admin(), s.box, mailbox.Words{Password: &word}); err != nil {
		t.Fatal(err)
	}
	writes := func(to string) id.ID {
		who := s.Make("contact", s.org, record.Values{"first_name": "Somebody", "contact_emails": []map[string]any{{"value": to}}})
		n := s.mustMake(incident.Kind, record.Values{"name": "Drücker steht", "contact_id": who}).ID
		s.says(n, entry.Reply, "<p>Grüße, läuft er wieder?</p>")
		s.mails()
		return n
	}
	writes("ada@north.example")
	got, err := mailparse.Parse([]byte(postfixtest.Await(t, filepath.Join(folder, "ada"))))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.To) != 1 || got.To[0].Address != "ada@north.example" || !strings.Contains(got.Text, "Grüße, läuft er wieder?") || !strings.Contains(got.Subject, "Drücker steht") || got.Bounce != nil {
		t.Errorf("what arrived: %+v", got)
	}
	lost := writes("gone@north.example")
	postfixtest.Await(t, filepath.Join(folder, "desk"))
	if err := s.desk.Run(t.Context(), s.Admin().Tenant); err != nil {
		t.Fatal(err)
	}
	back := slices.DeleteFunc(s.lines(lost), func(l letter.Line) bool { return l.State != queue.Back })
	if len(back) != 1 || back[0].To != "gone@north.example" {
		t.Errorf("came back: %+v of %+v", back, s.lines(lost))
	}
	if more := s.lines(lost); len(more) != 1 {
		t.Errorf("what came back is answered: %+v", more)
	}
}
