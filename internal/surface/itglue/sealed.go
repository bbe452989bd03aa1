package itglue

import (
	"slices"
	"strings"

	"strongroom/internal/base/web"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
)

// sealed is a secret that belongs into an answer and is not open yet.
type sealed struct {
	ref secret.Ref
	has bool
}

// seal finds the secret of a record that is shown, as it was before the moment
// before (0 is now). It gives nil when the caller may not see secrets: then the
// attribute is absent, and since nothing was refused nothing is recorded.
func (c *call) seal(tx *gate.Tx, res *resource, rec *record.Record, before int64) (*sealed, error) {
	if v, _ := access.Decide(c.caller, access.Reveal, access.Target{Kind: res.kind.Name, Visible: true}); v != access.Allowed {
		return nil, nil
	}
	if rec.Values.Bool("reason_required") && strings.TrimSpace(c.caller.Reason) == "" && !c.flag("show_password", false) {
		return nil, nil // asked for in so many words, it is refused for want of the reason
	}
	field := res.special.secret
	list, err := secret.Versions(tx, secret.Place{Kind: res.kind.Name, Org: rec.Org, Object: rec.ID, Field: field})
	if err != nil {
		return nil, err
	}
	i := 0
	if before != 0 {
		i = slices.IndexFunc(list, func(v secret.Version) bool { return v.Time < before })
	}
	if i < 0 || i >= len(list) || !list[i].Has {
		return &sealed{}, nil
	}
	ref := secret.Ref{Kind: res.kind.Name, Object: rec.ID, Field: field, Reasons: rec.Values.Bool("reason_required")}
	if before != 0 {
		ref.Version = list[i].Number
	}
	return &sealed{ref: ref, has: true}, nil
}

// open reveals the secret and adds it to the object. The answer is not
// compressed: its length would tell something of the secret.
func (c *call) open(res *resource, s *sealed, o *object) error {
	if s == nil {
		return nil
	}
	web.NoCompress(c.w)
	if !s.has {
		o.member(res.special.secret, nil)
		return nil
	}
	text, err := c.Secrets.Reveal(c.ctx, c.caller, s.ref, c.caller.Reason)
	if err != nil {
		return err
	}
	o.member(res.special.secret, text)
	return nil
}

// revision gives a record as it was at one version, and the moment at which
// that version ended (0 for the present one).
func (c *call) revision(tx *gate.Tx, rec *record.Record, version int64) (*record.Record, int64, error) {
	list, err := c.Records.Revisions(tx, rec.Kind.Name, rec.ID)
	if err != nil {
		return nil, 0, err
	}
	i := slices.IndexFunc(list, func(v record.Revision) bool { return v.Version == version })
	if i < 0 {
		return nil, 0, gate.Missing()
	}
	was := *rec
	was.Version, was.Updated, was.UpdatedBy = list[i].Version, list[i].Time, list[i].By
	was.Values = list[i].Values.Clone()
	was.Name = was.Values.Text("name")
	was.Archived, was.Restricted = was.Values.Bool("archived"), was.Values.Bool("restricted")
	if o := was.Values.ID("organization_id"); o != 0 {
		was.Org = o
	}
	if was.Names, err = c.namesOf(tx, &was); err != nil {
		return nil, 0, err
	}
	ended := int64(0)
	if i > 0 {
		ended = list[i-1].Time
	}
	return &was, ended, nil
}

// namesOf gives the names of what a record refers to, as far as the caller may
// see them, and sets the name of its organization.
func (c *call) namesOf(tx *gate.Tx, rec *record.Record) (map[string]string, error) {
	want := []id.ID{rec.Org}
	for _, f := range rec.Kind.Fields {
		if to := rec.Values.ID(f.Name); f.Type == record.Ref && to != 0 {
			want = append(want, to)
		}
	}
	names, err := c.Records.Names(tx, want...)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, f := range rec.Kind.Fields {
		if n, ok := names[rec.Values.ID(f.Name)]; ok && f.Type == record.Ref {
			out[f.Name] = n
		}
	}
	rec.OrgName = names[rec.Org]
	return out, nil
}
