package mailauth

import (
	"context"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"

	"strongroom/internal/feature/tracker/seen"
)

// Policy is a DMARC record (RFC 7489, section 6.3).
type Policy struct {
	Policy     string // p
	Subdomains string // sp; empty is as p
	Percent    int    // pct
	Reports    []string
	Problem    string // why receivers do not take it; a whole sentence
}

// isDMARC tells whether a TXT record is one of DMARC.
func isDMARC(s string) bool {
	v, _, _ := strings.Cut(s, ";")
	name, value, _ := strings.Cut(v, "=")
	return strings.EqualFold(strings.TrimSpace(name), "v") && strings.TrimSpace(value) == "DMARC1"
}

// ParseDMARC reads a record.
func ParseDMARC(s string) Policy {
	list, _, ok := tags(s)
	p := Policy{Policy: strings.ToLower(list["p"]), Subdomains: strings.ToLower(list["sp"]), Percent: 100}
	for uri := range strings.SplitSeq(list["rua"], ",") {
		if uri = strings.TrimSpace(uri); uri != "" {
			uri, _, _ = strings.Cut(uri, "!")
			p.Reports = append(p.Reports, uri)
		}
	}
	if n, err := strconv.Atoi(list["pct"]); list["pct"] != "" && (err != nil || n < 0 || n > 100) {
		p.Problem = "Its pct is no number from 0 to 100."
	} else if list["pct"] != "" {
		p.Percent = n
	}
	valid := func(v string) bool { return v == "none" || v == "quarantine" || v == "reject" }
	switch {
	case !ok:
		p.Problem = "It is no list of tags."
	case list["p"] == "":
		p.Problem = "It says no policy (p=)."
	case !valid(p.Policy):
		p.Problem = "Its policy is none of none, quarantine and reject."
	case p.Subdomains != "" && !valid(p.Subdomains):
		p.Problem = "Its policy for subdomains (sp) is none of none, quarantine and reject."
	}
	return p
}

// dmarc looks at the DMARC record of a domain, or of the one above it.
func (s *Source) dmarc(ctx context.Context, r *seen.Report, host string, mails bool) (string, error) {
	list, err := s.records(ctx, "_dmarc."+host, isDMARC)
	if err != nil {
		return "", err
	}
	above, aboveErr := publicsuffix.EffectiveTLDPlusOne(host)
	if len(list) == 0 && aboveErr == nil && above != host {
		if list, err = s.records(ctx, "_dmarc."+above, isDMARC); err != nil {
			return "", err
		}
		if len(list) > 0 {
			r.Add("DMARC from", above)
		}
	}
	if len(list) == 0 {
		level := seen.Warn
		do := "Add the TXT record _dmarc." + host + ` with "v=DMARC1; p=none; rua=mailto:..." to see who sends in your name, and make it p=quarantine or p=reject once only yours do.`
		if !mails {
			do = "Add the TXT record _dmarc." + host + ` with "v=DMARC1; p=reject": it sends no mail.`
		}
		r.Say(level, "There is no DMARC record: receivers decide by themselves what to do with forged mail.", do)
		return "missing", nil
	}
	r.Add("DMARC", list...)
	if len(list) > 1 {
		r.Say(seen.Bad, "There are several DMARC records; receivers then take none of them.", "Leave one.")
		return "several", nil
	}
	p := ParseDMARC(list[0])
	if p.Problem != "" {
		r.Say(seen.Bad, "Receivers do not take the DMARC record. "+p.Problem, "Correct it.")
		return "broken", nil
	}
	return p.Policy, s.judgePolicy(ctx, r, host, p)
}

func (s *Source) judgePolicy(ctx context.Context, r *seen.Report, host string, p Policy) error {
	if p.Policy == "none" {
		r.Say(seen.Warn, "DMARC only watches (p=none): forged mail is delivered all the same.", "When the reports show that your own mail passes, make it p=quarantine, then p=reject.")
	} else if p.Percent < 100 {
		r.Say(seen.Note, "DMARC is applied to "+strconv.Itoa(p.Percent)+" % of forged mail only.", "Take pct off once your own mail passes.")
	}
	if p.Subdomains == "none" && p.Policy != "none" {
		r.Say(seen.Warn, "Subdomains are left out of DMARC (sp=none), so they can be forged.", "Take sp off.")
	}
	if len(p.Reports) == 0 {
		r.Say(seen.Note, "Nobody gets the reports on who sends in the name of this domain.", "Add rua=mailto: with an address of yours or of a service that reads them.")
	}
	own, _ := publicsuffix.EffectiveTLDPlusOne(host)
	for _, uri := range p.Reports[:min(len(p.Reports), 5)] {
		_, to, ok := strings.Cut(uri, "@")
		if !strings.HasPrefix(strings.ToLower(uri), "mailto:") || !ok {
			r.Say(seen.Note, "Reports cannot be sent to "+seen.Line(uri)+".", "Write mailto: and an address.")
			continue
		}
		if theirs, err := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(to)); err != nil || theirs == own {
			continue
		}
		// RFC 7489, section 7.1: another domain must agree to get reports.
		agreed, err := s.records(ctx, host+"._report._dmarc."+strings.ToLower(to), isDMARC)
		if err != nil {
			return err
		}
		if len(agreed) == 0 {
			r.Say(seen.Warn, seen.Line(to)+" has not agreed to get the reports of this domain, so none are sent there.", "It has to publish the TXT record "+host+"._report._dmarc."+seen.Line(to)+` with "v=DMARC1".`)
		}
	}
	return nil
}
