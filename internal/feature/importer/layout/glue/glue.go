// Package glue reads exports in the layout of IT Glue: those that it wrote, and
// Strongroom's own, which are the same with a folder beside it for what that
// layout has no place for.
//
// Always true: what the layout says of a record beside its row counts more than
// the row; what has no place here is listed with what became of it.
package glue

import (
	"maps"
	"slices"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/itglue"
	"strongroom/internal/feature/importer/staging"
)

// Layout is the layout of IT Glue.
type Layout struct{}

// Name is itglue.
func (Layout) Name() string { return "itglue" }

// Open opens the zip.
func (Layout) Open(in *importer.Run, file *staging.File) (importer.Reading, error) {
	x, err := itglue.Open(file, file.Size, in.Options.Password)
	if err != nil {
		return nil, err
	}
	r := &run{Run: in, x: x}
	r.Report.Add(x.Notes()...)
	if r.own, err = x.Manifest(); err != nil {
		return nil, err
	}
	if err := r.findAssets(); err != nil {
		return nil, err
	}
	r.Source = "itglue"
	if r.own != nil {
		r.Source, r.Ours, r.Same = itglue.OwnSource+r.own.Tenant, true, r.own.Tenant == r.Tenant.ID
	}
	r.Tables = r.remembered()
	r.indexDocuments()
	return r, nil
}

// run is one run through an export.
type run struct {
	*importer.Run
	x   *itglue.Export
	own *itglue.Manifest // of an export that Strongroom made

	docs   docs
	second bool // the second time through the documents
	leads  []leads
	late   []late
	assets []*assetTable
}

// item is one row with what the export says of it elsewhere.
type item struct {
	*importer.Item
	r *run

	row    itglue.Row       // the same as Row, with its columns
	doc    *itglue.Document // of a document
	extra  *extra           // what Strongroom's own export says of the row beside the table
	within id.ID            // the record that holds the pictures of a section
	late   []late           // references to what may come later
}

// item makes the item of a row.
func (r *run) item(kind, table, foreign, file string, line int) *item {
	it := &item{Item: r.Item(kind, table, foreign, file, line), r: r}
	it.Kept = it.wait
	return it
}

// decide lets the run decide of an item, and remembers what is to be done once
// everything is there.
func (r *run) decide(it *item) error {
	if err := r.Decide(it.Item); err != nil {
		return err
	}
	r.later(it)
	return nil
}

// wait remembers the item's references to what comes later, once it is kept.
func (it *item) wait() {
	for _, l := range it.late {
		l.known = it.Known
		it.r.late = append(it.r.late, l)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
