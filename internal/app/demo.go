package app

import (
	"context"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/sample"
)

// DemoTenant is the short name of the sample tenant.
const DemoTenant = "demo"

// Demonstration is what a person or a script needs to use the demo.
type Demonstration struct {
	URL      string `json:"url"`
	Tenant   string `json:"tenant"`
	Email    string `json:"email"`
	Password string `json:"password"`
	Customer string `json:"customer,omitempty"` // who signs in to the portal, with the same password
	APIKey   string `json:"api_key"`
	Data     string `json:"data"`
}

// The demo's administrator. The password is no secret: it protects sample data.
const (
	demoEmail    = "ines@northbeam.example"
	demoName     = "Ines Okafor"
	demoPassword = "lantern-harbour-72-violet"
)

// Demo makes the sample tenant where it is missing and gives what opens it. The
// API key is a new one each time: keys are shown once.
func (a *App) Demo(ctx context.Context, records int, progress func(done, total int)) (*Demonstration, error) {
	if records == 0 {
		records = sample.Default
	}
	_, err := a.House.Info(ctx, DemoTenant)
	if fault.Is(err, fault.NotFound) {
		err = a.makeDemo(ctx, records, progress)
	}
	if err != nil {
		return nil, err
	}
	c := access.System(DemoTenant, "console")
	owner, err := a.Directory.ByEmail(ctx, c, demoEmail)
	if err != nil {
		return nil, err
	}
	_, key, err := a.APIKeys.Create(ctx, c, apikey.New{Name: "Demo", Owner: owner, Passwords: true, Limit: &apikey.Limit{}})
	if err != nil {
		return nil, err
	}
	customer, err := a.demoCustomer(ctx, c)
	return &Demonstration{Tenant: DemoTenant, Email: demoEmail, Password: demoPassword, Customer: customer, APIKey: key}, err
}

// demoCustomer gives the address of the demo's customer, and makes one where there is none
// yet: somebody for whom a ticket is open. It is empty where the sample has no such contact.
func (a *App) demoCustomer(ctx context.Context, c *access.Caller) (email string, err error) {
	name := ""
	err = a.Gate.View(ctx, c, func(tx *gate.Tx) error {
		users, err := a.Records.List(tx, identity.User, record.Query{Archived: "no", Limit: 1, NoTotal: true, Filters: []record.Filter{{Field: "role_name", Op: record.Eq, Values: []any{string(access.SelfService)}}}})
		if err != nil || len(users.Records) > 0 {
			if err == nil {
				email = users.Records[0].Values.Text("email")
			}
			return err
		}
		open, err := a.Records.List(tx, "incident", record.Query{Archived: "no", Limit: 50, NoTotal: true, Sort: []record.Order{{Field: "id"}}, Filters: []record.Filter{{Field: "final", Op: record.Eq, Values: []any{false}}}})
		if err != nil {
			return err
		}
		for _, r := range open.Records {
			who, err := a.Records.Get(tx, "contact", r.Values.ID("contact_id"))
			if err == nil && who.Values.Text("primary_email") != "" {
				email, name = who.Values.Text("primary_email"), who.Name
				return nil
			}
		}
		return nil
	})
	if err != nil || name == "" {
		return email, err
	}
	_, err = a.Directory.CreateUser(ctx, c, identity.Person{Email: email, Name: name, Role: access.SelfService, Password: demoPassword})
	return email, err
}

func (a *App) makeDemo(ctx context.Context, records int, progress func(done, total int)) error {
	_, err := a.House.Make(ctx, DemoTenant, "Northbeam IT", func(ctx context.Context) error {
		issued, err := a.furnish(ctx, DemoTenant, identity.Person{Email: demoEmail, Name: demoName, Password: demoPassword})
		if err != nil {
			return err
		}
		admin := *access.System(DemoTenant, "console")
		admin.User, admin.Name, admin.Email = issued.User, demoName, demoEmail
		f := &sample.Filler{Gate: a.Gate, Records: a.Records.Inside(), Files: a.Files}
		return f.Fill(ctx, &admin, records, a.Now(), progress)
	})
	return err
}
