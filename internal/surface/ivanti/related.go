package ivanti

import (
	"net/http"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/ivanti/odata"
)

// way is how two records are tied.
type way int

const (
	refers    way = iota // a field of this one names the other
	isNamed              // a field of the other names this one
	isRelated            // people related the two
	names                // a field of this one names several
	within               // this one belongs to the organization
)

// relationship is a name by which the records of one kind lead to those of another.
type relationship struct {
	of, name, to string // kinds, and the name
	way          way
	field        string // of ours, where it is one
	with         string // what else the other has: a field, = and a value
}

// relationships are those of tickets, by the names that Ivanti's clients use.
func relationships() []relationship {
	return []relationship{
		{of: "incident", name: "IncidentContainsTask", to: "task", way: isNamed, field: "incident_id"},
		{of: "incident", name: "ProblemAssociatesIncident", to: "problem", way: refers, field: "problem_id"},
		{of: "incident", name: "IncidentAssocMasterIncident", to: "incident", way: refers, field: "master_id"},
		{of: "incident", name: "IncidentAssocChildIncident", to: "incident", way: isNamed, field: "master_id"},
		{of: "incident", name: "IncidentAssociatesChange", to: "change", way: isNamed, field: "incident_id"},
		{of: "incident", name: "IncidentAssociatedServiceReq", to: "service_request", way: isNamed, field: "incident_id"},
		{of: "incident", name: "IncidentAssociatedCustomer", to: "contact", way: refers, field: "contact_id"},
		{of: "incident", name: "IncidentAssociatesCI", to: "configuration", way: isRelated},
		{of: "incident", name: "IncidentAssocFRS_Knowledge", to: "knowledge_article", way: isRelated},
		{of: "release", name: "ReleaseProjectAssociatesChange", to: "change", way: isNamed, field: "release_id"},
		{of: "problem", name: "ProblemAssociatesIncident", to: "incident", way: isNamed, field: "problem_id"},
		{of: "problem", name: "ProblemAssociatesChange", to: "change", way: isNamed, field: "problem_id"},
		{of: "problem", name: "ProblemContainsTask", to: "task", way: isNamed, field: "problem_id"},
		{of: "problem", name: "ProblemAssociatesCI", to: "configuration", way: isRelated},
		{of: "change", name: "ChangeContainsTask", to: "task", way: isNamed, field: "change_id"},
		{of: "change", name: "ChangeAssociatesCI", to: "configuration", way: isRelated},
		{of: "service_request", name: "ServiceReqContainsTask", to: "task", way: isNamed, field: "service_request_id"},
		{of: "service_request", name: "ServiceReqAssociatesCI", to: "configuration", way: isRelated},
		{of: "configuration", name: "CIAssociatedActiveIncident", to: "incident", way: isRelated},
		{of: "incident", name: "IncidentContainsJournal", to: "journal", way: isNamed, field: "incident_id"},
		{of: "incident", name: "IncidentAssociatesService", to: "service", way: refers, field: "service_id"},
		{of: "incident", name: "IncidentOwnerEmployee", to: "user", way: refers, field: "owner_id"},
		{of: "incident", name: "IncidentAssociatedReportedBy", to: "contact", way: refers, field: "reported_by_id"},
		{of: "incident", name: "IncidentAssocOrganizationalUnit", to: "organization", way: within},
		{of: "incident", name: "ServiceReqAssociatedByIncident", to: "service_request", way: isNamed, field: "incident_id"},
		{of: "incident", name: "IncidentAssocTaskAssignment", to: "task", way: isNamed, field: "incident_id", with: "task_type=Assignment"},
		{of: "incident", name: "IncidentAssociatedTaskComputerProvisioning", to: "task", way: isNamed, field: "incident_id", with: "task_type=Computer Provisioning"},
		{of: "incident", name: "IncidentAssociatedTaskSoftwareInstallation", to: "task", way: isNamed, field: "incident_id", with: "task_type=Software Installation"},
		{of: "incident", name: "IncidentAssocExternalTask", to: "task", way: isNamed, field: "incident_id", with: "task_type=Work Order"},
		{of: "incident", name: "IncidentAssociatedCancelledTask", to: "task", way: isNamed, field: "incident_id", with: "status=Canceled"},
		{of: "problem", name: "ProblemContainsJournal", to: "journal", way: isNamed, field: "problem_id"},
		{of: "problem", name: "ProblemAssociatesFRS_Knowledge", to: "knowledge_article", way: refers, field: "article_id"},
		{of: "change", name: "ChangeContainsJournal", to: "journal", way: isNamed, field: "change_id"},
		{of: "service_request", name: "ServiceReqContainsJournal", to: "journal", way: isNamed, field: "service_request_id"},
		{of: "release", name: "ReleaseProjectContainsMilestone", to: "release_milestone", way: isNamed, field: "release_id"},
		{of: "configuration", name: "CIAssocChange", to: "change", way: isRelated},
	}
}

// tie mounts the relationships of an object.
func (a *API) tie(o *object) {
	for _, r := range relationships() {
		to := a.objects[r.to]
		if r.of != o.kind.Name || to == nil {
			continue
		}
		o.ties = append(o.ties, r)
		at := func(method, path string, fn func(*call, *object, *object, relationship) error) {
			a.mux.Handle(method+" "+business+o.set+"/{parent}/"+strings.ToLower(r.name)+path, a.called(func(c *call) error { return fn(c, c.as(o), to, r) }), web.MaxBody(maxBody))
		}
		at("GET", "", related)
		if r.way != within {
			at("PATCH", "/{id}/$ref", tieTo)
			at("DELETE", "/{id}/$ref", untie)
		}
		if r.way == isNamed {
			at("POST", "", createRelated)
		}
	}
}

// parent reads the RecId of the record that a relationship begins at.
func (c *call) parent() (id.ID, error) {
	rid, ok := id.Parse(c.r.PathValue("parent"))
	if !ok {
		return 0, gate.Missing()
	}
	return rid, nil
}

// related answers GET of a relationship: a list like any other.
func related(c *call, o, to *object, r relationship) error {
	parent, err := c.parent()
	if err != nil {
		return err
	}
	return c.listing(to, nil, func(tx *gate.Tx) ([]record.Filter, error) {
		rec, err := c.get(tx, o, parent)
		if err != nil {
			return nil, err
		}
		switch r.way {
		case within:
			return []record.Filter{{Field: "id", Op: record.Eq, Values: []any{rec.Org}}}, nil
		case names:
			f := record.Filter{Field: "id", Op: record.Eq}
			for _, other := range rec.Values.IDs(r.field) {
				f.Values = append(f.Values, other)
			}
			return []record.Filter{f}, nil
		case isNamed:
			out := []record.Filter{{Field: r.field, Op: record.Eq, Values: []any{parent}}}
			if field, value, ok := strings.Cut(r.with, "="); ok {
				out = append(out, record.Filter{Field: field, Op: record.Eq, Values: []any{value}})
			}
			return out, nil
		case refers:
			f := record.Filter{Field: "id", Op: record.Eq}
			if other := rec.Values.ID(r.field); other != 0 {
				f.Values = []any{other}
			}
			return []record.Filter{f}, nil
		}
		f := record.Filter{Field: "id", Op: record.Eq}
		list, err := c.API.Relations.List(tx, parent)
		for _, it := range list {
			if it.Kind == r.to {
				f.Values = append(f.Values, it.Record)
			}
		}
		return []record.Filter{f}, err
	})
}

// createRelated answers POST of a relationship: a record that names the one in the path.
func createRelated(c *call, o, to *object, r relationship) error {
	parent, err := c.parent()
	if err != nil {
		return err
	}
	return c.make(to, func(tx *gate.Tx, v record.Values) error {
		rec, err := c.Records.Get(tx, o.kind.Name, parent)
		if err != nil {
			return err
		}
		v[r.field] = parent
		if field, value, ok := strings.Cut(r.with, "="); ok {
			v[field] = value
		}
		if v["organization_id"] == nil {
			v["organization_id"] = rec.Org
		}
		return nil
	})
}

// tieTo answers PATCH of a reference: the two are tied, also when they are already.
func tieTo(c *call, o, to *object, r relationship) error { return c.retie(o, to, r, true) }

// untie answers DELETE of a reference.
func untie(c *call, o, to *object, r relationship) error { return c.retie(o, to, r, false) }

func (c *call) retie(o, to *object, r relationship, on bool) error {
	parent, err := c.parent()
	if err != nil {
		return err
	}
	other, err := c.id()
	if err != nil {
		return err
	}
	thing := gate.Thing{Kind: o.kind.Name, ID: parent}
	if r.way == isNamed {
		thing = gate.Thing{Kind: to.kind.Name, ID: other}
	}
	err = c.Gate.Change(c.r.Context(), c.caller, access.Edit, thing, func(tx *gate.Tx) error {
		from, err := c.get(tx, o, parent)
		if err != nil {
			return err
		}
		target, err := c.Records.Get(tx, to.kind.Name, other)
		if err != nil {
			return err
		}
		switch r.way {
		case isRelated:
			return c.relate(tx, parent, other, on)
		case names:
			return c.name(tx, from, r.field, other, on)
		case isNamed:
			from, other = target, parent
		}
		if !on && from.Values.ID(r.field) != other {
			return gate.Missing()
		}
		v := record.Values{r.field: other}
		if !on {
			v[r.field] = nil
		}
		_, err = c.Records.Update(tx, from.Kind.Name, from.ID, 0, v)
		return err
	})
	if err != nil {
		return c.translate(o, err)
	}
	return web.JSON(c.w, http.StatusOK, map[string]string{"code": "ISM_2000", "description": map[bool]string{true: "The two are linked.", false: "The two are not linked any more."}[on]})
}

// name adds a record to those that a field names, or takes it out.
func (c *call) name(tx *gate.Tx, from *record.Record, field string, other id.ID, on bool) error {
	list := slices.Clone(from.Values.IDs(field))
	at := slices.Index(list, other)
	switch {
	case on && at >= 0:
		return nil
	case on:
		list = append(list, other)
	case at < 0:
		return fault.Wrap(gate.Missing(), fault.NotFound, "The two are not linked.")
	default:
		list = slices.Delete(list, at, at+1)
	}
	_, err := c.Records.Update(tx, from.Kind.Name, from.ID, 0, record.Values{field: list})
	return err
}

func (c *call) relate(tx *gate.Tx, from, to id.ID, on bool) error {
	if on {
		_, err := c.Relations.Add(tx, from, to, "")
		return err
	}
	list, err := c.Relations.List(tx, from)
	if err != nil {
		return err
	}
	for _, it := range list {
		if it.Record == to && it.ID != 0 {
			return c.Relations.Remove(tx, from, it.ID)
		}
	}
	return fault.Wrap(gate.Missing(), fault.NotFound, "The two are not linked.")
}

// listing answers with a list of objects, narrowed to what among says. start, which may
// be nil, gives the query that the one of the address narrows further.
func (c *call) listing(o *object, start func(*gate.Tx) (record.Query, error), among func(*gate.Tx) ([]record.Filter, error)) error {
	q, err := odata.Parse(c.r.URL.RawQuery)
	if err != nil {
		return err
	}
	var rows []row
	var total int64
	err = c.Gate.View(c.r.Context(), c.caller, func(tx *gate.Tx) error {
		ask, err := c.query(tx, o, q)
		if err != nil {
			return err
		}
		if among != nil {
			only, err := among(tx)
			if err != nil {
				return err
			}
			ask.Filters = append(slices.Clip(ask.Filters), only...)
		}
		if start != nil {
			from, err := start(tx)
			if err != nil {
				return err
			}
			ask = narrowed(from, ask, len(q.Order) > 0)
		}
		only, err := o.sub.of(c, tx, o.kind)
		if err != nil {
			return err
		}
		ask.Filters = append(slices.Clip(ask.Filters), only...)
		page := ask
		page.Variant = o.kind.Variant
		page.Limit = max(1, ask.Limit) // none at all is a count
		p, err := c.Records.List(tx, o.kind.Name, page)
		if err != nil {
			return c.translate(o, err)
		}
		total = p.Total
		rows, err = c.rows(tx, p.Records[:min(len(p.Records), ask.Limit)])
		return err
	})
	if err != nil {
		return err
	}
	return c.answerList(o, rows, total, wanted(q))
}
