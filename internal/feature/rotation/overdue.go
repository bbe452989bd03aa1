package rotation

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/checkout/held"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/password/filed"
	"strongroom/internal/feature/rotation/limit"
)

// Line is a password that is to be changed.
type Line struct {
	Record  id.ID
	Name    string
	Org     id.ID
	OrgName string
	Changed int64 // Unix milliseconds
	Days    int   // how old it may become; 0 for what was checked out
	Over    int   // for how many days it is overdue; negative for what will be
	From    id.ID // what has the policy
	Why     string
}

// most is how many passwords are looked at.
const most = 20_000

// Ask narrows what is listed.
type Ask struct {
	Org  id.ID // 0 for all
	Soon int   // also what comes due within so many days
}

// Overdue gives the passwords that the caller may see and that are older than their
// policy allows, or were checked out and not changed since, what is longest overdue in
// the first place. It takes six statements, whatever there is.
func Overdue(tx *gate.Tx, e *record.Engine, a Ask) ([]*Line, error) {
	out, err := aged(tx, e, a)
	if err != nil {
		return nil, err
	}
	were, err := held.Unchanged(tx, a.Org, most)
	if err != nil {
		return nil, err
	}
	for _, h := range were {
		out = append(out, &Line{Record: h.Record, Name: h.Name, Org: h.Org, OrgName: h.OrgName, Changed: h.At, Over: int((tx.Now - h.Ends) / day), Why: "Checked out by " + h.UserName + " and not changed since"})
	}
	slices.SortStableFunc(out, func(x, y *Line) int { return y.Over - x.Over })
	return out, nil
}

// aged gives what is older than its policy allows.
func aged(tx *gate.Tx, e *record.Engine, a Ask) ([]*Line, error) {
	all, err := limit.All(tx)
	if err != nil {
		return nil, err
	}
	shortest := 0
	for _, days := range all {
		if days > 0 && (shortest == 0 || days < shortest) {
			shortest = days
		}
	}
	if shortest == 0 {
		return nil, nil
	}
	above, err := filed.Parents(tx)
	if err != nil {
		return nil, err
	}
	list, err := candidates(tx, a, tx.Now-int64(shortest-a.Soon)*day)
	if err != nil {
		return nil, err
	}
	var out []*Line
	var from []id.ID
	for _, c := range list {
		c.From, c.Days = c.policy(all, above)
		c.Over = int((tx.Now-c.Changed)/day) - c.Days
		if c.Days > 0 && c.Over >= -a.Soon {
			out, from = append(out, &c.Line), append(from, c.From)
		}
	}
	slices.Sort(from)
	names, err := e.Names(tx, slices.Compact(from)...)
	for _, l := range out {
		switch name := names[l.From]; {
		case l.From == l.Record:
			l.Why = fmt.Sprintf("Itself: at most %d days", l.Days)
		case name == "":
			l.Why = fmt.Sprintf("A folder: at most %d days", l.Days)
		default:
			l.Why = fmt.Sprintf("%s: at most %d days", name, l.Days)
		}
	}
	return out, err
}

// candidate is a password with where it is filed.
type candidate struct {
	Line
	folder, category id.ID
}

// policy finds the most specific policy of all.
func (c *candidate) policy(all map[id.ID]int, above map[id.ID]id.ID) (from id.ID, days int) {
	if days, ok := all[c.Record]; ok {
		return c.Record, days
	}
	at := c.folder
	for range 64 { // more than folders lie above each other
		if at == 0 {
			break
		}
		if days, ok := all[at]; ok {
			return at, days
		}
		at = above[at]
	}
	return c.category, all[c.category]
}

func candidates(tx *gate.Tx, a Ask, before int64) ([]*candidate, error) {
	cond, args := tx.Visible("r")
	q := `select r.id, r.name, r.org_id, coalesce(o.name, ''), k.password_updated_at, k.password_folder_id, k.password_category_id
		from k_password k join record r on r.id = k.id left join record o on o.id = r.org_id
		where r.trashed_at is null and r.archived = 0 and k.password_updated_at <= ? and ` + cond
	args = append([]any{before}, args...)
	if a.Org != 0 {
		q, args = q+` and r.org_id = ?`, append(args, int64(a.Org))
	}
	rows, err := tx.Query(q+` order by k.password_updated_at, r.id limit ?`, append(args, most)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*candidate
	for rows.Next() {
		c := &candidate{}
		var rec, org int64
		var folder, category sql.NullInt64
		if err := rows.Scan(&rec, &c.Name, &org, &c.OrgName, &c.Changed, &folder, &category); err != nil {
			return nil, err
		}
		c.Record, c.Org, c.folder, c.category = id.ID(rec), id.ID(org), id.ID(folder.Int64), id.ID(category.Int64)
		out = append(out, c)
	}
	return out, rows.Err()
}

// Teller tells people of passwords that became overdue. Fill the fields.
type Teller struct {
	Gate    *gate.Gate
	Records *record.Engine
}

// topic is what the notices are about.
const topic = "overdue"

// Run tells of every password of a tenant that became older than its policy allows,
// once for each of its values. A schedule calls it; it bears repetition.
func (m *Teller) Run(ctx context.Context, tenant string) error {
	c := access.System(tenant, "job")
	var list []*Line
	err := m.Gate.View(ctx, c, func(tx *gate.Tx) (err error) {
		list, err = aged(tx, m.Records, Ask{})
		return err
	})
	const batch = 100
	for len(list) > 0 && err == nil {
		n := min(batch, len(list))
		err = m.tell(ctx, c, list[:n])
		list = list[n:]
	}
	return err
}

func (m *Teller) tell(ctx context.Context, c *access.Caller, list []*Line) error {
	return m.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry()) // telling changes nothing that somebody would look for in the log
		people, err := tx.IDs(`select p.user_id from access_principal p where p.role = ? union select user_id from notification_choice where topic = ? and wanted = 1 order by 1`,
			string(access.Administrator), topic)
		if err != nil {
			return err
		}
		for _, l := range list {
			fresh, err := tx.Exec(`insert into rotation_told (record_id, changed_at, at) values (?, ?, ?) on conflict do nothing`, int64(l.Record), l.Changed, tx.Now)
			if err != nil {
				return err
			}
			if fresh == 0 {
				continue
			}
			_, err = notification.Send(tx, notification.Notice{Topic: topic, To: people, Record: l.Record, Own: true, Key: fmt.Sprintf("overdue/%d/%d", int64(l.Record), l.Changed),
				Text: []notification.Part{notification.Of(l.Record), notification.Words(fmt.Sprintf("is older than the %d days that it may become.", l.Days))}})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
