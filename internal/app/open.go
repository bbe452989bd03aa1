// Package app puts the house together, starts it and stops it.
//
// Always true: one process at a time holds a data folder; the key service is
// another process; everything that a package needs is given to it here, in the
// open, so that this package is the list of what depends on what.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/keys"
	"strongroom/internal/core/keys/service"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/core/tenant"
	"strongroom/internal/feature"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/approval"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/automation"
	"strongroom/internal/feature/automation/deed"
	"strongroom/internal/feature/automation/routine"
	"strongroom/internal/feature/breaker"
	"strongroom/internal/feature/breakglass"
	"strongroom/internal/feature/bulk"
	"strongroom/internal/feature/checkout"
	"strongroom/internal/feature/device"
	"strongroom/internal/feature/document"
	"strongroom/internal/feature/duty"
	"strongroom/internal/feature/exporter"
	"strongroom/internal/feature/exporter/standing"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/identity/method/local"
	"strongroom/internal/feature/identity/provision"
	"strongroom/internal/feature/identity/way"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/undo"
	"strongroom/internal/feature/ipaccess"
	"strongroom/internal/feature/keyring"
	"strongroom/internal/feature/leaver"
	"strongroom/internal/feature/live"
	"strongroom/internal/feature/mailbox"
	"strongroom/internal/feature/mfa"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/notification/channel"
	"strongroom/internal/feature/outbox"
	"strongroom/internal/feature/personal"
	steps "strongroom/internal/feature/process"
	"strongroom/internal/feature/relation"
	"strongroom/internal/feature/reminder"
	"strongroom/internal/feature/review"
	"strongroom/internal/feature/risk"
	"strongroom/internal/feature/rotation/change"
	"strongroom/internal/feature/runbook"
	"strongroom/internal/feature/sensitive"
	"strongroom/internal/feature/share"
	"strongroom/internal/feature/tracker"
	"strongroom/internal/feature/tracker/resolve"
	"strongroom/internal/feature/vault"
	"strongroom/internal/feature/webhook"
	"strongroom/internal/surface/itglue"
	"strongroom/internal/surface/ivanti"
	"strongroom/internal/surface/mcp"
	"strongroom/internal/surface/scim"
	"strongroom/internal/surface/vaultapi"
	"strongroom/internal/surface/webui"
)

// App is a house that is open.
type App struct {
	Config    Config
	Log       *slog.Logger
	Now       func() time.Time
	House     *tenant.House
	Gate      *gate.Gate
	Records   *record.Engine
	Keys      *keys.Client
	Secrets   *secret.Revealer
	Directory *identity.Directory
	Sessions  *identity.Sessions
	Letters   *identity.Letters
	Ways      *way.Ways
	Provision *provision.Provision
	APIKeys   *apikey.Keys
	FirstRun  *identity.FirstRun
	Files     *attachment.Store
	Relations *relation.Relations
	Importer  *importer.Importer
	Undo      *undo.Undo
	Bulk      *bulk.Bulk
	Standing  *standing.Standing
	Exporter  *exporter.Exporter
	Keyring   *keyring.Keyring
	Changes   *change.Changes
	Sensitive *sensitive.Fields
	Runbooks  *runbook.Runbooks
	Trackers  *tracker.Checker
	Reminder  *reminder.Reminder
	Risks     *risk.Risks
	Reviews   *review.Reviews
	Leavers   *leaver.Leavers
	Live      *live.Hub
	Outbox    *outbox.Outbox
	Rules     *automation.Rules
	Duties    *duty.Duties
	Hooks     *webhook.Hooks
	Processes *steps.Processes
	Mailboxes *mailbox.Desk
	names     *resolve.Client // whom trackers ask
	Jobs      *job.Runner
	Notices   *notification.Deliverer // hands notices to the channels that leave the house
	Channels  *channel.Sender         // sends what people are told by channels of their own
	Web       *webui.Server           // once Handler was called
	API       *itglue.API             // once Handler was called
	MCP       *mcp.Server             // likewise
	Vault     *vaultapi.Server        // likewise
	Ivanti    *ivanti.API             // likewise
	SCIM      *scim.Server            // likewise
	Version   string

	Demonstrates bool // it is the demo: every page says so

	beginning sync.Mutex // of making the first tenant
	working   bool       // jobs are done in this process

	// Dialer makes every connection that the server begins.
	Dialer *dialer.Dialer

	proxies []netip.Prefix
	lock    *os.File
	closing []io.Closer // what else is open
	child   *keyChild
	stderr  io.Writer
}

// Options are what Open needs beside the settings.
type Options struct {
	Config
	Program []string         // the command line of this program, for starting the key service
	Now     func() time.Time // nil is time.Now
	Stderr  io.Writer        // for the log and for what a person must be told once
	Quiet   bool             // log warnings and errors only
	Version string
	Demo    bool // say on every page that this is the demo
	Beside  bool // look in beside a running server: take no lock, use its key service
}

// ErrHeld is what Open gives when another process has the data folder.
var ErrHeld = errors.New("the data folder is in use")

// Open opens the house in the data folder, making what is missing. Close it.
func Open(ctx context.Context, o Options) (_ *App, err error) {
	if o.Data == "" {
		o.Data = "strongroom-data"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	level, err := o.Level()
	if err != nil {
		return nil, err
	}
	if o.Quiet {
		level = max(level, slog.LevelWarn)
	}
	a := &App{Config: o.Config, Now: o.Now, Version: o.Version, Demonstrates: o.Demo, stderr: o.Stderr,
		Log: slog.New(slog.NewTextHandler(o.Stderr, &slog.HandlerOptions{Level: level}))}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.proxies, err = o.proxies(); err != nil {
		return nil, err
	}
	if o.Demo && o.Outgoing.Mode == "" {
		o.Outgoing.Mode = "off"
	}
	if a.Dialer, err = o.Outgoing.dialer(); err != nil {
		return nil, err
	}
	if !o.Beside {
		var held bool
		if a.lock, held, err = lock(o.Data); err != nil {
			return nil, err
		}
		if held {
			return nil, ErrHeld
		}
	}
	if err := a.openKeys(ctx, o); err != nil {
		return nil, err
	}
	return a, a.assemble(ctx, o.Beside)
}

// openKeys finds or starts the key service.
func (a *App) openKeys(ctx context.Context, o Options) error {
	at := o.KeyService
	var err error
	switch {
	case at.Given():
	case o.Beside:
		if at.Socket, err = published(o.Data, keysAddress); err != nil {
			return err
		}
	default:
		if err := a.startChild(o); err != nil {
			return err
		}
		at.Socket = a.child.Socket
		if err := publish(o.Data, keysAddress, at.Socket); err != nil {
			return unusable(err, o.Data)
		}
	}
	if a.Keys, err = at.Dial(); err != nil {
		return err
	}
	st, err := a.Keys.Status(ctx)
	if err != nil {
		return err
	}
	if st.Sealed {
		return fault.New(fault.Unavailable, "The key service is sealed.").WithHint("Give it its root key; see the manual of: strongroom keys serve.")
	}
	return nil
}

func (a *App) startChild(o Options) error {
	path, inside, err := o.rootFile()
	if err != nil {
		return err
	}
	store := filepath.Join(o.Data, "keys")
	if _, err := os.Stat(store); err == nil { // keys were made: a new root could not open them
		if _, err := service.LoadRoot(path); fault.Is(err, fault.NotFound) {
			return fault.New(fault.Unavailable, "The root key of %s is not at %s.", o.Data, path).
				WithHint("Put the root key file back, or write the line of the recovery print into it, or name it with -root FILE.")
		}
	}
	_, created, recovery, err := service.LoadOrCreateRoot(path)
	if err != nil {
		return err
	}
	if created {
		fmt.Fprintf(a.stderr, "A new root key was made: %s\nPrint this line and keep it in a safe place; without it nothing can be read:\n\n    %s\n\n", path, recovery)
		if inside {
			fmt.Fprintln(a.stderr, "It lies inside the data folder, so a copy of the whole folder can be read. Move it elsewhere and name it with -root FILE.")
		}
	}
	level, err := o.Level()
	if err != nil {
		return err
	}
	if o.Quiet {
		level = max(level, slog.LevelWarn)
	}
	a.child, err = startKeys(o.Program, store, level, o.Budgets, func() ([]byte, error) { return service.LoadRoot(path) }, a.stderr, a.Log)
	return err
}

// assemble gives every part what it needs.
func (a *App) assemble(ctx context.Context, beside bool) error {
	a.Duties, a.Hooks = &duty.Duties{}, &webhook.Hooks{Now: a.Now}
	a.Processes = &steps.Processes{}
	deeds := &deed.Deeds{Call: a.Hooks.Call, Start: a.Processes.Start}
	a.Rules, a.Processes.Do = &automation.Rules{Do: deeds.Do, Rounds: routine.Rounds}, deeds.Do
	kinds, err := record.NewRegistry(a.Hooks.Over(a.Processes.Over(a.Rules.Over(a.Duties.Over(feature.All()))))...)
	if err != nil {
		return err
	}
	a.Records = &record.Engine{Kinds: kinds}
	a.House = &tenant.House{
		Dir: a.Config.Data, Keys: a.Keys, Postgres: a.Config.Postgres, Suite: a.Config.Suite, Log: a.Log, Now: a.Now,
		Version: kinds.Fingerprint(), Migrate: func(tx *sqldb.Tx) error { return kinds.Migrate(tx) },
	}
	if err := a.House.Start(ctx); err != nil {
		return err
	}
	a.Gate = &gate.Gate{House: a.House, Kinds: kinds.Traits(), Log: a.Log, Now: a.Now, Guard: mfa.Guard}
	a.Secrets = &secret.Revealer{Gate: a.Gate, Keys: a.Keys, Restored: a.Records.SecretRestored, Policies: []secret.Policy{mfa.Revealing, approval.Policy, checkout.Policy, new(breaker.Breaker).Policy}, Throttled: breaker.Throttled(a.Gate)}
	passwords := &local.Method{Gate: a.Gate}
	a.Directory = &identity.Directory{Gate: a.Gate, Records: a.Records, Passwords: passwords}
	a.Sessions = &identity.Sessions{Gate: a.Gate, Methods: []method.Password{passwords}, Passwords: passwords, Second: mfa.Has, Entered: entered, Changed: device.TellPassword, Places: &ipaccess.Places{}}
	a.Ways = &way.Ways{Gate: a.Gate, Records: a.Records, Secrets: a.Secrets, Kinds: methods(), Dialer: a.Dialer, Now: a.Now}
	a.Sessions.Opening = append(a.Sessions.Opening, breakglass.Except(a.Ways.Opening), breakglass.Opening)
	a.Sessions.Completed = way.Completed
	a.Provision = &provision.Provision{Gate: a.Gate, Records: a.Records, Ways: a.Ways}
	a.APIKeys = &apikey.Keys{Gate: a.Gate, Owning: breakglass.Owning}
	a.Files = &attachment.Store{Gate: a.Gate}
	a.Relations = &relation.Relations{Records: a.Records, Sources: []relation.Source{{Kind: "password", Field: "resource_id", Reason: "Embedded password", Back: "Belongs to"}}}
	a.Notices = &notification.Deliverer{Gate: a.Gate, Resolve: a.resolve, Log: a.Log}
	a.Channels = &channel.Sender{Gate: a.Gate, Secrets: a.Secrets, Resolve: a.resolve, HTTP: a.Dialer.Client(dialer.Limits{Time: 15 * time.Second, Body: 64 << 10, Redirects: -1}), Link: a.Config.Mail.Link, Now: a.Now, Log: a.Log}
	a.Live = &live.Hub{Gate: a.Gate, Log: a.Log}
	a.Jobs = a.jobs()
	a.Ways.Jobs = a.Jobs
	a.Duties.Gate, a.Duties.Records, a.Duties.Jobs = a.Gate, a.Records, a.Jobs
	a.Hooks.Gate, a.Hooks.Records, a.Hooks.Secrets, a.Hooks.Jobs, a.Hooks.HTTP = a.Gate, a.Records, a.Secrets, a.Jobs, a.Dialer.Client(dialer.Limits{Time: 15 * time.Second, Body: 64 << 10, Redirects: -1})
	a.Processes.Gate, a.Processes.Records, a.Processes.Jobs = a.Gate, a.Records, a.Jobs
	a.Rules.Gate, a.Rules.Records, a.Rules.Jobs = a.Gate, a.Records, a.Jobs
	if a.Risks, err = a.risks(); err != nil {
		return err
	}
	passwords.Breached = a.Risks.Local
	a.Importer = &importer.Importer{Gate: a.Gate, Records: a.Records.Inside(), Files: a.Files, Relations: a.Relations, Jobs: a.Jobs, Layouts: a.layouts(), Log: a.Log, Now: a.Now}
	a.Bulk = &bulk.Bulk{Gate: a.Gate, Records: a.Records, Jobs: a.Jobs}
	a.Undo = &undo.Undo{Gate: a.Gate, Records: a.Records.Inside(), Secrets: a.Secrets, Relations: a.Relations, Jobs: a.Jobs, Now: a.Now}
	a.Exporter = &exporter.Exporter{Gate: a.Gate, Records: a.Records, Files: a.Files, Secrets: a.Secrets, Jobs: a.Jobs, Now: a.Now, Sealed: (&vault.Vaults{Gate: a.Gate}).Export}
	a.Reviews = &review.Reviews{Gate: a.Gate, Records: a.Records, Resolve: a.resolve}
	a.Leavers = &leaver.Leavers{Gate: a.Gate, Records: a.Records, Risks: a.Risks, Jobs: a.Jobs, Handover: personal.AskIn, Shares: share.EndOf, Checkouts: checkout.EndOf}
	a.Keyring = &keyring.Keyring{Gate: a.Gate, Keys: a.Keys, Jobs: a.Jobs}
	a.Changes = &change.Changes{Gate: a.Gate, Records: a.Records, Secrets: a.Secrets, Jobs: a.Jobs, Connectors: a.systems()}
	a.Sensitive = &sensitive.Fields{Gate: a.Gate, Records: a.Records, Jobs: a.Jobs, Policies: a.Secrets.Policies}
	a.Exporter.Fields = a.Sensitive.ShowMany
	a.Runbooks = &runbook.Runbooks{Gate: a.Gate, Records: a.Records, Relations: a.Relations, Jobs: a.Jobs, Body: document.Body,
		Pictures: func(c *access.Caller) func(context.Context, string) ([]byte, error) {
			return document.Pictures(a.Files, c)
		}}
	list, err := a.trackers()
	if err != nil {
		return err
	}
	a.Trackers = &tracker.Checker{Gate: a.Gate, Records: a.Records.Inside(), Jobs: a.Jobs, Trackers: list, Off: a.Dialer.Off, Log: a.Log}
	a.Standing = &standing.Standing{Gate: a.Gate, Export: a.Exporter.Everything, Jobs: a.Jobs, Folder: a.Config.ExportFolder, Now: a.Now}
	if err := a.mails(); err != nil {
		return err
	}
	a.Jobs.Handlers = a.handlers()
	if !beside {
		if err := a.House.Tidy(ctx); err != nil {
			return err
		}
	}
	n, err := a.House.Count(ctx)
	if err == nil && n == 0 {
		a.FirstRun = identity.NewFirstRun()
		a.FirstRun.Spent = func() {
			fmt.Fprintln(a.stderr, "The code of the first run was missed too often and is void. Stop the server and start it again: it prints a new one.")
		}
	}
	return err
}

// Close closes the house; the key service ends last.
func (a *App) Close() error {
	var errs []error
	if a.Gate != nil {
		a.Gate.Flush(context.Background(), true)
		a.Sessions.Flush(context.Background(), true)
	}
	if a.House != nil {
		errs = append(errs, a.House.Close())
	}
	for _, c := range a.closing {
		errs = append(errs, c.Close())
	}
	if a.Keys != nil {
		errs = append(errs, a.Keys.Close())
	}
	if a.child != nil {
		errs = append(errs, a.child.Close())
		if a.lock != nil {
			errs = append(errs, os.Remove(filepath.Join(a.Config.Data, keysAddress)))
		}
	}
	if a.lock != nil {
		errs = append(errs, a.lock.Close())
	}
	return errors.Join(errs...)
}

// CreateTenant makes a tenant with its first lists, its administrator and an
// API key that may do everything; or, when any of that fails, nothing.
func (a *App) CreateTenant(ctx context.Context, name, title string, admin identity.Person) (*Created, error) {
	out := &Created{Tenant: name}
	_, err := a.House.Make(ctx, name, title, func(ctx context.Context) error {
		issued, err := a.furnish(ctx, name, admin)
		if err != nil {
			return err
		}
		out.Email, out.Password, out.User = issued.Email, issued.Password, issued.User
		_, out.APIKey, err = a.APIKeys.Create(ctx, access.System(name, "console"),
			apikey.New{Name: "First key", Owner: issued.User, Passwords: true, Limit: &apikey.Limit{}})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// furnish gives a new tenant its first lists and its administrator.
func (a *App) furnish(ctx context.Context, name string, admin identity.Person) (*identity.Issued, error) {
	if err := a.Gate.Change(ctx, access.System(name, "console"), access.Administer, gate.Thing{}, a.Records.Seed); err != nil {
		return nil, err
	}
	return a.Directory.CreateAdministrator(ctx, name, admin)
}

// Created is what a new tenant is opened with.
type Created struct {
	Tenant   string `json:"tenant"`
	Email    string `json:"email"`
	Password string `json:"password"`
	APIKey   string `json:"api_key"`

	User id.ID `json:"-"`
}

// entered tells people of a sign-in on a device that they did not use before.
// and all administrators of the use of an account for emergencies.
func entered(tx *gate.Tx, e identity.Entry) error {
	if err := breakglass.Entered(tx, e); err != nil {
		return err
	}
	if e.Known || e.First {
		return nil
	}
	return device.Tell(tx, e.User, e.Session, e.Addr, e.Agent)
}
