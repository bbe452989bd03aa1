package letter

import (
	"html"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
)

// The mails that have a template.
const (
	Confirmation = "confirmation" // a ticket was made of a mail
	Answer       = "reply"        // what somebody wrote to the customer
	Solved       = "resolved"     // the work is done
	Question     = "survey"       // how content the customer is
)

// Languages are those in which templates are supplied, with their names.
func Languages() []Language {
	return []Language{{"en", "English"}, {"de", "Deutsch"}}
}

// Language is one of them.
type Language struct{ Code, Name string }

// Template is how a mail is worded. An empty line parts paragraphs.
type Template struct{ Subject, Text string }

// Placeholder stands in a template for what is known when the mail is written.
type Placeholder struct {
	Name, Means string
	Only        string // the mail that alone has it; empty for all
	block       bool   // it may be more than a line
}

// Placeholders are all there are. None of them is a note, a work note or what others
// wrote.
func Placeholders() []Placeholder {
	return []Placeholder{
		{Name: "customer", Means: "the name of the customer"},
		{Name: "number", Means: "the number of the ticket, such as INC-1042"},
		{Name: "subject", Means: "the subject of the ticket"},
		{Name: "status", Means: "its state"},
		{Name: "organization", Means: "the organization that it belongs to"},
		{Name: "desk", Means: "the name of the mailbox"},
		{Name: "agent", Means: "who writes"},
		{Name: "text", Means: "what was written", Only: Answer, block: true},
		{Name: "resolution", Means: "what was done", Only: Solved, block: true},
		{Name: "link", Means: "the page on which she answers", Only: Question, block: true},
	}
}

// Of lists the placeholders of a mail.
func Of(what string) []Placeholder {
	return slices.DeleteFunc(Placeholders(), func(p Placeholder) bool { return p.Only != "" && p.Only != what })
}

// Supplied is the template of a mail that comes with Strongroom.
func Supplied(what, language string) Template {
	if language == "de" {
		return map[string]Template{
			Confirmation: {"Ihre Anfrage {{number}}: {{subject}}", "Guten Tag {{customer}},\n\nIhre Nachricht ist angekommen und hat die Nummer {{number}}. Wir melden uns.\n\nWenn Sie etwas ergänzen möchten, antworten Sie einfach auf diese Nachricht.\n\n{{desk}}"},
			Answer:       {"Re: {{subject}} [{{number}}]", "{{text}}\n\n{{agent}}\n{{desk}} · {{number}}"},
			Solved:       {"Gelöst: {{subject}} [{{number}}]", "Guten Tag {{customer}},\n\nIhre Anfrage {{number}} ist gelöst:\n\n{{resolution}}\n\nIst das nicht der Fall, antworten Sie auf diese Nachricht, und es geht weiter.\n\n{{desk}}"},
			Question:     {"Wie zufrieden sind Sie? {{subject}} [{{number}}]", "Guten Tag {{customer}},\n\nIhre Anfrage {{number}} ist gelöst. Wie zufrieden sind Sie damit? Eine Frage, zwei Klicks:\n\n{{link}}\n\nVielen Dank.\n\n{{desk}}"},
		}[what]
	}
	return map[string]Template{
		Confirmation: {"Your request {{number}}: {{subject}}", "Hello {{customer}},\n\nyour message has arrived and has the number {{number}}. You will hear from us.\n\nIf you have anything to add, simply answer this message.\n\n{{desk}}"},
		Answer:       {"Re: {{subject}} [{{number}}]", "{{text}}\n\n{{agent}}\n{{desk}} · {{number}}"},
		Solved:       {"Resolved: {{subject}} [{{number}}]", "Hello {{customer}},\n\nyour request {{number}} is resolved:\n\n{{resolution}}\n\nIf it is not, answer this message and it goes on.\n\n{{desk}}"},
		Question:     {"How content are you? {{subject}} [{{number}}]", "Hello {{customer}},\n\nyour request {{number}} is resolved. How content are you with it? One question, two clicks:\n\n{{link}}\n\nThank you.\n\n{{desk}}"},
	}[what]
}

// piece is text, or the name of a placeholder.
type piece struct {
	text string
	name string
}

// parse reads a template's text. Invalid with the line for a placeholder that there is
// not in that mail.
func parse(what, text string) ([]piece, error) {
	var out []piece
	line := 1
	for rest := text; ; {
		before, after, opened := strings.Cut(rest, "{{")
		line += strings.Count(before, "\n")
		if before != "" {
			out = append(out, piece{text: before})
		}
		if !opened {
			return out, nil
		}
		name, behind, closed := strings.Cut(after, "}}")
		if !closed || strings.Contains(name, "\n") {
			return nil, fault.New(fault.Invalid, "Line %d: a placeholder begins with {{ and does not end with }}.", line)
		}
		name = strings.ToLower(strings.TrimSpace(name))
		if !slices.ContainsFunc(Of(what), func(p Placeholder) bool { return p.Name == name }) {
			return nil, fault.New(fault.Invalid, "Line %d: there is no placeholder {{%s}} in this mail.", line, name).WithHint("There are %s.", listed(what))
		}
		out, rest = append(out, piece{name: name}), behind
	}
}

func listed(what string) string {
	var names []string
	for _, p := range Of(what) {
		names = append(names, "{{"+p.Name+"}}")
	}
	return strings.Join(names, ", ")
}

const mostTemplate = 20_000

// Check tells whether a template can be used. Invalid with fields subject and body.
func (t Template) Check(what string) error {
	bad := map[string]string{}
	for name, text := range map[string]string{"subject": t.Subject, "body": t.Text} {
		_, err := parse(what, text)
		switch {
		case strings.TrimSpace(text) == "":
			bad[name] = "Write something here, or go back to the supplied text."
		case len(text) > mostTemplate:
			bad[name] = "This is too long."
		case err != nil:
			bad[name] = strings.TrimSpace(fault.Say(err).Text + " " + fault.Say(err).Hint)
		}
	}
	if bad["subject"] == "" && strings.ContainsAny(strings.TrimSpace(t.Subject), "\r\n") {
		bad["subject"] = "A subject is one line."
	}
	if bad["body"] == "" && what == Answer && !strings.Contains(strings.ToLower(strings.ReplaceAll(t.Text, " ", "")), "{{text}}") {
		bad["body"] = "Without {{text}} nothing of the reply would be in the mail."
	}
	if bad["body"] == "" && what == Question && !strings.Contains(strings.ToLower(strings.ReplaceAll(t.Text, " ", "")), "{{link}}") {
		bad["body"] = "Without {{link}} nobody could answer."
	}
	return fault.Fields(bad)
}

// Rendered is a mail in words.
type Rendered struct{ Subject, Text, HTML string }

// Render words a mail. Values are text but those of texts, which are clean HTML; what
// they hold is never read as a template. Invalid as of Check.
func (t Template) Render(what string, values map[string]string) (*Rendered, error) {
	subject, err := parse(what, t.Subject)
	if err != nil {
		return nil, err
	}
	blocks := map[string]bool{}
	plain := map[string]string{}
	for _, p := range Of(what) {
		plain[p.Name] = values[p.Name]
		if blocks[p.Name] = p.block; p.block {
			plain[p.Name] = richtext.Text(values[p.Name])
		}
	}
	out := &Rendered{}
	var head strings.Builder
	for _, p := range subject {
		head.WriteString(p.text + plain[p.name])
	}
	out.Subject = strings.Join(strings.Fields(head.String()), " ")
	var texts []string
	var page strings.Builder
	for part := range strings.SplitSeq(strings.ReplaceAll(t.Text, "\r\n", "\n"), "\n\n") {
		pieces, err := parse(what, strings.Trim(part, "\n"))
		if err != nil {
			return nil, err
		}
		var text, rich strings.Builder
		for _, p := range pieces {
			text.WriteString(p.text + plain[p.name])
			rich.WriteString(strings.ReplaceAll(html.EscapeString(p.text+plain[p.name]), "\n", "<br>"))
		}
		if strings.TrimSpace(text.String()) == "" {
			continue
		}
		texts = append(texts, strings.TrimSpace(text.String()))
		if len(pieces) == 1 && blocks[pieces[0].name] {
			page.WriteString(values[pieces[0].name])
			continue
		}
		page.WriteString("<p>" + rich.String() + "</p>")
	}
	out.Text, out.HTML = strings.Join(texts, "\n\n")+"\n", "<!doctype html><html><body>"+page.String()+"</body></html>"
	return out, nil
}

// outside is HTML that leaves the house: images are not loaded from here and links lead
// to other places alone.
func outside(text string) string {
	return richtext.Clean(richtext.Rewrite(richtext.Clean(text), func(tag, _, value string) string {
		if tag == "a" && (strings.HasPrefix(value, "https://") || strings.HasPrefix(value, "http://") || strings.HasPrefix(value, "mailto:") || strings.HasPrefix(value, "tel:")) {
			return value
		}
		return ""
	}))
}
