package flexibleasset

import (
	"cmp"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Field is a field of a type, as it was designed.
type Field struct {
	ID       id.ID
	Type     id.ID
	Name     string
	Key      string // in the API: Key of the name it had first
	Kind     string
	Hint     string
	TagType  string
	Default  string // of a Select, the choices, one on a line
	Decimals int
	Depends  record.Dependence // of a Tag
	Order    int64

	Required, List, Title, Expires bool
}

// Fields lists the fields of a type of assets in their order.
func Fields(tx *gate.Tx, typ id.ID) ([]Field, error) {
	return fields(tx, "k_"+FieldKind, TypeField, typ)
}

// FieldsOf lists, in their order, the fields of what makes a variant of a kind whose parts
// are designed as those of assets are.
func FieldsOf(tx *gate.Tx, k *record.Kind, typ id.ID) ([]Field, error) {
	return fields(tx, "k_"+k.Variants.Parts, k.Variants.By, typ)
}

func fields(tx *gate.Tx, table, by string, typ id.ID) ([]Field, error) {
	rows, err := tx.Query(`select r.id, r.name, coalesce(k.name_key, ''), coalesce(k."kind", ''), coalesce(k.hint, ''), coalesce(k.tag_type, ''), coalesce(k.default_value, ''),
		coalesce(k.decimals, -1), coalesce(k."order", 0), coalesce(k."required", 0), coalesce(k.show_in_list, 0), coalesce(k.use_for_title, 0), coalesce(k.expiration, 0), coalesce(k.dependence, '')
		from `+table+` k join record r on r.id = k.id where k.`+by+` = ? and r.trashed_at is null order by coalesce(k."order", 0), r.id`, int64(typ))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Field
	for rows.Next() {
		f := Field{Type: typ}
		var n int64
		if err := rows.Scan(&n, &f.Name, &f.Key, &f.Kind, &f.Hint, &f.TagType, &f.Default, &f.Decimals, &f.Order, &f.Required, &f.List, &f.Title, &f.Expires, &f.Depends); err != nil {
			return nil, err
		}
		f.ID = id.ID(n)
		out = append(out, f)
	}
	return out, rows.Err()
}

// variant reads a type as a variant of the kind of assets.
func variant(tx *gate.Tx, typ id.ID) (*record.Variant, error) {
	v := &record.Variant{}
	var icon sql.NullString
	err := tx.QueryRow(`select r.name, k.icon from record r join k_flexible_asset_type k on k.id = r.id where r.id = ?`, int64(typ)).Scan(&v.Labels, &icon)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, gate.Missing()
	}
	if err != nil {
		return nil, err
	}
	v.Label, v.Icon = v.Labels, icon.String
	list, err := Fields(tx, typ)
	if err != nil {
		return nil, err
	}
	group := ""
	var titles []record.Field
	for i := range list {
		f := &list[i]
		if f.Kind == Header {
			group = f.Name
			continue
		}
		r := f.Record()
		r.Group = group
		v.Fields = append(v.Fields, r)
		if f.Title {
			titles = append(titles, r)
		}
	}
	if len(titles) == 0 {
		for _, f := range v.Fields {
			if f.Type == record.Text {
				titles = []record.Field{f}
				break
			}
		}
	}
	v.Adapt = func(k *record.Kind) {
		k.NameOf = func(values record.Values) string { return cmp.Or(title(titles, values), v.Label) }
	}
	return v, nil
}

// Record is the field as the engine knows it.
func (f *Field) Record() record.Field {
	out := record.Field{Name: record.TraitName(f.ID), Trait: f.ID, Label: f.Name, Class: record.Personal, Required: f.Required, List: f.List, Hint: f.Hint,
		Filter: f.List, Sort: f.List}
	switch f.Kind {
	case Textbox:
		out.Type, out.Filter, out.Sort, out.Search = record.HTML, false, false, true
	case Number, Percent:
		out.Type = record.Number
	case Date:
		out.Type, out.Expires = record.Date, f.Expires
	case Checkbox:
		out.Type = record.Bool
	case Select:
		out.Type, out.Search, out.Choices = record.Choice, true, Choices(f.Default)
	case Password:
		out.Type = record.Secret
	case Tag:
		out.Type = record.Refs
		out.Ref, out.RefVariant = f.Target()
		out.Depends = f.Depends
	case Upload:
		out.Type = record.Files
	default:
		out.Type, out.Search = record.Text, true
	}
	if f.Kind != Select && f.Default != "" {
		if v, err := out.Parse(f.Default); err == nil && out.Type != record.Secret && out.Type != record.Refs {
			out.Default = v
		}
	}
	return out
}

// Target is what a Tag refers to: a kind, or a type of assets.
func (f *Field) Target() (kind string, typ id.ID) {
	if rest, ok := strings.CutPrefix(f.TagType, "FlexibleAssetType:"); ok {
		typ, _ := id.Parse(strings.TrimSpace(rest))
		return Kind, typ
	}
	kind, _ = tagKind(f.TagType)
	return kind, 0
}

// Choices are the lines of a Select's default value.
func Choices(text string) []string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// title joins the values of the fields that are used for it.
func title(of []record.Field, values record.Values) string {
	var parts []string
	for _, f := range of {
		switch v := values[f.Name].(type) {
		case string:
			parts = append(parts, v)
		case float64:
			parts = append(parts, strconv.FormatFloat(v, 'f', -1, 64))
		case bool:
			if v {
				parts = append(parts, f.Title())
			}
		}
	}
	s := strings.Join(parts, " ")
	if r := []rune(s); len(r) > 250 {
		s = string(r[:250])
	}
	return s
}

// Place moves a field of a type to a place among the others, counted from 0.
// Fault kinds: Denied, NotFound.
func Place(tx *gate.Tx, e *record.Engine, typ, field id.ID, place int) error {
	list, err := Fields(tx, typ)
	if err != nil {
		return err
	}
	return Reorder(tx, e, FieldKind, list, field, place)
}

// Reorder moves one of the fields of a list, which are records of that kind, to a place
// counted from 0. Fault kinds: Denied, NotFound.
func Reorder(tx *gate.Tx, e *record.Engine, kind string, list []Field, field id.ID, place int) error {
	from := slices.IndexFunc(list, func(f Field) bool { return f.ID == field })
	if from < 0 {
		return gate.Missing()
	}
	moved := list[from]
	list = slices.Delete(list, from, from+1)
	list = slices.Insert(list, min(max(place, 0), len(list)), moved)
	for i, f := range list {
		if f.Order == int64(i+1) {
			continue
		}
		if _, err := e.Update(tx, kind, f.ID, 0, record.Values{"order": int64(i + 1)}); err != nil {
			return err
		}
	}
	return nil
}
