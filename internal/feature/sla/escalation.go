package sla

import (
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/sla/clock"
)

// Warning is the level at which people are told that a ticket is due soon.
const Warning = "warning"

// Do is what is done when a part of a goal is used up.
type Do string

// What can be done.
const (
	TellOwner  Do = "tell its owner"
	TellTeam   Do = "tell its team"
	TellLead   Do = "tell who leads its team"
	TellPerson Do = "tell a person"
	Raise      Do = "raise its priority"
	GiveTeam   Do = "give it to a team"
	GivePerson Do = "give it to a person"
	GiveOnCall Do = "give it to who is on call"
)

func dos() []string {
	return []string{string(TellOwner), string(TellTeam), string(TellLead), string(TellPerson), string(Raise), string(GiveTeam), string(GivePerson), string(GiveOnCall)}
}

// most of what one agreement does.
const mostDeeds, mostPercent = 20, 500

// deed is a line of an agreement: what is done at a part of a goal.
type deed struct {
	Percent int
	Measure clock.Measure // empty is each
	Do      Do
	Team    id.ID
	Person  id.ID
}

// level is the name of the level at which it is done.
func (d deed) level() string {
	if d.Percent == 100 {
		return clock.Breach
	}
	return strconv.Itoa(d.Percent) + "%"
}

// levels are those that deeds add to a goal.
func levels(list []deed) []clock.Level {
	var out []clock.Level
	for _, d := range list {
		l := clock.Level{Name: d.level(), Percent: d.Percent}
		if d.Percent != 100 && !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out
}

func escalations() []record.Field {
	return []record.Field{
		{Name: "percent", Label: "At percent", Type: record.Integer, Class: record.Internal, Required: true, Hint: "Of the goal; 100 is when it is late."},
		{Name: "measure", Label: "Of", Type: record.Choice, Choices: measures(), Class: record.Internal, Hint: "Empty: each."},
		{Name: "do", Label: "Do", Type: record.Choice, Choices: dos(), Class: record.Internal, Required: true},
		{Name: "whom", Type: record.Text, Class: record.Internal, Hint: "The team, or the person's e-mail address."},
	}
}

// deedOf reads a line, and who is named in it. Fault kind Invalid for one that nobody
// could follow.
func deedOf(tx *gate.Tx, row map[string]any) (deed, error) {
	n, _ := row["percent"].(int64)
	d := deed{Percent: int(n), Measure: clock.Measure(text(row, "measure")), Do: Do(text(row, "do"))}
	if n < 1 || n > mostPercent {
		return d, fault.Field("escalations", "Something is done at 1 to %d percent of a goal.", mostPercent)
	}
	whom, err := strings.TrimSpace(text(row, "whom")), error(nil)
	switch d.Do {
	case GiveTeam:
		d.Team, err = teamCalled(tx, whom)
	case GivePerson, TellPerson:
		d.Person, err = one(tx, `select u.id from k_user u join record r on r.id = u.id where u.email_fold = ? and r.trashed_at is null`, record.Fold(whom))
	case GiveOnCall: // of the ticket's own team when none is named
		if whom == "" {
			return d, nil
		}
		d.Team, err = teamCalled(tx, whom)
	case "":
		return d, fault.Field("escalations", "Say what is done: %s.", strings.Join(dos(), ", "))
	default:
		if whom != "" {
			return d, fault.Field("escalations", "To %s, nobody is named.", d.Do)
		}
		return d, nil
	}
	if err == nil && d.Team == 0 && d.Person == 0 {
		err = fault.Field("escalations", "To %s, name it; %q is not known.", d.Do, whom).WithHint("Give the name of a team, or the e-mail address of a user.")
	}
	return d, err
}

// beforeEscalations refuses lines that nobody could follow.
func beforeEscalations(tx *gate.Tx, now *record.Record) error {
	rows := now.Values.Rows("escalations")
	if len(rows) > mostDeeds {
		return fault.Field("escalations", "An agreement does %d things at the most.", mostDeeds)
	}
	for _, row := range rows {
		if _, err := deedOf(tx, row); err != nil {
			return err
		}
	}
	return nil
}

// deedsOf are the lines of an agreement that was checked.
func deedsOf(tx *gate.Tx, now *record.Record) ([]deed, error) {
	var out []deed
	for _, row := range now.Values.Rows("escalations") {
		d, err := deedOf(tx, row)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// Deed is what is to be done about a ticket that has passed a level.
type Deed struct {
	Do           Do
	Team, Person id.ID // whom it names
}

// Deeds are what the agreement of a clock does at a level, as it said when the ticket
// came under it.
func Deeds(tx *gate.Tx, c clock.Clock, level string) ([]Deed, error) {
	name, _, _ := strings.Cut(c.Agreement, "/")
	if name == "" || name == nothing {
		return nil, nil
	}
	var p promised
	if err := kept(tx, name, &p); err != nil {
		return nil, err
	}
	var out []Deed
	for _, d := range p.Deeds {
		if d.level() == level && (d.Measure == "" || d.Measure == c.Measure) {
			out = append(out, Deed{d.Do, d.Team, d.Person})
		}
	}
	return out, nil
}

// teamCalled finds a team by its name; 0 for none.
func teamCalled(tx *gate.Tx, name string) (id.ID, error) {
	if strings.TrimSpace(name) == "" {
		return 0, nil
	}
	return one(tx, `select id from record where kind = 'team' and name_fold = ? and trashed_at is null`, record.Fold(strings.TrimSpace(name)))
}

func one(tx *gate.Tx, query, arg string) (id.ID, error) {
	var n int64
	err := tx.QueryRow(query, arg).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return id.ID(n), err
}
