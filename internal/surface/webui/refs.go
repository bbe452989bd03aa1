package webui

import (
	"net/http"

	"strongroom/internal/base/web"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// refs answers what a reference may point to: records of a kind whose names
// hold what was typed.
func (v *visit) refs() error {
	k := v.kind(v.r.PathValue("kind"))
	if k == nil {
		return gate.Missing()
	}
	q := v.r.URL.Query()
	org, _ := id.Parse(q.Get("organization_id"))
	query := record.Query{Text: q.Get("q"), Limit: 20, Archived: "no", NoTotal: true}
	if k.Scope == record.OfOrganization || k.Scope == record.OfParent {
		query.Org = org
	}
	var page *record.Page
	err := v.view(func(tx *gate.Tx) (err error) {
		page, err = v.Records.List(tx, k.Name, query)
		return err
	})
	if err != nil {
		return err
	}
	items := []refItem{}
	for _, r := range page.Records {
		x := refItem{ID: r.ID.String(), Label: r.Name, Icon: iconOf(r)}
		if org == 0 && k.Scope != record.Organization {
			x.Sub = r.OrgName
		}
		items = append(items, x)
	}
	return web.JSON(v.w, http.StatusOK, map[string]any{"items": items})
}
