package featurestest_test

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/mailfetch/dovecottest"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/comment"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/mailbox"
	"strongroom/internal/feature/mailbox/letter"
	"strongroom/internal/feature/relation"
)

// post is a bench with a mailbox.
type post struct {
	*bench
	desk *mailbox.Desk
	box  *mailbox.Box
	n    int
}

func openPost(t *testing.T) *post {
	t.Helper()
	b := openBench(t)
	b.mustUpdate("contact", b.customer, record.Values{"contact_emails": []map[string]any{{"value": "rosa@harbour.example"}}})
	p := &post{bench: b, desk: &mailbox.Desk{Tickets: mailbox.Tickets{Kind: incident.Kind, Waits: []string{incident.WaitCustomer, incident.Resolved}, Goes: incident.Active,
		Journal: entry.Kind, Mail: entry.Email, Note: entry.Note, FieldOf: entry.FieldOf, Place: entry.Place, Watching: comment.Watching},
		Gate: b.Gate, Records: b.Records, Files: &attachment.Store{Gate: b.Gate}, Relations: &relation.Relations{Records: b.Records}, Own: []string{"noreply@northbeam.example"}},
		box: &mailbox.Box{Address: "Desk@Northbeam.example", Server: "imap.northbeam.example", Active: true}}
	word := "word"
	if err := p.desk.Save(t.Context(), b.Admin(), p.box, mailbox.Words{Password: &word}); err != nil {
		t.Fatal(err)
	}
	return p
}

// written is a mail from Rosa to the desk with a header and text of its own.
func written(header, text string) string {
	for name, value := range map[string]string{"From": "Rosa Lind <rosa@harbour.example>", "To": "desk@northbeam.example", "Subject": "Printer"} {
		if !strings.Contains("\n"+header, "\n"+name+":") {
			header += name + ": " + value + "\n"
		}
	}
	return strings.ReplaceAll(header+"\n"+text, "\n", "\r\n")
}

// brings has a mail come, and tells what became of it.
func (p *post) brings(header, text string) mailbox.Came {
	p.t.Helper()
	p.n++
	if err := p.desk.Receive(p.t.Context(), p.Admin().Tenant, p.box.ID, fmt.Sprint("1:", p.n), []byte(written(header, text))); err != nil {
		p.t.Fatal(err)
	}
	return p.filed()[0]
}

// filed files what came and lists all of it, the newest first.
func (p *post) filed() (all []mailbox.Came) {
	p.t.Helper()
	if err := p.desk.FileAll(p.t.Context(), p.Admin().Tenant); err != nil {
		p.t.Fatal(err)
	}
	p.View(p.Admin(), func(tx *gate.Tx) error {
		for _, s := range []string{"", mailbox.Filed} {
			list, err := mailbox.List(tx, s)
			if err != nil {
				return err
			}
			all = append(all, list...)
		}
		return nil
	})
	for i := range all {
		if all[i].ID > all[0].ID {
			all[0], all[i] = all[i], all[0]
		}
	}
	return all
}

func (p *post) ticket(n id.ID) *record.Record {
	p.t.Helper()
	var r *record.Record
	p.View(p.Admin(), func(tx *gate.Tx) (err error) { r, err = p.Records.Get(tx, incident.Kind, n); return err })
	return r
}

// entries are those on an incident, the oldest first.
func (p *post) entries(n id.ID) []*record.Record {
	p.t.Helper()
	var out []*record.Record
	p.View(p.Admin(), func(tx *gate.Tx) error {
		list, err := p.Records.List(tx, entry.Kind, record.Query{Parent: n, Sort: []record.Order{{Field: "id"}}})
		if err == nil {
			out = list.Records
		}
		return err
	})
	return out
}

func (p *post) token(n id.ID) string {
	p.t.Helper()
	var s string
	p.View(p.Admin(), func(tx *gate.Tx) (err error) { s, err = letter.NewToken(tx, n); return err })
	return s + "@northbeam.example"
}

func (p *post) count(q string) (n int) {
	p.t.Helper()
	p.View(p.Admin(), func(tx *gate.Tx) error { return tx.QueryRow(q).Scan(&n) })
	return n
}

// TestMailboxOfDovecot: from a real server to tickets, and what is told when it fails.
func TestMailboxOfDovecot(t *testing.T) {
	server := dovecottest.Start(t)
	p := openPost(t)
	p.desk.Secrets, p.desk.Dialer, p.desk.TLS = &secret.Revealer{Gate: p.Gate, Keys: p.Keys.Client}, &dialer.Dialer{Trusted: []string{server.Implicit}}, &tls.Config{RootCAs: server.Roots, MinVersion: tls.VersionTLS12}
	p.box.Server, p.box.User, p.box.Done = server.Implicit, "desk", "Taken"
	word := dovecottest.Password
	if err := p.desk.Save(t.Context(), p.Admin(), p.box, mailbox.Words{Password: &word}); err != nil {
		t.Fatal(err)
	}
	tenant := p.Admin().Tenant
	state := func() (b *mailbox.Box) {
		p.View(p.Admin(), func(tx *gate.Tx) (err error) { b, err = mailbox.GetBox(tx, p.box.ID); return err })
		return b
	}
	server.Deliver("desk", written("Subject: From Dovecot 1\nMessage-ID: <1@harbour.example>\n", "x"), written("Subject: From Dovecot 2\nMessage-ID: <2@harbour.example>\n", "x"))
	for range 2 { // M18: the folder for what was taken is missing, and nothing comes twice
		if err := p.desk.Run(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
	}
	if n := p.count(`select count(*) from record where kind = 'incident' and name like 'From Dovecot%'`); n != 2 {
		t.Errorf("%d tickets", n)
	}
	if _, err := p.desk.Test(t.Context(), p.Admin(), p.box.ID); err == nil || !strings.Contains(err.Error(), "no folder") {
		t.Errorf("the test says %v", err)
	}
	server.Folder("desk", "Taken")
	server.Deliver("desk", written("Subject: From Dovecot 3\nMessage-ID: <3@harbour.example>\n", "x"))
	if err := p.desk.Run(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	if b := state(); b.Error != "" || b.Checked == 0 || server.Count("desk", "Taken") != 1 {
		t.Errorf("%+v, %d mails moved", b, server.Count("desk", "Taken"))
	}
	opened := 0
	p.View(p.Admin(), func(tx *gate.Tx) error {
		list, err := tx.Activity(audit.Filter{Limit: 200})
		for _, e := range list {
			if e.Action == "reveal.granted" && e.Kind == "mailbox" {
				opened++
			}
		}
		return err
	})
	if opened != 1 {
		t.Errorf("its password was opened %d times for three visits", opened)
	}
	said, err := p.desk.Test(t.Context(), p.Admin(), p.box.ID)
	if err != nil || !strings.Contains(strings.Join(said, " "), "moved to Taken") {
		t.Errorf("the test says %v, %v", said, err)
	}
	t.Run("by POP3 each mail comes once, and what the server has no more is forgotten", func(t *testing.T) {
		p.desk.Dialer = &dialer.Dialer{Trusted: []string{server.Implicit, server.POP}}
		b := &mailbox.Box{Address: "pop@northbeam.example", Protocol: mailbox.POP3, Server: server.POP, User: "popdesk", Active: true, Done: "Taken"}
		if err := p.desk.Save(t.Context(), p.Admin(), b, mailbox.Words{Password: &word}); err != nil || b.Done != "" {
			t.Fatal(b, err)
		}
		server.Deliver("popdesk", written("Subject: By POP3 1\nMessage-ID: <p1@harbour.example>\n", "x"), written("Subject: By POP3 2\nMessage-ID: <p2@harbour.example>\n", "x"))
		for range 2 {
			if err := p.desk.Run(t.Context(), tenant); err != nil {
				t.Fatal(err)
			}
		}
		if n := p.count(`select count(*) from record where kind = 'incident' and name like 'By POP3%'`); n != 2 {
			t.Errorf("%d tickets", n)
		}
		server.Empty("popdesk")
		if err := p.desk.Run(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
		if n := p.count(`select count(*) from mailbox_taken`); n != 0 {
			t.Errorf("%d names are remembered", n)
		}
		if said, err := p.desk.Test(t.Context(), p.Admin(), b.ID); err != nil || !strings.Contains(strings.Join(said, " "), "There are 0 mails") {
			t.Errorf("the test says %q, %v", said, err)
		}
		if err := p.desk.Remove(t.Context(), p.Admin(), b.ID); err != nil {
			t.Fatal(err)
		}
	})
	p.box, word = state(), "wrong"
	if err := p.desk.Save(t.Context(), p.Admin(), p.box, mailbox.Words{Password: &word}); err != nil {
		t.Fatal(err)
	}
	if err := p.desk.Run(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	if b := state(); !strings.Contains(b.Error, "refuses the user or the password") || b.Hint == "" {
		t.Errorf("with a wrong password: %+v", b)
	}
}

func TestMailbox(t *testing.T) {
	p := openPost(t)
	first := p.brings("Message-ID: <a1@harbour.example>\nCc: boss@harbour.example\nContent-Type: multipart/mixed; boundary=b\n",
		"--b\nContent-Type: text/html\n\n<p onclick=x()>It is <b>broken</b>.<img src=\"https://track.example/p.gif\" alt=\"\"></p><script>alert(1)</script>\n--b\nContent-Type: text/plain; name=\"log.txt\"\n\nE42\n--b--\n")
	inc := p.ticket(first.Ticket)

	t.Run("a customer's mail becomes a ticket", func(t *testing.T) {
		if first.State != mailbox.Filed || first.Kept {
			t.Fatalf("%+v", first)
		}
		shows(t, inc, record.Values{"contact_id": p.customer, "source": "Email", "description": "<p>It is <strong>broken</strong>.</p>"})
		if files := p.files(inc.ID); inc.Name != "Printer" || inc.Org != p.org || len(files) != 1 || files[0].Name != "log.txt" {
			t.Errorf("%v %v", inc, files)
		}
	})
	t.Run("M6 M7 the same mail again is filed once", func(t *testing.T) {
		before := p.count(`select count(*) from record where kind = 'incident'`)
		mail := written("Message-ID: <twice@harbour.example>\nSubject: Twice\n", "x")
		for _, place := range []string{"1:901", "1:901", "2:7"} { // after a crash, and in another mailbox
			if err := p.desk.Receive(t.Context(), p.Admin().Tenant, p.box.ID, place, []byte("Received: by "+place[:1]+"\r\n"+mail)); err != nil {
				t.Fatal(err)
			}
		}
		p.filed()
		p.filed()
		if n := p.count(`select count(*) from record where kind = 'incident'`); n != before+1 {
			t.Errorf("%d tickets of one mail", n-before)
		}
	})
	t.Run("M5 scanners that give every mail one id, or none", func(t *testing.T) {
		for _, header := range []string{"Message-ID: <scan@device>\n", ""} {
			a, b := p.brings(header+"Subject: Scan 1\n", "one"), p.brings(header+"Subject: Scan 2\n", "two")
			if a.State != mailbox.Filed || b.State != mailbox.Filed || a.Ticket == b.Ticket {
				t.Errorf("%+v, %+v", a, b)
			}
		}
	})
	t.Run("M8 an answer with our proof, told to the owner", func(t *testing.T) {
		p.mustUpdate(incident.Kind, inc.ID, record.Values{"category_id": p.one("category", "Software"), "owner_id": p.agent.User, "team_id": p.one("team", "Service Desk")})
		p.mustUpdate(incident.Kind, inc.ID, record.Values{"status": incident.Active})
		p.mustUpdate(incident.Kind, inc.ID, record.Values{"status": incident.WaitCustomer})
		p.news(p.agent)
		got := p.brings("From: Rosa at home <rosa@home.example>\nSubject: something else\nIn-Reply-To: <"+p.token(inc.ID)+">\n", "It prints.\n\nOn Mon, 2 Mar 2026 Desk wrote:\n> Does it print?\n")
		if got.Ticket != inc.ID || got.State != mailbox.Filed {
			t.Fatalf("%+v", got)
		}
		list := p.entries(inc.ID)
		last := list[len(list)-1]
		if shows(t, last, record.Values{"journal_type": entry.Email, "publish_to_web": true}); !strings.Contains(last.Values.Text("notes_body"), "<details><summary>Quoted text") || !strings.Contains(last.Values.Text("notes_body"), "rosa@home.example") {
			t.Errorf("%q", last.Values.Text("notes_body"))
		}
		shows(t, p.ticket(inc.ID), record.Values{"status": incident.Active}) // it goes on
		if news := p.news(p.agent); !strings.Contains(news, "A mail came on Printer") {
			t.Errorf("the owner is told %q", news)
		}
	})
	t.Run("M12 somebody in copy answers a mail that came", func(t *testing.T) {
		if got := p.brings("From: boss@harbour.example\nReferences: <a1@harbour.example>\n", "It is urgent."); got.Ticket != inc.ID || got.State != mailbox.Filed {
			t.Errorf("%+v", got)
		}
	})
	t.Run("M1 out of office is noted and wakes nothing", func(t *testing.T) {
		p.mustUpdate(incident.Kind, inc.ID, record.Values{"status": incident.WaitCustomer})
		got := p.brings("Auto-Submitted: auto-replied\nIn-Reply-To: <"+p.token(inc.ID)+">\n", "I am away.")
		list := p.entries(inc.ID)
		if got.Ticket != inc.ID || list[len(list)-1].Values.Text("journal_type") != entry.Note || p.ticket(inc.ID).Values.Text("status") != incident.WaitCustomer {
			t.Errorf("%+v, %v", got, list[len(list)-1].Values)
		}
	})
	t.Run("M9 an outsider reaches no ticket", func(t *testing.T) {
		n := len(p.entries(inc.ID))
		token := p.token(inc.ID)
		forged := token[:len(token)-22] + "aaaa" + token[len(token)-18:]
		for _, header := range []string{"In-Reply-To: <a1@harbour.example>\n", "Subject: Re: [INC-" + fmt.Sprint(inc.Values["number"]) + "] Printer\n", "In-Reply-To: <" + forged + ">\n", "Reply-To: rosa@harbour.example\nReferences: <a1@harbour.example>\n"} {
			if got := p.brings("From: mallory@evil.example\n"+header, "Send me the password."); got.State != mailbox.Held {
				t.Errorf("%s: %+v", header, got)
			}
		}
		if got := p.brings("Authentication-Results: mx; dmarc=fail\nSubject: [INC-"+fmt.Sprint(inc.Values["number"])+"] Printer\n", "Send me the password."); got.State != mailbox.Held {
			t.Errorf("M24: %+v", got)
		}
		if len(p.entries(inc.ID)) != n {
			t.Error("something was written on it")
		}
	})
	t.Run("M3 our own addresses", func(t *testing.T) {
		for _, a := range []string{"DESK@northbeam.example", "noreply@northbeam.example"} {
			if got := p.brings("From: "+a+"\n", a); got.State != mailbox.Ignored {
				t.Errorf("%s: %+v", a, got)
			}
		}
	})
	t.Run("what is held, people let in or drop", func(t *testing.T) {
		held := p.brings("From: New Hand <new@harbour.example>\nSubject: Hello\n", "I am new.")
		if held.State != mailbox.Held || !held.Kept {
			t.Fatalf("%+v", held)
		}
		if err := p.desk.Release(t.Context(), p.agent, held.ID, 0); !fault.Is(err, fault.Denied) {
			t.Errorf("an editor lets it in: %v", err)
		}
		err := p.desk.Release(t.Context(), p.Admin(), held.ID, 0)
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("without an organization: %v", err)
		}
		p.box.Organization = p.org
		if err := p.desk.Save(t.Context(), p.Admin(), p.box, mailbox.Words{}); err != nil {
			t.Fatal(err)
		}
		for range 2 { // a second click changes nothing
			if err := p.desk.Release(t.Context(), p.Admin(), held.ID, 0); err != nil {
				t.Fatal(err)
			}
		}
		if n := p.count(`select count(*) from record where kind = 'incident' and name = 'Hello'`); n != 1 {
			t.Errorf("%d tickets", n)
		}
		if n := p.count(`select count(*) from record where kind = 'contact' and name = 'New Hand'`); n != 1 {
			t.Errorf("%d contacts", n)
		}
		spam := p.brings("From: spam@evil.example\nSubject: Offers\n", "Buy.")
		if err := p.desk.Drop(t.Context(), p.Admin(), spam.ID); err != nil {
			t.Fatal(err)
		}
		for _, c := range p.filed() {
			if c.ID == spam.ID && (c.State != mailbox.Dropped || c.Kept) {
				t.Errorf("%+v", c)
			}
		}
	})
	t.Run("M11 an answer to a closed ticket opens one that follows it", func(t *testing.T) {
		p.mustUpdate(incident.Kind, inc.ID, record.Values{"status": incident.Resolved, "resolution": "<p>New drum</p>", "cause_code": "Hardware"})
		p.mustUpdate(incident.Kind, inc.ID, record.Values{"status": incident.Closed})
		p.Clock.Advance(2 * time.Hour)
		got := p.brings("In-Reply-To: <"+p.token(inc.ID)+">\nSubject: Re: Printer\n", "It is broken again.")
		if got.State != mailbox.Filed || got.Ticket == inc.ID {
			t.Fatalf("%+v", got)
		}
		var related int
		p.View(p.Admin(), func(tx *gate.Tx) error {
			return tx.QueryRow(`select count(*) from relation where low_id = ? and high_id = ?`, int64(inc.ID), int64(got.Ticket)).Scan(&related)
		})
		if list := p.entries(got.Ticket); related != 1 || len(list) != 1 || !strings.Contains(list[0].Values.Text("notes_body"), "follows a ticket that is closed") {
			t.Errorf("%d relations, entries %v", related, list)
		}
	})
	t.Run("M17 a backlog keeps its order and goes on behind a mail that is none", func(t *testing.T) {
		p.Clock.Advance(2 * time.Hour)
		for i := range 30 {
			raw := written(fmt.Sprintf("Subject: Backlog %02d\nFrom: rosa@harbour.example\n", i), fmt.Sprint("Text ", i))
			if i == 7 {
				raw = "\r\n"
			}
			if err := p.desk.Receive(t.Context(), p.Admin().Tenant, p.box.ID, fmt.Sprint("3:", i), []byte(raw)); err != nil {
				t.Fatal(err)
			}
		}
		p.filed()
		var names []string
		p.View(p.Admin(), func(tx *gate.Tx) error {
			rows, err := tx.Query(`select name from record where kind = 'incident' and name like 'Backlog%' order by id`)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var s string
				if err := rows.Scan(&s); err != nil {
					return err
				}
				names = append(names, s)
			}
			return rows.Err()
		})
		for i := 1; i < len(names); i++ {
			if names[i] < names[i-1] {
				t.Errorf("%s before %s", names[i-1], names[i])
			}
		}
		open := p.count(`select count(*) from ` + p.Records.Kinds.Kind(incident.Kind).Table() + ` where final = 0`)
		held := p.count(`select count(*) from mailbox_mail where place like '3:%' and state = 'held'`)
		if len(names)+held != 30 || open > mailbox.MostOpen+5 {
			t.Errorf("%d tickets and %d held of 30; %d open", len(names), held, open)
		}
	})
	t.Run("M21 one subject again and again is held", func(t *testing.T) {
		p.Clock.Advance(2 * time.Hour)
		var last mailbox.Came
		for i := range mailbox.MostAlike + 1 {
			last = p.brings(fmt.Sprintf("Message-ID: <loop%d@x>\nSubject: Re: Loop\nFrom: loop@harbour.example\n", i), fmt.Sprint(i))
		}
		if last.State != mailbox.Held || !strings.Contains(last.Why, "subject") {
			t.Errorf("%+v", last)
		}
	})
	t.Run("the settings", func(t *testing.T) {
		bad := &mailbox.Box{Address: "nobody", Server: "", TLS: "none", Strangers: true}
		err := p.desk.Save(t.Context(), p.Admin(), bad, mailbox.Words{})
		if f := fault.Say(err); !fault.Is(err, fault.Invalid) || f.Fields["address"] == "" || f.Fields["server"] == "" || f.Fields["tls"] == "" || f.Fields["organization_id"] == "" {
			t.Errorf("%v", err)
		}
		if err := p.desk.Save(t.Context(), p.agent, &mailbox.Box{Address: "a@b.example", Server: "x"}, mailbox.Words{Password: new(string)}); err == nil {
			t.Error("an editor saves a mailbox")
		}
		old := *p.box
		old.Version--
		if err := p.desk.Save(t.Context(), p.Admin(), &old, mailbox.Words{}); !fault.Is(err, fault.Conflict) {
			t.Errorf("an old version: %v", err)
		}
		if err := p.Gate.View(t.Context(), p.agent, func(tx *gate.Tx) error { _, err := mailbox.List(tx, ""); return err }); !fault.Is(err, fault.Denied) {
			t.Errorf("an editor lists what is held: %v", err)
		}
		if err := p.desk.Remove(t.Context(), p.Admin(), p.box.ID); err != nil {
			t.Fatal(err)
		}
		if n := p.count(`select count(*) from secret_version where kind = 'mailbox'`); n != 0 {
			t.Errorf("%d versions of its password", n)
		}
		var actions []string
		p.View(p.Admin(), func(tx *gate.Tx) error {
			list, err := tx.Activity(audit.Filter{Limit: 50})
			for _, e := range list {
				actions = append(actions, e.Action)
			}
			return err
		})
		if got := strings.Join(actions, " "); !strings.Contains(got, "mailbox.remove") {
			t.Errorf("recorded: %s", got)
		}
	})
}
