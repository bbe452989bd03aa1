// Command strongroom is IT documentation, a password vault and a service desk in
// one program.
//
// Always true: errors go to standard error as one sentence and a hint; the exit
// code is 0 when it was done, 1 when it failed and 2 when it was used wrongly.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"strongroom/internal/app"
	"strongroom/internal/base/config"
	"strongroom/internal/base/fault"
)

// version is set when the program is built.
var version = "development"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := &program{in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ()}
	code := p.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// program is one run of the command.
type program struct {
	in       io.Reader
	out, err io.Writer
	environ  []string
}

// command is one subcommand. Its name may have two words.
type command struct {
	name  string
	args  string // what stands after the name in the usage line
	short string // one line for the list
	long  string // what a person must know, in plain text
	run   func(ctx context.Context, p *program, c *command, args []string) error
}

func commands() []*command {
	return slices.Concat([]*command{
		demoCommand(),
		serveCommand(),
		keysServeCommand(),
		keysUnsealCommand(),
		tenantCreateCommand(),
		tenantListCommand(),
		tenantExportCommand(),
		tenantEraseCommand(),
		userCreateCommand(),
		userResetCommand(),
		userLeaveCommand(),
		importCommand(),
		importTableCommand(),
		importHuduCommand(),
	},
		importVaultCommands(),
		supportCommands(),
		vaultItemCommands(),
		rotationCommands(),
		secretCommands(),
		[]*command{
			exportOpenCommand(),
			exportKeyCommand(),
			mcpCommand(),
			vaultLsCommand(),
			vaultGetCommand(),
			vaultPutCommand(),
			vaultWordsCommand(),
			vaultMeetCommand(),
			vaultRecoveryCommand(),
			vaultKeysCommand(),
			vaultLogCommand(),
			vaultBreakglassCommand(),
			vaultVerifyCommand(),
			auditExportCommand(),
			auditVerifyCommand(),
			benchCommand(),
			versionCommand(),
		},
	)
}

// usage is a mistake in how the command was called.
type usage struct{ text, hint string }

func (u usage) Error() string { return u.text }

func (p *program) run(ctx context.Context, args []string) int {
	c, rest, err := find(args)
	if err == nil && c == nil {
		p.overview()
		return 0
	}
	if err == nil {
		err = c.run(ctx, p, c, rest)
	}
	return p.exit(c, err)
}

func (p *program) exit(c *command, err error) int {
	if err == nil {
		return 0
	}
	if errors.Is(err, flag.ErrHelp) {
		p.help(c)
		return 0
	}
	if code, ok := errors.AsType[exited](err); ok { // what it had to say, the command said itself
		return int(code)
	}
	if u, ok := errors.AsType[usage](err); ok {
		fmt.Fprintln(p.err, u.text)
		fmt.Fprintln(p.err, "  "+u.hint)
		return 2
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(p.err, "Stopped.")
		return 1
	}
	e := fault.Say(err)
	fmt.Fprintln(p.err, e.Text)
	for f, s := range e.Fields {
		if s != e.Text {
			fmt.Fprintf(p.err, "  %s: %s\n", f, s)
		}
	}
	if e.Kind == fault.Internal { // whoever runs the command may know what went wrong inside
		fmt.Fprintln(p.err, "  "+err.Error())
	} else if e.Hint != "" {
		fmt.Fprintln(p.err, "  "+e.Hint)
	}
	return 1
}

// find finds the command that args begin with.
func find(args []string) (*command, []string, error) {
	if len(args) > 0 && args[0] == "help" {
		args = append(args[1:], "-h")
	}
	if len(args) == 0 || args[0] == "-h" || args[0] == "-help" || args[0] == "--help" {
		return nil, nil, nil
	}
	if args[0] == "-version" || args[0] == "--version" {
		args[0] = "version"
	}
	var near []string
	for _, c := range commands() {
		words := strings.Fields(c.name)
		if len(args) >= len(words) && strings.Join(args[:len(words)], " ") == c.name {
			return c, args[len(words):], nil
		}
		if words[0] == args[0] {
			near = append(near, "strongroom "+c.name)
		}
	}
	if len(near) > 0 {
		return nil, nil, usage{"Say what to do with " + args[0] + ".", "There is: " + strings.Join(near, ", ")}
	}
	return nil, nil, usage{fmt.Sprintf("There is no command %q.", args[0]), "See: strongroom help"}
}

func (p *program) overview() {
	fmt.Fprint(p.out, "Strongroom keeps the documentation, passwords and tickets of the people who run\nother people's computers.\n\nUsage: strongroom COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(p.out, "  %-16s %s\n", c.name, c.short)
	}
	fmt.Fprint(p.out, "\nTo look around:       strongroom demo\nTo run it for real:   strongroom serve -data DIR\nMore about a command: strongroom COMMAND -h\n\nEvery flag may also stand in the environment (STRONGROOM_DATA=DIR) or in a file\nnamed by -config (data = DIR).\n")
}

func (p *program) help(c *command) {
	fmt.Fprintf(p.out, "Usage: strongroom %s\n\n%s\n", strings.TrimSpace(c.name+" [flags] "+c.args), strings.TrimSpace(c.long))
	f := flag.NewFlagSet("", flag.ContinueOnError)
	flagsOf(c.name, f)
	first := true
	f.VisitAll(func(g *flag.Flag) {
		if first {
			fmt.Fprint(p.out, "\nFlags:\n")
			first = false
		}
		name, text := flag.UnquoteUsage(g)
		fmt.Fprintf(p.out, "  %-22s %s", strings.TrimSpace("-"+g.Name+" "+strings.ToUpper(name)), text)
		if g.DefValue != "" && g.DefValue != "false" && g.DefValue != "0" && !strings.Contains(text, "default") {
			fmt.Fprintf(p.out, " (default %s)", g.DefValue)
		}
		fmt.Fprintln(p.out)
	})
}

// settings are the flags of all commands; each command takes those it has.
type settings struct {
	app.Config
	json     bool
	dryRun   bool
	factors  bool
	clear    bool
	table    app.Table
	places   app.Places
	remote   remoteSettings
	yes      bool
	tenant   string
	title    string
	email    string
	name     string
	role     string
	output   string
	zip      string
	key      string
	records  int
	keys     app.KeysOptions
	stdin    bool
	demo     bool
	rotation app.Rotation
	newRoot  string
	shares   int
	needed   int
	uids     string
	bench    benchSettings
	mcp      app.MCPOptions
	vault    vaultSettings
	list     bool
	details  bool
	support  supportSettings
	leave    leaveSettings
}

// flagsOf adds the flags of the command with that name to f.
func flagsOf(name string, f *flag.FlagSet) *settings {
	s := new(settings)
	if name != "version" && name != "keys serve" && name != "keys unseal" && name != "keys wrap-root" && name != "keys split-root" && name != "keys rotate-root" && name != "bench" && name != "mcp" && !strings.HasPrefix(name, "vault ") && secretFlags()[name] == nil {
		s.Config.Flags(f)
	}
	if name != "serve" && name != "keys serve" && name != "keys unseal" && name != "keys wrap-root" && name != "keys split-root" && name != "keys rotate-root" && name != "version" && name != "tenant erase" && name != "mcp" && name != "run" {
		f.BoolVar(&s.json, "json", false, "print the result as one JSON object")
	}
	if add := flagSets()[name]; add != nil {
		add(s, f)
	}
	if add := vaultItemFlags()[name]; add != nil {
		add(s, f)
	}
	if add := secretFlags()[name]; add != nil {
		add(s, f)
	}
	return s
}

// everySetting names the settings of all commands: one environment serves them all, also
// that of a shell in which a script found its server and key.
func everySetting() []string {
	names := app.Settings()
	for _, c := range commands() {
		f := flag.NewFlagSet("", flag.ContinueOnError)
		flagsOf(c.name, f)
		f.VisitAll(func(g *flag.Flag) { names = append(names, g.Name) })
	}
	return names
}

// parse reads the flags of a command and checks how many arguments are left.
func (p *program) parse(c *command, args []string, least, most int) (*settings, []string, error) {
	f := flag.NewFlagSet("strongroom "+c.name, flag.ContinueOnError)
	s := flagsOf(c.name, f)
	src := config.Source{Args: args, Environ: p.environ, Prefix: "STRONGROOM", Known: everySetting()}
	if f.Lookup("config") != nil {
		src.File = "config"
	}
	rest, err := config.Parse(f, src)
	if errors.Is(err, flag.ErrHelp) {
		return nil, nil, err
	}
	if err != nil {
		e := fault.Say(err)
		return nil, nil, usage{e.Text, e.Hint}
	}
	if len(rest) < least || len(rest) > most {
		return nil, nil, usage{"Usage: strongroom " + strings.TrimSpace(c.name+" [flags] "+c.args), "More: strongroom " + c.name + " -h"}
	}
	return s, rest, nil
}

// options are what the house is opened with.
func (p *program) options(s *settings) (app.Options, error) {
	self, err := os.Executable()
	if err != nil {
		return app.Options{}, err
	}
	return app.Options{Config: s.Config, Program: []string{self}, Stderr: p.err, Version: version}, nil
}

// console runs a console command and fills result.
func (p *program) console(ctx context.Context, s *settings, name string, args, result any, progress func(json.RawMessage)) error {
	o, err := p.options(s)
	if err != nil {
		return err
	}
	return app.Do(ctx, o, name, args, result, progress)
}

// printJSON prints v as one line.
func (p *program) printJSON(v any) error {
	enc := json.NewEncoder(p.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
