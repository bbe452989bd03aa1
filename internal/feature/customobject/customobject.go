// Package customobject lets administrators define kinds of their own: what their service desk
// works on besides tickets, with fields, links, states and rules.
//
// Always true: a field of a definition is known by its id, so that renaming or moving it
// loses no value; a change of a definition leaves no object with what the new one forbids:
// it is refused, and says which objects stand against it; a definition that has objects
// stays. The fields are those of package flexibleasset, and a few more.
package customobject

import (
	"strongroom/internal/core/record"
	"strongroom/internal/feature/flexibleasset"
)

// The names of the kinds.
const (
	TypeKind  = "object_type"
	FieldKind = "object_field"
	Kind      = "custom_object"
)

// TypeField is the field of an object, and of a field, that names the definition.
const TypeField = "object_type_id"

// State is the field of an object that holds its state.
const State = "status"

// The kinds of fields that objects have besides those of assets.
const (
	Lines   = "Long text"
	Whole   = "Whole number"
	Moment  = "Date and time"
	Mail    = "E-mail address"
	Phone   = "Telephone"
	Address = "Web address"
	Link    = "Link" // one record; a Tag is several
)

// Feature is the kinds that tenants define.
func Feature() record.Feature {
	return record.Feature{Name: "customobject", Kinds: []*record.Kind{types(), parts(), objects()}, Purge: purge}
}

func types() *record.Kind {
	return &record.Kind{
		Name: TypeKind, Plural: "object_types", Label: "Kind of objects", Labels: "Kinds of objects",
		Icon: "stack-2", Scope: record.OfTenant, Admin: true, Before: beforeType, After: afterType,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Unique: true, Filter: true, Sort: true, Search: true, List: true, Hint: "What one is called, such as Agency."},
			{Name: "plural_name", Label: "Several are called", Type: record.Text, Class: record.Internal, List: true, Hint: "Left empty, it follows from the name."},
			{Name: "name_key", Label: "Key", Type: record.Text, Class: record.Internal, ReadOnly: true, Kept: true, Unique: true, Filter: true},
			{Name: "description", Type: record.Multiline, Class: record.Internal, List: true},
			{Name: "icon", Type: record.Text, Class: record.Public, Hint: "The name of one of the icons of the menu."},
			{Name: "prefix", Label: "Numbers begin with", Type: record.Text, Class: record.Internal, Hint: "The AGY of AGY-1001. Left empty, the first letters of the name."},
			{Name: "enabled", Type: record.Bool, Class: record.Public, Default: true, Filter: true, List: true, Hint: "Offered when objects are added."},
			{Name: "states", Type: record.Rows, Class: record.Internal, Group: "States", Hint: "Without any, objects have no state. What one becomes and what it needs are names, with commas between them.", Rows: []record.Field{
				{Name: "state", Label: "State", Type: record.Text, Class: record.Internal},
				{Name: "begins", Label: "New ones may be", Type: record.Bool, Class: record.Internal},
				{Name: "becomes", Label: "May become", Type: record.Text, Class: record.Internal},
				{Name: "needs", Label: "Needs the fields", Type: record.Text, Class: record.Internal},
				{Name: "closed", Label: "Nothing changes", Type: record.Bool, Class: record.Internal},
			}},
			{Name: "edition", Type: record.Integer, Class: record.Public, ReadOnly: true, Default: 1, List: true, Hint: "Grows with each change of what objects may hold."},
		},
	}
}

func parts() *record.Kind {
	return &record.Kind{
		Name: FieldKind, Plural: "object_fields", Label: "Field of objects", Labels: "Fields of objects",
		Icon: "list", Scope: record.OfTenant, Admin: true, Before: beforeField, After: afterField,
		Fields: []record.Field{
			{Name: TypeField, Label: "Kind of objects", Type: record.Ref, Ref: TypeKind, Class: record.Public, Required: true, Filter: true},
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, List: true},
			{Name: "name_key", Label: "Key", Type: record.Text, Class: record.Internal, ReadOnly: true, Kept: true, Filter: true},
			{Name: "kind", Type: record.Choice, Class: record.Public, Required: true, Choices: Kinds(), List: true},
			{Name: "order", Type: record.Integer, Class: record.Public, Sort: true},
			{Name: "hint", Type: record.Text, Class: record.Internal},
			{Name: "tag_type", Label: "It links to", Type: record.Text, Class: record.Public, Hint: "Of a Link or Tag: a kind, such as configuration, or Object: and the key of a kind of objects."},
			{Name: "dependence", Label: "If it fails", Type: record.Choice, Class: record.Public, Choices: record.Dependences(), Hint: "Of a Link or Tag: an object depends on what it links to, or is used by it."},
			{Name: "default_value", Label: "Choices, or the usual value", Type: record.Multiline, Class: record.Internal, Hint: "Of a Select the choices, one on a line; of others what a new object begins with."},
			{Name: "decimals", Type: record.Integer, Class: record.Public},
			{Name: "required", Type: record.Bool, Class: record.Public},
			{Name: "show_in_list", Label: "In lists", Type: record.Bool, Class: record.Public, List: true, Hint: "And filtered and sorted by."},
			{Name: "use_for_title", Label: "Part of the name", Type: record.Bool, Class: record.Public, Hint: "An object that is given no name is called by these."},
			{Name: "expiration", Label: "Something runs out on it", Type: record.Bool, Class: record.Public, Hint: "Of a Date."},
			{Name: "shown_when", Label: "Shown when", Type: record.Text, Class: record.Internal, Group: "Rules", Hint: "The name of another field. Left empty, it is always shown."},
			{Name: "shown_is", Label: "is", Type: record.Text, Class: record.Internal, Group: "Rules", Hint: "Left empty, anything."},
			{Name: "required_when", Label: "Required when", Type: record.Text, Class: record.Internal, Group: "Rules", Hint: "The name of another field."},
			{Name: "required_is", Label: "is", Type: record.Text, Class: record.Internal, Group: "Rules", Hint: "Left empty, anything."},
		},
	}
}

func objects() *record.Kind {
	return &record.Kind{
		Name: Kind, Plural: "custom_objects", Label: "Object", Labels: "Objects",
		Icon: "stack-2", Scope: record.OfOrganization, Shared: true, Menu: 11, Before: beforeObject,
		Variants: &record.Variants{By: TypeField, Parts: FieldKind, Depends: "dependence", Of: variant},
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Filter: true, Sort: true, Search: true, List: true, Hint: "Left empty, it follows from the fields that are part of it."},
			{Name: TypeField, Label: "Kind", Type: record.Ref, Ref: TypeKind, Class: record.Public, Required: true, Filter: true, List: true},
			{Name: "number", Type: record.Integer, Class: record.Internal, ReadOnly: true, Kept: true, Filter: true, Sort: true, List: true},
			{Name: State, Label: "State", Type: record.Text, Class: record.Internal, Filter: true, Sort: true, List: true},
		},
	}
}

// Kinds lists the kinds of fields.
func Kinds() []string {
	return []string{flexibleasset.Text, Lines, flexibleasset.Textbox, Whole, flexibleasset.Number, flexibleasset.Percent, flexibleasset.Date, Moment, flexibleasset.Checkbox,
		flexibleasset.Select, Mail, Phone, Address, Link, flexibleasset.Tag, flexibleasset.Upload, flexibleasset.Header}
}
