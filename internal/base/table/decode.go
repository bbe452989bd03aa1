package table

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// decoded gives r as UTF-8 without its byte order mark. note is called when the
// encoding had to be guessed.
func decoded(r io.Reader, note func(line int, text string)) (io.Reader, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	head, err := in.Peek(3)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, err = in.Discard(3)
		return &lenient{in: in, note: note, mode: modeUTF8}, ignoreEOF(err)
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return transform.NewReader(in, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()), nil
	}
	return &lenient{in: in, note: note}, nil
}

func ignoreEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

type mode uint8

const (
	modeUnknown mode = iota // only ASCII so far
	modeUTF8                // some UTF-8 was seen
	modeWestern             // the first byte beyond ASCII was not UTF-8
)

// lenient passes UTF-8 through. The first byte beyond ASCII decides for the
// whole file whether it is UTF-8 or Windows-1252, so that no second pass over
// the file is needed; in a UTF-8 file a byte that does not fit is taken as
// Windows-1252 alone.
type lenient struct {
	in   *bufio.Reader
	note func(line int, text string)
	mode mode
	line int // newlines given out so far
	told bool
	raw  [8 << 10]byte
	held int // bytes of an unfinished character at the start of raw
	out  []byte
	rest []byte // of out, not given out yet
	err  error
}

func (l *lenient) Read(p []byte) (int, error) {
	for len(l.rest) == 0 {
		if l.err != nil {
			return 0, l.err
		}
		l.fill()
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

func (l *lenient) fill() {
	n, err := l.in.Read(l.raw[l.held:])
	l.err = err
	b := l.raw[:l.held+n]
	l.out = l.out[:0]
	for len(b) > 0 {
		k := asciiPrefix(b)
		l.line += bytes.Count(b[:k], []byte{'\n'})
		l.out, b = append(l.out, b[:k]...), b[k:]
		if len(b) == 0 || l.mode != modeWestern && !utf8.FullRune(b) && err == nil {
			break
		}
		b = b[l.character(b):]
	}
	l.held = copy(l.raw[:], b)
	l.rest = l.out
}

// character decodes one character beyond ASCII and gives its length.
func (l *lenient) character(b []byte) int {
	_, size := utf8.DecodeRune(b)
	if l.mode != modeWestern && size > 1 {
		l.mode = modeUTF8
		l.out = append(l.out, b[:size]...)
		return size
	}
	if l.mode == modeUnknown {
		l.mode = modeWestern
		l.tell("The file is not UTF-8 and was read as Windows-1252 (Latin-1); the first such character is on line %d.")
	}
	l.tell("A character on line %d is not UTF-8 and was read as Windows-1252 (Latin-1); there may be more.")
	l.out = utf8.AppendRune(l.out, charmap.Windows1252.DecodeByte(b[0]))
	return 1
}

func (l *lenient) tell(format string) {
	if !l.told {
		l.told = true
		l.note(l.line+1, fmt.Sprintf(format, l.line+1))
	}
}

func asciiPrefix(b []byte) int {
	for i, c := range b {
		if c >= utf8.RuneSelf {
			return i
		}
	}
	return len(b)
}
