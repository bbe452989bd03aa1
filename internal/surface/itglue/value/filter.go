package value

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/id"
)

// Sort says how the text of a filter becomes values.
type Sort int

// The ways.
const (
	SortText Sort = iota + 1
	SortID
	SortInt
	SortBool
	SortDay
	SortTime
)

// AllOf parses the values that can be parsed; the others match nothing.
func AllOf(how Sort, parts []string) []any {
	var out []any
	for _, p := range parts {
		if v := Of(how, p); v != nil {
			out = append(out, v)
		}
	}
	return out
}

// Of parses one value; nil when it cannot be.
func Of(how Sort, s string) any {
	switch how {
	case SortID:
		if i, ok := id.Parse(s); ok {
			return i
		}
	case SortInt:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
	case SortBool:
		if on, err := strconv.ParseBool(strings.ToLower(s)); err == nil {
			return on
		}
	case SortDay:
		if from, _, ok := jsonapi.Moment(s); ok {
			return from.Format(time.DateOnly)
		}
	case SortText:
		if utf8.ValidString(s) && !strings.ContainsRune(s, 0) { // else no text is like it, and PostgreSQL would not take it
			return s
		}
	}
	return nil
}

// Bound reads one end of a range.
func Bound(how Sort, s string, last bool) (any, bool) {
	switch how {
	case SortDay, SortTime:
		from, to, ok := jsonapi.Moment(s)
		switch {
		case !ok:
			return nil, false
		case how == SortDay:
			return from.Format(time.DateOnly), true
		case last:
			return to.UnixMilli(), true
		}
		return from.UnixMilli(), true
	case SortID:
		i, ok := id.Parse(s)
		return int64(i), ok
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// Empty tells whether a reference says that there is none.
func Empty(in any) bool {
	switch x := in.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(x) == "" || x == "0"
	case json.Number:
		return x == "0"
	}
	return false
}

// ZeroTime tells whether a time is the zero one of typed programs.
func ZeroTime(in any) bool {
	s, _ := in.(string)
	return strings.HasPrefix(s, "0001-01-01")
}
