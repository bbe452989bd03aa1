package rdap

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"strongroom/internal/feature/tracker/seen"
)

// domain is what counts here of a registry's answer (RFC 9083, section 5.3).
type domain struct {
	Class       string   `json:"objectClassName"`
	LDHName     string   `json:"ldhName"`
	Status      []string `json:"status"`
	Events      []event  `json:"events"`
	Nameservers []struct {
		LDHName string `json:"ldhName"`
	} `json:"nameservers"`
	SecureDNS *struct {
		Signed *bool `json:"delegationSigned"`
	} `json:"secureDNS"`
	Entities []entity `json:"entities"`
}

type event struct {
	Action string `json:"eventAction"`
	Date   string `json:"eventDate"`
}

type entity struct {
	Roles     []string `json:"roles"`
	Handle    string   `json:"handle"`
	PublicIDs []struct {
		Type       string `json:"type"`
		Identifier string `json:"identifier"`
	} `json:"publicIds"`
	VCard []json.RawMessage `json:"vcardArray"`
}

func parseDomain(b []byte) (*domain, error) {
	d := new(domain)
	if err := json.Unmarshal(b, d); err != nil {
		return nil, err
	}
	if d.LDHName == "" && len(d.Events) == 0 && len(d.Status) == 0 {
		return nil, errors.New("it says nothing of a domain")
	}
	return d, nil
}

// name is the name on an entity's card (RFC 7095): of properties, each a list of
// its name, parameters, type and value, that with the name fn.
func (e *entity) name() string {
	if len(e.VCard) < 2 {
		return ""
	}
	var properties [][]any
	if json.Unmarshal(e.VCard[1], &properties) != nil {
		return ""
	}
	org := ""
	for _, p := range properties {
		if len(p) < 4 {
			continue
		}
		key, _ := p[0].(string)
		value, _ := p[3].(string)
		if key == "fn" && value != "" {
			return seen.Line(value)
		}
		if key == "org" {
			org = seen.Line(value)
		}
	}
	return org
}

// registrar finds the name and IANA's number of the registrar.
func (d *domain) registrar() (name, number string) {
	for _, e := range d.Entities {
		for _, role := range e.Roles {
			if role != "registrar" {
				continue
			}
			name = e.name()
			for _, p := range e.PublicIDs {
				if p.Type == "IANA Registrar ID" {
					number = seen.Line(p.Identifier)
				}
			}
			if name == "" {
				name = seen.Line(e.Handle)
			}
			return name, number
		}
	}
	return "", ""
}

// day gives the day of an event, in UTC.
func (d *domain) day(action string) string {
	for _, e := range d.Events {
		if strings.EqualFold(e.Action, action) {
			for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateOnly} {
				if t, err := time.Parse(layout, e.Date); err == nil && t.Year() >= 1 && t.Year() <= 9999 {
					return t.UTC().Format(time.DateOnly)
				}
			}
		}
	}
	return ""
}

// report says what the registry knows.
func (d *domain) report(name string) *seen.Report {
	r := &seen.Report{}
	registrar, number := d.registrar()
	r.Add("Domain", name)
	r.Add("Registrar", registrar)
	r.Add("Registrar's IANA number", number)
	registered, expires := d.day("registration"), d.day("expiration")
	r.Add("Registered on", registered)
	r.Add("Expires on", expires)
	r.Add("Changed on", d.day("last changed"))
	r.Add("Transferred on", d.day("transfer"))
	r.AddSorted("Status", d.statuses()...)
	var ns []string
	for _, n := range d.Nameservers {
		ns = append(ns, strings.ToLower(strings.TrimRight(seen.Line(n.LDHName), ".")))
	}
	r.AddSorted("Name servers", ns...)
	if d.SecureDNS != nil && d.SecureDNS.Signed != nil {
		r.Add("DNSSEC", map[bool]string{true: "signed", false: "not signed"}[*d.SecureDNS.Signed])
	}
	r.Set("registrar_name", registrar)
	r.Set("expires_on", expires)
	r.Set("registered_on", registered)
	r.Set("name_servers", strings.Join(sorted(r, "Name servers"), ", "))
	r.Summary = "Registered"
	if registrar != "" {
		r.Summary = "Registered with " + registrar
	}
	d.judge(r, expires)
	return r
}

func sorted(r *seen.Report, label string) []string {
	for _, f := range r.Facts {
		if f.Label == label {
			return f.Values
		}
	}
	return nil
}

// statuses spells what registries write as clientTransferProhibited like RFC 9083:
// client transfer prohibited.
func (d *domain) statuses() []string {
	var out []string
	for _, s := range d.Status {
		var b strings.Builder
		for i, r := range seen.Line(s) {
			if r >= 'A' && r <= 'Z' {
				if i > 0 {
					b.WriteByte(' ')
				}
				r += 'a' - 'A'
			}
			b.WriteRune(r)
		}
		out = append(out, strings.Join(strings.Fields(b.String()), " "))
	}
	return out
}

// alarms are statuses in which a domain is not what its owner thinks it is
// (RFC 3915, RFC 5731).
var alarms = []struct {
	status, text, do string
	level            seen.Level
}{
	{"redemption period", "The domain has expired and waits to be deleted.", "Ask the registrar to restore it today; after about 30 days it is gone.", seen.Bad},
	{"pending delete", "The domain is about to be deleted.", "It can no longer be renewed. Prepare to register it again, and to do without it.", seen.Bad},
	{"client hold", "The registrar has taken the domain out of the DNS.", "Ask the registrar why: often a bill is open, or an e-mail address was not confirmed.", seen.Bad},
	{"server hold", "The registry has taken the domain out of the DNS.", "Ask the registrar why.", seen.Bad},
	{"inactive", "The domain has no name servers.", "Enter name servers at the registrar.", seen.Warn},
	{"auto renew period", "The registry has just renewed the domain by itself.", "See to it that the registrar's bill is paid.", seen.Note},
	{"pending transfer", "Somebody has asked to move the domain to another registrar.", "If you did not, refuse it at your registrar at once.", seen.Bad},
}

// judge says what is to be done about a registration.
func (d *domain) judge(r *seen.Report, expires string) {
	have := map[string]bool{}
	for _, s := range d.statuses() {
		have[s] = true
	}
	for _, a := range alarms {
		if have[a.status] {
			r.Say(a.level, a.text, a.do)
		}
	}
	if expires == "" {
		r.Say(seen.Note, "The registry does not tell when the registration expires.", "Enter the day by hand.")
	}
	if len(d.Status) > 0 && !have["client transfer prohibited"] && !have["server transfer prohibited"] && !have["transfer prohibited"] && !have["pending transfer"] {
		r.Say(seen.Note, "The domain is not locked against being moved to another registrar.", "Switch on the transfer lock at the registrar.")
	}
	if r.Worst() < seen.Warn {
		r.Say(seen.Good, "The domain is registered and in use.", "")
	}
}
