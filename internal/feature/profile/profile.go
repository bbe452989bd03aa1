// Package profile keeps how a tenant presents itself to its people.
//
// Always true: only those who manage the tenant change it, and each change is
// recorded before it shows.
package profile

import (
	"context"
	"strings"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/tenant"
)

// Profile changes the profiles of tenants.
type Profile struct {
	Gate  *gate.Gate
	House *tenant.House
}

// MaxTitle is the longest title, in characters.
const MaxTitle = 100

// SetTitle gives the caller's tenant another title. Invalid, with the field
// title, for an empty or a longer one.
func (p *Profile) SetTitle(ctx context.Context, c *access.Caller, title string) error {
	title = strings.Join(strings.Fields(title), " ")
	changed := false
	err := p.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		switch {
		case title == "":
			return fault.Field("title", "The title is missing.")
		case utf8.RuneCountInString(title) > MaxTitle:
			return fault.Field("title", "A title has at most %d characters.", MaxTitle)
		}
		e := tx.Entry()
		e.Action, e.Detail.Text = "tenant.title", tx.Tenant.Title()+" → "+title
		if changed = title != tx.Tenant.Title(); !changed {
			tx.Withdraw(e)
		}
		return nil
	})
	if err != nil || !changed {
		return err
	}
	return p.House.SetTitle(ctx, c.Tenant, title)
}
