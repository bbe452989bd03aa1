package tickets

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/live"
	"strongroom/internal/surface/webui/shell"
)

// calm is how long a page stands at the least before it is told of something again.
const calm = 150 * time.Millisecond

// watched says what an open page listens to; the zero value to nothing.
type watched struct {
	Src string // address
	At  int64  // what the page shows
}

// listening is what the page listens to that shows a queue and, perhaps, a ticket. Who
// only looks, as somebody else or for support, has none.
func (v *visit) listening(tx *gate.Tx, queue string, ticket id.ID) (w watched, err error) {
	if v.p.Live == nil || v.Caller.Behind != nil || v.Caller.Scope.Looks {
		return w, nil
	}
	q := url.Values{"queue": {queue}}
	if ticket != 0 {
		q.Set("ticket", ticket.String())
		if show := v.R.URL.Query().Get("show"); show != "" {
			q.Set("show", show)
		}
	}
	w.Src = "/desk/live?" + q.Encode()
	w.At, err = tx.Seq()
	return w, err
}

// stream is a page that listens.
type stream struct {
	*visit
	out    *web.Stream
	l      *live.Listener
	ticket id.ID // 0 for none
	sent   map[string]string
}

// live tells an open page what changed of what it shows: whole blocks of it, drawn as she
// may see them then. It ends when her session does.
func (v *visit) live() error {
	if v.p.Live == nil || v.Caller.Behind != nil {
		return gate.Missing()
	}
	s := &stream{visit: v, sent: map[string]string{}}
	ticket := id.ID(0)
	if said := v.R.URL.Query().Get("ticket"); said != "" {
		var ok bool
		if ticket, ok = id.Parse(said); !ok {
			return gate.Missing()
		}
		s.ticket = ticket
		if err := v.View(func(tx *gate.Tx) error { _, err := v.ticketOf(tx, ticket); return err }); err != nil {
			return err
		}
	}
	l, err := v.p.Live.Listen(v.R.Context(), v.Caller, live.Look{Record: s.ticket, Kinds: v.tickets()})
	if err != nil {
		return err
	}
	s.l = l
	there := false
	defer func() {
		l.Close()
		if there {
			s.gone(ticket)
		}
	}()
	if s.out, err = web.NewStream(v.W, v.R); err != nil {
		return err
	}
	there = ticket != 0 && s.here() == nil
	s.run()
	return nil
}

// tickets are the kinds that stand in queues.
func (v *visit) tickets() (out []string) {
	for _, k := range v.Records.Kinds.Kinds() {
		if lifeOf(k) != nil {
			out = append(out, k.Name)
		}
	}
	return out
}

// run goes on until the page is gone, or may be told nothing more.
func (s *stream) run() {
	l := s.l
	beat := time.NewTicker(live.Beat)
	defer beat.Stop()
	rest := time.NewTimer(0) // when she may be told again
	defer rest.Stop()
	first := l.Take()
	news := live.News{Presence: s.ticket != 0}
	if at, ok := web.LastEvent(s.R); !ok || at != first.Seq { // something happened between
		news.Kinds, news.Record = true, s.ticket != 0
	}
	for {
		if s.tell(first.Seq, news) != nil {
			return
		}
		select {
		case <-s.R.Context().Done():
			return
		case <-rest.C:
		}
		select {
		case <-s.R.Context().Done():
			return
		case <-beat.C: // what is due comes nearer
			if news = l.Take(); s.here() != nil || s.out.Beat() != nil {
				return
			}
			news.Kinds = true
		case _, open := <-l.Woken():
			if !open {
				return
			}
			news = l.Take()
		}
		first = news
		rest.Reset(calm)
	}
}

// here says that she is at the ticket.
func (s *stream) here() error {
	if s.ticket == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.R.Context(), calm*20)
	defer cancel()
	err := s.p.Live.Here(ctx, s.Caller, s.ticket)
	if fault.Is(err, fault.NotFound) { // she is told so when she looks
		return nil
	}
	return err
}

// gone says that she has left it.
func (s *stream) gone(ticket id.ID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.R.Context()), calm*20)
	defer cancel()
	_ = s.p.Live.Gone(ctx, s.Caller, ticket) // it passes by itself
}

// tell sends what there is to see, once it is certain who looks.
func (s *stream) tell(seq int64, n live.News) error {
	c, err := s.Still()
	if err != nil || c.User != s.Caller.User || c.Behind != nil {
		_ = s.out.Send(-1, "end", "Your session has ended. What you have written is kept in this browser.")
		return fault.New(fault.Unauthorized, "It is over.")
	}
	s.Caller = c
	if n.Rights {
		n.Kinds, n.Record = true, s.ticket != 0
	}
	if n.Record || n.Presence { // first, and without the number: the rest of it follows
		part := seq
		if n.Kinds {
			part = -1
		}
		if err := s.send(part, live.News{Record: n.Record, Presence: n.Presence}); err != nil {
			return err
		}
	}
	if !n.Kinds {
		return nil
	}
	return s.send(seq, live.News{Kinds: true})
}

// send draws what may have changed, and sends what has.
func (s *stream) send(seq int64, n live.News) error {
	draw := s.drawn
	if n.Kinds {
		draw = s.inTurn
	}
	blocks, err := draw(n)
	if fault.Is(err, fault.NotFound) && s.ticket != 0 {
		s.ticket = 0
		return s.out.Send(seq, "gone", "This ticket does not exist any more, or you may not see it.")
	}
	if err != nil {
		s.Log.WarnContext(s.R.Context(), "an open page could not be told what changed", "error", err)
		return err // the browser comes back by itself
	}
	for _, b := range blocks {
		if s.sent[b.id] == b.html {
			continue
		}
		s.sent[b.id] = b.html
		if err := s.out.Send(seq, "block", b.html); err != nil {
			return err
		}
	}
	return nil
}

// inTurn draws what is drawn for many at once.
func (s *stream) inTurn(n live.News) ([]block, error) {
	done, err := s.l.Turn(s.R.Context())
	if err != nil {
		return nil, err
	}
	defer done()
	return s.drawn(n)
}

// block is a part of the page, with its id.
type block struct{ id, html string }

// drawn draws what may have changed.
func (s *stream) drawn(n live.News) (out []block, err error) {
	var d ticketPage
	var want []string
	err = s.View(func(tx *gate.Tx) error {
		var r *record.Record
		if s.ticket != 0 {
			if r, err = s.ticketOf(tx, s.ticket); err != nil {
				return err
			}
		}
		if r != nil && n.Record {
			want = append(want, "tickethead", "msgs", "facts")
			if err := s.about(tx, r, &d); err != nil {
				return err
			}
		}
		if r != nil && n.Presence {
			want = append(want, "presence")
			if d.Presence, err = presence(tx, s.ticket); err != nil {
				return err
			}
		}
		if n.Kinds {
			want = append(want, "queue")
			d.Queue, err = s.queue(tx, s.ticket)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	page := "ticket"
	if s.ticket == 0 {
		page = "desk"
	}
	for _, id := range want {
		html, err := s.Block(page, id, ui.Page{Data: d})
		if err != nil {
			return nil, err
		}
		out = append(out, block{id, html})
	}
	return out, nil
}

// present is who is at a ticket, in a sentence.
type present struct {
	Text    string
	Writing bool // somebody writes on it
}

// presence says who else is at a ticket; nil for nobody.
func presence(tx *gate.Tx, ticket id.ID) (*present, error) {
	list, err := live.At(tx, ticket)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	var write, look []string
	for _, p := range list {
		if p.Writing {
			write = append(write, p.Name)
		} else {
			look = append(look, p.Name)
		}
	}
	said := func(names []string, one, many string) string {
		if len(names) == 0 {
			return ""
		}
		return together(names) + map[bool]string{true: one, false: many}[len(names) == 1]
	}
	parts := []string{said(write, " is writing on this ticket.", " are writing on this ticket."), said(look, " is looking at it.", " are looking at it.")}
	return &present{strings.TrimSpace(strings.Join(parts, " ")), len(write) > 0}, nil
}

// together is some names in a row: the first three, and how many more.
func together(names []string) string {
	const most = 3
	switch n := len(names); {
	case n == 1:
		return names[0]
	case n <= most:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	default:
		return fmt.Sprintf("%s and %d others", strings.Join(names[:most-1], ", "), n-most+1)
	}
}

// writing hears that the caller writes on a ticket, or does no more.
func (v *visit) writing() error {
	r, err := v.load()
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	if v.p.Live != nil {
		if err := v.p.Live.Writing(v.R.Context(), v.Caller, r.ID, f.Bool("on")); err != nil {
			return err
		}
	}
	if web.WantsJSON(v.R) {
		return web.JSON(v.W, 200, map[string]any{})
	}
	return web.SeeOther(v.W, v.R, shell.RecordURL(r.Kind, r.ID))
}

// latest names the last of some entries, to find out later what came after it.
func latest(list []*record.Record) string {
	var at int64
	var last id.ID
	for _, e := range list {
		if e.Created > at || e.Created == at && e.ID > last {
			at, last = e.Created, e.ID
		}
	}
	return fmt.Sprintf("%d-%s", at, last)
}

// since are the entries of a ticket after the one that a page showed last, with some of their
// fields; none where it came without a page.
func (v *visit) since(tx *gate.Tx, r *record.Record, seen string, fields ...string) (out []*record.Record, err error) {
	ms, after, ok := strings.Cut(seen, "-")
	at, err := strconv.ParseInt(ms, 10, 64)
	if !ok || err != nil {
		return nil, nil
	}
	last, _ := id.Parse(after)
	p, err := v.Records.List(tx, entry.Kind, record.Query{Parent: r.ID, Limit: 20, NoTotal: true, Only: append([]string{}, fields...), Sort: []record.Order{{Field: "created_at", Desc: true}}})
	if err != nil {
		return nil, err
	}
	for _, e := range p.Records {
		if e.Created > at || e.Created == at && e.ID > last {
			out = append(out, e)
		}
	}
	return out, nil
}

// again gives the entry that the same form made before, as a second click sends it again; nil
// where there is none.
func (v *visit) again(tx *gate.Tx, r *record.Record, t *typed) (*record.Record, error) {
	list, err := v.since(tx, r, t.seen, "journal_type", "notes_body")
	if err != nil || len(list) == 0 {
		return nil, err
	}
	body, err := v.Kind(entry.Kind).Field("notes_body").Parse(t.text)
	if err != nil {
		return nil, nil // it is refused when it is made
	}
	i := slices.IndexFunc(list, func(e *record.Record) bool {
		return e.CreatedBy == v.Caller.User && e.Values.Text("journal_type") == t.typ && e.Values["notes_body"] == body
	})
	if i < 0 {
		return nil, nil
	}
	return list[i], nil
}

// between are those who wrote on a ticket after the entry that a page showed last.
func (v *visit) between(tx *gate.Tx, r *record.Record, seen string) ([]string, error) {
	list, err := v.since(tx, r, seen)
	if err != nil {
		return nil, err
	}
	var who []id.ID
	for _, e := range list {
		if e.CreatedBy != v.Caller.User {
			who = append(who, e.CreatedBy)
		}
	}
	names, err := v.Records.Names(tx, who...)
	var out []string
	for _, u := range who {
		name := names[u]
		if name == "" {
			name = "Somebody"
		}
		if len(out) == 0 || out[len(out)-1] != name {
			out = append(out, name)
		}
	}
	return out, err
}
