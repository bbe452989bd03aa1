// Package web answers HTTP requests: a mux whose handlers return errors, pages
// made from templates, partial swaps, forms, static files and the headers that
// keep a browser from being used against its owner.
//
// Always true: every request through a Mux has an id, leaves exactly one access
// line that holds the route's pattern and never a raw query or a form value,
// carries the security headers, and is answered in words only by the Mux's
// Fail; a panic is answered like any other internal failure. A client address
// is read from a header only when the header was written by a trusted proxy.
package web
