package survey

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/mailbox/letter"
	"strongroom/internal/feature/notification"
)

const (
	topic    = "survey"              // of notices
	markSize = 32                    // bytes of chance
	late     = 7 * 24 * time.Hour    // how long after its time a question is still asked, when the house stood still
	atOnce   = 200                   // tickets that one run asks about, of a kind
	hour     = int64(60 * 60 * 1000) // milliseconds
	day      = 24 * hour             //
	kept     = 400 * day             // how long it is known that somebody was asked
)

// digest is how a mark is kept: it is as long as a key, so nobody finds it from that.
func digest(mark string) ([]byte, bool) {
	b, err := base64.RawURLEncoding.DecodeString(mark)
	if err != nil || len(b) != markSize {
		return nil, false
	}
	sum := sha256.Sum256(b)
	return sum[:], true
}

// Run asks about what was resolved long enough ago. A schedule calls it; it bears
// repetition.
func (s *Surveys) Run(ctx context.Context, tenant string) error {
	c := access.System(tenant, "job")
	due := map[*record.Kind][]id.ID{}
	err := s.Gate.View(ctx, c, func(tx *gate.Tx) error {
		set, err := Setting(tx)
		if err != nil || !set.On {
			return err
		}
		until := tx.Now - int64(set.Hours)*hour
		from := max(set.since, until-late.Milliseconds())
		for _, k := range s.kinds() {
			due[k], err = tx.IDs(`select k.id from `+k.Table()+` k join record r on r.id = k.id where k.resolved_at >= ? and k.resolved_at <= ? and k.contact_id is not null and r.trashed_at is null and r.archived = 0
				and not exists (select 1 from survey s where s.ticket_id = k.id) order by k.resolved_at limit ?`, from, until, atOnce)
			if err != nil {
				return err
			}
		}
		return nil
	})
	for _, k := range s.kinds() {
		for _, ticket := range due[k] {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			err = errors.Join(err, s.ask(ctx, c, k.Name, ticket))
		}
	}
	return err
}

// ask writes a survey down and has its link mailed, unless that was done meanwhile.
func (s *Surveys) ask(ctx context.Context, c *access.Caller, kind string, ticket id.ID) error {
	err := s.Gate.Change(ctx, c, access.Edit, gate.Thing{Kind: kind, ID: ticket}, func(tx *gate.Tx) error {
		r, err := s.Records.Get(tx, kind, ticket)
		if err != nil {
			return err
		}
		set, err := Setting(tx)
		if err != nil {
			return err
		}
		var have, lately int
		contact := r.Values.ID("contact_id")
		err = tx.QueryRow(`select (select count(*) from survey where ticket_id = ?), (select count(*) from survey where contact_id = ? and state <> ? and at > ?)`,
			int64(ticket), int64(contact), skipped, tx.Now-int64(set.Rest)*day).Scan(&have, &lately)
		if err != nil || have > 0 || contact == 0 || r.Values["resolved_at"] == nil {
			tx.Withdraw(tx.Entry())
			return err
		}
		if lately > 0 {
			tx.Withdraw(tx.Entry())
			return s.write(tx, ticket, contact, skipped, nil, set)
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Org, e.Detail.Name = Asked, kind, ticket, r.Org, r.Name
		b := make([]byte, markSize)
		rand.Read(b)
		sum := sha256.Sum256(b)
		if err := s.write(tx, ticket, contact, open, sum[:], set); err != nil {
			return err
		}
		return letter.Survey(tx, r, s.Address(Page+tx.Tenant.Name+"."+base64.RawURLEncoding.EncodeToString(b)))
	})
	if fault.Is(err, fault.NotFound) {
		return nil // it was deleted meanwhile
	}
	return err
}

func (s *Surveys) write(tx *gate.Tx, ticket, contact id.ID, state string, mark []byte, set Settings) error {
	n, err := tx.NewID()
	if err != nil {
		return err
	}
	if mark == nil {
		mark = []byte{}
	}
	if _, err := tx.Exec(`delete from survey where at < ?`, tx.Now-kept); err != nil {
		return err
	}
	_, err = tx.Exec(`insert into survey (id, ticket_id, contact_id, mark, state, at, ends_at) values (?, ?, ?, ?, ?, ?, ?)`, int64(n), int64(ticket), int64(contact), mark, state, tx.Now, tx.Now+int64(set.Days)*day)
	return err
}

// warn tells whose ticket it is of an answer that is as low as the settings say: its owner,
// and who leads its team.
func (s *Surveys) warn(tx *gate.Tx, q *Question, a Answer) error {
	set, err := Setting(tx)
	if err != nil || a.Score > set.Low {
		return err
	}
	var to []id.ID
	if owner := q.rec.Values.ID("owner_id"); owner != 0 {
		to = append(to, owner)
	}
	if team := q.rec.Values.ID("team_id"); team != 0 {
		leads, err := s.Records.Field(tx, "team", "manager_id", team)
		if err != nil {
			return err
		}
		if n, ok := leads[team].(id.ID); ok && n != 0 {
			to = append(to, n)
		}
	}
	if len(to) == 0 {
		return nil
	}
	_, err = notification.Send(tx, notification.Notice{Topic: topic, To: to, Record: q.rec.ID, Own: true, Key: "survey/" + q.id.String(),
		Text: []notification.Part{notification.Words(fmt.Sprintf("A customer is content to %d of %d with", a.Score, Best)), notification.Of(q.rec.ID)}})
	return err
}
