// Package report answers with what the protocol lists beside records: dates on
// which something runs out, the log, what users did, and maps of what is related.
//
// Always true: it reads in the transaction that it is given, and lists what its
// caller may see; its answers are resource objects, ready to be sent.
package report

import (
	"strings"
	"time"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Ask is what a request asks for.
type Ask struct {
	Records *record.Engine
	Query   jsonapi.Query
	Now     time.Time
	Org     id.ID // the organization in the path, or 0

	// URL gives the address of a record for people.
	URL func(kind string, org, rec id.ID) string
}

// part gives the page that is asked for out of all items.
func part[T any](q jsonapi.Query, all []T) []T {
	number, size := q.Page()
	from := min((number-1)*size, len(all))
	return all[from:min(from+size, len(all))]
}

// ordered compares two items by what a request sorts by, the first that differs.
func ordered(order []jsonapi.Order, by func(name string) int) int {
	for _, o := range order {
		n := by(o.Name)
		if o.Desc {
			n = -n
		}
		if n != 0 {
			return n
		}
	}
	return 0
}

// passes tells whether a value is what a filter asks for. A filter without a
// value asks for nothing.
func passes(f jsonapi.Filter, have string) bool {
	parts, _ := jsonapi.Split(f.Raw)
	if len(parts) == 0 || f.Op == jsonapi.Range {
		return true
	}
	same := false
	for _, p := range append(parts, f.Raw) {
		same = same || strings.EqualFold(strings.TrimSpace(p), have)
	}
	return same != (f.Op == jsonapi.Not)
}
