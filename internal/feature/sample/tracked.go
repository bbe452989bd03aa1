package sample

import (
	"context"
	"hash/fnv"
	"log/slog"
	"time"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/tracker"
	"strongroom/internal/feature/tracker/seen"
)

// tracked are the reports that trackers would have brought of the organization's
// domain and hosts: nothing is asked.
type tracked struct {
	*client
	checker *tracker.Checker
	luck    uint32 // says what is wrong where
}

func (c *client) follow() tracked {
	h := fnv.New32a()
	_, _ = h.Write([]byte(c.domain))
	return tracked{c, &tracker.Checker{Records: c.w.filler.Records.Inside(), Log: slog.New(slog.DiscardHandler)}, h.Sum32()}
}

// put keeps a report as of some days ago.
func (t tracked) put(tx *gate.Tx, rid id.ID, name, title string, daysAgo int, r *seen.Report) error {
	at := time.UnixMilli(tx.Now).AddDate(0, 0, -daysAgo).Add(-time.Duration(t.luck%1000) * time.Minute / 10).UnixMilli()
	return t.checker.Put(context.Background(), tx, &seen.Tracker{Name: name, Title: title, Every: 24 * time.Hour}, rid, r, at)
}

func (t tracked) domain(tx *gate.Tx, r *record.Record) error {
	ns := []string{"ns1.namehold.example", "ns2.namehold.example"}
	for _, daysAgo := range []int{60, 0} {
		if err := t.put(tx, r.ID, "rdap", "Registration", daysAgo, t.registration(r, ns)); err != nil {
			return err
		}
		address := "192.0.2.80"
		if daysAgo > 0 && t.luck%2 == 0 {
			address = "198.51.100.17"
		}
		if err := t.put(tx, r.ID, "dns", "DNS records", daysAgo/2, t.records(ns, address)); err != nil {
			return err
		}
	}
	if err := t.put(tx, r.ID, "mail", "Mail: SPF, DKIM, DMARC", 0, t.mail()); err != nil {
		return err
	}
	return t.put(tx, r.ID, "tls", "TLS certificate", 0, t.certificate(r.Name, t.w.today.AddDate(0, 0, 40+int(t.luck%40))))
}

func (t tracked) registration(r *record.Record, ns []string) *seen.Report {
	out := &seen.Report{Summary: "Registered with Namehold"}
	out.Add("Domain", r.Name)
	out.Add("Registrar", "Namehold")
	out.Add("Expires on", r.Values.Text("expires_on"))
	out.Add("Status", "client transfer prohibited")
	out.AddSorted("Name servers", ns...)
	out.Set("registrar_name", "Namehold")
	out.Set("expires_on", r.Values.Text("expires_on"))
	out.Set("name_servers", ns[0]+", "+ns[1])
	out.Say(seen.Good, "The domain is registered and in use.", "")
	return out
}

func (t tracked) records(ns []string, address string) *seen.Report {
	out := &seen.Report{Summary: "6 records"}
	out.AddSorted("NS", ns...)
	out.Add("SOA", ns[0]+" hostmaster."+t.client.domain)
	out.Add("A", address)
	out.Add("MX", "10 mail."+t.client.domain)
	out.Add("TXT", "v=spf1 mx ~all")
	out.Say(seen.Note, "Every certificate authority may issue certificates for this domain.", `Add CAA records that name yours, such as 0 issue "letsencrypt.org".`)
	return out
}

func (t tracked) mail() *seen.Report {
	out := &seen.Report{Summary: "SPF soft, DKIM not looked at, DMARC reject"}
	out.Add("SPF", "v=spf1 mx ~all")
	out.Add("SPF lookups", "1 of 10")
	switch t.luck % 3 {
	case 0:
		out.Summary = "SPF soft, DKIM not looked at, DMARC none"
		out.Add("DMARC", "v=DMARC1; p=none; rua=mailto:dmarc@"+t.client.domain)
		out.Say(seen.Warn, "DMARC only watches (p=none): forged mail is delivered all the same.", "When the reports show that your own mail passes, make it p=quarantine, then p=reject.")
	case 1:
		out.Summary = "SPF soft, DKIM not looked at, DMARC missing"
		out.Say(seen.Warn, "There is no DMARC record: receivers decide by themselves what to do with forged mail.",
			"Add the TXT record _dmarc."+t.client.domain+` with "v=DMARC1; p=none; rua=mailto:..." to see who sends in your name, and make it p=quarantine or p=reject once only yours do.`)
	default:
		out.Add("DMARC", "v=DMARC1; p=reject; rua=mailto:dmarc@"+t.client.domain)
		out.Say(seen.Good, "Receivers can tell mail of this domain from forged mail.", "")
	}
	return out
}

// certificate is what a host presents until a day.
func (t tracked) certificate(host string, until time.Time) *seen.Report {
	out := &seen.Report{Summary: "Issued by Openseal Trust"}
	out.Add("Issued to", host)
	out.Add("Issued by", "Openseal Trust")
	out.Add("Valid until", until.Format(time.DateOnly))
	out.Add("Key", "ECDSA, P-256")
	out.Add("Protocol", "TLS 1.3")
	out.Set("issued_by", "Openseal Trust")
	out.Set("valid_until", until.Format(time.DateOnly))
	if t.luck%7 == 3 {
		out.Summary = "The certificate is not for " + host + "."
		out.Add("Verification", "it is for other names")
		out.Say(seen.Bad, "The certificate is not for "+host+".", "Get one that names "+host+", or let the server show the right one of several.")
		return out
	}
	out.Add("Verification", "it verifies")
	out.Say(seen.Good, "The certificate verifies: name, time and chain.", "")
	return out
}
