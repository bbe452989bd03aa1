package columns

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/table"
)

// Seen is what a file looks like.
type Seen struct {
	Encoding  string // UTF-8, UTF-16 or Windows-1252
	Separator string // commas, semicolons, tabs
	Headings  []string
	Rows      [][]string            // the first rows
	Values    []map[string]struct{} // by column: what its first cells say; nil for a column that says too many things
}

const (
	firstRows   = 3
	lookRows    = 2000
	mostValues  = 40
	lookThrough = 16 << 20 // bytes
)

// Look reads the beginning of a file. Invalid for what is no table.
func Look(r io.ReaderAt, size int64, name string) (*Seen, error) {
	t, err := table.Read(io.NewSectionReader(r, 0, size), name, table.Options{})
	if err != nil {
		return nil, err
	}
	s := &Seen{Headings: t.Header(), Values: make([]map[string]struct{}, len(t.Header()))}
	for i := range s.Values {
		s.Values[i] = map[string]struct{}{}
	}
	for n := range lookRows {
		row, err := t.Next()
		if errors.Is(err, io.EOF) || fault.Is(err, fault.Invalid) {
			break
		}
		if err != nil {
			return nil, err
		}
		if n < firstRows {
			s.Rows = append(s.Rows, row.Cells)
		}
		for i, c := range row.Cells {
			if v := s.Values[i]; v != nil && c != "" {
				if v[c] = struct{}{}; len(v) > mostValues || len(c) > 80 {
					s.Values[i] = nil
				}
			}
		}
	}
	if len(s.Rows) == 0 {
		return nil, fault.New(fault.Invalid, "The file %s has a line of headings and no rows.", name).WithHint("Check that it is the right file.")
	}
	return s, s.encoding(io.NewSectionReader(r, 0, min(size, lookThrough)), t)
}

// encoding tells how the file is written.
func (s *Seen) encoding(r io.Reader, t *table.Reader) error {
	s.Separator = map[byte]string{',': "commas", ';': "semicolons", '\t': "tabs"}[t.Comma()]
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	for !utf8.Valid(b) && len(b) > 0 && len(b) >= lookThrough-utf8.UTFMax { // a character that was cut off
		b = b[:len(b)-1]
	}
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
		s.Encoding = "UTF-16"
	case utf8.Valid(b):
		s.Encoding = "UTF-8"
	default:
		s.Encoding = "Windows-1252"
	}
	return nil
}
