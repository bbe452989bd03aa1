package shell

import (
	"html/template"
	"time"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

// TalkCard is the card of what people say about a record ("talk-card"). A page
// that shows it defines {{define "talk"}}{{template "talk-card" .Data.Talk}}{{end}}.
type TalkCard struct {
	Lines   []TalkLine
	Earlier string    // address of those before; empty when there are none
	Say     *TalkForm // nil for who may not
	Watch   string    // address to POST to: on=1 or on=0
	On      bool      // the caller watches the record
}

// TalkLine is one comment.
type TalkLine struct {
	ID     string
	Who    string
	Time   time.Time
	Edited string // address of what it said before; empty when it was not changed
	HTML   template.HTML
	Edit   string // address; empty for who may not
	Remove string // likewise
}

// TalkForm is where one says something.
type TalkForm struct {
	Action string
	Text   string // what was typed, when it was refused
	Error  string
}

// Talk says how the card of a record's comments is read.
func (s *Shell) Talk(read func(v *Visit, tx *gate.Tx, r *record.Record) (*TalkCard, error)) {
	s.talk = read
}

// TalkOf reads the card of a record's comments; nil when there are none and none
// may be added.
func (v *Visit) TalkOf(tx *gate.Tx, r *record.Record) (*TalkCard, error) {
	if v.talk == nil {
		return nil, nil
	}
	return v.talk(v, tx, r)
}

// Told is the sentence about people who are mentioned and were not told.
func Told(untold []string) string {
	if len(untold) == 0 {
		return ""
	}
	return " Not told, because they may not see this: " + ui.Join(untold) + "."
}
