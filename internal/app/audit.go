package app

import (
	"context"
	"errors"
	"os"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/audit"
)

// Verified is what a verification of an audit log found.
type Verified struct {
	Tenant      string `json:"tenant"`
	Entries     int64  `json:"entries"`
	Signed      int64  `json:"signed"`
	Checkpoints int    `json:"checkpoints"`
	OK          bool   `json:"ok"`
	FirstBad    *int64 `json:"first_bad,omitempty"` // position of the first entry that does not verify
	Text        string `json:"text"`
}

func verified(tenant string, r audit.Report) *Verified {
	v := &Verified{Tenant: tenant, Entries: r.Entries, Signed: r.Signed, Checkpoints: r.Checkpoints, OK: r.Bad == nil, Text: r.String()}
	if r.Bad != nil {
		v.FirstBad = &r.Bad.Seq
	}
	return v
}

// VerifyAudit verifies a tenant's audit log, reading the database itself also
// while a server runs on it.
func VerifyAudit(ctx context.Context, o Options, name string) (_ *Verified, err error) {
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
	t, err := a.House.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer t.Release()
	report, err := audit.Verify(ctx, t.DB, t.Audit, t.Keys.CheckpointKey)
	if err != nil {
		return nil, err
	}
	return verified(name, report), nil
}

// VerifyAuditFile verifies an exported log. key is the public key that its
// checkpoints must be signed with; it comes from elsewhere than the file.
func VerifyAuditFile(path, key string) (*Verified, error) {
	f, err := os.Open(path) // #nosec G304 -- a person names it
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The file %s cannot be read.", path)
	}
	defer f.Close()
	report, err := audit.VerifyExport(f, key)
	if err != nil {
		return nil, err
	}
	return verified(report.Tenant, report), nil
}
