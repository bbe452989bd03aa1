package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys/service"
)

// keyChild is the key service as a child process. It lives as long as the pipe
// to its standard input is open, so that it never outlives us, kill -9 included.
type keyChild struct {
	cmd    *exec.Cmd
	pipe   io.WriteCloser
	dir    string // of the socket
	Socket string
	done   chan error
}

// startKeys starts the key service on the store in dir and hands it the root
// key through a pipe: it never is in an argument, the environment or a file of
// ours. program is the command that runs "keys serve".
func startKeys(program []string, dir string, root []byte, log io.Writer) (*keyChild, error) {
	tmp, err := os.MkdirTemp("", "sr-")
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "No folder for the key service's socket can be made.").WithHint("Check TMPDIR.")
	}
	k := &keyChild{dir: tmp, Socket: filepath.Join(tmp, "keys"), done: make(chan error, 1)}
	args := append(program[1:len(program):len(program)], "keys", "serve", "-dir", dir, "-socket", k.Socket, "-root-stdin")
	k.cmd = exec.Command(program[0], args...) // #nosec G204 -- our own program
	k.cmd.Stderr = log
	out, err := k.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if k.pipe, err = k.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := k.cmd.Start(); err != nil {
		return nil, errors.Join(fault.Wrap(err, fault.Unavailable, "The key service cannot be started."), os.RemoveAll(tmp))
	}
	if _, err := io.WriteString(k.pipe, service.FormatRoot(root)+"\n"); err != nil {
		return nil, k.failed(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != "ready" {
		return nil, k.failed(err)
	}
	go func() { k.done <- k.cmd.Wait() }()
	return k, nil
}

func (k *keyChild) failed(cause error) error {
	k.pipe.Close()
	err := k.cmd.Wait()
	os.RemoveAll(k.dir)
	return fault.Wrap(errors.Join(cause, err), fault.Unavailable, "The key service did not start.").
		WithHint("Its own message stands above. If the root key was replaced, restore it from the recovery print.")
}

// Close ends the child and waits for it.
func (k *keyChild) Close() error {
	k.pipe.Close()
	err := <-k.done
	return errors.Join(err, os.RemoveAll(k.dir))
}

// ServeKeys is the key service's own process, "strongroom keys serve".
func ServeKeys(ctx context.Context, o KeysOptions) error {
	level := slog.LevelInfo
	log := slog.New(slog.NewTextHandler(o.Stderr, &slog.HandlerOptions{Level: level}))
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
	l, err := service.Listen(o.Socket, mode)
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
	return service.Serve(ctx, l, service.Options{Dir: o.Dir, Root: root, Log: log, AllowUIDs: o.AllowUIDs, ShredList: o.ShredList, Version: o.Version})
}

// KeysOptions are the settings of "strongroom keys serve".
type KeysOptions struct {
	Dir, Socket, Root, Credential, ShredList, Version string
	RootStdin                                         bool
	AllowUIDs                                         []int
	Stdin                                             io.Reader
	Stdout, Stderr                                    io.Writer
}
