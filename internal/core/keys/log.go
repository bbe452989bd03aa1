package keys

import (
	"encoding/json"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys/wire"
)

// LogEntry is what is read of an entry of the key service's own log; see
// doc/formats/key-protocol.md.
type LogEntry struct {
	Seq    int64   `json:"seq"`
	Time   int64   `json:"time"` // Unix milliseconds, by the service's clock
	Call   string  `json:"call"`
	Tenant string  `json:"tenant"`
	Ticket *Ticket `json:"ticket"` // nil for calls that have none

	Kind    string `json:"kind"` // this and the next three are the secret's
	Object  int64  `json:"object"`
	Field   string `json:"field"`
	Version uint32 `json:"version"`
}

// ParseLogEntry reads the text of an entry. What it does not know it leaves out.
func ParseLogEntry(text string) (LogEntry, error) {
	var e LogEntry
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return e, fault.Wrap(err, fault.Invalid, "An entry of the key service's log cannot be read.").WithHint("Compare it with a backup.")
	}
	return e, nil
}

// Opens tells whether the entry is of a call that gave out a data key.
func (e LogEntry) Opens() bool {
	switch e.Call {
	case wire.CallUnwrap, wire.CallUnwrapMany, wire.CallSealedUnwrap:
		return true
	}
	return false
}
