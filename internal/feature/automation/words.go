package automation

import (
	"strconv"
	"strings"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation/term"
)

// Refs are the records that a rule names, for their names.
func (x *Rule) Refs(k *record.Kind) (out []id.ID) {
	add := func(f *record.Field, text string) {
		if n, ok := id.Parse(text); ok && f != nil && f.Type == record.Ref {
			out = append(out, n)
		}
	}
	for _, t := range x.If {
		add(Field(k, t.Field), t.Value)
	}
	for _, a := range x.Then {
		switch a.Do {
		case Sets:
			add(Field(k, a.Field), a.Value)
		case Tells, Watches:
			add(&record.Field{Type: record.Ref}, a.Field)
		case Assigns, Calls, Starts, Lists:
			add(&record.Field{Type: record.Ref}, a.Value)
		}
	}
	return append(out, x.Maker)
}

// Sentence says what a rule does, in plain words; names are those of what it refers to.
func (x *Rule) Sentence(k *record.Kind, names map[id.ID]string) string {
	var b strings.Builder
	thing := strings.ToLower(k.Label)
	b.WriteString(x.when(k, thing))
	if len(x.If) > 0 {
		parts := make([]string, len(x.If))
		for i, t := range x.If {
			parts[i] = say(k, t, names)
		}
		b.WriteString(", if " + strings.Join(parts, map[bool]string{true: " or ", false: " and "}[x.Any]))
	}
	if len(x.Then) == 0 {
		return b.String() + ", nothing is done yet."
	}
	parts := make([]string, len(x.Then))
	for i, a := range x.Then {
		parts[i] = a.say(k, names)
	}
	b.WriteString(": " + strings.Join(parts, "; "))
	if b.WriteString("."); x.Over {
		b.WriteString(" Also when it is over.")
	}
	return b.String()
}

func (x *Rule) when(k *record.Kind, thing string) string {
	a := "a " + thing
	if strings.ContainsAny(thing[:1], "aeiou") {
		a = "an " + thing
	}
	switch x.When {
	case Created:
		return "When " + a + " is created"
	case Changed:
		return "When " + a + " changes"
	case FieldHas:
		return "When " + title(k, x.Field) + " of " + a + " changes"
	case Written:
		return "When somebody writes on " + a
	case Warned:
		return "When a deadline of " + a + " is near"
	case Breached:
		return "When a deadline of " + a + " has passed"
	case Elapsed:
		return strconv.FormatFloat(x.Hours, 'f', -1, 64) + " hours after " + a + " " + strings.TrimPrefix(x.Since, "it ")
	}
	return "When somebody asks for it on " + a
}

func title(k *record.Kind, name string) string {
	if f := Field(k, name); f != nil {
		return f.Title()
	}
	return name
}

// shown is a value in words.
func shown(k *record.Kind, field, text string, names map[id.ID]string) string {
	if f := Field(k, field); f != nil && f.Type == record.Ref {
		if n, ok := id.Parse(text); ok {
			if s := names[n]; s != "" {
				return s
			}
			return "something that you may not see"
		}
	}
	return "“" + text + "”"
}

func say(k *record.Kind, t term.Term, names map[id.ID]string) string {
	out := title(k, t.Field) + " " + t.Op
	switch {
	case term.Bare(t.Op):
		return out
	case t.Value == "":
		return out + " empty"
	}
	return out + " " + shown(k, t.Field, t.Value, names)
}

func (a Act) say(k *record.Kind, names map[id.ID]string) string {
	who := a.Field
	if n, ok := id.Parse(who); ok {
		who = names[n]
	}
	switch a.Do {
	case Sets:
		if a.Value == "" {
			return "empty " + title(k, a.Field)
		}
		return "set " + title(k, a.Field) + " to " + shown(k, a.Field, a.Value, names)
	case Moves:
		return "move it to “" + a.Value + "”"
	case Tells:
		return "tell " + the(who) + " “" + a.Value + "”"
	case Watches:
		return "let " + the(who) + " watch it"
	case Notes:
		return "note “" + a.Value + "”"
	case MakesTask:
		return "create the task “" + a.Value + "”"
	case Calls, Starts, Lists:
		n, _ := id.Parse(a.Value)
		return map[string]string{Calls: "call the webhook ", Starts: "start the process ", Lists: "add the checklist "}[a.Do] + names[n]
	case Assigns:
		return assigns(a, names)
	case Opens:
		return "open the " + strings.ReplaceAll(a.Field, "_", " ") + " “" + a.Value + "”"
	}
	return "ask for approval"
}

func assigns(a Act, names map[id.ID]string) string {
	how, of := a.Field, "its team"
	if how == "" {
		how = "as its team does"
	}
	if n, ok := id.Parse(a.Value); ok {
		of = names[n]
	}
	return "give it to somebody of " + of + ", " + how
}

func the(who string) string {
	for _, w := range Whom() {
		if who == w {
			return "the " + w
		}
	}
	return who
}

// why says why a rule ran, by the conditions that held.
func why(tx *gate.Tx, x *Rule, now, old *record.Record, said term.Facts) (string, error) {
	parts := []string{strings.ToLower(x.When[:1]) + x.When[1:]}
	if x.When == FieldHas {
		parts[0] = title(now.Kind, x.Field) + " changed"
	}
	var refs []id.ID
	for _, n := range x.Refs(now.Kind) {
		if n != 0 && n != x.Maker {
			refs = append(refs, n)
		}
	}
	names, err := now.Kind.Engine().Names(tx, refs...)
	for _, t := range x.If {
		if t.Met(now, old, said) {
			parts = append(parts, say(now.Kind, t, names))
		}
	}
	return clip(strings.Join(parts, ", ") + "."), err
}
