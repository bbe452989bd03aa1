package risk_test

import (
	"context"
	"crypto/fips140"
	"crypto/sha1"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"strongroom/internal/base/breached"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/risk"
)

type house struct {
	*coretest.House
	t       *testing.T
	risks   *risk.Risks
	secrets *secret.Revealer
}

func open(t *testing.T) *house {
	t.Helper()
	kinds := coretest.Kinds()
	for _, k := range kinds {
		if k.Name == "password" {
			k.Fields = append(k.Fields, record.Field{Name: "url", Type: record.Text, Class: record.Internal}, record.Field{Name: "password_updated_at", Type: record.Time, Class: record.Internal})
		}
	}
	h := coretest.Open(t, coretest.Options{Features: []record.Feature{{Name: "test", Kinds: kinds}, risk.Feature()}, Schema: job.Schema})
	s := &secret.Revealer{Gate: h.Gate, Keys: h.Keys.Client, Restored: h.Records.SecretRestored}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	r := &risk.Risks{Gate: h.Gate, Records: h.Records, Secrets: s, Log: log}
	r.Jobs = &job.Runner{House: h.House, Gate: h.Gate, Now: h.Clock.Now, Poll: 2 * time.Millisecond, Log: log, Resolve: func(ctx context.Context, name string, user id.ID) (c *access.Caller, err error) {
		err = h.Gate.View(ctx, access.System(name, "job"), func(tx *gate.Tx) (err error) { c, err = access.Load(tx.SQL(), user); return err })
		if err == nil {
			c.Tenant, c.Via, c.AuthLevel = name, "job", 1
		}
		return c, err
	}, Handlers: map[string]job.Handler{risk.JobKind: r.Handler()}}
	h.Records.Sealed = r.Sealed
	return &house{h, t, r, s}
}

// password makes a password with a value.
func (h *house) password(org id.ID, name, value string) id.ID {
	h.t.Helper()
	return h.Make("password", org, record.Values{"name": name, "password": value})
}

func (h *house) set(rec id.ID, value string) {
	h.t.Helper()
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, "password", rec, 0, record.Values{"password": value})
		return err
	})
}

func (h *house) reveal(c *access.Caller, rec id.ID, version uint32) {
	h.t.Helper()
	if _, err := h.secrets.Reveal(h.t.Context(), c, secret.Ref{Kind: "password", Object: rec, Field: "password", Version: version}, ""); err != nil {
		h.t.Fatal(err)
	}
}

// report gives the reasons by password, and the report.
func (h *house) report(c *access.Caller, org id.ID) (map[id.ID][]risk.Reason, *risk.Report) {
	h.t.Helper()
	var rep *risk.Report
	h.View(c, func(tx *gate.Tx) (err error) { rep, err = h.risks.Report(tx, org); return err })
	out := map[id.ID][]risk.Reason{}
	for _, l := range rep.Lines {
		for _, w := range l.Why {
			out[l.Record] = append(out[l.Record], w.Reason)
		}
	}
	return out, rep
}

// archive says that a user left.
func (h *house) archive(user id.ID) {
	h.t.Helper()
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, "user", user, 0, record.Values{"archived": true})
		return err
	})
}

const strong = "Vq7#mZ!kP2x9Lw"

func TestReport(t *testing.T) {
	h := open(t)
	a, b := h.Org("Harbour Dental"), h.Org("Kestrel Logistics")
	weak := h.password(a, "Door", "Summer2024")
	one, two := h.password(a, "Switch", strong), h.password(b, "Router", strong)
	fine := h.password(a, "Firewall", strong+"x")
	none := h.Make("password", a, record.Values{"name": "No value"})
	own := h.password(a, "Printer at Zweibrücken", "zweibrücken")

	got, rep := h.report(h.Admin(), 0)
	want := map[id.ID][]risk.Reason{weak: {risk.Weak}, one: {risk.Reused}, two: {risk.Reused}, own: {risk.Weak}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the reasons are %v, not %v", got, want)
	}
	if rep.Passwords != 5 || rep.Unchecked != 0 || rep.Count[risk.Reused] != 2 {
		t.Errorf("%d passwords, %d unchecked, %v", rep.Passwords, rep.Unchecked, rep.Count)
	}
	if _, rep := h.report(h.Admin(), b); len(rep.Lines) != 1 || rep.Passwords != 1 || rep.Lines[0].Why[0].Count != 1 || rep.Lines[0].OrgName != "Kestrel Logistics" {
		t.Errorf("of one organization: %+v", rep.Lines)
	}

	// Who sees one organization is not told that somebody else's password is the same.
	if got, _ := h.report(h.User(access.Editor, b), 0); len(got) != 0 {
		t.Errorf("an editor of one organization is told %v", got)
	}

	h.set(weak, strong+"y")
	h.set(two, "")
	if got, _ := h.report(h.Admin(), 0); len(got) != 1 {
		t.Errorf("after the changes: %v", got)
	}
	h.Clock.Advance(risk.Age + time.Hour)
	h.set(fine, strong+"z")
	got, _ = h.report(h.Admin(), 0)
	if !slices.Equal(got[weak], []risk.Reason{risk.Old}) || !slices.Equal(got[own], []risk.Reason{risk.Weak, risk.Old}) || got[fine] != nil || got[none] != nil {
		t.Errorf("after a year: %v", got)
	}
}

func TestWhoLeft(t *testing.T) {
	h := open(t)
	org := h.Org("Harbour Dental")
	seen, set, changed, other := h.password(org, "Seen", strong+"1"), h.password(org, "Set", strong+"2"), h.password(org, "Changed", strong+"3"), h.password(org, "Other", strong+"4")
	mia, noel := h.User(access.Editor), h.User(access.Editor)
	h.reveal(mia, seen, 0)
	h.reveal(mia, seen, 0)
	h.reveal(noel, seen, 0)
	h.reveal(mia, changed, 0)
	h.Clock.Advance(time.Minute)
	err := h.Gate.Change(t.Context(), mia, access.Edit, gate.Thing{ID: set}, func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, "password", set, 0, record.Values{"password": strong + "5"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	h.set(changed, strong+"6")
	h.Clock.Advance(time.Minute)
	h.reveal(noel, other, 0)

	if got, _ := h.report(h.Admin(), 0); len(got) != 0 {
		t.Errorf("nobody has left, and yet %v", got)
	}
	h.archive(mia.User)
	got, rep := h.report(h.Admin(), 0)
	if want := (map[id.ID][]risk.Reason{seen: {risk.Left}, set: {risk.Left}}); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the reasons are %v, not %v", got, want)
	}
	if w := rep.Lines[0].Why[0]; w.Count != 1 || !slices.Equal(w.Names, []string{"editor user"}) {
		t.Errorf("it is said of %+v", w)
	}
	var by, of []*risk.Look
	h.View(h.Admin(), func(tx *gate.Tx) (err error) {
		if by, err = h.risks.SeenBy(tx, mia.User); err != nil {
			return err
		}
		of, err = h.risks.SeenOf(tx, seen)
		return err
	})
	if len(by) != 2 || by[0].Record != set || !by[0].Set || by[1].Record != seen || by[1].Times != 2 || by[1].Set || by[1].OrgName != "Harbour Dental" {
		t.Errorf("she has seen %+v, %+v", by[0], by[1])
	}
	if len(of) != 2 || !slices.ContainsFunc(of, func(l *risk.Look) bool { return l.Person == mia.User && l.Who.Left && l.Times == 2 }) ||
		!slices.ContainsFunc(of, func(l *risk.Look) bool { return l.Person == noel.User && !l.Who.Left }) {
		t.Errorf("it was seen by %d people", len(of))
	}
	h.set(seen, strong+"7")
	h.set(set, strong+"8")
	if got, _ := h.report(h.Admin(), 0); len(got) != 0 {
		t.Errorf("all is changed, and yet %v", got)
	}
	var left []*risk.Look
	h.View(h.User(access.Editor, h.Org("Elsewhere")), func(tx *gate.Tx) (err error) { left, err = h.risks.SeenBy(tx, noel.User); return err })
	if len(left) != 0 {
		t.Errorf("who sees none of them is told of %d", len(left))
	}
}

// TestCheck marks what was there before marks were kept, and compares with a list
// that came later.
func TestCheck(t *testing.T) {
	h := open(t)
	org := h.Org("Harbour Dental")
	h.Records.Sealed = nil
	var all []id.ID
	for i := range 150 {
		all = append(all, h.password(org, fmt.Sprint("Password ", i), fmt.Sprint(strong, i)))
	}
	all = append(all, h.password(org, "Known", "Trust-No-1-Xylophone"), h.password(org, "Same", fmt.Sprint(strong, 7)))
	h.Records.Sealed = h.risks.Sealed
	if got, rep := h.report(h.Admin(), 0); len(got) != 0 || rep.Unchecked != int64(len(all)) {
		t.Fatalf("without marks: %v, %d unchecked", got, rep.Unchecked)
	}

	admin := h.User(access.Administrator)
	if err := h.risks.Start(t.Context(), h.User(access.Editor)); !fault.Is(err, fault.Denied) {
		t.Errorf("an editor starts a check: %v", err)
	}
	for range 2 { // the second time there is one
		if err := h.risks.Start(t.Context(), admin); err != nil {
			t.Fatal(err)
		}
	}
	h.work()
	got, rep := h.report(h.Admin(), 0)
	if rep.Unchecked != 0 || len(got) != 2 || !slices.Equal(got[all[7]], []risk.Reason{risk.Reused}) {
		t.Errorf("after the check: %v, %d unchecked", got, rep.Unchecked)
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		var n int
		if err := tx.QueryRow(`select count(*) from audit_entry where action = ? and actor = ?`, secret.Granted, int64(admin.User)).Scan(&n); err != nil {
			return err
		}
		if n != len(all) {
			t.Errorf("%d looks are recorded, not %d", n, len(all))
		}
		return nil
	})

	list := filepath.Join(t.TempDir(), "list")
	var line []byte
	fips140.WithoutEnforcement(func() { line = fmt.Appendf(nil, "%X:12\n", sha1.Sum([]byte("Trust-No-1-Xylophone"))) })
	if err := os.WriteFile(list, line, 0o600); err != nil {
		t.Fatal(err)
	}
	local, err := breached.Open(list)
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	h.risks.Local = local
	if _, rep := h.report(h.Admin(), 0); rep.Unchecked != int64(len(all)) {
		t.Errorf("with a list %d are unchecked", rep.Unchecked)
	}
	if err := h.risks.Start(t.Context(), admin); err != nil {
		t.Fatal(err)
	}
	h.work()
	got, rep = h.report(h.Admin(), 0)
	if rep.Unchecked != 0 || !slices.Equal(got[all[150]], []risk.Reason{risk.Breached}) || rep.Lines[0].Why[0].Count != 12 {
		t.Errorf("after the second check: %v, %d unchecked", got, rep.Unchecked)
	}
	h.set(all[0], "Trust-No-1-Xylophone")
	if got, _ := h.report(h.Admin(), 0); !slices.Equal(got[all[0]], []risk.Reason{risk.Breached, risk.Reused}) {
		t.Errorf("as it is saved: %v", got[all[0]])
	}
}

// work lets the jobs be done that wait.
func (h *house) work() {
	h.t.Helper()
	ctx, stop := context.WithTimeout(h.t.Context(), time.Minute)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- h.risks.Jobs.Run(ctx) }()
	for {
		var open int
		var failed string
		h.View(h.Admin(), func(tx *gate.Tx) error {
			return tx.QueryRow(`select coalesce(sum(case when state in ('waiting', 'running') then 1 else 0 end), 0), coalesce(max(error), '') from job`).Scan(&open, &failed)
		})
		if failed != "" || ctx.Err() != nil {
			h.t.Fatalf("the job failed: %s", failed)
		}
		if open == 0 {
			break
		}
	}
	stop()
	if err := <-done; err != nil {
		h.t.Fatal(err)
	}
}
