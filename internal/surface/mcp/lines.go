package mcp

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"sync"
	"time"
)

// What a line of an assistant may take, and how long its end waits for answers: as long
// as a call of the bridge may take.
const (
	longestLine = 8 << 20
	lastAnswers = time.Minute
)

// lines are what an assistant sends, one message on a line, and what it is answered. A
// line that is no message is answered and not passed on, so that one bad line ends
// nothing; and what was asked before the stream ended is answered first.
type lines struct {
	in   *bufio.Reader
	own  io.Closer // of in
	out  io.WriteCloser
	rest []byte // of the line that is being read

	mu    sync.Mutex
	asked map[string]bool // ids that wait for an answer
	none  chan struct{}   // closed once none does, where somebody waits for that
	gone  chan struct{}   // closed with the stream
	close sync.Once
}

func newLines(in io.ReadCloser, out io.WriteCloser) *lines {
	return &lines{in: bufio.NewReaderSize(in, 64<<10), own: in, out: out, asked: map[string]bool{}, gone: make(chan struct{})}
}

// message is as much of one as tells a question from an answer.
type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
}

// messages reads a line: one message, or several at once.
func messages(line []byte) (list []message, ok bool) {
	line = bytes.TrimSpace(line)
	switch {
	case len(line) > 0 && line[0] == '[':
		return list, json.Unmarshal(line, &list) == nil
	case len(line) > 0 && line[0] == '{':
		list = make([]message, 1)
		return list, json.Unmarshal(line, &list[0]) == nil
	}
	return nil, false
}

// Read gives the next lines that are messages.
func (l *lines) Read(p []byte) (int, error) {
	for len(l.rest) == 0 {
		line, long, err := l.line()
		switch list, ok := messages(line); {
		case long:
			l.refuse(-32600, "The line is too long.")
		case ok:
			l.ask(list)
			l.rest = append(bytes.TrimSpace(line), '\n')
		case len(bytes.TrimSpace(line)) > 0:
			l.refuse(-32700, "The line is no message of the protocol: it is not JSON.")
		}
		if err != nil && len(l.rest) == 0 {
			l.wait()
			return 0, err
		}
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// line reads a line; of one that is too long nothing is kept.
func (l *lines) line() (line []byte, long bool, err error) {
	for {
		part, err := l.in.ReadSlice('\n')
		if long = long || len(line)+len(part) > longestLine; !long {
			line = append(line, part...)
		}
		if err != bufio.ErrBufferFull {
			return line, long, err
		}
	}
}

// ask remembers the questions among some messages.
func (l *lines) ask(list []message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range list {
		if m.Method != "" && m.ID != nil {
			l.asked[string(m.ID)] = true
		}
	}
}

// Write passes an answer, or a message of our own, on.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, err := l.out.Write(p)
	list, _ := messages(p)
	for _, m := range list {
		if m.Method == "" {
			delete(l.asked, string(m.ID))
		}
	}
	if len(l.asked) == 0 && l.none != nil {
		close(l.none)
		l.none = nil
	}
	return n, err
}

// refuse answers a line that could not be read.
func (l *lines) refuse(code int, text string) {
	b, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": nil, "error": map[string]any{"code": code, "message": text}})
	if err == nil {
		_, _ = l.Write(append(b, '\n')) // who does not listen is told nothing
	}
}

// wait waits until all that was asked is answered.
func (l *lines) wait() {
	l.mu.Lock()
	if len(l.asked) == 0 {
		l.mu.Unlock()
		return
	}
	none := make(chan struct{})
	l.none = none
	l.mu.Unlock()
	end := time.NewTimer(lastAnswers)
	defer end.Stop()
	select {
	case <-none:
	case <-l.gone:
	case <-end.C:
	}
}

// Close ends both directions.
func (l *lines) Close() error {
	l.close.Do(func() { close(l.gone) })
	err := l.own.Close()
	if e := l.out.Close(); err == nil {
		err = e
	}
	return err
}
