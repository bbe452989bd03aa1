// Package care is what becomes of articles: what they solved, what they said before, and
// what is to be looked at.
//
// Always true: an article solves a ticket by the moves that its lifecycle declares; going
// back makes a draft; of a search that found nothing its words are kept, and not whose it
// was.
package care

import (
	"context"
	"html"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// The kind, and the states that are told apart here.
const (
	kind      = "knowledge_article"
	draft     = "Draft"
	published = "Published"
)

const (
	keepMissed = 90  // days that it is known what was searched for and not found
	mostMissed = 200 // searches of a day
	mostLetter = 80  // of such a search
)

// Reference is an article as people name it: KB-1042 Locked accounts.
func Reference(r *record.Record) string {
	if n, ok := r.Values["number"].(int64); ok {
		return r.Kind.Field("number").Numbered(n) + " " + r.Name
	}
	return r.Name
}

// Solvable tells whether tickets of a kind name what solved them.
func Solvable(k *record.Kind) bool {
	return k.Field("article_id") != nil && k.Field("resolution") != nil
}

// Solve notes on a ticket that an article solved it, and takes the ticket through its
// lifecycle to Resolved as far as that lets it: where something else is needed first, it
// says so by done. Invalid for an article that is not published, and a ticket that is not
// solved by articles; Conflict for one that is resolved.
func Solve(tx *gate.Tx, e *record.Engine, ticket *record.Record, article id.ID) (done bool, err error) {
	a, err := e.Get(tx, kind, article)
	if err != nil {
		return false, err
	}
	if !Solvable(ticket.Kind) || a.Values.Text("status") != published || a.Archived {
		return false, fault.Field("article", "This article is not published, or the ticket is not one that articles solve.").WithHint("Have the article published, or write what helped as the resolution.")
	}
	if ticket.Values.Bool("final") || ticket.Values["resolved_at"] != nil {
		return false, fault.New(fault.Conflict, "This ticket is resolved already.").WithHint("Open it again if it is not.")
	}
	v := record.Values{"article_id": article}
	if ticket.Values["resolution"] == nil {
		v["resolution"] = "<p>Solved as it says in " + html.EscapeString(Reference(a)) + ".</p>"
	}
	if k := ticket.Kind.Field("cause_code"); k != nil && ticket.Values["cause_code"] == nil {
		v["cause_code"] = "Other"
	}
	if _, err := e.Update(tx, ticket.Kind.Name, ticket.ID, 0, v); err != nil {
		return false, err
	}
	for range 3 { // such as Logged, Active, Resolved
		now, err := e.Get(tx, ticket.Kind.Name, ticket.ID)
		if err != nil {
			return false, err
		}
		next := now.Kind.Life.Next(now.Values.Text("status"))
		to := slices.IndexFunc([]string{"Resolved", "Active"}, func(s string) bool { return slices.Contains(next, s) })
		if to < 0 {
			return false, nil
		}
		state := []string{"Resolved", "Active"}[to]
		err = tx.Try(func() error {
			_, err := e.Update(tx, ticket.Kind.Name, ticket.ID, 0, record.Values{"status": state})
			return err
		})
		if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Denied) || fault.Is(err, fault.Conflict) {
			return false, nil // something else is needed first, which people know
		}
		if err != nil || state == "Resolved" {
			return err == nil, err
		}
	}
	return false, nil
}

// Edition is what an article said when it was published.
type Edition struct {
	Number     int64
	Version    int64 // of the record
	At         int64 // Unix milliseconds
	By         id.ID
	ByName     string
	Name       string
	Body, Help string // HTML
	Now        bool   // it is what customers and staff read now
}

// Editions lists those of an article, the latest first.
func Editions(tx *gate.Tx, e *record.Engine, article id.ID) ([]Edition, error) {
	list, err := e.Revisions(tx, kind, article)
	if err != nil {
		return nil, err
	}
	var out []Edition
	seen := map[int64]bool{}
	for i := len(list) - 1; i >= 0; i-- { // the first version of each is when it was published
		x := list[i]
		n, _ := x.Values["edition"].(int64)
		if x.Values.Text("status") != published || n == 0 || seen[n] {
			continue
		}
		seen[n] = true
		out = append(out, Edition{Number: n, Version: x.Version, At: x.Time, By: x.By, ByName: x.ByName, Name: x.Values.Text("name"), Body: x.Values.Text("body"), Help: x.Values.Text("resolution")})
	}
	slices.Reverse(out)
	if len(out) > 0 && len(list) > 0 {
		out[0].Now = list[0].Values.Text("status") == published
	}
	return out, nil
}

// GoBack makes an article a draft that says what an edition of it said. It is published
// only by going through review again. NotFound for an edition that there is not.
func GoBack(tx *gate.Tx, e *record.Engine, article id.ID, edition int64) (*record.Record, error) {
	list, err := Editions(tx, e, article)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(x Edition) bool { return x.Number == edition })
	if i < 0 {
		return nil, gate.Missing()
	}
	r, err := e.Get(tx, kind, article)
	if err != nil {
		return nil, err
	}
	if r.Values.Text("status") != draft {
		if _, err := e.Update(tx, kind, article, 0, record.Values{"status": draft}); err != nil {
			return nil, err
		}
	}
	v := record.Values{"name": list[i].Name, "body": list[i].Body, "resolution": nil}
	if list[i].Help != "" {
		v["resolution"] = list[i].Help
	}
	return e.Update(tx, kind, article, 0, v)
}

// Due lists the published articles that are to be reviewed within so many days, those that
// wait longest first.
func Due(tx *gate.Tx, e *record.Engine, days, limit int) ([]*record.Record, error) {
	until := time.UnixMilli(tx.Now).UTC().AddDate(0, 0, days).Format(time.DateOnly)
	p, err := e.List(tx, kind, record.Query{Archived: "no", Limit: limit, NoTotal: true, Sort: []record.Order{{Field: "expire_on"}},
		Filters: []record.Filter{{Field: "status", Op: record.Eq, Values: []any{published}}, {Field: "expire_on", Op: record.Range, Values: []any{nil, until}}}})
	if err != nil {
		return nil, err
	}
	return p.Records, nil
}

// Unhelpful lists the published articles of which people said that they did not help, most
// of them first.
func Unhelpful(tx *gate.Tx, e *record.Engine, limit int) ([]*record.Record, error) {
	p, err := e.List(tx, kind, record.Query{Archived: "no", Limit: limit, NoTotal: true, Sort: []record.Order{{Field: "unhelpful", Desc: true}},
		Filters: []record.Filter{{Field: "status", Op: record.Eq, Values: []any{published}}, {Field: "unhelpful", Op: record.Range, Values: []any{int64(1), nil}}}})
	if err != nil {
		return nil, err
	}
	return p.Records, nil
}

// Miss is a search that found nothing.
type Miss struct {
	Words string
	Times int64
	Last  string // day
}

// Missed keeps that a search of customers found nothing, and not of whom: words in which
// somebody's address or number may stand are not kept at all.
func Missed(ctx context.Context, g *gate.Gate, tenant, words string) error {
	words, ok := plain(words)
	if !ok {
		return nil
	}
	return g.Change(ctx, access.System(tenant, "portal"), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		now := time.UnixMilli(tx.Now).UTC()
		today := now.Format(time.DateOnly)
		if _, err := tx.Exec(`delete from knowledge_missed where day < ?`, now.AddDate(0, 0, -keepMissed).Format(time.DateOnly)); err != nil {
			return err
		}
		var n int
		if err := tx.QueryRow(`select count(*) from knowledge_missed where day = ?`, today).Scan(&n); err != nil {
			return err
		}
		if n >= mostMissed {
			_, err := tx.Exec(`update knowledge_missed set times = times + 1 where day = ? and words = ?`, today, words)
			return err
		}
		_, err := tx.Exec(`insert into knowledge_missed (day, words, times) values (?, ?, 1) on conflict (day, words) do update set times = knowledge_missed.times + 1`, today, words)
		return err
	})
}

// plain are the words of a search as they are kept.
func plain(words string) (string, bool) {
	words = strings.ToLower(strings.Join(strings.Fields(words), " "))
	digits := 0
	for _, r := range words {
		switch {
		case r == '@' || unicode.IsControl(r):
			return "", false
		case unicode.IsDigit(r):
			digits++
		}
	}
	return words, digits < 5 && utf8.RuneCountInString(words) > 2 && utf8.RuneCountInString(words) <= mostLetter
}

// Misses lists what was searched for and not found, most often first. They are of all
// organizations together, and for those who see all.
func Misses(tx *gate.Tx, limit int) ([]Miss, error) {
	if !tx.Caller.AllOrgs {
		return nil, nil
	}
	rows, err := tx.Query(`select words, sum(times), max(day) from knowledge_missed group by words order by 2 desc, 3 desc, 1 limit ?`, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Miss
	for rows.Next() {
		var m Miss
		if err := rows.Scan(&m.Words, &m.Times, &m.Last); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, rows.Err()
}
