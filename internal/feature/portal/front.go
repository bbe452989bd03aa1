package portal

import (
	"context"
	"strings"
	"time"

	"strongroom/internal/base/richtext"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/portal/brand"
)

// Front is what a tenant shows to whoever comes to sign in.
type Front struct {
	Brand brand.Brand // empty where she does not show it
	Title string      // with Brand
	News  []News
}

// News is an announcement that is shown before somebody has signed in.
type News struct{ Title, Text, Severity string }

// mostNews is how many stand there.
const mostNews = 3

// Front gives what a tenant shows to strangers: what administrators chose for that, and
// nothing of a tenant that there is not.
func (p *Portal) Front(ctx context.Context, tenant string) Front {
	var f Front
	if tenant == "" {
		return f
	}
	err := p.Gate.View(ctx, access.System(tenant, "sign-in"), func(tx *gate.Tx) error {
		b, err := brand.Of(tx)
		if err != nil {
			return err
		}
		if b.Outside {
			f.Brand, f.Title = b, b.Title(tx.Tenant.Title())
		}
		today := time.UnixMilli(tx.Now).UTC().Format(time.DateOnly)
		list, err := p.Records.List(tx, "announcement", record.Query{Archived: "no", Limit: mostNews, NoTotal: true, Sort: []record.Order{{Field: "publish_on", Desc: true}}, Filters: []record.Filter{
			{Field: "at_sign_in", Op: record.Eq, Values: []any{true}}, {Field: "status", Op: record.Eq, Values: []any{"Published"}}, {Field: "publish_on", Op: record.Range, Values: []any{nil, today}}}})
		if err != nil {
			return err
		}
		for _, r := range list.Records {
			if end := r.Values.Text("expire_on"); r.Org == 0 && !r.Restricted && (end == "" || end >= today) {
				f.News = append(f.News, News{Title: r.Name, Text: strings.TrimSpace(richtext.Text(r.Values.Text("body"))), Severity: r.Values.Text("severity")})
			}
		}
		return nil
	})
	if err != nil {
		return Front{} // the form is shown all the same
	}
	return f
}
