package ballot

import (
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/notification"
)

// Ballot is one asking for approval.
type Ballot struct {
	ID     id.ID
	Record id.ID
	Asker  id.ID
	Phases []Phase
	At     int64
	Events []Event
	Result Result
	digest string
}

// longest is how many characters the words of a vote have at the most.
const longest = 500

// watched are the fields of which an approval speaks: once one of them has changed, it is
// of something else.
func watched() []string {
	return []string{"name", "description", "justification", "change_type", "release_type", "risk", "scope", "scheduled_start", "scheduled_end", "plan", "backout", "offering_id", "contact_id", "cost", "price"}
}

// answered are the questions from whose answers the risk follows. Approvals asked for before they
// were part of what is approved have a digest without the prefix.
func answered() []string { return []string{"risk_reach", "risk_back", "risk_tried", "risk_done"} }

const withAnswers = "2:"

// digest sums up what is approved.
func digest(r *record.Record) string {
	return withAnswers + sum(r, slices.Concat(watched(), answered()))
}

func sum(r *record.Record, fields []string) string {
	h := sha256.New()
	for _, f := range fields {
		v := r.Values[f]
		if f == "name" {
			v = r.Name
		}
		h.Write(fmt.Appendf(nil, "%s\x00%v\x00", f, v))
	}
	if r.Kind.Name == Template {
		for _, f := range []string{"valid_until", "free", "category_id", "service_id", "team_id"} {
			h.Write(fmt.Appendf(nil, "%s\x00%v\x00", f, r.Values[f]))
		}
	}
	if n := r.Values["impact_version"]; n != nil { // what a change affects is approved too
		h.Write(fmt.Appendf(nil, "affects\x00%v\x00", n))
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// Of gives the last asking for approval of a record; nil when there was none.
func Of(tx *gate.Tx, rec id.ID) (*Ballot, error) {
	return one(tx, `record_id = ? order by id desc`, rec)
}

// Get gives an approval by its id. Who may see the ticket may see it; whoever asks finds
// out.
func Get(tx *gate.Tx, ballot id.ID) (*Ballot, error) {
	b, err := one(tx, `id = ?`, ballot)
	if err == nil && b == nil {
		err = gate.Missing()
	}
	return b, err
}

func one(tx *gate.Tx, where string, arg id.ID) (*Ballot, error) {
	b := &Ballot{}
	var bid, rec, asker int64
	var phases string
	err := tx.QueryRow(`select id, record_id, user_id, phases, digest, at from ballot where `+where+` limit 1`, int64(arg)).Scan(&bid, &rec, &asker, &phases, &b.digest, &b.At)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b.ID, b.Record, b.Asker = id.ID(bid), id.ID(rec), id.ID(asker)
	if err := json.Unmarshal([]byte(phases), &b.Phases); err != nil {
		return nil, err
	}
	if b.Events, err = events(tx, b.ID); err != nil {
		return nil, err
	}
	b.Result = Tally(b.Phases, b.Events, tx.Now)
	return b, nil
}

func events(tx *gate.Tx, ballot id.ID) ([]Event, error) {
	rows, err := tx.Query(`select at, what, phase, user_id, by_id, yes, words, voters from ballot_event where ballot_id = ? order by id`, int64(ballot))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Event
	for rows.Next() {
		var e Event
		var user, by int64
		var voters string
		if err := rows.Scan(&e.At, &e.What, &e.Phase, &user, &by, &e.Yes, &e.Words, &voters); err != nil {
			return nil, err
		}
		e.User, e.By = id.ID(user), id.ID(by)
		for v := range strings.FieldsSeq(voters) {
			if u, ok := id.Parse(v); ok {
				e.Voters = append(e.Voters, u)
			}
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

// happen writes down an event, and says how the approval stands then.
func (b *Ballot) happen(tx *gate.Tx, e Event) error {
	e.At = tx.Now
	eid, err := tx.NewID()
	if err != nil {
		return err
	}
	voters := make([]string, len(e.Voters))
	for i, v := range e.Voters {
		voters[i] = v.String()
	}
	_, err = tx.Exec(`insert into ballot_event (id, ballot_id, at, what, phase, user_id, by_id, yes, words, voters) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(eid), int64(b.ID), e.At, e.What, e.Phase, int64(e.User), int64(e.By), e.Yes, e.Words, strings.Join(voters, " "))
	b.Events = append(b.Events, e)
	b.Result = Tally(b.Phases, b.Events, tx.Now)
	return err
}

// Demand asks for the approval of a record that takes one, unless that is being decided or
// was given to what the record says now. It is called by the rules of kinds.
func Demand(tx *gate.Tx, r *record.Record) error {
	plan, err := planFor(tx, r.Kind.Engine(), r)
	if err != nil || plan == nil {
		return err
	}
	old, err := Of(tx, r.ID)
	if err != nil {
		return err
	}
	if old != nil && !old.Void(r) && (old.Result.State == Pending || old.Result.State == Approved) {
		return nil
	}
	if old != nil && old.Result.State == Pending {
		if err := old.cancel(tx); err != nil {
			return err
		}
	}
	b := &Ballot{Record: r.ID, Asker: tx.Caller.User, Phases: phasesOf(plan), At: tx.Now, digest: digest(r)}
	if b.ID, err = tx.NewID(); err != nil {
		return err
	}
	phases, err := json.Marshal(b.Phases)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`insert into ballot (id, record_id, user_id, plan_id, phases, digest, at, state) values (?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(b.ID), int64(r.ID), int64(b.Asker), int64(plan.ID), string(phases), b.digest, tx.Now, Pending); err != nil {
		return err
	}
	b.Result = Tally(b.Phases, nil, tx.Now)
	return b.advance(tx, r)
}

// Entering refuses that a record goes into one of the states that need an approval when it
// has none of what it says now. A new record asks for nothing.
func Entering(tx *gate.Tx, now, old *record.Record, states ...string) error {
	state := now.Values.Text("status")
	if old == nil || state == old.Values.Text("status") || !slices.Contains(states, state) {
		return nil
	}
	return passed(tx, now)
}

func passed(tx *gate.Tx, r *record.Record) error {
	plan, err := planFor(tx, r.Kind.Engine(), r)
	if err != nil || plan == nil {
		return err
	}
	b, err := Of(tx, r.ID)
	if err != nil {
		return err
	}
	switch {
	case b == nil:
		return fault.Field("status", "This takes an approval, and nobody has been asked.").WithHint("Set it to the state in which it is approved first.")
	case b.Result.State != Approved:
		return fault.Field("status", "This takes an approval, which is %s.", strings.ToLower(b.Result.State)).WithHint("The ticket says who decides, and what they said.")
	case b.Void(r):
		return fault.Field("status", "What was approved is not what this says now.").WithHint("Save what has changed without the new state: it is asked again then.")
	}
	return nil
}

// Void tells whether an approval is of something else than a record says now.
func (b *Ballot) Void(r *record.Record) bool {
	if !strings.HasPrefix(b.digest, withAnswers) {
		return b.digest != sum(r, watched())
	}
	return b.digest != digest(r)
}

// cancel ends an approval that is not wanted any more.
func (b *Ballot) cancel(tx *gate.Tx) error {
	return errors.Join(b.happen(tx, Event{What: Canceled, Phase: max(0, b.Result.Phase), By: tx.Caller.User}), b.keep(tx))
}

// Finish ends the approval of a ticket that goes on elsewhere, where one is pending, and tells whether one was: nobody is
// asked any more.
func Finish(tx *gate.Tx, ticket id.ID) (bool, error) {
	b, err := Of(tx, ticket)
	if err != nil || b == nil || b.Result.State != Pending {
		return false, err
	}
	return true, b.cancel(tx)
}

// keep writes down how the approval stands, and who decides now.
func (b *Ballot) keep(tx *gate.Tx) error {
	if _, err := tx.Exec(`update ballot set state = ? where id = ?`, b.Result.State, int64(b.ID)); err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from ballot_voter where ballot_id = ?`, int64(b.ID)); err != nil {
		return err
	}
	if b.Result.State != Pending {
		return nil
	}
	for _, v := range b.Result.Voters {
		if _, voted := b.Result.Votes[v]; voted {
			continue
		}
		if _, err := tx.Exec(`insert into ballot_voter (ballot_id, user_id) values (?, ?)`, int64(b.ID), int64(v)); err != nil {
			return err
		}
	}
	return nil
}

// advance begins the phases that are next and asks others where it is stuck, until people
// have to decide, and tells them.
func (b *Ballot) advance(tx *gate.Tx, r *record.Record) error {
	for range 2*mostPhases + 1 {
		var e Event
		var who Who
		switch {
		case b.Result.State != Pending:
			return errors.Join(b.keep(tx), b.tellAsker(tx))
		case b.Result.Next:
			e = Event{What: Began, Phase: b.Result.Phase + 1}
			who = b.Phases[e.Phase].Who
		case b.Result.Stuck:
			e = Event{What: Escalated, Phase: b.Result.Phase}
			who = b.Phases[e.Phase].To
		default:
			return b.keep(tx)
		}
		voters, err := b.able(tx, r, who)
		if err != nil {
			return err
		}
		e.Voters = voters
		if err := errors.Join(b.happen(tx, e), b.tellVoters(tx, r, e)); err != nil {
			return err
		}
	}
	return b.keep(tx)
}

// able are those of some people who may see the record and say something to it, but for
// who asked.
func (b *Ballot) able(tx *gate.Tx, r *record.Record, w Who) ([]id.ID, error) {
	people, err := resolve(tx, r, w)
	if err != nil {
		return nil, err
	}
	may, err := access.Able(tx.SQL(), access.Comment, r.Kind.Name)
	if err != nil {
		return nil, err
	}
	mates, err := access.IDs(tx.SQL(), access.Mates, int64(r.Org)) // who see the ticket by being asked
	if err != nil {
		return nil, err
	}
	var out []id.ID
	for _, u := range people {
		if u == b.Asker || !slices.Contains(may, u) || slices.Contains(out, u) {
			continue
		}
		sees, err := notification.Sees(tx, u, b.Record)
		if err != nil {
			return nil, err
		}
		if sees || slices.Contains(mates, u) {
			out = append(out, u)
		}
	}
	return out, nil
}

// resolve finds the people that a plan names.
func resolve(tx *gate.Tx, r *record.Record, w Who) ([]id.ID, error) {
	e := r.Kind.Engine()
	switch w.As {
	case Team:
		team := r.Values.ID("team_id")
		members, err := e.Field(tx, "team", "member_ids", team)
		list, _ := members[team].([]id.ID)
		return list, err
	case Manager:
		customer := r.Values.ID("contact_id")
		at, err := e.Field(tx, "contact", "department_id", customer)
		department, _ := at[customer].(id.ID)
		if err != nil || department == 0 {
			return nil, err
		}
		of, err := e.Field(tx, "department", "manager_id", department)
		if manager, ok := of[department].(id.ID); ok {
			return []id.ID{manager}, err
		}
		return nil, err
	case Admins:
		return access.IDs(tx.SQL(), `select user_id from access_principal where role = ? and active = 1`, string(access.Administrator))
	}
	return named(tx, w)
}

// named finds the members of a group, or a person, by what they are called.
func named(tx *gate.Tx, w Who) ([]id.ID, error) {
	if w.Named == "" {
		return nil, nil
	}
	if w.As == Person {
		return access.IDs(tx.SQL(), `select u.id from k_user u join record r on r.id = u.id where u.email_fold = ? and r.trashed_at is null`, record.Fold(w.Named))
	}
	groups, err := access.IDs(tx.SQL(), `select r.id from record r where r.kind = 'group' and r.name_fold = ? and r.trashed_at is null`, record.Fold(w.Named))
	var out []id.ID
	for _, g := range groups {
		members, err := access.Members(tx.SQL(), g)
		if err != nil {
			return nil, err
		}
		out = append(out, members...)
	}
	return out, err
}
