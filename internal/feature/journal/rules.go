package journal

import (
	"reflect"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/comment"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/mailbox/letter"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/sla"
)

// before completes an entry, and refuses to change one that stands.
func before(tx *gate.Tx, now, old *record.Record) error {
	if old != nil {
		if err := changeable(tx, now, old); err != nil {
			return err
		}
	}
	switch typ := now.Values.Text("journal_type"); {
	case entry.Public(typ):
		now.Values["publish_to_web"] = true
	case typ == entry.WorkNote || now.Values["publish_to_web"] == nil:
		now.Values["publish_to_web"] = false
	}
	if text := now.Values.Text("notes_body"); text != "" && strings.TrimSpace(richtext.Text(text)) == "" && len(richtext.Images(text)) == 0 {
		return fault.Field("notes_body", "Write something first.")
	}
	if now.Name == "" && named(now.Values) == "" {
		now.Name = now.Values.Text("journal_type")
	}
	return nil
}

// changeable refuses a change of an entry by another, or too late, and one that would
// put it on another ticket.
func changeable(tx *gate.Tx, now, old *record.Record) error {
	if now.Name == old.Name && now.Parent == old.Parent && reflect.DeepEqual(now.Values, old.Values) {
		return nil
	}
	switch {
	case now.Parent != old.Parent:
		return fault.New(fault.Invalid, "An entry stays on its ticket.").WithHint("Write another one there.")
	case tx.Caller.User == 0 || old.CreatedBy != tx.Caller.User:
		return fault.New(fault.Denied, "Only who wrote an entry changes it.").WithHint("Write another one that says what is right.")
	case tx.Now-old.Created > entry.Grace.Milliseconds():
		return fault.New(fault.Invalid, "An entry can be changed for %d minutes, and this one is older.", int(entry.Grace.Minutes())).WithHint("Write another one that says what is right.")
	}
	if old.Name == named(old.Values) && now.Name == old.Name { // it had no subject of its own
		now.Name = ""
	}
	return nil
}

// after tells people of an entry, and lets only administrators, and its author while
// it may be changed, delete one.
func after(tx *gate.Tx, now, old *record.Record) error {
	if old != nil && now.Trashed != old.Trashed {
		own := old.CreatedBy == tx.Caller.User && tx.Caller.User != 0 && tx.Now-old.Created <= entry.Grace.Milliseconds()
		if !own && (tx.Caller.Role != access.Administrator || tx.Caller.Custom != nil) {
			return fault.New(fault.Denied, "Only administrators delete what somebody wrote on a ticket, and bring it back.")
		}
		return nil
	}
	if old == nil && now.Values.Text("journal_type") == entry.Reply {
		if err := mailed(tx, now); err != nil {
			return err
		}
	}
	if tx.Caller.User == 0 || tx.Caller.Via == "job" || tx.Caller.Via == "console" || tx.Caller.Behind != nil || old != nil && old.Values.Text("notes_body") == now.Values.Text("notes_body") {
		return nil // nobody in particular writes, or many at once are brought in
	}
	if old == nil && now.Values.Bool("publish_to_web") && !tx.Caller.Customer() {
		if err := answered(tx, now); err != nil {
			return err
		}
	}
	return tell(tx, now, old == nil)
}

// mailed mails a reply to who takes part in the ticket.
func mailed(tx *gate.Tx, e *record.Record) error {
	ticket, err := e.Kind.Engine().Get(tx, "", e.Parent)
	if err != nil {
		return err
	}
	return letter.Reply(tx, ticket, e)
}

// answered stops the clock of the response: somebody who is a user here wrote what the
// customer may read.
func answered(tx *gate.Tx, e *record.Record) error {
	ticket, err := e.Kind.Engine().Get(tx, "", e.Parent)
	if err != nil {
		return err
	}
	return sla.Answered(tx, ticket)
}

// tell tells those who are mentioned, and of a new entry who watches the ticket and
// who owns it.
func tell(tx *gate.Tx, e *record.Record, fresh bool) error {
	if tx.Caller.Customer() { // who is mentioned there would tell her who is known here
		return tellOthers(tx, e, nil)
	}
	people, err := (&comment.Comments{Records: e.Kind.Engine()}).Mentioned(tx, richtext.Text(e.Values.Text("notes_body")))
	if fault.Is(err, fault.Invalid) {
		return fault.Field("notes_body", "%s", fault.Say(err).Fields["text"])
	}
	if err != nil {
		return err
	}
	n := notification.Notice{Topic: "mention", To: people, Record: e.Parent, Place: entry.Place(e.ID), Key: "journal-mention/" + e.ID.String(),
		Text: []notification.Part{notification.Words("mentioned you on"), notification.Of(e.Parent)}}
	told, err := notification.Send(tx, n)
	if err != nil || !fresh {
		return err
	}
	if err := comment.Follow(tx, e.Parent, append(told, tx.Caller.User)...); err != nil {
		return err
	}
	return tellOthers(tx, e, told)
}

// tellOthers tells those who watch the ticket, and who owns it, of a new entry, but for
// those who were told.
func tellOthers(tx *gate.Tx, e *record.Record, told []id.ID) error {
	others, err := interested(tx, e, told)
	if err != nil {
		return err
	}
	topic := "comment"
	if tx.Caller.Customer() {
		topic = "replied"
	}
	_, err = notification.Send(tx, notification.Notice{Topic: topic, To: others, Record: e.Parent, Place: entry.Place(e.ID), Key: "journal/" + e.ID.String(),
		Text: []notification.Part{notification.Words("wrote on"), notification.Of(e.Parent)}})
	return err
}

// interested are those who watch the ticket and who owns it, but for those who know.
func interested(tx *gate.Tx, e *record.Record, told []id.ID) ([]id.ID, error) {
	known := map[id.ID]bool{tx.Caller.User: true}
	for _, u := range told {
		known[u] = true
	}
	people, err := comment.Watching(tx, e.Parent)
	if err != nil {
		return nil, err
	}
	for _, f := range entry.Tickets() {
		if e.Values.ID(f.Name) != e.Parent {
			continue
		}
		owners, err := e.Kind.Engine().Field(tx, f.Ref, "owner_id", e.Parent)
		if err != nil {
			return nil, err
		}
		if owner, _ := owners[e.Parent].(id.ID); owner != 0 {
			people = append(people, owner)
		}
	}
	var out []id.ID
	for _, u := range people {
		if !known[u] {
			known[u] = true
			out = append(out, u)
		}
	}
	return out, nil
}
