// Package exporter writes a tenant, or one organization of it, as an IT Glue
// export zip.
//
// Always true: whoever exports sees in the zip what she may see here, and no
// more; each secret in it was granted by the gate and is recorded; nothing but
// the zip is written, as a stream, and no transaction is open meanwhile; what
// the layout cannot hold lies under strongroom/ in the same zip, so that
// importing it elsewhere (feature/importer) gives the same content.
package exporter

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"strongroom/internal/base/archive"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/exporter/order"
	"strongroom/internal/feature/exporter/policy"
	"strongroom/internal/feature/importer/itglue"
)

// Exporter writes exports. Fill the fields; it then is safe for concurrent use.
type Exporter struct {
	Gate    *gate.Gate
	Records *record.Engine
	Files   *attachment.Store
	Secrets *secret.Revealer
	Jobs    *job.Runner      // for Start
	Now     func() time.Time // nil is time.Now

	// Sealed adds what lies in vaults to an export of everything; nil for nothing.
	Sealed func(ctx context.Context, c *access.Caller, add func(name string) (io.Writer, error)) (people int, err error)
	// Fields gives the values of sealed fields, each looked at and recorded; nil for none.
	Fields func(ctx context.Context, c *access.Caller, refs []secret.Ref, reason string, give func(ref secret.Ref, value any, withheld error) error) error
	Cost   Cost // of the passwords of files; zero is that of files for people
}

// Cost is what it takes to try the password of a file: KiB and passes of Argon2id. Any but
// the zero Cost has the formats without Argon2 take as little as they can.
type Cost struct{ Memory, Passes uint32 }

// Options say what to export.
type Options = order.Options

// Progress tells how far an export is.
type Progress struct {
	Stage string
	Done  int64 // records and files
	Total int64
}

// Report tells what an export holds.
type Report struct {
	Kinds map[string]int64 // records by kind, attachment and relation included
	Bytes int64            // of the zip
	// Withheld counts the secrets left out because they are not shown without an
	// approval that the exporting caller does not have, and the values of sealed fields
	// that the tenant's setting keeps out.
	Withheld int64
	Policy   bool // all secrets were left out, because of the tenant's setting
}

// run is one export.
type run struct {
	e   *Exporter
	ctx context.Context //nolint:containedctx // the life of a run is one call
	c   *access.Caller
	o   Options
	zip *archive.Writer
	now time.Time

	ids     map[string][]id.ID // by table, in the order of their rows
	tableOf map[id.ID]string
	folders map[id.ID]folder
	names   []itglue.FileEntry // of files whose entries are called otherwise
	sheets  []*assetSheet
	sheetOf map[id.ID]*assetSheet // by asset

	withheld []itglue.Withheld
	fields   bool                // sealed ones go out
	looked   map[secret.Ref]bool // the sealed values that were come by, and whether they were given
	lacking  map[lacking]int     // left out by the setting

	report   *Report
	progress Progress
	tell     func(Progress)
}

// counted counts what goes out.
type counted struct {
	io.Writer
	n int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.n += int64(n)
	return n, err
}

// Export writes the zip to w. tell, when not nil, is told of the progress. When
// it fails, what was written is no zip. Fault kinds: Denied for a caller who may
// not export or may not see one of the secrets, NotFound for an organization
// that she may not see, Unavailable while the key service is away.
func (e *Exporter) Export(ctx context.Context, c *access.Caller, w io.Writer, o Options, tell func(Progress)) (*Report, error) {
	if tell == nil {
		tell = func(Progress) {}
	}
	if err := o.Check(); err != nil {
		return nil, err
	}
	if o.Reason == "" {
		o.Reason = "Export"
	}
	out := &counted{Writer: w}
	r := &run{e: e, ctx: ctx, c: c, o: o, zip: archive.Create(out, o.Password), now: time.Now(), tell: tell,
		ids: map[string][]id.ID{}, tableOf: map[id.ID]string{}, report: &Report{Kinds: map[string]int64{}}, looked: map[secret.Ref]bool{}, lacking: map[lacking]int{}}
	if e.Now != nil {
		r.now = e.Now()
	}
	err := e.Gate.Change(ctx, c, access.Export, r.thing(), func(tx *gate.Tx) error {
		if err := r.policy(tx); err != nil {
			return err
		}
		if r.o.NoSecrets {
			tx.Entry().Detail.Text = "without passwords"
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if o.Portable() {
		err = r.portable(out)
	} else if err = r.all(); err == nil {
		err = r.zip.Close()
	}
	if err != nil {
		return nil, err
	}
	r.report.Bytes = out.n
	return r.report, nil
}

func (r *run) all() error {
	if err := r.view(r.plan); err != nil {
		return err
	}
	if err := r.manifest(); err != nil {
		return err
	}
	for _, step := range []func() error{r.lists, r.allFolders, r.tables, r.kinds, r.assetTables, r.documents, r.sections, r.history, r.attachments, r.fileNames, r.relations, r.comments, r.refs, r.sealed, r.lacks} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// sealed adds vaults, as they are.
func (r *run) sealed() error {
	if r.e.Sealed == nil || r.o.Org != 0 {
		return nil
	}
	n, err := r.e.Sealed(r.ctx, r.c, r.add)
	if n > 0 {
		r.did("vaults", n)
	}
	return err
}

// lacks names the secrets that were withheld.
func (r *run) lacks() error {
	out := &lines{r: r, name: itglue.WithheldFile}
	for _, x := range r.withheld {
		if err := out.put(x); err != nil {
			return err
		}
	}
	return r.sealedLacks(out)
}

// view reads one part of the export. An export goes on for long: at each part it
// is looked again whether the caller still is somebody who may do this.
func (r *run) view(fn func(tx *gate.Tx) error) error {
	return r.e.Gate.View(r.ctx, r.c, func(tx *gate.Tx) error {
		if err := tx.Renew(); err != nil {
			return err
		}
		r.c = tx.Caller
		if _, err := tx.Allow(access.Export, r.thing()); err != nil {
			return err
		}
		if err := r.policy(tx); err != nil {
			return err
		}
		return fn(tx)
	})
}

// policy leaves the secrets out from here on when the tenant's setting does not let the
// caller have them.
func (r *run) policy(tx *gate.Tx) error {
	ok, err := policy.Allows(tx)
	if !ok && !r.o.NoSecrets {
		r.o.NoSecrets, r.report.Policy = true, true
	}
	if err == nil {
		r.fields, err = policy.Fields(tx)
	}
	return err
}

// thing is what is exported.
func (r *run) thing() gate.Thing {
	if r.o.Org != 0 {
		return gate.Thing{Kind: "organization", ID: r.o.Org}
	}
	return gate.Thing{}
}

func (r *run) stage(name string) {
	r.progress.Stage = name
	r.tell(r.progress)
}

func (r *run) did(kind string, n int) {
	r.report.Kinds[kind] += int64(n)
	r.progress.Done += int64(n)
	r.tell(r.progress)
}

func (r *run) add(name string) (io.Writer, error) { return r.zip.Add(name, r.now) }

func (r *run) manifest() error {
	w, err := r.add(itglue.ManifestFile)
	if err != nil {
		return err
	}
	t, err := r.e.Gate.House.Open(r.ctx, r.c.Tenant)
	if err != nil {
		return err
	}
	defer t.Release()
	m := itglue.Manifest{Format: itglue.Format, Product: "Strongroom", Tenant: t.ID, Made: r.now.UTC().Format(time.RFC3339)}
	if r.o.Org != 0 {
		m.Organization = r.o.Org.String()
	}
	return json.NewEncoder(w).Encode(m)
}

// lines writes an entry of JSON lines when there are some.
type lines struct {
	r    *run
	name string
	enc  *json.Encoder
}

func (l *lines) put(v any) error {
	if l.enc == nil {
		w, err := l.r.add(l.name)
		if err != nil {
			return err
		}
		l.enc = json.NewEncoder(w)
		l.enc.SetEscapeHTML(false)
	}
	return l.enc.Encode(v)
}

// plan finds out what is exported and in which order.
func (r *run) plan(tx *gate.Tx) error {
	for _, t := range r.tableSpecs() {
		if err := r.planTable(tx, t.kind, t.table); err != nil {
			return err
		}
	}
	for _, k := range r.otherKinds() {
		if err := r.planTable(tx, k.Name, k.Plural); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) planTable(tx *gate.Tx, kind, table string) error {
	ids, err := r.idsOf(tx, kind)
	if err != nil {
		return err
	}
	r.ids[table] = ids
	for _, n := range ids {
		r.tableOf[n] = table
	}
	r.progress.Total += int64(len(ids))
	return nil
}

func (r *run) idsOf(tx *gate.Tx, kind string) ([]id.ID, error) {
	cond, args := tx.Visible("r")
	q := `select r.id from record r where r.kind = ? and r.trashed_at is null and ` + cond
	args = append([]any{kind}, args...)
	if r.o.Org != 0 && r.e.Records.Kinds.Kind(kind).Scope != record.OfTenant {
		q, args = q+` and r.org_id = ?`, append(args, int64(r.o.Org))
	}
	var out []id.ID
	err := each(tx, func(n []int64) { out = append(out, id.ID(n[0])) }, 1, q+` order by r.id`, args...)
	above := r.e.Records.Kinds.Kind(kind).Above()
	if err != nil || above == nil {
		return out, err
	}
	return parentsFirst(tx, kind, above.Name, out)
}

// each calls f with every row of n integers.
func each(tx *gate.Tx, f func([]int64), n int, q string, args ...any) error {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	cells := make([]int64, n)
	dest := make([]any, n)
	for i := range cells {
		dest[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		f(cells)
	}
	return rows.Err()
}

// parentsFirst sorts a tree so that what is above comes before what is below.
func parentsFirst(tx *gate.Tx, kind, field string, ids []id.ID) ([]id.ID, error) {
	above := map[id.ID]id.ID{}
	err := each(tx, func(n []int64) { above[id.ID(n[0])] = id.ID(n[1]) }, 2,
		`select k.id, k.`+field+` from k_`+kind+` k where k.`+field+` is not null`)
	if err != nil {
		return nil, err
	}
	levels := map[int][]id.ID{}
	deepest := 0
	for _, n := range ids {
		depth := 0
		for at := above[n]; at != 0 && depth < 64; at = above[at] {
			depth++
		}
		levels[depth] = append(levels[depth], n)
		deepest = max(deepest, depth)
	}
	out := ids[:0:0]
	for d := range deepest + 1 {
		out = append(out, levels[d]...)
	}
	return out, nil
}

// chunk is how many records are read in one transaction.
const chunk = 500

// records calls f with the records of the ids, some at a time and in their
// order; those that are gone meanwhile are left out.
func (r *run) records(kind string, ids []id.ID, size int, f func([]*record.Record) error) error {
	for len(ids) > 0 {
		part := ids[:min(len(ids), size)]
		ids = ids[len(part):]
		list, err := r.load(kind, part)
		if err != nil {
			return err
		}
		if err := f(list); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) load(kind string, ids []id.ID) ([]*record.Record, error) {
	var values []any
	for _, n := range ids {
		values = append(values, n)
	}
	found := map[id.ID]*record.Record{}
	err := r.view(func(tx *gate.Tx) error {
		p, err := r.e.Records.List(tx, kind, record.Query{Filters: []record.Filter{{Field: "id", Op: record.Eq, Values: values}}, Limit: len(ids), NoTotal: true,
			Sort: []record.Order{{Field: "id"}}})
		if err != nil {
			return err
		}
		for _, rec := range p.Records {
			found[rec.ID] = rec
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []*record.Record
	for _, n := range ids {
		if rec := found[n]; rec != nil {
			out = append(out, rec)
		}
	}
	return out, r.unseal(out)
}

// gone tells whether a record is no longer there.
func gone(err error) bool { return fault.Is(err, fault.NotFound) }

// Everything writes everything that the caller may see to w: Export for who makes
// exports again and again.
func (e *Exporter) Everything(ctx context.Context, c *access.Caller, w io.Writer, reason string, secrets bool, tell func(stage string, done, total int64)) (withheld int64, err error) {
	report, err := e.Export(ctx, c, w, Options{Reason: reason, NoSecrets: !secrets}, func(p Progress) { tell(p.Stage, p.Done, p.Total) })
	if err != nil {
		return 0, err
	}
	return report.Withheld, nil
}
