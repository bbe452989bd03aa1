package identity

import (
	"crypto/subtle"
	"strings"
	"sync"

	"strongroom/internal/base/fault"
)

// FirstRun guards the page that makes the first tenant: who opens it must know
// a code that only the console shows. Make it with NewFirstRun; it is safe for
// concurrent use.
type FirstRun struct {
	Spent func() // when set, is called once when the code was missed too often

	code string

	mu    sync.Mutex
	wrong int
	done  bool
}

// firstRunTries is how many wrong codes are taken before the code is void: a
// guess hits one of 2^100 codes, so this only ends the noise. The right code is
// void then too, until the server is started again.
const firstRunTries = 100

// NewFirstRun makes a code.
func NewFirstRun() *FirstRun { return &FirstRun{code: generate()} }

// Code is what the console prints.
func (f *FirstRun) Code() string { return f.code }

// Check compares a code that somebody entered; capitals, spaces and hyphens do
// not matter. Denied when it is wrong, was used, or was missed too often.
func (f *FirstRun) Check(entered string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done || f.wrong >= firstRunTries {
		return fault.New(fault.Denied, "The code of the first run is no longer valid: stop the server and start it again, and it prints a new one.")
	}
	plain := strings.NewReplacer("-", "", " ", "")
	if subtle.ConstantTimeCompare([]byte(plain.Replace(strings.ToLower(strings.TrimSpace(entered)))), []byte(plain.Replace(f.code))) != 1 {
		if f.wrong++; f.wrong == firstRunTries && f.Spent != nil {
			f.Spent()
		}
		return fault.New(fault.Denied, "This is not the code that the console printed.").WithHint("Copy the code from the console of the server.")
	}
	return nil
}

// Close makes the code void once the first tenant exists.
func (f *FirstRun) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done = true
}
