package rotations

import (
	"fmt"
	"strconv"
	"time"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/password/demand"
	"strongroom/internal/feature/password/filed"
	"strongroom/internal/feature/rotation/change"
	"strongroom/internal/feature/rotation/schedule"
	"strongroom/internal/surface/webui/shell"
)

// plan says when a password is changed by itself, and asks it of who may say so. One that is
// changed nowhere is not asked about.
func (v *visit) plan(tx *gate.Tx, d *policyView, k *record.Kind, rid id.ID, sent *web.Form) error {
	if v.Changes == nil || k.Name != filed.Password && k.Name != filed.Folder {
		return nil
	}
	now, err := schedule.Of(tx, k.Name, rid)
	if err != nil {
		return err
	}
	if now != nil {
		d.By = "It is changed by itself at its system: " + now.Words() + ", by the rights of " + now.ByName + "."
		if now.Record != rid {
			d.By = "By a folder above it, it is changed by itself at its system: " + now.Words() + ", by the rights of " + now.ByName + "."
		}
	}
	if k.Name == filed.Password {
		where, err := change.PlaceOf(tx, rid)
		if err != nil || where == nil && now == nil {
			return err
		}
	}
	if demand.MayDecide(v.Caller) && v.MayTo(access.Restrict, &record.Record{Kind: k}) {
		d.Plan = planForm(k, rid, now, sent)
	}
	return nil
}

func planForm(k *record.Kind, rid id.ID, now *schedule.Plan, sent *web.Form) *ui.Form {
	days, from, until, after := "", "02:00", "05:00", false
	if now != nil && now.Record == rid {
		days, after = strconv.Itoa(now.Days), now.After
		from, until = clock(now.From), clock(now.Until)
	}
	if sent != nil && sent.Text("do") == "plan" {
		days, from, until, after = sent.Text("every"), sent.Text("from"), sent.Text("until"), sent.Bool("after")
	}
	f := &ui.Form{ID: "plan", Action: rotationURL(k, rid), Submit: "Have it changed", Hidden: []ui.Hidden{{Name: "do", Value: "plan"}}, Fields: []ui.Field{
		{Type: "heading", Label: "Changed by itself"},
		{Name: "days", Label: "Every", Type: "number", Min: "0", Max: "3650", Unit: "days", Value: days, Hint: "Where it was said at which system. A dry run goes first; what fails is told to you and to administrators, and tried again a day later. 0: not by age."},
		{Name: "from", Label: "Between", Type: "time", Value: from, Unit: "UTC"}, {Name: "until", Label: "and", Type: "time", Value: until, Unit: "UTC", Hint: "The same time twice: at any time."},
		{Name: "after", Label: "Also once a check-out has ended", Type: "checkbox", Checked: after, Wide: true, Hint: "At once, whatever the time."},
	}}
	f.Fields[1].Name = "every"
	return f
}

func clock(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }

// choosePlan keeps when a password is changed by itself.
func (v *visit) choosePlan(k *record.Kind, rid id.ID, form *web.Form) error {
	p := schedule.Plan{Days: int(form.Int("every")), From: minute(form.Text("from")), Until: minute(form.Text("until")), After: form.Bool("after")}
	err := form.Err()
	if err == nil {
		err = v.Change(access.View, gate.Thing{Kind: k.Name, ID: rid}, func(tx *gate.Tx) error {
			if form.Text("do") == "no-plan" || p.Days == 0 && !p.After {
				return schedule.Remove(tx, k.Name, rid)
			}
			return schedule.Set(tx, k.Name, rid, p)
		})
	}
	if shell.Refusable(err) {
		return v.policyPage(k, rid, form, err)
	}
	if err != nil {
		return err
	}
	return v.Done(rotationURL(k, rid), "Saved.")
}

// minute reads a time of the day; -1 for what is none.
func minute(s string) int {
	at, err := time.Parse("15:04", s)
	if err != nil {
		return -1
	}
	return at.Hour()*60 + at.Minute()
}
