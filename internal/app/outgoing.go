package app

import (
	"flag"
	"net"
	"net/url"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/feature/tracker/dnsrecords"
	"strongroom/internal/feature/tracker/mailauth"
	"strongroom/internal/feature/tracker/pace"
	"strongroom/internal/feature/tracker/rdap"
	"strongroom/internal/feature/tracker/resolve"
	"strongroom/internal/feature/tracker/seen"
	"strongroom/internal/feature/tracker/tlscert"
)

// Outgoing says what the server may connect to by itself.
type Outgoing struct {
	Mode  string // on or off; on, and in the demo off
	Allow string // networks beside the public Internet, comma-separated addresses or ranges

	Names      string // host:port of the name server that trackers ask; those of the machine
	Registries string // address of the list of RDAP registries, or builtin; IANA's
}

func (o *Outgoing) flags(f *flag.FlagSet) {
	f.StringVar(&o.Mode, "outgoing", "", "whether trackers and others may connect to the public Internet: `mode` on or off (default on; the demo: off)")
	f.StringVar(&o.Allow, "outgoing-allow", "", "`networks` that they may connect to although these are private, as addresses or ranges")
	f.StringVar(&o.Names, "dns-server", "", "`address` of the name server that trackers ask, such as 192.168.1.1:53 (default: those of this machine)")
	f.StringVar(&o.Registries, "rdap-registries", "", "https `address` of the list of registries that trackers ask, or builtin (default: IANA's)")
}

// dialer gives what makes every connection that the server begins. Invalid for a
// setting that cannot be.
func (o *Outgoing) dialer() (*dialer.Dialer, error) {
	if o.Mode != "" && o.Mode != "on" && o.Mode != "off" {
		return nil, fault.New(fault.Invalid, "The setting outgoing is %q.", o.Mode).WithHint("Use on or off.")
	}
	allow, err := dialer.ParseNetworks(o.Allow)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The setting outgoing-allow is wrong: %s", fault.Say(err).Text).WithHint("%s", fault.Say(err).Hint)
	}
	return &dialer.Dialer{Off: o.Mode == "off", Allow: allow}, nil
}

// names gives the name servers that trackers ask.
func (o *Outgoing) names() ([]string, error) {
	if o.Names == "" {
		return resolve.System("/etc/resolv.conf"), nil
	}
	if _, _, err := net.SplitHostPort(o.Names); err == nil {
		return []string{o.Names}, nil
	}
	if net.ParseIP(o.Names) == nil {
		return nil, fault.New(fault.Invalid, "The setting dns-server is %q, which is no address.", o.Names).WithHint("Write 192.168.1.1 or 192.168.1.1:5353.")
	}
	return []string{net.JoinHostPort(o.Names, "53")}, nil
}

// registries gives the address of the list of registries; empty for the one in the
// program.
func (o *Outgoing) registries() (string, error) {
	switch u, err := url.Parse(o.Registries); {
	case o.Registries == "":
		return rdap.IANA, nil
	case o.Registries == "builtin":
		return "", nil
	case err != nil || u.Scheme != "https" || u.Host == "":
		return "", fault.New(fault.Invalid, "The setting rdap-registries is %q, which is no https address.", o.Registries).WithHint("Leave it empty for IANA's list, or write builtin.")
	}
	return o.Registries, nil
}

// trackers lists what is asked of the outside about records. A new tracker adds one
// line.
func (a *App) trackers() ([]seen.Tracker, error) {
	servers, err := a.Config.Outgoing.names()
	if err != nil {
		return nil, err
	}
	list, err := a.Config.Outgoing.registries()
	if err != nil {
		return nil, err
	}
	named := *a.Dialer // the operator or the machine names the name servers, wherever they are
	named.Trusted = append(named.Trusted[:len(named.Trusted):len(named.Trusted)], servers...)
	names := &resolve.Client{Dialer: &named, Servers: servers}
	a.names = names
	hosts := &pace.Hosts{}
	return []seen.Tracker{
		(&rdap.Source{Client: a.Dialer.Client(dialer.Limits{}), Bootstrap: list, Pace: hosts}).Tracker(),
		(&dnsrecords.Source{Resolver: names}).Tracker(),
		(&mailauth.Source{Resolver: names}).Tracker(),
		(&tlscert.Source{Dialer: a.Dialer, Pace: hosts, Now: a.Now}).Tracker(),
	}, nil
}
