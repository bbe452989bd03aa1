package webhook

import (
	"context"
	"database/sql"
	"errors"
	"regexp"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Standing is how an address stands.
type Standing struct {
	Secret             bool  // it has one; without, nothing is sent
	Failing, Well, Off int64 // since when, Unix milliseconds; 0 for not
	Said               string
	Lost               int   // messages for which the queue was full
	Rotated            int64 // until a day after it, the secret before this one signs too
	Public             string
	Waiting            int
}

// StandingOf tells how an address stands, to who may see it.
func StandingOf(tx *gate.Tx, hook id.ID) (*Standing, error) {
	s := &Standing{}
	var version int64
	err := tx.QueryRow(`select failing_at, ok_at, off_at, said, lost, version, rotated_at, public from webhook_state where hook_id = ?`, int64(hook)).Scan(&s.Failing, &s.Well, &s.Off, &s.Said, &s.Lost, &version, &s.Rotated, &s.Public)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	s.Secret = version > 0
	err = tx.QueryRow(`select count(*) from webhook_out where hook_id = ? and state in ('waiting', 'sending')`, int64(hook)).Scan(&s.Waiting)
	return s, err
}

// Line is a message of the log.
type Line struct {
	ID       id.ID
	Event    string
	Kind     string
	Record   id.ID
	State    string
	Body     string
	Attempts int
	At, Next int64 // Unix milliseconds
	Tries    []Try
}

// Try is one time that a message was sent.
type Try struct {
	At, Took int64 // milliseconds
	Status   int
	Said     string
	Answer   string
}

// Log lists the messages of an address, the latest first; with message, only that one and
// what came of each try.
func Log(tx *gate.Tx, hook, message id.ID, most int) ([]*Line, error) {
	where, args := `where hook_id = ? order by id desc limit ?`, []any{int64(hook), most}
	if message != 0 {
		where, args = `where hook_id = ? and id = ? limit ?`, []any{int64(hook), int64(message), most}
	}
	rows, err := tx.Query(`select id, event, kind, record_id, state, body, attempts, at, next_at from webhook_out `+where, args...)
	if err != nil {
		return nil, err
	}
	var out []*Line
	for rows.Next() {
		l := &Line{}
		var n, rec int64
		if err := rows.Scan(&n, &l.Event, &l.Kind, &rec, &l.State, &l.Body, &l.Attempts, &l.At, &l.Next); err != nil {
			rows.Close()
			return nil, err
		}
		l.ID, l.Record = id.ID(n), id.ID(rec)
		out = append(out, l)
	}
	rows.Close()
	if err := rows.Err(); err != nil || message == 0 || len(out) == 0 {
		return out, err
	}
	tries, err := tx.Query(`select at, took, status, said, answer from webhook_try where out_id = ? order by id`, int64(message))
	if err != nil {
		return nil, err
	}
	defer tries.Close()
	for tries.Next() {
		var t Try
		if err := tries.Scan(&t.At, &t.Took, &t.Status, &t.Said, &t.Answer); err != nil {
			return nil, err
		}
		out[0].Tries = append(out[0].Tries, t)
	}
	return out, tries.Err()
}

// unreached says why there was no answer, and nothing of what is inside.
func unreached(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return fault.Say(f).Text
	}
	if errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "Client.Timeout") {
		return "There was no answer in time."
	}
	return "It could not be reached."
}

// secretLike is what looks like a secret in an answer.
var secretLike = regexp.MustCompile(`(?i)whs[ek]c?_[A-Za-z0-9+/=_-]{8,}|\bv1a?,[A-Za-z0-9+/=]{16,}|\bBearer\s+[A-Za-z0-9._~+/=-]{8,}|("?(?:password|secret|token|api[_-]?key|authorization)"?\s*[:=]\s*)("[^"]*"|[^\s,}&]+)`)

// masked is an answer for the log: cut, and without what was to be secret.
func masked(text string, signed []string) string {
	for _, s := range signed {
		text = strings.ReplaceAll(text, s, "…")
	}
	text = secretLike.ReplaceAllString(strings.ToValidUTF8(text, "�"), "${1}…")
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, text)
}
