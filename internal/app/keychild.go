package app

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"strongroom/internal/app/keylink"
	"strongroom/internal/app/wrapping"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys/service"
)

// keyChild is the key service as a child process. It lives as long as the pipe
// to its standard input is open, so that it never outlives us, kill -9 included.
// When it ends by itself it is started again, on the same socket, so that what
// failed meanwhile works again without a restart of ours.
type keyChild struct {
	Socket string

	command []string               // with its arguments
	root    func() ([]byte, error) // reads the root key: it is not kept
	stderr  io.Writer
	log     *slog.Logger
	dir     string        // of the socket
	stop    chan struct{} // closed when it shall end
	done    chan error    // how it ended then
}

// The time between an end of the key service and its next start: doubled with
// each failure, and the first one again after it ran for long.
const (
	firstPause  = 50 * time.Millisecond
	longestWait = 10 * time.Second
	longRun     = time.Minute
)

// startKeys starts the key service on the store in dir and hands it the root
// key through a pipe: it never is in an argument, the environment or a file of
// ours. program is the command that runs "keys serve".
func startKeys(program []string, dir string, level slog.Level, budgets service.Budgets, root func() ([]byte, error), stderr io.Writer, log *slog.Logger) (*keyChild, error) {
	tmp, err := os.MkdirTemp("", "sr-")
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "No folder for the key service's socket can be made.").WithHint("Check TMPDIR.")
	}
	k := &keyChild{Socket: filepath.Join(tmp, "keys"), root: root, stderr: stderr, log: log, dir: tmp, stop: make(chan struct{}), done: make(chan error, 1)}
	k.command = append(slices.Clone(program), "keys", "serve", "-dir", dir, "-socket", k.Socket, "-root-stdin", "-log-level", level.String())
	f := flag.NewFlagSet("", flag.ContinueOnError)
	BudgetFlags(f, &budgets)
	f.VisitAll(func(b *flag.Flag) {
		if v := b.Value.String(); v != "" {
			k.command = append(k.command, "-"+b.Name, v)
		}
	})
	p, err := k.run()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(tmp))
	}
	go k.keep(p)
	return k, nil
}

// process is one run of the child.
type process struct {
	pipe  io.Closer
	ended chan error
}

// run starts the child and waits until its socket takes connections.
func (k *keyChild) run() (*process, error) {
	root, err := k.root()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(k.command[0], k.command[1:]...) // #nosec G204 -- our own program
	cmd.Stderr = k.stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us; we end it when nobody needs it any more
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The key service cannot be started.")
	}
	_, err = io.WriteString(pipe, service.FormatRoot(root)+"\n")
	line := ""
	if err == nil {
		line, err = bufio.NewReader(out).ReadString('\n')
	}
	if err != nil || strings.TrimSpace(line) != "ready" {
		pipe.Close()
		return nil, fault.Wrap(errors.Join(err, cmd.Wait()), fault.Unavailable, "The key service did not start.").
			WithHint("Its own message stands above. If the root key was replaced, restore it from the recovery print.")
	}
	p := &process{pipe: pipe, ended: make(chan error, 1)}
	go func() { p.ended <- cmd.Wait() }()
	return p, nil
}

// keep starts the child again whenever it ends, until Close.
func (k *keyChild) keep(p *process) {
	pause, began := firstPause, time.Now()
	for {
		if p != nil {
			select {
			case <-k.stop:
				p.pipe.Close()
				k.done <- <-p.ended
				return
			case err := <-p.ended:
				p.pipe.Close()
				p = nil
				if time.Since(began) > longRun {
					pause = firstPause
				}
				k.log.Error("the key service ended; it is started again", "error", err)
			}
		}
		select {
		case <-k.stop:
			k.done <- nil
			return
		case <-time.After(pause):
		}
		pause, began = min(2*pause, longestWait), time.Now()
		var err error
		if p, err = k.run(); err != nil {
			k.log.Error("the key service does not start", "error", err)
		}
	}
}

// Close ends the child and waits for it.
func (k *keyChild) Close() error {
	close(k.stop)
	return errors.Join(<-k.done, os.RemoveAll(k.dir))
}

// ServeKeys is the key service's own process, "strongroom keys serve".
func ServeKeys(ctx context.Context, o KeysOptions) error {
	log := slog.New(slog.NewTextHandler(o.Stderr, &slog.HandlerOptions{Level: o.Level}))
	for _, s := range service.Harden() {
		log.Debug(s)
	}
	var root []byte
	var err error
	in := bufio.NewReader(o.Stdin)
	switch {
	case o.RootStdin:
		var line string
		if line, err = in.ReadString('\n'); err == nil {
			root, err = service.ParseRoot(line)
		}
	case o.Wrapped.File != "":
		root, err = o.Wrapped.Read(ctx)
	case o.Credential != "":
		root, err = service.LoadCredential(o.Credential)
	case o.Root != "":
		root, err = service.LoadRoot(o.Root)
	}
	if err != nil {
		return err
	}
	mode := fs.FileMode(0o600)
	if len(o.AllowUIDs) > 0 { // the peer check is what decides; the mode only has to let those users knock
		mode = 0o666
	}
	l, err := o.Network.Listen()
	if l == nil && err == nil {
		l, err = service.Listen(o.Socket, mode)
	}
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if o.RootStdin {
		go func() { // the parent is gone when its end of the pipe is closed
			_, _ = io.Copy(io.Discard, in)
			stop()
		}()
	}
	fmt.Fprintln(o.Stdout, "ready") // the socket takes connections from here on
	return service.Serve(ctx, l, service.Options{Dir: o.Dir, Root: root, Log: log, AllowUIDs: o.AllowUIDs, ShredList: o.ShredList, Version: o.Version,
		Budgets: o.Budgets, Skew: o.Skew})
}

// WrapRoot writes the root key from the file root, or else from in, wrapped as w says.
func WrapRoot(ctx context.Context, w wrapping.Root, root string, in io.Reader) error {
	key, err := rootKey(root, in)
	if err != nil {
		return err
	}
	defer clear(key)
	return w.Write(ctx, key)
}

// UnsealKeys gives the key service its root key, or one share of it, from the file root or
// else from in, and tells how many more shares are needed. Invalid when it is not the root
// of the service's store.
func UnsealKeys(ctx context.Context, at keylink.Client, root string, in io.Reader) (left int, err error) {
	var share, key []byte
	if root != "" {
		key, err = service.LoadRoot(root)
	} else {
		var line string
		line, err = bufio.NewReader(io.LimitReader(in, mostLine)).ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
		switch {
		case err != nil:
		case service.IsShare(line):
			share, err = service.ParseShare(line)
		default:
			key, err = service.ParseRoot(line)
		}
	}
	if err != nil {
		return 0, err
	}
	defer clear(key)
	defer clear(share)
	c, err := at.Dial()
	if err != nil {
		return 0, err
	}
	if share != nil {
		left, err = c.Share(ctx, share)
		return left, errors.Join(err, c.Close())
	}
	return 0, errors.Join(c.Unseal(ctx, key), c.Close())
}

const mostLine = 4096

// SplitRoot splits the root key from the file root, or else from in, into shares.
func SplitRoot(root string, in io.Reader, n, needed int) ([]string, error) {
	key, err := rootKey(root, in)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	return service.SplitRoot(key, n, needed)
}

// rootKey reads a root key from the file root, or else from in.
func rootKey(root string, in io.Reader) ([]byte, error) {
	if root != "" {
		return service.LoadRoot(root)
	}
	return service.ReadRoot(in)
}

// KeysOptions are the settings of "strongroom keys serve".
type KeysOptions struct {
	Dir, Socket, Root, Credential, ShredList, Version string
	Wrapped                                           wrapping.Root  // of the root key, when it has a file
	Network                                           keylink.Server // in the place of the socket, when it has an address
	RootStdin                                         bool
	Sealed                                            bool // starts without the root key: see UnsealKeys
	AllowUIDs                                         []int
	Budgets                                           service.Budgets
	Skew                                              time.Duration
	Level                                             slog.Level
	Stdin                                             io.Reader
	Stdout, Stderr                                    io.Writer
}
