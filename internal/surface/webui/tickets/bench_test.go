package tickets_test

import (
	"fmt"
	"net/http"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/incident"
	"strongroom/internal/surface/webui/webuitest"
)

// BenchmarkQueue is the queue of the desk, as an open page is sent it, among 1,000 open
// tickets.
func BenchmarkQueue(b *testing.B) {
	h := webuitest.Open(b, webuitest.Options{})
	org := h.Org("Harbour Dental")
	customer := h.Make("contact", org, record.Values{"first_name": "Rosa", "last_name": "Lind"})
	for i := range 1000 {
		h.Make(incident.Kind, org, record.Values{"name": fmt.Sprintf("Ticket %d", i), "contact_id": customer})
	}
	c := h.As(access.Editor)
	for b.Loop() {
		c.Swap("/desk?queue=all", "queue").Want(http.StatusOK)
	}
}
