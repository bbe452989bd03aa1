package job_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
)

// shop is a house with a runner.
type shop struct {
	*coretest.House
	*job.Runner
	t     *testing.T
	ended chan string // states of attempts that ended
}

// watch tells the test what attempts came to.
type watch struct {
	slog.Handler
	ended chan string
}

func (w watch) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "job ended" {
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "state" {
				w.ended <- a.Value.String()
			}
			return true
		})
	}
	return w.Handler.Handle(ctx, r)
}

func open(t *testing.T, handlers map[string]job.Handler, schedules ...job.Schedule) *shop {
	h := coretest.Open(t, coretest.Options{Schema: job.Schema})
	s := &shop{House: h, t: t, ended: make(chan string, 1000)}
	s.Runner = s.runner(handlers, schedules...)
	h.Gate.Committed = s.Touch
	return s
}

func (s *shop) runner(handlers map[string]job.Handler, schedules ...job.Schedule) *job.Runner {
	return &job.Runner{
		House: s.House.House, Gate: s.House.Gate, Handlers: handlers, Schedules: schedules, Now: s.Clock.Now,
		Log: slog.New(watch{slog.NewTextHandler(s.t.Output(), nil), s.ended}), Poll: 2 * time.Millisecond,
		Resolve: func(ctx context.Context, tenant string, user id.ID) (c *access.Caller, err error) {
			err = s.Tenant().DB.View(ctx, func(tx *sqldb.Tx) error {
				c, err = access.Load(tx, user)
				return err
			})
			return c, err
		},
	}
}

// start runs the runner until the test ends or stop is called.
func (s *shop) start(r *job.Runner) (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("the runner ended: %v", err)
		}
	}
	s.t.Cleanup(stop)
	return stop
}

// TestEndedBeforeItBegan: a runner whose time is over before it has looked around ends
// like any other.
func TestEndedBeforeItBegan(t *testing.T) {
	s := open(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.runner(nil).Run(ctx); err != nil {
		t.Error(err)
	}
}

func (s *shop) enqueue(c *access.Caller, j job.Job) id.ID {
	s.t.Helper()
	var jid id.ID
	err := s.House.Gate.Change(s.t.Context(), c, access.View, gate.Thing{}, func(tx *gate.Tx) error {
		var err error
		jid, err = s.Enqueue(tx, j)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return jid
}

func (s *shop) get(c *access.Caller, jid id.ID) (st *job.Status) {
	s.t.Helper()
	s.View(c, func(tx *gate.Tx) error {
		var err error
		st, err = job.Get(tx, jid)
		return err
	})
	return st
}

// state waits until an attempt ended.
func (s *shop) state(want string) {
	s.t.Helper()
	select {
	case got := <-s.ended:
		if got != want {
			s.t.Errorf("an attempt ended as %s, want %s", got, want)
		}
	case <-time.After(20 * time.Second):
		s.t.Fatal("nothing ended")
	}
}

func (s *shop) exec(q string, args ...any) {
	s.t.Helper()
	err := s.Tenant().DB.Change(s.t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(q, args...)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestJob(t *testing.T) {
	s := open(t, map[string]job.Handler{"sum": func(ctx context.Context, run *job.Run) error {
		var numbers []int
		if err := run.Payload(&numbers); err != nil {
			return err
		}
		sum := 0
		for i, n := range numbers {
			sum += n
			run.Progress(int64(i+1), int64(len(numbers)), fmt.Sprintf("adding %d", n))
			run.Count("numbers", 1)
		}
		return run.Result(map[string]any{"sum": sum, "by": run.Caller.User, "via": run.Caller.Via, "role": run.Caller.Role})
	}})
	editor := s.User(access.Editor)
	jid := s.enqueue(editor, job.Job{Kind: "sum", Payload: []int{1, 2, 3}})
	if st := s.get(editor, jid); st.State != job.Waiting || string(st.Payload) != "[1,2,3]" {
		t.Errorf("before: %+v", st)
	}
	s.start(s.Runner)
	s.state(job.Done)
	st := s.get(editor, jid)
	want := fmt.Sprintf(`{"by":%d,"role":"Editor","sum":6,"via":"job"}`, editor.User)
	if st.State != job.Done || st.Done != 3 || st.Total != 3 || st.Message != "adding 3" || st.Counts["numbers"] != 3 || string(st.Result) != want || st.Error != "" || st.Attempts != 1 || st.Ended == 0 {
		t.Errorf("after: %+v", st)
	}
	later := s.enqueue(editor, job.Job{Kind: "sum", Payload: []int{}, At: s.Clock.Now().Add(time.Hour).UnixMilli()})
	s.enqueue(editor, job.Job{Kind: "sum", Payload: "no list"})
	s.state(job.Failed)
	if st := s.get(editor, later); st.State != job.Waiting {
		t.Errorf("a job of the next hour: %+v", st)
	}
	s.Clock.Advance(time.Hour + time.Minute)
	s.state(job.Done)
}

func TestWhoMaySeeJobs(t *testing.T) {
	s := open(t, map[string]job.Handler{"x": func(context.Context, *job.Run) error { return nil }})
	one, two := s.User(access.Editor), s.User(access.Manager)
	jid := s.enqueue(one, job.Job{Kind: "x"})
	s.enqueue(two, job.Job{Kind: "x"})
	for c, want := range map[*access.Caller]int{one: 1, two: 1, s.Admin(): 2} {
		s.View(c, func(tx *gate.Tx) error {
			list, err := job.List(tx, "x", 0)
			if len(list) != want {
				t.Errorf("%s sees %d jobs, want %d", c.Name, len(list), want)
			}
			return err
		})
	}
	err := s.House.Gate.View(t.Context(), two, func(tx *gate.Tx) error {
		_, err := job.Get(tx, jid)
		return err
	})
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("somebody else's job: %v", err)
	}
	if err := s.Cancel(t.Context(), two, jid); !fault.Is(err, fault.NotFound) {
		t.Errorf("cancelling somebody else's job: %v", err)
	}
}

func TestNothingWithoutItsCause(t *testing.T) {
	s := open(t, map[string]job.Handler{"x": func(context.Context, *job.Run) error { return nil }})
	fail := errors.New("no")
	err := s.House.Gate.Change(t.Context(), s.Admin(), access.Configure, gate.Thing{}, func(tx *gate.Tx) error {
		if _, err := s.Enqueue(tx, job.Job{Kind: "nobody"}); !fault.Is(err, fault.Internal) {
			t.Errorf("a job that nobody does: %v", err)
		}
		if _, err := s.Enqueue(tx, job.Job{Kind: "x"}); err != nil {
			return err
		}
		return fail
	})
	if !errors.Is(err, fail) {
		t.Fatal(err)
	}
	s.View(s.Admin(), func(tx *gate.Tx) error {
		list, err := job.List(tx, "", 0)
		if len(list) != 0 {
			t.Errorf("a job without its cause: %+v", list[0])
		}
		return err
	})
}

func TestRetry(t *testing.T) {
	var fails error
	tried := make(chan int, 100)
	s := open(t, map[string]job.Handler{"x": func(ctx context.Context, run *job.Run) error {
		var at int
		if _, err := run.Load(&at); err != nil {
			return err
		}
		if at != run.Attempt-1 {
			t.Errorf("attempt %d found %d saved", run.Attempt, at)
		}
		tried <- run.Attempt
		run.Count("tries", 1)
		if err := run.Save(ctx, run.Attempt); err != nil {
			return err
		}
		return fails
	}})
	s.Attempts = 3
	s.start(s.Runner)
	for _, c := range []struct {
		err   error
		tries int
		end   string
		text  string
	}{
		{fault.New(fault.Unavailable, "The other side is away.").WithHint("Wait."), 3, job.Failed, "The other side is away."},
		{errors.New("secret detail"), 3, job.Failed, "Something went wrong on our side."},
		{fault.New(fault.Invalid, "The file is not a CSV file."), 1, job.Failed, "The file is not a CSV file."},
		{fault.New(fault.Denied, "No."), 1, job.Failed, "No."},
		{nil, 1, job.Done, ""},
	} {
		fails = c.err
		jid := s.enqueue(s.Admin(), job.Job{Kind: "x"})
		for n := 1; n <= c.tries; n++ {
			if got := <-tried; got != n {
				t.Errorf("%v: attempt %d, want %d", c.err, got, n)
			}
			if n < c.tries {
				s.state(job.Waiting)
				if st := s.get(s.Admin(), jid); st.Error != c.text || st.At <= s.Clock.Now().UnixMilli() {
					t.Errorf("between attempts: %+v", st)
				}
				s.Clock.Advance(time.Hour)
			}
		}
		s.state(c.end)
		if st := s.get(s.Admin(), jid); st.Error != c.text || st.Attempts != c.tries || st.Counts["tries"] != int64(c.tries) {
			t.Errorf("%v: %+v", c.err, st)
		}
	}
}

func TestPanicIsAFailure(t *testing.T) {
	s := open(t, map[string]job.Handler{"x": func(context.Context, *job.Run) error { panic("oh") }})
	s.Attempts = 1
	s.start(s.Runner)
	jid := s.enqueue(s.Admin(), job.Job{Kind: "x"})
	s.state(job.Failed)
	if st := s.get(s.Admin(), jid); st.Error != "Something went wrong on our side." {
		t.Errorf("%+v", st)
	}
}

// A job whose process died is taken up again with what it had saved: at once by
// the same node after its restart, by another node when the lease is over.
func TestDeadNode(t *testing.T) {
	resumed := make(chan string, 10)
	handlers := map[string]job.Handler{"x": func(ctx context.Context, run *job.Run) error {
		var saved string
		if _, err := run.Load(&saved); err != nil {
			return err
		}
		resumed <- fmt.Sprint(run.ID, " ", saved, " ", run.Attempt)
		return nil
	}}
	s := open(t, handlers)
	s.Node = "a"
	var jobs []id.ID
	for range 3 {
		jobs = append(jobs, s.enqueue(s.Admin(), job.Job{Kind: "x"}))
	}
	lease := s.Clock.Now().Add(time.Minute).UnixMilli()
	s.exec(`update job set state = 'running', node = 'a/before', lease = ?, attempts = 1, saved = '"half"' where id = ?`, lease, int64(jobs[0]))
	s.exec(`update job set state = 'running', node = 'b/alive', lease = ?, attempts = 1, saved = '"half"' where id = ?`, lease, int64(jobs[1]))
	s.exec(`update job set state = 'running', node = 'a/before', lease = ?, attempts = 5, saved = '""' where id = ?`, lease, int64(jobs[2]))
	s.start(s.Runner)
	if got, want := <-resumed, fmt.Sprint(jobs[0], " half 2"); got != want {
		t.Errorf("resumed %q, want %q", got, want)
	}
	states := map[string]int{<-s.ended: 1}
	states[<-s.ended]++
	if states[job.Done] != 1 || states[job.Failed] != 1 {
		t.Errorf("after the restart: %v", states)
	}
	if st := s.get(s.Admin(), jobs[2]); st.State != job.Failed || st.Hint == "" {
		t.Errorf("a job that ends the program each time: %+v", st)
	}
	if st := s.get(s.Admin(), jobs[1]); st.State != job.Running {
		t.Errorf("another node's job: %+v", st)
	}
	s.Clock.Advance(2 * time.Minute)
	if got, want := <-resumed, fmt.Sprint(jobs[1], " half 2"); got != want {
		t.Errorf("resumed %q, want %q", got, want)
	}
	s.state(job.Done)
}

func TestStopGivesJobsBack(t *testing.T) {
	begun := make(chan struct{}, 1)
	s := open(t, map[string]job.Handler{"x": func(ctx context.Context, run *job.Run) error {
		var n int
		if again, err := run.Load(&n); again || err != nil {
			return err
		}
		if err := run.Save(ctx, 1); err != nil {
			return err
		}
		begun <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}})
	stop := s.start(s.Runner)
	jid := s.enqueue(s.Admin(), job.Job{Kind: "x"})
	<-begun
	stop()
	s.state(job.Waiting)
	if st := s.get(s.Admin(), jid); st.State != job.Waiting || st.Attempts != 0 || st.Error != "" {
		t.Errorf("after stopping: %+v", st)
	}
	s.start(s.Runner)
	s.state(job.Done)
}

func TestCancel(t *testing.T) {
	begun := make(chan struct{})
	s := open(t, map[string]job.Handler{"x": func(ctx context.Context, run *job.Run) error {
		begun <- struct{}{}
		for !run.Cancelled() {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Millisecond):
			}
		}
		return job.ErrCancelled
	}})
	c := s.User(access.Editor)
	waiting := s.enqueue(c, job.Job{Kind: "x"})
	if err := s.Cancel(t.Context(), c, waiting); err != nil {
		t.Fatal(err)
	}
	if st := s.get(c, waiting); st.State != job.Cancelled {
		t.Errorf("one that waited: %+v", st)
	}
	s.start(s.Runner)
	jid := s.enqueue(c, job.Job{Kind: "x"})
	<-begun
	if err := s.Cancel(t.Context(), c, jid); err != nil {
		t.Fatal(err)
	}
	s.state(job.Cancelled)
	if err := s.Cancel(t.Context(), c, jid); !fault.Is(err, fault.Conflict) {
		t.Errorf("cancelling twice: %v", err)
	}
	// From another process: only the database knows.
	s.Lease = 20 * time.Millisecond
	jid = s.enqueue(c, job.Job{Kind: "x"})
	<-begun
	s.exec(`update job set cancel = 1 where id = ?`, int64(jid))
	s.state(job.Cancelled)
}

// An attempt that lost its job to another node changes nothing any more.
func TestTakenOver(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	s := open(t, map[string]job.Handler{"x": func(ctx context.Context, run *job.Run) error {
		begun <- struct{}{}
		<-goOn
		if err := run.Save(ctx, "mine"); !fault.Is(err, fault.Conflict) {
			t.Errorf("saving without the job: %v", err)
		}
		if ctx.Err() == nil {
			t.Error("the attempt's context goes on")
		}
		return run.Result("mine")
	}})
	s.start(s.Runner)
	jid := s.enqueue(s.Admin(), job.Job{Kind: "x"})
	<-begun
	s.exec(`update job set node = 'other/1', attempts = 2 where id = ?`, int64(jid))
	close(goOn)
	s.state(job.Done)
	if st := s.get(s.Admin(), jid); st.State != job.Running || st.Result != nil {
		t.Errorf("the other node's job: %+v", st)
	}
}

func TestRightsAreThoseOfNow(t *testing.T) {
	s := open(t, map[string]job.Handler{"x": func(context.Context, *job.Run) error {
		t.Error("it ran")
		return nil
	}})
	c := s.User(access.Manager)
	jid := s.enqueue(c, job.Job{Kind: "x"})
	s.Change(func(tx *gate.Tx) error { return access.SetPrincipal(tx.SQL(), c.User, access.Manager, false) })
	s.start(s.Runner)
	s.state(job.Failed)
	if st := s.get(s.Admin(), jid); st.Error != "The person who asked for this is no longer an active user." {
		t.Errorf("%+v", st)
	}
}

// TestAKeysJobStaysWithinIt: a job that was started by an API key has the key's
// scope, and ends when the key does.
func TestAKeysJobStaysWithinIt(t *testing.T) {
	const key = 4711
	var s *shop
	next := make(chan bool)
	s = open(t, map[string]job.Handler{
		"scope": func(ctx context.Context, run *job.Run) error {
			scope := run.Caller.Scope
			return run.Result(map[string]any{"key": run.Caller.Key, "reads": scope.ReadOnly, "blind": scope.NoPasswords, "orgs": scope.Orgs})
		},
		"long": func(ctx context.Context, run *job.Run) error {
			touch := func() error {
				return s.House.Gate.Change(ctx, run.Caller, access.View, gate.Thing{}, func(*gate.Tx) error { return nil })
			}
			if err := touch(); err != nil {
				return err
			}
			next <- true
			<-next
			return touch()
		},
	})
	set := func(f func(tx *sqldb.Tx) error) {
		if err := s.Tenant().DB.Change(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	set(func(tx *sqldb.Tx) error { return access.SetKey(tx, key, 0) })
	owner := s.User(access.Manager)
	byKey := *owner
	byKey.Key, byKey.Via, byKey.Scope = key, "api key", access.Scope{ReadOnly: true, NoPasswords: true, Orgs: []id.ID{5}}
	var valid atomic.Bool
	valid.Store(true)
	s.ResolveKey = func(_ context.Context, tenant string, k id.ID) (*access.Caller, error) {
		if k != key || !valid.Load() {
			return nil, gate.Missing()
		}
		c := byKey
		return &c, nil
	}
	jid := s.enqueue(&byKey, job.Job{Kind: "scope"})
	s.start(s.Runner)
	s.state(job.Done)
	if got := string(s.get(owner, jid).Result); got != `{"blind":true,"key":4711,"orgs":[5],"reads":true}` {
		t.Errorf("the job ran as %s", got)
	}
	later := s.enqueue(&byKey, job.Job{Kind: "scope", At: s.Clock.Now().Add(time.Hour).UnixMilli()})
	jid = s.enqueue(&byKey, job.Job{Kind: "long"})
	<-next
	set(func(tx *sqldb.Tx) error { return access.ForgetKey(tx, key) })
	valid.Store(false)
	next <- true
	s.state(job.Failed)
	if got := s.get(owner, jid).Error; got != "The API key was revoked." {
		t.Errorf("a job whose key was revoked says %q", got)
	}
	s.Clock.Advance(2 * time.Hour)
	s.state(job.Failed)
	if got := s.get(owner, later).Error; got != "The API key that started this was revoked or has expired." {
		t.Errorf("a job that waited while its key was revoked says %q", got)
	}
}

func TestOneTenantDoesNotTakeAllWorkers(t *testing.T) {
	var other *access.Caller
	hold, ran := make(chan struct{}), make(chan string, 10)
	s := open(t, map[string]job.Handler{"x": func(ctx context.Context, run *job.Run) error {
		ran <- run.Tenant
		if run.Tenant == coretest.Name {
			<-hold
		}
		return nil
	}})
	if _, err := s.House.House.Create(t.Context(), "other", ""); err != nil {
		t.Fatal(err)
	}
	other = access.System("other", "console")
	s.start(s.Runner)
	for range 5 {
		s.enqueue(s.Admin(), job.Job{Kind: "x"})
	}
	for range 2 {
		if got := <-ran; got != coretest.Name {
			t.Errorf("ran %s", got)
		}
	}
	s.enqueue(other, job.Job{Kind: "x"})
	if got := <-ran; got != "other" {
		t.Errorf("a third job of the busy tenant ran before the first of %s", got)
	}
	close(hold)
	for range 6 {
		s.state(job.Done)
	}
}

func TestSchedules(t *testing.T) {
	hourly, failing, after := make(chan string, 10), make(chan string, 10), make(chan string, 10)
	say := func(c chan string, err error) func(context.Context, string) error {
		return func(_ context.Context, tenant string) error { c <- tenant; return err }
	}
	s := open(t, nil,
		job.Schedule{Name: "hourly", Every: time.Hour, Run: say(hourly, nil)},
		job.Schedule{Name: "failing", Every: time.Hour, Run: say(failing, fault.New(fault.Unavailable, "It is away."))},
		job.Schedule{Name: "after changes", Every: time.Minute, Changed: 5, Run: say(after, nil)})
	s.start(s.Runner)
	for range 3 {
		if got := <-hourly; got != coretest.Name {
			t.Errorf("ran for %s", got)
		}
		<-failing
		s.Clock.Advance(61 * time.Minute)
	}
	<-hourly
	<-failing
	<-after // once after the start, or because of the changes of opening
	for len(after) > 0 {
		<-after
	}
	for range 5 {
		s.Touch(coretest.Name)
	}
	<-after
	s.Touch(coretest.Name)
	s.Clock.Advance(2 * time.Minute)
	<-after
	if n := len(hourly); n != 0 {
		t.Errorf("the hourly work ran %d times too often", n)
	}
	var text string
	err := s.Tenant().DB.View(t.Context(), func(tx *sqldb.Tx) error {
		return tx.QueryRow(`select error from job_schedule where name = 'failing'`).Scan(&text)
	})
	if err != nil || text != "It is away." {
		t.Errorf("%q, %v", text, err)
	}
}

func TestPrune(t *testing.T) {
	s := open(t, map[string]job.Handler{"x": func(context.Context, *job.Run) error { return nil }})
	s.start(s.Runner)
	s.enqueue(s.Admin(), job.Job{Kind: "x"})
	s.state(job.Done)
	waiting := s.enqueue(s.Admin(), job.Job{Kind: "x", At: s.Clock.Now().Add(24 * time.Hour).UnixMilli()})
	s.Clock.Advance(time.Hour)
	s.Change(func(tx *gate.Tx) error {
		n, err := job.Prune(tx, tx.Now)
		if n != 1 {
			t.Errorf("%d jobs were forgotten", n)
		}
		return err
	})
	if st := s.get(s.Admin(), waiting); st.State != job.Waiting {
		t.Errorf("%+v", st)
	}
}

// What was only looked after is closed again: a start does not leave every tenant
// open.
func TestEveryTenantIsVisitedAndClosed(t *testing.T) {
	visited := make(chan string, 10)
	s := open(t, nil, job.Schedule{Name: "hourly", Every: time.Hour, Run: func(_ context.Context, tenant string) error { visited <- tenant; return nil }})
	house := s.House.House
	for _, name := range []string{"acme", "zenith"} {
		if _, err := house.Create(t.Context(), name, name); err != nil {
			t.Fatal(err)
		}
	}
	s.Clock.Advance(time.Hour)
	closed := func() bool {
		if err := house.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		return house.OpenCount() == 0
	}
	if !closed() {
		t.Fatalf("%v are open before anybody visits", house.Opened())
	}
	s.start(s.Runner)
	var names []string
	for range 3 {
		names = append(names, <-visited)
	}
	slices.Sort(names)
	if want := []string{"acme", coretest.Name, "zenith"}; !slices.Equal(names, want) {
		t.Errorf("visited %v, not %v", names, want)
	}
	for end := time.Now().Add(20 * time.Second); !closed(); {
		if time.Now().After(end) {
			t.Fatalf("%v are still open", house.Opened())
		}
	}
}
