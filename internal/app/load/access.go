package load

import (
	"bytes"
	"io"
	"strconv"
	"sync"
)

// accessLog reads the access lines that a server writes to its standard error:
// they tell how long it took from the first look at a request to the end of its
// answer. What is no access line goes on to next.
type accessLog struct {
	next io.Writer

	mu   sync.Mutex
	rest []byte
	took []float64 // since the last take; milliseconds
}

func (l *accessLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, b...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		l.rest = rest
		if ms, ok := accessTime(line); ok {
			if ms >= 0 {
				l.took = append(l.took, ms)
			}
			continue
		}
		if _, err := l.next.Write(append(bytes.Clone(line), '\n')); err != nil {
			return 0, err
		}
	}
}

// take gives the times since the last take.
func (l *accessLog) take() []float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.took
	l.took = nil
	return out
}

// accessTime finds the milliseconds of an access line; less than none for one that does
// not count.
func accessTime(line []byte) (float64, bool) {
	if !bytes.Contains(line, []byte(" msg=request ")) {
		return 0, false
	}
	if bytes.Contains(line, []byte(`"POST /sign-in"`)) { // is never what is measured, but may go on beside it
		return -1, true
	}
	_, after, ok := bytes.Cut(line, []byte(" ms="))
	if !ok {
		return 0, false
	}
	number, _, _ := bytes.Cut(after, []byte(" "))
	ms, err := strconv.ParseFloat(string(number), 64)
	return ms, err == nil
}
