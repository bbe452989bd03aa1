// Package sqldb is the only way to a SQL database: SQLite (encrypted pages)
// or PostgreSQL, behind one small surface that behaves the same on both.
//
// Always true:
//
//   - Reading happens in View, on a snapshot that cannot write. Writing
//     happens in Change, and what Change acknowledged with nil is durable.
//   - One Change runs at a time: SQLite by its own rule, PostgreSQL by an
//     advisory lock that a batch of changes holds until its commit, so that
//     two nodes see the same order as two goroutines do. Nothing is ever run
//     twice.
//   - Changes that wait together are committed together (group commit); each
//     has a savepoint of its own, so that a failing one takes back only its
//     own work. What they share they may leave for the commit (AtCommit).
//   - Values are bound, never pasted. A "?" is a placeholder on both
//     databases.
//   - A statement that failed spoils its transaction (PostgreSQL's rule, kept
//     on SQLite too): the function's nil is not believed afterwards. What may
//     fail is tried inside Tx.Try.
//   - Rows may be left open while another statement runs: the rest of them is
//     read into memory first.
//
// A View inside a View and a Change inside a Change are refused when they are
// given the context of the outer transaction (Tx.Context); given another
// context they wait for themselves. Do not nest them.
//
// # The neutral vocabulary of DDL
//
// Dialect.DDL translates the type of each column of "create table" and of
// "alter table ... add column":
//
//	id     SQLite integer   PostgreSQL bigint                 ids made by the application; "id id primary key" is the rowid on SQLite
//	int    SQLite integer   PostgreSQL bigint                 numbers, Unix milliseconds, 0/1
//	real   SQLite real      PostgreSQL double precision
//	text   SQLite text      PostgreSQL text collate "C"       ordered by bytes on both
//	json   SQLite text      PostgreSQL text collate "C"
//	bytes  SQLite blob      PostgreSQL bytea
//
// "without rowid" at the end is for SQLite alone. Everything else is passed on as it is written.
package sqldb
