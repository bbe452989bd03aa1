package audit_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/tenant"
)

// book is a house whose log has some entries and checkpoints.
type book struct {
	*coretest.House
	t      *testing.T
	tenant *tenant.Tenant
	org    id.ID
	editor *access.Caller
}

func open(t *testing.T) *book {
	h := coretest.Open(t, coretest.Options{})
	b := &book{House: h, t: t, tenant: h.Tenant()}
	b.org = h.Org("Harbour")
	b.editor = h.User(access.Editor, b.org)
	b.work("first", 3)
	b.sign()
	b.work("second", 3)
	b.sign()
	b.work("third", 2)
	return b
}

// work makes n entries of the editor.
func (b *book) work(reason string, n int) {
	b.t.Helper()
	c := *b.editor
	c.Reason = reason
	for i := range n {
		err := b.Gate.Change(b.t.Context(), &c, access.Create, gate.Thing{Kind: "document", Org: b.org}, func(tx *gate.Tx) error {
			_, err := b.Records.Create(tx, "document", record.Values{"name": fmt.Sprint(reason, " ", i), "organization_id": b.org})
			return err
		})
		if err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *book) sign() bool {
	b.t.Helper()
	done, err := audit.Sign(b.t.Context(), b.tenant.DB, b.tenant.ID, b.Keys.Client, b.Clock.Now().UnixMilli())
	if err != nil {
		b.t.Fatal(err)
	}
	return done
}

func (b *book) verify() audit.Report {
	b.t.Helper()
	r, err := audit.Verify(b.t.Context(), b.tenant.DB, b.tenant.Audit, b.tenant.Keys.CheckpointKey)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *book) export(details bool) string {
	b.t.Helper()
	var w bytes.Buffer
	if err := audit.Export(b.t.Context(), b.tenant.DB, b.tenant.Audit, b.tenant.Keys.CheckpointKey, &w, 1, details); err != nil {
		b.t.Fatal(err)
	}
	return w.String()
}

func (b *book) exec(q string, args ...any) {
	b.t.Helper()
	err := b.tenant.DB.Change(b.t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(q, args...)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *book) size() (n int64) {
	b.t.Helper()
	err := b.tenant.DB.View(b.t.Context(), func(tx *sqldb.Tx) error {
		var err error
		n, _, err = audit.Head(tx)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func TestVerify(t *testing.T) {
	b := open(t)
	n := b.size()
	r := b.verify()
	if r.Bad != nil || r.Entries != n || r.Checkpoints != 2 || r.Signed != n-2 || r.Details != n || r.Erased != 0 {
		t.Errorf("%d entries: %+v", n, r)
	}
	if b.sign(); b.sign() {
		t.Error("the same head was signed twice")
	}
	if r := b.verify(); r.Signed != n || !strings.Contains(r.String(), fmt.Sprintf("All %d entries verify", n)) {
		t.Errorf("after signing: %s", r)
	}
	if _, err := audit.Verify(t.Context(), b.tenant.DB, b.tenant.Audit, "no key"); !fault.Is(err, fault.Invalid) {
		t.Errorf("without a key: %v", err)
	}
	_, stranger, err := note.GenerateKey(rand.Reader, "strongroom/"+b.tenant.ID)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := audit.Verify(t.Context(), b.tenant.DB, b.tenant.Audit, stranger); err != nil || r.Bad == nil {
		t.Errorf("with a stranger's key: %+v, %v", r, err)
	}
}

func TestVerifyManyPages(t *testing.T) {
	b := open(t)
	const many = 2100
	err := b.tenant.DB.Change(t.Context(), func(tx *sqldb.Tx) error {
		for range many {
			if err := b.tenant.Audit.Append(tx, &audit.Entry{Action: "x", Result: audit.OK, Detail: audit.Detail{Text: "\xff<&>\u2028"}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.sign()
	if r := b.verify(); r.Bad != nil || r.Entries < many || r.Signed != r.Entries {
		t.Errorf("%+v", r)
	}
	if r, err := audit.VerifyExport(strings.NewReader(b.export(true)), b.tenant.Keys.CheckpointKey); err != nil || r.Bad != nil || r.Signed < many || r.Details != r.Entries {
		t.Errorf("%+v, %v", r, err)
	}
	b.exec(`update audit_entry set time = time + 1 where seq = 2000`)
	if r := b.verify(); r.Bad == nil || r.Bad.Seq != 2000 {
		t.Errorf("%+v", r)
	}
}

// Whatever is altered in whatever column is found, and the entry is named.
func TestTampering(t *testing.T) {
	const seq = 6 // covered by the first checkpoint or the second
	for name, c := range map[string]struct {
		q   string
		seq int64 // -1: any
	}{
		"time":                    {`update audit_entry set time = time + 1 where seq = 6`, seq},
		"actor":                   {`update audit_entry set actor = 0 where seq = 6`, seq},
		"behalf":                  {`update audit_entry set behalf = 1 where seq = 6`, seq},
		"via":                     {`update audit_entry set via = 'job' where seq = 6`, seq},
		"session":                 {`update audit_entry set session = 'x' where seq = 6`, seq},
		"action":                  {`update audit_entry set action = 'view' where seq = 6`, seq},
		"kind":                    {`update audit_entry set kind = 'x' where seq = 6`, seq},
		"object":                  {`update audit_entry set object = object + 1 where seq = 6`, seq},
		"org":                     {`update audit_entry set org = 0 where seq = 6`, seq},
		"version":                 {`update audit_entry set version = 9 where seq = 6`, seq},
		"result":                  {`update audit_entry set result = 'refused' where seq = 6`, seq},
		"level":                   {`update audit_entry set level = 2 where seq = 6`, seq},
		"cites":                   {`update audit_entry set cites = 1 where seq = 6`, seq},
		"count":                   {`update audit_entry set count = 2 where seq = 6`, seq},
		"digest":                  {`update audit_entry set digest = hash where seq = 6`, seq},
		"hash":                    {`update audit_entry set hash = digest where seq = 6`, seq},
		"detail":                  {`update audit_entry set detail = digest where seq = 6`, seq},
		"detail of another":       {`update audit_entry set detail = (select o.detail from audit_entry o where o.seq = 7) where seq = 6`, seq},
		"detail taken away":       {`update audit_entry set detail = null where seq = 6`, seq},
		"person's key":            {`delete from audit_person where person <> 0`, -1},
		"person's key replaced":   {`update audit_person set sealed = (select o.sealed from audit_person o where o.person = 0)`, -1},
		"entry taken away":        {`delete from audit_entry where seq = 6`, seq},
		"first taken away":        {`delete from audit_entry where seq = 0`, 0},
		"number":                  {`update audit_entry set seq = 1000 where seq = 6`, seq},
		"head":                    {`update audit_head set size = size`, -2},
		"checkpoint altered":      {`update audit_checkpoint set note = replace(note, 'time', 'tame')`, 0},
		"checkpoint moved":        {`update audit_checkpoint set size = size - 1`, -1},
		"checkpoint's time":       {`update audit_checkpoint set time = time + 1`, -1},
		"checkpoint of the other": {`update audit_checkpoint set note = (select max(o.note) from audit_checkpoint o)`, -1},
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t)
			b.exec(c.q)
			r := b.verify()
			if c.seq == -2 {
				if r.Bad != nil {
					t.Errorf("nothing was altered, but %s", r)
				}
				return
			}
			if r.Bad == nil || c.seq >= 0 && r.Bad.Seq != c.seq || !strings.HasSuffix(r.Bad.What, ".") {
				t.Errorf("%s", r)
			}
		})
	}
}

// rewrite appends the given entries again from scratch, as somebody would who
// holds the database and its key: hashes and head agree with each other.
func (b *book) rewrite(list []*audit.Entry) {
	b.t.Helper()
	b.exec(`delete from audit_entry`)
	b.exec(`delete from audit_head`)
	err := b.tenant.DB.Change(b.t.Context(), func(tx *sqldb.Tx) error { return b.tenant.Audit.Append(tx, list...) })
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *book) entries() (list []*audit.Entry) {
	b.t.Helper()
	err := b.tenant.DB.View(b.t.Context(), func(tx *sqldb.Tx) error {
		var err error
		list, err = b.tenant.Audit.From(tx, 0, 1000)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

// A history that was rewritten as a whole agrees with itself, but not with what
// was signed; the key service signs nothing that is shorter than before.
func TestRewrittenHistory(t *testing.T) {
	b := open(t)
	all := b.entries()
	b.rewrite(all)
	if r := b.verify(); r.Bad == nil || r.Bad.Seq != 0 || !strings.Contains(r.Bad.What, "signed on") {
		t.Errorf("rewritten: %s", r)
	}
	b = open(t)
	all = b.entries()
	b.rewrite(all[:len(all)-4])
	if r := b.verify(); r.Bad == nil {
		t.Errorf("shortened: %s", r)
	}
	if _, err := audit.Sign(t.Context(), b.tenant.DB, b.tenant.ID, b.Keys.Client, 1); !fault.Is(err, fault.Conflict) {
		t.Errorf("a shortened log was signed: %v", err)
	}
}

func TestLastEntriesDeleted(t *testing.T) {
	b := open(t)
	b.sign()
	n := b.size()
	b.exec(`delete from audit_entry where seq >= ?`, n-2)
	if r := b.verify(); r.Bad == nil || r.Bad.Seq != n-2 {
		t.Errorf("without the last two entries: %s", r)
	}

	// The same with a head that was taken from an earlier day.
	b = open(t)
	var front []byte
	err := b.tenant.DB.View(t.Context(), func(tx *sqldb.Tx) error {
		return tx.QueryRow(`select frontier from audit_head`).Scan(&front)
	})
	if err != nil {
		t.Fatal(err)
	}
	n = b.size()
	b.work("later", 2)
	b.sign()
	b.exec(`delete from audit_entry where seq >= ?`, n)
	b.exec(`update audit_head set size = ?, frontier = ?`, n, front)
	if r := b.verify(); r.Bad == nil || r.Bad.Seq != n || !strings.Contains(r.Bad.What, "taken away") {
		t.Errorf("with the head of an earlier day: %s", r)
	}
	b.exec(`update audit_head set frontier = ?`, []byte{1})
	if r := b.verify(); r.Bad == nil {
		t.Errorf("with a head that cannot be read: %s", r)
	}
}

func TestEntriesBehindTheHead(t *testing.T) {
	b := open(t)
	n := b.size()
	b.exec(`insert into audit_entry (seq, time, actor, via, session, action, kind, object, org, result, level, digest, hash)
		select ?, time, actor, via, session, action, kind, object, org, result, level, digest, hash from audit_entry where seq = 0`, n)
	if r := b.verify(); r.Bad == nil || r.Bad.Seq != n {
		t.Errorf("%s", r)
	}
}

// TestTakenDetails: a detail may be taken away where an entry says so in its leaf, and
// nowhere else.
func TestTakenDetails(t *testing.T) {
	b := open(t)
	b.work("one", 4)
	size := b.size()
	err := b.tenant.DB.Change(t.Context(), func(tx *sqldb.Tx) error {
		said, err := b.tenant.Audit.Take(tx, 1, 2)
		if err != nil {
			return err
		}
		said.Via, said.Result, said.Time = "job", audit.OK, 1
		return b.tenant.Audit.Append(tx, said)
	})
	if err != nil {
		t.Fatal(err)
	}
	b.sign()
	if r := b.verify(); r.Bad != nil || r.Erased != 2 || r.Details != size+1-2 {
		t.Errorf("%+v", r)
	}
	if r, err := audit.VerifyExport(strings.NewReader(b.export(true)), b.tenant.Keys.CheckpointKey); err != nil || r.Bad != nil || r.Erased != 2 {
		t.Errorf("the export: %+v, %v", r, err)
	}
	b.exec(`update audit_entry set detail = null where seq = 3`)
	if r := b.verify(); r.Bad == nil || r.Bad.Seq != 3 {
		t.Errorf("a detail that no entry speaks of: %+v", r)
	}
}

func TestErasedPersonStillVerifies(t *testing.T) {
	b := open(t)
	b.sign()
	of := int64(0)
	for _, e := range b.entries() {
		if e.Actor == b.editor.User {
			of++
			if e.Detail.Reason == "" || e.Detail.Name == "" {
				t.Errorf("before: %+v", e.Detail)
			}
		}
	}
	err := b.tenant.DB.Change(t.Context(), func(tx *sqldb.Tx) error { return b.tenant.Audit.Erase(tx, b.editor.User) })
	if err != nil {
		t.Fatal(err)
	}
	b.work("after the erasure", 1)
	of++
	r := b.verify()
	if r.Bad != nil || r.Erased != of || r.Details != r.Entries-of || of < 8 {
		t.Errorf("%d entries of the person: %+v", of, r)
	}
	for _, e := range b.entries() {
		if e.Actor == b.editor.User && (!e.Erased || e.Detail.Reason != "" || e.Detail.Name != "") {
			t.Errorf("after: %+v", e.Detail)
		}
	}
	x := b.export(true)
	for _, word := range []string{"first", "second", "after the erasure"} {
		if strings.Contains(x, word) {
			t.Errorf("the export has what an erased person wrote: %q", word)
		}
	}
	if r, err := audit.VerifyExport(strings.NewReader(x), b.tenant.Keys.CheckpointKey); err != nil || r.Bad != nil || r.Erased != of {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestExport(t *testing.T) {
	b := open(t)
	key := b.tenant.Keys.CheckpointKey
	n := b.size()
	with, without := b.export(true), b.export(false)
	for name, x := range map[string]string{"with details": with, "without": without} {
		r, err := audit.VerifyExport(strings.NewReader(x), key)
		if err != nil || r.Bad != nil || r.Entries != n || r.Signed != n-2 || r.Checkpoints != 2 || r.Tenant != b.tenant.ID || r.Root != b.verify().Root {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	if !strings.Contains(with, "second 1") || strings.Contains(without, "second 1") || strings.Contains(without, "Editor") {
		t.Error("details are where they should not be, or not where they should be")
	}

	lines := strings.SplitAfter(strings.TrimSuffix(with, "\n"), "\n")
	cut := func(from, to int) string {
		return strings.Join(append(append([]string{}, lines[:from]...), lines[to:]...), "")
	}
	swap := append([]string{}, lines...)
	swap[3], swap[4] = swap[4], swap[3]
	for name, x := range map[string]string{
		"an entry taken away":     cut(3, 4),
		"the end taken away":      cut(len(lines)-1, len(lines)),
		"the last entries":        cut(len(lines)-3, len(lines)-1),
		"two entries swapped":     strings.Join(swap, ""),
		"an entry twice":          strings.Join(lines[:4], "") + strings.Join(lines[3:], ""),
		"a detail altered":        strings.Replace(with, "second 1", "second 7", 1),
		"an action altered":       strings.Replace(with, `\"action\":\"create\"`, `\"action\":\"delete\"`, 1),
		"a member added":          strings.Replace(with, `{"leaf"`, `{"more":1,"leaf"`, 1),
		"a member of the leaf":    strings.Replace(with, `{\"seq\":2`, `{\"more\":1,\"seq\":2`, 1),
		"another tenant":          strings.Replace(with, `\"tenant\":\"`, `\"tenant\":\"0`, 1),
		"another key named":       strings.Replace(with, `"key":"`, `"key":"x`, 1),
		"a checkpoint's text":     strings.Replace(with, `time `, `time 1`, 1),
		"something after the end": with + "{}\n",
	} {
		if x == with {
			t.Fatalf("%s: nothing was altered", name)
		}
		if r, err := audit.VerifyExport(strings.NewReader(x), key); err != nil || r.Bad == nil {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	for name, x := range map[string]string{"nothing": "", "another file": "hello\n", "another format": strings.Replace(with, "audit-1", "audit-2", 1)} {
		if _, err := audit.VerifyExport(strings.NewReader(x), key); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := audit.VerifyExport(strings.NewReader(with), ""); !fault.Is(err, fault.Invalid) {
		t.Errorf("without a key: %v", err)
	}
	_, stranger, err := note.GenerateKey(rand.Reader, "strongroom/"+b.tenant.ID)
	if err != nil {
		t.Fatal(err)
	}
	forged := strings.Replace(with, key, stranger, 1)
	if r, err := audit.VerifyExport(strings.NewReader(forged), stranger); err != nil || r.Bad == nil {
		t.Errorf("checkpoints of another key: %+v, %v", r, err)
	}
}

func FuzzVerifyExport(f *testing.F) {
	_, key, err := note.GenerateKey(rand.Reader, "strongroom/0")
	if err != nil {
		f.Fatal(err)
	}
	head := `{"format":"strongroom-audit-1","tenant":"0","key":"` + key + `","time":1,"details":false}` + "\n"
	f.Add(`{"size":0,"root":"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}` + "\n")
	f.Add(`{"leaf":"{\"seq\":0}"}` + "\n")
	f.Add(`{"checkpoint":"strongroom/0\n0\n"}` + "\n")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := audit.VerifyExport(strings.NewReader(head+s), key)
		if err == nil && r.Bad == nil && r.Signed > 0 {
			t.Fatal("a file without a signature is covered by a checkpoint")
		}
	})
}
