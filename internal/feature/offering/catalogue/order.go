package catalogue

import (
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Order is an offering that somebody orders.
type Order struct {
	Offering id.ID
	Contact  id.ID // for whom
	Answers  map[id.ID]string
	Values   record.Values // more of the request; nil is nothing
}

// Open lists the published offerings that somebody can order, by their names: those for
// everybody, and those of her organization.
func Open(tx *gate.Tx, e *record.Engine, contact id.ID) ([]*record.Record, error) {
	who, err := e.Get(tx, "contact", contact)
	if err != nil {
		return nil, err
	}
	p, err := e.List(tx, Kind, record.Query{Archived: "no", Limit: 1000, NoTotal: true, Filters: []record.Filter{{Field: "status", Op: record.Eq, Values: []any{Published}}}})
	if err != nil {
		return nil, err
	}
	var out []*record.Record
	for _, r := range p.Records {
		if r.Org == 0 || r.Org == who.Org {
			out = append(out, r)
		}
	}
	return out, nil
}

// Organization is where the request for an order is made: that of the customer.
func Organization(tx *gate.Tx, e *record.Engine, contact id.ID) (id.ID, error) {
	who, err := e.Get(tx, "contact", contact)
	if err != nil {
		return 0, err
	}
	return who.Org, nil
}

// Place makes the request for an order, with its answers. Invalid, with what is wrong by
// the names of the questions.
func Place(tx *gate.Tx, e *record.Engine, o Order) (*record.Record, error) {
	list, err := Open(tx, e, o.Contact)
	if err != nil {
		return nil, err
	}
	var is *record.Record
	for _, r := range list {
		if r.ID == o.Offering {
			is = r
		}
	}
	if is == nil {
		return nil, fault.Field("offering_id", "This cannot be ordered: it is not in the catalogue, or not for this customer.")
	}
	form, err := Form(tx, e, o.Offering)
	if err != nil {
		return nil, err
	}
	kept, wrong := Check(form, o.Answers)
	if len(wrong) > 0 {
		said := map[string]string{}
		for _, q := range form {
			if what := wrong[q.ID]; what != "" {
				said[q.Name] = strings.TrimSpace(said[q.Name] + " " + what)
				delete(wrong, q.ID)
			}
		}
		if len(wrong) > 0 {
			said["answers"] = "The form has not all of these questions."
		}
		return nil, fault.Fields(said)
	}
	org, err := Organization(tx, e, o.Contact)
	if err != nil {
		return nil, err
	}
	v := record.Values{"source": "Self Service", "status": "Submitted"}
	for name, x := range o.Values {
		v[name] = x
	}
	v["offering_id"], v["contact_id"], v["organization_id"] = o.Offering, o.Contact, org
	made, err := e.Create(tx, "service_request", v)
	if err != nil {
		return nil, err
	}
	for i, a := range kept {
		_, err := e.Create(tx, AnswerKind, record.Values{"service_request_id": made.ID, "question_id": a.Question, "name": a.Name, "answer": a.Text, "order": int64(i + 1)})
		if err != nil {
			return nil, err
		}
	}
	return made, nil
}
