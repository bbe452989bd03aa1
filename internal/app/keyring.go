package app

import (
	"context"
	"encoding/json"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/job"
	"strongroom/internal/feature/keyring"
)

// Rotation asks for a rotation of a tenant's key pair.
type Rotation struct {
	Tenant, Suite string
	Resume        bool
}

// RotationProgress tells how far a rotation is.
type RotationProgress struct {
	Done  int64 `json:"done"`
	Total int64 `json:"total"`
}

// Rotated is what came of a rotation.
type Rotated keyring.Report

// KeyPair is one line of tenant keys.
type KeyPair struct {
	Generation uint32 `json:"generation"`
	Suite      string `json:"suite"`
	ID         string `json:"id"`
	Created    string `json:"created"`
	Retired    string `json:"retired,omitempty"`
	Sealed     int64  `json:"sealed"` // versions of secrets that are sealed to it
}

// RetiredPairs tells how many key pairs were retired.
type RetiredPairs struct {
	Retired int `json:"retired"`
}

func tenantKeys(ctx context.Context, a *App, t TenantRef, _ func(any)) (any, error) {
	list, err := a.Keyring.Generations(ctx, access.System(t.Name, "console"))
	out := []KeyPair{}
	for _, g := range list {
		p := KeyPair{Generation: g.Number, Suite: g.Suite, ID: g.ID.String(), Created: day(g.Created), Sealed: g.Sealed}
		if g.Retired != 0 {
			p.Retired = day(g.Retired)
		}
		out = append(out, p)
	}
	return out, err
}

func day(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }

// rotateKeys rotates at once, or, beside a server that does jobs, as a job that
// goes on when whoever asked for it has left, or the server is started again.
func rotateKeys(ctx context.Context, a *App, r Rotation, progress func(any)) (any, error) {
	c, task := access.System(r.Tenant, "console"), keyring.Task{Suite: r.Suite, Resume: r.Resume}
	if !a.working {
		out, err := a.Keyring.Run(ctx, c, task, func(done, total int64) { progress(RotationProgress{done, total}) })
		return (*Rotated)(out), err
	}
	work, err := a.Keyring.Start(ctx, c, task)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		var s *job.Status
		err := a.Gate.View(ctx, c, func(tx *gate.Tx) (err error) {
			s, err = job.Get(tx, work)
			return err
		})
		if err != nil {
			return nil, err
		}
		switch s.State {
		case job.Done:
			var out Rotated
			return &out, json.Unmarshal(s.Result, &out)
		case job.Failed:
			return nil, fault.New(fault.Conflict, "%s", s.Error).WithHint("%s", s.Hint)
		case job.Cancelled:
			return nil, fault.New(fault.Conflict, "The rotation was stopped.").WithHint("Go on with: strongroom tenant rotate -resume %s", r.Tenant)
		}
		progress(RotationProgress{s.Done, s.Total})
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}

func retireKeys(ctx context.Context, a *App, t TenantRef, _ func(any)) (any, error) {
	n, err := a.Keyring.Retire(ctx, access.System(t.Name, "console"))
	return RetiredPairs{n}, err
}
