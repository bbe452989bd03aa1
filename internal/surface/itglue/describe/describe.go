// Package describe says what the API takes and gives: an OpenAPI document made
// from the kinds and from the calls that are mounted.
//
// Always true: the document holds every call under its address, and an answer of
// the API is valid by the schema that the document gives for it.
package describe

import (
	"strings"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/base/openapi"
)

// Resource is a type of resource objects.
type Resource struct {
	Type  string // as in its objects: document-folders
	One   string // the name of one in words: document folder
	Many  string // of several
	About string // a sentence more

	Shown    []Attr   // attributes in answers
	Sent     []Attr   // attributes in bodies
	Required []string // of these, what a new one needs

	Filters, Sorts, Includes []string
	With                     string // the relationship whose records may come with a new one
}

// Does says what a call does.
type Does int

// What calls do. Where it is not said, the answer is one resource object.
const (
	List       Does = iota // a page of resource objects
	All                    // all of a list that has no pages
	Get                    // one
	Create                 // makes one or several
	CreateOne              // makes one
	Upload                 // makes one or several out of a document, or one out of a form
	Update                 // changes one
	UpdateMany             // changes several
	Replace                // changes all of a list that hangs on a record
	Delete                 // deletes one and answers with it
	Remove                 // deletes one and answers with nothing
	DeleteMany             // deletes several
	Publish                // publishes one
	Download               // the content of a file
	Map                    // records and links around one
	SignIn                 // an access token
)

// Call is a call of the API.
type Call struct {
	Method, Path string // as it is mounted, such as /things/{parent}/parts/{id}
	Does         Does
	Type         string // of the resource objects it is about
}

// API is what the document is made of.
type API struct {
	Version   string
	Resources []Resource
	Calls     []Call
}

const about = `Records of all kinds under one protocol, JSON:API. It is the API of IT Glue, and more: programs written for that work here.

Attributes are read in kebab-case and written in kebab-case or snake_case. What a body says of attributes that cannot be set is ignored. A list is given in pages; follow links.next until it is gone. What the caller may not see looks as if it did not exist. PUT is the same as PATCH.`

// Document writes the description.
func (a *API) Document() *openapi.Document {
	d := &openapi.Document{
		OpenAPI:  openapi.Version,
		Info:     openapi.Info{Title: "Strongroom", Description: about, Version: a.Version},
		Servers:  []openapi.Server{{URL: "/api/v1"}},
		Security: []map[string][]string{{"key": {}}, {"token": {}}},
	}
	d.Components.Security.Set("key", &openapi.Scheme{Type: "apiKey", In: "header", Name: "x-api-key", Description: "A key made on the page of API keys."})
	d.Components.Security.Set("token", &openapi.Scheme{Type: "http", Scheme: "bearer", Description: "A token of POST /login, or a key."})
	shared(&d.Components)
	addMap(&d.Components)
	b := &builder{doc: d, byType: map[string]*Resource{}, singular: map[string]string{}}
	for i := range a.Resources {
		r := &a.Resources[i]
		b.byType[r.Type] = r
		b.singular[r.Type] = strings.ReplaceAll(r.One, " ", "_")
		d.Tags = append(d.Tags, openapi.Tag{Name: r.Type, Description: r.About})
		if len(r.Shown) > 0 {
			b.resource(r)
		}
	}
	for _, c := range a.Calls {
		if c.Method != "PUT" {
			b.call(c)
		}
	}
	return d
}

// shared are the schemas, answers and parameters of all calls.
func shared(c *openapi.Components) {
	c.Schemas.Set("error", objectOf(
		is("status", text()), is("title", text()), is("detail", text()), is("source", objectOf(is("pointer", text())))))
	c.Schemas.Set("meta", objectOf(
		is("current-page", Schema("integer")), is("next-page", Schema("integer")), is("prev-page", Schema("integer")),
		is("total-pages", Schema("integer")), is("total-count", Schema("integer")), is("filters", object())))
	c.Schemas.Set("links", objectOf(is("self", text()), is("first", text()), is("prev", text()), is("next", text()), is("last", text())))
	c.Responses.Set("error", &openapi.Response{
		Description: "What is wrong: 400 the request cannot be read, 401 no key, 403 not with this key, 404 not there or not to be seen, 415 another media type, 422 a value is wrong, 429 too many, 503 try again.",
		Content:     jsonAPI(objectOf(is("errors", listOf(ref("error"))))),
	})
	c.Responses.Set("nothing", &openapi.Response{Description: "It is done."})
	c.Responses.Set("file", &openapi.Response{Description: "The content.", Content: openapi.Members[*openapi.Media]{{Name: "*/*", Value: &openapi.Media{}}}})
	c.Parameters.Set("page", deep("page", "Which page, and of how many at most.", objectOf(is("number", count(0)), is("size", count(jsonapi.MaxPage)))))
	c.Parameters.Set("show-password", &openapi.Parameter{
		Name: "show_password", In: "query", Description: "Whether the answer holds the password, which is recorded as a reveal.", Schema: &openapi.Schema{Type: openapi.Types{"boolean"}},
	})
	c.Parameters.Set("reason", &openapi.Parameter{Name: "X-Reason", In: "header", Description: "Why, for passwords that ask for a reason.", Schema: text()})
}

func text() *openapi.Schema   { return &openapi.Schema{Type: openapi.Types{"string"}} }
func object() *openapi.Schema { return &openapi.Schema{Type: openapi.Types{"object"}} }

func count(most int64) *openapi.Schema {
	s := &openapi.Schema{Type: openapi.Types{"integer"}, Minimum: new(int64(1))}
	if most > 0 {
		s.Maximum = &most
	}
	return s
}

func ref(schema string) *openapi.Schema {
	return &openapi.Schema{Ref: "#/components/schemas/" + schema}
}

func listOf(s *openapi.Schema) *openapi.Schema {
	return &openapi.Schema{Type: openapi.Types{"array"}, Items: s}
}

// is names a member of an object.
func is(name string, s *openapi.Schema) openapi.Member[*openapi.Schema] {
	return openapi.Member[*openapi.Schema]{Name: name, Value: s}
}

func objectOf(members ...openapi.Member[*openapi.Schema]) *openapi.Schema {
	s := object()
	s.Properties = members
	return s
}

func deep(name, description string, s *openapi.Schema) *openapi.Parameter {
	return &openapi.Parameter{Name: name, In: "query", Description: description, Style: "deepObject", Explode: new(true), Schema: s}
}

func jsonAPI(s *openapi.Schema) openapi.Members[*openapi.Media] {
	return openapi.Members[*openapi.Media]{{Name: jsonapi.MediaType, Value: &openapi.Media{Schema: s}}}
}
