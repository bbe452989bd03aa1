// Package record holds the records of a tenant: everything a customer documents
// or works on, of kinds that are each declared once.
//
// Always true: a record has one row in the spine (table record) and one in its
// kind's own table, which is derived from the declaration; every change of a
// record goes through the gate, raises its version by one, leaves a revision and
// keeps the totals and the search index in step, in the same transaction; a
// value of type Secret is never in these tables (package secret holds it).
package record
