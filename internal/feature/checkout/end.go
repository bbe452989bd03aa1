package checkout

import (
	"context"

	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/checkout/held"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/password/demand"
	"strongroom/internal/feature/password/filed"
)

// Topic is what the notices are about.
const Topic = "rotation"

// tell tells who had a password, and who wants it to be checked out, that it is to be
// changed now.
func tell(tx *gate.Tx, h *held.Out) error {
	to := []id.ID{h.User}
	d, err := demand.Of(tx, filed.Password, h.Record)
	if err != nil {
		return err
	}
	if d.Exclusively != 0 {
		by, err := tx.IDs(`select set_by from password_demand where record_id = ?`, int64(d.Exclusively))
		if err != nil {
			return err
		}
		to = append(to, by...)
	}
	_, err = notification.Send(tx, notification.Notice{Topic: Topic, To: to, Record: h.Record, Place: "approval", Own: true, Key: "checkout/" + h.ID.String(),
		Text: []notification.Part{notification.Of(h.Record), notification.Words("was checked out by"), notification.Of(h.User), notification.Words("and is to be changed now.")}})
	return err
}

// Ending notes the ends of check-outs whose time is over. Fill the field.
type Ending struct{ Gate *gate.Gate }

// Run tells of every check-out of a tenant that ended and was not told. A schedule
// calls it; it bears repetition. That a check-out is over needs no run: see Policy.
func (m *Ending) Run(ctx context.Context, tenant string) error {
	c := access.System(tenant, "job")
	var due []*held.Out
	err := m.Gate.View(ctx, c, func(tx *gate.Tx) (err error) {
		due, err = held.Ended(tx)
		return err
	})
	if err != nil || len(due) == 0 {
		return err
	}
	return m.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		for _, h := range due {
			n, err := tx.Exec(`update password_checkout set ended_at = ends_at where id = ? and ended_at = 0`, int64(h.ID))
			if err != nil {
				return err
			}
			if n == 0 {
				continue
			}
			tx.Also(&audit.Entry{Action: Over, Kind: filed.Password, Object: h.Record, Org: h.Org, Detail: audit.Detail{Name: h.Name}})
			if err := tell(tx, h); err != nil {
				return err
			}
		}
		return nil
	})
}

// EndOf ends the check-outs of a user now, inside a change for which the caller administers
// the tenant, and tells how many: Ending.Run then tells that the passwords are to be changed.
func EndOf(tx *gate.Tx, user id.ID) (int, error) {
	n, err := tx.Exec(`update password_checkout set ends_at = ? where user_id = ? and ended_at = 0 and ends_at > ?`, tx.Now, int64(user), tx.Now)
	return int(n), err
}
