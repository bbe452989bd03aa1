package ballot

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/notification"
)

// topic is what the notices are about.
const topic = "approval"

// tellVoters tells who decides, and who stands for them.
func (b *Ballot) tellVoters(tx *gate.Tx, r *record.Record, e Event) error {
	to := slices.Clone(e.Voters)
	for _, v := range e.Voters {
		stand, err := access.IDs(tx.SQL(), `select to_id from ballot_absence where user_id = ? and from_at <= ? and until_at > ?`, int64(v), tx.Now, tx.Now)
		if err != nil {
			return err
		}
		to = append(to, stand...)
	}
	_, err := notification.Send(tx, notification.Notice{Topic: topic, To: to, Record: r.ID, Text: []notification.Part{notification.Words("asks for your vote on"), notification.Of(r.ID)},
		Key: "ballot/" + b.ID.String() + "/" + e.What + "/" + id.ID(e.Phase+1).String()})
	return err
}

// tellAsker tells who asked how it ended.
func (b *Ballot) tellAsker(tx *gate.Tx) error {
	if b.Asker == 0 {
		return nil
	}
	_, err := notification.Send(tx, notification.Notice{Topic: topic, To: []id.ID{b.Asker}, Record: b.Record, Own: true, Self: true,
		Text: []notification.Part{notification.Words("The approval is " + strings.ToLower(b.Result.State) + ":"), notification.Of(b.Record)}, Key: "ballot/" + b.ID.String() + "/ended"})
	return err
}

// Clock lets the time pass: what is late is escalated or ends, who has left votes no more,
// and a ticket whose approval has ended goes on where nothing else is needed.
type Clock struct {
	Gate    *gate.Gate
	Records *record.Engine
}

// mostAtOnce is how many approvals one run looks at.
const mostAtOnce = 500

// Run does what is due in a tenant.
func (c *Clock) Run(ctx context.Context, tenant string) error {
	var due []id.ID
	who := access.System(tenant, "approvals")
	err := c.Gate.View(ctx, who, func(tx *gate.Tx) (err error) {
		due, err = access.IDs(tx.SQL(), `select id from ballot where state = ? or applied = 0 order by id limit ?`, Pending, mostAtOnce)
		return err
	})
	for _, b := range due {
		err = errors.Join(err, c.one(ctx, who, b))
	}
	return err
}

// look reads an approval with its ticket, which is nil in the trash, and those voters who
// cannot vote any more.
func (c *Clock) look(tx *gate.Tx, ballot id.ID) (b *Ballot, r *record.Record, gone []id.ID, err error) {
	if b, err = Get(tx, ballot); err != nil {
		return nil, nil, nil, err
	}
	var kind string
	err = tx.QueryRow(`select kind from record where id = ? and trashed_at is null`, int64(b.Record)).Scan(&kind)
	if errors.Is(err, sql.ErrNoRows) {
		return b, nil, nil, nil
	}
	if err == nil {
		r, err = c.Records.Get(tx, kind, b.Record)
	}
	for _, v := range b.Result.Voters {
		if err != nil {
			return nil, nil, nil, err
		}
		var sees bool
		if sees, err = notification.Sees(tx, v, b.Record); err == nil && !sees {
			if _, voted := b.Result.Votes[v]; !voted {
				gone = append(gone, v)
			}
		}
	}
	return b, r, gone, err
}

func (c *Clock) one(ctx context.Context, who *access.Caller, ballot id.ID) error {
	var b *Ballot
	var r *record.Record
	var gone []id.ID
	err := c.Gate.View(ctx, who, func(tx *gate.Tx) (err error) {
		b, r, gone, err = c.look(tx, ballot)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return nil // purged since
	}
	if err != nil || r == nil || b.Result.State == Pending && !b.Result.Stuck && !b.Result.Next && len(gone) == 0 {
		return err
	}
	return c.Gate.Change(ctx, who, access.Edit, gate.Thing{Kind: r.Kind.Name, ID: r.ID}, func(tx *gate.Tx) error {
		if b, r, gone, err = c.look(tx, ballot); err != nil || r == nil {
			return err
		}
		for _, v := range gone {
			if b.Result.State == Pending {
				if err := b.happen(tx, Event{What: Left, Phase: b.Result.Phase, User: v}); err != nil {
					return err
				}
			}
		}
		if err := b.advance(tx, r); err != nil || b.Result.State == Pending {
			return err
		}
		if _, err := tx.Exec(`update ballot set applied = 1 where id = ?`, int64(ballot)); err != nil {
			return err
		}
		return c.apply(tx, b, r)
	})
}

// apply moves a ticket on whose approval has ended: a request is Approved or refused, a
// change denied, a template one or the other. A move that its lifecycle does not declare, or that was made already, is
// left.
func (c *Clock) apply(tx *gate.Tx, b *Ballot, r *record.Record) error {
	last, err := Of(tx, r.ID)
	if err != nil || last.ID != b.ID || b.Void(r) || r.Kind.Life == nil || b.Result.State == Cancelled {
		return err
	}
	to := map[string]string{"service_request": "Approval Rejected", "change": "Denied", Template: "Denied"}[r.Kind.Name]
	if b.Result.State == Approved {
		to = map[string]string{"service_request": "Approved", Template: "Approved"}[r.Kind.Name]
	}
	if field := r.Kind.Life.StateField(); to != "" && slices.Contains(r.Kind.Life.Next(r.Values.Text(field)), to) {
		_, err = c.Records.Update(tx, r.Kind.Name, r.ID, 0, record.Values{field: to})
	}
	return err
}
