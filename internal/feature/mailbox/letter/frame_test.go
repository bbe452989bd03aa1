package letter_test

import (
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/mailbox/letter"
)

var known = map[string]string{"customer": "Rosa <Lind>", "number": "INC-7", "subject": "{{agent}} & more\nBcc: x", "desk": "Desk", "agent": "Ada", "text": "<p>One</p><p>Two &amp; {{number}}</p>", "resolution": ""}

func TestRender(t *testing.T) {
	got, err := letter.Template{Subject: "[{{number}}] {{ Subject }}", Text: "Hello {{customer}},\n\n{{text}}\n\n{{agent}}\n{{desk}}"}.Render(letter.Answer, known)
	if err != nil {
		t.Fatal(err)
	}
	if want := "[INC-7] {{agent}} & more Bcc: x"; got.Subject != want {
		t.Errorf("%q", got.Subject)
	}
	if want := "Hello Rosa <Lind>,\n\nOne\nTwo & {{number}}\n\nAda\nDesk\n"; got.Text != want {
		t.Errorf("%q", got.Text)
	}
	if want := "<p>Hello Rosa &lt;Lind&gt;,</p><p>One</p><p>Two &amp; {{number}}</p><p>Ada<br>Desk</p>"; !strings.Contains(got.HTML, want) {
		t.Errorf("%q", got.HTML)
	}
	got, err = letter.Template{Subject: "x", Text: "Before\n\n{{resolution}}\n\nAfter"}.Render(letter.Solved, known)
	if err != nil || got.Text != "Before\n\nAfter\n" {
		t.Errorf("what is not known leaves a hole: %q, %v", got, err)
	}
}

func TestTemplatesAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		what, subject, body string
		field, says         string
	}{
		"unknown":             {letter.Answer, "x", "a\n{{text}}\n\n{{nmae}}", "body", "Line 4: there is no placeholder {{nmae}}"},
		"of another mail":     {letter.Confirmation, "x", "{{resolution}}", "body", "Line 1: there is no placeholder {{resolution}}"},
		"a note":              {letter.Solved, "x", "{{note}}", "body", "no placeholder"},
		"no end":              {letter.Answer, "x", "{{text}}\n{{text", "body", "Line 2: a placeholder begins"},
		"over a line":         {letter.Answer, "x", "{{text}}\n{{te\nxt}}", "body", "Line 2: a placeholder begins"},
		"without the reply":   {letter.Answer, "x", "Hello", "body", "Without {{text}}"},
		"nothing":             {letter.Answer, " ", "{{text}}", "subject", "Write something"},
		"a subject of lines":  {letter.Answer, "a\nb", "{{text}}", "subject", "one line"},
		"a wrong one on top":  {letter.Answer, "{{x}}", "{{text}}", "subject", "Line 1"},
		"too long":            {letter.Answer, "x", "{{text}}" + strings.Repeat("a", 30_000), "body", "too long"},
		"the mail's template": {letter.Answer, "{{subject}}", "{{ TEXT }}", "", ""},
	} {
		err := letter.Template{Subject: c.subject, Text: c.body}.Check(c.what)
		if c.field == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if f := fault.Say(err); !fault.Is(err, fault.Invalid) || !strings.Contains(f.Fields[c.field], c.says) {
			t.Errorf("%s: %v %v", name, err, f.Fields)
		}
	}
	for _, l := range letter.Languages() {
		for _, what := range []string{letter.Confirmation, letter.Answer, letter.Solved} {
			if err := letter.Supplied(what, l.Code).Check(what); err != nil {
				t.Errorf("the supplied %s in %s: %v", what, l.Name, fault.Say(err).Fields)
			}
		}
	}
}

// TestNoPlaceholderOfNotes: nothing of the journal but the reply can be named.
func TestNoPlaceholderOfNotes(t *testing.T) {
	for _, p := range letter.Placeholders() {
		for _, bad := range []string{"note", "journal", "history", "entry", "description"} {
			if strings.Contains(p.Name, bad) {
				t.Errorf("{{%s}}", p.Name)
			}
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, l := range letter.Languages() {
		f.Add(letter.Supplied(letter.Answer, l.Code).Text)
	}
	f.Add("{{text}}{{{{number}}}}\n\n{{")
	f.Fuzz(func(t *testing.T, text string) {
		tpl := letter.Template{Subject: "x", Text: text}
		got, err := tpl.Render(letter.Answer, known)
		if tpl.Check(letter.Answer) == nil && err != nil {
			t.Fatalf("checked, and not worded: %v", err)
		}
		if err == nil && strings.Contains(got.HTML, "<Lind>") {
			t.Fatalf("%q", got.HTML)
		}
	})
}
