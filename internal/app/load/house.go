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
	"strings"
	"syscall"
	"time"
)

// Person is somebody whose work is measured.
type Person struct {
	Name, Tenant, Email, Password, Key string
}

// House is a house of our own: the real program in processes of its own. Fill
// the exported fields, with what was made in the data folder beforehand.
type House struct {
	Data, Root string    // data folder and root key file
	Program    string    // the program itself
	Stderr     io.Writer // for what it says that is no access line
	Scratch    string    // a folder on the same disk as Data, for measuring the disk

	People      []Person // of the tenant with many records: an administrator and an editor of some organizations
	Agents      []Person // of the same tenant, who work at the desk
	Hybrid, RSA Person   // administrators of small tenants with hybrid and with RSA keys
	Tenants     int      // in all
	Empty       int      // of them made for nothing but being there, named empty-0, empty-1, ...

	url string
	log *accessLog
	cmd *exec.Cmd

	agents []*target // signed in
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
	h.log = &accessLog{next: h.Stderr}
	// #nosec G204 -- our own program
	h.cmd = exec.Command(h.Program, "serve", "-data", h.Data, "-root", h.Root, "-listen", "127.0.0.1:0", "-log-level", "info", "-proxies", "127.0.0.0/8", // people of a storm come from everywhere
		"-session-budget", "none", "-person-budget", "none", "-tenant-budget", "none", "-bulk-budget", "none")
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
	s := &Started{Tenants: h.Tenants}
	t := newTarget(url, h.People[0].Key)
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
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     newConnections(),
	}
}
