package service

import (
	"context"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/keys/wire"
)

// shred destroys a tenant's keys: first the list of destroyed keys says so,
// so that no crash and no restored copy brings them back, then the rows go,
// then the file is rewritten without them.
func (s *service) shred(ctx context.Context, tenant string) (when int64, err error) {
	if tenant == control {
		return 0, fault.New(fault.Denied, "The keys of the control database cannot be destroyed.")
	}
	err = s.alone(func(v *vault) error {
		if _, _, err := v.state(ctx, tenant); err != nil {
			return err
		}
		if err := v.chain.append(entry{Call: wire.CallShred, Tenant: tenant}); err != nil {
			return err
		}
		when = v.o.Now().UnixMilli()
		if err := v.list.add(tenant, when); err != nil {
			return err
		}
		return v.destroy(ctx, map[string]int64{tenant: when})
	})
	return when, err
}

// destroy deletes the keys of the tenants, which are in the list already.
func (v *vault) destroy(ctx context.Context, when map[string]int64) error {
	err := v.store.Change(ctx, func(tx *sqldb.Tx) error {
		for tenant, t := range when {
			for _, q := range []string{`delete from shred_key where tenant = ?`, `delete from secret where tenant = ?`} {
				if _, err := tx.Exec(q, tenant); err != nil {
					return err
				}
			}
			if _, err := tx.Exec(`update tenant set shredded = ? where name = ?`, t, tenant); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`update store set stale = 1`)
		return err
	})
	if err != nil {
		return err
	}
	for tenant := range when {
		v.cache.remove(tenant)
	}
	return v.tidy(ctx)
}

// tidy rewrites the store when destroyed keys may still be in its file.
func (v *vault) tidy(ctx context.Context) error {
	var stale bool
	err := v.store.View(ctx, func(tx *sqldb.Tx) error { return tx.QueryRow(`select stale from store`).Scan(&stale) })
	if err != nil || !stale {
		return err
	}
	if err := v.rewrite(ctx); err != nil {
		return fault.Wrap(err, fault.Unavailable, "The keys are destroyed, but the key store's file could not be rewritten without them.").
			WithHint("Make space on its disk and restart the key service, which then tries again.")
	}
	return nil
}

// reconcile destroys again what the list says was destroyed, after a crash in
// shred or when an older copy of the store was restored; and it adds to the
// list what only the store knows.
func (v *vault) reconcile(ctx context.Context) error {
	again := map[string]int64{}
	err := v.store.View(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(`select name, shredded from tenant order by name`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			var gone int64
			if err := rows.Scan(&name, &gone); err != nil {
				return err
			}
			listed, ok := v.list.when[name]
			if ok && gone == 0 {
				again[name] = listed
			}
			if !ok && gone != 0 {
				if err := v.list.add(name, gone); err != nil {
					return err
				}
			}
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	if len(again) == 0 {
		return v.tidy(ctx)
	}
	for name := range again {
		v.o.Log.Warn("keys that were destroyed before are destroyed again", "tenant", name)
		if err := v.chain.append(entry{Call: wire.CallShred, Tenant: name}); err != nil {
			return err
		}
	}
	return v.destroy(ctx, again)
}
