package sample

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"strings"
	"time"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

//go:embed documents
var documentFiles embed.FS

// page is a document that organizations have.
type page struct {
	file, title, folder string
	review              int      // days from today by which it is to be looked at again; 0 for never
	about               []string // roles of the devices that it is related to
	template            bool
}

// ownPages hold for every client and lie with the provider itself.
var ownPages = []page{
	{"ransomware", "Incident procedure: suspected ransomware", "Incidents", 60, nil, false},
	{"site-visit", "Site visit report", "Procedures", 0, nil, true},
	{"onboarding-client", "Taking over a new client", "Procedures", 120, nil, false},
	{"backup-policy", "Backup policy and restore tests", "Procedures", 14, []string{"nas"}, false},
	{"password-policy", "How we handle passwords", "Procedures", 200, nil, false},
	{"on-call", "On-call guide", "Incidents", 0, nil, false},
	{"major-incident", "Major incident: who says what to whom", "Incidents", 90, nil, false},
	{"offboarding-client", "Handing over a client who leaves", "Procedures", 0, nil, false},
}

// clientPages are each client's own.
var clientPages = []page{
	{"network", "Network overview", "Network", 45, []string{"fw", "sw", "ap"}, false},
	{"recovery", "Backup and recovery", "Servers", 30, []string{"nas", "hv"}, false},
	{"restart", "Restart order after a power cut", "Servers", 0, []string{"ups", "hv", "dc", "app"}, false},
	{"application", "{APP}: operation and support", "Servers", 75, []string{"app"}, false},
	{"starter", "New starter checklist", "Procedures", 0, []string{"dc"}, false},
	{"leaver", "Leaver checklist", "Procedures", 0, []string{"dc"}, false},
	{"wireless", "Wireless networks and guests", "Network", 0, []string{"ap"}, false},
	{"cloud", "Microsoft 365 overview", "Procedures", 100, nil, false},
	{"firewall", "Changing the firewall", "Network", 0, []string{"fw"}, false},
	{"disaster", "Disaster recovery plan", "Procedures", 9, []string{"nas", "hv", "fw"}, false},
	{"printing", "Printing and scanning", "Network", 0, []string{"prn"}, false},
}

var folderNames = []string{"Network", "Servers", "Procedures"}

func (c *client) documentFolders() []step {
	names := folderNames
	if c.n == 0 {
		names = []string{"Procedures", "Incidents"}
	}
	var out []step
	for _, name := range names {
		out = append(out, func(tx *gate.Tx) error {
			made, err := c.w.create(tx, "document_folder", record.Values{"organization_id": c.org, "name": name})
			c.folders[name] = made
			return err
		})
	}
	return out
}

// documents makes n of them: this organization's pages, beginning with another
// one for each organization so that a small sample has them all, then a sheet
// for each device.
func (c *client) documents(n int) []step {
	pages := clientPages
	if c.n == 0 {
		pages = ownPages
	}
	var out []step
	for i := range n {
		if i >= len(pages) {
			out = append(out, func(tx *gate.Tx) error { return c.sheet(tx, i-len(pages)) })
			continue
		}
		p := pages[(i+max(0, c.n-1)*4)%len(pages)]
		out = append(out, func(tx *gate.Tx) error { return c.document(tx, p) })
	}
	return out
}

func (c *client) document(tx *gate.Tx, p page) error {
	content, err := c.render(p.file, nil)
	if err != nil {
		return err
	}
	v := record.Values{"organization_id": c.org, "name": c.fill(p.title), "content": content, "template": p.template}
	if f := c.folders[p.folder]; f != 0 {
		v["document_folder_id"] = f
	}
	if p.review > 0 {
		v["expires_on"] = c.w.today.AddDate(0, 0, p.review+c.n%7).Format(time.DateOnly)
	}
	made, err := c.w.create(tx, "document", v)
	c.docs[p.title] = &made
	for _, role := range p.about {
		if to := c.idOf(role); to != nil {
			c.pairs = append(c.pairs, pair{from: &made, to: to})
		}
	}
	return err
}

// sheet makes the page of one device, by its number.
func (c *client) sheet(tx *gate.Tx, number int) error {
	if len(c.devices) == 0 {
		return c.document(tx, clientPages[0])
	}
	d := c.devices[number%len(c.devices)]
	name := "Device sheet: " + d.name
	if round := number / len(c.devices); round > 0 {
		name += fmt.Sprintf(", part %d", round+1)
	}
	content, err := c.render("device", d)
	if err != nil {
		return err
	}
	v := record.Values{"organization_id": c.org, "name": name, "content": content}
	if f := c.folders["Servers"]; f != 0 {
		v["document_folder_id"] = f
	}
	_, err = c.w.create(tx, "document", v)
	return err
}

// facts are what the texts of documents may name.
type facts struct {
	Provider, Org, Short, Domain, Trade, App string
	Net                                      int
	Place                                    string
	Lead, Office                             person
	Device                                   *device
	Today                                    string

	client *client
}

// Link names a device and leads to it; before it is made, the name alone.
func (f facts) Link(role string) template.HTML {
	d := f.client.roles[role]
	if d == nil {
		return template.HTML("the " + strings.ToLower(roleNames[role])) // #nosec G203 -- one of a few constants
	}
	return f.client.anchor("configurations", d.id, d.name)
}

// IP is the address of a device by its role.
func (f facts) IP(role string) string {
	if d := f.client.roles[role]; d != nil {
		return d.ip
	}
	return "not assigned"
}

// Person names somebody and leads to the contact.
func (f facts) Person(p person) template.HTML {
	if p.id == 0 {
		return template.HTML("the office")
	}
	return f.client.anchor("contacts", p.id, p.name)
}

// Self leads to the device that a sheet is about.
func (f facts) Self() template.HTML {
	return f.client.anchor("configurations", f.Device.id, f.Device.name)
}

// Address is that of the device that a sheet is about.
func (f facts) Address() string { return f.Device.ip }

var roleNames = map[string]string{"fw": "Firewall", "sw": "Switch", "hv": "Host", "dc": "Domain controller", "fs": "File server", "app": "Application server",
	"nas": "Backup storage", "ap": "Access point", "ups": "UPS", "prn": "Printer"}

// anchor is a link to a record of the organization, made of ids and an escaped
// name.
func (c *client) anchor(plural string, to id.ID, text string) template.HTML {
	return template.HTML(fmt.Sprintf(`<a href="/%s/%s/%s">%s</a>`, c.org, plural, to, template.HTMLEscapeString(text))) // #nosec G203 -- ids and an escaped name
}

func (c *client) render(file string, d *device) (string, error) {
	t := c.w.templates[file]
	if t == nil {
		var err error
		if t, err = template.ParseFS(documentFiles, "documents/"+file+".html"); err != nil {
			return "", err
		}
		c.w.templates[file] = t
	}
	f := facts{Provider: own.name, Org: c.name, Short: c.short, Domain: c.domain, Trade: c.trade, App: c.app, Net: c.net, Place: c.cities[0],
		Device: d, Today: c.w.today.Format(time.DateOnly), client: c}
	for i, p := range c.people {
		if i == 0 {
			f.Lead, f.Office = p, p
		}
		if i == 1 {
			f.Office = p
		}
	}
	var b bytes.Buffer
	err := t.Execute(&b, f)
	return b.String(), err
}
