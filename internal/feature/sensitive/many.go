package sensitive

import (
	"context"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/sealed"
	"strongroom/internal/core/secret"
)

// batch is how many looks are recorded in one transaction.
const batch = 200

// look is a value on its way out of an export.
type look struct {
	value any // as JSON gives it; nil when there is none
	why   error
}

// ShowMany gives the values that fields of records have now, in order, to give, for
// exports. It needs the right to export and, for each record, the right to see its
// sealed fields; each look has its own audit entry, durable before its value is given.
// One that the caller may not have, or that the policies do not show now, is given as
// nil with why; a field that has no value is given as nil and not recorded. It stops at
// the first error.
func (s *Fields) ShowMany(ctx context.Context, c *access.Caller, refs []secret.Ref, reason string, give func(ref secret.Ref, value any, withheld error) error) error {
	for len(refs) > 0 {
		part := refs[:min(len(refs), batch)]
		refs = refs[len(part):]
		var list []look
		err := s.Gate.Change(ctx, c, access.Export, gate.Thing{}, func(tx *gate.Tx) error {
			e := tx.Entry()
			e.Detail.Fields = []string{"sealed fields"}
			if reason != "" {
				e.Detail.Reason = reason
			}
			list = make([]look, len(part))
			for i, ref := range part {
				var err error
				if list[i], err = s.look(tx, ref, reason); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i, ref := range part {
			if err := give(ref, list[i].value, list[i].why); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Fields) look(tx *gate.Tx, ref secret.Ref, reason string) (out look, err error) {
	v, has, err := sealed.Get(tx, sealed.Place{Kind: ref.Kind, Record: ref.Object, Field: ref.Field}, 0)
	if err != nil || !has {
		return out, err
	}
	if verdict, said := access.Decide(tx.Caller, access.Reveal, access.Target{Kind: ref.Kind, Visible: true}); verdict != access.Allowed {
		out.why = fault.New(fault.Denied, "%s", said)
		return out, nil
	}
	allowed, err := tx.Allow(access.Reveal, gate.Thing{Kind: ref.Kind, ID: ref.Object})
	if err != nil {
		return out, err
	}
	if allowed.Action == Shown || allowed.Result == audit.Refused { // another field of the same record
		e := *allowed
		e.Result, e.Detail.Text = audit.OK, ""
		allowed = &e
		tx.Also(allowed)
	}
	allowed.Action, allowed.Detail.Fields = Shown, []string{ref.Field}
	if reason != "" {
		allowed.Detail.Reason = reason
	}
	for _, p := range s.Policies {
		err := p(tx, ref, allowed)
		if fault.Is(err, fault.Denied) {
			allowed.Result, out.why = audit.Refused, err
			return out, nil
		}
		if err != nil {
			return out, err
		}
	}
	out.value = v
	return out, nil
}
