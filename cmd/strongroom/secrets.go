package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"strongroom/internal/app/remote"
	"strongroom/internal/base/fault"
)

// remoteSettings are the flags of the commands that use a server's passwords.
type remoteSettings struct {
	remote.Server
	keyFile string
	field   string
	user    string // of a password that is made
	address string
	bare    bool     // no newline behind a value
	env     []string // NAME=PASSWORD[:FIELD]
	envFile string
}

// server gives the server, with its key.
func (r *remoteSettings) server() (*remote.Server, error) {
	r.Key = strings.TrimSpace(r.Key)
	if r.keyFile != "" {
		var err error
		if r.Key, err = remote.KeyFrom(r.keyFile); err != nil {
			return nil, err
		}
	}
	return &r.Server, nil
}

// remoteFlags are those of the commands that use a server's passwords.
func remoteFlags(s *settings, f *flag.FlagSet) {
	f.StringVar(&s.remote.URL, "url", "", "`address` of the server, such as https://demo.example.com")
	f.StringVar(&s.remote.Key, "key", "", "the API `key`; better in the environment, where other users of this machine do not see it")
	f.StringVar(&s.remote.keyFile, "key-file", "", "`file` that holds the API key and that nobody else can read")
	f.StringVar(&s.remote.Reason, "reason", "", "why the secrets are needed, as a `text` for the audit log")
}

// remoteHelp is what is the same for all of them.
const remoteHelp = `

The address of the server and the key are read from the environment, STRONGROOM_URL and
STRONGROOM_KEY, or from -url and a file named by -key-file that its owner alone can read.
A password is named ORGANIZATION/NAME, or by its id. The server records each secret that
it tells, with the key and -reason.`

func secretCommands() []*command {
	return []*command{
		{name: "secret ls", args: "[ORGANIZATION]", short: "list the passwords that an API key may see",
			long: "Prints id, organization and name of each, between tabs. No secret is told." + remoteHelp, run: secretList},
		{name: "secret get", args: "PASSWORD", short: "print one field of a password of a server",
			long: "Prints the secret, or the field that -field names." + remoteHelp, run: secretGet},
		{name: "secret put", args: "PASSWORD", short: "give a password of a server a new secret",
			long: `The secret is read from standard input, without the newline at its end; it is never an
argument, which other users of this machine would see. A password that is not there yet
is made.` + remoteHelp, run: secretPut},
		{name: "run", args: "-- COMMAND [ARGUMENTS]", short: "run a command with secrets of a server in its environment",
			long: `
Runs the command with the environment of this one and each secret that -env names. The
values are in the environment of the command and nowhere else: not printed, not on a
disk. Signals are passed on, and the exit code is that of the command. The API key is
not passed on.

  strongroom run -env DB_PASSWORD=Harbor/Database -env DB_USER=Harbor/Database:username -- ./backup.sh

-env-file names a file of such lines; empty ones and those that begin with # are left
out.` + remoteHelp, run: runWith},
	}
}

func secretList(ctx context.Context, p *program, c *command, args []string) error {
	s, rest, err := p.parse(c, args, 0, 1)
	if err != nil {
		return err
	}
	server, err := s.remote.server()
	if err != nil {
		return err
	}
	list, err := server.List(ctx, strings.Join(rest, ""))
	if err != nil {
		return err
	}
	if s.json {
		if list == nil {
			list = []*remote.Password{}
		}
		return p.printJSON(list)
	}
	for _, l := range list {
		if _, err := fmt.Fprintf(p.out, "%s\t%s\t%s\n", l.ID, l.Organization, l.Name); err != nil {
			return err
		}
	}
	return nil
}

func secretGet(ctx context.Context, p *program, c *command, args []string) error {
	s, rest, err := p.parse(c, args, 1, 1)
	if err != nil {
		return err
	}
	if !slices.Contains(remote.Fields(), s.remote.field) {
		return usage{fmt.Sprintf("A password has no field %q.", s.remote.field), "Use one of these: " + strings.Join(remote.Fields(), ", ")}
	}
	server, err := s.remote.server()
	if err != nil {
		return err
	}
	id, err := server.Find(ctx, rest[0])
	if err != nil {
		return err
	}
	got, err := server.Get(ctx, id, s.json || s.remote.field == remote.FieldPassword)
	if err != nil {
		return err
	}
	if s.json {
		return p.printJSON(got)
	}
	text, err := got.Value(s.remote.field)
	if err != nil {
		return err
	}
	if !s.remote.bare {
		text += "\n"
	}
	_, err = io.WriteString(p.out, text)
	return err
}

// mostSecret is the largest secret that is read from standard input.
const mostSecret = 64 << 10

func secretPut(ctx context.Context, p *program, c *command, args []string) error {
	s, rest, err := p.parse(c, args, 1, 1)
	if err != nil {
		return err
	}
	server, err := s.remote.server()
	if err != nil {
		return err
	}
	if f, ok := p.in.(*os.File); ok {
		if st, err := f.Stat(); err == nil && st.Mode()&os.ModeCharDevice != 0 {
			return usage{"The secret would be shown on the screen.", "Pipe it in: pass-generator | strongroom secret put " + rest[0]}
		}
	}
	b, err := io.ReadAll(io.LimitReader(p.in, mostSecret+1))
	if err != nil {
		return err
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if text == "" || len(b) > mostSecret {
		return fault.New(fault.Invalid, "Standard input holds no secret, or one of more than 64 KiB.").WithHint("Pipe it in: pass-generator | strongroom secret put %s", rest[0])
	}
	id, err := server.Find(ctx, rest[0])
	what := "changed"
	switch {
	case fault.Is(err, fault.NotFound) && strings.Contains(rest[0], "/"):
		what = "created"
		id, err = server.Create(ctx, rest[0], s.remote.user, s.remote.address, text)
	case err == nil:
		err = server.Put(ctx, id, text)
	}
	if err != nil {
		return err
	}
	if s.json {
		return p.printJSON(map[string]string{"id": id, "done": what})
	}
	_, err = fmt.Fprintf(p.out, "The password %s was %s.\n", id, what)
	return err
}

// exited is that a command that was run ended with this code.
type exited int

func (e exited) Error() string { return fmt.Sprintf("it ended with %d", int(e)) }

func runWith(ctx context.Context, p *program, c *command, args []string) error {
	at := slices.Index(args, "--")
	if at < 0 && (len(args) == 0 || !strings.HasPrefix(strings.TrimLeft(args[0], "-"), "h")) || at == len(args)-1 {
		return usage{"Say which command to run, behind --.", "For example: strongroom run -env TOKEN=Harbor/Token -- ./deploy.sh"}
	}
	var what []string
	if at >= 0 {
		args, what = args[:at], args[at+1:]
	}
	s, _, err := p.parse(c, args, 0, 0)
	if err != nil {
		return err
	}
	values, err := secretsFor(ctx, s)
	if err != nil {
		return err
	}
	env := slices.DeleteFunc(slices.Clone(p.environ), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return name == "STRONGROOM_KEY" || values[name] != ""
	})
	for name, value := range values {
		env = append(env, name+"="+value)
	}
	return p.runChild(what, env)
}

// secretsFor asks for the values of the variables that were named.
func secretsFor(ctx context.Context, s *settings) (map[string]string, error) {
	lines := s.remote.env
	if s.remote.envFile != "" {
		b, err := os.ReadFile(s.remote.envFile) // #nosec G304 G703 -- the person who runs the command names it
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "The file %s cannot be read.", s.remote.envFile).WithHint("Check the name and the rights.")
		}
		for l := range strings.Lines(string(b)) {
			if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "#") {
				lines = append(lines, l)
			}
		}
	}
	server, err := s.remote.server()
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, l := range lines {
		name, ref, ok := strings.Cut(l, "=")
		if !ok || name == "" || strings.ContainsAny(name, " \x00") {
			return nil, fault.New(fault.Invalid, "%q is not written as NAME=ORGANIZATION/PASSWORD.", l)
		}
		field := remote.FieldPassword
		if i := strings.LastIndexByte(ref, ':'); i >= 0 && slices.Contains(remote.Fields(), ref[i+1:]) {
			ref, field = ref[:i], ref[i+1:]
		}
		id, err := server.Find(ctx, ref)
		if err != nil {
			return nil, err
		}
		got, err := server.Get(ctx, id, field == remote.FieldPassword)
		if err != nil {
			return nil, err
		}
		value, err := got.Value(field)
		if err != nil {
			return nil, err
		}
		if strings.ContainsRune(value, 0) {
			return nil, fault.New(fault.Invalid, "The value for %s has a zero byte, which the environment cannot hold.", name)
		}
		out[name] = value
	}
	return out, nil
}

// runChild runs a command, passes signals on and ends as it ends.
func (p *program) runChild(what, env []string) error {
	child := exec.Command(what[0], what[1:]...) // #nosec G204 G702 -- to run what a person names is what the command is for
	child.Env, child.Stdin, child.Stdout, child.Stderr = env, p.in, p.out, p.err
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2)
	defer signal.Stop(signals)
	if err := child.Start(); err != nil {
		return fault.New(fault.Invalid, "The command %s cannot be run: %v.", what[0], errors.Unwrap(err)).WithHint("Check its name and that it may be run.")
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	for {
		select {
		case sig := <-signals:
			_ = child.Process.Signal(sig) // it may have ended just now, which is said below
		case err := <-ended:
			bad, ok := errors.AsType[*exec.ExitError](err)
			if !ok {
				return err
			}
			if st, ok := bad.Sys().(syscall.WaitStatus); ok && st.Signaled() {
				return exited(128 + int(st.Signal()))
			}
			return exited(bad.ExitCode())
		}
	}
}

// secretFlags gives the commands the flags that they alone have.
func secretFlags() map[string]func(*settings, *flag.FlagSet) {
	return map[string]func(*settings, *flag.FlagSet){
		"secret ls": remoteFlags,
		"secret get": func(s *settings, f *flag.FlagSet) {
			remoteFlags(s, f)
			f.StringVar(&s.remote.field, "field", remote.FieldPassword, "which `field`: "+strings.Join(remote.Fields(), ", "))
			f.BoolVar(&s.remote.bare, "no-newline", false, "print no newline behind the value")
		},
		"secret put": func(s *settings, f *flag.FlagSet) {
			remoteFlags(s, f)
			f.StringVar(&s.remote.user, "username", "", "user `name` of a password that is made")
			f.StringVar(&s.remote.address, "address", "", "`address` of a password that is made")
		},
		"run": func(s *settings, f *flag.FlagSet) {
			remoteFlags(s, f)
			f.Func("env", "a variable, as `NAME=PASSWORD[:FIELD]`. May be given several times", func(v string) error {
				s.remote.env = append(s.remote.env, v)
				return nil
			})
			f.StringVar(&s.remote.envFile, "env-file", "", "`file` of such lines")
		},
	}
}
