package wire

import (
	"time"

	"strongroom/internal/base/fault"

	"golang.org/x/mod/sumdb/tlog"
)

// Ticket says who asks for a data key and why, and cites the audit entry that
// was made durable before (decision 4). It holds no plaintext detail.
type Ticket struct {
	Tenant    string    `json:"tenant"`
	Subject   int64     `json:"subject"`    // user or API key id; 0 for the system
	Session   string    `json:"session"`    // what the session's budget is counted by
	Action    string    `json:"action"`     // such as "password.reveal"
	Object    int64     `json:"object"`     // must be the header's, unless Bulk
	Kind      string    `json:"kind"`       // must be the header's, unless Bulk and empty
	Field     string    `json:"field"`      // must be the header's, unless Bulk
	Version   uint32    `json:"version"`    // must be the header's, unless Bulk
	Time      int64     `json:"time"`       // Unix milliseconds, by the application's clock
	AuthLevel int       `json:"auth_level"` // how the caller signed in
	Reason    string    `json:"reason"`     // salted hash of the reason, or empty; never the reason
	AuditSeq  int64     `json:"audit_seq"`  // the entry in the tenant's audit log
	AuditLeaf tlog.Hash `json:"audit_leaf"` // its leaf hash
	Bulk      bool      `json:"bulk"`       // for exports and searches over many items; has its own budget
}

const maxTicketText = 255

// Check refuses a ticket that leaves out who, what or why.
func (t Ticket) Check() error {
	for _, s := range []string{t.Tenant, t.Session, t.Action, t.Kind, t.Field, t.Reason} {
		if len(s) > maxTicketText {
			return fault.New(fault.Invalid, "The ticket for the key service has a text that is too long.")
		}
	}
	switch {
	case t.Tenant == "":
		return fault.New(fault.Invalid, "The ticket for the key service names no tenant.")
	case t.Action == "":
		return fault.New(fault.Invalid, "The ticket for the key service names no action.")
	case t.Session == "":
		return fault.New(fault.Invalid, "The ticket for the key service names no session.")
	case t.Time <= 0 || t.Time > time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli():
		return fault.New(fault.Invalid, "The ticket for the key service has no time.")
	}
	return nil
}
