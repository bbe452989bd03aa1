package itglue

import (
	"slices"
	"strings"

	"strongroom/internal/base/fault"
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

// open reveals the secret of a record, which is f once gather ran, and adds it to
// the answer. The answer is not compressed: its length would tell something of
// the secret.
func (c *call) open(res *resource, rid id.ID, f *found, gather func(*gate.Tx) error) error {
	asked, changed := false, f.object != nil
	thing := gate.Thing{Kind: res.kind.Name, ID: rid}
	text, has, err := c.Secrets.RevealBeside(c.ctx, c.caller, thing, c.caller.Reason, func(tx *gate.Tx) (ref *secret.Ref, err error) {
		if err = gather(tx); err == nil {
			asked, ref, err = c.secretOf(tx, res, f)
		}
		return ref, err
	})
	switch {
	case fault.Is(err, fault.Denied) && (changed || f.object != nil && !c.flag("show_password", false)):
		return nil // it lacks an approval: the record is given, and what may be told of it
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

// secretOf names the secret of a record, as it was when the record was; ref is nil
// when none was set then. asked tells whether the answer has the attribute at all.
func (c *call) secretOf(tx *gate.Tx, res *resource, f *found) (asked bool, ref *secret.Ref, err error) {
	reasons := f.rec.Values.Bool("reason_required")
	if reasons && strings.TrimSpace(c.caller.Reason) == "" && !c.flag("show_password", false) {
		return false, nil, nil // asked for in so many words, it is refused for want of the reason
	}
	ref = &secret.Ref{Kind: res.kind.Name, Object: f.rec.ID, Field: res.special.secret, Reasons: reasons}
	if f.at == 0 {
		return true, ref, nil
	}
	list, err := secret.Versions(tx, secret.Place{Kind: ref.Kind, Org: f.rec.Org, Object: ref.Object, Field: ref.Field})
	i := slices.IndexFunc(list, func(v secret.Version) bool { return v.Time < f.at })
	if err != nil || i < 0 || !list[i].Has {
		return true, nil, err
	}
	ref.Version = list[i].Number
	return true, ref, nil
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
