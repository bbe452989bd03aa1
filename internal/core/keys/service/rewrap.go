package service

import (
	"context"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/keys/wire"
)

// rewrap checks, logs, and only then wraps the data keys again, to the tenant's
// present key pair. They do not leave the service, so that no budget is charged.
func (s *service) rewrap(ctx context.Context, a wire.Args) (out []wire.Recipient, err error) {
	err = s.checked(ctx, wire.CallRewrap, a, func(v *vault, t *tenant, openings []opening, entries []entry) error {
		for i := range entries {
			entries[i].To = t.public.ID.String()
		}
		if err := v.chain.append(entries...); err != nil {
			return err
		}
		out = make([]wire.Recipient, len(openings))
		return s.inTurn(len(openings), func(i int) error {
			r, err := openings[i].rewrap(t.public)
			out[i] = wire.Recipient{Type: r.Type, KeyID: r.KeyID[:], Generation: r.Generation, Wrapped: r.Wrapped}
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// rewrap refuses a data key that is not the one of the header: what could not be
// opened before is not carried on.
func (o opening) rewrap(to envelope.PublicKey) (envelope.Recipient, error) {
	k, err := envelope.Unwrap(o.key, o.recipient, o.header)
	if err != nil {
		return envelope.Recipient{}, err
	}
	defer clear(k)
	h, err := envelope.ParseHeader(o.header)
	if err != nil {
		return envelope.Recipient{}, err
	}
	if !h.Commits(k) {
		return envelope.Recipient{}, fault.New(fault.Invalid, "The key of this secret is not the one that it was sealed with.").
			WithHint("The database was altered. Restore it from a backup and compare the audit log.")
	}
	return to.Wrap(o.header, k)
}

// generations lists a tenant's key pairs, oldest first.
func (s *service) generations(ctx context.Context, tenant string) (out []wire.Generation, err error) {
	err = s.open(func(v *vault) error {
		out, err = v.generations(ctx, tenant)
		return err
	})
	return out, err
}

func (v *vault) generations(ctx context.Context, tenant string) (out []wire.Generation, err error) {
	if _, _, err := v.state(ctx, tenant); err != nil {
		return nil, err
	}
	err = v.store.View(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(`select public, created, retired from secret where tenant = ? and kind = ? order by generation`, tenant, kindPair)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var public []byte
			var g wire.Generation
			if err := rows.Scan(&public, &g.Created, &g.Retired); err != nil {
				return err
			}
			p, err := envelope.ParsePublicKey(public)
			if err != nil {
				return err
			}
			g.Generation, g.Suite, g.KeyID = p.Generation, string(p.Suite), p.ID[:]
			out = append(out, g)
		}
		return rows.Err()
	})
	return out, err
}

// retire destroys the private keys of the generations before a.Generation, which
// at most is the present one: first the log says so, then what is sealed goes, then
// the file is rewritten without it.
func (s *service) retire(ctx context.Context, a wire.Args) (out []wire.Generation, err error) {
	if a.Ticket == nil {
		return nil, fault.New(fault.Denied, "The key service retires nothing without a ticket.")
	}
	if err := a.Ticket.Check(); err != nil {
		return nil, err
	}
	if err := s.checkTime(a.Ticket); err != nil {
		return nil, err
	}
	tenant := a.Ticket.Tenant
	err = s.alone(func(v *vault) error {
		present, _, err := v.state(ctx, tenant)
		if err != nil {
			return err
		}
		if a.Generation > present || a.Generation == 0 {
			return fault.New(fault.Denied, "The present key pair of tenant %s is number %d, and it is not retired.", tenant, present).
				WithHint("Rotate the keys first.")
		}
		if err := v.chain.append(entry{Call: wire.CallRetire, Tenant: tenant, Ticket: a.Ticket, First: a.Generation}); err != nil {
			return err
		}
		if err := v.retire(ctx, tenant, a.Generation); err != nil {
			return err
		}
		out, err = v.generations(ctx, tenant)
		return err
	})
	return out, err
}

func (v *vault) retire(ctx context.Context, tenant string, first uint32) error {
	err := v.store.Change(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(`update secret set sealed = ?, retired = ? where tenant = ? and kind = ? and generation < ? and retired = 0`,
			[]byte{}, v.o.Now().UnixMilli(), tenant, kindPair, first)
		if err != nil || n == 0 {
			return err
		}
		_, err = tx.Exec(`update store set stale = 1`)
		return err
	})
	if err != nil {
		return err
	}
	v.cache.remove(tenant)
	return v.tidy(ctx)
}
