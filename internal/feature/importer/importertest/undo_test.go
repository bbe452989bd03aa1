package importertest_test

import (
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/columns"
	"strongroom/internal/feature/importer/history"
	"strongroom/internal/feature/importer/undo"
)

// back takes the last import back and gives the report.
func (h *house) back(force bool) *undo.Report {
	h.t.Helper()
	ended := make(chan string, 8)
	r := h.runner(ended, h.im.Handler())
	u := h.undo()
	u.Jobs = r
	r.Handlers[undo.JobKind] = u.Handler()
	run := h.lastRun()
	started, err := u.Start(h.t.Context(), h.Admin(), run.ID, force)
	if err != nil {
		h.t.Fatal(err)
	}
	if state := h.serve(r, ended, nil); state != job.Done {
		h.t.Fatalf("the job ended as %s", state)
	}
	var out undo.Report
	h.View(h.Admin(), func(tx *gate.Tx) error {
		s, err := job.Get(tx, started)
		if err != nil {
			return err
		}
		return unmarshal(s.Result, &out)
	})
	return &out
}

func (h *house) undo() *undo.Undo {
	return &undo.Undo{Gate: h.Gate, Records: h.Records.Inside(), Secrets: &secret.Revealer{Gate: h.Gate, Keys: h.Keys.Client, Restored: h.Records.SecretRestored}, Relations: h.im.Relations, Now: h.Clock.Now}
}

func (h *house) lastRun() undo.Run {
	h.t.Helper()
	var run undo.Run
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := undo.List(tx, 1)
		if err == nil {
			run = list[0]
		}
		return err
	})
	return run
}

func (h *house) total(kind string) int {
	h.t.Helper()
	n := 0
	h.View(h.Admin(), func(tx *gate.Tx) error {
		p, err := h.Records.List(tx, kind, record.Query{Limit: 1000, NoTotal: true})
		if err == nil {
			n = len(p.Records)
		}
		return err
	})
	return n
}

func TestUndoOfATable(t *testing.T) {
	h := open(t)
	h.org("Acme")
	m := h.mapped(columns.Mapping{Kind: "rack", Match: columns.MatchName}, "name", "client", "height", "rack make", "door code")
	h.tableRun(tableFile(t, "name,client,height,rack make,door code\nR1,Acme,1,Rittal,one\nR2,Acme,2,,two\n"), m)
	second := tableFile(t, "name,client,height,rack make,door code\nR1,Acme,11,Other,new-one\nR2,Acme,12,,\nR3,Acme,3,Other,three\nR4,Acme,4,,\n")
	wants(t, h.tableRun(second, m), importer.Counts{Created: 3, Changed: 2})
	if run := h.lastRun(); run.Made != 3 || run.Changed != 2 || run.Name != "table.csv" {
		t.Errorf("the import is kept as %+v", run)
	}
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, "rack", h.one("rack", "R2").ID, 0, record.Values{"height": int64(99)})
		return err
	})

	preview, err := h.undo().Preview(t.Context(), h.Admin(), h.lastRun().ID, false)
	if err != nil {
		t.Fatal(err)
	}
	if preview.Trashed != 3 || preview.Restored != 1 || preview.Kept != 1 || preview.Left[0].Name != "R2" || !strings.Contains(preview.Left[0].Why, "changed since") {
		t.Errorf("the preview is %+v", preview)
	}
	if h.total("rack") != 4 {
		t.Error("the preview changed something")
	}
	got := h.back(false)
	if got.Trashed != 3 || got.Restored != 1 || got.Kept != 1 {
		t.Errorf("taking it back did %+v", got)
	}
	r1 := h.one("rack", "R1")
	if r1.Values["height"] != int64(1) || r1.Names["rack_make_id"] != "Rittal" {
		t.Errorf("R1 is %+v", r1.Values)
	}
	if s := h.reveal(r1.ID, "door_code"); s != "one" {
		t.Errorf("the code of R1 is %q", s)
	}
	if h.one("rack", "R2").Values["height"] != int64(99) || h.total("rack") != 2 || h.total("rack_make") != 1 {
		t.Error("what somebody changed was touched, or what was made is still there")
	}

	forced := h.back(true)
	if forced.Restored != 1 || forced.Kept != 0 || h.one("rack", "R2").Values["height"] != int64(2) {
		t.Errorf("when asked, it did %+v, R2 is %+v", forced, h.one("rack", "R2").Values)
	}
	wants(t, h.tableRun(second, m), importer.Counts{Created: 3, Changed: 2}) // again, as if it had not been
	if s := h.reveal(h.one("rack", "R1").ID, "door_code"); s != "new-one" {
		t.Errorf("the code of R1 is %q", s)
	}
}

func TestUndoOfAnExport(t *testing.T) {
	h := open(t)
	zip := files{
		"organizations.csv":  csv("id,name", "1,Acme", "2,Beta"),
		"locations.csv":      csv("id,organization,name", "11,Acme,HQ"),
		"configurations.csv": csv("id,organization,name,configuration_type,location", "21,Acme,SRV1,Odd type,HQ", "22,Beta,SRV2,Odd type,"),
		"passwords.csv":      csv("id,organization,name,username,password", "31,Acme,Root,root,hunter2"),
	}.pack(t, "")
	first := h.run(zip)
	if first.Created == 0 || len(first.Problems) > 0 {
		t.Fatalf("the import is %+v", first)
	}
	beta := h.one("organization", "Beta").ID
	var mine id.ID
	h.Change(func(tx *gate.Tx) error {
		rec, err := h.Records.Create(tx, "location", record.Values{"name": "Mine", "organization_id": beta})
		if err == nil {
			mine = rec.ID
		}
		return err
	})
	got := h.back(false)
	if got.Kept != 1 || got.Left[0].Record != beta || !strings.Contains(got.Left[0].Why, "holds") {
		t.Errorf("taking it back did %+v", got)
	}
	if h.total("configuration") != 0 || h.total("password") != 0 || h.total("organization") != 1 || h.one("location", "Mine").ID != mine {
		t.Error("what was made is there still, or what was not is gone")
	}
	again := h.run(zip)
	if again.Created != first.Created-1 || h.total("configuration") != 2 { // all but Beta
		t.Errorf("the same export again is %+v", again.Counts)
	}
}

// TestUndoOfFilesAndRelations: what an import adds to records that were here before goes,
// and nothing else.
func TestUndoOfFilesAndRelations(t *testing.T) {
	h := open(t)
	zip := files{
		"organizations.csv":  csv("id,name", "1,Acme"),
		"configurations.csv": csv("id,organization,name", "21,Acme,SRV1", "22,Acme,SRV2", "23,Acme,SRV3"),
	}
	h.run(zip.pack(t, ""))
	one, two, three := h.one("configuration", "SRV1").ID, h.one("configuration", "SRV2").ID, h.one("configuration", "SRV3").ID
	h.Change(func(tx *gate.Tx) error {
		_, err := h.im.Relations.Add(tx, one, three, "mine")
		return err
	})
	mine, err := h.im.Files.Add(t.Context(), h.Admin(), one, "mine.txt", strings.NewReader("mine"))
	if err != nil {
		t.Fatal(err)
	}
	zip["attachments/configurations/21/rack.txt"] = "rack"
	zip["attachments/configurations/21/kept.txt"] = "kept"
	if second := h.run(zip.pack(t, "")); second.Kinds["attachment"].Created != 2 {
		t.Fatalf("the second import is %+v", second.Counts)
	}
	list := h.attached(one)
	if len(list) != 3 {
		t.Fatalf("there are %d files", len(list))
	}
	h.relateIn(h.lastRun().ID, two, three)
	h.Clock.Advance(time.Minute)
	h.Change(func(tx *gate.Tx) error {
		for _, f := range list {
			if f.Name == "kept.txt" {
				_, err := attachment.Rename(tx, f.ID, "renamed.txt")
				return err
			}
		}
		return nil
	})

	preview, err := h.undo().Preview(t.Context(), h.Admin(), h.lastRun().ID, false)
	if err != nil || preview.Files != 1 || preview.Relations != 1 || preview.Kept != 1 {
		t.Fatalf("the preview is %+v, %v", preview, err)
	}
	got := h.back(false)
	if got.Files != 1 || got.Relations != 1 || got.Kept != 1 || got.Trashed != 0 || !strings.Contains(got.Left[0].Why, "renamed since") {
		t.Errorf("taking it back did %+v", got)
	}
	var names []string
	for _, f := range h.attached(one) {
		names = append(names, f.Name)
	}
	if len(names) != 2 || names[0] != mine.Name || names[1] != "renamed.txt" {
		t.Errorf("the files are %v", names)
	}
	if h.related(one) != 1 || h.related(two) != 0 {
		t.Error("a relation that was here is gone, or one of the import is not")
	}
	if again := h.run(zip.pack(t, "")); again.Kinds["attachment"].Created != 1 {
		t.Errorf("the same again is %+v", again.Kinds["attachment"])
	}
}

// relateIn relates two records as the import of that number.
func (h *house) relateIn(run, from, to id.ID) {
	h.t.Helper()
	h.Change(func(tx *gate.Tx) error {
		it, err := h.im.Relations.Add(tx, from, to, "")
		if err != nil {
			return err
		}
		return history.Beside(tx, run, history.Relation, it.ID, from)
	})
}

func (h *house) attached(rec id.ID) (list []*attachment.File) {
	h.t.Helper()
	h.View(h.Admin(), func(tx *gate.Tx) (err error) {
		list, err = attachment.List(tx, rec, attachment.Attached)
		return err
	})
	return list
}

func (h *house) related(rec id.ID) (n int) {
	h.t.Helper()
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := h.im.Relations.List(tx, rec)
		n = len(list)
		return err
	})
	return n
}

func TestUndoIsForWhoImported(t *testing.T) {
	h := open(t)
	h.org("Acme")
	m := h.mapped(columns.Mapping{Kind: "rack"}, "name", "client")
	h.tableRun(tableFile(t, "name,client\nR1,Acme\n"), m)
	run := h.lastRun().ID
	for name, c := range map[string]*access.Caller{"editor": {Tenant: h.Admin().Tenant, User: 77, Role: access.Editor, AllOrgs: true}, "another manager": {Tenant: h.Admin().Tenant, User: 78, Role: access.Manager, AllOrgs: true}} {
		if _, err := h.undo().Preview(t.Context(), c, run, false); !fault.Is(err, fault.Denied) && !fault.Is(err, fault.NotFound) {
			t.Errorf("the preview for %s is %v", name, err)
		}
	}
}
