package mailboxes

import (
	"cmp"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/mailbox"
	"strongroom/internal/feature/mailbox/letter"
)

// worded is which template is asked for.
type worded struct {
	org            id.ID
	language, what string
	title          string // of the organization; Everybody for none
}

// mails names the mails that have a template.
var mails = [...]ui.Option{{Value: letter.Confirmation, Label: "A ticket has arrived"}, {Value: letter.Answer, Label: "Reply"}, {Value: letter.Solved, Label: "A ticket is resolved"}, {Value: letter.Question, Label: "How content are you?"}}

// asked reads it, from the address or a form. NotFound for what there is not.
func (v *visit) asked(tx *gate.Tx, get func(string) string) (w worded, err error) {
	w.org, _ = id.Parse(get("organization_id"))
	w.language, w.what, w.title = cmp.Or(get("language"), letter.Languages()[0].Code), cmp.Or(get("what"), letter.Answer), "Everybody"
	known := false
	for _, m := range mails {
		known = known || m.Value == w.what
	}
	if !known || !letter.Known(w.language) {
		return w, gate.Missing()
	}
	if w.org != 0 {
		r, err := v.Records.Get(tx, "organization", w.org)
		if err != nil {
			return w, err
		}
		w.title = r.Name
	}
	return w, nil
}

func (w worded) href() string {
	q := url.Values{"language": {w.language}, "what": {w.what}}
	if w.org != 0 {
		q.Set("organization_id", w.org.String())
	}
	return top + "/templates/mail?" + q.Encode()
}

// templates lists the mails, for everybody or for an organization.
func (v *visit) templates() error {
	data := &view{Head: ui.Head{Title: "Mail templates", Icon: "mail"}}
	var w worded
	err := v.View(func(tx *gate.Tx) (err error) {
		if w, err = v.asked(tx, v.R.URL.Query().Get); err != nil {
			return err
		}
		for _, l := range letter.Languages() {
			card := &ui.Section{Title: l.Name, Icon: "mail"}
			for _, m := range mails {
				one := worded{org: w.org, language: l.Code, what: m.Value}
				t, from, err := letter.Get(tx, w.org, l.Code, m.Value)
				if err != nil {
					return err
				}
				pill := map[letter.Whose]ui.Pill{letter.OfStrongroom: {Text: "Supplied"}, letter.OfAll: {Text: "Everybody's", Tone: "info"}, letter.OfOrganization: {Text: "Its own", Tone: "ok"}}[from]
				card.Items = append(card.Items, ui.Item{Title: m.Label, Sub: t.Subject, Icon: "mail", Href: one.href(), Pill: &pill})
			}
			data.Cards = append(data.Cards, card)
		}
		orgs, err := v.Choices(tx, "organization", map[id.ID]bool{w.org: true})
		if err != nil {
			return err
		}
		chosen, err := letter.LanguageOf(tx, w.org)
		if err != nil {
			return err
		}
		f := ui.Form{ID: "whose", Action: top + "/templates/language", Submit: "Show", Fields: []ui.Field{{Name: "organization_id", Label: "Templates of", Type: "select", Options: append([]ui.Option{{Label: "Everybody"}}, orgs...)}}}
		if w.org != 0 {
			f.Submit = "Save"
			f.Fields = []ui.Field{{Name: "organization_id", Label: "Organization", Type: "fixed", Value: w.title},
				{Name: "language", Label: "Its mail is in", Type: "select", Options: append([]ui.Option{{Label: "the language of the mailbox"}}, languages(chosen)...)}}
			f.Hidden, f.Cancel = []ui.Hidden{{Name: "organization_id", Value: w.org.String()}, {Name: "save", Value: "1"}}, top+"/templates"
		}
		data.Forms = []ui.Form{f}
		return nil
	})
	if err != nil {
		return err
	}
	data.Head.Sub = []ui.Cell{{Text: "How mail to customers is worded: " + map[bool]string{true: "for everybody who has nothing else.", false: "for " + w.title + "."}[w.org == 0]}}
	return v.show(http.StatusOK, "Mail templates", data, ui.Crumb{Label: "Mailboxes", Href: top}, ui.Crumb{Label: "Mail templates"})
}

// speak leads to the templates of an organization, or keeps its language.
func (v *visit) speak() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	org, _ := id.Parse(f.Text("organization_id"))
	at := top + "/templates"
	if org != 0 {
		at += "?organization_id=" + org.String()
	}
	if org == 0 || !f.Bool("save") {
		http.Redirect(v.W, v.R, at, http.StatusSeeOther)
		return nil
	}
	if err := v.letters().Speak(v.R.Context(), v.Caller, org, f.Text("language")); err != nil {
		return err
	}
	return v.Done(at, "The language is saved.")
}

func (v *visit) letters() *letter.Templates { return &letter.Templates{Gate: v.Desk.Gate} }

// template asks for the words of a mail.
func (v *visit) template() error {
	return v.wording(v.R.URL.Query().Get, nil, v.R.URL.Query().Get("ticket"), nil)
}

// wording shows the form of a template with a preview; typed is what was entered.
func (v *visit) wording(get func(string) string, typed *letter.Template, number string, refused error) error {
	var w worded
	var said *letter.Rendered
	var with string
	var t letter.Template
	var from letter.Whose
	err := v.View(func(tx *gate.Tx) (err error) {
		if w, err = v.asked(tx, get); err != nil {
			return err
		}
		if t, from, err = letter.Get(tx, w.org, w.language, w.what); err != nil {
			return err
		}
		if typed != nil {
			t = *typed
		}
		r, err := v.example(tx, w.org, number)
		if err != nil || r == nil || t.Check(w.what) != nil {
			return err
		}
		with = r.Kind.Field("number").Numbered(r.Values["number"].(int64)) //nolint:forcetypeassert // a ticket has one
		said, err = t.Preview(tx, r, w.what)
		return err
	})
	if err != nil {
		return err
	}
	title := ""
	for _, m := range mails {
		if m.Value == w.what {
			title = m.Label
		}
	}
	data := &view{Head: ui.Head{Title: title, Icon: "mail", Sub: []ui.Cell{{Text: w.title}, {Text: map[string]string{"en": "English", "de": "Deutsch"}[w.language]}}}}
	hidden := []ui.Hidden{{Name: "organization_id", Value: w.org.String()}, {Name: "language", Value: w.language}, {Name: "what", Value: w.what}}
	f := ui.Form{Action: top + "/templates/mail", Submit: "Save", Again: "Preview", Cancel: top + "/templates", Hidden: hidden, Fields: []ui.Field{
		{Name: "subject", Label: "Subject", Type: "text", Value: t.Subject, Required: true, Most: 250, Wide: true},
		{Name: "body", Label: "Text", Type: "textarea", Rows: 14, Value: t.Text, Required: true, Wide: true, Hint: "An empty line begins a paragraph. The mail has it as plain text and as HTML."},
		{Name: "ticket", Label: "Preview with", Type: "text", Value: cmp.Or(number, with), Hint: "The number of a ticket, such as INC-1042. Left empty, the latest."},
	}}
	status := http.StatusOK
	if refused != nil {
		say := fault.Say(refused)
		f.Wrong(say.Text, say.Hint, say.Fields)
		status = web.Status(refused)
	}
	data.Forms = []ui.Form{f}
	if from == letter.OfOrganization || from == letter.OfAll && w.org == 0 {
		data.Head.Actions = []ui.Action{{Label: "Back to what was supplied", Icon: "rotate", Href: top + "/templates/mail", Post: true, Quiet: true, Fields: append(hidden[:3:3], ui.Hidden{Name: "reset", Value: "1"})}}
	}
	card := &ui.Section{Title: "Placeholders", Icon: "list"}
	for _, p := range letter.Of(w.what) {
		card.Items = append(card.Items, ui.Item{Title: "{{" + p.Name + "}}", Sub: p.Means})
	}
	data.After = append(v.previewed(said, with), card)
	return v.show(status, title, data, ui.Crumb{Label: "Mailboxes", Href: top}, ui.Crumb{Label: "Mail templates", Href: top + "/templates"}, ui.Crumb{Label: title})
}

// previewed shows a mail as HTML and as plain text.
func (v *visit) previewed(said *letter.Rendered, with string) []*ui.Section {
	if said == nil {
		return nil
	}
	return []*ui.Section{
		{Title: "Preview with " + with, Icon: "eye", Text: said.Subject, HTML: template.HTML(richtext.Clean(said.HTML))}, // #nosec G203 -- sanitised here
		{Title: "As plain text", Icon: "file-text", HTML: template.HTML(richtext.FromText(said.Text))},                   // #nosec G203 -- FromText escapes all of it
	}
}

// example is a ticket for a preview: that with a number, or the latest; nil for none.
func (v *visit) example(tx *gate.Tx, org id.ID, number string) (*record.Record, error) {
	kind := v.Kind("incident")
	if kind == nil {
		return nil, nil
	}
	q := record.Query{Org: org, Limit: 1, NoTotal: true, Sort: []record.Order{{Field: "id", Desc: true}}}
	if series, n := mailbox.NumberIn(strings.TrimSpace(number)); n != 0 && series == kind.Field("number").Series {
		q = record.Query{Limit: 1, NoTotal: true, Filters: []record.Filter{{Field: "number", Op: record.Eq, Values: []any{n}}}}
	}
	p, err := v.Records.List(tx, kind.Name, q)
	if err != nil || len(p.Records) == 0 {
		return nil, err
	}
	return p.Records[0], nil
}

// change keeps a template, previews it, or goes back.
func (v *visit) change() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	t := &letter.Template{Subject: f.Text("subject"), Text: strings.ReplaceAll(f.Raw("body"), "\r\n", "\n")}
	org, _ := id.Parse(f.Text("organization_id"))
	w := worded{org: org, language: f.Text("language"), what: f.Text("what")}
	switch {
	case f.Bool("again"):
		return v.wording(f.Text, t, f.Text("ticket"), t.Check(w.what))
	case f.Bool("reset"):
		err = v.letters().Reset(v.R.Context(), v.Caller, org, w.language, w.what)
	default:
		err = v.letters().Save(v.R.Context(), v.Caller, org, w.language, w.what, *t)
	}
	if fault.Is(err, fault.Invalid) {
		return v.wording(f.Text, t, f.Text("ticket"), err)
	}
	if err != nil {
		return err
	}
	return v.Done(w.href(), "%s", map[bool]string{true: "The text is as before.", false: "The text is saved."}[f.Bool("reset")])
}
