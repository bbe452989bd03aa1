package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Pages that are kept up to date while it is measured how long that takes, and at how
// many tickets they are.
const openPages, openTickets = 100, 10

// told is the word that a change writes, with its number after it.
const told = "bench-live-"

// openPage is a page that is kept up to date.
type openPage struct {
	seen  chan int64
	ready chan struct{} // closed once it has been told what there is
}

// keptUp is the row of a change and how long it takes until all who look at its ticket
// are told, while other pages show it in their queues.
func (h *House) keptUp() row {
	var pages [openTickets][]*openPage
	var tickets []string
	t := newTarget(h.url, h.People[0].Key)
	var next atomic.Int64
	r := row{name: fmt.Sprintf("a change seen on %d of %d open pages of the desk", openPages/openTickets, openPages), clients: 1}
	r.open = func(ctx context.Context) (func(), error) {
		var err error
		if tickets, err = t.open(ctx, openTickets); err != nil {
			return nil, err
		}
		ctx, stop := context.WithCancel(ctx)
		var all sync.WaitGroup
		end := func() { stop(); all.Wait() }
		for i := range openPages {
			n := i % openTickets
			if i < openTickets {
				pages[n] = nil
			}
			p := &openPage{make(chan int64, 1000), make(chan struct{})}
			pages[n] = append(pages[n], p)
			b, err := browserOnce(ctx, h, i)
			if err == nil {
				err = p.begin(ctx, b, "/desk/live?queue=all&ticket="+tickets[n], &all)
			}
			if err != nil {
				end()
				return nil, err
			}
		}
		for _, at := range pages {
			for _, p := range at {
				<-p.ready // it is closed at the end of the answer at the latest
			}
		}
		return end, nil
	}
	r.task = func(ctx context.Context, _ int, r *rand.Rand) error {
		n, i := next.Add(1), r.IntN(openTickets)
		err := t.object(ctx, http.MethodPatch, "/api/v1/incidents/"+tickets[i], "incidents", map[string]any{"name": fmt.Sprintf("%s%d", told, n)}, http.StatusOK, nil)
		for _, p := range pages[i] {
			if err == nil {
				err = p.wait(ctx, n)
			}
		}
		return err
	}
	return r
}

// browserOnce signs in the agent whose page number i is, at her first one.
func browserOnce(ctx context.Context, h *House, i int) (*target, error) {
	n := i % len(h.Agents)
	if len(h.agents) <= n {
		b, err := browser(ctx, h.url, h.Agents[n])
		if err != nil {
			return nil, err
		}
		h.agents = append(h.agents, b)
	}
	return h.agents[n], nil
}

// open gives incidents that can be changed.
func (t *target) open(ctx context.Context, most int) (out []string, err error) {
	var d document
	if err := t.get(ctx, "/api/v1/incidents?page[size]=200&sort=-updated_at", &d); err != nil {
		return nil, err
	}
	for _, x := range d.Data {
		if over, _ := x.Attributes["final"].(bool); !over && len(out) < most {
			out = append(out, x.ID)
		}
	}
	if len(out) < most {
		return nil, fmt.Errorf("there are %d open incidents, and %d are needed", len(out), most)
	}
	return out, nil
}

// begin listens until ctx ends.
func (p *openPage) begin(ctx context.Context, b *target, path string, all *sync.WaitGroup) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+path, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "text/event-stream")
	resp, err := (&http.Client{Jar: b.http.Jar, Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("GET %s answered %d", path, resp.StatusCode), resp.Body.Close())
	}
	all.Go(func() {
		defer resp.Body.Close()
		ready := sync.OnceFunc(func() { close(p.ready) })
		defer ready()
		s := bufio.NewScanner(resp.Body)
		s.Buffer(nil, 4<<20)
		head := false
		for s.Scan() {
			line := s.Text()
			if strings.Contains(line, `id="queue"`) { // the last of all
				ready()
			}
			head = strings.Contains(line, `id="tickethead"`) || head && line != ""
			_, after, ok := strings.Cut(line, told)
			if !head || !ok {
				continue
			}
			digits := strings.IndexFunc(after, func(c rune) bool { return c < '0' || c > '9' })
			if n, err := strconv.ParseInt(after[:max(0, digits)], 10, 64); err == nil {
				select {
				case p.seen <- n:
				default:
				}
			}
		}
	})
	return nil
}

// wait waits until the page has seen a change, or a later one.
func (p *openPage) wait(ctx context.Context, n int64) error {
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case m := <-p.seen:
			if m >= n {
				return nil
			}
		case <-late.C:
			return errors.New("a page was not told of a change")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
