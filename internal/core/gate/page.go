package gate

import (
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
)

// Page asks for one page of a tenant's audit log.
type Page struct {
	From, To int64 // Unix milliseconds, both included
	Number   int   // from 1
	Size     int   // entries on a page
	Pages    int   // how many pages can be asked for
	Oldest   bool  // the oldest entries first
}

// ActivityPage gives a page of what Activity lists of the whole tenant, and how
// many entries there are on all pages. Who does not see every entry has full
// pages of what she sees, and a total that counts nothing else.
func (tx *Tx) ActivityPage(p Page) ([]*audit.Entry, int64, error) {
	if _, err := tx.Allow(access.Inspect, Thing{}); err != nil {
		return nil, 0, err
	}
	if !tx.Caller.Everything() { // all that can be asked for is read: nothing else tells how much it is
		all, err := tx.Activity(audit.Filter{From: p.From, To: p.To + 1, Limit: p.Pages * p.Size, Oldest: p.Oldest})
		first := min((p.Number-1)*p.Size, len(all))
		return all[first:min(first+p.Size, len(all))], int64(len(all)), err
	}
	var low, high int64 // entries are numbered without gaps: the place of a page is known beforehand
	err := tx.QueryRow(`select coalesce(min(seq), 0), coalesce(max(seq) + 1, 0) from audit_entry where time >= ? and time <= ?`, p.From, p.To).Scan(&low, &high)
	if err != nil {
		return nil, 0, err
	}
	skip := int64((p.Number - 1) * p.Size)
	f := audit.Filter{Since: low, Before: high - skip, Limit: p.Size}
	if p.Oldest {
		f = audit.Filter{Since: low + skip, Before: high, Limit: p.Size, Oldest: true}
	}
	total := min(high-low, int64(p.Pages*p.Size))
	if f.Before <= f.Since {
		return nil, total, nil
	}
	list, err := tx.Activity(f)
	return list, total, err
}
