package change

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/desk"
)

// TemplateKind is the kind of the templates of standard changes: what was approved once for
// all changes that are made from it.
const TemplateKind = "change_template"

// The states of a template, beside Pending Approval and Denied.
const (
	Draft    = "Draft"
	Approved = "Approved"
	Retired  = "Retired"
)

// TemplateField is the field by which a change names its template.
const TemplateField = "template_id"

// fromTemplate is who moves a change in one step: whoever works on one that was made from a template.
const fromTemplate lifecycle.Part = "whoever works from an approved template"

// TemplateLife is the lifecycle of templates. What waits for approval or has it stays as it is.
func TemplateLife() *lifecycle.Lifecycle {
	whole := []string{"description", "plan", "backout", "valid_until"}
	return &lifecycle.Lifecycle{Field: "status", States: []lifecycle.State{
		{Name: Draft, Begins: true, To: []string{PendingApproval, Retired}},
		{Name: PendingApproval, To: []string{Approved, Denied, Draft}, Requires: whole, Frozen: true},
		{Name: Approved, To: []string{Draft, Retired}, Requires: whole, Frozen: true},
		{Name: Denied, To: []string{Draft, Retired}, Frozen: true},
		{Name: Retired, To: []string{Draft}, Frozen: true},
	}}
}

// said are the fields that a template says of its changes, by their words in the list of those that may
// differ.
func said() map[string]string {
	return map[string]string{"Description": "description", "Risk": "risk", "Category": "category_id", "Service": "service_id", "Team": "team_id", "Steps": "plan", "Way back": "backout"}
}

func templates() *record.Kind {
	l := TemplateLife()
	return &record.Kind{
		Name: TemplateKind, Plural: "change_templates", Label: "Change template", Labels: "Change templates", Icon: "template",
		Scope: record.OfOrganization, Shared: true, Life: l, Before: l.Rule(beforeTemplate), After: afterTemplate,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: l.Field, Type: record.Choice, Choices: l.Names(), Default: Draft, Class: record.Internal, Filter: true, Sort: true, List: true, Hint: "Approved by a vote alone; until then nothing is made from it."},
			{Name: "valid_until", Label: "Approved until", Type: record.Date, Class: record.Internal, Filter: true, Sort: true, List: true, Expires: true, Hint: "After that day nothing new is made from it."},
			desk.Category(), desk.Service(), desk.Team(),
			{Name: "risk", Type: record.Choice, Choices: desk.Grades(), Class: record.Internal, Filter: true, List: true},
			{Name: "description", Type: record.HTML, Class: record.Internal, Search: true},
			{Name: "plan", Label: "Steps", Type: record.HTML, Class: record.Internal, Search: true, Group: "Plan"},
			{Name: "backout", Label: "Way back", Type: record.HTML, Class: record.Internal, Search: true, Group: "Plan", Hint: "What is done when it fails."},
			{Name: "free", Label: "May differ", Type: record.Rows, Class: record.Internal, Group: "Plan", Hint: "What a change made from it says for itself. With anything else changed it is a significant change, and is voted on. Subject, times and people are always its own.",
				Rows: []record.Field{{Name: "field", Label: "What", Type: record.Choice, Choices: slices.Sorted(maps.Keys(said())), Class: record.Internal}}},
		},
	}
}

// beforeTemplate refuses what a vote could not be about, and an approval without a vote.
func beforeTemplate(tx *gate.Tx, now, old *record.Record) error {
	rows, _ := now.Values["free"].([]map[string]any)
	for _, row := range rows {
		if word, _ := row["field"].(string); said()[word] == "" {
			return fault.Field("free", "Choose what may differ, or leave the line out.")
		}
	}
	to := now.Values.Text("status")
	if old == nil || old.Values.Text("status") == to || to != PendingApproval && to != Approved {
		return nil
	}
	takes, err := ballot.Takes(tx, now)
	switch {
	case err != nil:
		return err
	case !takes:
		return fault.Field("status", "Nobody is named who approves templates of changes.").WithHint("Make an approval plan of change_template, or one of changes that names no type, under Settings.")
	case now.Values.Text("valid_until") != "" && now.Values.Text("valid_until") < day(tx):
		return fault.Field("valid_until", "This day is over.")
	}
	return ballot.Entering(tx, now, old, Approved)
}

func afterTemplate(tx *gate.Tx, now, _ *record.Record) error {
	if now.Values.Text("status") != PendingApproval {
		return nil
	}
	return ballot.Demand(tx, now)
}

func day(tx *gate.Tx) string { return time.UnixMilli(tx.Now).UTC().Format(time.DateOnly) }

// usable gives a template from which changes can be made now.
func usable(tx *gate.Tx, e *record.Engine, template id.ID) (*record.Record, error) {
	t, err := e.Get(tx, TemplateKind, template)
	if err != nil {
		return nil, err
	}
	b, err := ballot.Of(tx, t.ID)
	if err != nil {
		return nil, err
	}
	switch {
	case t.Archived || t.Values.Text("status") != Approved || b == nil || b.Result.State != ballot.Approved || b.Void(t):
		return nil, fault.Field(TemplateField, "The template %s is not approved.", t.Name).WithHint("Have it approved first, or make the change without it.")
	case t.Values.Text("valid_until") < day(tx):
		return nil, fault.Field(TemplateField, "The template %s was approved until %s.", t.Name, t.Values.Text("valid_until")).WithHint("Have it approved again with a later day, or make the change without it.")
	}
	return t, nil
}

// modelled completes a change that is made from a template, and makes a significant one of
// a change that says something else than its template does where that may not differ.
func modelled(tx *gate.Tx, now, old *record.Record) error {
	from := now.Values.ID(TemplateField)
	switch {
	case from == 0 && (old == nil || old.Values.ID(TemplateField) == 0):
		return wild(tx, now, old)
	case old == nil && brought(tx, now):
		return nil
	case old == nil:
		return made(tx, now, from)
	case from != 0 && from != old.Values.ID(TemplateField):
		return fault.Field(TemplateField, "A change is made from a template, not given one.").WithHint("Make another from the template.")
	}
	is, err := kept(tx, now.ID)
	if err != nil {
		return err
	}
	var other []string
	if from == 0 || now.Values.Text("change_type") != "Standard" {
		other = append(other, "Type")
	}
	for _, f := range slices.Sorted(maps.Keys(is)) {
		if plain(now.Values[f]) != is[f] {
			other = append(other, now.Kind.Field(f).Title())
		}
	}
	if len(other) == 0 {
		return nil
	}
	if state := old.Values.Text("status"); state == Scheduled || state == Implemented || state == Closed {
		return fault.New(fault.Invalid, "This is scheduled as its template was approved: %s cannot differ any more.", strings.ToLower(strings.Join(other, ", "))).WithHint("Cancel it, and make a change that is voted on.")
	}
	now.Values[TemplateField] = nil
	if now.Values.Text("change_type") == "Standard" {
		now.Values["change_type"] = "Significant"
	}
	return nil
}

// brought tells whether a new change came along from another house: it was made there.
func brought(tx *gate.Tx, now *record.Record) bool {
	state := now.Values.Text("status")
	return tx.Caller.Via == "job" || tx.Caller.Via == "console" || state != "" && state != Logged && state != Proposed
}

// made completes a new change from its template.
func made(tx *gate.Tx, now *record.Record, from id.ID) error {
	t, err := usable(tx, now.Kind.Engine(), from)
	if fault.Is(err, fault.NotFound) {
		return nil // the engine says so
	}
	if err != nil {
		return err
	}
	if t.Org != 0 && t.Org != now.Org {
		return fault.Field(TemplateField, "The template %s is another organization's.", t.Name)
	}
	free, differs := open(t), false
	for _, f := range said() {
		switch its := plain(t.Values[f]); {
		case its == "":
		case plain(now.Values[f]) == "":
			now.Values[f] = t.Values[f]
		case plain(now.Values[f]) != its && !slices.Contains(free, f):
			differs = true
		}
	}
	if now.Values["change_type"] = "Standard"; differs {
		now.Values[TemplateField], now.Values["change_type"] = nil, "Significant"
	}
	return nil
}

// Said gives what a template says of a change that is made from it, as far as values say nothing else. It
// refuses a template from which nothing can be made now.
func Said(tx *gate.Tx, e *record.Engine, template id.ID, values record.Values) error {
	t, err := usable(tx, e, template)
	if err != nil {
		return err
	}
	for _, f := range said() {
		if plain(values[f]) == "" {
			values[f] = t.Values[f]
		}
	}
	return nil
}

// wild refuses that a standard change without a template is scheduled, as soon as the tenant has approved one.
func wild(tx *gate.Tx, now, old *record.Record) error {
	if old == nil || now.Values.Text("change_type") != "Standard" || now.Values.Text("status") != Scheduled || old.Values.Text("status") == Scheduled {
		return nil
	}
	var n int
	err := tx.QueryRow(`select count(*) from k_change_template k join record r on r.id = k.id where k.status = ? and r.trashed_at is null and r.archived = 0`, Approved).Scan(&n)
	if err == nil && n > 0 {
		err = fault.Field("change_type", "A standard change is made from an approved template.").WithHint("Make it from one, or give it another type.")
	}
	return err
}

// straight refuses the one step to others than changes from templates.
func straight(tx *gate.Tx, now, old *record.Record) error {
	if old == nil || old.Values.Text("status") != Logged || now.Values.Text("status") != Scheduled {
		return nil
	}
	var n int
	if now.Values.ID(TemplateField) != 0 { // one that came along is not known to say what was approved
		err := tx.QueryRow(`select count(*) from change_model where change_id = ?`, int64(now.ID)).Scan(&n)
		if err != nil || n > 0 {
			return err
		}
	}
	return fault.Field("status", "Only a change from an approved template is scheduled in one step.").WithHint("Set it to Requested, and then to Pending Approval.")
}

// open are the fields that may differ from a template.
func open(t *record.Record) (out []string) {
	rows, _ := t.Values["free"].([]map[string]any)
	for _, row := range rows {
		word, _ := row["field"].(string)
		out = append(out, said()[word])
	}
	return out
}

// keepTemplate keeps beside a new change what its template says of it: what becomes of the
// template later leaves it alone.
func keepTemplate(tx *gate.Tx, now, old *record.Record) error {
	from := now.Values.ID(TemplateField)
	if old != nil || from == 0 {
		return nil
	}
	t, err := now.Kind.Engine().Get(tx, TemplateKind, from)
	if err != nil {
		return err
	}
	is, free := map[string]string{}, open(t)
	for _, f := range said() {
		if its := plain(t.Values[f]); its != "" && !slices.Contains(free, f) {
			is[f] = its
		}
	}
	b, err := json.Marshal(is)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`insert into change_model (change_id, template_id, version, said) values (?, ?, ?, ?)`, int64(now.ID), int64(t.ID), t.Version, string(b))
	return err
}

// kept is what the template of a change said when it was made.
func kept(tx *gate.Tx, change id.ID) (map[string]string, error) {
	is, text := map[string]string{}, ""
	err := tx.QueryRow(`select said from change_model where change_id = ?`, int64(change)).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) { // it came from another house
		return is, nil
	}
	if err != nil {
		return nil, err
	}
	return is, json.Unmarshal([]byte(text), &is)
}

// plain is a value as it is compared.
func plain(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}
