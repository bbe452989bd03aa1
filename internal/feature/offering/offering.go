// Package offering holds the catalogue of what customers can ask for: offerings, each
// with a form, and the answers that were given with a request.
//
// Always true: whether a question is shown depends on one that stands before no circle; a
// question that nobody could answer is refused when it is made. How they are ordered is in
// catalogue.
package offering

import (
	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/desk"
	"strongroom/internal/feature/offering/catalogue"
)

// The names of the kinds.
const (
	Kind         = catalogue.Kind
	QuestionKind = catalogue.QuestionKind
	AnswerKind   = catalogue.AnswerKind
)

// The states of an offering.
const (
	Draft     = "Draft"
	Published = catalogue.Published
	Retired   = "Retired"
)

// Feature is the catalogue.
func Feature() record.Feature {
	return record.Feature{Name: Kind, Kinds: []*record.Kind{offerings(), questions(), answers()}}
}

// Life is the lifecycle of offerings.
func Life() *lifecycle.Lifecycle {
	return &lifecycle.Lifecycle{Field: "status", States: []lifecycle.State{
		{Name: Draft, Begins: true, To: []string{Published, Retired}},
		{Name: Published, Begins: true, To: []string{Draft, Retired}, Requires: []string{"description"}},
		{Name: Retired, To: []string{Draft}},
	}}
}

func offerings() *record.Kind {
	l := Life()
	return &record.Kind{
		Name: Kind, Plural: "offerings", Label: "Offering", Labels: "Offerings", Icon: "package",
		Scope: record.OfOrganization, Shared: true, Life: l, Before: l.Rule(nil),
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: l.Field, Type: record.Choice, Choices: l.Names(), Default: Draft, Class: record.Internal, Filter: true, Sort: true, List: true,
				Hint: "Only what is published can be ordered."},
			desk.Category(), desk.Service(), desk.Team(),
			{Name: "description", Type: record.HTML, Class: record.Internal, Search: true, Hint: "What the customer gets."},
			{Name: "days", Label: "Delivered within", Type: record.Integer, Class: record.Internal, Hint: "Days."},
			{Name: "cost", Type: record.Number, Class: record.Internal, Group: "Price", Hint: "What it costs us."},
			{Name: "price", Type: record.Number, Class: record.Internal, List: true, Group: "Price", Hint: "What the customer pays."},
			{Name: "approval", Label: "Needs approval", Type: record.Bool, Class: record.Internal, Default: false, Filter: true, List: true},
		},
	}
}

// Types are the types of questions. Labels and headings take no answer; files are put on
// the request itself.
func Types() []string {
	return []string{catalogue.Line, catalogue.Lines, catalogue.Yes, catalogue.One, catalogue.Several, catalogue.Day, catalogue.Clock, catalogue.Amount, catalogue.Label, catalogue.Heading, catalogue.Attachment}
}

func questions() *record.Kind {
	return &record.Kind{
		Name: QuestionKind, Plural: "offering_questions", Label: "Question", Labels: "Questions", Icon: "help-circle",
		Scope: record.OfParent, Parent: "offering_id", Before: beforeQuestion,
		Fields: []record.Field{
			{Name: "offering_id", Label: "Offering", Type: record.Ref, Ref: Kind, Class: record.Internal, Required: true, Filter: true},
			{Name: "name", Label: "Question", Type: record.Text, Class: record.Internal, Required: true, Search: true, List: true, Filter: true},
			{Name: "answer_type", Label: "Answer", Type: record.Choice, Choices: Types(), Default: catalogue.Line, Class: record.Internal, Filter: true, List: true},
			{Name: "required", Label: "Must be answered", Type: record.Bool, Class: record.Internal, Default: false, Filter: true, List: true},
			{Name: "order", Type: record.Integer, Class: record.Internal, Sort: true, Filter: true, List: true, Hint: "Its place in the form."},
			{Name: "choices", Type: record.Multiline, Class: record.Internal, Hint: "Of a combo or list: one in each line."},
			{Name: "usual", Label: "Usual answer", Type: record.Text, Class: record.Internal},
			{Name: "hint", Type: record.Text, Class: record.Internal},
			{Name: "least", Type: record.Number, Class: record.Internal, Group: "Checks", Hint: "Of a number, the smallest; of a text, how many characters it has at least."},
			{Name: "most", Type: record.Number, Class: record.Internal, Group: "Checks", Hint: "The largest; of a text, how many characters it has at the most."},
			{Name: "pattern", Type: record.Text, Class: record.Internal, Group: "Checks", Hint: "A regular expression that the whole of a text meets."},
			{Name: "when_id", Label: "Shown when", Type: record.Ref, Ref: QuestionKind, Class: record.Internal, Group: "Shown", Hint: "Left empty, it is always shown."},
			{Name: "when_answer", Label: "is answered", Type: record.Text, Class: record.Internal, Group: "Shown", Hint: "Left empty, with anything."},
		},
	}
}

func answers() *record.Kind {
	return &record.Kind{
		Name: AnswerKind, Plural: "request_answers", Label: "Answer", Labels: "Answers", Icon: "clipboard-check",
		Scope: record.OfParent, Parent: "service_request_id",
		Fields: []record.Field{
			{Name: "service_request_id", Label: "Service request", Type: record.Ref, Ref: "service_request", Class: record.Internal, Required: true, Filter: true},
			{Name: "name", Label: "Question", Type: record.Text, Class: record.Internal, Required: true, Search: true, List: true},
			{Name: "answer", Type: record.Multiline, Class: record.Personal, Search: true, List: true},
			{Name: "question_id", Label: "Of the form", Type: record.Ref, Ref: QuestionKind, Class: record.Internal},
			{Name: "order", Type: record.Integer, Class: record.Internal, Sort: true},
		},
	}
}

// beforeQuestion refuses a question that nobody could answer.
func beforeQuestion(tx *gate.Tx, now, _ *record.Record) error {
	q, err := catalogue.QuestionOf(now)
	if err != nil {
		return err
	}
	least, low := now.Values["least"].(float64)
	most, high := now.Values["most"].(float64)
	switch {
	case (q.Type == catalogue.One || q.Type == catalogue.Several) && len(q.Choices) == 0:
		return fault.Field("choices", "There is nothing to choose from.").WithHint("Write one choice in each line.")
	case low && high && most < least:
		return fault.Field("most", "This is less than the least.")
	case q.Usual != "" && q.Wrong(q.Usual) != "":
		return fault.Field("usual", "The usual answer would be refused: %s", q.Wrong(q.Usual))
	}
	for at, steps := q.When, 0; at != 0; steps++ {
		if at == now.ID || steps > catalogue.MostSteps {
			return fault.Field("when_id", "Whether this is shown would depend on itself.")
		}
		r, err := now.Kind.Engine().Get(tx, QuestionKind, at)
		if fault.Is(err, fault.NotFound) {
			return nil // as any reference to nothing, it is refused
		}
		if err != nil {
			return err
		}
		if r.Values.ID("offering_id") != now.Values.ID("offering_id") {
			return fault.Field("when_id", "That question belongs to another offering.")
		}
		at = r.Values.ID("when_id")
	}
	return nil
}
