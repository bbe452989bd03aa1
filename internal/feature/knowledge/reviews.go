package knowledge

import (
	"context"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/knowledge/care"
	"strongroom/internal/feature/notification"
)

const (
	topic  = "article" // of notices
	ahead  = 14        // days before its review that whose article it is, is told
	atOnce = 500       // articles that one run looks at
)

// Reviews tells whose articles are to be reviewed. Fill the fields.
type Reviews struct {
	Gate    *gate.Gate
	Records *record.Engine
}

// Run tells of what is due in a tenant, once for each date. A schedule calls it; it bears
// repetition.
func (m *Reviews) Run(ctx context.Context, tenant string) error {
	c := access.System(tenant, "job")
	var due []*record.Record
	err := m.Gate.View(ctx, c, func(tx *gate.Tx) (err error) { due, err = care.Due(tx, m.Records, ahead, atOnce); return err })
	if err != nil || len(due) == 0 {
		return err
	}
	return m.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		for _, r := range due {
			owner := r.Values.ID("owner_id")
			if owner == 0 {
				continue // it stands among what needs care
			}
			day := r.Values.Text("expire_on")
			_, err := notification.Send(tx, notification.Notice{Topic: topic, To: []id.ID{owner}, Record: r.ID, Own: true, Key: "article/" + r.ID.String() + "/" + day,
				Text: []notification.Part{notification.Words("It is to be reviewed by " + day + " whether this still holds:"), notification.Of(r.ID)}})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
