package audit

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/merkle"
	"strongroom/internal/base/sqldb"

	"golang.org/x/mod/sumdb/note"
)

// The lines of an export; doc/formats/audit-export.md writes them down. Each
// line is one JSON object with exactly the members of one of these.
type (
	headerLine struct {
		Format  string `json:"format"`
		Tenant  string `json:"tenant"`
		Key     string `json:"key"`
		Time    int64  `json:"time"`
		Details bool   `json:"details"`
	}
	entryLine struct {
		Leaf   string `json:"leaf"`             // the bytes that are hashed
		Detail string `json:"detail,omitempty"` // the bytes whose digest the leaf has
	}
	checkpointLine struct {
		Checkpoint string `json:"checkpoint"`
	}
	endLine struct {
		Size int64  `json:"size"`
		Root string `json:"root"` // base64
	}
	// line is any of them but the header.
	line struct {
		Leaf       *string `json:"leaf"`
		Detail     *string `json:"detail"`
		Checkpoint *string `json:"checkpoint"`
		Size       *int64  `json:"size"`
		Root       *string `json:"root"`
	}
)

const (
	exportFormat  = "strongroom-audit-1"
	maxExportLine = 8 << 20
)

// usable refuses what is no key that verifies checkpoints.
func usable(key string) error {
	if _, err := note.NewVerifier(key); err != nil {
		return fault.Wrap(err, fault.Invalid, "This is not the public key of an audit log.").
			WithHint("It begins with strongroom/ and stands on the pages Settings and Audit; note it when the tenant is made, and keep it apart from the file.")
	}
	return nil
}

// Export writes the whole log as it is now, with its signed checkpoints, so
// that VerifyExport can check it anywhere. Details say something about people:
// they are written only when withDetails is set, and never those of a person
// who was erased. key is the tenant's note verifier key, now the time in Unix
// milliseconds.
func Export(ctx context.Context, db *sqldb.DB, l *Log, key string, w io.Writer, now int64, withDetails bool) error {
	var size int64
	var points []signed
	err := db.View(ctx, func(tx *sqldb.Tx) error {
		var err error
		if size, _, err = Head(tx); err != nil {
			return err
		}
		points, err = checkpoints(tx)
		return err
	})
	if err != nil {
		return err
	}
	x := &exporter{enc: json.NewEncoder(w), log: l, points: points}
	x.enc.SetEscapeHTML(false)
	if err := x.enc.Encode(headerLine{exportFormat, l.Tenant, key, now, withDetails}); err != nil {
		return err
	}
	for x.front.Size() < size {
		var list []*Entry
		var plain [][]byte
		err := db.View(ctx, func(tx *sqldb.Tx) error {
			var err error
			if list, err = scan(tx, `select `+columns+` from audit_entry where seq >= ? and seq < ? order by seq limit ?`, x.front.Size(), size, page); err != nil {
				return err
			}
			plain = make([][]byte, len(list))
			for i := 0; i < len(list) && withDetails && err == nil; i++ {
				plain[i], err = l.plain(tx, list[i])
			}
			return err
		})
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return fault.New(fault.Internal, "The audit log has only %d of its %d entries.", x.front.Size(), size).WithHint("Run audit verify to see what is missing.")
		}
		for i, e := range list {
			if err := x.entry(e, plain[i]); err != nil {
				return err
			}
		}
	}
	root := x.front.Root()
	return x.enc.Encode(endLine{x.front.Size(), base64.StdEncoding.EncodeToString(root[:])})
}

// exporter writes entries and, where they belong, checkpoints.
type exporter struct {
	enc    *json.Encoder
	log    *Log
	points []signed
	front  merkle.Frontier
}

// plain gives the detail of an entry as its digest was made of it; nil when the
// person was erased.
func (l *Log) plain(tx *sqldb.Tx, e *Entry) ([]byte, error) {
	a, err := l.person(tx, e.Actor, false)
	if err != nil || a == nil || e.sealed == nil {
		return nil, err
	}
	plain, err := a.Open(nil, nil, e.sealed, bind(e.Seq))
	if err != nil {
		return nil, fault.New(fault.Internal, "The detail of audit entry %d was altered.", e.Seq).WithHint("Run audit verify to see what else is.")
	}
	return plain, nil
}

func (x *exporter) entry(e *Entry, plain []byte) error {
	leaf, err := e.Leaf(x.log.Tenant)
	if err != nil {
		return err
	}
	if err := x.enc.Encode(entryLine{Leaf: string(leaf), Detail: string(plain)}); err != nil {
		return err
	}
	x.front.Append(merkle.LeafHash(leaf))
	for len(x.points) > 0 && x.points[0].size <= x.front.Size() {
		if err := x.enc.Encode(checkpointLine{x.points[0].note}); err != nil {
			return err
		}
		x.points = x.points[1:]
	}
	return nil
}

// VerifyExport checks a file that Export wrote, with nothing but the file and
// the tenant's public key, which the one who verifies has from somewhere else.
// What is wrong is in the report; the error says why the file could not be read
// at all.
func VerifyExport(r io.Reader, trustedKey string) (Report, error) {
	c := &check{key: trustedKey}
	if err := usable(trustedKey); err != nil {
		return c.report, err
	}
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), maxExportLine)
	h, err := c.header(s)
	if err != nil {
		return c.report, err
	}
	err = c.lines(s, h)
	if errors.Is(err, errBad) {
		err = nil
	}
	return c.report, err
}

func notExport(cause error) error {
	return fault.Wrap(cause, fault.Invalid, "This is not an export of an audit log.").WithHint("Give the file as it was exported.")
}

func (c *check) header(s *bufio.Scanner) (headerLine, error) {
	if !s.Scan() {
		return headerLine{}, notExport(s.Err())
	}
	var h headerLine
	if err := strict(s.Bytes(), &h); err != nil || h.Format != exportFormat {
		return h, notExport(err)
	}
	c.report.Tenant = h.Tenant
	return h, nil
}

// strict reads one JSON object without members that are not known.
func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the object")
	}
	return nil
}

func (c *check) lines(s *bufio.Scanner, h headerLine) error {
	if h.Key != c.key {
		return c.bad(0, "The file names another public key than the one that was given.")
	}
	ended := false
	for s.Scan() {
		var l line
		if err := strict(s.Bytes(), &l); err != nil || ended {
			return c.bad(c.front.Size(), "The line after %d entries is not understood.", c.front.Size())
		}
		var err error
		switch {
		case l.Leaf != nil && l.Checkpoint == nil && l.Size == nil && l.Root == nil:
			err = c.leaf(*l.Leaf, l.Detail, h)
		case l.Checkpoint != nil && l.Leaf == nil && l.Detail == nil && l.Size == nil && l.Root == nil:
			err = c.checkpoint(*l.Checkpoint)
		case l.Size != nil && l.Root != nil && l.Leaf == nil && l.Detail == nil && l.Checkpoint == nil:
			ended = true
			root := c.front.Root()
			if *l.Size != c.front.Size() || *l.Root != base64.StdEncoding.EncodeToString(root[:]) {
				err = c.bad(c.last.Size, "The file ends with another size or root than that of its entries.")
			}
		default:
			err = c.bad(c.front.Size(), "The line after %d entries is not understood.", c.front.Size())
		}
		if err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return fault.Wrap(err, fault.Invalid, "The file cannot be read after %d entries.", c.front.Size())
	}
	if !ended {
		return c.bad(c.front.Size(), "The file ends after %d entries without its last line.", c.front.Size())
	}
	return nil
}

func (c *check) leaf(text string, detail *string, h headerLine) error {
	want := c.front.Size()
	var f leaf
	if err := strict([]byte(text), &f); err != nil {
		return c.bad(want, "Entry %d cannot be read.", want)
	}
	again, err := f.bytes()
	switch {
	case err != nil || string(again) != text:
		return c.bad(want, "Entry %d is not in its one valid form.", want)
	case f.Seq != want:
		return c.bad(want, "Entry %d is missing.", want)
	case f.Tenant != h.Tenant:
		return c.bad(want, "Entry %d belongs to another tenant.", want)
	}
	if detail != nil {
		sum := sha256.Sum256([]byte(*detail))
		if base64.RawURLEncoding.EncodeToString(sum[:]) != f.Detail {
			return c.bad(want, "The detail of entry %d was altered.", want)
		}
		c.report.Details++
	} else if h.Details {
		c.report.Erased++
	}
	c.entry([]byte(text))
	return nil
}

// bytes gives the canonical form.
func (l leaf) bytes() ([]byte, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(l)
	return []byte(strings.TrimSuffix(b.String(), "\n")), err
}
