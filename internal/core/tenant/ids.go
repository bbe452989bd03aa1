package tenant

import (
	"context"
	"sync"

	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/id"
)

// idSchema is the allocator's table.
var idSchema = []string{
	`create table if not exists id_block (one int primary key check (one = 1), next int not null)`,
	`insert into id_block (one, next) values (1, 1000) on conflict do nothing`,
}

// Allocator hands out ids of one tenant from blocks taken in short
// transactions, so that nodes rarely meet. It is safe for concurrent use.
type Allocator struct {
	mu         sync.Mutex
	next, last int64 // ids next..last-1 are ours
}

// blockSize is how many ids a node takes at once.
const blockSize = 512

// Reserve makes sure at least n ids are at hand, taking a block from db in a
// transaction of its own when they are not. Call it before a transaction that
// needs ids.
func (a *Allocator) Reserve(ctx context.Context, db *sqldb.DB, n int) error {
	a.mu.Lock()
	enough := a.last-a.next >= int64(n)
	a.mu.Unlock()
	if enough {
		return nil
	}
	var from, to int64
	err := db.Change(ctx, func(tx *sqldb.Tx) error {
		var err error
		from, to, err = take(tx, max(n, blockSize))
		return err
	})
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last-a.next < to-from { // keep the bigger block; the rest becomes a gap
		a.next, a.last = from, to
	}
	return nil
}

// Next gives an id without touching the database when a block is at hand;
// otherwise it takes a block inside tx for the use of tx alone.
func (a *Allocator) Next(tx *sqldb.Tx) (id.ID, error) {
	a.mu.Lock()
	if a.next < a.last {
		n := a.next
		a.next++
		a.mu.Unlock()
		return id.ID(n), nil
	}
	a.mu.Unlock()
	from, _, err := take(tx, 1)
	return id.ID(from), err
}

func take(tx *sqldb.Tx, n int) (from, to int64, err error) {
	err = tx.QueryRow(`update id_block set next = next + ? where one = 1 returning next`, n).Scan(&to)
	return to - int64(n), to, err
}
