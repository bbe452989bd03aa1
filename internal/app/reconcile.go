package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"strongroom/internal/core/audit"
	"strongroom/internal/core/keys"
	"strongroom/internal/core/keys/service"
	"strongroom/internal/core/secret"
	"strongroom/internal/core/tenant"
)

// Reconciled is what a comparison of a tenant's audit log with the key service's log
// found.
type Reconciled struct {
	Tenant string `json:"tenant"`
	OK     bool   `json:"ok"`
	Text   string `json:"text"`
	*secret.Reconciled
}

// ReconcileAudit verifies a tenant's audit log and the key service's own log, and then
// compares the reveals that each of them tells of, also while a server runs. dir is
// the folder of the key store; that of the data folder when empty. The root key is
// where the settings say.
func ReconcileAudit(ctx context.Context, o Options, name, dir string) (_ *Reconciled, err error) {
	o.Quiet = true
	a, err := Open(ctx, o)
	if errors.Is(err, ErrHeld) {
		o.Beside = true
		a, err = Open(ctx, o)
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	path, _, err := a.Config.rootFile()
	if err != nil {
		return nil, err
	}
	root, err := service.LoadRoot(path)
	if err != nil {
		return nil, err
	}
	defer clear(root)
	if dir == "" {
		dir = filepath.Join(a.Config.Data, "keys")
	}
	t, err := a.House.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer t.Release()
	fresh := a.Now()
	if o.Beside { // else nobody is asking
		fresh = fresh.Add(-underway)
	}
	return reconcile(ctx, t, dir, root, fresh)
}

// underway is how long a granted reveal may be on its way to the key service.
const underway = 30 * time.Second

func reconcile(ctx context.Context, t *tenant.Tenant, dir string, root []byte, fresh time.Time) (*Reconciled, error) {
	report, err := audit.Verify(ctx, t.DB, t.Audit, t.Keys.CheckpointKey)
	if err != nil {
		return nil, err
	}
	if report.Bad != nil {
		return &Reconciled{Tenant: t.Name, Text: report.String()}, nil
	}
	out := &Reconciled{Tenant: t.Name}
	out.Reconciled, err = secret.Reconcile(ctx, t.DB, t.Audit, t.ID, fresh, func(give func(keys.LogEntry) error) error {
		_, err := service.VerifyLog(ctx, dir, root, func(e service.Entry) error {
			line, err := keys.ParseLogEntry(e.Text)
			if err != nil {
				return err
			}
			return give(line)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	out.OK = len(out.Odd) == 0
	out.Text = fmt.Sprintf("Both logs verify, and agree on all reveals: %d granted, %d keys given.", out.Granted, out.Opened)
	if !out.OK {
		out.Text = fmt.Sprintf("Both logs verify, and do not agree on %d reveals.", len(out.Odd))
	}
	return out, nil
}
