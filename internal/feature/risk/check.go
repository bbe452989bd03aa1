package risk

import (
	"context"
	"database/sql"
	"errors"

	"strongroom/internal/base/breached"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
)

// JobKind is the kind of the jobs that mark what has no mark.
const JobKind = "risk.check"

// reason stands beside each reveal that a check needs.
const reason = "Check of how safe passwords are"

// part is how many passwords are marked at once.
const part = 100

// Start has the passwords looked at that the caller may see and that have no mark,
// or none from breaches though there is a list. It needs the right to export: the
// program opens them all. While a check runs or waits, no second one is started.
func (k *Risks) Start(ctx context.Context, c *access.Caller) error {
	return k.Gate.Change(ctx, c, access.Export, gate.Thing{}, func(tx *gate.Tx) error {
		running, err := k.Running(tx)
		if err != nil {
			return err
		}
		if running != nil {
			tx.Withdraw(tx.Entry())
			return nil
		}
		tx.Entry().Detail.Text = "the check of all passwords was started"
		_, err = k.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Payload: struct{}{}})
		return err
	})
}

// Handler does the jobs.
func (k *Risks) Handler() job.Handler {
	return func(ctx context.Context, run *job.Run) error {
		ck := &check{Risks: k, run: run, src: k.source()}
		if _, err := run.Load(&ck.state); err != nil {
			return err
		}
		return ck.all(ctx)
	}
}

// check is one run over all passwords, in the order of their ids.
type check struct {
	*Risks
	run   *job.Run
	src   breached.Source // nil once there is none to ask
	state struct {
		After id.ID `json:"after"`
	}
	index []byte
	done  int64
}

// todo is a password that has no mark.
type todo struct {
	r       *record.Record
	version uint32
}

func (c *check) all(ctx context.Context) error {
	for {
		if c.run.Cancelled() {
			return job.ErrCancelled
		}
		list, total, err := c.next(ctx)
		if err != nil || len(list) == 0 {
			return err
		}
		marks, err := c.look(ctx, list)
		if err != nil {
			return err
		}
		if err := c.keep(ctx, list, marks); err != nil {
			return err
		}
		c.done += int64(len(list))
		c.run.Progress(c.done, c.done+total-int64(len(list)), "")
	}
}

// next reads the next passwords without a mark, and how many there are.
func (c *check) next(ctx context.Context) (list []todo, total int64, err error) {
	err = c.Gate.View(ctx, c.run.Caller, func(tx *gate.Tx) error {
		c.index = tx.Tenant.Keys.Index
		sees, who := tx.Visible("r")
		from := ` from record r` + current + ` join k_password p on p.id = r.id left join secret_mark m on m.object = r.id and m.version = v.version
			where r.kind = 'password' and r.trashed_at is null and r.id > ? and (m.object is null or m.breached < ?) and ` + sees
		least := unknown
		if c.src != nil {
			least = 0
		}
		args := append([]any{int64(c.state.After), least}, who...)
		if err := tx.QueryRow(`select count(*)`+from, args...).Scan(&total); err != nil {
			return err
		}
		rows, err := tx.Query(`select r.id, r.name, coalesce(p.username, ''), coalesce(p.url, ''), v.version`+from+` order by r.id limit ?`, append(args, part)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var n int64
			var user, url string
			t := todo{r: &record.Record{}}
			if err := rows.Scan(&n, &t.r.Name, &user, &url, &t.version); err != nil {
				return err
			}
			t.r.ID, t.r.Values = id.ID(n), record.Values{"username": user, "url": url}
			list = append(list, t)
		}
		return rows.Err()
	})
	return list, total, err
}

// look opens passwords and gives their marks. One that may not be opened has none.
func (c *check) look(ctx context.Context, list []todo) (map[id.ID]mark, error) {
	marks := map[id.ID]mark{}
	refs := make([]secret.Ref, len(list))
	by := map[id.ID]*record.Record{}
	for i, t := range list {
		refs[i], by[t.r.ID] = secret.Ref{Kind: kind, Object: t.r.ID, Field: field, Version: t.version}, t.r
	}
	give := func(ref secret.Ref, text string, withheld error) error {
		if withheld != nil {
			c.run.Count("left out", 1)
			return nil
		}
		if text == "" {
			return nil
		}
		m, err := c.mark(ctx, c.index, by[ref.Object], text, c.src)
		if fault.Is(err, fault.Unavailable) { // the others are marked without
			c.run.Count("not compared with breaches", 1)
			c.src = nil
		} else if err != nil {
			return err
		}
		marks[ref.Object] = m
		return nil
	}
	err := c.Secrets.RevealMany(ctx, c.run.Caller, refs, reason, give)
	if err == nil || !refused(err) {
		return marks, err
	}
	for _, ref := range refs { // one of them may not be opened: find out which
		err := c.Secrets.RevealMany(ctx, c.run.Caller, []secret.Ref{ref}, reason, give)
		if refused(err) {
			c.run.Count("left out", 1)
			continue
		}
		if err != nil {
			return nil, err
		}
	}
	return marks, nil
}

func refused(err error) bool {
	return fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid)
}

// keep writes marks, and how far the check is.
func (c *check) keep(ctx context.Context, list []todo, marks map[id.ID]mark) error {
	return c.Gate.Change(ctx, c.run.Caller, access.Export, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry()) // each look has its entry
		for _, t := range list {
			m, ok := marks[t.r.ID]
			if !ok {
				continue
			}
			if err := m.write(tx, t.r.ID, t.version); err != nil {
				return err
			}
			c.run.Count("checked", 1)
		}
		c.state.After = list[len(list)-1].r.ID
		return c.run.SaveIn(tx, c.state)
	})
}

// Progress is how far a check is.
type Progress struct{ Done, Total int64 }

// Running gives how far the check is that runs or waits; nil when there is none.
func (k *Risks) Running(tx *gate.Tx) (*Progress, error) {
	p := &Progress{}
	err := tx.QueryRow(`select done, total from job where kind = ? and state in (?, ?) order by id desc limit 1`, JobKind, job.Waiting, job.Running).Scan(&p.Done, &p.Total)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return p, err
}
