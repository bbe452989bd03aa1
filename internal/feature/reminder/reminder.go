// Package reminder tells people what runs out soon.
//
// Always true: for each date of a record there is at most one reminder of each of Days,
// and when several have come due at once only the last; who may not see the record when
// it is told is told nothing; a date that changes is a new one.
package reminder

import (
	"context"
	"fmt"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/expiry"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/notification"
)

// Topic is what the notices are about.
const Topic = "expiration"

// batch is how many dates are looked at in one transaction, most how many in one run.
const batch, most = 100, 20_000

// Days are how many days before a date it is told of, the longest first.
func Days() []int { return []int{30, 14, 7, 1} }

// Reminder tells of what runs out. Fill the fields.
type Reminder struct {
	Gate    *gate.Gate
	Records *record.Engine
}

// Feature is the table of what was told.
func Feature() record.Feature {
	return record.Feature{Name: "reminder", Schema: schema, Purge: purge}
}

var schema = []string{
	`create table if not exists reminder_told (record_id int not null, field text not null, date text not null, days int not null, at int not null, primary key (record_id, field, date, days))`,
}

func purge(tx *gate.Tx, r *record.Record) error {
	_, err := tx.Exec(`delete from reminder_told where record_id = ?`, int64(r.ID))
	return err
}

// due gives the reminder that a date is in for, so many days before it; 0 for none.
func due(left int) int {
	found := 0
	for _, d := range Days() {
		if left >= 0 && left <= d {
			found = d
		}
	}
	return found
}

// Run tells of everything in a tenant that has come due and was not told. A schedule
// calls it; it bears repetition.
func (m *Reminder) Run(ctx context.Context, tenant string) error {
	c := access.System(tenant, "job")
	var list []expiry.Item
	err := m.Gate.View(ctx, c, func(tx *gate.Tx) (err error) {
		today := time.UnixMilli(tx.Now).UTC()
		list, err = expiry.List(tx, m.Records, 0, today.Format(time.DateOnly), today.AddDate(0, 0, Days()[0]).Format(time.DateOnly), most)
		if err != nil {
			return err
		}
		list, err = untold(tx, list)
		return err
	})
	for len(list) > 0 && err == nil {
		n := min(batch, len(list))
		err = m.tell(ctx, c, list[:n])
		list = list[n:]
	}
	return err
}

// untold leaves out what was told.
func untold(tx *gate.Tx, list []expiry.Item) ([]expiry.Item, error) {
	var out []expiry.Item
	for _, x := range list {
		days := due(left(tx, x.Date))
		if days == 0 {
			continue
		}
		var n int
		err := tx.QueryRow(`select count(*) from reminder_told where record_id = ? and field = ? and date = ? and days = ?`, int64(x.Record), x.Field.Name, x.Date, days).Scan(&n)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			out = append(out, x)
		}
	}
	return out, nil
}

// left counts the days until a date; negative when it is past or none.
func left(tx *gate.Tx, date string) int {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return -1
	}
	today := time.UnixMilli(tx.Now).UTC().Truncate(24 * time.Hour)
	return int(t.Sub(today).Hours() / 24)
}

func (m *Reminder) tell(ctx context.Context, c *access.Caller, list []expiry.Item) error {
	return m.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry()) // telling changes nothing that somebody would look for in the log
		people, err := audience(tx)
		if err != nil {
			return err
		}
		for _, x := range list {
			days := left(tx, x.Date)
			fresh, err := tx.Exec(`insert into reminder_told (record_id, field, date, days, at) values (?, ?, ?, ?, ?) on conflict do nothing`,
				int64(x.Record), x.Field.Name, x.Date, due(days), tx.Now)
			if err != nil {
				return err
			}
			if fresh == 0 {
				continue
			}
			_, err = notification.Send(tx, notification.Notice{Topic: Topic, To: people, Record: x.Record, Own: true,
				Text: []notification.Part{notification.Of(x.Record), notification.Words(fmt.Sprintf("runs out %s, on %s (%s).", when(days), x.Date, x.Field.Title()))},
				Key:  fmt.Sprintf("expiry/%d/%s/%s/%d", int64(x.Record), x.Field.Name, x.Date, due(days))})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func when(days int) string {
	switch days {
	case 0:
		return "today"
	case 1:
		return "tomorrow"
	}
	return fmt.Sprintf("in %d days", days)
}

// audience gives those who want to be told: administrators who have not chosen
// otherwise, and others who have chosen it. What they want, and what they may see, is
// looked at again for each notice.
func audience(tx *gate.Tx) ([]id.ID, error) {
	return tx.IDs(`select p.user_id from access_principal p where p.role = ? union select user_id from notification_choice where topic = ? and wanted = 1 order by 1`, string(access.Administrator), Topic)
}
