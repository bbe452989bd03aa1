package describe

import (
	"slices"
	"strings"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/base/openapi"
	"strongroom/internal/core/record"
)

// Attr is one attribute of a resource object.
type Attr struct {
	Name   string // in kebab case
	Schema *openapi.Schema
}

// Attrs reads attributes that are written as "name type; name type". The types
// are those of [Schema].
func Attrs(text string) []Attr {
	var out []Attr
	for one := range strings.SplitSeq(text, ";") {
		name, typ, _ := strings.Cut(strings.TrimSpace(one), " ")
		if name != "" {
			out = append(out, Attr{name, Schema(typ)})
		}
	}
	return out
}

// Schema gives the schema of a type that is named in one word. Everything but a
// truth value, a list and an object may be null.
func Schema(typ string) *openapi.Schema {
	s := func(typ, format string) *openapi.Schema {
		return &openapi.Schema{Type: openapi.Types{typ, "null"}, Format: format}
	}
	switch typ {
	case "id", "integer":
		return s("integer", "int64")
	case "number":
		return s("number", "")
	case "yes":
		return &openapi.Schema{Type: openapi.Types{"boolean"}}
	case "maybe":
		return s("boolean", "")
	case "time":
		return s("string", "date-time")
	case "day":
		return s("string", "date")
	case "url":
		return s("string", "uri")
	case "any":
		return &openapi.Schema{Type: openapi.Types{"integer", "string", "null"}}
	case "ids":
		return &openapi.Schema{Type: openapi.Types{"array"}, Items: &openapi.Schema{Type: openapi.Types{"integer"}, Format: "int64"}}
	case "objects":
		return &openapi.Schema{Type: openapi.Types{"array"}, Items: &openapi.Schema{Type: openapi.Types{"object"}}}
	case "object":
		return &openapi.Schema{Type: openapi.Types{"object"}}
	case "nothing":
		return &openapi.Schema{Type: openapi.Types{"null"}}
	}
	return s("string", "")
}

// Field gives the schema of a field's values, as the protocol has them.
func Field(f *record.Field) *openapi.Schema {
	s := Schema(word(f.Type))
	switch {
	case f.Type == record.Rows:
		s.Items.Properties = columns(f)
	case f.Type == record.Choice:
		for _, c := range f.Choices {
			s.Enum = append(s.Enum, c)
		}
		s.Enum = append(s.Enum, nil)
	case f.Type == record.Ref:
		s.Description = "The id of " + article(strings.ReplaceAll(f.Ref, "_", " ")) + "."
	}
	if f.Hint != "" {
		s.Description = strings.TrimSpace(s.Description + " " + f.Hint)
	}
	return s
}

func columns(f *record.Field) (out openapi.Members[*openapi.Schema]) {
	for i := range f.Rows {
		out.Set(jsonapi.Kebab(f.Rows[i].Name), Field(&f.Rows[i]))
	}
	return out
}

// word names the schema of a type of field.
func word(t record.Type) string {
	switch t {
	case record.Integer, record.Ref:
		return "id"
	case record.Number:
		return "number"
	case record.Bool:
		return "maybe"
	case record.Date:
		return "day"
	case record.Time:
		return "time"
	case record.Rows:
		return "objects"
	case record.Refs:
		return "ids"
	}
	return "text"
}

// Sent gives the schema of a field's values in bodies, where an id may be a
// string too.
func Sent(f *record.Field) *openapi.Schema {
	s := Field(f)
	switch f.Type {
	case record.Ref, record.Integer, record.Number:
		s.Type = append(slices.Clone(s.Type), "string")
		s.Format = ""
	case record.Secret:
		s.WriteOnly = true
	case record.Time:
		s.Type, s.Format = openapi.Types{"string", "integer", "null"}, ""
	}
	return s
}
