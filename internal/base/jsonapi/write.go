package jsonapi

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// MediaType is that of every answer.
const MediaType = "application/vnd.api+json"

// AppendString appends s as a JSON string. Bytes that are no UTF-8 become
// U+FFFD.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[from:i]...), `\ufffd`...)
				from = i + 1
			}
			i += n
			continue
		}
		b = append(b, s[from:i]...)
		b = appendEscape(b, c)
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	const hex = "0123456789abcdef"
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// AppendTime appends Unix milliseconds as RFC 3339 in UTC with milliseconds; 0
// is null.
func AppendTime(b []byte, ms int64) []byte {
	if ms == 0 {
		return append(b, "null"...)
	}
	return time.UnixMilli(ms).UTC().AppendFormat(b, `"2006-01-02T15:04:05.000Z"`)
}

// AppendValue appends any value that encoding/json takes; what it does not take
// is null.
func AppendValue(b []byte, v any) []byte {
	switch x := v.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return AppendString(b, x)
	case int64:
		return strconv.AppendInt(b, x, 10)
	case bool:
		return strconv.AppendBool(b, x)
	}
	j, err := json.Marshal(v)
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, j...)
}

// StartItem begins a resource object with its attributes, EndItem ends it.
// Between them attributes are appended: Attr, then the value.
func StartItem(rid, typ string) []byte {
	b := AppendString(append(make([]byte, 0, 512), `{"id":`...), rid)
	return append(AppendString(append(b, `,"type":`...), typ), `,"attributes":{`...)
}

// EndItem ends what StartItem began.
func EndItem(b []byte) []byte { return append(b, `},"relationships":{}}`...) }

// Attr appends the name of an attribute, with a comma where one is before it.
func Attr(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(AppendString(b, name), ':')
}

// Error is one error object.
type Error struct {
	Status  int
	Title   string
	Detail  string
	Pointer string // to the member of the body that is wrong, or ""
}

// AppendErrors appends a document of errors.
func AppendErrors(b []byte, list []Error) []byte {
	b = append(b, `{"errors":[`...)
	for i, e := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"status":"`...)
		b = strconv.AppendInt(b, int64(e.Status), 10)
		b = append(b, `","title":`...)
		b = AppendString(b, e.Title)
		b = append(b, `,"detail":`...)
		b = AppendString(b, e.Detail)
		if e.Pointer != "" {
			b = append(b, `,"source":{"pointer":`...)
			b = AppendString(b, e.Pointer)
			b = append(b, '}')
		}
		b = append(b, '}')
	}
	return append(b, "]}"...)
}
