package flexibleasset

import (
	"cmp"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// afterType refuses to delete a type that has assets: they would be without
// their fields.
func afterType(tx *gate.Tx, now, old *record.Record) error {
	if old == nil || old.Trashed != 0 || now.Trashed == 0 {
		return nil
	}
	var n int64
	err := tx.QueryRow(`select count(*) from record r where r.variant_id = ? and r.variant_id <> 0 and r.trashed_at is null`, int64(now.ID)).Scan(&n)
	if err != nil || n == 0 {
		return err
	}
	return fault.New(fault.Conflict, "There are %d assets of the type %s.", n, now.Name).WithHint("Delete them first, or disable the type: then nothing more is added to it.")
}

func beforeField(tx *gate.Tx, now, old *record.Record) error {
	v := now.Values
	if old != nil && v.ID(TypeField) != old.Values.ID(TypeField) {
		return fault.Field(TypeField, "A field stays in its type. Make a new one in the other.")
	}
	if err := check(v); err != nil {
		return err
	}
	if old != nil {
		return keepable(tx, now, old)
	}
	list, err := Fields(tx, v.ID(TypeField))
	if err != nil {
		return err
	}
	if len(list) >= maxFields {
		return fault.New(fault.Invalid, "A type has at most %d fields.", maxFields)
	}
	key := cmp.Or(v.Text("name_key"), Key(now.Name), "field") // an import brings the key along
	v["name_key"] = key
	for n := 2; slices.ContainsFunc(list, func(f Field) bool { return f.Key == v["name_key"] }); n++ {
		v["name_key"] = key + "-" + id.ID(n).String()
	}
	if v["order"] == nil {
		v["order"] = int64(1)
		if n := len(list); n > 0 {
			v["order"] = list[n-1].Order + 1
		}
	}
	return nil
}

// maxFields is how many fields a type may have.
const maxFields = 200

func check(v record.Values) error {
	switch v.Text("kind") {
	case Tag:
		f := Field{TagType: v.Text("tag_type")}
		if kind, typ := f.Target(); kind == Kind && typ == 0 {
			return fault.Field("tag_type", "Name the type of asset, such as FlexibleAssetType: 123.")
		}
		if _, ok := tagKind(f.TagType); !ok && !strings.HasPrefix(f.TagType, "FlexibleAssetType:") {
			return fault.Field("tag_type", "A tag cannot refer to %q.", f.TagType)
		}
	case Select:
		if len(Choices(v.Text("default_value"))) == 0 {
			return fault.Field("default_value", "Say what there is to choose from, one on a line.")
		}
	}
	return nil
}

// apart are the kinds whose values are not among the asset's own.
func apart(kind string) bool { return kind == Password || kind == Upload || kind == Header }

// keepable refuses to turn a field whose values are kept in one place into one
// whose values are kept in another, once it has some.
func keepable(tx *gate.Tx, now, old *record.Record) error {
	from, to := old.Values.Text("kind"), now.Values.Text("kind")
	if from == to || !apart(from) && !apart(to) && (from == Tag) == (to == Tag) {
		return nil
	}
	used, err := hasValues(tx, old.Values.ID(TypeField), old.ID, from)
	if err != nil || !used {
		return err
	}
	return fault.Field("kind", "This field has values, which a %s cannot hold. Make a new field, and take this one away when it is empty.", strings.ToLower(to))
}

func hasValues(tx *gate.Tx, typ, field id.ID, kind string) (bool, error) {
	q, args := `select 1 from k_flexible_asset k where k.flexible_asset_type_id = ? and cast(k.traits as text) like ? limit 1`,
		[]any{int64(typ), `%"` + record.TraitName(field) + `":%`}
	switch kind {
	case Password:
		q, args = `select 1 from k_password k where k.flexible_asset_field_id = ? limit 1`, []any{int64(field)}
	case Upload:
		q, args = `select 1 from attachment a where a.role = ? limit 1`, []any{record.TraitName(field)}
	case Header:
		return false, nil
	}
	var one int
	err := tx.QueryRow(q, args...).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// afterField brings the assets of the type to what the field is now.
func afterField(tx *gate.Tx, now, old *record.Record) error {
	if old != nil && old.Trashed == now.Trashed && same(old, now) {
		return nil
	}
	return now.Kind.Engine().Reshaped(tx, Kind, now.Values.ID(TypeField))
}

// same tells whether a change of a field leaves names, keys and the search of
// assets alone.
func same(old, now *record.Record) bool {
	for _, f := range []string{"kind", "default_value", "tag_type", "show_in_list", "use_for_title", "expiration"} {
		if old.Values[f] != now.Values[f] {
			return false
		}
	}
	return !now.Values.Bool("use_for_title") || old.Values["order"] == now.Values["order"]
}

// beforeAsset refuses a new asset of a type that is in the trash.
func beforeAsset(tx *gate.Tx, now, old *record.Record) error {
	if old != nil {
		return nil
	}
	var one int
	err := tx.QueryRow(`select 1 from record r where r.id = ? and r.trashed_at is null`, int64(now.Values.ID(TypeField))).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.Field(TypeField, "There is no such type.")
	}
	return err
}

// embed keeps the text of a Password field in a password that is embedded in the
// asset. An empty text makes no password, and clears one that is there.
func embed(tx *gate.Tx, r *record.Record, f *record.Field, text string) error {
	e := r.Kind.Engine().Inside()
	var have int64
	err := tx.QueryRow(`select r.id from record r join k_password k on k.id = r.id where k.resource_id = ? and k.flexible_asset_field_id = ? and r.trashed_at is null`,
		int64(r.ID), int64(f.Trait)).Scan(&have)
	switch {
	case errors.Is(err, sql.ErrNoRows) && text == "":
		return nil
	case errors.Is(err, sql.ErrNoRows):
		_, err = e.Create(tx, "password", record.Values{"organization_id": r.Org, "name": f.Title(), "resource_type": "Flexible Asset", "resource_id": int64(r.ID),
			"flexible_asset_field_id": int64(f.Trait), "password": text})
	case err == nil:
		_, err = e.Update(tx, "password", id.ID(have), 0, record.Values{"password": text})
	}
	return err
}

// Passwords gives the embedded passwords of some assets: by asset, and then by
// the field's id.
func Passwords(tx *gate.Tx, assets ...id.ID) (map[id.ID]map[id.ID]id.ID, error) {
	out := map[id.ID]map[id.ID]id.ID{}
	for len(assets) > 0 {
		part := assets[:min(len(assets), 500)]
		assets = assets[len(part):]
		cond, more := tx.Visible("r")
		marks := strings.TrimSuffix(strings.Repeat("?, ", len(part)), ", ")
		var args []any
		for _, a := range part {
			args = append(args, int64(a))
		}
		rows, err := tx.Query(`select k.resource_id, k.flexible_asset_field_id, r.id from record r join k_password k on k.id = r.id
			where k.resource_id in (`+marks+`) and k.flexible_asset_field_id is not null and r.trashed_at is null and `+cond, append(args, more...)...)
		if err != nil {
			return nil, err
		}
		if err := each(rows, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

type rowsOf interface {
	Next() bool
	Scan(...any) error
	Err() error
	Close() error
}

func each(rows rowsOf, out map[id.ID]map[id.ID]id.ID) error {
	defer rows.Close()
	for rows.Next() {
		var asset, field, password int64
		if err := rows.Scan(&asset, &field, &password); err != nil {
			return err
		}
		if out[id.ID(asset)] == nil {
			out[id.ID(asset)] = map[id.ID]id.ID{}
		}
		out[id.ID(asset)][id.ID(field)] = id.ID(password)
	}
	return rows.Err()
}

// purge takes away what a type or field leaves behind.
func purge(tx *gate.Tx, r *record.Record) error {
	if r.Kind.Name != FieldKind {
		return nil
	}
	_, err := tx.Exec(`delete from trait where field_id = ?`, int64(r.ID))
	return err
}
