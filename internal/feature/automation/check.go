package automation

import (
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation/term"
	"strongroom/internal/feature/duty/method"
)

// before completes a rule, gives it the rights of who saves it, and refuses one that could
// not be run.
func before(tx *gate.Tx, now, old *record.Record) error {
	e := now.Kind.Engine()
	k := e.Kinds.Kind(now.Values.Text("of_kind"))
	if k == nil || !Governed(k) {
		return fault.Field("of_kind", "There can be no rules about this.").WithHint("Choose %s.", strings.Join(governed(e.Kinds), ", "))
	}
	if old != nil && old.Values.Text("of_kind") != k.Name {
		return fault.Field("of_kind", "What a rule is about stays.").WithHint("Make another rule.")
	}
	c := &checking{tx: tx, e: e, kind: k, r: now}
	if err := c.all(); err != nil {
		return err
	}
	return c.maker(old)
}

// governed names the kinds of which there can be rules.
func governed(kinds *record.Registry) (out []string) {
	for _, k := range kinds.Kinds() {
		if Governed(k) {
			out = append(out, k.Name)
		}
	}
	return out
}

// checking is a rule that is looked at.
type checking struct {
	tx   *gate.Tx
	e    *record.Engine
	kind *record.Kind
	r    *record.Record
}

// maker gives the rule the rights of who saves it. What acts for somebody, such as an API
// key, can write a rule but not turn it on: its rights may be fewer than hers.
func (c *checking) maker(old *record.Record) error {
	return Made(c.tx, c.r, old, unchanged)
}

// Made gives a record that acts by itself, while its field active says so, the rights of who
// saves it, in acts_as_id. equal tells whether a save changes nothing of what it does.
func Made(tx *gate.Tx, now, old *record.Record, equal func(old, now *record.Record) bool) error {
	who := tx.Caller
	var n int
	if err := tx.QueryRow(`select count(*) from record where id = ? and kind = 'user' and trashed_at is null`, int64(who.User)).Scan(&n); err != nil {
		return err
	}
	person := n == 1 && who.Key == 0 && who.Behind == nil && who.Via == "session"
	same := old != nil && old.Values.ID("acts_as_id") == now.Values.ID("acts_as_id") && equal(old, now)
	if who.Via == "console" || who.Via == "job" { // brought in with many others: it waits for a person
		now.Values["active"] = false
	}
	if now.Values.Bool("active") && !person && !same {
		return fault.Field("active", "Only a person who is signed in turns this on, or changes it while it is on: it acts with her rights.").WithHint("Save it turned off.")
	}
	if same {
		return nil
	}
	if delete(now.Values, "acts_as_id"); person {
		now.Values["acts_as_id"] = who.User
	}
	return nil
}

// unchanged tells whether a save changes nothing of a rule.
func unchanged(old, now *record.Record) bool {
	a, b := Of(old), Of(now)
	b.Version = a.Version
	return a.Name == b.Name && a.On == b.On && a.Of == b.Of && a.When == b.When && a.Field == b.Field && a.Since == b.Since && a.Hours == b.Hours && a.Any == b.Any && a.Over == b.Over &&
		slices.Equal(a.If, b.If) && slices.Equal(a.Then, b.Then)
}

// CheckedAct looks at one thing that is to be done about records of a kind, and puts names in
// their ids' place. What is wrong is a fault of the field actions.
func CheckedAct(tx *gate.Tx, r *record.Record, k *record.Kind, a Act) (Act, error) {
	row, err := (&checking{tx: tx, e: r.Kind.Engine(), kind: k, r: r}).act(map[string]any{"do": a.Do, "field": a.Field, "value": a.Value})
	if err != nil {
		return a, err
	}
	text := func(name string) string { s, _ := row[name].(string); return s }
	return Act{text("do"), text("field"), text("value")}, nil
}

// CheckedTerm looks at one condition, likewise; what is wrong is a fault of the field
// conditions.
func CheckedTerm(tx *gate.Tx, r *record.Record, k *record.Kind, t term.Term) (term.Term, error) {
	row, err := (&checking{tx: tx, e: r.Kind.Engine(), kind: k, r: r}).term(map[string]any{"field": t.Field, "op": t.Op, "value": t.Value})
	if v, ok := row["value"].(string); ok {
		t.Value = v
	}
	return t, err
}

// SayAct and SayTerm are what is done, and a condition, in plain words.
func SayAct(k *record.Kind, a Act, names map[id.ID]string) string { return a.say(k, names) }

// SayTerm is a condition in plain words.
func SayTerm(k *record.Kind, t term.Term, names map[id.ID]string) string { return say(k, t, names) }

// all looks at every part, and puts names in their ids' place.
func (c *checking) all() error {
	rule := Of(c.r)
	if len(rule.If) > mostTerms {
		return fault.Field("conditions", "A rule has %d conditions at the most.", mostTerms)
	}
	if len(rule.Then) > mostActs {
		return fault.Field("actions", "A rule does %d things at the most.", mostActs)
	}
	switch {
	case rule.When == FieldHas && c.field(rule.Field) == nil && (rule.On || rule.Field != ""):
		return fault.Field("field", "Say which field has to change.")
	case rule.When == Elapsed && (rule.Hours < 0 || rule.Hours > mostHours || rule.On && rule.Hours == 0):
		return fault.Field("hours", "Say how many hours have to pass, %d at the most.", mostHours)
	case rule.When == Elapsed && rule.Since == "":
		c.r.Values["since"] = SinceCreated
	case slices.Contains([]When{Warned, Breached}, rule.When) && c.kind.Field("due_at") == nil:
		return fault.Field("happens", "%s have no deadlines.", c.kind.Labels)
	}
	if rule.On && len(rule.Then) == 0 {
		return fault.Field("actions", "A rule that is on does something.")
	}
	var err error
	terms := c.r.Values.Rows("conditions")
	for i, row := range terms {
		if terms[i], err = c.term(row); err != nil {
			return err
		}
	}
	acts := c.r.Values.Rows("actions")
	for i, row := range acts {
		if acts[i], err = c.act(row); err != nil {
			return err
		}
	}
	return nil
}

// field finds a field that rules may ask for: no secret, and nothing that is not
// classified.
func (c *checking) field(name string) *record.Field { return Field(c.kind, name) }

// Field finds a field of a kind that rules may ask for; nil when there is none.
func Field(k *record.Kind, name string) *record.Field {
	switch name {
	case "organization_id":
		return &record.Field{Name: name, Label: "Organization", Type: record.Ref, Ref: "organization", Class: record.Internal}
	case "archived":
		return &record.Field{Name: name, Label: "Archived", Type: record.Bool, Class: record.Internal, ReadOnly: true}
	case term.Origin:
		return &record.Field{Name: name, Label: "Brought about by", Type: record.Choice, Choices: term.Origins(), ReadOnly: true}
	case term.EntryType:
		return &record.Field{Name: name, Label: "Type of the entry", Type: record.Text, ReadOnly: true}
	case term.Public:
		return &record.Field{Name: name, Label: "The entry is public", Type: record.Bool, ReadOnly: true}
	}
	f := k.Field(name)
	if f == nil || f.Class == record.Unclassified || f.Own || slices.Contains([]record.Type{record.Secret, record.Files, record.Rows, record.Refs}, f.Type) {
		return nil
	}
	return f
}

// Settable tells whether a rule may set a field.
func Settable(f *record.Field) bool {
	return f != nil && !f.ReadOnly && f.Type != record.HTML && f.Type != record.Time && f.Name != "organization_id"
}

// term looks at one condition.
func (c *checking) term(row map[string]any) (map[string]any, error) {
	name, _ := row["field"].(string)
	value, _ := row["value"].(string)
	op, _ := row["op"].(string)
	f := c.field(name)
	if f == nil {
		return row, fault.Field("conditions", "%s have no field %q that a rule can ask for.", c.kind.Labels, name)
	}
	if term.Bare(op) || value == "" || f.Type != record.Ref && f.Type != record.Choice && f.Type != record.Bool || !slices.Contains([]string{"", term.Is, term.IsNot, term.Was, term.WasNot}, op) {
		return row, nil
	}
	v, err := c.value(f, value)
	if err != nil {
		return row, fault.Field("conditions", "%s", fault.Say(err).Text)
	}
	return with(row, "value", v), nil
}

func with(row map[string]any, name string, v any) map[string]any {
	out := map[string]any{}
	for k, x := range row {
		out[k] = x
	}
	out[name] = v
	return out
}

// value is a value of a field as a rule keeps it: of a record, what people call it becomes
// its id.
func (c *checking) value(f *record.Field, text string) (string, error) {
	if f.Type != record.Ref {
		v, err := f.Parse(text)
		return term.Text(f, v), err
	}
	n, err := c.named(f.Ref, text)
	if err != nil {
		return "", err
	}
	if n == 0 {
		return "", fault.New(fault.Invalid, "%s: there is no %s called %q that you see, or there are several.", f.Title(), strings.ReplaceAll(f.Ref, "_", " "), text)
	}
	return n.String(), nil
}

// named finds a record that the caller sees by its id or its name, or a user by her
// address; 0 for none or several.
func (c *checking) named(kind, text string) (id.ID, error) {
	n, _ := id.Parse(text)
	cond, args := c.tx.Visible("r")
	q := `select r.id from record r where r.kind = ? and r.trashed_at is null and (r.id = ? or r.name_fold = ?) and ` + cond
	args = append([]any{kind, int64(n), record.Fold(text)}, args...)
	if kind == "user" && strings.Contains(text, "@") && c.e.Kinds.Kind("user").Field("email") != nil {
		q, args = `select r.id from k_user k join record r on r.id = k.id where k.email_fold = ? and r.trashed_at is null`, []any{record.Fold(text)}
	}
	found, err := access.IDs(c.tx.SQL(), q, args...)
	if err != nil || len(found) != 1 {
		return 0, err
	}
	return found[0], nil
}

// act looks at one thing that is to be done.
func (c *checking) act(row map[string]any) (map[string]any, error) {
	do, _ := row["do"].(string)
	name, _ := row["field"].(string)
	value, _ := row["value"].(string)
	bad := func(format string, args ...any) (map[string]any, error) {
		return row, fault.Field("actions", do+": "+format, args...)
	}
	switch do {
	case Sets:
		f := c.field(name)
		if !Settable(f) || c.kind.Life != nil && name == c.kind.Life.StateField() {
			return bad("%s have no field %q that a rule can set.", c.kind.Labels, name)
		}
		if f.Type == record.Ref && c.e.Kinds.Kind(f.Ref).Scope != record.OfTenant {
			return bad("%s belongs to single organizations; a rule is of all.", f.Title())
		}
		if value == "" {
			return row, nil // it is emptied
		}
		v, err := c.value(f, value)
		if err != nil {
			return bad("%s", fault.Say(err).Text)
		}
		return with(row, "value", v), nil
	case Moves:
		if c.kind.Life == nil || !slices.Contains(c.kind.Field(c.kind.Life.StateField()).Choices, value) {
			return bad("%s have no state %q.", c.kind.Labels, value)
		}
	case Tells, Watches:
		return c.whom(row, do, name, value)
	case Notes, MakesTask, Opens:
		if value == "" {
			return bad("say what it says.")
		}
		return row, c.within(do, name)
	case Asks:
		if !slices.Contains([]string{"change", "release", "service_request"}, c.kind.Name) {
			return bad("%s take no approval.", c.kind.Labels)
		}
	case Assigns:
		return c.assigned(row, name, value)
	case Calls, Starts, Lists:
		kind := map[string]string{Calls: "webhook", Starts: "process", Lists: "checklist_template"}[do]
		if c.e.Kinds.Kind(kind) == nil || do == Lists && !c.ticksOff() {
			return bad("this is not known here.")
		}
		n, err := c.named(kind, value)
		if err != nil {
			return row, err
		}
		if n == 0 {
			return bad("there is no %s called %q that you see.", strings.ReplaceAll(kind, "_", " "), value)
		}
		return with(row, "value", n.String()), nil
	}
	return row, nil
}

// ticksOff tells whether tickets of the kind have steps to tick off.
func (c *checking) ticksOff() bool {
	k := c.e.Kinds.Kind("ticket_step")
	return k != nil && k.ParentBy(c.kind.Name) != nil
}

// assigned looks at how a ticket is given to somebody, and of which team.
func (c *checking) assigned(row map[string]any, name, value string) (map[string]any, error) {
	if !method.Takes(c.kind) || c.e.Kinds.Kind(method.Assignment) == nil {
		return row, fault.Field("actions", "%s: %s are given to nobody.", Assigns, strings.ToLower(c.kind.Labels))
	}
	if name != "" && !slices.Contains(method.All(), name) {
		return row, fault.Field("actions", "%s: say how, one of %s; or nothing, as the team has set.", Assigns, strings.Join(method.All(), ", "))
	}
	if value == "" {
		return row, nil // its own team
	}
	n, err := c.named("team", value)
	if err != nil {
		return row, err
	}
	if n == 0 {
		return row, fault.Field("actions", "%s: there is no team called %q.", Assigns, value)
	}
	return with(row, "value", n.String()), nil
}

// within refuses to make what does not go with the kind.
func (c *checking) within(do, name string) error {
	switch {
	case do == Notes && c.entries() == "", do == MakesTask && c.tasks() == "":
		return fault.Field("actions", "%s: this does not go with %s.", do, strings.ToLower(c.kind.Labels))
	case do == Opens && !slices.Contains(Opened(), name):
		return fault.Field("actions", "%s: choose one of %s.", do, strings.Join(Opened(), ", "))
	}
	return nil
}

// Opened are the kinds of tickets that a rule opens.
func Opened() []string { return []string{"incident", "service_request", "problem", "change"} }

// Whom are the people that a rule can name without their names.
func Whom() []string { return []string{"owner", "team", "manager of the team", "watchers"} }

// whom looks at who is told.
func (c *checking) whom(row map[string]any, do, name, value string) (map[string]any, error) {
	if do == Tells && value == "" {
		return row, fault.Field("actions", "%s: say what is told.", do)
	}
	if slices.Contains(Whom(), name) {
		return row, nil
	}
	n, err := c.named("user", name)
	if err != nil {
		return row, err
	}
	if n == 0 {
		return row, fault.Field("actions", "%s: name a person, or one of %s.", do, strings.Join(Whom(), ", "))
	}
	return with(row, "field", n.String()), nil
}

func (c *checking) entries() string { return EntriesOf(c.e, c.kind) }

func (c *checking) tasks() string { return TasksOf(c.e, c.kind) }
