// Package siege tells administrators when somebody tries passwords on accounts.
//
// Always true: it only counts what the audit log says already, and tells; whom it slows
// down and refuses is the affair of the sign-in. Nobody is told more often than every few
// hours while an attack goes on, and a stranger cannot make it read more than a bounded
// part of the log.
//
// Words: spraying is a few passwords tried on many accounts, stuffing pairs of address and
// password that became known elsewhere: both are many addresses in a short time. Guessing
// is many passwords on one.
package siege

import (
	"context"
	"fmt"
	"strings"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/notification"
)

// Topic is what its notices are about.
const Topic = "siege"

// Told is the action of the audit entry that says that administrators were told.
const Told = "sign-in.siege"

const (
	window = time.Hour
	again  = 4 * time.Hour // one notice in that time
	read   = 5000          // entries of the log, the newest
	many   = 15            // addresses tried: more than people mistype in an hour
	part   = 20            // or one in so many of the users, whichever is more
	often  = 30            // tries on one address
)

// Count is what was tried in the last hour.
type Count struct {
	Tries     int64
	Addresses int             // different ones
	Users     map[id.ID]int64 // tries, by whose address it was
	Most      int64           // tries on the one address that was tried most
	Held      int             // users that there are
}

// Spread tells whether many accounts were tried.
func (c Count) Spread() bool { return c.Addresses >= max(many, c.Held/part) }

// Guessing tells whether one account was tried often.
func (c Count) Guessing() bool { return c.Most >= often }

// Of counts what the log says of the last hour, within its newest entries.
func Of(tx *gate.Tx) (Count, error) {
	c := Count{Users: map[id.ID]int64{}}
	size, _, err := audit.Head(tx.SQL())
	if err != nil {
		return c, err
	}
	if err := tx.QueryRow(`select count(*) from access_principal where active = 1`).Scan(&c.Held); err != nil {
		return c, err
	}
	list, err := tx.Tenant.Audit.List(tx.SQL(), audit.Filter{Action: string(access.SignIn), Result: audit.Refused, Since: max(0, size-read), From: tx.Now - window.Milliseconds(), Limit: read})
	if err != nil {
		return c, err
	}
	tried := map[string]int64{}
	for _, e := range list {
		_, who, found := strings.Cut(e.Detail.Text, identity.TriedFor)
		if !found {
			continue
		}
		c.Tries += e.Count
		tried[who] += e.Count
		if e.Object != 0 {
			c.Users[e.Object] += e.Count
		}
	}
	c.Addresses = len(tried)
	for who, n := range tried {
		if who != identity.Many { // addresses beyond those that have entries of their own
			c.Most = max(c.Most, n)
		}
	}
	return c, nil
}

// Watch tells the administrators of a tenant, where there is something to tell. A schedule
// calls it.
func Watch(ctx context.Context, g *gate.Gate, tenant string) error {
	return g.Change(ctx, access.System(tenant, "job"), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		entry := tx.Entry()
		c, err := Of(tx)
		if err != nil || !c.Spread() && !c.Guessing() {
			tx.Withdraw(entry)
			return err
		}
		before, err := tx.Tenant.Audit.List(tx.SQL(), audit.Filter{Action: Told, From: tx.Now - again.Milliseconds(), Limit: 1})
		if err != nil || len(before) > 0 { // everybody knows
			tx.Withdraw(entry)
			return err
		}
		to, err := tx.IDs(`select user_id from access_principal where active = 1 and role = ? order by user_id`, string(access.Administrator))
		if err != nil {
			return err
		}
		words := fmt.Sprintf("Passwords are being tried: %d sign-ins failed in an hour, for %d addresses, of which %d are of users here. They are slowed down and refused as always. See who it is:", c.Tries, c.Addresses, len(c.Users))
		if !c.Spread() {
			words = fmt.Sprintf("Passwords are being guessed: %d sign-ins failed in an hour for one address. They are slowed down and refused as always. See whose it is:", c.Most)
		}
		entry.Action, entry.Detail.Text = Told, words
		_, err = notification.Send(tx, notification.Notice{Topic: Topic, To: to, Href: "/audit?action=sign-in&result=refused", Own: true, Self: true,
			Key: fmt.Sprintf("siege/%d", tx.Now), Text: []notification.Part{notification.Words(words)}})
		return err
	})
}
