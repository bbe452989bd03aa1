// Package document holds what people write down: documents in folders, made of
// a body and of sections, with images.
//
// Always true: a document's HTML is sanitised before it is saved; what a reader
// sees is the body followed by the sections in their order; a section never
// changes its sort; folders of one organization form trees.
package document

import (
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/rule"
)

// Feature is the kinds document_folder, document and document_section.
func Feature() record.Feature {
	return record.Feature{Name: "document", Kinds: []*record.Kind{folders(), documents(), sections()}}
}

func documents() *record.Kind {
	return &record.Kind{
		Name: "document", Plural: "documents", Label: "Document", Labels: "Documents", Icon: "file-text",
		Scope: record.OfOrganization, Menu: 4,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "document_folder_id", Label: "Folder", Type: record.Ref, Ref: "document_folder", Class: record.Internal, Filter: true, List: true},
			{Name: "content", Label: "Body", Type: record.HTML, Class: record.Internal, Search: true},
			{Name: "published", Type: record.Bool, Class: record.Internal, ReadOnly: true, Filter: true, List: true, Default: true,
				Hint: "A draft is marked as such until it is published."},
			{Name: "expires_on", Label: "Review by", Type: record.Date, Class: record.Internal, Group: "Options", Sort: true, Expires: true,
				Hint: "The day by which somebody should check that this still holds."},
			{Name: "public", Type: record.Bool, Class: record.Internal, Group: "Options", Default: false,
				Hint: "May be shown to requesters in the self-service portal."},
			{Name: "is_uploaded", Label: "Uploaded file", Type: record.Bool, Class: record.Internal, Group: "Options", Default: false},
			{Name: "sop_generator", Label: "Made by a step recorder", Type: record.Bool, Class: record.Internal, Group: "Options", Default: false},
		},
	}
}

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
