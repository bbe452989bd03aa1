package report

import (
	"context"
	"database/sql"
	"errors"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/sla"
)

// batch is how many tickets are computed in one transaction.
const batch = 200

// Keeper computes the facts of tickets that have none yet, or have them from when they were
// computed in another way. Fill the fields.
type Keeper struct {
	Gate    *gate.Gate
	Records *record.Engine
}

// Run goes on where it was broken off, until all tickets of a tenant are done. A schedule
// calls it; it bears repetition, and costs a statement for each kind when there is nothing
// to do.
func (m *Keeper) Run(ctx context.Context, tenant string) error {
	c := access.System(tenant, "job")
	for _, k := range Kinds(m.Records.Kinds) {
		for more := true; more; {
			var version, upto int64
			err := m.Gate.View(ctx, c, func(tx *gate.Tx) error {
				err := tx.QueryRow(`select version, upto from report_fact where kind = ?`, k.Name).Scan(&version, &upto)
				if errors.Is(err, sql.ErrNoRows) {
					return nil
				}
				return err
			})
			if err != nil {
				return err
			}
			if version == sla.FactsVersion && upto == 0 {
				break
			}
			if version != sla.FactsVersion {
				upto = 0
			}
			if more, err = m.part(ctx, c, k, upto); err != nil {
				return err
			}
		}
	}
	return nil
}

// part computes the facts of the next tickets, and notes how far it came; 0 is the end.
func (m *Keeper) part(ctx context.Context, c *access.Caller, k *record.Kind, upto int64) (more bool, err error) {
	err = m.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry()) // what is computed changes nothing that somebody said
		ids, err := tx.IDs(`select id from `+k.Table()+` where id > ? order by id limit ?`, upto, batch)
		if err != nil {
			return err
		}
		for _, n := range ids {
			if err := m.recount(tx, k, n); err != nil {
				return err
			}
		}
		upto = 0
		if more = len(ids) == batch; more {
			upto = int64(ids[len(ids)-1])
		}
		_, err = tx.Exec(`insert into report_fact (kind, version, upto) values (?, ?, ?) on conflict (kind) do update set version = excluded.version, upto = excluded.upto`, k.Name, sla.FactsVersion, upto)
		return err
	})
	return more, err
}

func (m *Keeper) recount(tx *gate.Tx, k *record.Kind, n id.ID) error {
	r, err := m.Records.Get(tx, k.Name, n)
	if fault.Is(err, fault.NotFound) {
		r, err = m.Records.GetTrashed(tx, k.Name, n)
	}
	if err != nil {
		return err
	}
	return sla.Recount(tx, r)
}
