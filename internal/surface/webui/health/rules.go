package health

import (
	"strconv"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/health"
	"strongroom/internal/surface/webui/shell"
)

// rulesPage chooses what is expected: of every organization, or of one.
type rulesPage struct {
	Head   ui.Head
	Action string
	Cancel string
	One    bool // of one organization: each choice may be as everywhere
	Lines  []ruleLine
	Rotate ui.Field
}

// ruleLine is the rule of one target.
type ruleLine struct {
	Label, Icon string
	Expected    ui.Field
	Days        ui.Field
}

// days lists how long something may be left alone; beside, when not empty, what
// it is as everywhere.
func days(name, label string, chosen int, everywhere string) ui.Field {
	f := ui.Field{Name: name, Label: label}
	if everywhere != "" {
		f.Options = append(f.Options, ui.Option{Value: "", Label: everywhere, Selected: chosen < 0})
	}
	f.Options = append(f.Options, ui.Option{Value: "0", Label: "Any age", Selected: chosen == 0})
	for _, n := range health.Choices() {
		f.Options = append(f.Options, ui.Option{Value: strconv.Itoa(n), Label: "At most " + shell.Days(n), Selected: chosen == n})
	}
	return f
}

func (v *visit) rules() error {
	d := rulesPage{Head: ui.Head{Title: "What is expected", Icon: "gauge", Sub: []ui.Cell{{Text: "Of every organization. Each may have exceptions, on its own page of documentation health."}}}, Action: "/settings/health", Cancel: "/settings"}
	err := v.View(func(tx *gate.Tx) error {
		targets, err := v.Health.Targets(tx)
		if err != nil {
			return err
		}
		now, err := health.Rules(tx)
		for _, t := range targets {
			r := now[t.Name]
			d.Lines = append(d.Lines, ruleLine{Label: t.Label, Icon: t.Icon, Expected: ui.Field{Name: "expected." + t.Name, Label: t.Label + ": expected", Checked: r.Expected},
				Days: days("days."+t.Name, t.Label+": age", r.Days, "")})
		}
		d.Rotate = days("days."+health.Rotation, "Age of passwords", now[health.Rotation].Days, "")
		return err
	})
	if err != nil {
		return err
	}
	return v.showRules(d, ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: d.Head.Title})
}

func (v *visit) showRules(d rulesPage, crumbs ...ui.Crumb) error {
	p, err := v.Page(d.Head.Title, crumbs...)
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("health-rules", p)
}

func (v *visit) setRules() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	err = v.Change(access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		targets, err := v.Health.Targets(tx)
		if err != nil {
			return err
		}
		rules := map[string]health.Rule{health.Rotation: {Days: int(f.Int("days." + health.Rotation))}}
		for _, t := range targets {
			rules[t.Name] = health.Rule{Expected: f.Bool("expected." + t.Name), Days: int(f.Int("days." + t.Name))}
		}
		if err := f.Err(); err != nil {
			return err
		}
		return v.Health.SetRules(tx, rules)
	})
	if err != nil {
		return err
	}
	return v.Done("/health", "It is kept what is expected.")
}

// organization reads the organization of the address.
func (v *visit) organization(tx *gate.Tx) (*record.Record, error) {
	org, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	return v.Records.Get(tx, "organization", org)
}

func (v *visit) exceptions() error {
	var r *record.Record
	d := rulesPage{Head: ui.Head{Title: "What is expected", Icon: "gauge"}, One: true}
	err := v.View(func(tx *gate.Tx) (err error) {
		if r, err = v.organization(tx); err != nil {
			return err
		}
		targets, err := v.Health.Targets(tx)
		if err != nil {
			return err
		}
		all, err := health.Rules(tx)
		if err != nil {
			return err
		}
		only, err := health.Exceptions(tx, r.ID)
		for _, t := range targets {
			d.Lines = append(d.Lines, exceptionLine(t, all[t.Name], only[t.Name]))
		}
		d.Rotate = days("days."+health.Rotation, "Age of passwords", chosen(only[health.Rotation].Days), age(all[health.Rotation].Days)+", as everywhere")
		return err
	})
	if err != nil {
		return err
	}
	d.Head.Sub = []ui.Cell{{Text: r.Name, Href: shell.RecordURL(r.Kind, r.ID)}}
	d.Action, d.Cancel = "/settings/health/"+r.ID.String(), reportURL(r.ID)
	return v.showRules(d, append(v.CrumbsOf(r), ui.Crumb{Label: "Documentation health", Href: d.Cancel}, ui.Crumb{Label: d.Head.Title})...)
}

func exceptionLine(t health.Target, all health.Rule, x health.Exception) ruleLine {
	usual := "Not expected, as everywhere"
	if all.Expected {
		usual = "Expected, as everywhere"
	}
	on := ui.Field{Name: "expected." + t.Name, Label: t.Label + ": expected", Options: []ui.Option{{Value: "", Label: usual},
		{Value: "1", Label: "Expected", Selected: x.Expected != nil && *x.Expected}, {Value: "0", Label: "Not expected", Selected: x.Expected != nil && !*x.Expected}}}
	return ruleLine{Label: t.Label, Icon: t.Icon, Expected: on, Days: days("days."+t.Name, t.Label+": age", chosen(x.Days), age(all.Days)+", as everywhere")}
}

func chosen(n *int) int {
	if n == nil {
		return -1
	}
	return *n
}

func age(n int) string {
	if n == 0 {
		return "Any age"
	}
	return "At most " + shell.Days(n)
}

func (v *visit) setExceptions() error {
	org, err := v.ID("id")
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	err = v.Change(access.Administer, gate.Thing{Kind: "organization", ID: org}, func(tx *gate.Tx) error {
		targets, err := v.Health.Targets(tx)
		if err != nil {
			return err
		}
		list := map[string]health.Exception{}
		for _, t := range append(targets, health.Target{Name: health.Rotation}) {
			list[t.Name] = exception(f, t.Name)
		}
		if err := f.Err(); err != nil {
			return err
		}
		return v.Health.SetExceptions(tx, org, list)
	})
	if err != nil {
		return err
	}
	return v.Done(reportURL(org), "It is kept what is expected here.")
}

func exception(f *web.Form, target string) (x health.Exception) {
	if f.Text("expected."+target) != "" {
		on := f.Bool("expected." + target)
		x.Expected = &on
	}
	if f.Text("days."+target) != "" {
		n := int(f.Int("days." + target))
		x.Days = &n
	}
	return x
}
