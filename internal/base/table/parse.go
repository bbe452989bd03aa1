package table

import (
	"io"

	"strongroom/internal/base/fault"
)

// scanner cuts decoded text into rows. Newlines inside values are kept as they
// are, unlike in encoding/csv, since an export has to come back unchanged.
type scanner struct {
	in      io.Reader
	buf     []byte
	pos     int
	end     int
	err     error
	comma   byte
	maxCell int
	name    string

	line int // physical line of the next byte, from 1
	wasR bool

	text  []byte // of all cells of the row
	ends  []int  // where each cell ends in text
	nul   bool
	quote bool // a cell was quoted
	stray bool // a quote inside a quoted cell was taken as it is
}

const bufSize = 64 << 10

// peek gives up to n of the next bytes without taking them.
func (s *scanner) peek(n int) []byte {
	for s.end-s.pos < n && s.err == nil {
		s.fill()
	}
	return s.buf[s.pos:min(s.end, s.pos+n)]
}

// fill reads more behind what is left in the buffer.
func (s *scanner) fill() {
	if s.buf == nil {
		s.buf = make([]byte, bufSize)
	}
	s.end = copy(s.buf, s.buf[s.pos:s.end])
	s.pos = 0
	n := 0
	for tries := 0; n == 0 && s.err == nil; tries++ {
		if tries == 100 {
			s.err = io.ErrNoProgress
			return
		}
		n, s.err = s.in.Read(s.buf[s.end:])
	}
	s.end += n
}

// next takes a byte; ok is false at the end or after a failure.
func (s *scanner) next() (b byte, ok bool) {
	if s.pos == s.end {
		if s.err == nil {
			s.fill()
		}
		if s.pos == s.end {
			return 0, false
		}
	}
	b = s.buf[s.pos]
	s.pos++
	switch {
	case b == '\n' && !s.wasR, b == '\r':
		s.line++
	}
	s.wasR = b == '\r'
	return b, true
}

// newlineEnds takes the \n of a \r\n.
func (s *scanner) newlineEnds(b byte) {
	if b == '\r' {
		if p := s.peek(1); len(p) == 1 && p[0] == '\n' {
			s.next()
		}
	}
}

// after says what ended a cell.
type after uint8

const (
	afterComma after = iota
	afterLine
	afterEnd
	afterBroken // a stray quote whose value did not end on its line
)

// row reads the next row into text and ends and gives its first line; io.EOF
// when there is none.
func (s *scanner) row() (line int, broken bool, err error) {
	s.text, s.ends = s.text[:0], s.ends[:0]
	s.nul, s.quote, s.stray = false, false, false
	line = s.line
	if len(s.peek(1)) == 0 {
		return line, false, s.err
	}
	for {
		a, err := s.cell(line)
		if err != nil {
			return line, false, err
		}
		s.ends = append(s.ends, len(s.text))
		if a != afterComma {
			return line, a == afterBroken, nil
		}
		if len(s.ends) == maxColumns {
			return line, false, s.refuse(line, "has more than %d columns", maxColumns)
		}
	}
}

func (s *scanner) cell(line int) (after, error) {
	start := len(s.text)
	b, ok := s.next()
	if ok && b == '"' {
		s.quote = true
		return s.quoted(line, start)
	}
	for ; ok; b, ok = s.next() {
		switch b {
		case s.comma:
			return afterComma, nil
		case '\n', '\r':
			s.newlineEnds(b)
			return afterLine, nil
		}
		if err := s.take(b, line, start); err != nil {
			return 0, err
		}
	}
	return s.ended()
}

func (s *scanner) ended() (after, error) {
	if s.err != io.EOF {
		return 0, s.err
	}
	return afterEnd, nil
}

func (s *scanner) quoted(line, start int) (after, error) {
	pending := false // a stray quote was seen on this physical line
	for {
		b, ok := s.next()
		if !ok {
			if s.err != io.EOF {
				return 0, s.err
			}
			return 0, s.unended(line)
		}
		if b == '"' {
			p := s.peek(1)
			switch {
			case len(p) == 0:
				return s.ended()
			case p[0] == '"':
				s.next()
			case p[0] == s.comma:
				s.next()
				return afterComma, nil
			case p[0] == '\n' || p[0] == '\r':
				b, _ = s.next()
				s.newlineEnds(b)
				return afterLine, nil
			default:
				pending, s.stray = true, true
			}
		} else if pending && (b == '\n' || b == '\r') {
			s.newlineEnds(b)
			return afterBroken, nil
		}
		if err := s.take(b, line, start); err != nil {
			return 0, err
		}
	}
}

// take adds a byte to the cell that began at start.
func (s *scanner) take(b byte, line, start int) error {
	if b == 0 {
		s.nul = true
		return nil
	}
	s.text = append(s.text, b)
	if len(s.text)-start > s.maxCell {
		return s.refuse(line, "has a value of more than %d bytes", s.maxCell)
	}
	if len(s.text) > maxRow {
		return s.refuse(line, "is longer than %d bytes", maxRow)
	}
	return nil
}

func (s *scanner) refuse(line int, what string, args ...any) error {
	e := fault.New(fault.Invalid, "The row of "+s.name+" that starts on line %d "+what+".", append([]any{line}, args...)...)
	return e.WithHint("A closing quotation mark is probably missing on or after that line.")
}

func (s *scanner) unended(line int) error {
	return fault.New(fault.Invalid, "The file %s ends inside a quoted value of the row that starts on line %d.", s.name, line).
		WithHint("The file was not copied completely, or a closing quotation mark is missing on or after that line.")
}

// cells gives the row's cells; they share one string.
func (s *scanner) cells() []string {
	text := string(s.text)
	out := make([]string, len(s.ends))
	from := 0
	for i, to := range s.ends {
		out[i], from = text[from:to], to
	}
	return out
}

// blank tells whether the row is an empty line.
func (s *scanner) blank() bool { return len(s.ends) == 1 && len(s.text) == 0 && !s.nul && !s.quote }
