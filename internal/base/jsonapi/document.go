package jsonapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"sort"
	"strings"

	"strongroom/internal/base/fault"
)

// ErrMalformed is the cause of every error that says that a request cannot be
// read at all, as opposed to one whose values are wrong.
var ErrMalformed = errors.New("jsonapi: malformed request")

// ErrMediaType is the cause of the refusal of a body for its type.
var ErrMediaType = errors.New("jsonapi: media type")

// CheckType refuses a body that says that it is surely no JSON. Programs send
// JSON under all sorts of types, or under none.
func CheckType(r *http.Request) error {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || r.ContentLength == 0 {
		return nil
	}
	switch {
	case strings.HasSuffix(t, "json"), t == "text/plain", t == "application/x-www-form-urlencoded", t == "application/octet-stream", strings.Contains(t, "*"):
		return nil
	}
	return fault.Wrap(ErrMediaType, fault.Invalid, "The body's type must be application/vnd.api+json or application/json.")
}

// Malformed makes a failure of the kind Invalid whose cause is ErrMalformed.
func Malformed(format string, args ...any) *fault.Error {
	return fault.Wrap(ErrMalformed, fault.Invalid, format, args...)
}

// Item is a resource object. Numbers in Attributes are json.Number.
type Item struct {
	ID            string
	Type          string         // snake_case
	Attributes    map[string]any // by name in snake case; never nil
	Relationships map[string][]Item
}

// Document is what a request's body holds.
type Document struct {
	Many  bool // data is an array
	Items []Item
}

// MaxItems is how many resource objects a document may hold.
const MaxItems = 1000

// ParseDocument reads a body. Top-level members besides data are ignored.
func ParseDocument(body []byte) (Document, error) {
	var raw struct {
		Data any `json:"data"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&raw); err != nil {
		return Document{}, Malformed("The body is not a JSON:API document.").WithHint("Send an object with the member data.")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Document{}, Malformed("Something follows after the JSON document.")
	}
	switch data := raw.Data.(type) {
	case map[string]any:
		item, err := readItem(data, true)
		return Document{Items: []Item{item}}, err
	case []any:
		items, err := readItems(data, true)
		return Document{Many: true, Items: items}, err
	}
	return Document{}, Malformed("The member data is missing.").WithHint("Send an object with the member data.")
}

func readItems(list []any, deep bool) ([]Item, error) {
	if len(list) > MaxItems {
		return nil, Malformed("At most %d objects can be sent at once.", MaxItems)
	}
	out := make([]Item, 0, len(list))
	for _, x := range list {
		m, ok := x.(map[string]any)
		if !ok {
			return nil, Malformed("Each member of data must be an object.")
		}
		item, err := readItem(m, deep)
		if err != nil {
			return nil, err
		}
		out = append(out, item)
	}
	return out, nil
}

func readItem(m map[string]any, deep bool) (Item, error) {
	item := Item{ID: scalar(m["id"]), Type: Snake(scalar(m["type"])), Attributes: map[string]any{}}
	switch attrs := m["attributes"].(type) {
	case nil:
	case map[string]any:
		names := make([]string, 0, len(attrs))
		for n := range attrs {
			names = append(names, n)
		}
		sort.Strings(names) // of two spellings of one name always the same wins
		for _, n := range names {
			item.Attributes[Snake(n)] = attrs[n]
		}
	default:
		return item, Malformed("The member attributes must be an object.")
	}
	if item.ID == "" {
		item.ID = scalar(item.Attributes["id"])
	}
	rel, ok := m["relationships"].(map[string]any)
	if !ok || !deep {
		return item, nil
	}
	for n, r := range rel {
		list, err := related(r)
		if err != nil {
			return item, err
		}
		if len(list) > 0 {
			if item.Relationships == nil {
				item.Relationships = map[string][]Item{}
			}
			item.Relationships[Snake(n)] = list
		}
	}
	return item, nil
}

// related reads {"data": ...} of one relationship.
func related(r any) ([]Item, error) {
	m, _ := r.(map[string]any)
	switch data := m["data"].(type) {
	case map[string]any:
		item, err := readItem(data, false)
		return []Item{item}, err
	case []any:
		return readItems(data, false)
	}
	return nil, nil
}

// scalar gives a string or number as text; anything else is "".
func scalar(v any) string {
	switch x := v.(type) {
	case string:
		return strings.TrimSpace(x)
	case json.Number:
		return x.String()
	}
	return ""
}
