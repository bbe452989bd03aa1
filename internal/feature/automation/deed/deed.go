// Package deed does what rules say.
//
// Always true: everything is done in the transaction that it is given, as the rule that is
// its caller, so that the gate decides on each thing and all of it is done or nothing; it
// tells people only of what they see.
package deed

import (
	"fmt"
	"html"
	"slices"
	"strconv"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation"
	"strongroom/internal/feature/automation/term"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/checklist/step"
	"strongroom/internal/feature/comment"
	"strongroom/internal/feature/duty"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/notification"
)

// Topic is what the notices of rules are about.
const Topic = "automation"

// work is one run, as it is done.
type work struct {
	*automation.Work
	*Deeds
	tx *gate.Tx
	e  *record.Engine
	at *record.Record
}

// Deeds do what needs more than the transaction. Fill the fields.
type Deeds struct {
	// Call, when set, puts a message about a record into the queue of a webhook, once under a
	// key, and says what it did.
	Call func(tx *gate.Tx, hook id.ID, rec *record.Record, once string) (string, error)
	// Start, when set, begins a process about a record likewise.
	Start func(tx *gate.Tx, process id.ID, rec *record.Record, once string) (string, error)
}

// Do does what a run says; it is what automation.Rules.Do asks for.
func (d *Deeds) Do(tx *gate.Tx, e *record.Engine, w *automation.Work) error {
	return (&work{w, d, tx, e, w.About}).all()
}

// Do is that of no Deeds.
func Do(tx *gate.Tx, e *record.Engine, w *automation.Work) error { return new(Deeds).Do(tx, e, w) }

// all does what the rule says, in its order. What was filled in by the save that set it off
// is not set again. One thing that is refused ends the whole.
func (w *work) all() error {
	var err error
	if w.at, err = w.e.Get(w.tx, w.at.Kind.Name, w.at.ID); err != nil {
		return err
	}
	atOnce := slices.Contains([]automation.When{automation.Created, automation.Changed, automation.FieldHas}, w.Run.Happens)
	for i, a := range w.Rule.Then {
		if a.Do == automation.Sets && atOnce {
			continue
		}
		said, err := w.act(i, a)
		if err != nil {
			return err
		}
		w.Did = append(w.Did, said)
	}
	return nil
}

// act does one thing and says what was done.
func (w *work) act(i int, a automation.Act) (string, error) {
	text := automation.Expand(a.Value, w.at)
	switch a.Do {
	case automation.Sets:
		return w.change(a.Field, text, "Set "+automation.Field(w.at.Kind, a.Field).Title()+".")
	case automation.Moves:
		return w.change(w.at.Kind.Life.StateField(), text, "Moved to "+text+".")
	case automation.Tells:
		return w.tell(i, a, text)
	case automation.Watches:
		people, err := w.people(a.Field)
		if err != nil {
			return "", err
		}
		if people, err = notification.Audience(w.tx, w.at.ID, people); err != nil {
			return "", err
		}
		return number(len(people), "watcher") + " added.", comment.Follow(w.tx, w.at.ID, people...)
	case automation.Notes:
		_, err := w.e.Create(w.tx, entry.Kind, record.Values{automation.EntriesOf(w.e, w.at.Kind): w.at.ID, "journal_type": entry.Note, "notes_body": paragraphs(text), "source": w.tx.Caller.Name})
		return "Wrote a note.", err
	case automation.MakesTask:
		r, err := w.e.Create(w.tx, "task", w.within(record.Values{"name": text, "team_id": automation.Value(w.at, "team_id"), automation.TasksOf(w.e, w.at.Kind): w.at.ID}))
		return "Made " + numbered(r) + ".", err
	case automation.Opens:
		v := w.within(record.Values{"name": text})
		if k := w.e.Kinds.Kind(a.Field); k.Field("contact_id") != nil && w.at.Values.ID("contact_id") != 0 {
			v["contact_id"] = w.at.Values.ID("contact_id")
		}
		r, err := w.e.Create(w.tx, a.Field, v)
		return "Opened " + numbered(r) + ".", err
	case automation.Lists:
		template, _ := id.Parse(a.Value)
		n, err := step.Bring(w.tx, w.e, template, w.at)
		return "Added " + number(n, "step") + " to tick off.", err
	case automation.Calls, automation.Starts:
		n, _ := id.Parse(a.Value)
		do := map[string]func(*gate.Tx, id.ID, *record.Record, string) (string, error){automation.Calls: w.Call, automation.Starts: w.Start}[a.Do]
		if do == nil {
			return "", fault.New(fault.Invalid, "This is not known here.")
		}
		return do(w.tx, n, w.at, fmt.Sprintf("rule/%d/%d", w.Run.ID, i))
	case automation.Assigns:
		return w.assign(a)
	case automation.Asks:
		return "Asked for approval.", ballot.Demand(w.tx, w.at)
	}
	return "", fault.New(fault.Invalid, "A rule does not know how to do this: %s.", a.Do)
}

// assign gives the ticket to somebody of a team.
func (w *work) assign(a automation.Act) (string, error) {
	team, _ := id.Parse(a.Value)
	r, said, err := duty.Give(w.tx, w.e, w.at, team, a.Field)
	if err == nil && r.Version != w.at.Version {
		w.at, w.Made = r, r.Version
	}
	return said, err
}

// within puts what is made into the organization.
func (w *work) within(v record.Values) record.Values {
	v["organization_id"] = w.at.Org
	return v
}

// change changes one field, unless it is so already.
func (w *work) change(field, text, said string) (string, error) {
	f := w.at.Kind.Field(field)
	v, err := f.Parse(text)
	if err != nil {
		return "", err
	}
	if term.Text(f, v) == term.Text(f, automation.Value(w.at, field)) {
		return f.Title() + " was so already.", nil
	}
	r, err := w.e.Update(w.tx, w.at.Kind.Name, w.at.ID, 0, record.Values{field: v})
	if err != nil {
		return "", err
	}
	w.at, w.Made = r, r.Version
	return said, nil
}

// tell tells people.
func (w *work) tell(i int, a automation.Act, text string) (string, error) {
	people, err := w.people(a.Field)
	if err != nil {
		return "", err
	}
	told, err := notification.Send(w.tx, notification.Notice{Topic: Topic, To: people, Record: w.at.ID, Own: true, Self: true, Key: fmt.Sprintf("automation/%d/%d", w.Run.ID, i),
		Text: []notification.Part{notification.Of(w.at.ID), notification.Words(text)}})
	return "Told " + number(len(told), "person") + ".", err
}

// people are whom a rule names.
func (w *work) people(whom string) ([]id.ID, error) {
	team := w.at.Values.ID("team_id")
	switch whom {
	case "owner":
		return []id.ID{w.at.Values.ID("owner_id")}, nil
	case "team":
		of, err := w.e.Field(w.tx, "team", "member_ids", team)
		list, _ := of[team].([]id.ID)
		return list, err
	case "manager of the team":
		of, err := w.e.Field(w.tx, "team", "manager_id", team)
		one, _ := of[team].(id.ID)
		return []id.ID{one}, err
	case "watchers":
		return comment.Watching(w.tx, w.at.ID)
	}
	n, _ := id.Parse(whom)
	return []id.ID{n}, nil
}

// number is so many of something.
func number(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case what == "person":
		what = "people"
	default:
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}

// numbered is a ticket by its number.
func numbered(r *record.Record) string {
	if r == nil {
		return ""
	}
	n, _ := r.Values["number"].(int64)
	return r.Kind.Field("number").Numbered(n)
}

// paragraphs is a plain text as rich text.
func paragraphs(text string) string { return "<p>" + html.EscapeString(text) + "</p>" }
