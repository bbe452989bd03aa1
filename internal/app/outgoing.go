package app

import (
	"flag"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
)

// Outgoing says what the server may connect to by itself.
type Outgoing struct {
	Mode  string // on or off; on
	Allow string // networks beside the public Internet, comma-separated addresses or ranges
}

func (o *Outgoing) flags(f *flag.FlagSet) {
	f.StringVar(&o.Mode, "outgoing", "on", "whether trackers and others may connect to the public Internet: `on or` off")
	f.StringVar(&o.Allow, "outgoing-allow", "", "`networks` that they may connect to although these are private, as addresses or ranges")
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
