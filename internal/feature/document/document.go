// Package document holds what people write down: documents in folders, made of
// a body and of sections, with images.
//
// Always true: a document's HTML is sanitised before it is saved; what a reader
// sees is the body followed by the sections in their order; a section never
// changes its sort; folders of one organization form trees.
package document

import (
	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/crossref"
	"strongroom/internal/feature/rule"
)

// Feature is the kinds document_folder, document and document_section.
func Feature() record.Feature {
	return record.Feature{Name: "document", Kinds: []*record.Kind{folders(), documents(), sections()}}
}

func documents() *record.Kind {
	return &record.Kind{
		Name: "document", Plural: "documents", Label: "Document", Labels: "Documents", Icon: "file-text",
		Scope: record.OfOrganization, Menu: 4, Before: beforeDocument,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "document_folder_id", Label: "Folder", Type: record.Ref, Ref: "document_folder", Class: record.Internal, Filter: true, List: true},
			{Name: "content", Label: "Body", Type: record.HTML, Class: record.Internal, Search: true},
			{Name: "published", Type: record.Bool, Class: record.Internal, ReadOnly: true, Filter: true, List: true, Default: true,
				Hint: "A draft is marked as such until it is published."},
			{Name: "expires_on", Label: "Review by", Type: record.Date, Class: record.Internal, Group: "Options", Sort: true, Expires: true,
				Hint: "The day by which somebody should check that this still holds."},
			{Name: "review_days", Label: "Review every", Type: record.Integer, Class: record.Internal, Group: "Options", Hint: "Days after which it is due again, once somebody has said that it was reviewed."},
			{Name: "owner_id", Label: "Owner", Type: record.Ref, Ref: "user", Class: record.Internal, Group: "Options", Filter: true,
				Hint: "Who answers for what it says."},
			{Name: "reviewed_on", Label: "Reviewed", Type: record.Date, Class: record.Internal, Group: "Options", Sort: true, ReadOnly: true},
			{Name: "template", Label: "A template", Type: record.Bool, Class: record.Internal, Group: "Options", Filter: true, Default: false,
				Hint: "Offered to begin others with. {{organization}}, {{author}} and {{date}} in its text are filled in."},
			{Name: "public", Type: record.Bool, Class: record.Internal, Group: "Options", Default: false,
				Hint: "May be shown to requesters in the self-service portal."},
			{Name: "is_uploaded", Label: "Uploaded file", Type: record.Bool, Class: record.Internal, Group: "Options", Default: false},
			{Name: "sop_generator", Label: "Made by a step recorder", Type: record.Bool, Class: record.Internal, Group: "Options", Default: false},
		},
	}
}

func beforeDocument(tx *gate.Tx, now, old *record.Record) error {
	if err := follow(tx, now, old); err != nil {
		return err
	}
	if n, ok := now.Values["review_days"].(int64); ok && (n < 1 || n > mostDays) {
		return fault.Field("review_days", "This is between 1 and %d days.", mostDays)
	}
	return nil
}

// follow lets the links of a text that is new follow the names that they say.
func follow(tx *gate.Tx, now, old *record.Record) (err error) {
	text := now.Values.Text("content")
	if text == "" || old != nil && old.Values.Text("content") == text {
		return nil
	}
	now.Values["content"], err = crossref.Follow(tx, now.Kind.Engine(), text)
	return err
}

// mostDays is the longest time between two reviews: ten years.
const mostDays = 3652

func folders() *record.Kind {
	return &record.Kind{
		Name: "document_folder", Plural: "document_folders", Label: "Document folder", Labels: "Document folders", Icon: "folder",
		Scope: record.OfOrganization,
		Before: func(tx *gate.Tx, now, old *record.Record) error {
			if err := rule.Stay(now, old); err != nil {
				return err
			}
			return rule.Tree(tx, now, old, "parent_id")
		},
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "parent_id", Label: "Folder above", Type: record.Ref, Ref: "document_folder", Class: record.Internal, Filter: true, List: true},
		},
	}
}

func sections() *record.Kind {
	return &record.Kind{
		Name: "document_section", Plural: "document_sections", Label: "Section", Labels: "Sections", Icon: "align-left",
		Scope: record.OfParent, Parent: "document_id", NameOf: sectionName, Before: beforeSection,
		Fields: []record.Field{
			{Name: "document_id", Label: "Document", Type: record.Ref, Ref: "document", Class: record.Internal, Required: true, Filter: true},
			{Name: "resource_type", Label: "Sort", Type: record.Choice, Choices: []string{Text, Heading, Gallery, Step}, Class: record.Internal,
				Required: true, Filter: true, List: true},
			{Name: "content", Type: record.HTML, Class: record.Internal, Search: true},
			{Name: "level", Type: record.Integer, Class: record.Internal, Hint: "Of a heading: 1 to 6."},
			{Name: "duration", Type: record.Integer, Class: record.Internal, Hint: "Of a step: how many minutes it takes."},
			{Name: "reset_count", Label: "Counts from 1 again", Type: record.Bool, Class: record.Internal, Hint: "Of a step."},
			{Name: "sort", Label: "Place", Type: record.Integer, Class: record.Internal, Sort: true, List: true},
		},
	}
}
