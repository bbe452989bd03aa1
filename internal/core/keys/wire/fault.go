package wire

import (
	"time"

	"strongroom/internal/base/fault"
)

// kinds lists every kind of failure.
func kinds() []fault.Kind {
	return []fault.Kind{fault.Internal, fault.Invalid, fault.Unauthorized, fault.Denied, fault.NotFound, fault.Conflict, fault.Throttled, fault.Unavailable}
}

// FromFault gives what may be said of err to the other side.
func FromFault(err error) *Error {
	f := fault.Say(err)
	return &Error{Kind: f.Kind.String(), Text: f.Text, Hint: f.Hint, After: f.After.Milliseconds()}
}

// Fault gives the failure that e stands for.
func (e *Error) Fault() error {
	f := &fault.Error{Kind: fault.Internal, Text: e.Text, Hint: e.Hint, After: time.Duration(e.After) * time.Millisecond}
	for _, k := range kinds() {
		if k.String() == e.Kind {
			f.Kind = k
		}
	}
	return f
}
