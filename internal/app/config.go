package app

import (
	"errors"
	"flag"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"strongroom/internal/app/keylink"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys/service"
)

// Config is how a house is run. Zero members stand for the defaults given with
// each; Flags makes flags of them.
type Config struct {
	Data     string // data folder; "strongroom-data"
	Root     string // root key file; see rootFile for where it is when empty
	Postgres string // address of a PostgreSQL server for the tenants' databases; SQLite in Data when empty
	Suite    string // key suite of new tenants; hybrid

	KeyService keylink.Client  // a key service that runs apart; none starts one as a child process
	Budgets    service.Budgets // of the key service that is started; one that runs apart has its own

	Listen   string // address of the web interface and the APIs; 127.0.0.1:8200
	Admin    string // address for metrics; none when empty
	Domain   string // host name under which tenants are found as NAME.DOMAIN
	Cert     string // file of the TLS certificate chain
	CertKey  string // file of its private key
	ACME     string // host names, comma-separated, to get certificates for
	ACMEMail string
	Proxies  string // trusted proxies, comma-separated addresses or ranges
	LogLevel string // debug, info, warn or error; info

	ExportFolder string // folder into which tenants may have exports written; none when empty

	Outgoing Outgoing
	Mail     Mail
	Breaches Breaches
}

// Flags adds the settings that every command has which works on data.
func (c *Config) Flags(f *flag.FlagSet) {
	f.StringVar(&c.Data, "data", "strongroom-data", "the `folder` that holds everything")
	f.StringVar(&c.Root, "root", "", "the root key `file` (default: in the user's configuration folder, outside the data)")
	f.StringVar(&c.Postgres, "postgres", "", "keep tenants' databases on this PostgreSQL `server` (postgres://user@host/db) instead of in the data folder")
	f.StringVar(&c.KeyService.Socket, "key-socket", "", "use the key service at this `socket` instead of starting one")
	c.KeyService.Flags(f)
	BudgetFlags(f, &c.Budgets)
	f.StringVar(&c.LogLevel, "log-level", "info", "what to log: debug, info, warn or `level` error")
	f.String("config", "", "read settings from this `file`: name = value, one a line")
}

// BudgetFlags adds the settings of how many secrets may be revealed.
func BudgetFlags(f *flag.FlagSet, b *service.Budgets) {
	f.TextVar(&b.Session, "session-budget", b.Session, "secrets that one session or API key may open: `N/R`, N at once and R a second, or none (default 5000/10)")
	f.TextVar(&b.Person, "person-budget", b.Person, "secrets that all sessions of one person may open: `N/R` or none (default 10000/20)")
	f.TextVar(&b.Tenant, "tenant-budget", b.Tenant, "secrets that all sessions of a tenant may open: `N/R` or none (default 20000/50)")
	f.TextVar(&b.Bulk, "bulk-budget", b.Bulk, "secrets that exports of a tenant may hold: `N/R` or none (default 200000/100)")
}

// LiftBudgets takes off the budgets that were not given.
func (c *Config) LiftBudgets() {
	for _, b := range []*service.Budget{&c.Budgets.Session, &c.Budgets.Person, &c.Budgets.Tenant, &c.Budgets.Bulk} {
		if *b == (service.Budget{}) {
			*b = service.Unlimited()
		}
	}
}

// ServeFlags adds the settings of serve and demo.
func (c *Config) ServeFlags(f *flag.FlagSet) {
	f.StringVar(&c.Listen, "listen", "127.0.0.1:8200", "`address` of the web interface and the APIs; TLS unless it is a loopback address")
	f.StringVar(&c.Admin, "admin-listen", "", "loopback `address` for GET /metrics (default: none)")
	f.StringVar(&c.Domain, "domain", "", "host `name` under which tenants are found as TENANT.NAME")
	f.StringVar(&c.Cert, "tls-cert", "", "`file` of the TLS certificate and its chain, PEM")
	f.StringVar(&c.CertKey, "tls-key", "", "`file` of the certificate's private key, PEM")
	f.StringVar(&c.ACME, "acme", "", "get certificates for these host `names` by ACME; the listen address must be reachable at port 443")
	f.StringVar(&c.ACMEMail, "acme-mail", "", "`address` that the certificate authority may write to")
	f.StringVar(&c.Proxies, "proxies", "", "`addresses` of proxies whose X-Forwarded-For and -Proto are believed")
	f.StringVar(&c.ExportFolder, "export-folder", "", "`folder` into which tenants may have their sealed exports written, each in a folder of its own (default: none)")
	c.Outgoing.flags(f)
	c.Breaches.flags(f)
	c.Mail.flags(f)
	f.StringVar(&c.Suite, "suite", "", "key `suite` of new tenants: hybrid, rsa-oaep-2048, rsa-oaep-3072 or rsa-oaep-4096 (default hybrid)")
}

// Settings lists every name that a configuration file may hold.
func Settings() []string {
	f := flag.NewFlagSet("", flag.ContinueOnError)
	c := new(Config)
	c.Flags(f)
	c.ServeFlags(f)
	var out []string
	f.VisitAll(func(g *flag.Flag) { out = append(out, g.Name) })
	return out
}

// Level is the log level. Invalid when it is none.
func (c *Config) Level() (slog.Level, error) {
	var l slog.Level
	if c.LogLevel == "" {
		return l, nil
	}
	if err := l.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return l, fault.New(fault.Invalid, "The log level %q is not known.", c.LogLevel).WithHint("Use debug, info, warn or error.")
	}
	return l, nil
}

func (c *Config) proxies() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for s := range strings.FieldsFuncSeq(c.Proxies, func(r rune) bool { return r == ',' || r == ' ' }) {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			a, err := netip.ParseAddr(s)
			if err != nil {
				return nil, fault.New(fault.Invalid, "The proxy %q is neither an address nor a range.", s).WithHint("Write 10.0.0.5 or 10.0.0.0/24.")
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// rootFile says where the root key is: where the setting says; else where an
// earlier start put it; else a file named after the data folder's own id in the
// user's configuration folder, so that a copy of the data folder does not hold
// its own key; and inside the data folder only where there is no such folder.
func (c *Config) rootFile() (path string, inside bool, err error) {
	if c.Root != "" {
		return c.Root, false, nil
	}
	within := filepath.Join(c.Data, "root.key")
	if _, err := os.Stat(within); err == nil {
		return within, true, nil
	}
	name, err := houseID(c.Data)
	if err != nil {
		return "", false, err
	}
	if base, err := os.UserConfigDir(); err == nil {
		dir := filepath.Join(base, "strongroom")
		if os.MkdirAll(dir, 0o700) == nil && writable(dir) {
			return filepath.Join(dir, "root-"+name+".key"), false, nil
		}
	}
	return within, true, nil
}

func writable(dir string) bool {
	f, err := os.CreateTemp(dir, ".try-")
	if err != nil {
		return false
	}
	return errors.Join(f.Close(), os.Remove(f.Name())) == nil
}
