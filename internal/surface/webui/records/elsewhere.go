package records

import (
	"strings"

	"strongroom/internal/base/web"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/external"
	"strongroom/internal/surface/webui/shell"
)

// elsewhere leads IT Glue's addresses, /ORG/passwords/ID and the like, to ours.
// Ids are ours, or those that the record had where it came from.
func (v *visit) elsewhere() error {
	parts := strings.Split(strings.Trim(v.R.URL.Path, "/"), "/")
	org, ok := id.Parse(parts[0])
	if !ok || len(parts) > 6 {
		return gate.Missing()
	}
	var last id.ID
	for _, p := range parts {
		if i, ok := id.Parse(p); ok {
			last = i
		}
	}
	plural := ""
	if len(parts) > 1 {
		plural = map[string]string{"docs": "documents", "doc": "documents"}[parts[1]]
		if plural == "" {
			plural = parts[1]
		}
	}
	var to string
	err := v.View(func(tx *gate.Tx) error {
		r, err := v.anywhere(tx, last)
		if err != nil {
			return err
		}
		to = v.HomeOf(r)
		if k := v.Records.Kinds.Plural(plural); k != nil && last == org && r.Kind.Scope == record.Organization && k.Scope == record.OfOrganization {
			to = shell.OrgListURL(r.ID, k)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return web.SeeOther(v.W, v.R, to)
}

// anyRecord leads to a record's page, whatever its kind: the address that links in
// texts have.
func (v *visit) anyRecord() error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	var to string
	err = v.View(func(tx *gate.Tx) error {
		r, err := v.Records.Get(tx, "", rid)
		if err == nil {
			to = v.HomeOf(r)
		}
		return err
	})
	if err != nil {
		return err
	}
	return web.SeeOther(v.W, v.R, to)
}

// anywhere finds a record by our id or by a foreign one.
func (v *visit) anywhere(tx *gate.Tx, rid id.ID) (*record.Record, error) {
	r, err := v.Records.Get(tx, "", rid)
	if err == nil {
		return r, nil
	}
	list, e := external.Records(tx, "itglue", rid.String())
	if e != nil {
		return nil, e
	}
	for _, x := range list {
		if r, e := v.Records.Get(tx, "", x); e == nil {
			return r, nil
		}
	}
	return nil, err
}
