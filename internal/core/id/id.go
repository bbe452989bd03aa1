// Package id holds the identifiers of everything an API can address.
//
// Always true: an ID is positive, below 2^53, drawn from one allocator per
// tenant in that tenant's own database, and never used twice. Ids are not
// gapless and say nothing about order across nodes.
package id

import (
	"fmt"
	"strconv"
	"strings"
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
