// Package jsonapi reads and writes the outer shape of JSON:API requests and
// answers: the query with its filters, order and page, the document with its
// resource objects, and the errors. It knows no resource.
//
// Always true: whatever a query holds, reading it succeeds, and what was not
// understood is reported as such and changes nothing; names come out in snake
// case however they were spelled; a body is read completely or refused with a
// Malformed error; nothing is guessed about types.
package jsonapi
