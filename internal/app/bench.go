package app

import (
	"context"
	"fmt"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/sample/crowd"
)

// The tenants of a house that is measured, beside the demo's.
const (
	hybridTenant  = "bench-hybrid"
	rsaTenant     = "bench-rsa"
	rsaSuite      = "rsa-oaep-2048"
	benchPassword = "willow-quarry-58-copper" // no secret: it protects made-up data
)

// BenchPerson is somebody whose work is measured.
type BenchPerson struct {
	Name, Tenant, Email, Password, Key string
}

// BenchHouse is what PrepareBench made.
type BenchHouse struct {
	People      []BenchPerson // of the demo tenant: its administrator and an editor of some organizations
	Agents      []BenchPerson // of the demo tenant, who see all of it
	Hybrid, RSA BenchPerson   // administrators of small tenants with hybrid and with RSA keys
	Tenants     int           // in all
}

// PrepareBench makes what is measured, where it is missing: the demo with so
// many records and tickets, two small tenants, and so many empty ones, named empty-0 and so on.
func (a *App) PrepareBench(ctx context.Context, records, tickets, empty int, progress func(done, total int)) (*BenchHouse, error) {
	demo, err := a.Demo(ctx, records, nil)
	if err != nil {
		return nil, err
	}
	h := &BenchHouse{People: []BenchPerson{{"administrator", demo.Tenant, demo.Email, demo.Password, demo.APIKey}}}
	editor, err := newEditor(ctx, a, demo.Tenant)
	if err != nil {
		return nil, err
	}
	h.People = append(h.People, *editor)
	if h.Agents, err = newAgents(ctx, a, demo.Tenant, 5); err != nil {
		return nil, err
	}
	if err := a.crowd(ctx, demo.Tenant, tickets, progress); err != nil {
		return nil, err
	}
	if h.Hybrid, err = small(ctx, a, hybridTenant, ""); err != nil {
		return nil, err
	}
	if h.RSA, err = small(ctx, a, rsaTenant, rsaSuite); err != nil {
		return nil, err
	}
	a.House.Suite = a.Config.Suite
	for i := range empty {
		if _, err := a.House.Create(ctx, fmt.Sprintf("empty-%d", i), ""); err != nil && !fault.Is(err, fault.Conflict) {
			return nil, err
		}
	}
	h.Tenants, err = a.House.Count(ctx)
	return h, err
}

// crowd sees to it that a tenant has so many tickets.
func (a *App) crowd(ctx context.Context, tenant string, tickets int, progress func(done, total int)) error {
	var have int64
	err := a.Gate.View(ctx, access.System(tenant, "console"), func(tx *gate.Tx) error {
		all, err := a.Records.Totals(tx, 0)
		have = all["incident"] + all["service_request"]
		return err
	})
	if err != nil || have >= int64(tickets) {
		return err
	}
	return (&crowd.Crowd{Gate: a.Gate, Records: a.Records, Now: a.Now()}).Fill(ctx, tenant, tickets-int(have), progress)
}

// newEditor makes an editor who sees every tenth organization.
func newEditor(ctx context.Context, a *App, tenant string) (*BenchPerson, error) {
	c := access.System(tenant, "console")
	p := &BenchPerson{"editor of some organizations", tenant, "editor@bench.example", benchPassword, ""}
	if user, err := a.Directory.ByEmail(ctx, c, p.Email); err == nil { // the folder was used before
		return p, p.newKey(ctx, a, user)
	}
	issued, err := a.Directory.CreateUser(ctx, c, identity.Person{Email: p.Email, Name: "Edda Bench", Role: access.Editor, Password: p.Password})
	if err != nil {
		return nil, err
	}
	var orgs []id.ID
	var group id.ID
	err = a.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		page, err := a.Records.List(tx, "organization", record.Query{Limit: 1000})
		if err != nil {
			return err
		}
		for i, r := range page.Records {
			if i%10 == 0 {
				orgs = append(orgs, r.ID)
			}
		}
		g, err := a.Records.Create(tx, "group", record.Values{"name": "Bench"})
		if err != nil {
			return err
		}
		group = g.ID
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := a.Directory.SetMembers(ctx, c, group, []id.ID{issued.User}); err != nil {
		return nil, err
	}
	if err := a.Directory.SetOrganizations(ctx, c, group, false, orgs); err != nil {
		return nil, err
	}
	return p, p.newKey(ctx, a, issued.User)
}

// newAgents makes editors who see every organization.
func newAgents(ctx context.Context, a *App, tenant string, n int) (out []BenchPerson, err error) {
	c := access.System(tenant, "console")
	var users []id.ID
	for i := range n {
		p := BenchPerson{"agent", tenant, fmt.Sprintf("agent-%d@bench.example", i), benchPassword, ""}
		out = append(out, p)
		if _, err := a.Directory.ByEmail(ctx, c, p.Email); err == nil { // the folder was used before
			continue
		}
		issued, err := a.Directory.CreateUser(ctx, c, identity.Person{Email: p.Email, Name: fmt.Sprintf("Agent %d", i), Role: access.Editor, Password: p.Password})
		if err != nil {
			return nil, err
		}
		users = append(users, issued.User)
	}
	if len(users) == 0 {
		return out, nil
	}
	var group id.ID
	err = a.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		g, err := a.Records.Create(tx, "group", record.Values{"name": "Bench agents"})
		if err == nil {
			group = g.ID
		}
		return err
	})
	if err == nil {
		err = a.Directory.SetMembers(ctx, c, group, users)
	}
	if err == nil {
		err = a.Directory.SetOrganizations(ctx, c, group, true, nil)
	}
	return out, err
}

func (p *BenchPerson) newKey(ctx context.Context, a *App, user id.ID) (err error) {
	_, p.Key, err = a.APIKeys.Create(ctx, access.System(p.Tenant, "console"), apikey.New{Name: "Bench", Owner: user, Passwords: true, Limit: &apikey.Limit{}})
	return err
}

// small makes a tenant with an organization and some passwords.
func small(ctx context.Context, a *App, name, suite string) (BenchPerson, error) {
	c := access.System(name, "console")
	if _, err := a.House.Info(ctx, name); err == nil {
		p := BenchPerson{"administrator", name, "admin@" + name + ".example", benchPassword, ""}
		user, err := a.Directory.ByEmail(ctx, c, p.Email)
		if err != nil {
			return p, err
		}
		return p, p.newKey(ctx, a, user)
	}
	a.House.Suite = suite
	made, err := a.CreateTenant(ctx, name, name, identity.Person{Email: "admin@" + name + ".example", Password: benchPassword})
	if err != nil {
		return BenchPerson{}, err
	}
	p := BenchPerson{"administrator", name, made.Email, benchPassword, made.APIKey}
	return p, a.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		org, err := a.Records.Create(tx, "organization", record.Values{"name": "Measured"})
		for i := 0; i < 200 && err == nil; i++ {
			_, err = a.Records.Create(tx, "password", record.Values{"name": fmt.Sprintf("Account %d", i), "organization_id": org.ID, "password": fmt.Sprintf("correct horse %d", i)})
		}
		return err
	})
}
