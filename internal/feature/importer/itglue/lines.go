package itglue

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"strongroom/internal/base/fault"
)

// maxLine is how long a line of JSON may be, in bytes.
const maxLine = 64 << 20

// Lines reads one of the files of JSON lines of an own export.
type Lines struct {
	Name string // of the entry

	in   io.Closer
	scan *bufio.Scanner
	n    int
}

// Lines opens a file of JSON lines; nil when the zip has no such entry.
func (x *Export) Lines(entry string) (*Lines, error) {
	if !x.Has(entry) {
		return nil, nil
	}
	in, _, err := x.Open(entry)
	if err != nil {
		return nil, err
	}
	s := bufio.NewScanner(in)
	s.Buffer(nil, maxLine)
	return &Lines{Name: entry, in: in, scan: s}, nil
}

// Close ends reading.
func (l *Lines) Close() error { return l.in.Close() }

// Next gives the next line, which holds until the one after it. It ends with
// io.EOF; Invalid for what cannot be read.
func (l *Lines) Next() ([]byte, error) {
	for l.scan.Scan() {
		if l.n++; len(l.scan.Bytes()) > 0 {
			return l.scan.Bytes(), nil
		}
	}
	switch err := l.scan.Err(); {
	case err == nil:
		return nil, io.EOF
	case errors.Is(err, bufio.ErrTooLong):
		return nil, l.broken()
	default:
		return nil, err
	}
}

func (l *Lines) broken() error {
	return fault.New(fault.Invalid, "Line %d of %s cannot be read.", l.n+1, l.Name).
		WithHint("Make the export again. Everything before this line was read and stays.")
}

// Unmarshal reads a line of the entry called name into v; numbers keep their
// digits.
func Unmarshal(name string, line []byte, v any) error {
	d := json.NewDecoder(strings.NewReader(string(line)))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return fault.Wrap(err, fault.Invalid, "A line of %s cannot be read.", name).WithHint("Make the export again.")
	}
	return nil
}

// Manifest says what Strongroom said of an export of its own; nil for an export
// that it did not make.
func (x *Export) Manifest() (*Manifest, error) {
	if !x.Has(ManifestFile) {
		return nil, nil
	}
	in, _, err := x.Open(ManifestFile)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var m Manifest
	if err := json.NewDecoder(io.LimitReader(in, 64<<10)).Decode(&m); err != nil || m.Tenant == "" {
		return nil, fault.New(fault.Invalid, "The file %s of the export cannot be read.", ManifestFile).WithHint("Take the folder %s out of the zip to import the rest.", Own)
	}
	if m.Format != Format {
		return nil, fault.New(fault.Invalid, "The export was made by a newer Strongroom (format %d; this one reads %d).", m.Format, Format).
			WithHint("Update this Strongroom first.")
	}
	return &m, nil
}
