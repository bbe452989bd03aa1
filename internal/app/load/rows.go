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

// row is one line of the report before it is measured.
type row struct {
	name    string
	clients int  // 0 is as many as asked for
	storm   bool // while a storm of sign-ins goes on
	task    Task
	open    func(ctx context.Context) (end func(), err error) // what goes on meanwhile; nil for nothing
}

// pick gives one of the ids.
func pick(r *rand.Rand, ids []string) string { return ids[r.IntN(len(ids))] }

// reading lists the rows of the JSON:API that change nothing but the audit log.
func reading(ctx context.Context, t *target, who string) ([]row, error) {
	devices, err := t.ids(ctx, "/api/v1/configurations", 2000)
	if err != nil {
		return nil, err
	}
	list := func(path string) Task {
		return func(ctx context.Context, _ int, r *rand.Rand) error {
			return t.get(ctx, fmt.Sprintf("%s?page[size]=50&page[number]=%d", path, 1+r.IntN(max(1, len(devices)/50))), nil)
		}
	}
	return []row{
		{name: "API list of 50 configurations, " + who, task: list("/api/v1/configurations")},
		{name: "API list of 50 organizations, " + who, task: func(ctx context.Context, _ int, _ *rand.Rand) error {
			return t.get(ctx, "/api/v1/organizations?page[size]=50", nil)
		}},
		{name: "API record, " + who, task: func(ctx context.Context, _ int, r *rand.Rand) error {
			return t.get(ctx, "/api/v1/configurations/"+pick(r, devices), nil)
		}},
	}, nil
}

// revealing is the row of reveals of a tenant's passwords.
func revealing(ctx context.Context, t *target, suite string) (row, error) {
	ids, err := t.ids(ctx, "/api/v1/passwords", 500)
	return row{name: "API reveal of a password, " + suite, task: func(ctx context.Context, _ int, r *rand.Rand) error {
		return t.get(ctx, "/api/v1/passwords/"+pick(r, ids)+"?show_password=true", nil)
	}}, err
}

// pages lists the rows of the web interface for somebody who is signed in; ids
// are of records that she may see, names are typed into the search.
func pages(b *target, who string, ids, names []string) []row {
	return []row{
		{name: "web list of 50 configurations, " + who, task: func(ctx context.Context, _ int, r *rand.Rand) error {
			return b.get(ctx, fmt.Sprintf("/configurations?page=%d", 1+r.IntN(max(1, min(20, len(ids)/50)))), nil)
		}},
		{name: "web record, " + who, task: func(ctx context.Context, _ int, r *rand.Rand) error {
			return b.get(ctx, "/configurations/"+pick(r, ids), nil)
		}},
		{name: "search as you type, " + who, task: typing(b, names)},
	}
}

// typing types a name letter by letter, from the second on.
func typing(b *target, names []string) Task {
	return func(ctx context.Context, _ int, r *rand.Rand) error {
		word := names[r.IntN(len(names))]
		n := 2 + r.IntN(max(1, min(len(word), 12)-1))
		q := strings.ToValidUTF8(word[:min(n, len(word))], "")
		return b.get(ctx, "/search?q="+url.QueryEscape(q), nil, "X-Swap", "content")
	}
}

// writing lists the rows that make and change records, durable and audited.
func writing(ctx context.Context, t *target) ([]row, error) {
	orgs, err := t.ids(ctx, "/api/v1/organizations", 1)
	if err != nil {
		return nil, err
	}
	var types document
	if err := t.get(ctx, "/api/v1/configuration_types", &types); err != nil {
		return nil, err
	}
	kind := types.Data[0].ID
	var next atomic.Int64
	create := func(ctx context.Context, _ int, _ *rand.Rand) error {
		n := next.Add(1)
		return t.object(ctx, http.MethodPost, "/api/v1/configurations", "configurations", map[string]any{
			"organization-id": orgs[0], "name": fmt.Sprintf("bench-%06d", n), "configuration-type-id": kind, "serial-number": fmt.Sprintf("SN%08d", n*7919), "hostname": fmt.Sprintf("bench-%06d.example", n),
		}, http.StatusCreated, nil)
	}
	devices, err := t.ids(ctx, "/api/v1/configurations", 2000)
	if err != nil {
		return nil, err
	}
	change := func(ctx context.Context, _ int, r *rand.Rand) error {
		return t.object(ctx, http.MethodPatch, "/api/v1/configurations/"+pick(r, devices), "configurations",
			map[string]any{"notes": fmt.Sprintf("seen %d", next.Add(1))}, http.StatusOK, nil)
	}
	return []row{
		{name: "API create, one client", clients: 1, task: create},
		{name: "API create", task: create},
		{name: "API change, one client", clients: 1, task: change},
		{name: "API change", task: change},
	}, nil
}
