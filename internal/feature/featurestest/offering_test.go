package featurestest_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/offering/catalogue"
)

func bound(n float64) *float64 { return &n }

// TestAnswers holds what each type of question takes and refuses.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		q     catalogue.Question
		takes []string
		not   []string
	}{
		{catalogue.Question{Type: catalogue.Line, Least: bound(2), Most: bound(4)}, []string{"ab", "äöüß"}, []string{"a", "abcde", "a\nb", "a\x00b"}},
		{catalogue.Question{Type: catalogue.Lines}, []string{"a\nb"}, []string{"\xff"}},
		{catalogue.Question{Type: catalogue.Yes}, []string{"true", "False", "YES", "0"}, []string{"maybe"}},
		{catalogue.Question{Type: catalogue.One, Choices: []string{"Red", "Blue"}}, []string{"red", "Blue"}, []string{"Green", "Red~^Blue"}},
		{catalogue.Question{Type: catalogue.Several, Choices: []string{"Red", "Blue"}}, []string{"red~^BLUE", "Blue"}, []string{"Red~^Green"}},
		{catalogue.Question{Type: catalogue.Day}, []string{"2028-02-29"}, []string{"2027-02-29", "tomorrow"}},
		{catalogue.Question{Type: catalogue.Clock}, []string{"00:00", "23:59"}, []string{"24:00", "9"}},
		{catalogue.Question{Type: catalogue.Amount, Least: bound(1), Most: bound(10)}, []string{"1", "10", "2.5"}, []string{"0", "11", "NaN", "Inf", "x", "1e99"}},
	} {
		c.q.ID, c.q.Name, c.q.Required = 7, "Q", true
		for _, s := range c.takes {
			if kept, wrong := catalogue.Check([]catalogue.Question{c.q}, map[id.ID]string{7: s}); len(wrong) != 0 && s != "0" && s != "False" || len(wrong) == 0 && len(kept) != 1 {
				t.Errorf("%s: %q gives %v, %v", c.q.Type, s, kept, wrong)
			}
		}
		for _, s := range append(c.not, "", "  ") {
			if kept, wrong := catalogue.Check([]catalogue.Question{c.q}, map[id.ID]string{7: s}); wrong[7] == "" || len(kept) != 0 {
				t.Errorf("%s: %q is kept: %v", c.q.Type, s, kept)
			}
		}
	}
}

// TestFormsAreHeldTo: whatever the form and the answers, what is kept answers a question
// that is shown, in the form's order and once, and what is shown and demanded is kept or
// wrong.
func TestFormsAreHeldTo(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	words := []string{"", "Red", "Blue", "Green", "true"}
	for range 3000 {
		var form []catalogue.Question
		said := map[id.ID]string{}
		for i := range 1 + rng.IntN(6) {
			q := catalogue.Question{ID: id.ID(i + 1), Name: fmt.Sprint(i), Type: []string{catalogue.Line, catalogue.One, catalogue.Yes, catalogue.Label}[rng.IntN(4)], Choices: []string{"Red", "Blue"}, Required: rng.IntN(2) == 0}
			if i > 0 && rng.IntN(2) == 0 {
				q.When, q.WhenAnswer = id.ID(1+rng.IntN(i)), words[rng.IntN(len(words))]
			}
			form = append(form, q)
			said[q.ID] = words[rng.IntN(len(words))]
		}
		kept, wrong := catalogue.Check(form, said)
		at := map[id.ID]string{}
		last := id.ID(0)
		for _, a := range kept {
			if a.Question <= last || wrong[a.Question] != "" || a.Text == "" {
				t.Fatalf("%v: kept %v, wrong %v", said, kept, wrong)
			}
			last, at[a.Question] = a.Question, a.Text
		}
		for _, q := range form {
			if q.When == 0 && q.Required && q.Type != catalogue.Label && at[q.ID] == "" && wrong[q.ID] == "" {
				t.Fatalf("%+v is demanded, and nobody says so: %v", q, said)
			}
			if q.When != 0 && form[q.When-1].Type != catalogue.Yes && at[q.When] == "" && wrong[q.When] == "" && at[q.ID] != "" && said[q.When] == "" {
				t.Fatalf("%+v is kept, and was not shown: %v", q, said)
			}
		}
	}
}

// TestQuestionsAreOfAForm: what nobody could answer is refused when it is made.
func TestQuestionsAreOfAForm(t *testing.T) {
	b := openBench(t)
	of := b.Make("offering", 0, record.Values{"name": "Laptop"})
	other := b.Make("offering", 0, record.Values{"name": "Telephone"})
	first := b.Make("offering_question", 0, record.Values{"offering_id": of, "name": "A", "order": 1})
	second := b.Make("offering_question", 0, record.Values{"offering_id": of, "name": "B", "order": 2, "when_id": first})
	for field, v := range map[string]record.Values{
		"choices": {"answer_type": catalogue.One}, "most": {"least": 3.0, "most": 2.0}, "usual": {"answer_type": catalogue.Amount, "usual": "x"}, "pattern": {"pattern": "("}, "when_id": {"when_id": second, "offering_id": other},
	} {
		if v["offering_id"] == nil {
			v["offering_id"] = of
		}
		v["name"] = "C"
		err := b.Gate.Change(t.Context(), b.Admin(), access.Create, gate.Thing{Kind: "offering_question"}, func(tx *gate.Tx) error {
			_, err := b.Records.Create(tx, "offering_question", v)
			return err
		})
		if !fault.Is(err, fault.Invalid) || fault.Say(err).Fields[field] == "" {
			t.Errorf("%s: %v", field, err)
		}
	}
	err := b.Gate.Change(t.Context(), b.Admin(), access.Edit, gate.Thing{ID: first}, func(tx *gate.Tx) error {
		_, err := b.Records.Update(tx, "offering_question", first, 0, record.Values{"when_id": second})
		return err
	})
	if !fault.Is(err, fault.Invalid) || fault.Say(err).Fields["when_id"] == "" {
		t.Errorf("a circle: %v", err)
	}
}
