// Package scalar reads numbers, moments, and yes and no from what forms and programs send.
//
// Always true: what is none is told apart from zero, and what would lose a part of itself is
// none.
package scalar

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// Integer reads a whole number; one of a series may have that before it: INC-1042.
func Integer(in any, series string) (int64, bool) {
	switch n := in.(type) {
	case int64:
		return n, true
	case int:
		return int64(n), true
	case float64:
		return int64(n), n == math.Trunc(n) && math.Abs(n) < 1<<53
	case json.Number:
		return Integer(n.String(), series)
	case string:
		if len(n) > len(series) && series != "" && strings.EqualFold(n[:len(series)+1], series+"-") {
			n = n[len(series)+1:]
		}
		v, err := strconv.ParseInt(n, 10, 64)
		return v, err == nil
	}
	return 0, false
}

// Moment reads Unix milliseconds, or a moment as forms send it, in UTC, and as programs do.
func Moment(in any) (int64, bool) {
	if s, ok := in.(string); ok {
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04"} {
			if t, err := time.Parse(layout, s); err == nil {
				return t.UnixMilli(), true
			}
		}
	}
	return Integer(in, "")
}

// Number reads a number; what is not finite is none.
func Number(in any) (float64, bool) {
	switch n := in.(type) {
	case float64:
		return n, true
	case int64:
		return float64(n), true
	case int:
		return float64(n), true
	case json.Number:
		return Number(n.String())
	case string:
		v, err := strconv.ParseFloat(n, 64)
		return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
	}
	return 0, false
}

// Bool reads yes or no.
func Bool(in any) (yes, ok bool) {
	switch b := in.(type) {
	case bool:
		return b, true
	case string:
		switch strings.ToLower(b) {
		case "true", "1", "yes", "on", "y", "t":
			return true, true
		case "false", "0", "no", "off", "n", "f":
			return false, true
		}
	case float64:
		return b != 0, true
	case json.Number:
		return b != "0", true
	}
	return false, false
}
