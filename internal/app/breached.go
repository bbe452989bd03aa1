package app

import (
	"flag"
	"net/url"
	"time"

	"strongroom/internal/base/breached"
	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/feature/risk"
)

// Breaches says where breached passwords are looked up.
type Breaches struct {
	List    string // file or folder; asked as passwords are saved
	Service string // address of a range service; asked by checks alone, where there is no list
}

func (b *Breaches) flags(f *flag.FlagSet) {
	f.StringVar(&b.List, "breached-list", "", "`file` or folder of breached passwords' SHA-1 digests, as Have I Been Pwned publishes them; looked up as passwords are saved")
	f.StringVar(&b.Service, "breached-service", "", "`address` of a range service such as https://api.pwnedpasswords.com/range, asked with five digits of a digest when an administrator has passwords checked")
}

// risks makes what marks passwords and reports on them.
func (a *App) risks() (*risk.Risks, error) {
	k := &risk.Risks{Gate: a.Gate, Records: a.Records, Secrets: a.Secrets, Jobs: a.Jobs, Log: a.Log}
	if a.Config.Breaches.List != "" {
		list, err := breached.Open(a.Config.Breaches.List)
		if err != nil {
			return nil, err
		}
		a.closing = append(a.closing, list)
		k.Local = list
	}
	if s := a.Config.Breaches.Service; s != "" {
		if u, err := url.Parse(s); err != nil || u.Scheme != "https" || u.Host == "" {
			return nil, fault.New(fault.Invalid, "The service for breached passwords %q is no https address.", s).WithHint("Write https://HOST/range.")
		}
		k.Service = &breached.Service{URL: s, HTTP: a.Dialer.Client(dialer.Limits{Time: 20 * time.Second, Body: 1 << 20})}
	}
	a.Records.Sealed = k.Sealed
	return k, nil
}
