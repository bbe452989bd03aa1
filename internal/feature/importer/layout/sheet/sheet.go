// Package sheet brings in tables: a CSV file whose rows are records of one kind.
//
// Always true: what can be imported, and into which fields, follows from the
// declarations of the kinds; a row with a cell that cannot be used is left out as a
// whole, and said with its line and column, so that nothing comes in half; only the
// cells of columns that are mapped are read; what a cell of a secret holds is in no
// sentence and no preview.
package sheet

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/table"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/external"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/columns"
	"strongroom/internal/feature/importer/problem"
	"strongroom/internal/feature/importer/staging"
)

// Layout is any table.
type Layout struct{}

// Name is csv.
func (Layout) Name() string { return columns.Name }

// Open reads the mapping from the options, and checks it against the kind and the
// file.
func (Layout) Open(in *importer.Run, file *staging.File) (importer.Reading, error) {
	x := &reading{Run: in, file: file}
	if len(in.Options.Settings) == 0 {
		return nil, fault.New(fault.Invalid, "Nothing says what the columns of %s are.", file.Name).WithHint("Choose a kind and its fields first.")
	}
	if err := json.Unmarshal(in.Options.Settings, &x.Mapping); err != nil {
		return nil, fault.New(fault.Invalid, "The mapping of the columns cannot be read.").WithHint("Map the columns again.")
	}
	err := in.Importer.Gate.View(in.Ctx, in.Caller, func(tx *gate.Tx) error { return x.prepare(tx) })
	if err != nil {
		return nil, err
	}
	t, err := x.table()
	if err != nil {
		return nil, err
	}
	if err := x.columns(t.Header()); err != nil {
		return nil, err
	}
	in.Source = x.Mapping.Source
	if in.Source == "" {
		in.Source = columns.Name
	}
	if x.Match == "" && in.ID() != 0 { // goes on: its rows are known by their lines
		in.Tables = map[string]string{x.lines(): x.kind.Name}
	}
	if x.Match == columns.MatchID {
		in.Tables = map[string]string{x.kind.Plural: x.kind.Name}
	}
	return x, nil
}

// reading is one way through a file.
type reading struct {
	*importer.Run
	columns.Mapping
	file *staging.File

	kind  *record.Kind // with the fields of the variant
	org   *importer.Known
	at    []at // what is read, by column
	index index
	refs  map[refKey]id.ID // found by name
}

// at is a column that is read.
type at struct {
	column int
	columns.Column
	target *columns.Target
	more   []int // further columns that are the same text or list
	names  []string
}

// prepare finds the kind, the variant and the organization as the caller sees them.
func (x *reading) prepare(tx *gate.Tx) error {
	k := x.Importer.Records.Kinds.Kind(x.Kind)
	if k == nil || !columns.Importable(k) {
		return fault.Field("kind", "There is no kind %q that can be imported.", x.Kind).WithHint("Choose one of the list.")
	}
	var err error
	if x.kind, err = x.Importer.Records.Shape(tx, x.Kind, x.Variant); err != nil {
		return err
	}
	if k.Variants != nil && x.Variant == 0 {
		return fault.Field("kind", "%s are of several types; choose one.", k.Labels)
	}
	if x.Org != 0 {
		if _, err := tx.Allow(access.View, gate.Thing{Kind: "organization", ID: x.Org}); err != nil {
			return err
		}
		x.org = &importer.Known{Rec: x.Org}
	}
	x.refs = map[refKey]id.ID{}
	return x.index.load(tx, x)
}

// columns puts the mapping beside the columns that the file has.
func (x *reading) columns(header []string) error {
	targets := columns.Targets(x.kind)
	x.at = nil
	for i, h := range header {
		for _, c := range x.Columns {
			if c.Heading != h || c.Field == "" {
				continue
			}
			t := columns.Find(targets, c.Field)
			if t == nil {
				return fault.New(fault.Invalid, "The column %q is mapped to %q, which %s do not have.", h, c.Field, lower(x.kind.Labels)).WithHint("Map the columns again.")
			}
			if have := slices.IndexFunc(x.at, func(a at) bool { return a.Field == c.Field }); have >= 0 && t.Joins() {
				x.at[have].more, x.at[have].names = append(x.at[have].more, i), append(x.at[have].names, h)
				continue
			}
			x.at = append(x.at, at{column: i, Column: c, target: t})
		}
	}
	here := x.Mapping
	here.Columns = nil
	for _, a := range x.at {
		here.Columns = append(here.Columns, a.Column)
	}
	return here.Check(x.kind)
}

// table opens the file from its beginning.
func (x *reading) table() (*table.Reader, error) {
	return table.Read(io.NewSectionReader(x.file, 0, x.file.Size), x.file.Name, table.Options{})
}

// Total counts the rows.
func (x *reading) Total() (n int64, err error) {
	t, err := x.table()
	if err != nil {
		return 0, err
	}
	for {
		_, err := t.Next()
		switch {
		case errors.Is(err, io.EOF), fault.Is(err, fault.Invalid): // said when the rows are read
			return n, nil
		case err != nil:
			return 0, err
		}
		n++
	}
}

// Steps are all rows, and that their lines need not be known any longer.
func (x *reading) Steps() []func() error { return []func() error{x.rows, x.through} }

// through forgets which line became which record: that is for going on after an
// interruption.
func (x *reading) through() error {
	if x.Dry || x.Match != "" {
		return nil
	}
	return x.Importer.Quietly(x.Ctx, x.Caller, func(tx *gate.Tx) error { return external.ForgetType(tx, x.Run.Source, x.lines()) })
}

// together is how many rows are looked up at once.
const together = 200

func (x *reading) rows() error {
	x.Stage(x.kind.Labels)
	t, err := x.table()
	if err != nil {
		return err
	}
	var list []*line
	told := 0
	for {
		row, err := t.Next()
		told = x.tell(t, told)
		if fault.Is(err, fault.Invalid) {
			said := fault.Say(err)
			x.Problem(x.file.Name, 0, problem.Error, said.Hint, "%s", said.Text+" The rows before it were read, those after it were not.")
			err = io.EOF
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if err == nil {
			if l := x.line(row); l != nil {
				list = append(list, l)
			}
		}
		if len(list) == together || err != nil {
			if err := x.decide(list); err != nil {
				return err
			}
			list = nil
		}
		if err != nil {
			return nil
		}
		if err := x.Ctx.Err(); err != nil {
			return err
		}
		if x.Progress.Done++; x.Progress.Done%500 == 0 {
			x.Tell()
		}
	}
}

// tell says what the file made necessary.
func (x *reading) tell(t *table.Reader, told int) int {
	all := t.Warnings()
	for _, w := range all[min(told, len(all)):] {
		s := problem.Warning
		if w.Skipped {
			s = problem.Error
			x.Report.Count(x.kind.Name, importer.Skipped)
		}
		x.Report.Add(importer.Problem{File: x.file.Name, Line: w.Line, Severity: s, Text: w.Text, Hint: "Correct the line in the file, and import it again."})
	}
	return len(all)
}

func lower(s string) string {
	if len(s) > 1 && s[1] >= 'A' && s[1] <= 'Z' {
		return s // an abbreviation
	}
	return strings.ToLower(s[:1]) + s[1:]
}
