package tickets

import (
	"strings"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/checklist"
	"strongroom/internal/feature/checklist/step"
	"strongroom/internal/surface/webui/shell"
)

// mostTemplates is how many templates of checklists are offered.
const mostTemplates = 100

// stepsCard is what is ticked off on a ticket, and forms for more.
type stepsCard struct {
	All, Done int
	List      []stepLine
	Action    string // empty for who may not
	Templates []ui.Option
}

// stepLine is one step.
type stepLine struct {
	ID, Name, Href, By string
	Done, Required     bool
	Tick               string // address; empty for who may not
	Place              string // likewise
	Up, Down           int    // places counted from 0; -1 for none
}

// steps are those of a ticket; nil when there are none and nobody may add any.
func (v *visit) steps(tx *gate.Tx, r *record.Record) (*stepsCard, error) {
	k := v.Kind(step.Kind)
	if k == nil || k.ParentBy(r.Kind.Name) == nil || !v.Caller.Sees(k.Name) {
		return nil, nil
	}
	list, err := step.OfTicket(tx, v.Records, r.ID)
	if err != nil {
		return nil, err
	}
	is := lifeOf(r.Kind).State(r.Values.Text("status"))
	may := v.MayTo(access.Edit, r) && !v.Caller.Scope.ReadOnly && (is == nil || !is.Frozen)
	d := &stepsCard{All: len(list)}
	has := map[id.ID]bool{}
	for i, s := range list {
		l := stepLine{Up: i - 1, Down: i + 1, ID: "step-" + s.ID.String(), Name: s.Name, Href: shell.RecordURL(k, s.ID), Done: s.Values.Bool("completed"), Required: s.Values.Bool(step.Required)}
		if may {
			l.Tick, l.Place = "/ticket_steps/"+s.ID.String()+"/tick", "/ticket_steps/"+s.ID.String()+"/place"
		}
		if l.Down == len(list) {
			l.Down = -1
		}
		if l.Done {
			d.Done++
			l.By = strings.TrimSpace("by " + s.Names["completed_by_id"])
			if s.Names["completed_by_id"] == "" {
				l.By = ""
			}
		}
		has[s.Values.ID(checklist.OfTemplate)] = true
		d.List = append(d.List, l)
	}
	if !may || !v.May(access.Create, k) {
		if len(list) == 0 {
			return nil, nil
		}
		return d, nil
	}
	d.Action = at(r) + "/steps"
	if v.Kind(checklist.TemplateKind) == nil || !v.Caller.Sees(checklist.TemplateKind) {
		return d, nil
	}
	p, err := v.Records.List(tx, checklist.TemplateKind, record.Query{Archived: "no", Limit: mostTemplates, NoTotal: true, Sort: []record.Order{{Field: "name"}}})
	if err != nil {
		return nil, err
	}
	for _, t := range p.Records {
		if (t.Org == 0 || t.Org == r.Org) && !has[t.ID] {
			d.Templates = append(d.Templates, ui.Option{Value: t.ID.String(), Label: t.Name})
		}
	}
	return d, nil
}

// addStep puts a step on a ticket, or those of a template.
func (v *visit) addStep() error {
	r, err := v.load()
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	err = v.Change(access.View, gate.Thing{Kind: r.Kind.Name, ID: r.ID}, func(tx *gate.Tx) error {
		if t, ok := id.Parse(f.Text("template")); ok {
			_, err := step.Bring(tx, v.Records, t, r)
			return err
		}
		return step.Add(tx, v.Records, r, f.Text("name"), f.Bool("required"))
	})
	if err != nil {
		return err
	}
	return web.SeeOther(v.W, v.R, shell.RecordURL(r.Kind, r.ID)+"#steps")
}

// tickStep marks a step as done, or as not done.
func (v *visit) tickStep() error {
	return v.onStep(func(tx *gate.Tx, s *record.Record, f *web.Form) error {
		_, err := v.Records.Update(tx, s.Kind.Name, s.ID, 0, record.Values{"completed": f.Bool("done")})
		return err
	})
}

// placeStep moves a step to another place, counted from 0.
func (v *visit) placeStep() error {
	return v.onStep(func(tx *gate.Tx, s *record.Record, f *web.Form) error {
		place := f.Int("place")
		if err := f.Err(); err != nil {
			return err
		}
		return step.Place(tx, v.Records, s, int(place))
	})
}

// onStep changes a step and leads back to its ticket.
func (v *visit) onStep(change func(tx *gate.Tx, s *record.Record, f *web.Form) error) error {
	sid, err := v.ID("id")
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	var to string
	err = v.Change(access.Edit, gate.Thing{Kind: step.Kind, ID: sid}, func(tx *gate.Tx) error {
		s, err := v.Records.Get(tx, step.Kind, sid)
		if err != nil {
			return err
		}
		r, err := v.ticketOf(tx, s.Parent)
		if err != nil {
			return err
		}
		to = shell.RecordURL(r.Kind, r.ID) + "#steps"
		return change(tx, s, f)
	})
	if err != nil {
		return err
	}
	return web.SeeOther(v.W, v.R, to)
}
