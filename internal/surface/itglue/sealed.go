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

// reveals tells whether the caller may see secrets of such records at all. When
// not, the attribute is absent, and since nothing was refused nothing is recorded.
func (c *call) reveals(res *resource) bool {
	if res.special.secret == "" {
		return false
	}
	v, _ := access.Decide(c.caller, access.Reveal, access.Target{Kind: res.kind.Name, Visible: true})
	return v == access.Allowed
}

// secretOf names the secret of a record that is shown, as it was before the
// moment before (0 is now), to a caller who may see secrets. ref is nil when none
// was set then; asked tells whether the answer has the attribute at all.
func (c *call) secretOf(tx *gate.Tx, res *resource, rec *record.Record, before int64) (asked bool, ref *secret.Ref, err error) {
	reasons := rec.Values.Bool("reason_required")
	if reasons && strings.TrimSpace(c.caller.Reason) == "" && !c.flag("show_password", false) {
		return false, nil, nil // asked for in so many words, it is refused for want of the reason
	}
	ref = &secret.Ref{Kind: res.kind.Name, Object: rec.ID, Field: res.special.secret, Reasons: reasons}
	if before == 0 {
		return true, ref, nil
	}
	list, err := secret.Versions(tx, secret.Place{Kind: res.kind.Name, Org: rec.Org, Object: rec.ID, Field: ref.Field})
	if err != nil {
		return false, nil, err
	}
	i := slices.IndexFunc(list, func(v secret.Version) bool { return v.Time < before })
	if i < 0 || !list[i].Has {
		return true, nil, nil
	}
	ref.Version = list[i].Number
	return true, ref, nil
}

// open reveals the secret that look names, and gives the object the attribute
// when look says that it was asked for. The answer is not compressed: its length
// would tell something of the secret.
func (c *call) open(res *resource, rid id.ID, f *found, look func(*gate.Tx) (asked bool, ref *secret.Ref, err error)) error {
	asked := false
	thing := gate.Thing{Kind: res.kind.Name, ID: rid}
	text, has, err := c.Secrets.RevealBeside(c.ctx, c.caller, thing, c.caller.Reason, func(tx *gate.Tx) (ref *secret.Ref, err error) {
		asked, ref, err = look(tx)
		return ref, err
	})
	switch {
	case err != nil || !asked:
		return err
	case has:
		f.member(res.special.secret, text)
	default:
		f.member(res.special.secret, nil)
	}
	web.NoCompress(c.w)
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
