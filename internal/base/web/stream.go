package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
)

// sendWithin is how long one event may take to be taken: who is slower is cut off, and
// comes back to see what there is then.
const sendWithin = 10 * time.Second

// Stream is an answer that goes on: server-sent events. Mount its route Within(0).
type Stream struct {
	w http.ResponseWriter
	c *http.ResponseController
}

// NewStream begins one. Invalid for a request that does not ask for events, so that
// nothing but a script waits for the end of an answer that has none.
func NewStream(w http.ResponseWriter, r *http.Request) (*Stream, error) {
	if !strings.HasPrefix(r.Header.Get("Accept"), "text/event-stream") {
		return nil, fault.New(fault.Invalid, "This address is where open pages are told of changes.").WithHint("Open the page itself.")
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no") // a proxy that keeps answers back would keep them for good
	NoStore(w)
	s := &Stream{w: w, c: http.NewResponseController(w)}
	return s, s.write("retry: 3000\n\n")
}

// Send sends an event. A new id is what the browser comes back with when it was cut off;
// a negative one leaves that as it is.
func (s *Stream) Send(id int64, event, data string) error {
	var b strings.Builder
	if id >= 0 {
		b.WriteString("id: " + strconv.FormatInt(id, 10) + "\n")
	}
	b.WriteString("event: " + event + "\n")
	for line := range strings.Lines(strings.ReplaceAll(strings.ReplaceAll(data, "\r\n", "\n"), "\r", "\n")) {
		b.WriteString("data: " + strings.TrimSuffix(line, "\n") + "\n")
	}
	if data == "" {
		b.WriteString("data:\n")
	}
	b.WriteString("\n")
	return s.write(b.String())
}

// Beat sends nothing, so that proxies keep the connection and who is gone is noticed.
func (s *Stream) Beat() error { return s.write(":\n\n") }

func (s *Stream) write(text string) error {
	_ = s.c.SetWriteDeadline(time.Now().Add(sendWithin)) // a recorder in a test has none
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	if a, ok := find(s.w); ok {
		a.Flush()
		return nil
	}
	return s.c.Flush()
}

// LastEvent is the id of the last event that a browser has which comes back; ok is false
// when it says none.
func LastEvent(r *http.Request) (id int64, ok bool) {
	said := r.Header.Get("Last-Event-ID")
	if said == "" {
		said = r.URL.Query().Get("at")
	}
	id, err := strconv.ParseInt(said, 10, 64)
	return id, err == nil
}
