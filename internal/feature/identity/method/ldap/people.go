package ldap

import (
	"context"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
)

// forList are the limits of a connection by which everybody is listed.
var forList = limits{time: 30 * time.Minute, bytes: 1 << 30}

// mostPeople is how many people a directory may have that is listed.
const mostPeople = 100_000

// People lists who may sign in, with their groups. It asks for the groups of each
// person and of each group once.
func (w *Way) People(ctx context.Context, each func(method.Listed) error) error {
	return w.with(ctx, forList, func(c *ldap.Conn) error {
		filter := strings.ReplaceAll(w.setup.Text("filter"), nameMark, "*")
		r, err := c.SearchWithPaging(ldap.NewSearchRequest(w.setup.Text("people_base"), ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, filter, w.attributes(), nil), pageSize)
		if err != nil {
			return err
		}
		if len(r.Entries) > mostPeople {
			return fault.New(fault.Unavailable, "The directory lists more than %d people.", mostPeople).WithHint("Make the place or the filter narrower.")
		}
		above := map[string][]group{} // groups that hold an entry, by its name
		for _, e := range r.Entries {
			if err := ctx.Err(); err != nil {
				return err
			}
			p, err := w.listed(c, e, above)
			if err != nil {
				return err
			}
			if err := each(p); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *Way) listed(c *ldap.Conn, e *ldap.Entry, above map[string][]group) (p method.Listed, err error) {
	if p.Claim, err = w.claim(e); err != nil || w.setup.Text("group_base") == "" {
		return p, err
	}
	list, err := w.climb(e.DN, func(names []string) (out []group, err error) {
		for _, dn := range names {
			key := strings.ToLower(dn)
			found, ok := above[key]
			if !ok {
				if found, err = w.holding(c, []string{dn}); err != nil {
					return nil, err
				}
				above[key] = found
			}
			out = append(out, found...)
		}
		return out, nil
	})
	p.Groups, p.GroupNames = names(list)
	return p, err
}
