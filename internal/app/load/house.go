package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"strongroom/internal/app"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/identity"
)

// The tenants of a house of our own, beside the demo's.
const (
	hybridTenant = "bench-hybrid"
	rsaTenant    = "bench-rsa"
	rsaSuite     = "rsa-oaep-2048"
)

// person is somebody whose work is measured.
type person struct {
	Name, Tenant, Email, Password, Key string
}

// House is a house of our own: the real program in processes of its own.
type House struct {
	dir     string
	program string
	stderr  io.Writer

	people  []person // of the demo tenant: the administrator and an editor of some organizations
	rsa     person   // administrator of a tenant with RSA keys
	hybrid  person   // the same with hybrid keys
	tenants int      // in all
	empty   int      // of them without anything

	url string
	log *accessLog
	cmd *exec.Cmd
	end io.Closer
}

const editorPassword = "willow-quarry-58-copper"

// Prepare makes a house in dir, which must not exist yet or hold a house made
// here: the demo with so many records, two small tenants, and so many empty ones.
func Prepare(ctx context.Context, dir, program string, records, empty int, stderr io.Writer) (_ *House, err error) {
	h := &House{dir: dir, program: program, stderr: stderr, empty: empty}
	a, err := app.Open(ctx, app.Options{Config: h.config(), Program: []string{program}, Stderr: stderr, Quiet: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	demo, err := a.Demo(ctx, records, nil)
	if err != nil {
		return nil, err
	}
	admin := person{"administrator", demo.Tenant, demo.Email, demo.Password, demo.APIKey}
	editor, err := newEditor(ctx, a, demo.Tenant)
	if err != nil {
		return nil, err
	}
	h.people = []person{admin, *editor}
	if h.hybrid, err = small(ctx, a, hybridTenant, ""); err != nil {
		return nil, err
	}
	if h.rsa, err = small(ctx, a, rsaTenant, rsaSuite); err != nil {
		return nil, err
	}
	for i := range empty {
		if _, err := a.House.Create(ctx, fmt.Sprintf("empty-%d", i), ""); err != nil && !fault.Is(err, fault.Conflict) {
			return nil, err
		}
	}
	h.tenants, err = a.House.Count(ctx)
	return h, err
}

func (h *House) config() app.Config {
	return app.Config{Data: filepath.Join(h.dir, "data"), Root: filepath.Join(h.dir, "root.key")}
}

// newEditor makes an editor who sees every tenth organization.
func newEditor(ctx context.Context, a *app.App, tenant string) (*person, error) {
	c := access.System(tenant, "console")
	p := &person{"editor of some organizations", tenant, "editor@bench.example", editorPassword, ""}
	if user, err := a.Directory.ByEmail(ctx, c, p.Email); err == nil { // the folder was used before
		return p, p.newKey(ctx, a, user)
	}
	issued, err := a.Directory.CreateUser(ctx, c, identity.Person{Email: p.Email, Name: "Edda Bench", Role: access.Editor, Password: p.Password})
	if err != nil {
		return nil, err
	}
	var orgs []id.ID
	var group id.ID
	err = a.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		page, err := a.Records.List(tx, "organization", record.Query{Limit: 1000})
		if err != nil {
			return err
		}
		for i, r := range page.Records {
			if i%10 == 0 {
				orgs = append(orgs, r.ID)
			}
		}
		g, err := a.Records.Create(tx, "group", record.Values{"name": "Bench"})
		if err != nil {
			return err
		}
		group = g.ID
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := a.Directory.SetMembers(ctx, c, group, []id.ID{issued.User}); err != nil {
		return nil, err
	}
	if err := a.Directory.SetOrganizations(ctx, c, group, false, orgs); err != nil {
		return nil, err
	}
	return p, p.newKey(ctx, a, issued.User)
}

func (p *person) newKey(ctx context.Context, a *app.App, user id.ID) (err error) {
	_, p.Key, err = a.APIKeys.Create(ctx, access.System(p.Tenant, "console"), apikey.New{Name: "Bench", Owner: user, Passwords: true, Limit: &apikey.Limit{}})
	return err
}

// small makes a tenant with an organization and some passwords.
func small(ctx context.Context, a *app.App, name, suite string) (person, error) {
	c := access.System(name, "console")
	if _, err := a.House.Info(ctx, name); err == nil {
		p := person{"administrator", name, "admin@" + name + ".example", editorPassword, ""}
		user, err := a.Directory.ByEmail(ctx, c, p.Email)
		if err != nil {
			return p, err
		}
		return p, p.newKey(ctx, a, user)
	}
	a.House.Suite = suite
	made, err := a.CreateTenant(ctx, name, name, identity.Person{Email: "admin@" + name + ".example", Password: editorPassword})
	if err != nil {
		return person{}, err
	}
	p := person{"administrator", name, made.Email, editorPassword, made.APIKey}
	return p, a.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		org, err := a.Records.Create(tx, "organization", record.Values{"name": "Measured"})
		for i := 0; i < 200 && err == nil; i++ {
			_, err = a.Records.Create(tx, "password", record.Values{"name": fmt.Sprintf("Account %d", i), "organization_id": org.ID, "password": fmt.Sprintf("correct horse %d", i)})
		}
		return err
	})
}

// Started is how long a start took, in milliseconds from the start of the
// process.
type Started struct {
	Ready   float64 `json:"ready_ms"`        // until /readyz said ok
	Answer  float64 `json:"first_answer_ms"` // until the first list of a tenant was read: its database is open
	Tenants int     `json:"tenants"`
}

// Start starts the server. Stop ends it.
func (h *House) Start(ctx context.Context) (*Started, error) {
	c := h.config()
	h.log = &accessLog{next: h.stderr}
	// #nosec G204 -- our own program
	h.cmd = exec.Command(h.program, "serve", "-data", c.Data, "-root", c.Root, "-listen", "127.0.0.1:0", "-log-level", "info")
	h.cmd.Stderr = h.log
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt is for us; we end it
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	since := func() float64 { return float64(time.Since(began).Microseconds()) / 1000 }
	if err := h.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "Strongroom is at ")
	if err != nil || !ok {
		return nil, errors.Join(fmt.Errorf("the server did not start: %q", line), err, h.Stop())
	}
	h.url = url
	s := &Started{Tenants: h.tenants}
	t := newTarget(url, h.people[0].Key)
	if err := t.get(ctx, "/readyz", nil); err != nil {
		return nil, errors.Join(err, h.Stop())
	}
	s.Ready = since()
	if err := t.get(ctx, "/api/v1/organizations", nil); err != nil {
		return nil, errors.Join(err, h.Stop())
	}
	s.Answer = since()
	return s, nil
}

// Stop ends the server and waits for it.
func (h *House) Stop() error {
	if h.cmd == nil || h.cmd.Process == nil {
		return nil
	}
	err := h.cmd.Process.Signal(os.Interrupt)
	err = errors.Join(err, h.cmd.Wait())
	h.cmd = nil
	return err
}

// wake opens so many of the empty tenants, by asking each with a session that
// nobody has, and tells how long each took.
func (h *House) wake(ctx context.Context, n int) (Spread, error) {
	t := newTarget(h.url, "")
	var took []float64
	for i := range n {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url+"/", nil)
		if err != nil {
			return Spread{}, err
		}
		r.AddCookie(&http.Cookie{Name: "session", Value: fmt.Sprintf("empty-%d.srs_%043d", i, 0)})
		start := time.Now()
		if err := t.send(r, http.StatusSeeOther, nil); err != nil {
			return Spread{}, err
		}
		took = append(took, float64(time.Since(start).Microseconds())/1000)
	}
	return spread(took), nil
}

func (h *House) pid() int { return h.cmd.Process.Pid }

// newHTTP gives a client that keeps a connection for each of many askers and
// leaves answers as they come.
func newHTTP() *http.Client {
	return &http.Client{
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
	}
}
