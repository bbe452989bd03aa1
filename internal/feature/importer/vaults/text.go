package vaults

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"strongroom/internal/base/table"
)

// jsonPlace says where JSON is broken, for the middle of a sentence.
func jsonPlace(b []byte, err error) string {
	if bad, ok := errors.AsType[*json.SyntaxError](err); ok {
		at := min(int(bad.Offset), len(b))
		return fmt.Sprintf(": it is broken in line %d", 1+bytes.Count(b[:at], []byte("\n")))
	}
	return jsonField(err)
}

// jsonField says which field is not as it should be, for the middle of a sentence.
func jsonField(err error) string {
	if bad, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && bad.Field != "" {
		return fmt.Sprintf(": the field %s is a %s", strings.ToLower(bad.Field), strings.SplitN(bad.Value, " ", 2)[0]) // the value itself is not said
	}
	return ""
}

// day gives the day of a time; "" for what is none.
func day(text string) string {
	d, err := table.ParseDate(text)
	if err != nil {
		return ""
	}
	return d
}

// reverseByDay puts the oldest first.
func reverseByDay(list []Past) {
	slices.SortStableFunc(list, func(a, b Past) int { return strings.Compare(a.Until, b.Until) })
}
