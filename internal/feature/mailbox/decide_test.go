package mailbox_test

import (
	"fmt"
	"net/mail"
	"testing"

	"pgregory.net/rapid"

	"strongroom/internal/base/mailparse"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/mailbox"
)

const ines = "ines@customer.example"

func from(address string) *mailparse.Mail {
	return &mailparse.Mail{From: mail.Address{Address: address}, Subject: "Printer", Text: "It is broken."}
}

func machine(why string, absent bool) *mailparse.Mail {
	m := from(ines)
	m.Automatic, m.Absent = why, absent
	return m
}

func ticket(n int64, who ...string) *mailbox.Ticket {
	return &mailbox.Ticket{ID: id.ID(n), Participants: who}
}

func over(t *mailbox.Ticket) *mailbox.Ticket { t.Over = true; return t }
func gone(t *mailbox.Ticket) *mailbox.Ticket { t.Gone = true; return t }

// TestDecide: what is done with a mail, for each case of the design by its name.
func TestDecide(t *testing.T) {
	bounce := machine("it tells that a mail did not arrive", false)
	bounce.Bounce = &mailparse.Bounce{Failed: true}
	forged := from(ines)
	forged.DMARC = "fail"
	other := from("mallory@evil.example")
	other.ReplyTo = []mail.Address{{Address: ines}}
	list := machine("it comes from a mailing list", false)
	list.List = true
	mine := ticket(7, ines, "boss@customer.example")
	merged := ticket(8, ines)
	merged.Into = mine
	for name, x := range map[string]struct {
		m    *mailparse.Mail
		k    mailbox.Known
		want mailbox.Decision // without Why
	}{
		"M1 out of office to our confirmation":                 {machine("it is an automatic reply", true), mailbox.Known{Token: mine, Customer: true}, mailbox.Decision{Do: mailbox.Remark, Ticket: 7}},
		"M1 out of office on a closed ticket wakes nothing":    {machine("it is an automatic reply", true), mailbox.Known{Token: over(ticket(7)), Customer: true}, mailbox.Decision{Do: mailbox.Ignore}},
		"M1 out of office to nothing":                          {machine("it is an automatic reply", true), mailbox.Known{Customer: true}, mailbox.Decision{Do: mailbox.Hold}},
		"M2 bounce of our mail":                                {bounce, mailbox.Known{Undelivered: mine}, mailbox.Decision{Do: mailbox.Remark, Ticket: 7}},
		"M2 bounce of a bounce":                                {bounce, mailbox.Known{}, mailbox.Decision{Do: mailbox.Ignore}},
		"M2 no sender":                                         {from(""), mailbox.Known{Open: true}, mailbox.Decision{Do: mailbox.Hold}},
		"M3 from ourselves":                                    {from("desk@northbeam.example"), mailbox.Known{Own: []string{"desk@northbeam.example"}, Token: mine, Open: true}, mailbox.Decision{Do: mailbox.Ignore}},
		"M6 the same mail to two mailboxes":                    {from(ines), mailbox.Known{Filed: true, Token: mine}, mailbox.Decision{Do: mailbox.Ignore}},
		"M8 the proof is in the id, not in what was written":   {from(ines), mailbox.Known{Token: ticket(7)}, mailbox.Decision{Do: mailbox.Answer, Ticket: 7, Reopen: true}},
		"M9 an outsider names the number":                      {from("mallory@evil.example"), mailbox.Known{Numbered: mine, Open: true}, mailbox.Decision{Do: mailbox.Begin, Maybe: 7, Confirm: true}},
		"M9 an outsider names the id of a mail":                {from("mallory@evil.example"), mailbox.Known{Thread: mine, Open: true}, mailbox.Decision{Do: mailbox.Begin, Maybe: 7, Confirm: true}},
		"M9 an outsider where strangers may not":               {from("mallory@evil.example"), mailbox.Known{Numbered: mine}, mailbox.Decision{Do: mailbox.Hold, Maybe: 7}},
		"M10 Reply-To of a participant proves nothing":         {other, mailbox.Known{Numbered: mine, Open: true}, mailbox.Decision{Do: mailbox.Begin, Maybe: 7, Confirm: true}},
		"M11 reply to a closed ticket":                         {from(ines), mailbox.Known{Token: over(ticket(7)), Customer: true}, mailbox.Decision{Do: mailbox.Begin, FollowUp: 7, Confirm: true}},
		"M11 reply to a merged ticket":                         {from(ines), mailbox.Known{Thread: merged, Customer: true}, mailbox.Decision{Do: mailbox.Answer, Ticket: 7, Reopen: true}},
		"M11 reply to a deleted ticket":                        {from(ines), mailbox.Known{Token: gone(ticket(7, ines)), Customer: true}, mailbox.Decision{Do: mailbox.Begin, Confirm: true}},
		"M12 somebody in copy answers":                         {from("boss@customer.example"), mailbox.Known{Thread: mine}, mailbox.Decision{Do: mailbox.Answer, Ticket: 7, Reopen: true}},
		"M12 the customer names the number":                    {from(ines), mailbox.Known{Numbered: mine}, mailbox.Decision{Do: mailbox.Answer, Ticket: 7, Reopen: true}},
		"M19 newsletter":                                       {list, mailbox.Known{Customer: true, Open: true}, mailbox.Decision{Do: mailbox.Hold}},
		"a monitor's mail becomes a ticket that confirms none": {machine("it says that a program sent it (Auto-Submitted)", false), mailbox.Known{Customer: true}, mailbox.Decision{Do: mailbox.Begin}},
		"M20 archived sender":                                  {from(ines), mailbox.Known{Customer: true, Disabled: true, Token: mine}, mailbox.Decision{Do: mailbox.Hold}},
		"M20 stranger, such as of another tenant":              {from(ines), mailbox.Known{}, mailbox.Decision{Do: mailbox.Hold}},
		"M21 under one subject":                                {from(ines), mailbox.Known{Customer: true, Alike: mailbox.MostAlike}, mailbox.Decision{Do: mailbox.Hold}},
		"M21 of one sender":                                    {from(ines), mailbox.Known{Customer: true, OfSender: mailbox.MostOfSender}, mailbox.Decision{Do: mailbox.Hold}},
		"M21 on one ticket":                                    {from(ines), mailbox.Known{Token: mine, OnTicket: mailbox.MostOnTicket}, mailbox.Decision{Do: mailbox.Hold}},
		"M21 open tickets of one sender":                       {from(ines), mailbox.Known{Customer: true, OpenTickets: mailbox.MostOpen}, mailbox.Decision{Do: mailbox.Hold}},
		"M23 a number that this tenant does not have":          {from(ines), mailbox.Known{Customer: true}, mailbox.Decision{Do: mailbox.Begin, Confirm: true}},
		"M24 forged sender with a number":                      {forged, mailbox.Known{Numbered: mine, Customer: true}, mailbox.Decision{Do: mailbox.Hold}},
	} {
		got := mailbox.Decide(x.m, x.k)
		if got.Why == "" {
			t.Errorf("%s: it does not say why", name)
		}
		got.Why = ""
		if name == "M19 newsletter" || name == "M1 out of office to nothing" {
			got.Maybe = 0
		}
		if got != x.want {
			t.Errorf("%s: %+v, want %+v", name, got, x.want)
		}
	}
}

func TestTopicAndNumber(t *testing.T) {
	for in, want := range map[string]string{"Re: AW: Fwd:  Printer  broken": "printer broken", "回复：打印机": "打印机", "RE[2]: x": "x", "Reset": "reset", "": ""} {
		if got := mailbox.Topic(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
	for in, want := range map[string]string{"Re: [INC-1042] Printer": "INC 1042", "req 7": "REQ 7", "PRINC-12": " 0", "INC-99999999999999999999": " 0", "x": " 0"} {
		if s, n := mailbox.NumberIn(in); fmt.Sprint(s, " ", n) != want {
			t.Errorf("%q: %s %d", in, s, n)
		}
	}
}

// side is a desk that confirms what comes, as a machine that marks nothing would.
type side struct {
	address  string
	mine     map[string]*mailbox.Ticket // by the id of what it sent
	received map[string]int
	all, n   int
	marks    bool
}

// gets decides on a mail, and gives the answer that goes back; nil for none.
func (s *side) gets(m *mailparse.Mail) *mailparse.Mail {
	k := mailbox.Known{Own: []string{s.address}, Open: true, Alike: s.received[mailbox.Topic(m.Subject)], OfSender: s.all}
	if len(m.InReplyTo) > 0 {
		if k.Token = s.mine[m.InReplyTo[0]]; k.Token != nil {
			k.OnTicket = s.received[k.Token.ID.String()]
		}
	}
	d := mailbox.Decide(m, k)
	s.received[mailbox.Topic(m.Subject)]++
	s.all++
	if d.Ticket != 0 {
		s.received[d.Ticket.String()]++
	}
	if d.Do != mailbox.Begin && d.Do != mailbox.Answer || s.marks && !d.Confirm && d.Do != mailbox.Answer {
		return nil // who marks what it sends also confirms only what may be confirmed
	}
	s.n++
	t := ticket(int64(s.n), m.From.Address)
	if d.Do == mailbox.Answer {
		t = k.Token
	}
	out := from(s.address)
	out.ID = fmt.Sprintf("%s-%d", s.address, s.n)
	s.mine[out.ID] = t
	out.Subject, out.InReplyTo = fmt.Sprintf("Re: [INC-%d] %s", t.ID, m.Subject), []string{m.ID}
	if s.marks {
		out.Automatic = "it says that a program sent it (Auto-Submitted)"
	}
	return out
}

// TestM4TwoDesksEndWithinTheCap: two desks that answer each other's confirmations end,
// also when neither marks what it sends, answers answers, and has new subjects.
func TestM4TwoDesksEndWithinTheCap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		open := func(address string) *side {
			return &side{address: address, mine: map[string]*mailbox.Ticket{}, received: map[string]int{}, marks: rapid.Bool().Draw(t, address)}
		}
		a, b := open("desk@a.example"), open("desk@b.example")
		if a.marks && b.marks {
			b.marks = rapid.Bool().Draw(t, "both")
		}
		m := from(b.address)
		m.ID = "first"
		forget := rapid.Bool().Draw(t, "forget")
		mails := 0
		for to, back := a, b; m != nil; to, back = back, to {
			if mails++; mails > 2*mailbox.MostOfSender+2 {
				t.Fatal("they go on")
			}
			if forget {
				m.InReplyTo = nil
			}
			m = to.gets(m)
		}
		if a.marks && b.marks && mails > 3 {
			t.Fatalf("%d mails between desks that mark theirs", mails)
		}
	})
}
