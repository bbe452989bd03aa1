package sample

import (
	"encoding/base32"
	"fmt"
	"strings"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// accounts are the passwords that organizations have; those with a role are
// embedded in that device.
var accounts = []struct {
	name, category, folder, user, url, role string
	code                                    bool // has one-time codes
	reason                                  bool // asks for a reason
}{
	{"Domain administrator", "Active Directory", "Servers", `{SHORT}\adm-northbeam`, "", "dc", false, true},
	{"Firewall administrator", "Network", "Network", "nb-admin", "https://{fw}:8443", "fw", true, false},
	{"Microsoft 365 global administrator", "Microsoft 365", "Cloud", "admin@{domain}", "https://admin.microsoft.com", "", true, true},
	{"Backup repository", "Backup", "Servers", "svc-backup", "https://{nas}:5001", "nas", false, false},
	{"Switch", "Network", "Network", "manager", "https://{sw}", "sw", false, false},
	{"Wireless, staff network", "Wireless", "Network", "", "", "ap", false, false},
	{"Hypervisor host, local administrator", "Local administrator", "Servers", `.\Administrator`, "", "hv", false, false},
	{"{APP} database, sa", "Database", "Servers", "sa", "", "app", false, false},
	{"{APP} administrator", "Application", "Cloud", "northbeam", "https://app.{domain}", "", true, false},
	{"Domain registrar", "Hosting", "Cloud", "{short}-dns", "https://registrar.example/login", "", true, false},
	{"Printer web page", "Hardware", "Network", "admin", "https://{prn}", "prn", false, false},
	{"Internet line, provider portal", "Vendor", "Network", "{short}-line", "https://portal.fibreline.example", "", false, false},
	{"Wireless, guest network", "Wireless", "Network", "", "", "", false, false},
	{"Directory restore mode", "Active Directory", "Servers", ".\\Administrator", "", "dc", false, true},
	{"UPS management card", "Hardware", "Network", "apc", "https://{ups}", "ups", false, false},
	{"Alarm panel", "Physical access", "Site", "", "", "", false, false},
	{"Door controller", "Physical access", "Site", "admin", "https://10.{net}.70.5", "", false, false},
	{"Scan to mail account", "E-mail", "Cloud", "scans@{domain}", "https://outlook.office.com", "", false, false},
}

var passwordFolderNames = []string{"Network", "Servers", "Cloud", "Site"}

func (c *client) passwordFolders() []step {
	var out []step
	for _, name := range passwordFolderNames[:3] {
		out = append(out, func(tx *gate.Tx) error {
			made, err := c.w.create(tx, "password_folder", record.Values{"organization_id": c.org, "name": name})
			c.folders["password "+name] = made
			return err
		})
	}
	return out
}

// passwords makes n of them: the accounts above, then one local administrator
// after another.
func (c *client) passwords(n int) []step {
	var out []step
	for i := range n {
		secret, code := c.secret(i), c.seed()
		out = append(out, func(tx *gate.Tx) error { return c.password(tx, i, secret, code) })
	}
	return out
}

func (c *client) password(tx *gate.Tx, i int, secret, code string) error {
	if i >= len(accounts) {
		user := fmt.Sprintf(`.\las-%04d`, i)
		_, err := c.w.create(tx, "password", record.Values{"organization_id": c.org, "name": fmt.Sprintf("Local administrator %s-PC%02d", c.short, i-len(accounts)+1),
			"username": user, "password": secret, "password_category_id": c.w.of("password_category", "Local administrator"), "generated_password_type": "random"})
		return err
	}
	a := accounts[i]
	v := record.Values{
		"organization_id": c.org, "name": c.fill(a.name), "username": c.fill(a.user), "url": c.fill(a.url), "password": secret,
		"password_category_id": c.w.of("password_category", a.category), "reason_required": a.reason,
	}
	if f := c.folders["password "+a.folder]; f != 0 {
		v["password_folder_id"] = f
	}
	if a.code {
		v["otp_secret"] = code
	}
	d := c.roles[a.role]
	if d != nil {
		v["resource_type"], v["resource_id"] = "Configuration", int64(d.id)
	}
	made, err := c.w.create(tx, "password", v)
	if doc := c.docs["Network overview"]; doc != nil && a.folder == "Network" && d == nil {
		c.pairs = append(c.pairs, pair{from: &made, to: doc})
	}
	return err
}

// fill puts the organization's own names into a text.
func (c *client) fill(s string) string {
	ip := func(role string) string {
		if d := c.roles[role]; d != nil {
			return d.ip
		}
		return "10." + fmt.Sprint(c.net) + ".99.1"
	}
	return strings.NewReplacer("{SHORT}", c.short, "{short}", strings.ToLower(c.short), "{domain}", c.domain, "{APP}", c.app, "{net}", fmt.Sprint(c.net),
		"{fw}", ip("fw"), "{sw}", ip("sw"), "{nas}", ip("nas"), "{prn}", ip("prn"), "{ups}", ip("ups")).Replace(s)
}

var syllables = []string{"bra", "cle", "dov", "fen", "gri", "hul", "jes", "kip", "lor", "mun", "nev", "ost", "pru", "qua", "rul", "sto", "tri", "ulm", "vex", "wim"}

const signs = "!#$%*+-=?@"

// secret makes a password: mostly random characters, now and then one that a
// person would choose and read out.
func (c *client) secret(i int) string {
	r := c.w.rng
	if i%5 == 3 {
		var words []string
		for range 4 {
			words = append(words, syllables[r.IntN(len(syllables))]+syllables[r.IntN(len(syllables))])
		}
		return strings.Join(words, "-") + fmt.Sprint(10+r.IntN(90))
	}
	const all = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789" + signs
	b := make([]byte, 18)
	for j := range b {
		b[j] = all[r.IntN(len(all))]
	}
	return string(b)
}

// seed makes the key of one-time codes.
func (c *client) seed() string {
	b := make([]byte, 20)
	for i := range b {
		b[i] = byte(c.w.rng.UintN(256))
	}
	return base32.StdEncoding.EncodeToString(b)
}

// idOf gives where a device's id is, for a pair; nil when it was not made.
func (c *client) idOf(role string) *id.ID {
	if d := c.roles[role]; d != nil {
		return &d.id
	}
	return nil
}
