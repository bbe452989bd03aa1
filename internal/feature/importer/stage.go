package importer

import (
	"context"
	"io"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/importer/staging"
)

func (m *Importer) staged() *staging.Store { return &staging.Store{Gate: m.Gate} }

// Stage keeps an uploaded export, encrypted, until it is imported or unstaged,
// and gives its number. The content is streamed; it may have any size.
func (m *Importer) Stage(ctx context.Context, c *access.Caller, name string, r io.Reader) (id.ID, error) {
	return m.staged().Add(ctx, c, name, r)
}

// Unstage removes a staged export. It is no failure when there is none.
func (m *Importer) Unstage(ctx context.Context, c *access.Caller, stage id.ID) error {
	return m.staged().Remove(ctx, c, stage)
}

// Sweep removes staged exports that nobody came back to for a week, and tells
// how many. A schedule calls it.
func (m *Importer) Sweep(ctx context.Context, tenant string) (int, error) {
	return m.staged().Sweep(ctx, tenant)
}

func (m *Importer) open(ctx context.Context, c *access.Caller, s Source) (*staging.File, error) {
	if s.Stage == 0 {
		return staging.OpenFile(s.Path)
	}
	return m.staged().Open(ctx, c, s.Stage)
}

// Quietly runs a change that needs the right to import and is no news itself.
func (m *Importer) Quietly(ctx context.Context, c *access.Caller, fn func(*gate.Tx) error) error {
	return m.Gate.Change(ctx, c, access.Import, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		return fn(tx)
	})
}
