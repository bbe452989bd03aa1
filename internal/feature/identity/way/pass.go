package way

import (
	"context"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity/method"
)

// Password gives one way as a method that checks passwords, for
// identity.Attempt.With. NotFound when it is none.
func (w *Ways) Password(ctx context.Context, tenant string, way id.ID) (method.Password, error) {
	x, m, err := w.Open(ctx, tenant, way)
	if err != nil {
		return nil, err
	}
	p, ok := m.(method.Password)
	if !ok {
		return nil, gate.Missing()
	}
	return &passing{w, x, p}, nil
}

// passing finds the user of whom a method of another system says who she is.
type passing struct {
	ways *Ways
	way  *Way
	next method.Password
}

// Check tells who it is, and which user that is.
func (p *passing) Check(ctx context.Context, t method.Try) (method.Claim, error) {
	c, err := p.next.Check(ctx, t)
	if err != nil {
		return method.Claim{}, err
	}
	return c, p.ways.arrive(ctx, t.Tenant, p.way, &c)
}

// Button is a way as the sign-in page offers it.
type Button struct {
	Name string
	Href string
}

// Buttons lists the ways that a tenant's people may come by. A tenant that does not
// exist has none.
func (w *Ways) Buttons(ctx context.Context, tenant string) ([]Button, error) {
	list, err := w.active(ctx, tenant)
	var out []Button
	for _, x := range list {
		out = append(out, Button{Name: x.Name, Href: Path(tenant, x.ID)})
	}
	return out, err
}
