package duty

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/duty/roster"
	"strongroom/internal/feature/notification"
)

// Board is a plan with who is on call by it, and how that goes on.
type Board struct {
	ID     id.ID
	Name   string
	Zone   *time.Location
	Now    roster.Shift
	Shifts []roster.Shift // from now on
}

// Boards gives every plan that the caller sees, for so long from now.
func Boards(tx *gate.Tx, e *record.Engine, ahead time.Duration) ([]*Board, error) {
	sees, args := tx.Visible("r")
	list, err := loaded(tx, e.Kinds.Kind(PlanKind), sees, args...)
	if err != nil {
		return nil, err
	}
	now := time.UnixMilli(tx.Now)
	var out []*Board
	for _, p := range list {
		b := &Board{ID: p.ID, Name: p.Name, Zone: p.Zone, Shifts: p.Shifts(now, now.Add(ahead))}
		b.Now = b.Shifts[0]
		out = append(out, b)
	}
	return out, nil
}

// People are those whom a list of plans names.
func People(list []*Board) (out []id.ID) {
	for _, b := range list {
		for _, s := range b.Shifts {
			out = append(out, s.Person, s.Of)
		}
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(n id.ID) bool { return n == 0 })
}

// The states of a swap.
const (
	Asked    = "asked"
	Accepted = "accepted"
	Declined = "declined"
)

// Swap is what somebody asks another: to be on call in her place, perhaps for a time in
// return.
type Swap struct {
	ID, Plan, User, To  id.ID
	From, Until         int64 // Unix milliseconds
	BackFrom, BackUntil int64 // of To's, which User takes in return; 0 for nothing
	State               string
}

// mostSwap is how long a time is that somebody gives away at once.
const mostSwap = 92 * 24 * time.Hour

// AskSwap asks somebody to be on call in the caller's place.
func AskSwap(tx *gate.Tx, e *record.Engine, s Swap) error {
	s.User = tx.Caller.User
	if err := s.check(tx, e); err != nil {
		return err
	}
	var have int
	if err := tx.QueryRow(`select count(*) from duty_swap where plan_id = ? and user_id = ? and to_id = ? and from_at = ? and until_at = ? and state = 'asked'`, int64(s.Plan), int64(s.User), int64(s.To), s.From, s.Until).Scan(&have); err != nil || have > 0 {
		return err
	}
	n, err := tx.NewID()
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`insert into duty_swap (id, plan_id, user_id, to_id, from_at, until_at, back_from, back_until, at, state) values (?, ?, ?, ?, ?, ?, ?, ?, ?, 'asked')`, int64(n), int64(s.Plan), int64(s.User), int64(s.To), s.From, s.Until, s.BackFrom, s.BackUntil, tx.Now); err != nil {
		return err
	}
	_, err = notification.Send(tx, notification.Notice{Topic: Topic, To: []id.ID{s.To}, Href: "/on-call", Key: "swap/" + n.String(),
		Text: []notification.Part{notification.Words("asks you to be on call in her place, by"), notification.Of(s.Plan)}})
	return err
}

// check refuses to give away what is not one's own, or to somebody who cannot have it.
func (s *Swap) check(tx *gate.Tx, e *record.Engine) error {
	active, err := notification.Sees(tx, s.To, s.Plan)
	switch {
	case err != nil:
		return err
	case s.To == s.User || !active:
		return fault.Field("to", "Name somebody else who works here.")
	case s.Until <= max(s.From, tx.Now), s.Until-s.From > mostSwap.Milliseconds(), (s.BackFrom != 0 || s.BackUntil != 0) && (s.BackUntil <= max(s.BackFrom, tx.Now) || s.BackUntil-s.BackFrom > mostSwap.Milliseconds()):
		return fault.Field("shift", "This time is over, or none.")
	}
	p, err := load(tx, e.Kinds.Kind(PlanKind), s.Plan)
	if err != nil {
		return err
	}
	if p == nil {
		return gate.Missing()
	}
	if !held(p, s.User, s.From, s.Until, tx.Now) {
		return fault.Field("shift", "You are not on call in all of this time.").WithHint("Choose one of the times that are yours.")
	}
	if s.BackUntil != 0 && !held(p, s.To, s.BackFrom, s.BackUntil, tx.Now) {
		return fault.Field("to", "She is not on call in all of the time that you would take.")
	}
	return nil
}

// held tells whether somebody is on call all of a time, as far as it is still to come.
func held(p *plan, who id.ID, from, until, now int64) bool {
	list := p.Shifts(time.UnixMilli(max(from, now)), time.UnixMilli(until))
	return len(list) > 0 && !slices.ContainsFunc(list, func(s roster.Shift) bool { return s.Person != who })
}

// AnswerSwap answers what the caller is asked, or takes back what she asked. What is
// answered already stays as it is.
func AnswerSwap(tx *gate.Tx, e *record.Engine, swap id.ID, yes bool) error {
	list, err := swaps(tx, `where id = ? and (to_id = ? or user_id = ?)`, int64(swap), int64(tx.Caller.User), int64(tx.Caller.User))
	if err != nil {
		return err
	}
	if len(list) == 0 || yes && list[0].To != tx.Caller.User {
		return gate.Missing()
	}
	s := list[0]
	if s.State != Asked {
		return nil
	}
	state := Declined
	if yes {
		state = Accepted
		if err := s.check(tx, e); err != nil {
			return fault.New(fault.Conflict, "This is not as it was when you were asked: %s", fault.Say(err).Text).WithHint("Decline it; it can be asked anew.")
		}
		if err := instead(tx, s.Plan, s.To, s.From, s.Until, s.ID); err != nil {
			return err
		}
		if s.BackUntil != 0 {
			if err := instead(tx, s.Plan, s.User, s.BackFrom, s.BackUntil, s.ID); err != nil {
				return err
			}
		}
	}
	if _, err := tx.Exec(`update duty_swap set state = ? where id = ? and state = 'asked'`, state, int64(s.ID)); err != nil || s.User == tx.Caller.User {
		return err
	}
	said := map[string]string{Accepted: "is on call in your place, by", Declined: "cannot be on call in your place, by"}[state]
	_, err = notification.Send(tx, notification.Notice{Topic: Topic, To: []id.ID{s.User}, Href: "/on-call", Key: "swapped/" + s.ID.String(), Text: []notification.Part{notification.Words(said), notification.Of(s.Plan)}})
	return err
}

// StandIn says that somebody is on call by a plan from a time to another, whatever its turns
// say. The caller takes it over herself, or may change the plan.
func StandIn(tx *gate.Tx, e *record.Engine, plan, who id.ID, from, until int64) error {
	if who != tx.Caller.User {
		if err := tx.Check(access.Edit, gate.Thing{Kind: PlanKind, ID: plan}); err != nil {
			return err
		}
	}
	active, err := notification.Sees(tx, who, plan)
	switch {
	case err != nil:
		return err
	case !active:
		return fault.Field("who", "Name somebody who works here.")
	case until <= max(from, tx.Now), until-from > mostSwap.Milliseconds():
		return fault.Field("until", "It ends before it begins, is over, or lasts longer than three months.")
	}
	p, err := load(tx, e.Kinds.Kind(PlanKind), plan)
	if err != nil {
		return err
	}
	if p == nil {
		return gate.Missing()
	}
	if held(p, who, from, until, tx.Now) { // it is so already
		return nil
	}
	return instead(tx, plan, who, from, until, 0)
}

func instead(tx *gate.Tx, plan, who id.ID, from, until int64, swap id.ID) error {
	n, err := tx.NewID()
	if err != nil {
		return err
	}
	_, err = tx.Exec(`insert into duty_instead (id, plan_id, user_id, from_at, until_at, by_id, at, swap_id) values (?, ?, ?, ?, ?, ?, ?, ?)`, int64(n), int64(plan), int64(who), from, until, int64(tx.Caller.User), tx.Now, int64(swap))
	return err
}

// Swaps are those that wait for the caller, and those of hers that wait for others.
func Swaps(tx *gate.Tx) ([]*Swap, error) {
	return swaps(tx, `where (to_id = ? or user_id = ?) and state = 'asked' and until_at > ? order by from_at, id limit 50`, int64(tx.Caller.User), int64(tx.Caller.User), tx.Now)
}

func swaps(tx *gate.Tx, where string, args ...any) ([]*Swap, error) {
	rows, err := tx.Query(`select id, plan_id, user_id, to_id, from_at, until_at, back_from, back_until, state from duty_swap `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Swap
	for rows.Next() {
		s := &Swap{}
		var n, plan, user, to int64
		if err := rows.Scan(&n, &plan, &user, &to, &s.From, &s.Until, &s.BackFrom, &s.BackUntil, &s.State); err != nil {
			return nil, err
		}
		s.ID, s.Plan, s.User, s.To = id.ID(n), id.ID(plan), id.ID(user), id.ID(to)
		out = append(out, s)
	}
	return out, rows.Err()
}

// feedToken begins the part of a calendar's address that is a secret.
const feedToken = "src_"

func digest(tx *gate.Tx, token string) (string, error) {
	key, err := envelope.Derive(tx.Tenant.Keys.Index, "strongroom/duty/feed/1")
	if err != nil {
		return "", err
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(token))
	return hex.EncodeToString(h.Sum(nil)), nil
}

// NewFeed gives the caller a new address for her calendar; the one before ends. It is shown
// once.
func NewFeed(tx *gate.Tx) (token string, err error) {
	if tx.Caller.User == 0 {
		return "", fault.New(fault.Denied, "Only people are on call.")
	}
	raw := make([]byte, 32)
	rand.Read(raw)
	token = feedToken + base64.RawURLEncoding.EncodeToString(raw)
	sum, err := digest(tx, token)
	if err != nil {
		return "", err
	}
	_, err = tx.Exec(`insert into duty_feed (user_id, digest, at) values (?, ?, ?) on conflict (user_id) do update set digest = excluded.digest, at = excluded.at`, int64(tx.Caller.User), sum, tx.Now)
	return token, err
}

// EndFeed ends the address of the caller's calendar.
func EndFeed(tx *gate.Tx) error {
	_, err := tx.Exec(`delete from duty_feed where user_id = ?`, int64(tx.Caller.User))
	return err
}

// HasFeed tells whether the caller's calendar has an address.
func HasFeed(tx *gate.Tx) (bool, error) {
	var n int
	err := tx.QueryRow(`select count(*) from duty_feed where user_id = ?`, int64(tx.Caller.User)).Scan(&n)
	return n > 0, err
}

// feedAhead is how far a calendar reaches.
const feedAhead = 92 * 24 * time.Hour

// Feed is the calendar of whom a token is: her own times on call by the plans that she sees,
// in iCalendar's form. NotFound for a token that is none, or whose owner is active no more.
// The transaction is the system's.
func Feed(tx *gate.Tx, e *record.Engine, token string) (string, error) {
	if !strings.HasPrefix(token, feedToken) || len(token) != len(feedToken)+43 {
		return "", gate.Missing()
	}
	sum, err := digest(tx, token)
	if err != nil {
		return "", err
	}
	found, err := tx.IDs(`select user_id from duty_feed where digest = ?`, sum)
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", gate.Missing()
	}
	who, err := access.Load(tx.SQL(), found[0])
	if fault.Is(err, fault.NotFound) {
		return "", gate.Missing()
	}
	if err != nil {
		return "", err
	}
	sees, args := access.Visible(who, "r", tx.Now)
	list, err := loaded(tx, e.Kinds.Kind(PlanKind), sees, args...)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	line := func(format string, args ...any) { fold(&b, fmt.Sprintf(format, args...)) }
	line("BEGIN:VCALENDAR")
	line("VERSION:2.0")
	line("PRODID:-//Strongroom//On call//EN")
	line("X-WR-CALNAME:On call")
	const form = "20060102T150405Z"
	now := time.UnixMilli(tx.Now)
	for _, p := range list {
		for _, s := range p.Shifts(now, now.Add(feedAhead)) {
			if s.Person != found[0] {
				continue
			}
			line("BEGIN:VEVENT")
			line("UID:%s-%d@strongroom", p.ID, s.Until.Unix())
			line("DTSTAMP:%s", now.UTC().Format(form))
			line("DTSTART:%s", s.From.UTC().Format(form))
			line("DTEND:%s", s.Until.UTC().Format(form))
			line("SUMMARY:On call: %s", strings.NewReplacer(`\`, `\\`, ",", `\,`, ";", `\;`, "\n", `\n`, "\r", "").Replace(p.Name))
			line("END:VEVENT")
		}
	}
	line("END:VCALENDAR")
	return b.String(), nil
}

// fold writes a line of iCalendar: of 75 bytes at the most, and no character is cut.
func fold(b *strings.Builder, s string) {
	n := 0
	for _, r := range s {
		if size := len(string(r)); n+size > 74 {
			b.WriteString("\r\n ")
			n = 1
		}
		b.WriteRune(r)
		n += len(string(r))
	}
	b.WriteString("\r\n")
}
