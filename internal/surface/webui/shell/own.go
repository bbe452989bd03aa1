package shell

import (
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Own are the pages of a kind that are not the derived ones. What is nil is
// derived from the kind's declaration.
type Own struct {
	// Page answers with the page of a record.
	Page func(v *Visit, r *record.Record) error
	// Form adjusts the derived form; r is nil for a new record.
	Form func(v *Visit, f *ui.Form, r *record.Record) error
	// New is the form of a new record, and Create takes what it sends. A kind
	// has both or none.
	New, Create Handler
	// Fill completes the values that the form of a new record begins with, which already
	// hold what the address fills in.
	Fill func(v *Visit, tx *gate.Tx, values record.Values) error
	// Which asks of which variant a new record is to be, in an organization or
	// anywhere. Every kind with variants has it.
	Which func(v *Visit, org id.ID) error
	// Stays names the fields, besides references, that a record gives up when it is
	// moved to another organization, and says in words what that is; empty when it
	// is nothing of this record's.
	Stays func(r *record.Record) (fields []string, words string)
	// Card completes the card by which the texts of others show a record; id is
	// unique on the page.
	Card func(v *Visit, tx *gate.Tx, r *record.Record, id string, c *Card) error
	// Above gives buttons that stand above the kind's list in an organization; each
	// group appends its own.
	Above []func(v *Visit, org id.ID) []ui.Action
}

// Own gives the pages that a kind has of its own, to be filled in while groups
// are mounted.
func (s *Shell) Own(kind string) *Own {
	o := s.own[kind]
	if o == nil {
		o = &Own{}
		s.own[kind] = o
	}
	return o
}

// OwnOf looks up the pages that a kind has of its own.
func (s *Shell) OwnOf(kind string) Own {
	if o := s.own[kind]; o != nil {
		return *o
	}
	return Own{}
}

// RailPart is a part of what stands beside a record.
type RailPart struct {
	// Draw gives nil when it has nothing to say of this record.
	Draw func(v *Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error)
	// OrgToo says that it stands beside the overview of an organization too,
	// which has much of its own there.
	OrgToo bool
}

// Rail adds a part to the rail of every record.
func (s *Shell) Rail(part RailPart) { s.rail = append(s.rail, part) }

// Above adds a line that may stand above every page; the first that is given stands
// there, before all others.
func (s *Shell) Above(line func(v *Visit, tx *gate.Tx) (*ui.Notice, error)) {
	s.above = append(s.above, line)
}

// Marks adds something to the head of every record, such as its flags.
func (s *Shell) Marks(stand func(v *Visit, tx *gate.Tx, r *record.Record, h *ui.Head) error) {
	s.marks = append(s.marks, stand)
}

// Lately says how the part of an organization's rail is read that tells what was
// done there last.
func (s *Shell) Lately(read func(v *Visit, tx *gate.Tx, org id.ID) (*ui.Section, error)) {
	s.lately = read
}

// LatelyOf reads that part; nil when no group tells it.
func (v *Visit) LatelyOf(tx *gate.Tx, org id.ID) (*ui.Section, error) {
	if v.lately == nil {
		return nil, nil
	}
	return v.lately(v, tx, org)
}

// Files says how the card of a record's files is read.
func (s *Shell) Files(read func(v *Visit, tx *gate.Tx, r *record.Record) (*FilesCard, error)) {
	s.files = read
}

// Topic is what a line of the settings is about; they stand in this order.
type Topic int

// The topics of the settings.
const (
	ToPeople   Topic = iota // who comes in, and how
	ToSecrets               // what passwords are held to
	ToContents              // what is documented
	ToPrograms              // what programs may do
	ToData                  // what comes in and goes out, and what was done
	topics
)

func (t Topic) title() string {
	return [topics]string{"People and sign-in", "Passwords and keys", "Documentation", "Programs", "Data and its trail"}[t]
}

// managed is some lines of what administrators manage.
type managed struct {
	topic Topic
	lines func(v *Visit, totals map[string]int64) []ui.Item
}

// Manage adds lines to what administrators manage, on the page of settings.
// totals counts the records of each kind.
func (s *Shell) Manage(t Topic, lines func(v *Visit, totals map[string]int64) []ui.Item) {
	s.manage = append(s.manage, managed{t, lines})
}

// Managed is what administrators manage of one topic.
type Managed struct {
	Title string
	Items []ui.Item
}

// Managed gives what administrators manage, by topic.
func (v *Visit) Managed(totals map[string]int64) []Managed {
	var out []Managed
	for t := range topics {
		m := Managed{Title: t.title()}
		for _, part := range v.manage {
			if part.topic == t {
				m.Items = append(m.Items, part.lines(v, totals)...)
			}
		}
		if len(m.Items) > 0 {
			out = append(out, m)
		}
	}
	return out
}
