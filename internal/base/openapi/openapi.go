// Package openapi is the OpenAPI 3.1 description of an HTTP API as Go values.
//
// Always true: a document that is written here is JSON with the members of an
// object in the order in which they were declared, so that it reads as it was
// meant and is the same for the same API. Schemas are those of JSON Schema 2020-12.
// Source: OpenAPI Specification 3.1.1.
package openapi

import (
	"encoding/json"
	"slices"
)

// Version is the version of the specification that documents follow.
const Version = "3.1.1"

// Document describes an API.
type Document struct {
	OpenAPI    string                `json:"openapi"`
	Info       Info                  `json:"info"`
	Servers    []Server              `json:"servers,omitempty"`
	Security   []map[string][]string `json:"security,omitempty"`
	Tags       []Tag                 `json:"tags,omitempty"`
	Paths      Members[*Path]        `json:"paths"`
	Components Components            `json:"components"`
}

// Info says what the API is.
type Info struct {
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
	Version     string `json:"version"`
}

// Server is an address under which the paths lie.
type Server struct {
	URL         string `json:"url"`
	Description string `json:"description,omitempty"`
}

// Tag is a group of operations.
type Tag struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

// Path holds the operations of one path, by method.
type Path struct {
	Parameters []*Parameter
	Operations Members[*Operation] // by method, in lower case
}

// MarshalJSON writes the operations beside the parameters that they share.
func (p *Path) MarshalJSON() ([]byte, error) {
	all := Members[any]{}
	if len(p.Parameters) > 0 {
		all.Set("parameters", p.Parameters)
	}
	for _, m := range p.Operations {
		all.Set(m.Name, m.Value)
	}
	return json.Marshal(all)
}

// Operation is one call.
type Operation struct {
	ID          string                 `json:"operationId"`
	Tags        []string               `json:"tags,omitempty"`
	Summary     string                 `json:"summary,omitempty"`
	Description string                 `json:"description,omitempty"`
	Parameters  []*Parameter           `json:"parameters,omitempty"`
	Body        *Body                  `json:"requestBody,omitempty"`
	Responses   Members[*Response]     `json:"responses"`          // by status
	Security    *[]map[string][]string `json:"security,omitempty"` // an empty list: for everybody
}

// Parameter is a part of the path, of the query or of the header.
type Parameter struct {
	Ref         string  `json:"$ref,omitempty"`
	Name        string  `json:"name,omitempty"`
	In          string  `json:"in,omitempty"` // path, query or header
	Description string  `json:"description,omitempty"`
	Required    bool    `json:"required,omitempty"`
	Style       string  `json:"style,omitempty"`
	Explode     *bool   `json:"explode,omitempty"`
	Schema      *Schema `json:"schema,omitempty"`
}

// Body is what a call takes.
type Body struct {
	Required bool            `json:"required,omitempty"`
	Content  Members[*Media] `json:"content"` // by media type
}

// Media is a body of one media type.
type Media struct {
	Schema *Schema `json:"schema,omitempty"`
}

// Response is what a call answers.
type Response struct {
	Ref         string          `json:"$ref,omitempty"`
	Description string          `json:"description,omitempty"`
	Content     Members[*Media] `json:"content,omitempty"`
}

// Components are what others refer to by name.
type Components struct {
	Schemas    Members[*Schema]    `json:"schemas,omitempty"`
	Responses  Members[*Response]  `json:"responses,omitempty"`
	Parameters Members[*Parameter] `json:"parameters,omitempty"`
	Security   Members[*Scheme]    `json:"securitySchemes,omitempty"`
}

// Scheme is a way to say who calls.
type Scheme struct {
	Type        string `json:"type"`
	Name        string `json:"name,omitempty"`
	In          string `json:"in,omitempty"`
	Scheme      string `json:"scheme,omitempty"`
	Description string `json:"description,omitempty"`
}

// Schema describes a value. The zero Schema allows anything.
type Schema struct {
	Ref         string           `json:"$ref,omitempty"`
	Type        Types            `json:"type,omitempty"`
	Format      string           `json:"format,omitempty"`
	Description string           `json:"description,omitempty"`
	Const       any              `json:"const,omitempty"`
	Enum        []any            `json:"enum,omitempty"`
	Properties  Members[*Schema] `json:"properties,omitempty"`
	Required    []string         `json:"required,omitempty"`
	Items       *Schema          `json:"items,omitempty"`
	AnyOf       []*Schema        `json:"anyOf,omitempty"`
	Minimum     *int64           `json:"minimum,omitempty"`
	Maximum     *int64           `json:"maximum,omitempty"`
	ReadOnly    bool             `json:"readOnly,omitempty"`
	WriteOnly   bool             `json:"writeOnly,omitempty"`
}

// Types are the types that a value may have.
type Types []string

// MarshalJSON writes one type as a string.
func (t Types) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

// Nullable tells whether a value may be null.
func (s *Schema) Nullable() bool { return slices.Contains(s.Type, "null") }

// Member is one member of a JSON object.
type Member[T any] struct {
	Name  string
	Value T
}

// Members are the members of a JSON object in their order.
type Members[T any] []Member[T]

// Set sets a member; a new one is the last.
func (m *Members[T]) Set(name string, v T) {
	for i := range *m {
		if (*m)[i].Name == name {
			(*m)[i].Value = v
			return
		}
	}
	*m = append(*m, Member[T]{name, v})
}

// Get gives a member; the zero value when there is none.
func (m Members[T]) Get(name string) T {
	for _, x := range m {
		if x.Name == name {
			return x.Value
		}
	}
	var none T
	return none
}

// MarshalJSON writes the members in their order.
func (m Members[T]) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, x := range m {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := json.Marshal(x.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(x.Value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}

// JSON writes the document, indented.
func (d *Document) JSON() ([]byte, error) {
	return json.MarshalIndent(d, "", " ")
}
