package document

import (
	"database/sql"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

// The sorts of sections, spelled as the API spells them.
const (
	Text    = "Document::Text"
	Heading = "Document::Heading"
	Gallery = "Document::Gallery"
	Step    = "Document::Step"
)

// sectionName is the beginning of what the section says.
func sectionName(v record.Values) string {
	s := strings.Join(strings.Fields(richtext.Text(v.Text("content"))), " ")
	if s == "" {
		return strings.TrimPrefix(v.Text("resource_type"), "Document::")
	}
	if r := []rune(s); len(r) > 80 {
		return string(r[:79]) + "…"
	}
	return s
}

func beforeSection(tx *gate.Tx, now, old *record.Record) error {
	if err := fixed(now, old); err != nil {
		return err
	}
	if err := follow(tx, now, old); err != nil {
		return err
	}
	sort := now.Values.Text("resource_type")
	bad := map[string]string{}
	level, has := now.Values["level"].(int64)
	switch {
	case sort == Heading && !has:
		now.Values["level"] = int64(2)
	case sort == Heading && (level < 1 || level > 6):
		bad["level"] = "A heading's level is 1 to 6."
	case sort != Heading && has:
		bad["level"] = "Only a heading has a level."
	}
	if sort != Step {
		if now.Values["duration"] != nil {
			bad["duration"] = "Only a step has a duration."
		}
		if now.Values.Bool("reset_count") {
			bad["reset_count"] = "Only a step can count from 1 again."
		}
	}
	if d, ok := now.Values["duration"].(int64); ok && d < 0 {
		bad["duration"] = "A duration is not negative."
	}
	if err := fault.Fields(bad); err != nil {
		return err
	}
	return settlePlace(tx, now)
}

// fixed refuses to change what a section keeps for its life.
func fixed(now, old *record.Record) error {
	bad := map[string]string{}
	if old != nil && old.Values.Text("resource_type") != now.Values.Text("resource_type") {
		bad["resource_type"] = "A section's sort cannot change: delete it and add another."
	}
	if old != nil && old.Values.ID("document_id") != now.Values.ID("document_id") {
		bad["document_id"] = "A section stays in its document."
	}
	return fault.Fields(bad)
}

// settlePlace puts a section that names no place at the end.
func settlePlace(tx *gate.Tx, now *record.Record) error {
	if now.Values["sort"] != nil {
		return nil
	}
	var last sql.NullInt64
	err := tx.QueryRow(`select max(k.sort) from k_document_section k join record r on r.id = k.id
		where k.document_id = ? and r.trashed_at is null`, int64(now.Parent)).Scan(&last)
	now.Values["sort"] = last.Int64 + 1
	return err
}
