// Package feed keeps the holidays of calendars as their iCalendar feeds say.
//
// Always true: a feed is fetched by the guarded dialer, within bounds, and changes nothing
// until it was read whole; what it says of a calendar is a new version of that, so no
// deadline that was counted moves; what could not be read, or was left out, stands on the
// calendar.
package feed

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/worktime"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/sla"
)

// Bounds of what is read, and how often.
const (
	fresh     = 12 * time.Hour // a feed that was read is read again
	retry     = time.Hour      // one that was not
	mostBody  = 4 << 20
	mostDays  = 1000
	mostTold  = 10
	mostFeeds = 200
	years     = 3 // this one and those to come
)

// Feeds reads the feeds of a tenant's calendars. Fill the fields; Dialer nil asks nobody.
type Feeds struct {
	Gate    *gate.Gate
	Records *record.Engine
	Dialer  *dialer.Dialer
	TLS     *tls.Config // nil is the library's
}

// source is a calendar with a feed.
type source struct {
	calendar   id.ID
	feed, zone string
}

// Run reads the feeds of a tenant that are due. A schedule calls it; it bears repetition.
func (m *Feeds) Run(ctx context.Context, tenant string) error {
	if m.Dialer == nil || m.Records.Kinds.Kind(sla.Calendar) == nil {
		return nil
	}
	c := access.System(tenant, "calendar feeds")
	var due []source
	err := m.Gate.View(ctx, c, func(tx *gate.Tx) (err error) {
		due, err = ripe(tx)
		return err
	})
	if err != nil || len(due) == 0 {
		return err
	}
	client := m.Dialer.Client(dialer.Limits{Body: mostBody, TLS: m.TLS})
	defer client.CloseIdleConnections()
	for _, s := range due {
		err = errors.Join(err, m.one(ctx, c, client, s))
	}
	return err
}

// ripe lists the feeds that were not read for a while, or never from where they are now.
func ripe(tx *gate.Tx) ([]source, error) {
	rows, err := tx.Query(`select k.id, k.feed, coalesce(k.zone, 'UTC') from k_calendar k join record r on r.id = k.id left join sla_feed f on f.calendar_id = k.id
		where k.feed is not null and r.archived = 0 and r.trashed_at is null and (f.calendar_id is null or f.feed <> k.feed or f.zone <> coalesce(k.zone, 'UTC') or f.again <= ?) order by k.id limit ?`, tx.Now, mostFeeds)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []source
	for rows.Next() {
		var n int64
		var s source
		if err := rows.Scan(&n, &s.feed, &s.zone); err != nil {
			return nil, err
		}
		s.calendar = id.ID(n)
		out = append(out, s)
	}
	return out, rows.Err()
}

// one reads a feed and keeps what it says.
func (m *Feeds) one(ctx context.Context, c *access.Caller, client *http.Client, s source) error {
	var now time.Time
	if err := m.Gate.View(ctx, c, func(tx *gate.Tx) error { now = time.UnixMilli(tx.Now); return nil }); err != nil {
		return err
	}
	days, told, wrong := read(ctx, client, s, now)
	if ctx.Err() != nil { // broken off: it is read at the next start
		return ctx.Err()
	}
	again := now.Add(fresh)
	if wrong != nil {
		again, told = now.Add(retry), "It could not be read: "+words(wrong)
	}
	return m.Gate.Change(ctx, c, access.Edit, gate.Thing{Kind: sla.Calendar, ID: s.calendar}, func(tx *gate.Tx) error {
		if _, err := tx.Exec(`insert into sla_feed (calendar_id, feed, zone, again) values (?, ?, ?, ?) on conflict (calendar_id) do update set feed = excluded.feed, zone = excluded.zone, again = excluded.again`,
			int64(s.calendar), s.feed, s.zone, again.UnixMilli()); err != nil {
			return err
		}
		r, err := m.Records.Get(tx, sla.Calendar, s.calendar)
		if fault.Is(err, fault.NotFound) || err == nil && r.Values.Text("feed") != s.feed { // deleted or changed meanwhile
			tx.Withdraw(tx.Entry())
			return nil
		}
		if err != nil {
			return err
		}
		v := record.Values{"feed_told": told}
		if wrong == nil {
			v["feed_days"] = days
		}
		if r.Values.Text("feed_told") == told && (wrong != nil || len(days) == len(r.Values.Rows("feed_days")) && (len(days) == 0 || reflect.DeepEqual(days, r.Values.Rows("feed_days")))) {
			tx.Withdraw(tx.Entry()) // it says what it said
			return nil
		}
		_, err = m.Records.Update(tx, sla.Calendar, s.calendar, 0, v)
		return err
	})
}

// read fetches a feed and reads the days that it closes.
func read(ctx context.Context, client *http.Client, s source, now time.Time) ([]map[string]any, string, error) {
	zone, err := time.LoadLocation(s.zone)
	if err != nil {
		return nil, "", err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, s.feed, nil)
	if err != nil {
		return nil, "", fault.New(fault.Invalid, "%q is no address.", s.feed)
	}
	q.Header.Set("Accept", "text/calendar")
	resp, err := client.Do(q)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, "", fault.New(fault.Unavailable, "The other side answers with the status %d.", resp.StatusCode)
	}
	first, last := worktime.NewDay(now.In(zone).Year(), time.January, 1), worktime.NewDay(now.In(zone).Year()+years-1, time.December, 31)
	list, skipped, err := worktime.ReadHolidays(resp.Body, zone, first, last)
	if err != nil {
		return nil, "", err
	}
	if len(list) > mostDays {
		return nil, "", fault.New(fault.Invalid, "It closes %d days in %d years, and %d are the most.", len(list), years, mostDays)
	}
	var days []map[string]any
	for _, h := range list {
		row := map[string]any{"day": h.Day.String(), "name": h.Name}
		if h.Closed != (worktime.Window{}) {
			row["closed"] = h.Closed.String()
		}
		days = append(days, row)
	}
	return days, left(skipped), nil
}

// left says what of a feed was left out; empty for nothing.
func left(skipped []worktime.Skipped) string {
	var out []string
	for i, x := range skipped {
		if i == mostTold {
			out = append(out, fmt.Sprintf("and %d more.", len(skipped)-mostTold))
			break
		}
		out = append(out, "Left out: "+x.Name+". "+x.Why)
	}
	return strings.Join(out, "\n")
}

// words are what is said of a failure; not where a name led to, which is nobody's.
func words(err error) string {
	if said := fault.Say(err); said.Kind != fault.Internal {
		return strings.TrimSpace(said.Text + " " + said.Hint)
	}
	return "Nobody answers at this address as a feed."
}
