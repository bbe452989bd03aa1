// Package fault sorts failures into a few kinds and keeps apart what may be
// told to a person from what may not.
//
// Always true: only the text given to New, With or Wrap (its sentence) and the
// field sentences of Fields may leave the process. Any other error is Internal
// and is answered with one fixed sentence.
package fault

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"
)

// Kind says what sort of failure happened; surfaces map it to their own status.
type Kind int

// The kinds of failure.
const (
	Internal     Kind = iota // a stranger: its text never leaves the process
	Invalid                  // the request is understood and wrong; Fields may say where
	Unauthorized             // nobody is signed in, or the sign-in failed
	Denied                   // the caller may see the thing but not do this
	NotFound                 // it does not exist, or the caller may not know that it does
	Conflict                 // somebody else changed it first, or a unique value is taken
	Throttled                // too often; After says when to try again
	Unavailable              // a part is away for now; the same request may work later
)

var names = [...]string{"internal", "invalid", "unauthorized", "denied", "not found", "conflict", "throttled", "unavailable"}

func (k Kind) String() string { return names[k] }

// Error is a failure that may be told to a person.
type Error struct {
	Kind   Kind
	Text   string            // a whole sentence, ending in a period
	Hint   string            // what to do about it, a whole sentence, or empty
	Fields map[string]string // field name -> sentence, for Invalid
	After  time.Duration     // for Throttled, and for Unavailable where it is known: when to try again
	Way    string            // local address of the page where the hint is followed, or empty
	Cause  error             // for the log only
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Text)
	keys := make([]string, 0, len(e.Fields))
	for k := range e.Fields {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		fmt.Fprintf(&b, " %s: %s", k, e.Fields[k])
	}
	if e.Cause != nil {
		fmt.Fprintf(&b, " (%v)", e.Cause)
	}
	return b.String()
}

// Unwrap gives the cause, which is for logs only.
func (e *Error) Unwrap() error { return e.Cause }

// New makes a failure whose sentence may be shown to the person who asked.
func New(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Text: fmt.Sprintf(format, args...)}
}

// Wrap is New with the underlying error kept for the log.
func Wrap(cause error, k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Text: fmt.Sprintf(format, args...), Cause: cause}
}

// WithHint returns e with a sentence that says what to do.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}

// WithWay returns e with the address of the page where the hint is followed.
func (e *Error) WithWay(path string) *Error {
	c := *e
	c.Way = path
	return &c
}

// Field is an Invalid failure of one named field.
func Field(name, format string, args ...any) *Error {
	s := fmt.Sprintf(format, args...)
	return &Error{Kind: Invalid, Text: s, Fields: map[string]string{name: s}}
}

// Fields is an Invalid failure of several fields; nil when there are none.
func Fields(m map[string]string) error {
	if len(m) == 0 {
		return nil
	}
	text := "Some fields need attention."
	if len(m) == 1 {
		for _, s := range m {
			text = s
		}
	}
	return &Error{Kind: Invalid, Text: text, Fields: m}
}

// Of gives the kind of err; a stranger is Internal, a nil error panics by
// design of its callers never asking.
func Of(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return Unavailable
	}
	return Internal
}

// Is tells whether err is a failure of kind k.
func Is(err error, k Kind) bool { return err != nil && Of(err) == k }

// Say gives what may be told to a person about err.
func Say(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &Error{Kind: Unavailable, Text: "This took too long and was stopped.", Hint: "Try again in a moment.", Cause: err}
	}
	return &Error{Kind: Internal, Text: "Something went wrong on our side.", Hint: "Try again; if it happens again, give the request id to your administrator.", Cause: err}
}
