package secret

import (
	"context"
	"database/sql"
	"errors"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/keys"
)

// batch is how many reveals are granted in one transaction.
const batch = 500

// RevealMany gives the text of each secret, in order, to give, for exports. It
// needs the right to export and, for each record, the right to see its secrets;
// each reveal has its own audit entry, in batches that are durable before the
// key service is asked. A secret that was never set is given as an empty text
// and not recorded; one that the policy does not show now is given as an empty
// text with why, and its refusal is recorded. It stops at the first error.
func (r *Revealer) RevealMany(ctx context.Context, c *access.Caller, refs []Ref, reason string, give func(ref Ref, text string, withheld error) error) error {
	for len(refs) > 0 {
		n := min(len(refs), batch)
		if err := r.revealBatch(ctx, c, refs[:n], reason, give); err != nil {
			return err
		}
		refs = refs[n:]
	}
	return nil
}

func (r *Revealer) revealBatch(ctx context.Context, c *access.Caller, refs []Ref, reason string, give func(Ref, string, error) error) error {
	openings, withheld, export, err := r.grantMany(ctx, c, refs, reason)
	if err != nil {
		return err
	}
	var items []keys.Item
	var first *opening
	for _, o := range openings {
		if o == nil {
			continue
		}
		if first == nil {
			first = o
		}
		items = append(items, keys.Item{Header: o.envelope.HeaderBytes(), Recipient: o.envelope.Recipients()[0]})
	}
	var dataKeys [][]byte
	if first != nil {
		cited := *first
		cited.entry = export
		if dataKeys, err = r.Keys.UnwrapMany(ctx, cited.ticket(c, true), items); err != nil {
			return r.failed(ctx, c, &cited, err)
		}
	}
	defer func() {
		for _, k := range dataKeys {
			clear(k)
		}
	}()
	next := 0
	for i, o := range openings {
		text := ""
		if o != nil {
			plain, err := o.envelope.Open(dataKeys[next])
			if err != nil {
				return r.failed(ctx, c, o, err)
			}
			next++
			text = string(plain)
			clear(plain)
		}
		if err := give(refs[i], text, withheld[refs[i]]); err != nil {
			return err
		}
	}
	return nil
}

// grantMany decides on each, and makes the grants durable, and says why the
// policy does not show some. The entry of the export itself comes first.
func (r *Revealer) grantMany(ctx context.Context, c *access.Caller, refs []Ref, reason string) (openings []*opening, withheld map[Ref]error, export *audit.Entry, err error) {
	err = r.Gate.Change(ctx, c, access.Export, gate.Thing{}, func(tx *gate.Tx) error {
		export = tx.Entry()
		export.Detail.Fields = []string{"secrets"}
		if reason != "" {
			export.Detail.Reason = reason
		}
		openings, withheld = make([]*opening, len(refs)), map[Ref]error{}
		for i, ref := range refs {
			if openings[i], err = r.grantOne(tx, ref, reason, withheld); err != nil {
				return err
			}
		}
		return nil
	})
	if fault.Is(err, fault.NotFound) && len(refs) > 1 {
		err = fault.Wrap(err, fault.NotFound, "One of the secrets does not exist, or you may not see it; none was shown.")
	}
	return openings, withheld, export, err
}

// grantOne gives nil for what was never set, and for what is withheld.
func (r *Revealer) grantOne(tx *gate.Tx, ref Ref, reason string, withheld map[Ref]error) (*opening, error) {
	s, err := load(tx, ref)
	if errors.Is(err, sql.ErrNoRows) || err == nil && s.empty {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	allowed, err := tx.Allow(access.Reveal, gate.Thing{Kind: ref.Kind, ID: ref.Object})
	if err != nil {
		return nil, err
	}
	if allowed.Action == Granted || allowed.Result == audit.Refused { // another field of the same record
		e := *allowed
		e.Action, e.Result, e.Detail.Fields, e.Detail.Text = string(access.Reveal), audit.OK, nil, ""
		allowed = &e
		tx.Also(allowed)
	}
	err = r.permit(tx, ref, allowed)
	if fault.Is(err, fault.Denied) {
		allowed.Result, allowed.Detail.Fields, withheld[ref] = audit.Refused, []string{s.field}, err
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.grant(tx, ref, allowed, reason)
}
