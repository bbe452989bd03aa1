package customobject

import (
	"cmp"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/number"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/flexibleasset"
)

// beforeObject fills in number and state, and holds an object to its definition. One that
// brings its number along from another house is not judged again.
func beforeObject(tx *gate.Tx, now, old *record.Record) error {
	d, err := Of(tx, now.Values.ID(TypeField))
	if fault.Is(err, fault.NotFound) {
		err = fault.Field(TypeField, "There is no such kind of objects.")
	}
	if err == nil && old == nil {
		err = there(tx, d.ID)
	}
	if err != nil {
		return err
	}
	came, err := numbered(tx, d, now, old)
	if err != nil {
		return err
	}
	d.hide(now)
	if d.Life != nil && now.Values[State] == nil {
		for _, s := range d.Life.States {
			if s.Begins {
				now.Values[State] = s.Name
				break
			}
		}
	}
	if came || completes(tx, now, old) {
		return nil
	}
	bad := map[string]string{}
	for i := range d.Fields {
		f := &d.Fields[i]
		if now.Values[f.Trait()] != nil || f.Kind == flexibleasset.Header || f.Kind == flexibleasset.Upload || !d.shown(f, now.Values, 0) {
			continue
		}
		switch {
		case f.Required && f.Shown.Key != "":
			bad[f.Trait()] = f.Name + " is missing."
		case f.Needed.Key != "" && d.met(f.Needed, now.Values):
			bad[f.Trait()] = f.Name + " is missing, and needed with what " + d.field(f.Needed.Key).Name + " says."
		}
	}
	if err := fault.Fields(bad); err != nil || d.Life == nil {
		return err
	}
	return d.Life.Check(now, old)
}

// completes tells whether an import sets the references of an object that it brought: those
// lead to what came later, and what it is was judged where it came from.
func completes(tx *gate.Tx, now, old *record.Record) bool {
	if old == nil || !lifecycle.Completes(tx) {
		return false
	}
	for i := range now.Kind.Fields {
		f := &now.Kind.Fields[i]
		link := f.Trait != 0 && (f.Type == record.Ref || f.Type == record.Refs) && old.Values[f.Name] == nil
		if !link && !reflect.DeepEqual(now.Values[f.Name], old.Values[f.Name]) {
			return false
		}
	}
	return now.Name == old.Name && now.Org == old.Org
}

// there refuses a new object of a definition that is in the trash.
func there(tx *gate.Tx, typ id.ID) error {
	var n int
	err := tx.QueryRow(`select count(*) from record r where r.id = ? and r.trashed_at is null`, int64(typ)).Scan(&n)
	if err == nil && n == 0 {
		err = fault.Field(TypeField, "There is no such kind of objects.")
	}
	return err
}

// numbered gives a new object its number, and tells whether it brought one along.
func numbered(tx *gate.Tx, d *Design, now, old *record.Record) (came bool, err error) {
	if old != nil {
		now.Values["number"] = old.Values["number"]
		return false, nil
	}
	series := "object-" + d.ID.String()
	if n, brought := now.Values["number"].(int64); brought && n > 0 {
		var have int
		if err := tx.QueryRow(`select count(*) from k_custom_object k where k.object_type_id = ? and k.number = ?`, int64(d.ID), n).Scan(&have); err != nil {
			return true, err
		}
		if have == 0 {
			return true, number.Taken(tx, series, n)
		}
		came = true
	}
	n, err := number.Next(tx, series)
	now.Values["number"] = n
	return came, err
}

// hide takes out what is not shown: nobody could see or change it.
func (d *Design) hide(now *record.Record) {
	for i := range d.Fields {
		if f := &d.Fields[i]; f.Shown.Key != "" && !d.shown(f, now.Values, 0) {
			delete(now.Values, f.Trait())
		}
	}
}

// shown tells whether a field is shown with these values. What is shown with one that is
// not shown is not shown either.
func (d *Design) shown(f *Field, v record.Values, deep int) bool {
	if f.Shown.Key == "" {
		return true
	}
	of := d.field(f.Shown.Key)
	if of == nil {
		return true // what it asked for is gone
	}
	return deep < len(d.Fields) && d.shown(of, v, deep+1) && d.met(f.Shown, v)
}

// met tells whether a condition holds. One on a field that is gone does not.
func (d *Design) met(w When, v record.Values) bool {
	of := d.field(w.Key)
	if of == nil {
		return false
	}
	is := plain(v[of.Trait()])
	if w.Is == "" {
		return is != "" && is != "no"
	}
	if _, yes := v[of.Trait()].(bool); yes || of.Kind == flexibleasset.Checkbox {
		on, err := (&record.Field{Name: "is", Type: record.Bool}).Parse(w.Is)
		return err == nil && on == v.Bool(of.Trait())
	}
	return record.Fold(is) == record.Fold(w.Is)
}

// plain is a value as people write it in a condition.
func plain(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case bool:
		return map[bool]string{true: "yes", false: "no"}[x]
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case nil:
		return ""
	}
	return fmt.Sprint(v)
}

// maxFields is how many fields a definition may have.
const maxFields = 200

// beforeField completes a field and refuses what nobody could fill in, and what stands
// against the objects that there are.
func beforeField(tx *gate.Tx, now, old *record.Record) error {
	v := now.Values
	if old != nil && v.ID(TypeField) != old.Values.ID(TypeField) {
		return fault.Field(TypeField, "A field stays in its kind of objects. Make a new one in the other.")
	}
	d, err := Of(tx, v.ID(TypeField))
	if fault.Is(err, fault.NotFound) {
		err = fault.Field(TypeField, "There is no such kind of objects.")
	}
	if err != nil {
		return err
	}
	came := old == nil && v["name_key"] != nil
	if err := checkField(now); err != nil {
		return err
	}
	if !came {
		if err := d.checkRules(now); err != nil {
			return err
		}
	}
	if old != nil {
		return d.narrows(tx, now, old)
	}
	if len(d.Fields) >= maxFields {
		return fault.New(fault.Invalid, "A kind of objects has at most %d fields.", maxFields)
	}
	key := cmp.Or(v.Text("name_key"), flexibleasset.Key(now.Name), "field") // an import brings the key along
	v["name_key"] = key
	for n := 2; d.keyed(v.Text("name_key")); n++ {
		v["name_key"] = key + "-" + id.ID(n).String()
	}
	if v["order"] == nil {
		v["order"] = int64(1)
		if n := len(d.Fields); n > 0 {
			v["order"] = d.Fields[n-1].Order + 1
		}
	}
	if v.Bool("required") && !came && v.Text("shown_when") == "" && v.Text("default_value") == "" {
		return d.against(tx, "required", "lack it", "Add the field first, fill it in, and make it required then.", func(values map[string]any, _ string) bool { return true })
	}
	return nil
}

func (d *Design) keyed(key string) bool {
	for i := range d.Fields {
		if d.Fields[i].Key == key {
			return true
		}
	}
	return false
}

// checkField refuses a field that could hold nothing.
func checkField(now *record.Record) error {
	v := now.Values
	switch v.Text("kind") {
	case flexibleasset.Select:
		if len(flexibleasset.Choices(v.Text("default_value"))) == 0 {
			return fault.Field("default_value", "Say what there is to choose from, one on a line.")
		}
	case Link, flexibleasset.Tag:
		to := v.Text("tag_type")
		if key, ours := strings.CutPrefix(to, objectOf); ours && strings.TrimSpace(key) != "" {
			v["tag_type"] = objectOf + " " + strings.TrimSpace(key)
			return nil
		}
		if to == "" && v.Text("kind") == flexibleasset.Tag {
			return nil
		}
		if k := now.Kind.Engine().Kinds.Kind(to); k == nil || k.Scope == record.OfPerson || k.Admin && k.Name != "user" {
			return fault.Field("tag_type", "Nothing can link to %q.", to).WithHint("Name a kind, such as configuration or contact, or Object: and the key of a kind of objects.")
		}
	default:
		f := Field{Field: flexibleasset.Field{Kind: v.Text("kind")}}
		r := f.Record()
		if usual := v.Text("default_value"); usual != "" {
			if _, err := r.Parse(usual); err != nil {
				return fault.Field("default_value", "The usual value would be refused: %s", fault.Say(err).Text)
			}
		}
	}
	return nil
}

// checkRules refuses conditions on what is not there, and on the field itself.
func (d *Design) checkRules(now *record.Record) error {
	for _, rule := range []string{"shown_when", "required_when"} {
		said := now.Values.Text(rule)
		if said == "" {
			continue
		}
		of := d.field(said)
		switch {
		case of == nil:
			return fault.Field(rule, "There is no field %q here.", said).WithHint("Name another field of the same kind of objects.")
		case of.ID == now.ID:
			return fault.Field(rule, "This would depend on itself.")
		case of.Kind == flexibleasset.Header || of.Kind == flexibleasset.Upload || of.Kind == flexibleasset.Tag:
			return fault.Field(rule, "%s holds nothing that can be compared.", of.Name)
		}
		now.Values[rule] = of.Key
		if rule != "shown_when" {
			continue
		}
		for at, steps := of, 0; at != nil && at.Shown.Key != ""; steps++ {
			if at = d.field(at.Shown.Key); at != nil && at.ID == now.ID || steps > maxFields {
				return fault.Field(rule, "Whether this is shown would depend on itself.")
			}
		}
	}
	return nil
}

// afterField brings the objects to what the field is now, and gives the definition its next
// edition.
func afterField(tx *gate.Tx, now, old *record.Record) error {
	typ := now.Values.ID(TypeField)
	if old != nil && old.Trashed == now.Trashed && same(old, now) {
		return nil
	}
	if old != nil && old.Trashed == 0 && now.Trashed != 0 {
		if err := droppable(tx, now, typ); err != nil {
			return err
		}
	}
	e := now.Kind.Engine().Inside()
	if err := e.Reshaped(tx, Kind, typ); err != nil {
		return err
	}
	t, err := e.Get(tx, TypeKind, typ)
	if fault.Is(err, fault.NotFound) { // it is in the trash itself
		return nil
	}
	if err != nil {
		return err
	}
	n, _ := t.Values["edition"].(int64)
	_, err = e.Update(tx, TypeKind, typ, 0, record.Values{"edition": n + 1})
	return err
}

// same tells whether a change of a field leaves what objects may hold, and how they are
// called, alone.
func same(old, now *record.Record) bool {
	for i := range now.Kind.Fields {
		if f := now.Kind.Fields[i].Name; f != "order" && f != "hint" && old.Values[f] != now.Values[f] {
			return false
		}
	}
	return old.Name == now.Name && (!now.Values.Bool("use_for_title") || old.Values["order"] == now.Values["order"])
}

// purge takes away what a field leaves behind.
func purge(tx *gate.Tx, r *record.Record) error {
	if r.Kind.Name != FieldKind {
		return nil
	}
	_, err := tx.Exec(`delete from trait where field_id = ?`, int64(r.ID))
	return err
}
