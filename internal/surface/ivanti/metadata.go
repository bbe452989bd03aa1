package ivanti

import (
	"bytes"
	"encoding/xml"
	"net/http"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/view"
)

// The parts of CSDL 4.0 (OASIS, Common Schema Definition Language) that describe one
// object.
type (
	csdl struct {
		XMLName xml.Name `xml:"http://docs.oasis-open.org/odata/ns/edmx edmx:Edmx"`
		Edmx    string   `xml:"xmlns:edmx,attr"`
		Version string   `xml:"Version,attr"`
		Schema  schema   `xml:"edmx:DataServices>Schema"`
	}
	schema struct {
		XMLNS     string       `xml:"xmlns,attr"`
		Namespace string       `xml:"Namespace,attr"`
		Types     []entityType `xml:"EntityType"`
		Actions   []operation  `xml:"Action"`
		Functions []operation  `xml:"Function"`
	}
	// operation is a quick action or a saved search, with the ActionId that it is called by.
	operation struct {
		Name       string      `xml:"Name,attr"`
		Bound      bool        `xml:"IsBound,attr"`
		Parameters []parameter `xml:"Parameter"`
	}
	parameter struct {
		Name    string      `xml:"Name,attr"`
		Type    string      `xml:"Type,attr"`
		Default *annotation `xml:"Annotation,omitempty"`
	}
	annotation struct {
		Term  string        `xml:"Term,attr"`
		Value propertyValue `xml:"PropertyValue"`
	}
	propertyValue struct {
		Property string `xml:"Property,attr"`
		String   string `xml:"String,attr"`
	}
	entityType struct {
		Name       string       `xml:"Name,attr"`
		Key        propertyRef  `xml:"Key>PropertyRef"`
		Properties []property   `xml:"Property"`
		Links      []navigation `xml:"NavigationProperty"`
	}
	propertyRef struct {
		Name string `xml:"Name,attr"`
	}
	property struct {
		Name      string `xml:"Name,attr"`
		Type      string `xml:"Type,attr"`
		MaxLength int    `xml:"MaxLength,attr,omitempty"`
		Nullable  bool   `xml:"Nullable,attr"`
	}
	navigation struct {
		Name string `xml:"Name,attr"`
		Type string `xml:"Type,attr"`
	}
)

// operation describes a quick action or a saved search.
func (o *object) operation(name, actionID string) operation {
	return operation{Name: name, Bound: true, Parameters: []parameter{{Name: "bindingParameter", Type: "MetaData." + o.name},
		{Name: "ActionId", Type: "Edm.Guid", Default: &annotation{"Org.OData.Core.V1.OptionalParameter", propertyValue{"DefaultValue", actionID}}}}}
}

// metadata answers GET of what an object looks like, with its quick actions and the saved
// searches of who asks.
func metadata(c *call, o *object) error {
	t := entityType{Name: o.name, Key: propertyRef{recID}}
	for _, f := range o.fields {
		t.Properties = append(t.Properties, properties(f)...)
	}
	for _, r := range o.ties {
		t.Links = append(t.Links, navigation{Name: r.name, Type: "Collection(MetaData." + c.objects[r.to].name + ")"})
	}
	if o.kind.Scope == record.OfOrganization || o.kind.Scope == record.Organization {
		t.Links = append(t.Links, navigation{Name: o.name + "ContainsAttachment", Type: "Collection(MetaData.Attachment)"})
	}
	var actions, functions []operation
	for _, a := range o.actions {
		actions = append(actions, o.operation(a.name, o.actionID(a)))
	}
	err := c.Gate.View(c.r.Context(), c.caller, func(tx *gate.Tx) error {
		list, err := view.List(tx, o.kind.Name, o.kind.Variant)
		for _, v := range list {
			functions = append(functions, o.operation(underscored(v.Name), viewID(v)))
		}
		return err
	})
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	doc := csdl{Edmx: "http://docs.oasis-open.org/odata/ns/edmx", Version: "4.0", Schema: schema{"http://docs.oasis-open.org/odata/ns/edm", "MetaData", []entityType{t}, actions, functions}}
	doc.XMLName = xml.Name{Local: "edmx:Edmx"}
	if err := xml.NewEncoder(&b).Encode(doc); err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/xml; charset=utf-8")
	h.Set("OData-Version", "4.0")
	c.w.WriteHeader(http.StatusOK)
	_, err = c.w.Write(b.Bytes())
	return err
}

// properties are the names by which a field is there, with their types.
func properties(f *field) []property {
	rec := func(name string) property {
		return property{Name: name, Type: "Edm.String", MaxLength: 32, Nullable: true}
	}
	one := property{Name: f.name, Type: "Edm.String", Nullable: f.of == nil || !f.of.Required}
	switch {
	case f.of == nil && f.name == readOnly:
		one.Type = "Edm.Boolean"
	case f.of == nil && (f.name == created || f.name == modified):
		one.Type = "Edm.DateTimeOffset"
	case f.name == recID:
		one.MaxLength, one.Nullable = 32, false
	case f.of != nil:
		one.Type, one.MaxLength = edm(f.of)
	}
	switch f.form {
	case link, upward:
		return []property{one, rec(f.name + "_RecID"), {Name: f.name + "_Category", Type: "Edm.String", Nullable: true}}
	case named, choice:
		return []property{one, rec(f.name + "_Valid")}
	}
	return []property{one}
}

func edm(f *record.Field) (typ string, length int) {
	switch f.Type {
	case record.Integer:
		return "Edm.Int64", 0
	case record.Number:
		return "Edm.Double", 0
	case record.Bool:
		return "Edm.Boolean", 0
	case record.Date:
		return "Edm.Date", 0
	case record.Time:
		return "Edm.DateTimeOffset", 0
	case record.Text, record.Choice:
		return "Edm.String", record.MaxText
	}
	return "Edm.String", 0
}
