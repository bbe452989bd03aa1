package importer

import (
	"context"
	"encoding/json"
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

// Upload gives a staged file to look into. NotFound when there is none.
func (m *Importer) Upload(ctx context.Context, c *access.Caller, stage id.ID) (*staging.File, error) {
	return m.staged().Open(ctx, c, stage)
}

// SetPlan keeps the options that were chosen for a staged file, without its
// password. NotFound when there is none.
func (m *Importer) SetPlan(ctx context.Context, c *access.Caller, stage id.ID, o Options) error {
	b, err := json.Marshal(plan{o.Layout, o.CreateMissingOrganizations, o.Settings})
	if err != nil {
		return err
	}
	return m.staged().SetPlan(ctx, c, stage, string(b))
}

// Plan gives the options that were chosen for a staged file; the zero Options when
// none were.
func (m *Importer) Plan(ctx context.Context, c *access.Caller, stage id.ID) (o Options, err error) {
	s, err := m.staged().Plan(ctx, c, stage)
	if err != nil || s == "" {
		return o, err
	}
	var p plan
	err = json.Unmarshal([]byte(s), &p)
	return Options{Layout: p.Layout, CreateMissingOrganizations: p.Create, Settings: p.Settings}, err
}

// plan is what is kept of options.
type plan struct {
	Layout   string          `json:"layout"`
	Create   bool            `json:"create"`
	Settings json.RawMessage `json:"settings"`
}

// Sweep removes staged exports that nobody came back to for a week, and tells
// how many. A schedule calls it.
func (m *Importer) Sweep(ctx context.Context, tenant string) (int, error) {
	return m.staged().Sweep(ctx, tenant)
}

func (m *Importer) open(ctx context.Context, c *access.Caller, s Source) (*staging.File, error) {
	if s == (Source{}) { // what does not lie in a file
		return staging.Nothing(), nil
	}
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
