// Package crowd fills a tenant with very many tickets, for measuring.
//
// Always true: the tickets are the same for the same number and day; each is written as the
// engine writes one, found by the search and in the totals, but nobody's rules are asked and
// nothing is recorded; what is there already stays.
package crowd

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/number"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/desk"
	"strongroom/internal/feature/sla"
)

// batch is how many tickets are written in one transaction.
const batch = 1000

// span is how long ago the first of them came in.
const span = 2 * 365 * 24 * time.Hour

// Crowd writes tickets. Fill the fields.
type Crowd struct {
	Gate    *gate.Gate
	Records *record.Engine
	Now     time.Time

	random *rand.Rand
	orgs   []place
	agents []id.ID
	lists  map[string][]id.ID // teams, services, categories
}

// place is an organization with its customers.
type place struct {
	org      id.ID
	contacts []id.ID
}

// Fill writes so many tickets, nine of ten incidents and the rest service requests, in the
// organizations, by the people and with the lists that the tenant has. The newest come last, and
// more of them than of old ones; a few in a hundred are open.
func (c *Crowd) Fill(ctx context.Context, tenant string, tickets int, progress func(done, total int)) error {
	c.random = rand.New(rand.NewPCG(1, uint64(tickets))) // #nosec G404 -- made-up tickets are no secret
	who := access.System(tenant, "console")
	if err := c.Gate.View(ctx, who, c.look); err != nil {
		return err
	}
	for done := 0; done < tickets; {
		n := min(batch, tickets-done)
		err := c.Gate.Change(ctx, who, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
			tx.Withdraw(tx.Entry())
			for i := range n {
				if err := c.one(tx, done+i, tickets); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if done += n; progress != nil {
			progress(done, tickets)
		}
	}
	return nil
}

// look finds what the tickets are of.
func (c *Crowd) look(tx *gate.Tx) error {
	orgs, err := c.ids(tx, "organization", 0)
	if err != nil {
		return err
	}
	for _, o := range orgs {
		p := place{org: o}
		if p.contacts, err = c.ids(tx, "contact", o); err != nil {
			return err
		}
		if len(p.contacts) > 0 {
			c.orgs = append(c.orgs, p)
		}
	}
	if c.agents, err = c.ids(tx, "user", 0); err != nil {
		return err
	}
	c.lists = map[string][]id.ID{}
	for _, kind := range []string{"team", "service", "category"} {
		if c.lists[kind], err = c.ids(tx, kind, 0); err != nil {
			return err
		}
	}
	if len(c.orgs) == 0 || len(c.agents) == 0 {
		return fmt.Errorf("there is nobody in this tenant to have tickets")
	}
	return nil
}

func (c *Crowd) ids(tx *gate.Tx, kind string, org id.ID) (out []id.ID, err error) {
	p, err := c.Records.List(tx, kind, record.Query{Org: org, Archived: "no", Limit: 500, NoTotal: true, Only: []string{}})
	if err != nil {
		return nil, err
	}
	for _, r := range p.Records {
		out = append(out, r.ID)
	}
	return out, nil
}

// some gives one of a list, the first ones more often.
func some[T any](r *rand.Rand, list []T) T {
	return list[min(len(list)-1, int(math.Pow(r.Float64(), 2)*float64(len(list))))]
}

// one writes the ticket with a place in the order of time.
func (c *Crowd) one(tx *gate.Tx, i, of int) error {
	kind, done := "incident", "Resolved"
	if c.random.IntN(10) == 0 {
		kind, done = "service_request", "Fulfilled"
	}
	k := c.Records.Kinds.Kind(kind)
	age := time.Duration((1 - math.Sqrt(float64(i+1)/float64(of))) * float64(span))
	came := c.Now.Add(-age - time.Duration(c.random.IntN(3600))*time.Second)
	where := some(c.random, c.orgs)
	name := fmt.Sprintf("%s %s", words[c.random.IntN(len(words))], things[c.random.IntN(len(things))])
	v := record.Values{"name": name, "contact_id": some(c.random, where.contacts), "description": "<p>" + name + ", since " + came.Format("Monday 15:04") + ".</p>",
		"urgency": some(c.random, []string{"Medium", "Low", "High"}), "source": some(c.random, desk.Sources()), "final": false}
	if kind == "incident" {
		v["impact"], v["vip"], v["master"], v["first_call"] = some(c.random, []string{"Low", "Medium", "High"}), false, false, false
		v["priority"] = some(c.random, []string{"3", "4", "2", "5", "1"})
	}
	open := c.random.Float64() < .003 || age < 3*24*time.Hour && c.random.IntN(3) == 0
	c.assign(v, open)
	if open {
		v["status"], v["due_at"] = "Active", c.Now.Add(time.Duration(c.random.IntN(96)-24)*time.Hour).UnixMilli()
	} else {
		c.end(v, came, age, done)
	}
	var err error
	if v["number"], err = number.Next(tx, k.Field("number").Series); err != nil {
		return err
	}
	r := &record.Record{Kind: k, Org: where.org, Name: name, Created: came.UnixMilli(), Updated: came.UnixMilli(), Version: 1, Values: v}
	if at, ok := v["resolved_at"].(int64); ok {
		r.Updated = at
	}
	if r.ID, err = tx.NewID(); err != nil {
		return err
	}
	r.Guard = r.ID
	return c.Records.Raw(tx, r)
}

// assign says with whom a ticket lies; few open ones lie with nobody.
func (c *Crowd) assign(v record.Values, open bool) {
	for field, kind := range map[string]string{"service_id": "service", "category_id": "category", "team_id": "team"} {
		if list := c.lists[kind]; len(list) > 0 {
			v[field] = list[len(list)/2]
		}
	}
	if !open || c.random.IntN(5) > 0 {
		v["owner_id"] = some(c.random, c.agents)
	}
}

// end says how a ticket was resolved, and what came of its clocks.
func (c *Crowd) end(v record.Values, came time.Time, age time.Duration, done string) {
	took := min(time.Duration(math.Exp(c.random.NormFloat64()*1.4+6)*float64(time.Minute)), age)
	answer := time.Duration(float64(took) * c.random.Float64() * .3)
	v[sla.ResponseTime], v[sla.ResponseLate] = int64(answer/time.Minute), answer > 2*time.Hour
	v[sla.ResolutionTime], v[sla.ResolutionLate] = int64(took/time.Minute), took > 24*time.Hour
	if c.random.IntN(25) == 0 {
		v[sla.Reopened] = int64(1 + c.random.IntN(2))
	}
	v["status"], v["resolved_at"], v["resolved_by_id"], v["resolution"] = done, came.Add(took).UnixMilli(), v["owner_id"], "<p>Done as asked.</p>"
	if age > 5*24*time.Hour {
		v["status"], v["closed_at"], v["final"] = "Closed", came.Add(took+3*24*time.Hour).UnixMilli(), true
	}
	if done == "Resolved" {
		v["cause_code"] = "Other"
	}
}

var (
	words  = [...]string{"No answer from", "Slow", "Locked out of", "Error in", "Access to", "Renew", "Noise from", "Update of", "Missing files on", "Question about", "Replace", "Cannot print from"}
	things = [...]string{"the mail", "the file server", "the telephone", "the wireless", "the printer", "the laptop", "the accounting program", "the camera", "the scanner", "the backup", "the remote desktop", "the web site", "the door", "the cash desk", "the tablet", "the time clock"}
)
