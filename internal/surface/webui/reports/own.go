package reports

import (
	"bytes"
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/table"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/report"
	"strongroom/internal/feature/view"
	"strongroom/internal/surface/webui/shell"
)

// onePage is the page of one report.
type onePage struct {
	Head    ui.Head
	Periods []ui.NavItem
	Card    card
	Rows    []bar
	Total   bar
	Status  int      // of the answer; 0 is well
	Mail    *ui.Form // when it is mailed to the reader; nil where it cannot be
}

// one shows a report.
func (v *visit) one(d *onePage, title string, ask report.Ask) error {
	err := v.View(func(tx *gate.Tx) error {
		x, err := ask.Answered(tx, v.Records)
		if err != nil {
			return err
		}
		d.Card, d.Rows = v.card(title, "", "", x), v.rows(x)
		d.Total = bar{Label: x.Total.Label, Href: v.listOf(ask, x.Total), Value: ask.Says(x.Total), N: x.Total.N}
		return nil
	})
	if err != nil {
		return err
	}
	p, err := v.Page(title, ui.Crumb{Label: "Reports", Href: "/reports"}, ui.Crumb{Label: title})
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(cmp.Or(d.Status, http.StatusOK), "one", p)
}

// builtin finds the built-in report of the address.
func (v *visit) builtin() (*asks, *report.Builtin, error) {
	a, err := v.asked()
	if err != nil {
		return nil, nil, err
	}
	b := a.of(v.R.PathValue("name"))
	if b == nil {
		return nil, nil, gate.Missing()
	}
	return a, b, nil
}

func (v *visit) standard() error {
	a, b, err := v.builtin()
	if err != nil {
		return err
	}
	here := "/standard-reports/" + b.Name
	d := &onePage{Head: ui.Head{Title: b.Title, Icon: "chart-bar", Sub: []ui.Cell{{Text: a.kind.Labels, Href: a.address("/reports")}, {Text: b.Text}}}}
	if v.Caller.May(access.Export) {
		d.Head.Actions = []ui.Action{{Label: "CSV", Icon: "download", Href: a.address(here + "/csv")}, {Label: "PDF", Icon: "file-text", Href: a.address(here + "/pdf")}}
	}
	if b.Ask.Days > 0 || b.Ask.Time != "" && b.Ask.Group != report.ByAge {
		for _, n := range report.Periods() {
			d.Periods = append(d.Periods, ui.NavItem{Label: report.Period(n), Href: a.address(here, "days", strconv.Itoa(n)), Current: n == a.days})
		}
	}
	return v.one(d, b.Title, b.Ask)
}

func (v *visit) standardCSV() error {
	_, b, err := v.builtin()
	if err != nil {
		return err
	}
	return v.csv(b.Name, b.Ask)
}

// load finds the report of the address.
func (v *visit) load() (s *report.Saved, err error) {
	n, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	err = v.View(func(tx *gate.Tx) (err error) { s, err = report.Get(tx, n); return err })
	return s, err
}

func (v *visit) ownCSV() error {
	s, err := v.load()
	if err != nil {
		return err
	}
	return v.csv("report", s.Ask)
}

// csv gives the numbers of a report for a spreadsheet; that it left is recorded.
func (v *visit) csv(name string, ask report.Ask) error {
	var b bytes.Buffer
	out, err := table.CreateForSpreadsheet(&b, []string{"Group", string(ask.Measure), "Records"})
	if err != nil {
		return err
	}
	err = v.Change(access.Export, gate.Thing{Kind: ask.Kind}, func(tx *gate.Tx) error {
		tx.Entry().Detail.Text = "report as CSV"
		x, err := ask.Answered(tx, v.Records)
		if err != nil {
			return err
		}
		for _, c := range append(x.Cells, x.Total) {
			if err := out.Write(c.Label, strconv.FormatFloat(c.Value, 'f', -1, 64), strconv.FormatInt(c.N, 10)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return v.CSV(name, b.Bytes())
}

func (v *visit) standardPDF() error {
	_, b, err := v.builtin()
	if err != nil {
		return err
	}
	return v.pdf(b.Title, b.Text, b.Ask)
}

func (v *visit) ownPDF() error {
	s, err := v.load()
	if err != nil {
		return err
	}
	return v.pdf(s.Name, "", s.Ask)
}

// pdf gives the numbers of a report on paper; that it left is recorded.
func (v *visit) pdf(title, text string, ask report.Ask) error {
	var x *report.Answer
	err := v.Change(access.Export, gate.Thing{Kind: ask.Kind}, func(tx *gate.Tx) (err error) {
		tx.Entry().Detail.Text = "report as PDF"
		x, err = ask.Answered(tx, v.Records)
		return err
	})
	if err != nil {
		return err
	}
	about := []string{ask.About(v.Kind(ask.Kind)), "Made " + v.Now().UTC().Format("2006-01-02 15:04 MST") + " with the rights of " + v.Caller.Name}
	if text != "" {
		about = append([]string{text}, about...)
	}
	var b bytes.Buffer
	if err := x.Print(v.R.Context(), &b, title, about, v.Caller.Name, v.Now()); err != nil {
		return err
	}
	v.Stream(title+".pdf", "application/pdf", false, bytes.NewReader(b.Bytes()))
	return nil
}

func (v *visit) fresh() error {
	said := v.R.URL.Query()
	kind := said.Get("kind")
	if kind == "" {
		kind = "incident"
	}
	s := &report.Saved{Board: true, Ask: report.Ask{Kind: kind, Query: said.Get("query"), Time: "created_at", Days: 30, Group: report.ByDay, Measure: report.Count}}
	return v.form(s, nil)
}

func (v *visit) edit() error {
	s, err := v.load()
	if err == nil && s.Owner != v.Caller.User {
		err = gate.Missing()
	}
	if err != nil {
		return err
	}
	return v.form(s, nil)
}

// form shows a report to be changed, again with what is wrong with it.
func (v *visit) form(s *report.Saved, wrong error) error {
	k := v.Kind(s.Kind)
	if !report.Of(k) || !v.Caller.Sees(k.Name) {
		return gate.Missing()
	}
	title, f := "New report", &ui.Form{Action: "/reports", Submit: "Keep the report", Cancel: "/reports", Hidden: []ui.Hidden{{Name: "kind", Value: k.Name}}}
	if s.ID != 0 {
		title, f.Action, f.Cancel, f.Submit = "Edit the report", at(s.ID), at(s.ID), "Save"
	}
	err := v.View(func(tx *gate.Tx) error {
		views, err := view.List(tx, k.Name, 0)
		if err != nil {
			return err
		}
		chosen := map[id.ID]bool{}
		for _, n := range s.With {
			chosen[n] = true
		}
		users, err := v.Choices(tx, "user", chosen)
		if err != nil {
			return err
		}
		groups, err := v.Choices(tx, "group", chosen)
		f.Fields = v.fields(k, s, views, users, groups)
		return err
	})
	if err != nil {
		return err
	}
	if wrong != nil {
		say := fault.Say(wrong)
		f.Wrong(say.Text, say.Hint, say.Fields)
	}
	p, err := v.Page(title, ui.Crumb{Label: "Reports", Href: "/reports"}, ui.Crumb{Label: title})
	if err != nil {
		return err
	}
	p.Data = shell.FormPage{Head: ui.Head{Title: title, Icon: "chart-bar", Sub: []ui.Cell{{Text: "Of " + shell.Lower(k.Labels) + ". Whoever opens it is answered by what she may see."}}}, Form: *f}
	if wrong == nil {
		return v.Render("form", p)
	}
	return v.RenderStatus(web.Status(wrong), "form", p)
}

// fields are those of the form.
func (v *visit) fields(k *record.Kind, s *report.Saved, views []view.View, users, groups []ui.Option) []ui.Field {
	of := []ui.Option{{Value: "", Label: "All " + shell.Lower(k.Labels)}}
	for _, x := range views {
		of = append(of, ui.Option{Value: x.Query, Label: "View: " + x.Name})
	}
	if s.Query != "" && !has(of, s.Query) {
		of = append(of, ui.Option{Value: s.Query, Label: "As it is now"})
	}
	measures := []ui.Option{{Value: string(report.Count), Label: "How many there are"}}
	for _, m := range report.Measures()[1:] {
		for _, f := range report.Measured(k, m) {
			measures = append(measures, ui.Option{Value: string(m) + ":" + f.Name, Label: measureLabel(m, f)})
		}
	}
	times := make([]ui.Option, 0, 8)
	for _, name := range report.Times(k) {
		times = append(times, ui.Option{Value: name, Label: timeLabel(k, name)})
	}
	by := []ui.Option{{Label: "Nothing: one number"}, {Value: report.ByDay, Label: "Day"}, {Value: report.ByWeek, Label: "Week"}, {Value: report.ByMonth, Label: "Month"}, {Value: report.ByAge, Label: "Age"}, {Value: report.ByOrg, Label: "Organization"}}
	for _, f := range report.Groups(k) {
		by = append(by, ui.Option{Value: f.Name, Label: f.Title()})
	}
	periods := make([]ui.Option, 0, 5)
	for _, n := range report.Periods() {
		periods = append(periods, ui.Option{Value: strconv.Itoa(n), Label: report.Period(n)})
	}
	now := string(s.Measure)
	if s.Of != "" {
		now += ":" + s.Of
	}
	out := []ui.Field{
		{Name: "name", Label: "Name", Type: "text", Value: s.Name, Required: true, Wide: true, Most: report.MaxName, Focus: true},
		{Name: "query", Label: "Of what", Type: "select", Options: chosen(of, s.Query), Wide: true, Hint: "Save a list as a view to report on it. The report keeps the question as it was."},
		{Name: "measure", Label: "What is told", Type: "select", Options: chosen(measures, now)},
		{Name: "group", Label: "By", Type: "select", Options: chosen(by, s.Group)},
		{Name: "time", Label: "Moment", Type: "select", Options: chosen(times, s.Time), Hint: "By which the period, days and ages go."},
		{Name: "days", Label: "Period", Type: "select", Options: chosen(periods, strconv.Itoa(s.Days))},
		{Type: "heading", Label: "Who sees it"},
		{Name: "board", Label: "On the dashboard", Type: "checkbox", Checked: s.Board},
		{Name: "with", Label: "Shared with", Type: "select", Multiple: true, Options: append(users, groups...), Wide: true, Hint: "They see the question, and their own numbers."},
	}
	if v.Caller.May(access.Configure) {
		out = append(out, ui.Field{Name: "everybody", Label: "Shared with everybody", Type: "checkbox", Checked: s.All})
	}
	return out
}

func has(list []ui.Option, value string) bool {
	for _, o := range list {
		if o.Value == value {
			return true
		}
	}
	return false
}

func chosen(list []ui.Option, now string) []ui.Option {
	for i := range list {
		list[i].Selected = list[i].Value == now
	}
	return list
}

func measureLabel(m report.Measure, f *record.Field) string {
	return map[report.Measure]string{report.Sum: "Sum: ", report.Mean: "Average: ", report.Median: "Median: ", report.P90: "Nine of ten: ", report.Within: "Part that is not: "}[m] + f.Title()
}

func timeLabel(k *record.Kind, name string) string {
	if f := k.Field(name); f != nil {
		return f.Title()
	}
	return map[string]string{"created_at": "Created", "updated_at": "Updated"}[name]
}

// save keeps what the form says.
func (v *visit) save() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	s := &report.Saved{}
	if v.R.PathValue("id") != "" {
		if s, err = v.load(); err != nil {
			return err
		}
		if s.Owner != v.Caller.User {
			return gate.Missing()
		}
	} else {
		s.Kind = f.Text("kind")
	}
	s.Name, s.Query, s.Group, s.Time, s.Board, s.All = f.Text("name"), f.Text("query"), f.Text("group"), f.Text("time"), f.Bool("board"), f.Bool("everybody")
	s.Days, _ = strconv.Atoi(f.Text("days"))
	m, of, _ := strings.Cut(f.Text("measure"), ":")
	s.Measure, s.Of, s.With = report.Measure(m), of, nil
	for _, x := range f.All("with") {
		if n, ok := id.Parse(x); ok {
			s.With = append(s.With, n)
		}
	}
	err = v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error { return report.Save(tx, v.Records, s) })
	if fault.Is(err, fault.Invalid) && report.Of(v.Kind(s.Kind)) {
		return v.form(s, err)
	}
	if err != nil {
		return err
	}
	return v.Done(at(s.ID), "The report %s is kept.", s.Name)
}

func (v *visit) remove() error {
	s, err := v.load()
	if err != nil {
		return err
	}
	if err := v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error { return report.Remove(tx, s.ID) }); err != nil {
		return err
	}
	return v.Done("/reports", "The report %s is removed.", s.Name)
}
