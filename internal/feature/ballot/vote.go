package ballot

import (
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/notification"
)

// Cast gives the caller's vote, and those of whom she stands for. Giving the same again
// changes nothing.
func Cast(tx *gate.Tx, r *record.Record, ballot id.ID, yes bool, words string) (*Ballot, error) {
	b, whom, err := deciding(tx, r, ballot)
	if err != nil {
		return nil, err
	}
	words = strings.Join(strings.Fields(words), " ")
	switch {
	case !yes && words == "":
		return nil, fault.Field("words", "Say why not.")
	case utf8.RuneCountInString(words) > longest:
		return nil, fault.Field("words", "A sentence has at most %d characters.", longest)
	}
	e, err := tx.Allow(access.Comment, gate.Thing{Kind: r.Kind.Name, ID: r.ID})
	if err != nil {
		return nil, err
	}
	e.Action, e.Detail.Text, e.Detail.Reason = map[bool]string{true: "ballot.yes", false: "ballot.no"}[yes], b.named(), words
	fresh := 0
	for _, v := range whom {
		if said, voted := b.Result.Votes[v]; voted {
			if said.Yes != yes {
				return nil, fault.New(fault.Conflict, "You have said otherwise already.").WithHint("Take your vote back first.")
			}
			continue
		}
		fresh++
		if err := b.happen(tx, Event{What: Voted, Phase: b.Result.Phase, User: v, By: tx.Caller.User, Yes: yes, Words: words}); err != nil {
			return nil, err
		}
		if b.Result.State != Pending || b.Result.Next {
			break
		}
	}
	if fresh == 0 {
		tx.Withdraw(e)
		return b, nil
	}
	return b, b.advance(tx, r)
}

// named says what is decided: the phase, and the approval by its number.
func (b *Ballot) named() string {
	return b.Phases[max(0, b.Result.Phase)].Name + ", approval " + b.ID.String()
}

// TakeBack takes the caller's vote back, as long as the phase is being decided.
func TakeBack(tx *gate.Tx, r *record.Record, ballot id.ID) (*Ballot, error) {
	b, whom, err := deciding(tx, r, ballot)
	if err != nil {
		return nil, err
	}
	e, err := tx.Allow(access.Comment, gate.Thing{Kind: r.Kind.Name, ID: r.ID})
	if err != nil {
		return nil, err
	}
	e.Action, e.Detail.Text = "ballot.back", b.named()
	fresh := 0
	for _, v := range whom {
		if said, voted := b.Result.Votes[v]; voted && said.By == tx.Caller.User {
			fresh++
			if err := b.happen(tx, Event{What: Took, Phase: b.Result.Phase, User: v, By: tx.Caller.User}); err != nil {
				return nil, err
			}
		}
	}
	if fresh == 0 {
		tx.Withdraw(e)
	}
	return b, b.keep(tx)
}

// deciding finds an approval that is being decided, and for whom the caller votes: herself,
// and those who are away and named her.
func deciding(tx *gate.Tx, r *record.Record, ballot id.ID) (*Ballot, []id.ID, error) {
	b, err := one(tx, `id = ?`, ballot)
	if err != nil {
		return nil, nil, err
	}
	if b == nil || b.Record != r.ID || tx.Caller.User == 0 {
		return nil, nil, gate.Missing()
	}
	stands, err := StandsFor(tx)
	if err != nil {
		return nil, nil, err
	}
	var out []id.ID
	for _, v := range b.Result.Voters {
		if v == tx.Caller.User || slices.Contains(stands, v) {
			out = append(out, v)
		}
	}
	switch {
	case b.Asker == tx.Caller.User, len(out) == 0:
		return nil, nil, fault.New(fault.Denied, "You do not decide about this.").WithHint("Those who do are named on the page of the approval.")
	case b.Void(r):
		return nil, nil, fault.New(fault.Conflict, "What is asked has changed since.").WithHint("It is asked again when the ticket waits for approval.")
	case b.Result.State != Pending || b.Result.Next:
		return nil, nil, fault.New(fault.Conflict, "This is decided already, or nobody decided in time.")
	}
	return b, out, nil
}

// Away has somebody vote for the caller from a time to another; nobody ends that.
func Away(tx *gate.Tx, to id.ID, from, until int64) error {
	if tx.Caller.User == 0 {
		return fault.New(fault.Denied, "Only people are away.")
	}
	if to == 0 {
		_, err := tx.Exec(`delete from ballot_absence where user_id = ?`, int64(tx.Caller.User))
		return err
	}
	active, err := notification.Sees(tx, to, 0)
	switch {
	case err != nil:
		return err
	case to == tx.Caller.User || !active:
		return fault.Field("to", "Name somebody else who works here.")
	case until <= from || until <= tx.Now:
		return fault.Field("until", "It ends before it begins, or is over.")
	case until-from > (400 * 24 * time.Hour).Milliseconds():
		return fault.Field("until", "Name a time of 400 days at the most.")
	}
	_, err = tx.Exec(`insert into ballot_absence (user_id, to_id, from_at, until_at) values (?, ?, ?, ?) on conflict (user_id) do update set to_id = excluded.to_id, from_at = excluded.from_at, until_at = excluded.until_at`,
		int64(tx.Caller.User), int64(to), from, until)
	return err
}

// Absence is when somebody is away, and who stands for her.
type Absence struct {
	Who, To     id.ID
	From, Until int64
}

// AbsenceOf is that of the caller; nil for none.
func AbsenceOf(tx *gate.Tx) (*Absence, error) {
	var a Absence
	var to int64
	err := tx.QueryRow(`select to_id, from_at, until_at from ballot_absence where user_id = ? and until_at > ?`, int64(tx.Caller.User), tx.Now).Scan(&to, &a.From, &a.Until)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	a.Who, a.To = tx.Caller.User, id.ID(to)
	return &a, err
}

// Absences are when some people are away, as far as that is not over for long. It is for
// rules that ask who is there: what becomes of the answer is told to others.
func Absences(tx *gate.Tx, who ...id.ID) ([]Absence, error) {
	slices.Sort(who)
	who = slices.Compact(who)
	if len(who) == 0 {
		return nil, nil
	}
	rows, err := tx.Query(`select user_id, to_id, from_at, until_at from ballot_absence where user_id in (`+access.Marks(len(who))+`) order by user_id`, access.Args(who)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Absence
	for rows.Next() {
		var a Absence
		var n, to int64
		if err := rows.Scan(&n, &to, &a.From, &a.Until); err != nil {
			return nil, err
		}
		a.Who, a.To = id.ID(n), id.ID(to)
		out = append(out, a)
	}
	return out, rows.Err()
}

// StandsFor are those who are away and for whom the caller votes.
func StandsFor(tx *gate.Tx) ([]id.ID, error) {
	return access.IDs(tx.SQL(), `select user_id from ballot_absence where to_id = ? and from_at <= ? and until_at > ? order by user_id`, int64(tx.Caller.User), tx.Now, tx.Now)
}

// Waiting lists the approvals that wait for the caller, her own votes and those of whom
// she stands for, the oldest first, of records that she may see.
func Waiting(tx *gate.Tx) ([]*Ballot, error) {
	stands, err := StandsFor(tx)
	if err != nil {
		return nil, err
	}
	who := append([]id.ID{tx.Caller.User}, stands...)
	cond, args := tx.Visible("r")
	ids, err := access.IDs(tx.SQL(), `select distinct b.id from ballot_voter v join ballot b on b.id = v.ballot_id join record r on r.id = b.record_id
		where v.user_id in (`+access.Marks(len(who))+`) and b.user_id <> ? and r.trashed_at is null and `+cond+` order by b.id limit 200`, append(append(access.Args(who), int64(tx.Caller.User)), args...)...)
	if err != nil {
		return nil, err
	}
	var out []*Ballot
	for _, i := range ids {
		b, err := one(tx, `id = ?`, i)
		if err != nil {
			return nil, err
		}
		if b != nil && b.Result.State == Pending {
			out = append(out, b)
		}
	}
	return out, nil
}
