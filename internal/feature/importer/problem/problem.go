// Package problem holds what is to be said of something that is imported.
//
// Always true: a problem is a whole sentence that says where and what to do, and
// never holds the value of a secret.
package problem

// Severity says what a problem means for what was read.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // something was left out
	Warning Severity = "warning" // something came in otherwise than it was written
	Info    Severity = "info"    // good to know
)

// Problem is one thing to know about what is imported, in a whole sentence.
type Problem struct {
	File     string   `json:"file"`
	Line     int      `json:"line"` // physical line, from 1; 0 for the file as a whole
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`
	Hint     string   `json:"hint"`
}
