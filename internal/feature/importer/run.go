package importer

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/secret"
	"strongroom/internal/core/tenant"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/importer/itglue"
)

// run is one import, or one dry run of it.
type run struct {
	m      *Importer
	ctx    context.Context //nolint:containedctx // the life of a run is one call
	c      *access.Caller
	o      Options
	x      *itglue.Export
	own    *itglue.Manifest // of an export that Strongroom made
	dry    bool
	tenant *tenant.Tenant
	key    []byte // of the hashes of rows

	report   *Report
	tell     func(Progress)
	progress Progress

	look    lookup
	pending []*item
	ahead   *secret.Ahead // for the secrets of pending
	saving  *saving
	size    int // bytes of pending
	pseudo  id.ID
	docs    docs
	second  bool // the second time through the documents
	leads   []leads
	late    []late
	assets  []*assetTable

	job             *job.Run // nil without one
	earlier, memory memory   // of earlier attempts; with what this one did
}

// Check tells what an import would do, and changes nothing. Fault kinds: Denied
// for a caller who may not import, Invalid for a file that cannot be read as an
// export.
func (m *Importer) Check(ctx context.Context, c *access.Caller, s Source, o Options) (*Report, error) {
	return m.run(ctx, c, s, o, true, func(Progress) {}, nil)
}

// Run imports an export. tell, when not nil, is told of the progress. When it
// ends with an error, what was imported stays, and the same import again goes on
// from there. Fault kinds as for Check.
func (m *Importer) Run(ctx context.Context, c *access.Caller, s Source, o Options, tell func(Progress)) (*Report, error) {
	if tell == nil {
		tell = func(Progress) {}
	}
	return m.run(ctx, c, s, o, false, tell, nil)
}

func (m *Importer) run(ctx context.Context, c *access.Caller, s Source, o Options, dry bool, tell func(Progress), j *job.Run) (*Report, error) {
	if err := m.allowed(ctx, c); err != nil {
		return nil, err
	}
	in, err := m.open(ctx, c, s)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	x, err := itglue.Open(in, in.Size, o.Password)
	if err != nil {
		return nil, err
	}
	t, err := m.Gate.House.Open(ctx, c.Tenant)
	if err != nil {
		return nil, err
	}
	defer t.Release()
	r := &run{m: m, ctx: ctx, c: c, o: o, x: x, dry: dry, tenant: t, report: newReport(dry), ahead: new(secret.Ahead), tell: tell, job: j}
	if j != nil {
		if _, err := j.Load(&r.earlier); err != nil {
			return nil, err
		}
		r.memory = r.earlier
	}
	if r.key, err = hkdf.Key(sha256.New, t.Keys.Index, nil, "strongroom/import/row/1", 32); err != nil {
		return nil, err
	}
	if !dry && r.earlier.Kinds == nil {
		if err := r.begin(in.Name); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(r.all(), r.wait()); err != nil {
		return nil, err
	}
	r.finish()
	return r.report, nil
}

// allowed refuses before anything is read.
func (m *Importer) allowed(ctx context.Context, c *access.Caller) error {
	return m.Gate.View(ctx, c, func(tx *gate.Tx) error {
		_, err := tx.Allow(access.Import, gate.Thing{})
		return err
	})
}

// begin records that an import was asked for.
func (r *run) begin(name string) error {
	return r.m.Gate.Change(r.ctx, r.c, access.Import, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Entry().Detail.Name = name
		return r.note(tx, "organization", created, 0)
	})
}

// all goes through the parts of an export in the order in which they refer to
// each other.
func (r *run) all() error {
	r.report.problem(r.x.Notes()...)
	var err error
	if r.own, err = r.x.Manifest(); err != nil {
		return err
	}
	if err := r.findAssets(); err != nil {
		return err
	}
	if err := r.load(); err != nil {
		return err
	}
	if err := r.total(); err != nil {
		return err
	}
	for _, step := range r.steps() {
		if err := step(); err != nil {
			return err
		}
		if err := r.flush(); err != nil {
			return err
		}
	}
	return r.others()
}

// steps are the parts, in their order.
func (r *run) steps() []func() error {
	var steps []func() error
	add := func(f func() error) { steps = append(steps, f) }
	add(r.ownLists)
	for _, t := range r.tables() {
		if t.name == "passwords" { // may be embedded in documents
			add(r.ownFolders)
			add(func() error { return r.table(r.documentSpec(createDocument)) })
			for _, k := range r.otherKinds() {
				add(func() error { return r.ownKind(k) })
			}
			add(r.designAssets)
			add(r.assetRows)
		}
		add(func() error { return r.table(t) })
	}
	add(func() error { r.second = true; return r.table(r.documentSpec(completeDocument)) })
	add(r.ownSections)
	add(r.links)
	add(r.completeKinds)
	add(r.attachments)
	add(r.fieldFiles)
	add(r.ownRelations)
	add(r.ownRefs)
	return steps
}

// total counts what there is to do.
func (r *run) total() error {
	r.indexDocuments()
	for _, t := range r.tables() {
		n, err := r.x.Count(t.name)
		if err != nil {
			return err
		}
		r.progress.Total += n
	}
	for _, t := range r.assets {
		n, err := r.x.Count(t.name)
		if err != nil {
			return err
		}
		r.progress.Total += n
	}
	for _, k := range r.otherKinds() {
		if err := r.eachLine(itglue.KindFile(k.Plural), func([]byte) error { r.progress.Total++; return nil }); err != nil {
			return err
		}
	}
	n, err := r.x.Count("documents")
	r.progress.Total += 2*n + r.fileTotal()
	return err
}

func (r *run) stage(name string) {
	r.progress.Stage = name
	r.say()
}

func (r *run) say() {
	r.progress.Counts = r.report.Counts
	r.tell(r.progress)
}

func (r *run) problem(file string, line int, s itglue.Severity, hint, format string, args ...any) {
	r.report.problem(Problem{File: file, Line: line, Severity: s, Text: fmt.Sprintf(format, args...), Hint: hint})
}

// table imports the rows of one table.
func (r *run) table(s *tableSpec) error {
	r.stage(s.stage)
	t, err := r.x.Table(s.name, s.required, s.reads)
	if fault.Is(err, fault.Invalid) {
		said := fault.Say(err)
		r.problem(r.x.File(s.name), 0, itglue.Error, said.Hint, "%s", said.Text+" Nothing of it was imported.")
		return nil
	}
	if err != nil {
		return err
	}
	if t == nil {
		return s.end(r)
	}
	defer t.Close()
	extras, err := r.extras(s.name)
	if err != nil {
		return err
	}
	defer extras.close()
	quiet := s.name == "documents" && r.second // said the first time
	for {
		row, err := t.Next()
		if list := t.Problems(false); !quiet {
			r.report.problem(list...)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if fault.Is(err, fault.Invalid) {
			said := fault.Say(err)
			r.problem(t.Name, 0, itglue.Error, said.Hint, "%s", said.Text+" The rows before it were read, those after it were not.")
			break
		}
		if err != nil {
			return err
		}
		if err := r.row(s, t.Name, row, extras); err != nil {
			return err
		}
	}
	if !quiet {
		for range t.Skipped() {
			r.report.count(s.kind, skipped)
		}
		r.report.problem(t.Problems(true)...)
		extras.left(r)
	}
	return s.end(r)
}

func (s *tableSpec) end(r *run) error {
	if s.last == nil {
		return nil
	}
	return s.last(s)
}

// row builds an item of one row and decides what becomes of it.
func (r *run) row(s *tableSpec, file string, row itglue.Row, extras *extras) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if r.progress.Done++; r.progress.Done%500 == 0 {
		r.say()
	}
	it := &item{r: r, kind: s.kind, table: s.name, file: file, line: row.Line, row: row, values: map[string]any{}}
	if it.foreign = row.Get("id"); it.foreign == "" {
		return it.skip("Give every row its id.", "Line %d of %s has no id and was skipped.", row.Line, file)
	}
	it.extra = extras.take(it.foreign)
	var err error
	if it.past, err = extras.history(it.foreign); err != nil {
		return err
	}
	if s.org {
		org, err := r.organization(it)
		if err != nil || org == nil {
			return err
		}
		it.org = org
		it.values["organization_id"] = org.rec
	}
	if row.Has("archived") {
		it.bool("archived", "archived")
	}
	if err := it.apply(); err != nil {
		return err
	}
	if err := s.build(r, it); err != nil {
		return err
	}
	if it.kind != "document" { // whose builders decide themselves
		if err := r.decide(it); err != nil {
			return err
		}
	}
	r.giveNames(it)
	return nil
}

// giveNames remembers the names by which later rows refer to this one.
func (r *run) giveNames(it *item) {
	if it.known == nil {
		return
	}
	switch it.kind {
	case flexibleasset.Kind:
		r.noteAsset(it)
	case "organization":
		r.look.nameOrg(it.values.Text("name"), it.known)
	case "location":
		r.giveName(it.kind, it.org, it.values.Text("name"), it.known)
	case "contact":
		r.giveName(it.kind, it.org, it.values.Text("first_name")+" "+it.values.Text("last_name"), it.known)
	}
}

// others lists what has no kind here.
func (r *run) others() error {
	known := []string{"documents"}
	for _, t := range r.tables() {
		known = append(known, strings.ReplaceAll(t.name, "_", "-"))
	}
	for _, k := range r.otherKinds() {
		known = append(known, k.JSONType())
	}
	var folders []string
	for _, t := range r.assets {
		known = append(known, t.name)
		folders = append(folders, sortedKeys(t.folders)...)
	}
	list, err := r.x.Others(known, folders)
	if err != nil {
		return err
	}
	for _, o := range list {
		r.report.Unknown = append(r.report.Unknown, Unknown{o.File, o.Rows, unknownNote(o.File)})
	}
	return r.foreignKinds()
}

// finish closes the report.
func (r *run) finish() {
	r.recall()
	for _, s := range []itglue.Severity{itglue.Error, itglue.Warning, itglue.Info} {
		if n := r.report.more[s] - maxProblems; n > 0 {
			r.report.Problems = append(r.report.Problems, Problem{Severity: s, Text: fmt.Sprintf("%d more like these (%s) are not listed.", n, s)})
		}
	}
	r.progress.Done = r.progress.Total
	r.stage("Done")
}
