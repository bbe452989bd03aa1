package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
)

// ticketRows lists the rows of the service desk for somebody who is signed in, b, and her key, t.
// There are none in a house without tickets.
func ticketRows(ctx context.Context, b, t *target, who string) ([]row, error) {
	found, err := t.ids(ctx, "/api/v1/incidents", 1000)
	if err != nil {
		return nil, nil //nolint:nilerr // a house without tickets
	}
	page := func(path string) Task {
		return func(ctx context.Context, _ int, _ *rand.Rand) error { return b.get(ctx, path, nil) }
	}
	asked := func(filter string) Task {
		path := "/api/odata/businessobject/incidents?$top=50&$filter=" + url.QueryEscape(filter)
		return func(ctx context.Context, _ int, _ *rand.Rand) error {
			return t.get(ctx, strings.ReplaceAll(path, "+", "%20"), nil)
		}
	}
	return []row{
		{name: "desk, all open tickets, " + who, task: page("/desk?queue=all")},
		{name: "desk, tickets due within the hour, " + who, task: page("/desk?queue=due")},
		{name: "web list of 50 incidents, " + who, task: func(ctx context.Context, _ int, r *rand.Rand) error {
			return b.get(ctx, fmt.Sprintf("/incidents?sort=number&dir=desc&page=%d", 1+r.IntN(20)), nil)
		}},
		{name: "web list of 50 active incidents, " + who, task: page("/incidents?status=Active&sort=due_at")},
		{name: "web ticket, " + who, task: func(ctx context.Context, _ int, r *rand.Rand) error {
			return b.get(ctx, "/incidents/"+pick(r, found), nil)
		}},
		{name: "search for tickets as you type, " + who, task: typing(b, []string{"No answer from the mail", "Locked out of the telephone", "Renew the printer"})},
		{name: "Ivanti list of 50 by state, " + who, task: asked("Status eq 'Active'")},
		{name: "reports, 30 days, " + who, clients: 2, task: page("/reports?kind=incident&days=30")},
		{name: "reports, a year, " + who, clients: 1, task: page("/reports?kind=incident&days=365")},
	}, nil
}

// ticketWrites are the rows that make and change tickets.
func ticketWrites(ctx context.Context, t *target) ([]row, error) {
	found, err := t.ids(ctx, "/api/v1/incidents?sort=-updated_at", 1)
	if err != nil {
		return nil, nil //nolint:nilerr // a house without tickets
	}
	var one struct {
		Data struct{ Attributes map[string]any }
	}
	if err := t.get(ctx, "/api/v1/incidents/"+found[0], &one); err != nil {
		return nil, err
	}
	org, customer := one.Data.Attributes["organization-id"], one.Data.Attributes["contact-id"]
	var next atomic.Int64
	var made atomic.Value
	return []row{
		{name: "API create of an incident", task: func(ctx context.Context, _ int, _ *rand.Rand) error {
			var out struct{ Data struct{ ID string } }
			err := t.object(ctx, http.MethodPost, "/api/v1/incidents", "incidents", map[string]any{"organization-id": org, "contact-id": customer, "name": fmt.Sprintf("Measured %d", next.Add(1))}, http.StatusCreated, &out)
			if err == nil {
				made.Store(out.Data.ID)
			}
			return err
		}},
		{name: "API change of an incident", task: func(ctx context.Context, _ int, _ *rand.Rand) error {
			id, ok := made.Load().(string)
			if !ok {
				return fmt.Errorf("no incident was made to be changed")
			}
			return t.object(ctx, http.MethodPatch, "/api/v1/incidents/"+id, "incidents", map[string]any{"name": fmt.Sprintf("Measured again %d", next.Add(1))}, http.StatusOK, nil)
		}},
	}, nil
}
