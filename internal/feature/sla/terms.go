package sla

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/worktime"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/sla/clock"
)

// promised is a version of an agreement, as it is kept.
type promised struct {
	Targets []promise
	Reopen  clock.Policy
	Policy  clock.Policy
	Night   bool // people are told at any hour
	Deeds   []deed
}

// promise is a target of tickets of some kinds.
type promise struct {
	clock.Target
	Of string // as an agreement says it; see kindsOf
}

// covers tells whether something is promised of a kind; what promises nothing at all says
// so of what customers see.
func (p *promised) covers(kind string) bool {
	return len(p.Targets) == 0 && slices.Contains(kindsOf(""), kind) || slices.ContainsFunc(p.Targets, func(t promise) bool { return slices.Contains(kindsOf(t.Of), kind) })
}

// of is what is promised of a kind, where people are told in the hours of a calendar.
func (p *promised) of(kind, calendar string) clock.Agreement {
	out := clock.Agreement{Reopen: p.Reopen}
	for _, t := range p.Targets {
		if !slices.Contains(kindsOf(t.Of), kind) {
			continue
		}
		t.Levels = slices.Clone(t.Levels)
		for i := range t.Levels {
			if !p.Night {
				t.Levels[i].Told = calendar
			}
		}
		out.Targets = append(out.Targets, t.Target)
	}
	return out
}

// afterCalendar keeps the version that a calendar is now.
func afterCalendar(tx *gate.Tx, now, _ *record.Record) error {
	s, err := spec(now)
	if err != nil {
		return err
	}
	return keep(tx, calendarName(now.ID, now.Version), s)
}

// afterAgreement does so for an agreement.
func afterAgreement(tx *gate.Tx, now, _ *record.Record) error {
	p := promised{Policy: policyOf(now.Values.Text("policy")), Reopen: policyOf(now.Values.Text("reopen")), Night: now.Values.Bool("at_night")}
	var err error
	if p.Deeds, err = deedsOf(tx, now); err != nil {
		return err
	}
	for _, row := range now.Values.Rows("targets") {
		t := promise{target(row), text(row, "of")}
		if t.Measure == clock.Operational {
			team, err := teamCalled(tx, text(row, "team"))
			if err != nil {
				return err
			}
			t.Team = team.String()
		}
		if n, ok := now.Values["warn_at"].(int64); ok {
			t.Levels = []clock.Level{{Name: Warning, Percent: int(n)}}
		}
		t.Levels = append(append(t.Levels, clock.Level{Name: clock.Breach, Percent: 100}), levels(p.Deeds)...)
		p.Targets = append(p.Targets, t)
	}
	return keep(tx, agreementName(now.ID, now.Version), p)
}

func calendarName(n id.ID, version int64) string  { return fmt.Sprintf("c%s.%d", n, version) }
func agreementName(n id.ID, version int64) string { return fmt.Sprintf("a%s.%d", n, version) }

// keep keeps a version; one that is kept stays as it is.
func keep(tx *gate.Tx, name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`insert into sla_version (name, data) values (?, ?) on conflict (name) do nothing`, name, string(b))
	return err
}

// kept reads a version.
func kept(tx *gate.Tx, name string, into any) error {
	var data string
	err := tx.QueryRow(`select data from sla_version where name = ?`, name).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.New(fault.Internal, "The version %s is not there.", name)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(data), into)
}

// terms reads the versions that events of a ticket of a kind name. An event names its agreement together with
// the calendar in whose hours people are told: a12.3/c5.2.
func terms(tx *gate.Tx, kind string, events []clock.Event) (clock.Terms, error) {
	t := clock.Terms{Agreements: map[string]clock.Agreement{}, Calendars: map[string]*worktime.Calendar{}}
	for _, e := range events {
		if e.Calendar != "" && t.Calendars[e.Calendar] == nil {
			var s worktime.Spec
			if err := kept(tx, e.Calendar, &s); err != nil {
				return t, err
			}
			c, err := worktime.New(s)
			if err != nil {
				return t, err
			}
			t.Calendars[e.Calendar] = c
		}
		if _, ok := t.Agreements[e.Agreement]; ok || e.Agreement == "" {
			continue
		}
		name, calendar, _ := strings.Cut(e.Agreement, "/")
		var p promised
		if name != nothing {
			if err := kept(tx, name, &p); err != nil {
				return t, err
			}
		}
		t.Agreements[e.Agreement] = p.of(kind, calendar)
	}
	return t, nil
}

// nothing is the agreement of a ticket for which nothing is promised any more.
const nothing = "none"

// chosen is the agreement that holds for a ticket.
type chosen struct {
	agreement, calendar string // versions; empty when there is none
	id                  string // of the agreement, without its version
	policy              clock.Policy
}

// choose finds the agreement for a ticket: of the nearest organization above it that has
// one for tickets of its kind, or else of none; one for its service goes before one for
// every service. It is
// looked for as the house: who makes the ticket need not see the agreement.
func choose(tx *gate.Tx, r *record.Record) (chosen, error) {
	orgs, err := above(tx, r.Org)
	if err != nil {
		return chosen{}, err
	}
	rows, err := tx.Query(`select r.id, r.version, r.org_id, coalesce(k.service_id, 0), c.id, c.version, coalesce(k.policy, '') from k_service_agreement k cross join record r cross join record c
		where r.id = k.id and c.id = k.calendar_id and r.archived = 0 and r.trashed_at is null and r.org_id in (`+access.Marks(len(orgs))+`) and coalesce(k.service_id, 0) in (0, ?) order by r.id`,
		append(access.Args(orgs), int64(r.Values.ID("service_id")))...)
	if err != nil {
		return chosen{}, err
	}
	var found []candidate
	defer rows.Close()
	for rows.Next() {
		var aid, version, org, service, cid, cversion int64
		var policy string
		if err := rows.Scan(&aid, &version, &org, &service, &cid, &cversion, &policy); err != nil {
			return chosen{}, err
		}
		c := calendarName(id.ID(cid), cversion)
		name := agreementName(id.ID(aid), version)
		rank := 2 * slices.Index(orgs, id.ID(org))
		if service == 0 {
			rank++
		}
		found = append(found, candidate{chosen{agreement: name + "/" + c, calendar: c, id: strings.SplitN(name, ".", 2)[0], policy: policyOf(policy)}, name, rank})
	}
	if err := rows.Err(); err != nil {
		return chosen{}, err
	}
	_ = rows.Close()
	slices.SortStableFunc(found, func(a, b candidate) int { return a.rank - b.rank })
	for _, c := range found {
		var p promised
		if err := kept(tx, c.version, &p); err != nil {
			return chosen{}, err
		}
		if p.covers(r.Kind.Name) {
			return c.chosen, nil
		}
	}
	return chosen{}, nil
}

// candidate is an agreement that may hold; the lowest rank is the nearest.
type candidate struct {
	chosen
	version string
	rank    int
}

// above gives an organization, those above it, and 0 for none.
func above(tx *gate.Tx, org id.ID) ([]id.ID, error) {
	var out []id.ID
	for n := org; n != 0 && len(out) < 20; {
		out = append(out, n)
		var up int64
		err := tx.QueryRow(`select coalesce(parent_id, 0) from k_organization where id = ?`, int64(n)).Scan(&up)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
		n = id.ID(up)
	}
	return append(out, 0), nil
}
