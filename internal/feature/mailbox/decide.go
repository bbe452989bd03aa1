package mailbox

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/mailparse"
	"strongroom/internal/core/id"
)

// The caps of what one sender may bring about within Window. What is above them is held
// for people to see, so that two machines that answer each other end.
const (
	MostAlike    = 5  // mails of a sender with the same subject
	MostOfSender = 40 // mails of a sender
	MostOnTicket = 20 // mails of a sender on one ticket
	MostOpen     = 30 // open tickets of a sender
)

// Deed is what is done with a mail.
type Deed string

// What is done with a mail.
const (
	Answer Deed = "answer" // it is written on a ticket
	Remark Deed = "remark" // it is noted on a ticket, and wakes nobody
	Begin  Deed = "begin"  // it becomes a ticket
	Hold   Deed = "hold"   // people decide
	Ignore Deed = "ignore" // it is listed, and nothing else
)

// Ticket is what a decision needs of a ticket.
type Ticket struct {
	ID           id.ID
	Over         bool     // it is closed: nothing is written on it any more
	Gone         bool     // it is in the trash
	Into         *Ticket  // what it was merged into
	Participants []string // addresses of those who take part
}

// Known is what the desk knows that a mail may be about.
type Known struct {
	Filed       bool     // this mail is here already
	Own         []string // addresses of the desk's own
	Token       *Ticket  // for which an id that it answers bears a proof of ours
	Thread      *Ticket  // on which a mail is that it answers, without proof
	Numbered    *Ticket  // whose number is in the subject
	Undelivered *Ticket  // from which the mail went out that did not arrive

	Customer bool // the sender is a contact
	Disabled bool // who is archived: nobody who may ask any more
	Open     bool // strangers may open tickets

	Alike, OfSender, OnTicket, OpenTickets int // of the sender, within Window
}

// Decision says what is done with a mail, and why.
type Decision struct {
	Do       Deed
	Ticket   id.ID // on which it is written
	FollowUp id.ID // the closed ticket that a new one follows
	Maybe    id.ID // the ticket that a new one may belong to; nothing proves it
	Why      string
	Reopen   bool // a person answers: what waits or was resolved goes on
	Confirm  bool // its arrival may be confirmed to the sender
}

// Decide is the decision, of nothing but what is known. A mail is written on a ticket
// only with a proof: an id that only who got mail of the ticket can know, or an id or
// number that anybody can write together with the address of somebody who takes part.
func Decide(m *mailparse.Mail, k Known) Decision {
	from := m.From.Address
	switch {
	case k.Filed:
		return Decision{Do: Ignore, Why: "it came before"}
	case from == "":
		return Decision{Do: Hold, Why: "it has no sender"}
	case slices.Contains(k.Own, from):
		return Decision{Do: Ignore, Why: "it comes from an address of the desk itself"}
	case m.Bounce != nil:
		return bounced(k)
	case m.DMARC == "fail":
		return Decision{Do: Hold, Why: "the domain of its sender says that it is forged (DMARC)"}
	case k.Disabled:
		return Decision{Do: Hold, Why: "its sender is archived"}
	}
	if why := capped(k); why != "" {
		return Decision{Do: Hold, Why: why}
	}
	t, why, maybe := belongs(from, k)
	for n := 0; t != nil && t.Into != nil && n < 10; n++ {
		t = t.Into
	}
	if t != nil && t.Gone {
		t, why = nil, "what it answers was deleted"
	}
	switch {
	case t != nil && k.OnTicket >= MostOnTicket:
		return Decision{Do: Hold, Why: "its sender wrote on this ticket more than " + strconv.Itoa(MostOnTicket) + " times within an hour"}
	case t != nil && m.Automatic != "" && t.Over:
		return Decision{Do: Ignore, Why: m.Automatic + ", and its ticket is closed"}
	case t != nil && m.Automatic != "":
		return Decision{Do: Remark, Ticket: t.ID, Why: m.Automatic}
	case m.Absent || m.List:
		return Decision{Do: Hold, Maybe: maybe, Why: m.Automatic}
	case t != nil && !t.Over:
		return Decision{Do: Answer, Ticket: t.ID, Why: why, Reopen: true}
	case !k.Customer && !k.Open && t == nil:
		return Decision{Do: Hold, Maybe: maybe, Why: "nobody knows its sender"}
	case k.OpenTickets >= MostOpen:
		return Decision{Do: Hold, Maybe: maybe, Why: "its sender has " + strconv.Itoa(k.OpenTickets) + " open tickets"}
	}
	d := Decision{Do: Begin, Maybe: maybe, Why: why, Confirm: m.Automatic == ""}
	if t != nil {
		d.FollowUp, d.Why = t.ID, "what it answers is closed"
	}
	if d.Why == "" {
		d.Why = "it answers nothing"
	}
	return d
}

// bounced is what is done with word of a mail that did not arrive: it is noted where
// that went out from, and never answered.
func bounced(k Known) Decision {
	for _, t := range []*Ticket{k.Undelivered, k.Token} {
		if t != nil && !t.Over && !t.Gone && k.OnTicket < MostOnTicket {
			return Decision{Do: Remark, Ticket: t.ID, Why: "a mail of this ticket did not arrive"}
		}
	}
	return Decision{Do: Ignore, Why: "it tells that a mail did not arrive, and of none that an open ticket sent"}
}

// capped says which cap is reached.
func capped(k Known) string {
	switch {
	case k.Alike >= MostAlike && k.Token == nil:
		return "its sender wrote under this subject more than " + strconv.Itoa(MostAlike) + " times within an hour"
	case k.OfSender >= MostOfSender:
		return "its sender wrote more than " + strconv.Itoa(MostOfSender) + " times within an hour"
	}
	return ""
}

// belongs finds the ticket that a mail provably belongs to, or else one that it may.
func belongs(from string, k Known) (t *Ticket, why string, maybe id.ID) {
	part := func(t *Ticket) bool { return t != nil && slices.Contains(t.Participants, from) }
	switch {
	case k.Token != nil:
		return k.Token, "it answers a mail of ours, with its proof", 0
	case part(k.Thread):
		return k.Thread, "it answers a mail on the ticket, and its sender takes part", 0
	case part(k.Numbered):
		return k.Numbered, "its subject names the ticket, and its sender takes part", 0
	}
	for _, t := range []*Ticket{k.Thread, k.Numbered} {
		if t != nil && !t.Gone {
			return nil, "it names a ticket in which its sender takes no part", t.ID
		}
	}
	return nil, "", 0
}

var numbered = regexp.MustCompile(`(?i)\b(INC|SR|REQ|PRB|CHG|TSK|TASK)[-\s#]?(\d{1,12})\b`)

// NumberIn finds the number of a ticket in a subject, with its series.
func NumberIn(subject string) (series string, n int64) {
	m := numbered.FindStringSubmatch(subject)
	if m == nil {
		return "", 0
	}
	n, err := strconv.ParseInt(m[2], 10, 64)
	if err != nil {
		return "", 0
	}
	return strings.ToUpper(m[1]), n
}

var prefixes = regexp.MustCompile(`(?i)^\s*((re|aw|fw|fwd|wg|sv|vs|antw|tr|rif|r|ref|odp|回复|转发|答复)(\[\d+\])?\s*[:：]\s*)+`)

// Topic is a subject without what answering and forwarding put before it.
func Topic(subject string) string {
	return strings.ToLower(strings.Join(strings.Fields(prefixes.ReplaceAllString(subject, "")), " "))
}
