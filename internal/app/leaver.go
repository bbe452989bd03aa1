package app

import (
	"context"

	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/leaver"
)

type (
	// UserLeave asks for all that is to be done when somebody leaves.
	UserLeave struct {
		Tenant, Email, To, Reason string
		Made, DryRun              bool
	}
	// UserLeft tells what is to be done, or what was.
	UserLeft = leaver.Outcome
)

// leaveUser does it at the console, in this process: what was begun before goes on.
func leaveUser(ctx context.Context, a *App, q UserLeave, progress func(any)) (any, error) {
	c := access.System(q.Tenant, "console")
	user, err := a.Directory.ByEmail(ctx, c, q.Email)
	to := id.ID(0)
	if err == nil && q.To != "" {
		to, err = a.Directory.ByEmail(ctx, c, q.To)
	}
	if err != nil {
		return nil, err
	}
	out, err := a.Leavers.AtOnce(ctx, c, user, leaver.Order{To: to, Reason: q.Reason, Made: q.Made}, q.DryRun, func(title string) { progress(title) })
	if out != nil {
		out.Email = q.Email
	}
	return out, err
}
