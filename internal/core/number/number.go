// Package number gives the things of a tenant running numbers, by which people
// name them: the 1042 of INC-1042.
//
// Always true: a number of a series is given once in a tenant, in the transaction
// that uses it, and later ones are higher. A transaction that fails may leave a
// gap. Series of different tenants know nothing of each other, so a number says
// nothing of how much others do.
package number

import "strongroom/internal/core/gate"

// First is the first number of a series.
const First = 1001

// Schema is the table of series.
var Schema = []string{`create table if not exists number_series (name text primary key, last int not null)`}

// Next gives the next number of a series.
func Next(tx *gate.Tx, series string) (int64, error) {
	var n int64
	err := tx.QueryRow(`insert into number_series (name, last) values (?, ?) on conflict (name) do update set last = number_series.last + 1 returning last`, series, First).Scan(&n)
	return n, err
}

// Taken notes that a number is in use that came from elsewhere: Next gives higher ones.
func Taken(tx *gate.Tx, series string, n int64) error {
	_, err := tx.Exec(`insert into number_series (name, last) values (?, ?) on conflict (name) do update set last = excluded.last where number_series.last < excluded.last`, series, max(n, First-1))
	return err
}
