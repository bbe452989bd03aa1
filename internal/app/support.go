package app

import (
	"context"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/support"
)

type (
	// SupportAsk asks a tenant for access by the operator's people.
	SupportAsk struct {
		Tenant, Staff, Reason string
		Hours                 int
		Reveal, Inspect       bool
		Organizations         []string // by name; none is all
	}
	// SupportRef names an access.
	SupportRef struct{ Tenant, ID string }
	// SupportInfo is one line of support list.
	SupportInfo = support.Info
)

func askSupport(ctx context.Context, a *App, q SupportAsk, _ func(any)) (any, error) {
	c := access.System(q.Tenant, "console")
	scope := support.Scope{Reveal: q.Reveal, Inspect: q.Inspect}
	var out SupportInfo
	err := a.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		for _, name := range q.Organizations {
			org, err := oneNamed(tx, a.Records, "organization", name)
			if err != nil {
				return err
			}
			scope.Orgs = append(scope.Orgs, org)
		}
		n, code, err := support.Ask(tx, q.Staff, q.Reason, q.Hours, scope)
		out = SupportInfo{ID: n.String(), Staff: q.Staff, Reason: q.Reason, Scope: scope.String(), State: support.Waiting, Code: code}
		return err
	})
	return out, err
}

func listSupport(ctx context.Context, a *App, t TenantRef, _ func(any)) (any, error) {
	var out []SupportInfo
	err := a.Gate.View(ctx, access.System(t.Name, "console"), func(tx *gate.Tx) (err error) { out, err = support.Infos(tx); return err })
	return out, err
}

func endSupport(ctx context.Context, a *App, r SupportRef, _ func(any)) (any, error) {
	n, ok := id.Parse(r.ID)
	if !ok {
		return nil, fault.New(fault.Invalid, "%q is no number of a support access.", r.ID).WithHint("List them with: strongroom support list")
	}
	return struct{}{}, a.Gate.Change(ctx, access.System(r.Tenant, "console"), access.Administer, gate.Thing{}, func(tx *gate.Tx) error { return support.End(tx, n) })
}

// tellConsole tells a tenant's administrators what was done at the console that could let
// somebody in.
func (a *App) tellConsole(ctx context.Context, tenant, words string) error {
	return a.Gate.Change(ctx, access.System(tenant, "console"), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry()) // what was done has its own
		return support.TellConsole(tx, words)
	})
}
