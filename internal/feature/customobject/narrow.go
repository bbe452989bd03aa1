package customobject

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
	"strongroom/internal/core/sealed"
	"strongroom/internal/feature/flexibleasset"
)

// mostNamed is how many objects a refusal names.
const mostNamed = 5

// standing finds the objects of a definition that stand against a change of it: how many,
// and the first. It looks at all of them, whoever may see them.
func (d *Design) standing(tx *gate.Tx, against func(values map[string]any, state string) bool) (int, []id.ID, error) {
	rows, err := tx.Query(`select k.id, coalesce(k.status, ''), coalesce(cast(k.traits as text), '') from k_custom_object k join record r on r.id = k.id
		where k.object_type_id = ? and r.trashed_at is null order by k.id`, int64(d.ID))
	if err != nil {
		return 0, nil, err
	}
	defer rows.Close()
	n, first := 0, []id.ID{}
	for rows.Next() {
		var rid int64
		var state, traits string
		if err := rows.Scan(&rid, &state, &traits); err != nil {
			return 0, nil, err
		}
		values := map[string]any{}
		if traits != "" {
			if err := json.Unmarshal([]byte(traits), &values); err != nil {
				return 0, nil, err
			}
		}
		if against(values, state) {
			if n++; n <= mostNamed {
				first = append(first, id.ID(rid))
			}
		}
	}
	return n, first, rows.Err()
}

// against refuses a change when objects stand against it, and names those that the caller
// sees.
func (d *Design) against(tx *gate.Tx, field, what, hint string, is func(values map[string]any, state string) bool) error {
	n, first, err := d.standing(tx, is)
	if err != nil || n == 0 {
		return err
	}
	var e record.Engine
	names, err := e.Names(tx, first...)
	if err != nil {
		return err
	}
	said := ""
	for _, rid := range first {
		if names[rid] != "" {
			said += ", " + names[rid]
		}
	}
	if more := n - len(names); said != "" && more > 0 {
		said += fmt.Sprintf(" and %d more", more)
	}
	if said != "" {
		said = ": " + strings.TrimPrefix(said, ", ")
	}
	return fault.Field(field, "%d %s %s%s.", n, d.Labels, what, said).WithHint("%s", hint)
}

// narrows refuses a change of a field that objects stand against.
func (d *Design) narrows(tx *gate.Tx, now, old *record.Record) error {
	trait := record.TraitName(now.ID)
	was, is := old.Values, now.Values
	other := was.Text("kind") != is.Text("kind") || was.Text("tag_type") != is.Text("tag_type") || was.Text("default_value") != is.Text("default_value")
	marks, err := sealed.Of(tx, Kind)
	if err != nil {
		return err
	}
	if _, hidden := marks[trait]; hidden && other {
		return fault.Field("kind", "The values of this field are sealed, and cannot be looked at.").WithHint("Unseal the field first, under Settings.")
	}
	if other {
		f := Field{Field: flexibleasset.Field{ID: now.ID, Kind: is.Text("kind"), TagType: is.Text("tag_type"), Default: is.Text("default_value")}}
		if err := f.leads(tx); err != nil {
			return err
		}
		r := f.Record()
		links := was.Text("tag_type") != is.Text("tag_type") && is.Text("tag_type") != "" || (was.Text("kind") == Link) != (is.Text("kind") == Link)
		err := d.against(tx, d.blame(was, is), "have a value that this would not hold", "Change or clear it there first, or make another field beside this one.", func(values map[string]any, _ string) bool {
			v := values[trait]
			if v == nil {
				return false
			}
			if apart(is.Text("kind")) || links && (f.Kind == Link || f.Kind == flexibleasset.Tag) {
				return true
			}
			_, err := r.Parse(v)
			return err != nil
		})
		if err != nil {
			return err
		}
	}
	if is.Bool("required") && !was.Bool("required") && is.Text("shown_when") == "" && !apart(is.Text("kind")) {
		return d.against(tx, "required", "lack it", "Fill it in there first.", func(values map[string]any, _ string) bool { return values[trait] == nil })
	}
	return nil
}

// apart are the kinds of fields that have no values among an object's own.
func apart(kind string) bool { return kind == flexibleasset.Upload || kind == flexibleasset.Header }

// blame names the field of the form that narrows.
func (d *Design) blame(was, is record.Values) string {
	for _, name := range []string{"kind", "tag_type"} {
		if was.Text(name) != is.Text(name) {
			return name
		}
	}
	return "default_value"
}

// droppable refuses to delete a field that has values, or that the definition speaks of.
func droppable(tx *gate.Tx, now *record.Record, typ id.ID) error {
	d, err := Of(tx, typ)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	key := now.Values.Text("name_key")
	for i := range d.Fields {
		if f := &d.Fields[i]; f.ID != now.ID && (f.Shown.Key == key || f.Needed.Key == key) {
			return fault.New(fault.Conflict, "A rule of the field %s asks for this one.", f.Name).WithHint("Change that rule first.")
		}
	}
	var states string
	if err := tx.QueryRow(`select coalesce(cast(k.states as text), '') from k_object_type k where k.id = ?`, int64(typ)).Scan(&states); err != nil {
		return err
	}
	var rows []map[string]any
	if states != "" {
		if err := json.Unmarshal([]byte(states), &rows); err != nil {
			return err
		}
	}
	for _, row := range rows {
		if slices.ContainsFunc(listed(row["needs"]), func(said string) bool { return said == key || record.Fold(said) == record.Fold(now.Name) }) {
			return fault.New(fault.Conflict, "The state %v needs this field.", row["state"]).WithHint("Take it out of what that state needs first.")
		}
	}
	trait := record.TraitName(now.ID)
	err = d.against(tx, "name", "have a value in this field", "Clear it there first.", func(values map[string]any, _ string) bool { return values[trait] != nil })
	if err != nil {
		say := fault.Say(err)
		return fault.New(fault.Conflict, "%s", say.Fields["name"]).WithHint("%s", say.Hint)
	}
	return nil
}

// beforeType completes a definition and refuses states that do not fit together, and
// changes that objects stand against.
func beforeType(tx *gate.Tx, now, old *record.Record) error {
	v := now.Values
	if v.Text("plural_name") == "" {
		v["plural_name"] = several(now.Name)
	}
	if v.Text("prefix") == "" {
		v["prefix"] = prefix(now.Name)
	}
	if p := v.Text("prefix"); len(p) > 10 || strings.ContainsFunc(p, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		return fault.Field("prefix", "Numbers begin with up to ten letters and digits.")
	}
	if old == nil {
		return key(tx, v, now.Name)
	}
	v["name_key"] = old.Values["name_key"]
	d, err := Of(tx, now.ID)
	if err != nil {
		return err
	}
	d.Labels = cmp.Or(v.Text("plural_name"), now.Name)
	if reflect.DeepEqual(v.Rows("states"), old.Values.Rows("states")) {
		return nil
	}
	if err := d.statesFit(v.Rows("states")); err != nil {
		return err
	}
	n, _ := old.Values["edition"].(int64)
	v["edition"] = n + 1
	l := d.life(v.Rows("states"))
	if l == nil {
		l = &lifecycle.Lifecycle{}
	}
	if err := d.against(tx, "states", "are in a state that would be gone", "Move them to another state first.", func(_ map[string]any, state string) bool { return state != "" && l.State(state) == nil }); err != nil {
		return err
	}
	return d.against(tx, "states", "lack what their state would need", "Fill it in there first.", func(values map[string]any, state string) bool {
		s := l.State(state)
		return s != nil && slices.ContainsFunc(s.Requires, func(f string) bool { return values[f] == nil })
	})
}

// key gives a new definition the word by which programs know it.
func key(tx *gate.Tx, v record.Values, name string) error {
	word := v.Text("name_key")
	if word == "" {
		for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			word += strings.ToUpper(part[:1]) + part[1:]
		}
		if word == "" || unicode.IsDigit(rune(word[0])) {
			word = "Object" + word
		}
	}
	v["name_key"] = word
	for n := 2; ; n++ {
		var have int
		if err := tx.QueryRow(`select count(*) from k_object_type k where lower(k.name_key) = ?`, strings.ToLower(v.Text("name_key"))).Scan(&have); err != nil || have == 0 {
			return err
		}
		v["name_key"] = word + id.ID(n).String()
	}
}

// several guesses what several are called.
func several(name string) string {
	if s, ok := strings.CutSuffix(name, "y"); ok && s != "" && !strings.ContainsRune("aeiou", rune(s[len(s)-1])) {
		return s + "ies"
	}
	if strings.HasSuffix(name, "s") || strings.HasSuffix(name, "x") || strings.HasSuffix(name, "ch") {
		return name + "es"
	}
	return name + "s"
}

// prefix makes the beginning of numbers of a name.
func prefix(name string) string {
	var b strings.Builder
	for _, r := range strings.ToUpper(name) {
		if r >= 'A' && r <= 'Z' && b.Len() < 3 {
			b.WriteRune(r)
		}
	}
	return cmp.Or(b.String(), "OBJ")
}

// statesFit tells what is wrong with states.
func (d *Design) statesFit(rows []map[string]any) error {
	l := d.life(rows)
	if l == nil {
		return nil
	}
	begins := false
	for i, s := range l.States {
		begins = begins || s.Begins
		if slices.Contains(l.Names()[:i], s.Name) {
			return fault.Field("states", "The state %s is there twice.", s.Name)
		}
		for _, to := range s.To {
			if l.State(to) == nil || to == s.Name {
				return fault.Field("states", "%s becomes %q, which is no other state.", s.Name, to).WithHint("There are %s.", strings.Join(l.Names(), ", "))
			}
		}
	}
	if !begins {
		return fault.Field("states", "No object could begin.").WithHint("Tick at least one state that new ones may have.")
	}
	for _, row := range rows {
		for _, said := range listed(row["needs"]) {
			if f := d.field(said); f == nil || apart(f.Kind) {
				return fault.Field("states", "%v needs %q, which is no field that can be filled in.", row["state"], said).WithHint("Add the field first.")
			}
		}
	}
	return nil
}

// afterType refuses to delete a definition that has objects, or that others link to, and
// brings objects to a change of it.
func afterType(tx *gate.Tx, now, old *record.Record) error {
	if old == nil {
		return (&Design{}).statesOfNew(now)
	}
	if old.Trashed == 0 && now.Trashed != 0 {
		return removable(tx, now)
	}
	if old.Values.Text("prefix") == now.Values.Text("prefix") && reflect.DeepEqual(old.Values["states"], now.Values["states"]) {
		return nil
	}
	return now.Kind.Engine().Reshaped(tx, Kind, now.ID)
}

// statesOfNew checks the states of a new definition, whose fields are still to come.
func (d *Design) statesOfNew(now *record.Record) error {
	var rows []map[string]any
	for _, row := range now.Values.Rows("states") {
		bare := map[string]any{}
		for name, v := range row {
			if name != "needs" {
				bare[name] = v
			}
		}
		rows = append(rows, bare)
	}
	return d.statesFit(rows)
}

func removable(tx *gate.Tx, now *record.Record) error {
	var n int64
	err := tx.QueryRow(`select count(*) from record r where r.variant_id = ? and r.variant_id <> 0 and r.trashed_at is null`, int64(now.ID)).Scan(&n)
	if err != nil {
		return err
	}
	if n > 0 {
		return fault.New(fault.Conflict, "There are %d %s.", n, now.Values.Text("plural_name")).WithHint("Delete them first, or disable the kind: then nothing more is added to it.")
	}
	err = tx.QueryRow(`select count(*) from k_object_field k join record r on r.id = k.id where k.tag_type = ? and k.object_type_id <> ? and r.trashed_at is null`,
		objectOf+" "+now.Values.Text("name_key"), int64(now.ID)).Scan(&n)
	if err == nil && n > 0 {
		err = fault.New(fault.Conflict, "Fields of other kinds of objects link to %s.", now.Values.Text("plural_name")).WithHint("Take those fields away, or let them link to something else.")
	}
	return err
}
