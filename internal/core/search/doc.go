// Package search finds records by what people type: names, numbers, hosts and
// addresses first, then the words of notes and documents.
//
// Always true: a document is written and removed in the transaction of its
// record; text is folded and cut into terms here, in Go, so that SQLite (FTS5)
// and PostgreSQL (tsvector) find the same; every term of a question must match
// the beginning of a term of the document; what the caller may not see is left
// out before anything is ranked; secret and marked values are never given to
// this package.
package search
