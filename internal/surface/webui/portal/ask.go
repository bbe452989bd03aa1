package portal

import (
	"html/template"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/offering/catalogue"
	desk "strongroom/internal/feature/portal"
)

func (v *visit) report() error {
	if err := v.mine(); err != nil {
		return err
	}
	return v.reportPage(web.NewForm(map[string][]string{"subject": {v.asked()}, "device": {v.R.URL.Query().Get("device")}}), nil, nil)
}

func (v *visit) reportPage(form *web.Form, refused error, files []*attachment.Content) error {
	p, f, err := v.page("Report a problem")
	if err != nil {
		return err
	}
	who, err := v.colleagues(form.Text("for"))
	if err != nil {
		return err
	}
	d := formView{frame: f, Title: "Report a problem", Text: "Say what does not work. You can follow it here, and we write to you when there is news.", Found: true,
		Form: ui.Form{Action: "/portal/report", Submit: "Send", Multipart: true, Hidden: []ui.Hidden{{Name: "token", Value: kept(form)}}}}
	mine, err := v.deviceField(form.Text("device"))
	if err != nil {
		return err
	}
	for _, f := range []*ui.Field{who, mine} {
		if f != nil {
			d.Steps = append(d.Steps, step{Field: *f})
		}
	}
	d.Steps = append(d.Steps,
		step{Field: ui.Field{Name: "subject", Label: "What is it about?", Type: "text", Value: form.Text("subject"), Required: true, Most: desk.MostSubject, Holder: "My printer prints empty pages"}},
		step{Field: ui.Field{Name: "text", Label: "What happened?", Type: "textarea", Rows: 7, Value: form.Raw("text"), Required: true, Most: desk.MostText, Hint: "What did you do, what did you expect, what did you see? Since when?"}},
		step{Field: filesField()})
	d.refused(refused, files)
	p.Data = d
	return v.RenderStatus(status(refused), "portal-form", p)
}

// filesField asks for files; it stands last, so that all else is read before them.
func filesField() ui.Field {
	return ui.Field{Name: "files", Label: "Files", Type: "file", Multiple: true, Hint: "Pictures of what you see help most. Up to " + strconv.Itoa(desk.MostFiles) + " files of 25 MB."}
}

// kept is the token of a form, a new one where it has none.
func kept(form *web.Form) string {
	if t := form.Text("token"); t != "" {
		return t
	}
	return token()
}

func (v *visit) send() error {
	form, files, err := v.taken(0, desk.Problem)
	var made id.ID
	if err == nil {
		made, err = v.Portal.Send(v.R.Context(), v.Caller, desk.Report{Subject: form.Text("subject"), Text: form.Raw("text"), For: whom(form), Device: chosen(form, "device"), Token: form.Text("token"), Files: files})
	}
	if gives(err) {
		if bad := v.hold(form, 0, files); bad != nil {
			return bad
		}
		return v.reportPage(form, err, files)
	}
	if err != nil {
		return err
	}
	return v.Done("/portal/tickets/"+made.String(), "We have got it.")
}

// group is the offerings of a category.
type group struct {
	Title string
	Items []offer
}

type offer struct {
	Href, Title, Text, Price, Days string
	Approval                       bool
}

type catalogueView struct {
	frame
	Groups []group
}

func (v *visit) catalogue() error {
	p, f, err := v.page("Catalogue")
	if err != nil {
		return err
	}
	d := catalogueView{frame: f}
	err = v.View(func(tx *gate.Tx) error {
		me, err := v.Portal.Me(tx)
		if err != nil {
			return err
		}
		list, err := catalogue.Open(tx, v.Records, me.ID)
		for _, r := range list {
			title := r.Names["category_id"]
			i := slices.IndexFunc(d.Groups, func(g group) bool { return g.Title == title })
			if i < 0 {
				i, d.Groups = len(d.Groups), append(d.Groups, group{Title: title})
			}
			d.Groups[i].Items = append(d.Groups[i].Items, offerOf(r))
		}
		return err
	})
	if err != nil {
		return err
	}
	slices.SortFunc(d.Groups, func(a, b group) int { return strings.Compare(order(a.Title), order(b.Title)) })
	p.Data = d
	return v.Render("portal-catalogue", p)
}

// order puts what has no category last.
func order(title string) string {
	if title == "" {
		return "\uffff"
	}
	return strings.ToLower(title)
}

func offerOf(r *record.Record) offer {
	o := offer{Href: "/portal/catalogue/" + r.ID.String(), Title: r.Name, Text: short(richtext.Text(r.Values.Text("description"))), Approval: r.Values.Bool("approval")}
	if price, ok := r.Values["price"].(float64); ok && price > 0 {
		o.Price = money(price)
	}
	if days, ok := r.Values["days"].(int64); ok && days > 0 {
		o.Days = "within " + strconv.FormatInt(days, 10) + " days"
		if days == 1 {
			o.Days = "within a day"
		}
	}
	return o
}

// short is the beginning of a text.
func short(s string) string {
	const most = 160
	text := []rune(strings.Join(strings.Fields(s), " "))
	if len(text) <= most {
		return string(text)
	}
	return strings.TrimSpace(string(text[:most-1])) + "…"
}

func money(n float64) string { return strconv.FormatFloat(n, 'f', 2, 64) }

// offering is the page on which one is ordered.
func (v *visit) offering() error {
	if err := v.mine(); err != nil {
		return err
	}
	return v.orderPage(web.NewForm(nil), nil, nil)
}

// orderView is the form of an offering.
type orderView struct {
	formView
	Offer offer
	HTML  template.HTML
}

func (v *visit) orderPage(form *web.Form, refused error, files []*attachment.Content) error {
	oid, err := v.ID("id")
	if err != nil {
		return err
	}
	d := orderView{}
	err = v.View(func(tx *gate.Tx) error {
		r, err := v.Records.Get(tx, catalogue.Kind, oid)
		if err != nil {
			return err
		}
		d.Offer, d.HTML = offerOf(r), desk.Outside(r.Values.Text("description"))
		questions, err := catalogue.Form(tx, v.Records, oid)
		if err == nil {
			d.Steps = steps(questions, form, refused != nil)
		}
		return err
	})
	if err != nil {
		return err
	}
	p, f, err := v.page(d.Offer.Title)
	if err != nil {
		return err
	}
	d.frame, d.Title = f, d.Offer.Title
	who, err := v.colleagues(form.Text("for"))
	if err != nil {
		return err
	}
	if who != nil {
		d.Steps = slices.Insert(d.Steps, 0, step{Field: *who})
	}
	if !slices.ContainsFunc(d.Steps, func(s step) bool { return s.Field.Name == "files" }) {
		d.Steps = append(d.Steps, step{Field: filesField()})
	}
	d.Form = ui.Form{Action: d.Offer.Href, Submit: "Order", Multipart: true, Cancel: "/portal/catalogue", Hidden: []ui.Hidden{{Name: "token", Value: kept(form)}}}
	if d.Offer.Approval {
		d.Form.Note = "Somebody approves it first."
	}
	d.refused(refused, files)
	p.Data = d
	return v.RenderStatus(status(refused), "portal-order", p)
}

// steps are the questions as fields, with what was answered.
func steps(form []catalogue.Question, said *web.Form, sent bool) []step {
	by := map[id.ID]*catalogue.Question{}
	for i := range form {
		by[form[i].ID] = &form[i]
	}
	var out []step
	for i := range form {
		q := &form[i]
		s := step{Field: field(q, said, sent)}
		if on := by[q.When]; on != nil {
			s.On, s.Answer, s.Tick = "q"+on.ID.String(), q.WhenAnswer, on.Type == catalogue.Yes
			s.Field.Required = false // only where it is shown, which the server knows
		}
		out = append(out, s)
	}
	slices.SortStableFunc(out, func(a, b step) int { return last(a) - last(b) })
	return out
}

// last puts files behind all else.
func last(s step) int {
	if s.Field.Type == "file" {
		return 1
	}
	return 0
}

// field is the control for a question.
func field(q *catalogue.Question, said *web.Form, sent bool) ui.Field {
	name := "q" + q.ID.String()
	f := ui.Field{Name: name, Label: q.Name, Hint: q.Hint, Required: q.Required, Type: "text"}
	now := said.Text(name)
	if !sent {
		now = q.Usual
	}
	f.Value = now
	bounds := func(step string) {
		f.Step = step
		if q.Least != nil {
			f.Min = strconv.FormatFloat(*q.Least, 'f', -1, 64)
		}
		if q.Most != nil {
			f.Max = strconv.FormatFloat(*q.Most, 'f', -1, 64)
		}
	}
	switch q.Type {
	case catalogue.Label:
		return ui.Field{Type: "note", Text: q.Name}
	case catalogue.Heading:
		return heading(q.Name)
	case catalogue.Attachment:
		x := filesField()
		x.Label = q.Name
		return x
	case catalogue.Lines:
		f.Type, f.Rows, f.Value = "textarea", 4, strings.TrimSpace(now)
		if sent {
			f.Value = said.Raw(name)
		}
	case catalogue.Yes:
		f.Type, f.Checked = "checkbox", now == "1" || strings.EqualFold(now, "true") || strings.EqualFold(now, "yes")
	case catalogue.One, catalogue.Several:
		f.Type, f.Multiple = "select", q.Type == catalogue.Several
		chosen := said.All(name)
		if !sent {
			chosen = strings.Split(q.Usual, catalogue.Between)
		}
		for _, c := range q.Choices {
			f.Options = append(f.Options, ui.Option{Value: c, Label: c, Selected: slices.ContainsFunc(chosen, func(s string) bool { return strings.EqualFold(s, c) })})
		}
	case catalogue.Day:
		f.Type = "date"
	case catalogue.Clock:
		f.Type = "time"
	case catalogue.Amount:
		f.Type = "number"
		bounds("any")
	}
	return f
}

func (v *visit) order() error {
	oid, err := v.ID("id")
	if err != nil {
		return err
	}
	var questions []catalogue.Question
	err = v.View(func(tx *gate.Tx) error { // before anything is kept
		if _, err := v.Records.Get(tx, catalogue.Kind, oid); err != nil {
			return err
		}
		questions, err = catalogue.Form(tx, v.Records, oid)
		return err
	})
	if err != nil {
		return err
	}
	form, files, err := v.taken(0, desk.Wish)
	var made id.ID
	if err == nil {
		made, err = v.place(oid, questions, form, files)
	}
	if gives(err) {
		if bad := v.hold(form, 0, files); bad != nil {
			return bad
		}
		return v.orderPage(form, err, files)
	}
	if err != nil {
		return err
	}
	return v.Done("/portal/tickets/"+made.String(), "Your order is placed.")
}

func (v *visit) place(oid id.ID, questions []catalogue.Question, form *web.Form, files []*attachment.Content) (id.ID, error) {
	o := catalogue.Order{Offering: oid, Contact: whom(form), Answers: map[id.ID]string{}}
	for _, q := range questions {
		name := "q" + q.ID.String()
		switch said := slices.DeleteFunc(form.All(name), func(s string) bool { return s == "" }); {
		case q.Type == catalogue.Yes:
			o.Answers[q.ID] = strconv.FormatBool(form.Bool(name))
		case len(said) == 0:
		case q.Type == catalogue.Several:
			o.Answers[q.ID] = strings.Join(said, catalogue.Between)
		case q.Type == catalogue.Label, q.Type == catalogue.Heading, q.Type == catalogue.Attachment:
		case q.Type == catalogue.Lines:
			o.Answers[q.ID] = strings.ReplaceAll(form.Raw(name), "\r\n", "\n")
		default:
			o.Answers[q.ID] = form.Text(name)
		}
	}
	made, err := v.Portal.Order(v.R.Context(), v.Caller, o, form.Text("token"), files)
	if fault.Is(err, fault.NotFound) {
		err = gate.Missing()
	}
	return made, err
}
