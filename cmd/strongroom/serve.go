package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"

	"strongroom/internal/app"
)

func serveCommand() *command {
	return &command{
		name: "serve", short: "run the web interface and the APIs",
		long: `
Runs everything on the data folder: the web interface, both APIs and the jobs;
the key service runs as a process of its own beside it.

On an empty folder it prints a code and the address of a page on which the first
tenant and its administrator are made. Stop it with Ctrl-C; requests under way
are finished.

On a loopback address it speaks plain HTTP. On any other it speaks TLS: with
-tls-cert and -tls-key, with certificates got by -acme, or else with a
certificate that it makes itself and whose fingerprint it prints, to be compared
with what the browser shows.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, _, err := p.parse(c, args, 0, 0)
			if err != nil {
				return err
			}
			return p.serve(ctx, s, func(srv *app.Server, a *app.App) error { return p.announce(ctx, srv, a) })
		},
	}
}

// serve opens the house, serves, calls ready once requests are answered, and
// waits until ctx ends.
func (p *program) serve(ctx context.Context, s *settings, ready func(*app.Server, *app.App) error) error {
	o, err := p.options(s)
	if err != nil {
		return err
	}
	o.Demo = s.demo
	a, err := app.Open(ctx, o)
	if errors.Is(err, app.ErrHeld) {
		return usageError("Another Strongroom is running on the data folder "+s.Data+".", "Stop it first, or choose another folder with -data DIR.")
	}
	if err != nil {
		return err
	}
	srv, err := a.Serve(ctx)
	if err != nil {
		return errors.Join(err, a.Close())
	}
	err = ready(srv, a)
	if err == nil {
		err = srv.Wait(ctx)
	}
	return errors.Join(err, srv.Stop(ctx), a.Close())
}

func (p *program) announce(ctx context.Context, srv *app.Server, a *app.App) error {
	n, err := a.House.Count(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "Strongroom is at %s\n", srv.URL)
	if srv.Fingerprint != "" {
		fmt.Fprintf(p.out, "Its certificate is its own. Compare the SHA-256 fingerprint in the browser:\n  %s\n", srv.Fingerprint)
	}
	if n == 0 {
		fmt.Fprintf(p.out, "Open it to begin, and enter this code:  %s\n", a.FirstRun.Code())
	}
	return nil
}

// garbage is how much of the key service's heap may be garbage, in percent of what
// is in use: that is a megabyte or two, so it would else collect after each hundred
// unwraps. The server has more in use, and needs 64 MiB at once to look at a
// password of its own: there it would show.
const garbage = 400

// collectLess sets that, unless the environment says something else.
func (p *program) collectLess() {
	for _, e := range p.environ {
		if strings.HasPrefix(e, "GOGC=") || strings.HasPrefix(e, "GOMEMLIMIT=") {
			return
		}
	}
	debug.SetGCPercent(garbage)
}

func keysServeCommand() *command {
	return &command{
		name: "keys serve", short: "run the key service alone, as another user",
		long: `
Runs the key service: the only process that ever holds a private key. It answers
on a Unix socket, to the users named by -allow-uids only; or with -listen on an
address, by TLS 1.3, to who shows a certificate of the authority -client-ca.

"strongroom serve" starts one by itself. In production run it as a user of its
own and give its socket to the server with -key-socket: a key service under the
same user as the server is no protection against an intruder in the server.

The root key comes from -root FILE (mode 0600), from a systemd credential
(-credential NAME), wrapped by a hardware module, a cloud's key management service
or an OpenBao or Vault server (-wrapped-root FILE, see "strongroom keys wrap-root"),
or from standard input (-root-stdin). With -sealed it
waits for it: nothing can be revealed until "strongroom keys unseal" brought it.

The budgets bound what an intruder in the server can take out in a short time:
set them near your real use. What is asked for beyond them is refused for a
while, and each asking is in the service's own log. A ticket is refused when its
time is further from this machine's clock than -ticket-skew.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, _, err := p.parse(c, args, 0, 0)
			if err != nil {
				return err
			}
			p.collectLess()
			o := s.keys
			if o.Network.Address != "" && (o.Socket != "" || s.uids != "") {
				return usageError("The key service answers either on a socket or on an address.", "Give -listen without -socket and -allow-uids, or those without it.")
			}
			if o.Socket == "" {
				o.Socket = filepath.Join(o.Dir, "keys.sock")
			}
			for text := range strings.FieldsFuncSeq(s.uids, func(r rune) bool { return r == ',' || r == ' ' }) {
				uid, err := strconv.Atoi(text)
				if err != nil {
					return usageError("-allow-uids takes numbers, and "+text+" is none.", "Find a user's number with: id -u NAME")
				}
				o.AllowUIDs = append(o.AllowUIDs, uid)
			}
			if given := o.Root != "" || o.Credential != "" || o.Wrapped.File != "" || s.stdin; given == o.Sealed {
				return usageError("The key service needs its root key, or is told to wait for it.", "Give one of -root FILE, -credential NAME, -wrapped-root FILE, -root-stdin and -sealed.")
			}
			if o.Level, err = s.Level(); err != nil {
				return err
			}
			o.RootStdin, o.Version, o.Stdin, o.Stdout, o.Stderr = s.stdin, version, p.in, p.out, p.err
			return app.ServeKeys(ctx, o)
		},
	}
}

func keysUnsealCommand() *command {
	return &command{
		name: "keys unseal", short: "give a sealed key service its root key",
		long: `
Gives the root key to a key service that was started with -sealed, or that sealed
itself when its store was lost. The key is the line of the recovery print: it is
read from -root FILE (mode 0600) or from standard input, never from the command
line. Run it as a user that the service allows.

On standard input it also takes one share of the root key (see "strongroom keys
split-root"): each of as many people as are needed runs it with a share of his own,
within an hour. Nobody sees the root key.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, _, err := p.parse(c, args, 0, 0)
			if err != nil {
				return err
			}
			s.KeyService.Socket = s.keys.Socket
			if !s.KeyService.Given() {
				return usageError("Say which key service.", "Give -socket SOCKET, as its -socket says, or -key-address with its certificates.")
			}
			left, err := app.UnsealKeys(ctx, s.KeyService, s.keys.Root, p.in)
			if err != nil {
				return err
			}
			if left > 0 {
				_, err = fmt.Fprintf(p.out, "The share was taken. Shares that are still needed: %d.\n", left)
				return err
			}
			_, err = fmt.Fprintln(p.out, "The key service is open.")
			return err
		},
	}
}

func usageError(text, hint string) error { return usage{text, hint} }

func versionCommand() *command {
	return &command{
		name: "version", short: "print the version",
		long: "Prints the version of this program.",
		run: func(_ context.Context, p *program, c *command, args []string) error {
			if _, _, err := p.parse(c, args, 0, 0); err != nil {
				return err
			}
			_, err := fmt.Fprintln(p.out, "strongroom", version)
			return err
		},
	}
}
