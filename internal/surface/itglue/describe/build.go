package describe

import (
	"slices"
	"strings"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/base/openapi"
)

type builder struct {
	doc      *openapi.Document
	byType   map[string]*Resource
	singular map[string]string // snake case, by type
}

// resource adds the components of a type: its objects, what bodies say of it, the
// answers and the parameters of its lists.
func (b *builder) resource(r *Resource) {
	c := &b.doc.Components
	c.Schemas.Set(r.Type, resourceObject(r))
	if len(r.Sent) > 0 {
		change, fresh := object(), object()
		for _, a := range r.Sent {
			change.Properties.Set(a.Name, a.Schema)
			fresh.Properties.Set(a.Name, a.Schema)
		}
		fresh.Required = r.Required
		c.Schemas.Set(r.Type+"-change", change)
		c.Schemas.Set(r.Type+"-new", fresh)
	}
	answer := func(name, description string, s *openapi.Schema) {
		c.Responses.Set(r.Type+"-"+name, &openapi.Response{Description: description, Content: jsonAPI(s)})
	}
	included := listOf(object())
	page := objectOf(is("data", listOf(ref(r.Type))), is("included", included), is("meta", ref("meta")), is("links", ref("links")))
	page.Required = []string{"data", "meta", "links"}
	answer("page", "A page of "+r.Many+".", page)
	one := objectOf(is("data", ref(r.Type)), is("included", included))
	one.Required = []string{"data"}
	answer("one", "The "+r.One+".", one)
	some := objectOf(is("data", &openapi.Schema{AnyOf: []*openapi.Schema{ref(r.Type), listOf(ref(r.Type))}}))
	some.Required = []string{"data"}
	answer("some", "One of the "+r.Many+", or several when several were sent.", some)
	b.asking(r)
}

func resourceObject(r *Resource) *openapi.Schema {
	attributes := object()
	for _, a := range r.Shown {
		attributes.Properties.Set(a.Name, a.Schema)
	}
	s := objectOf(is("id", text()), is("type", &openapi.Schema{Const: r.Type}), is("attributes", attributes), is("relationships", object()))
	s.Required = []string{"id", "type", "attributes"}
	return s
}

// asking adds the parameters by which a list of a type is asked.
func (b *builder) asking(r *Resource) {
	p := &b.doc.Components.Parameters
	if len(r.Filters) > 0 {
		s := object()
		for _, f := range r.Filters {
			s.Properties.Set(f, text())
		}
		p.Set(r.Type+"-filter", deep("filter", `Only those with this value; several are joined by a comma, a comma inside is written \,. Moments and days take start,end, where * is open. filter[NAME][ne] excludes.`, s))
	}
	words := func(name, description string, list []string) {
		s := listOf(text())
		for _, w := range list {
			s.Items.Enum = append(s.Items.Enum, w)
		}
		p.Set(r.Type+"-"+name, &openapi.Parameter{Name: name, In: "query", Description: description, Style: "form", Explode: new(false), Schema: s})
	}
	if len(r.Sorts) > 0 {
		both := make([]string, 0, 2*len(r.Sorts))
		for _, s := range r.Sorts {
			both = append(both, s, "-"+s)
		}
		words("sort", "The order; - is descending.", both)
	}
	if len(r.Includes) > 0 {
		words("include", "Also gives the records that these are related to.", r.Includes)
	}
}

// call adds an operation.
func (b *builder) call(c Call) {
	r := b.byType[c.Type]
	path, names := b.address(c)
	p := b.doc.Paths.Get(path)
	if p == nil {
		p = &openapi.Path{}
		for _, n := range names {
			p.Parameters = append(p.Parameters, &openapi.Parameter{Name: n, In: "path", Required: true, Schema: text()})
		}
		b.doc.Paths.Set(path, p)
	}
	o := &openapi.Operation{ID: b.operation(c), Tags: []string{c.Type}, Summary: b.summary(c)}
	b.takes(o, c, r)
	b.gives(o, c)
	p.Operations.Set(strings.ToLower(c.Method), o)
}

// address gives a path whose parameters have names of their own, and these names.
func (b *builder) address(c Call) (path string, names []string) {
	segments := strings.Split(c.Path, "/")
	for i, s := range segments {
		if !strings.HasPrefix(s, "{") {
			continue
		}
		name := "id"
		if s == "{parent}" {
			name = b.one(segments[i-1]) + "_id"
		}
		names = append(names, name)
		segments[i] = "{" + name + "}"
	}
	return strings.Join(segments, "/"), names
}

// one is the singular of a segment of a path, in snake case.
func (b *builder) one(segment string) string {
	if s, ok := b.singular[jsonapi.Kebab(segment)]; ok {
		return s
	}
	return strings.TrimSuffix(segment, "s")
}

// operation is a name for a call that no other has: listOrganizationContacts.
func (b *builder) operation(c Call) string {
	var words []string
	for s := range strings.SplitSeq(strings.Trim(c.Path, "/"), "/") {
		if s != "relationships" && !strings.HasPrefix(s, "{") {
			words = append(words, s)
		}
	}
	if c.Does == Publish {
		words = words[:len(words)-1] // it is the verb
	}
	last := words[len(words)-1]
	single := slices.Contains([]Does{Get, Create, CreateOne, Upload, Update, Delete, Remove, Publish}, c.Does)
	if single {
		last = b.one(last)
	}
	name := verb(c.Does) + camel(last)
	for i, w := range words[:len(words)-1] {
		if i == 0 {
			name += "Of"
		}
		name += camel(b.one(w))
	}
	return name
}

func camel(words string) string {
	var b strings.Builder
	for w := range strings.SplitSeq(words, "_") {
		b.WriteString(strings.ToUpper(w[:1]) + w[1:])
	}
	return b.String()
}

func verb(d Does) string {
	switch d {
	case List, All:
		return "list"
	case Create, CreateOne, Upload:
		return "create"
	case Update:
		return "update"
	case UpdateMany:
		return "bulkUpdate"
	case Replace:
		return "replace"
	case Delete, Remove:
		return "delete"
	case DeleteMany:
		return "bulkDelete"
	case Publish:
		return "publish"
	}
	return "get"
}

// summary says in a few words what a call does.
func (b *builder) summary(c Call) string {
	r := b.byType[c.Type]
	of := ""
	if parts := strings.Split(c.Path, "/"); strings.Contains(c.Path, "/relationships/") && len(parts) > 2 {
		of = " of " + article(strings.ReplaceAll(b.one(parts[1]), "_", " "))
	}
	switch c.Does {
	case List, All:
		return "List the " + r.Many + of
	case Get:
		return "Show " + article(r.One) + of
	case Create, Upload:
		return "Make " + article(r.One) + ", or several" + of
	case CreateOne:
		return "Make " + article(r.One)
	case Update:
		return "Change " + article(r.One) + of
	case UpdateMany:
		return "Change several " + r.Many + of + ", all or none"
	case Replace:
		return "Set the " + r.Many + of
	case Delete, Remove:
		return "Delete " + article(r.One) + of
	case DeleteMany:
		return "Delete several " + r.Many + of + ", all or none"
	case Publish:
		return "Publish " + article(r.One) + of
	case Download:
		return "Fetch the content of " + article(r.One)
	case Map:
		return "What is related to a record, near and far"
	}
	return "Sign in, or renew a token"
}

func article(word string) string {
	if strings.ContainsAny(word[:1], "aeioAEIO") || strings.HasPrefix(word, "SSL") {
		return "an " + word
	}
	return "a " + word
}

func (b *builder) parameter(o *openapi.Operation, names ...string) {
	for _, n := range names {
		if b.doc.Components.Parameters.Get(n) != nil {
			o.Parameters = append(o.Parameters, &openapi.Parameter{Ref: "#/components/parameters/" + n})
		}
	}
}

// takes says what a call takes besides its path.
func (b *builder) takes(o *openapi.Operation, c Call, r *Resource) {
	send := func(s *openapi.Schema) {
		o.Body = &openapi.Body{Required: true, Content: jsonAPI(objectOf(is("data", s)))}
	}
	switch c.Does {
	case List:
		b.parameter(o, c.Type+"-filter", c.Type+"-sort", c.Type+"-include", "page")
	case Get:
		b.parameter(o, c.Type+"-include")
	case Create, Upload:
		fresh := b.sent(r, b.fresh(c, r), false)
		send(&openapi.Schema{AnyOf: []*openapi.Schema{fresh, listOf(fresh)}})
		if c.Does == Upload && c.Type == "attachments" {
			o.Body.Content.Set("multipart/form-data", &openapi.Media{Schema: objectOf(is("attachment", &openapi.Schema{Type: openapi.Types{"string"}, Format: "binary"}))})
		}
	case CreateOne:
		send(b.sent(r, "new", false))
	case Update:
		send(b.sent(r, "change", false))
	case UpdateMany, Replace:
		send(listOf(b.sent(r, "change", true)))
	case DeleteMany:
		b.parameter(o, c.Type+"-filter")
		send(listOf(objectOf(is("type", text()), is("id", text()), is("attributes", objectOf(is("id", text()))))))
		o.Body.Required = false
	case Map:
		o.Parameters = mapParameters()
	case SignIn:
		o.Security = &[]map[string][]string{}
		if c.Method == "POST" {
			o.Body = &openapi.Body{Required: true, Content: openapi.Members[*openapi.Media]{{Name: "application/json", Value: &openapi.Media{
				Schema: objectOf(is("user", objectOf(is("email", text()), is("password", &openapi.Schema{Type: openapi.Types{"string"}, Format: "password", WriteOnly: true}))), is("tenant", text())),
			}}}}
		} else {
			o.Parameters = []*openapi.Parameter{{Name: "refresh_token", In: "query", Schema: text(), Description: "The token to renew; better in the header Authorization."}}
		}
	}
	if c.Type == "passwords" && slices.Contains([]Does{Get, Create, Update}, c.Does) {
		b.parameter(o, "show-password", "reason")
	}
}

// fresh is the schema of a new one's attributes: what the path says need not be
// said again.
func (b *builder) fresh(c Call, r *Resource) string {
	above, _, below := strings.Cut(strings.Trim(c.Path, "/"), "/")
	by := jsonapi.Kebab(b.one(above)) + "-id"
	if !below || !slices.Contains(r.Required, by) || !strings.Contains(c.Path, "/relationships/") {
		return "new"
	}
	name := "new-of-" + strings.TrimSuffix(by, "-id")
	s := *b.doc.Components.Schemas.Get(r.Type + "-new")
	s.Required = slices.DeleteFunc(slices.Clone(s.Required), func(n string) bool { return n == by })
	b.doc.Components.Schemas.Set(r.Type+"-"+name, &s)
	return name
}

// sent is a resource object in a body.
func (b *builder) sent(r *Resource, name string, named bool) *openapi.Schema {
	s := objectOf(is("type", &openapi.Schema{Type: openapi.Types{"string"}, Description: r.Type}))
	if named {
		s.Properties.Set("id", text())
	}
	s.Properties.Set("attributes", ref(r.Type+"-"+name))
	s.Required = []string{"attributes"}
	if name != "change" && r.With != "" {
		s.Properties.Set("relationships", objectOf(is(r.With, objectOf(is("data", listOf(object()))))))
	}
	return s
}

// mapParameters are those of a map; see feature/relation/graph.
func mapParameters() []*openapi.Parameter {
	p := func(name, description string) *openapi.Parameter {
		return &openapi.Parameter{Name: name, In: "query", Description: description, Schema: text()}
	}
	return []*openapi.Parameter{
		p("hops", "How far: 1, 2 and so on, or all."), p("follow", "Which links: needs, breaks, or all when it is not there."),
		p("kinds", "Only along records of these kinds."), p("without", "Not along records of these kinds."), p("also", "Kinds that are left out unless they are named."),
		p("to", "The id of another record: the shortest way there."),
	}
}

// gives says what a call answers.
func (b *builder) gives(o *openapi.Operation, c Call) {
	status, name := "200", c.Type+"-one"
	switch c.Does {
	case List:
		name = c.Type + "-page"
	case Create, Upload:
		status, name = "201", c.Type+"-some"
	case CreateOne:
		status = "201"
	case UpdateMany, Replace, DeleteMany, All:
		name = c.Type + "-some"
	case Remove:
		status, name = "204", "nothing"
	case Download:
		name = "file"
	case Map:
		name = "map"
	case SignIn:
		o.Responses.Set(status, &openapi.Response{Description: "An access token.", Content: openapi.Members[*openapi.Media]{{Name: "application/json", Value: &openapi.Media{Schema: objectOf(is("token", text()))}}}})
	}
	if c.Does != SignIn {
		o.Responses.Set(status, &openapi.Response{Ref: "#/components/responses/" + name})
	}
	o.Responses.Set("default", &openapi.Response{Ref: "#/components/responses/error"})
}
