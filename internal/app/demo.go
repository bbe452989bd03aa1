package app

import (
	"context"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
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
	return &Demonstration{Tenant: DemoTenant, Email: demoEmail, Password: demoPassword, APIKey: key}, nil
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
