// Package value writes the values of records as the protocol has them, and reads
// the traits of designed assets.
//
// Always true: an empty text is null; ids inside values are numbers, as the
// clients of the protocol expect.
package value

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// IDs appends a list of ids.
func IDs(b []byte, list []id.ID) []byte {
	b = append(b, '[')
	for i, n := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return append(b, ']')
}

// Text appends a string; an empty one is null.
func Text(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return jsonapi.AppendString(b, s)
}

// Day appends a date as the moment at which it begins; an empty one is null.
func Day(b []byte, day string) []byte {
	if day == "" {
		return append(b, "null"...)
	}
	return append(append(append(b, '"'), day...), `T00:00:00.000Z"`...)
}

// Plain appends a truth value, a number or an id; anything else is null.
func Plain(b []byte, v any) []byte {
	switch x := v.(type) {
	case bool:
		return strconv.AppendBool(b, x)
	case int64:
		return strconv.AppendInt(b, x, 10)
	case id.ID:
		if x != 0 {
			return strconv.AppendInt(b, int64(x), 10)
		}
	case float64:
		return strconv.AppendFloat(b, x, 'f', -1, 64)
	}
	return append(b, "null"...)
}

// Clip gives the first n characters of a text.
func Clip(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n])
}

// Rows appends a list of rows with every column of the field.
func Rows(b []byte, f *record.Field, list []map[string]any) []byte {
	b = append(b, '[')
	for i, row := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		for j, col := range f.Rows {
			if j > 0 {
				b = append(b, ',')
			}
			b = append(jsonapi.AppendString(b, jsonapi.Kebab(col.Name)), ':')
			b = Cell(b, row[col.Name])
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// Cell appends a value of a row, which has been read from JSON or was just set.
func Cell(b []byte, v any) []byte {
	switch x := v.(type) {
	case string:
		return Text(b, x)
	case json.Number:
		return append(b, x.String()...)
	case float64, bool, int64, id.ID:
		return Plain(b, x)
	}
	return append(b, "null"...)
}
