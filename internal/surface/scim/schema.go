package scim

import (
	"strings"

	"strongroom/internal/surface/scim/query"
)

// The names of what is spoken.
const (
	userSchema   = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupSchema  = "urn:ietf:params:scim:schemas:core:2.0:Group"
	schemaSchema = "urn:ietf:params:scim:schemas:core:2.0:Schema"
	typeSchema   = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	configSchema = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	listSchema   = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	patchSchema  = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	errorSchema  = "urn:ietf:params:scim:api:messages:2.0:Error"
)

// attribute is one attribute of a resource: the list of these is all that is read and
// written.
type attribute struct {
	Name        string      `json:"name"`
	Type        string      `json:"type"` // string, boolean, reference, dateTime or complex
	Multi       bool        `json:"multiValued"`
	Description string      `json:"description"`
	Required    bool        `json:"required"`
	Exact       bool        `json:"caseExact"`
	Mutability  string      `json:"mutability"` // readWrite, readOnly or immutable
	Returned    string      `json:"returned"`   // default or always
	Uniqueness  string      `json:"uniqueness"` // none or server
	Sub         []attribute `json:"subAttributes,omitempty"`
	Types       []string    `json:"referenceTypes,omitempty"`

	common bool // of every resource: stands in no schema
}

func (a *attribute) readOnly() bool { return a.Mutability == "readOnly" }

// part finds a part of a complex attribute; nil when there is none.
func (a *attribute) part(name string) *attribute { return among(a.Sub, name) }

func among(list []attribute, name string) *attribute {
	for i := range list {
		if strings.EqualFold(list[i].Name, name) {
			return &list[i]
		}
	}
	return nil
}

func text(name, description string) attribute {
	return attribute{Name: name, Type: "string", Description: description, Mutability: "readWrite", Returned: "default", Uniqueness: "none"}
}

func (a attribute) required() attribute { a.Required = true; return a }

func (a attribute) unique() attribute { a.Uniqueness = "server"; return a }

func (a attribute) fixed() attribute { a.Mutability = "readOnly"; return a }

func (a attribute) exact() attribute { a.Exact = true; return a }

func (a attribute) as(typ string) attribute { a.Type = typ; return a }

func (a attribute) of(parts ...attribute) attribute { a.Type, a.Sub = "complex", parts; return a }

func (a attribute) list() attribute { a.Multi = true; return a }

func (a attribute) to(types ...string) attribute { a.Type, a.Types = "reference", types; return a }

// resource is a sort of resource.
type resource struct {
	name       string // User
	path       string // /Users
	schema     string
	about      string
	attributes []attribute
}

// always are the attributes that every resource has.
func always() []attribute {
	id := text("id", "What Strongroom calls it, for ever.").fixed().exact()
	id.Returned, id.common = "always", true
	schemas := text("schemas", "The schemas of the resource.").fixed().exact().as("reference").list()
	schemas.Returned, schemas.common = "always", true
	meta := text("meta", "When it was made and changed, and its version.").fixed().of(
		text("resourceType", "User or Group.").fixed(), text("created", "When it was made.").fixed().as("dateTime"),
		text("lastModified", "When it was changed last.").fixed().as("dateTime"), text("location", "Its address.").fixed().as("reference"), text("version", "Its version, as in ETag.").fixed())
	meta.common = true
	external := text("externalId", "What the other side calls it.").exact()
	external.common = true
	return []attribute{schemas, id, external, meta}
}

func users() *resource {
	return &resource{name: "User", path: Path + "/Users", schema: userSchema, about: "Somebody who signs in", attributes: append(always(),
		text("userName", "Her name at the other side; no two users have the same, in whatever letters.").required().unique(),
		text("displayName", "Her name as a whole."),
		text("name", "Her names.").of(text("formatted", "Both names.").fixed(), text("givenName", "Her given names."), text("familyName", "Her family name.")),
		text("emails", "Her e-mail address: the primary one, else that for work, else the first. No two users have the same.").list().of(
			text("value", "The address."), text("type", "work."), text("primary", "Whether it is the one that counts.").as("boolean")),
		text("active", "Whether she may sign in.").as("boolean"),
		text("groups", "The groups that the other side put her into.").fixed().list().of(
			text("value", "The id of the group.").fixed(), text("display", "Its name.").fixed(), text("$ref", "Its address.").fixed().to("Group"), text("type", "direct.").fixed()),
	)}
}

func groups() *resource {
	return &resource{name: "Group", path: Path + "/Groups", schema: groupSchema, about: "Users together", attributes: append(always(),
		text("displayName", "The name of the group; no two groups have the same.").required().unique(),
		text("members", "The users in it.").list().of(
			text("value", "The id of the user."), text("display", "Her name.").fixed(), text("$ref", "Her address.").fixed().to("User"), text("type", "User.")),
	)}
}

// find gives the attribute that a name stands for; nil for one that is not kept.
func (r *resource) find(n query.Name) *attribute {
	if n.Schema != "" && !strings.EqualFold(n.Schema, r.schema) {
		return nil
	}
	a := among(r.attributes, n.Attr)
	if a != nil && n.Sub != "" && a.part(n.Sub) == nil {
		return nil
	}
	return a
}

// exact tells whether an attribute is compared letter by letter.
func (r *resource) exact(n query.Name) bool {
	a := r.find(n)
	if a == nil {
		return n.Attr == "$ref"
	}
	if p := a.part(n.Sub); p != nil {
		return p.Exact
	}
	return a.Exact
}

// document describes the resource's attributes.
func (r *resource) document(base string) map[string]any {
	var list []attribute
	for _, a := range r.attributes {
		if !a.common {
			list = append(list, a)
		}
	}
	return map[string]any{"schemas": []string{schemaSchema}, "id": r.schema, "name": r.name, "description": r.about, "attributes": list,
		"meta": map[string]any{"resourceType": "Schema", "location": base + Path + "/Schemas/" + r.schema}}
}

// kind describes the sort of resource.
func (r *resource) kind(base string) map[string]any {
	return map[string]any{"schemas": []string{typeSchema}, "id": r.name, "name": r.name, "endpoint": strings.TrimPrefix(r.path, Path), "description": r.about, "schema": r.schema,
		"meta": map[string]any{"resourceType": "ResourceType", "location": base + Path + "/ResourceTypes/" + r.name}}
}

// config says what of SCIM is offered.
func config(base string) map[string]any {
	no := map[string]any{"supported": false}
	return map[string]any{"schemas": []string{configSchema},
		"patch": map[string]any{"supported": true}, "bulk": map[string]any{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"filter": map[string]any{"supported": true, "maxResults": mostCount}, "changePassword": no, "sort": no, "etag": map[string]any{"supported": true},
		"authenticationSchemes": []any{map[string]any{"type": "oauthbearertoken", "name": "Key for provisioning", "primary": true,
			"description": "A key for provisioning of Strongroom as the bearer token."}},
		"meta": map[string]any{"resourceType": "ServiceProviderConfig", "location": base + Path + "/ServiceProviderConfig"}}
}
