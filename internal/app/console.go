package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"strongroom/internal/base/fault"
)

// A console command is an operation of whoever holds the data folder: it runs in
// the process that has the house open, whichever that is. Its arguments, its
// progress and its result travel as JSON.
type command func(ctx context.Context, a *App, args json.RawMessage, progress func(any)) (any, error)

// with makes a command of a function with typed arguments.
func with[A any](f func(ctx context.Context, a *App, args A, progress func(any)) (any, error)) command {
	return func(ctx context.Context, a *App, raw json.RawMessage, progress func(any)) (any, error) {
		var args A
		if err := json.Unmarshal(raw, &args); err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "The command's arguments cannot be read.")
		}
		return f(ctx, a, args, progress)
	}
}

// line is one line of the admin socket's answer.
type line struct {
	Progress any             `json:"progress,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"`
	Error    *said           `json:"error,omitempty"`
}

type said struct {
	Kind   fault.Kind        `json:"kind"`
	Text   string            `json:"text"`
	Hint   string            `json:"hint"`
	Fields map[string]string `json:"fields"`
}

// Do runs a console command: in this process when nobody has the data folder
// open, else in the process that has. result is filled from its JSON; progress
// may be nil.
func Do(ctx context.Context, o Options, name string, args, result any, progress func(json.RawMessage)) error {
	raw, err := json.Marshal(args)
	if err != nil {
		return err
	}
	o.Quiet = true
	a, err := Open(ctx, o)
	if errors.Is(err, ErrHeld) {
		return remote(ctx, o.Data, name, raw, result, progress)
	}
	if err != nil {
		return err
	}
	out, err := commands()[name](ctx, a, raw, func(p any) {
		if b, err := json.Marshal(p); err == nil && progress != nil {
			progress(b)
		}
	})
	if err := errors.Join(err, a.Close()); err != nil {
		return err
	}
	return transfer(out, result)
}

func transfer(from, to any) error {
	b, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, to)
}

// remote asks the running server.
func remote(ctx context.Context, dir, name string, args []byte, result any, progress func(json.RawMessage)) error {
	socket, err := published(dir, adminAddress)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://admin/"+name, bytes.NewReader(args))
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "The server that has the data folder %s does not answer.", dir).WithHint("Try again in a moment.")
	}
	defer resp.Body.Close()
	r := bufio.NewReader(resp.Body)
	for {
		b, err := r.ReadBytes('\n')
		if err != nil {
			return fault.Wrap(err, fault.Unavailable, "The server ended while it worked on this.").WithHint("Look at its log; what was acknowledged is kept.")
		}
		var l struct {
			Progress json.RawMessage
			Result   json.RawMessage
			Error    *said
		}
		if err := json.Unmarshal(b, &l); err != nil {
			return err
		}
		switch {
		case l.Error != nil:
			return &fault.Error{Kind: l.Error.Kind, Text: l.Error.Text, Hint: l.Error.Hint, Fields: l.Error.Fields}
		case l.Result != nil:
			return json.Unmarshal(l.Result, result)
		case progress != nil:
			progress(l.Progress)
		}
	}
}

// admin serves console commands on a socket that only this user can reach.
type admin struct {
	dir      string
	listener net.Listener
	server   *http.Server
}

func (a *App) openAdmin(ctx context.Context) (*admin, error) {
	tmp, err := os.MkdirTemp("", "sr-") // mode 0700
	if err != nil {
		return nil, err
	}
	path := filepath.Join(tmp, "admin")
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(tmp))
	}
	s := &admin{dir: tmp, listener: l}
	s.server = &http.Server{Handler: http.HandlerFunc(a.answerAdmin), BaseContext: func(net.Listener) context.Context { return ctx }, ReadHeaderTimeout: headerTime}
	if err := publish(a.Config.Data, adminAddress, path); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	go func() { _ = s.server.Serve(l) }()
	return s, nil
}

func (s *admin) Close() error { return errors.Join(s.server.Close(), os.RemoveAll(s.dir)) }

func (a *App) answerAdmin(w http.ResponseWriter, r *http.Request) {
	run := commands()[filepath.Base(r.URL.Path)]
	if run == nil || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	args, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	flush := http.NewResponseController(w)
	enc := json.NewEncoder(w)
	send := func(l line) {
		_ = enc.Encode(l) // a client that left is noticed by the context
		_ = flush.Flush()
	}
	out, err := run(r.Context(), a, args, func(p any) { send(line{Progress: p}) })
	if err == nil {
		var b []byte
		if b, err = json.Marshal(out); err == nil {
			send(line{Result: b})
			return
		}
	}
	e := fault.Say(err)
	if e.Kind == fault.Internal {
		a.Log.ErrorContext(r.Context(), "a console command failed", "command", filepath.Base(r.URL.Path), "error", err)
	}
	send(line{Error: &said{e.Kind, e.Text, e.Hint, e.Fields}})
}
