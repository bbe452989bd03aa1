package web

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
)

// notes is what a request's access line will say.
type notes struct {
	id    string
	route string
	addr  netip.Addr
	tls   bool

	mu    sync.Mutex
	attrs []slog.Attr
	err   error
}

type notesKey struct{}

// Note adds attributes to the access line of the request that ctx belongs to:
// who calls, what they did. Never a value that a person typed or a secret.
func Note(ctx context.Context, attrs ...slog.Attr) {
	if n, ok := ctx.Value(notesKey{}).(*notes); ok {
		n.mu.Lock()
		n.attrs = append(n.attrs, attrs...)
		n.mu.Unlock()
	}
}

// RequestID gives the id of the request that ctx belongs to, as the answer's
// X-Request-Id says it; empty outside a Mux.
func RequestID(ctx context.Context) string {
	if n, ok := ctx.Value(notesKey{}).(*notes); ok {
		return n.id
	}
	return ""
}

func failure(ctx context.Context, err error) {
	if n, ok := ctx.Value(notesKey{}).(*notes); ok {
		n.mu.Lock()
		n.err = err
		n.mu.Unlock()
	}
}
