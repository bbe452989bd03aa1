// Package id holds the identifiers of everything an API can address.
//
// Always true: an ID is positive, below 2^53, drawn from one allocator per
// tenant in that tenant's own database, and never used twice. Ids are not
// gapless and say nothing about order across nodes.
package id

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"strongroom/internal/base/sqldb"
)

// ID names a record, attachment, version, user or other addressable row of one
// tenant. Zero means none.
type ID int64

// Max is the largest ID: the largest integer every JSON reader keeps exactly.
const Max ID = 1<<53 - 1

// String is the decimal form that the JSON:API uses.
func (i ID) String() string { return strconv.FormatInt(int64(i), 10) }

// RecID is the form that Ivanti clients see: 32 upper-case hexadecimal digits.
func (i ID) RecID() string { return fmt.Sprintf("%032X", int64(i)) }

// Parse reads the decimal form or the 32-digit hexadecimal form; anything else
// is 0 and false.
func Parse(s string) (ID, bool) {
	s = strings.TrimSpace(s)
	base := 10
	if len(s) == 32 {
		base = 16
	}
	n, err := strconv.ParseInt(s, base, 64)
	if err != nil || n <= 0 || ID(n) > Max {
		return 0, false
	}
	return ID(n), true
}

// Schema is the allocator's table.
var Schema = []string{
	`create table if not exists id_block (one int primary key check (one = 1), next int not null)`,
	`insert into id_block (one, next) values (1, 1000) on conflict do nothing`,
}

// Allocator hands out ids of one tenant from blocks taken in short
// transactions, so that nodes rarely meet. It is safe for concurrent use.
type Allocator struct {
	mu         sync.Mutex
	next, last int64 // ids next..last-1 are ours
}

// Block is how many ids a node takes at once.
const Block = 512

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
		from, to, err = take(tx, max(n, Block))
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
func (a *Allocator) Next(tx *sqldb.Tx) (ID, error) {
	a.mu.Lock()
	if a.next < a.last {
		n := a.next
		a.next++
		a.mu.Unlock()
		return ID(n), nil
	}
	a.mu.Unlock()
	from, _, err := take(tx, 1)
	return ID(from), err
}

func take(tx *sqldb.Tx, n int) (from, to int64, err error) {
	err = tx.QueryRow(`update id_block set next = next + ? where one = 1 returning next`, n).Scan(&to)
	return to - int64(n), to, err
}
