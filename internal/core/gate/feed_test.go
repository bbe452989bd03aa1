package gate_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

var told = []string{"create", "edit"}

func feed(t *testing.T, h *coretest.House, c *access.Caller, q gate.FeedQuery) (names []string, next int64) {
	t.Helper()
	if q.Actions == nil {
		q.Actions = told
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	h.View(c, func(tx *gate.Tx) error {
		list, n, err := tx.Feed(q)
		next = n
		for _, e := range list {
			names = append(names, e.Action+" "+e.Detail.Name)
			if e.Detail.Address != "" && c.Role != access.Administrator {
				t.Errorf("%s learns an address", c.Name)
			}
		}
		return err
	})
	return names, next
}

func TestTheFeedTellsWhatItsReaderSees(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	mine, theirs := h.Org("Mine"), h.Org("Theirs")
	h.Make("document", mine, record.Values{"name": "open"})
	closed := h.Make("document", mine, record.Values{"name": "closed"})
	h.Make("document", theirs, record.Values{"name": "foreign"})
	gone := h.Make("document", mine, record.Values{"name": "gone"})
	h.Change(func(tx *gate.Tx) error {
		if err := h.Records.Trash(tx, "document", gone); err != nil {
			return err
		}
		return h.Records.SetAccess(tx, "document", closed, true, nil, nil)
	})
	reader := h.User(access.ReadOnly, mine)
	for _, c := range []struct {
		who  *access.Caller
		q    gate.FeedQuery
		want string
	}{
		{reader, gate.FeedQuery{}, "[create open create Mine]"},
		{reader, gate.FeedQuery{Kind: "document"}, "[create open]"},
		{reader, gate.FeedQuery{Kind: "user"}, "[]"},
		{reader, gate.FeedQuery{Org: theirs}, "[]"},
		{reader, gate.FeedQuery{Actor: reader.User}, "[]"},
		{h.Admin(), gate.FeedQuery{Org: theirs, Kind: "document"}, "[create foreign]"},
		{h.Admin(), gate.FeedQuery{Kind: "document"}, "[create foreign create closed create open]"},
		{h.Admin(), gate.FeedQuery{Kind: "document", Actions: []string{"edit"}}, "[]"},
	} {
		if got, _ := feed(t, h, c.who, c.q); fmt.Sprint(got) != c.want {
			t.Errorf("%s is told %v of %+v, want %s", c.who.Role, got, c.q, c.want)
		}
	}
}

func TestPagesOfTheFeed(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	org := h.Org("Mine")
	for i := range 7 {
		h.Make("document", org, record.Values{"name": strconv.Itoa(i)})
	}
	var got []string
	q := gate.FeedQuery{Kind: "document", Limit: 3}
	for range 4 {
		list, next := feed(t, h, h.User(access.ReadOnly), q)
		got = append(got, list...)
		if q.Before = next; next == 0 {
			break
		}
	}
	if len(got) != 7 || got[0] != "create 6" || got[6] != "create 0" {
		t.Errorf("the pages gave %v", got)
	}
}

// TestTheFeedEnds: however long the log is and however little of it concerns the
// reader, a page looks through a bounded part of it, with few statements.
func TestTheFeedEnds(t *testing.T) {
	entries := 30_000
	if s := os.Getenv("STRONGROOM_FEED_ENTRIES"); s != "" { // for measuring
		entries, _ = strconv.Atoi(s)
	}
	h := coretest.Open(t, coretest.Options{})
	mine, theirs := h.Org("Mine"), h.Org("Theirs")
	h.Make("document", mine, record.Values{"name": "first"})
	noise := h.Make("document", theirs, record.Values{"name": "noise"})
	fill(t, h, theirs, noise, entries)
	h.Make("document", mine, record.Values{"name": "last"})
	reader := h.User(access.ReadOnly, mine)
	db := h.Tenant().DB
	pages, q := 0, gate.FeedQuery{Kind: "document", Limit: 50}
	var got []string
	for {
		before, start := db.Statements(), time.Now()
		list, next := feed(t, h, reader, q)
		if n := db.Statements() - before; n > 10 {
			t.Fatalf("a page of the feed runs %d statements", n)
		}
		if pages++; pages <= 2 {
			t.Logf("page %d of %d entries: %d found in %s", pages, entries, len(list), time.Since(start))
		}
		got = append(got, list...)
		if q.Before = next; next == 0 {
			break
		}
	}
	if want := entries/12_000 + 1; pages < want || pages > want+1 || fmt.Sprint(got) != "[create last create first]" {
		t.Errorf("%d pages gave %v", pages, got)
	}
	start := time.Now()
	if list, _ := feed(t, h, reader, gate.FeedQuery{Org: mine, Kind: "document"}); len(list) != 2 {
		t.Errorf("of one organization there is %v", list)
	}
	t.Logf("of one organization: %s", time.Since(start))
}

// fill lengthens the log by entries about one record, which are no leaves of the
// tree and stand behind those that are.
func fill(t *testing.T, h *coretest.House, org, rec id.ID, n int) {
	t.Helper()
	h.Change(func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		_, err := tx.Exec(`insert into audit_entry (seq, time, actor, via, session, action, kind, object, org, result, level, digest, hash)
			with recursive c(i) as (select 1 union all select i + 1 from c where i < ?)
			select 1000000 + i, 1772442000000 + i, 0, 'job', '', 'edit', 'document', cast(? as bigint), cast(? as bigint), 'ok', 1, a.digest, a.hash from c cross join (select digest, hash from audit_entry where seq = 0) a`,
			n, int64(rec), int64(org))
		return err
	})
}
