// Package catalogue is how the offerings of a catalogue are ordered: which ones somebody can
// have, what their forms ask, and the request that comes of it.
//
// Always true: only a published offering can be ordered, by who may see it; what a form
// demands is answered with the request, and answers to questions that were not shown are
// not kept.
package catalogue

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// The names of the kinds.
const (
	Kind         = "offering"
	QuestionKind = "offering_question"
	AnswerKind   = "request_answer"
)

// Published is the state of an offering that can be ordered.
const Published = "Published"

// The types of questions.
const (
	Line       = "text"
	Lines      = "multiline"
	Yes        = "checkbox"
	One        = "combo"
	Several    = "list"
	Day        = "date"
	Clock      = "time"
	Amount     = "number"
	Label      = "label"
	Heading    = "category"
	Attachment = "attachment"
)

// MostSteps is how far the showing of one question depends on others.
const MostSteps = 20

// Between stands between the choices of an answer that has several.
const Between = "~^"

// mostAnswer is how long an answer is at the most, in characters.
const mostAnswer = 10_000

// Question is a question of a form.
type Question struct {
	ID          id.ID
	Name, Type  string
	Required    bool
	Choices     []string
	Usual, Hint string
	Least, Most *float64
	Pattern     *regexp.Regexp
	When        id.ID  // the question on whose answer it depends that this one is shown
	WhenAnswer  string // that answer; "" is any
}

// Answer is what was said to a question.
type Answer struct {
	Question id.ID
	Name     string
	Text     string
}

// ChoiceID is the RecId that stands for a choice of a question.
func (q *Question) ChoiceID(choice string) string {
	sum := sha256.Sum256([]byte(q.ID.RecID() + "\x00" + choice))
	return fmt.Sprintf("%X", sum[:16])
}

// QuestionOf reads a question. Invalid with the field pattern when its expression is none.
func QuestionOf(r *record.Record) (Question, error) {
	q := Question{ID: r.ID, Name: r.Name, Type: r.Values.Text("answer_type"), Required: r.Values.Bool("required"), Choices: lines(r.Values.Text("choices")), Usual: r.Values.Text("usual"),
		Hint: r.Values.Text("hint"), When: r.Values.ID("when_id"), WhenAnswer: r.Values.Text("when_answer")}
	for name, to := range map[string]**float64{"least": &q.Least, "most": &q.Most} {
		if n, ok := r.Values[name].(float64); ok {
			*to = &n
		}
	}
	if p := r.Values.Text("pattern"); p != "" {
		var err error
		if q.Pattern, err = regexp.Compile(`^(?:` + p + `)$`); err != nil {
			return q, fault.Field("pattern", "This is no regular expression: %s", err)
		}
	}
	return q, nil
}

// Form gives the questions of an offering, in their order.
func Form(tx *gate.Tx, e *record.Engine, offering id.ID) ([]Question, error) {
	p, err := e.List(tx, QuestionKind, record.Query{Parent: offering, Limit: 500, NoTotal: true, Sort: []record.Order{{Field: "order"}, {Field: "id"}}})
	if err != nil {
		return nil, err
	}
	out := make([]Question, len(p.Records))
	for i, r := range p.Records {
		if out[i], err = QuestionOf(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Check takes the answers to a form: those that are kept, in the order of the questions,
// and by question what is wrong. What is not answered gets the usual answer; what is not
// shown is not kept and not demanded.
func Check(form []Question, said map[id.ID]string) (kept []Answer, wrong map[id.ID]string) {
	wrong = map[id.ID]string{}
	by := map[id.ID]*Question{}
	for i := range form {
		by[form[i].ID] = &form[i]
	}
	value := func(q *Question) string {
		if s := strings.TrimSpace(said[q.ID]); s != "" {
			return s
		}
		return q.Usual
	}
	for i := range form {
		q := &form[i]
		if q.silent() || !shown(q, by, value, 0) {
			continue
		}
		v := value(q)
		switch {
		case v == "" && q.Required, q.Type == Yes && q.Required && !yes(v):
			wrong[q.ID] = "This must be answered."
		case v == "":
		case q.Wrong(v) != "":
			wrong[q.ID] = q.Wrong(v)
		default:
			kept = append(kept, Answer{q.ID, q.Name, q.canonical(v)})
		}
	}
	for q := range said {
		if by[q] == nil {
			wrong[q] = "The form has no such question."
		}
	}
	return kept, wrong
}

// silent tells whether a question takes no answer.
func (q *Question) silent() bool {
	return q.Type == Label || q.Type == Heading || q.Type == Attachment
}

// shown tells whether a question is shown, given the answers.
func shown(q *Question, by map[id.ID]*Question, value func(*Question) string, depth int) bool {
	if q.When == 0 {
		return true
	}
	on := by[q.When]
	if on == nil || depth > MostSteps || !shown(on, by, value, depth+1) {
		return false
	}
	v := value(on)
	if on.Type == Yes {
		return yes(v) == (q.WhenAnswer == "" || yes(q.WhenAnswer))
	}
	if q.WhenAnswer == "" {
		return v != ""
	}
	return slices.ContainsFunc(on.split(v), func(s string) bool { return strings.EqualFold(s, q.WhenAnswer) })
}

func yes(s string) bool {
	return slices.Contains([]string{"true", "yes", "1", "on"}, strings.ToLower(strings.TrimSpace(s)))
}

// split gives the parts of an answer.
func (q *Question) split(v string) []string {
	if q.Type != Several {
		return []string{v}
	}
	var out []string
	for part := range strings.SplitSeq(v, Between) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// choice finds the choice that is meant, by its text in any case or by its RecId.
func (q *Question) choice(said string) (string, bool) {
	for _, c := range q.Choices {
		if strings.EqualFold(c, said) || strings.EqualFold(q.ChoiceID(c), said) {
			return c, true
		}
	}
	return "", false
}

// canonical is an answer as it is kept.
func (q *Question) canonical(v string) string {
	switch q.Type {
	case One, Several:
		parts := q.split(v)
		for i := range parts {
			parts[i], _ = q.choice(parts[i])
		}
		return strings.Join(parts, Between)
	case Yes:
		return strconv.FormatBool(yes(v))
	}
	return v
}

// Wrong tells what is wrong with an answer, or "".
func (q *Question) Wrong(v string) string {
	if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
		return "This is no text."
	}
	if utf8.RuneCountInString(v) > mostAnswer {
		return fmt.Sprintf("An answer has at most %d characters.", mostAnswer)
	}
	switch q.Type {
	case One, Several:
		for _, part := range q.split(v) {
			if _, ok := q.choice(part); !ok {
				return "There is no such choice. Choose from " + strings.Join(q.Choices, ", ") + "."
			}
		}
	case Yes:
		if !yes(v) && !slices.Contains([]string{"false", "no", "0", "off"}, strings.ToLower(v)) {
			return "This is answered with true or false."
		}
	case Day:
		if _, err := time.Parse(time.DateOnly, v); err != nil {
			return "This is a day, such as 2026-11-30."
		}
	case Clock:
		if _, err := time.Parse("15:04", v); err != nil {
			return "This is a time, such as 09:30."
		}
	case Amount:
		n, err := strconv.ParseFloat(v, 64)
		if err != nil || n != n || n > 1e15 || n < -1e15 {
			return "This is a number."
		}
		return q.between(n, "")
	case Line, Lines:
		if q.Type == Line && strings.ContainsAny(v, "\r\n") {
			return "This is one line."
		}
		if q.Pattern != nil && !q.Pattern.MatchString(v) {
			return "This is not of the form that is asked for."
		}
		return q.between(float64(utf8.RuneCountInString(v)), " characters")
	}
	return ""
}

// between tells whether a number, or the length of a text, is in bounds.
func (q *Question) between(n float64, what string) string {
	switch {
	case q.Least != nil && n < *q.Least:
		return fmt.Sprintf("The least is %g%s.", *q.Least, what)
	case q.Most != nil && n > *q.Most:
		return fmt.Sprintf("The most is %g%s.", *q.Most, what)
	}
	return ""
}

// lines are the lines of a text that hold something.
func lines(s string) []string {
	var out []string
	for l := range strings.Lines(s) {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}
