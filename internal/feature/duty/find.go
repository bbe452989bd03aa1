package duty

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/duty/method"
	"strongroom/internal/feature/duty/roster"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/sla"
)

// finding is a ticket for which somebody is looked for.
type finding struct {
	tx     *gate.Tx
	e      *record.Engine
	s      *setting
	ticket *record.Record
}

func (f *finding) find() (*Choice, error) {
	if f.s.Method == OnCall {
		return f.onCall()
	}
	if f.s.Calendar != 0 {
		r, err := f.e.Get(f.tx, sla.Calendar, f.s.Calendar)
		if err != nil {
			return nil, err
		}
		hours, err := sla.HoursOf(r)
		if err != nil {
			return nil, err
		}
		if now := time.UnixMilli(f.tx.Now); !hours.Open(now) {
			if f.s.Plan != 0 {
				return f.onCall()
			}
			c := &Choice{by: f.s, Said: "nobody works now, and it waits", Again: f.tx.Now + waits.Milliseconds()}
			if at, ok := hours.Next(now); ok {
				c.Said, c.Again = "nobody works before "+clock(at.In(hours.Zone())), at.UnixMilli()
			}
			return c, nil
		}
	}
	return f.member()
}

// clock is an instant as people read it.
func clock(t time.Time) string { return t.Format("Mon 2 Jan 15:04 MST") }

// onCall gives the ticket to who is on call.
func (f *finding) onCall() (*Choice, error) {
	p, err := f.plan()
	if err != nil {
		return nil, err
	}
	if p == nil {
		return &Choice{by: f.s, Said: "no plan says who is on call", Again: f.tx.Now + waits.Milliseconds()}, nil
	}
	now := time.UnixMilli(f.tx.Now)
	shift := p.Shifts(now, now.Add(lookAhead))[0]
	if shift.Person == 0 {
		return &Choice{by: f.s, Said: string(shift.Why) + ", by " + p.Name, Again: min(shift.Until.UnixMilli(), f.tx.Now+waits.Milliseconds())}, nil
	}
	ok, err := f.sees(shift.Person)
	if err != nil {
		return nil, err
	}
	if !ok {
		return &Choice{by: f.s, Said: "who is on call by " + p.Name + " may not see it", Again: f.tx.Now + waits.Milliseconds()}, nil
	}
	said := "on call until " + clock(shift.Until)
	if shift.Of != 0 {
		names, err := f.e.Names(f.tx, shift.Of)
		if err != nil {
			return nil, err
		}
		said += " for " + names[shift.Of]
	}
	return &Choice{User: shift.Person, Said: said + ", by " + p.Name, Plan: p.ID, by: f.s}, nil
}

// plan is the one that the team names, or else the one that is the team's; nil for none.
func (f *finding) plan() (*plan, error) {
	k := f.e.Kinds.Kind(PlanKind)
	if f.s.Plan != 0 {
		return load(f.tx, k, f.s.Plan)
	}
	list, err := loaded(f.tx, k, `k.team_id = ?`, int64(f.s.Team))
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

// sees tells whether somebody is active and may see the ticket, or its organization while
// the ticket is about to be made.
func (f *finding) sees(who id.ID) (bool, error) {
	var n int
	if err := f.tx.QueryRow(`select count(*) from record where id = ?`, int64(f.ticket.ID)).Scan(&n); err != nil {
		return false, err
	}
	if n > 0 {
		return notification.Sees(f.tx, who, f.ticket.ID)
	}
	if f.ticket.Restricted {
		return false, nil
	}
	return notification.Sees(f.tx, who, f.ticket.Org)
}

// candidate is a member of the team who is there.
type candidate struct {
	id.ID
	place int // behind the one who had the last turn
	load  int
	knows []string
}

// member gives the ticket to a member of the team.
func (f *finding) member() (*Choice, error) {
	of, err := f.e.Field(f.tx, "team", "member_ids", f.s.Team)
	if err != nil {
		return nil, err
	}
	members, _ := of[f.s.Team].([]id.ID)
	if len(members) == 0 {
		return &Choice{by: f.s, Said: "its team has no members", Again: f.tx.Now + waits.Milliseconds()}, nil
	}
	last, err := f.last()
	if err != nil {
		return nil, err
	}
	list, err := f.candidates(members, last)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		ok, err := f.sees(c.ID)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		_, err = f.tx.Exec(`update duty_turn set user_id = ? where team_id = ?`, int64(c.ID), int64(f.s.Team))
		return &Choice{User: c.ID, Said: f.why(c, len(list)), by: f.s}, err
	}
	return &Choice{by: f.s, Said: "everybody of its team is away", Again: f.tx.Now + waits.Milliseconds()}, nil
}

// last takes a turn of the team and tells who had the last one. Another transaction that
// takes one waits until this is durable.
func (f *finding) last() (id.ID, error) {
	var who int64
	err := f.tx.QueryRow(`insert into duty_turn (team_id, n, user_id) values (?, 1, 0) on conflict (team_id) do update set n = duty_turn.n + 1 returning user_id`, int64(f.s.Team)).Scan(&who)
	return id.ID(who), err
}

// candidates are the members who are there, the one who is to have the ticket first.
func (f *finding) candidates(members []id.ID, last id.ID) ([]candidate, error) {
	members = slices.Clone(members)
	slices.Sort(members)
	members = slices.Compact(members)
	gone, err := away(f.tx, slices.Clone(members))
	if err != nil {
		return nil, err
	}
	loads := map[id.ID]int{}
	if f.s.Method != InTurn {
		if loads, err = f.loads(members); err != nil {
			return nil, err
		}
	}
	knows, err := f.knows()
	if err != nil {
		return nil, err
	}
	after := slices.IndexFunc(members, func(m id.ID) bool { return m > last })
	if after < 0 {
		after = 0
	}
	var out []candidate
	for i, m := range members {
		if slices.ContainsFunc(gone, func(s roster.Span) bool { return s.Person == m && s.From <= f.tx.Now && f.tx.Now < s.Until }) {
			continue
		}
		out = append(out, candidate{m, (i - after + len(members)) % len(members), loads[m], knows[m]})
	}
	slices.SortFunc(out, func(a, b candidate) int {
		return cmp.Or(len(b.knows)-len(a.knows), a.load-b.load, a.place-b.place)
	})
	return out, nil
}

// loads counts the open tickets of people.
func (f *finding) loads(members []id.ID) (map[id.ID]int, error) {
	out := map[id.ID]int{}
	for _, k := range f.e.Kinds.Kinds() {
		if !method.Takes(k) {
			continue
		}
		rows, err := f.tx.Query(`select t.owner_id, count(*) from `+k.Table()+` t join record r on r.id = t.id where t.owner_id in (`+access.Marks(len(members))+`) and coalesce(t.final, 0) = 0 and r.trashed_at is null and r.archived = 0 group by t.owner_id`, access.Args(members)...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var who int64
			var n int
			if err := rows.Scan(&who, &n); err != nil {
				rows.Close()
				return nil, err
			}
			out[id.ID(who)] += n
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// knows are the words of a ticket that people know; nothing unless that is asked for.
func (f *finding) knows() (map[id.ID][]string, error) {
	out := map[id.ID][]string{}
	if f.s.Method != Skill {
		return out, nil
	}
	v, err := f.e.Kinds.Kind(AssignmentKind).Field("skills").Parse(f.s.skills)
	if err != nil {
		return nil, err
	}
	rows, _ := v.([]map[string]any)
	var addresses []string
	for _, row := range rows {
		addresses = append(addresses, words(row, "person")...)
	}
	known, err := people(f.tx, addresses)
	if err != nil {
		return nil, err
	}
	names, err := f.e.Names(f.tx, f.ticket.Values.ID("category_id"), f.ticket.Values.ID("service_id"))
	if err != nil {
		return nil, err
	}
	about := spaced(f.ticket.Name + " " + names[f.ticket.Values.ID("category_id")] + " " + names[f.ticket.Values.ID("service_id")])
	for _, row := range rows {
		who := known[record.Fold(text(row, "person"))]
		for _, w := range words(row, "words") {
			if s := spaced(w); who != 0 && strings.TrimSpace(s) != "" && strings.Contains(about, s) && !slices.Contains(out[who], w) {
				out[who] = append(out[who], w)
			}
		}
	}
	return out, nil
}

// spaced is a text as folded words with a space on both sides of each.
func spaced(s string) string {
	return " " + strings.Join(strings.FieldsFunc(record.Fold(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }), " ") + " "
}

// why says why it is she, of so many.
func (f *finding) why(c candidate, of int) string {
	open := fmt.Sprintf("with %d open", c.load)
	switch {
	case of == 1:
		return "the only one of the team who is there"
	case f.s.Method == Skill && len(c.knows) > 0:
		return "knows " + strings.Join(c.knows, ", ") + ", " + open
	case f.s.Method == Skill:
		return "nobody is named for it, and she has the fewest, " + open
	case f.s.Method == Load:
		return "has the fewest, " + open
	}
	return fmt.Sprintf("next in turn of %d", of)
}
