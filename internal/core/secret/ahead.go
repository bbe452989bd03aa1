package secret

import (
	"strongroom/internal/base/envelope"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/tenant"
)

// Ahead is the part of sealing secrets that needs to know neither the secret nor
// its place: a key agreement for each. Bulk changes make it before their
// transaction, while another one runs.
type Ahead struct{ agreed []*envelope.Agreement }

// More makes agreements for n more secrets of t.
func (a *Ahead) More(t *tenant.Tenant, n int) error {
	for range n {
		one, err := t.Public().Agree()
		if err != nil {
			return err
		}
		a.agreed = append(a.agreed, one)
	}
	return nil
}

type aheadOfTx struct{}

// In lets Put use what was made ahead, each agreement once. When there are too
// few, Put makes its own.
func (a *Ahead) In(tx *gate.Tx) { tx.Local(aheadOfTx{}, func() any { return a }) }

// wrapKey gives what the next secret of the tenant is sealed to.
func wrapKey(tx *gate.Tx) envelope.WrapKey {
	to := tx.Tenant.Public()
	a, _ := tx.Local(aheadOfTx{}, func() any { return (*Ahead)(nil) }).(*Ahead)
	for a != nil && len(a.agreed) > 0 {
		one := a.agreed[0]
		a.agreed = a.agreed[1:]
		if one.To.ID == to.ID && one.To.Generation == to.Generation { // else the tenant has another key since
			return one
		}
	}
	return to
}
