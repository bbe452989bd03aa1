package mailparse

import (
	"regexp"
	"strings"
)

// away begins the subject of what mail programs answer for who is away, in the
// languages in which they do.
var away = regexp.MustCompile(`(?i)^(re:\s*)?(automatic reply|auto(matic)?[- ]?reply|auto(matic)?[- ]?response|out of (the )?office( (auto)?reply)?|automatische antwort|abwesenheits(notiz|nachricht|meldung)|` +
	`réponse automatique|absence du bureau|respuesta automática|fuera de la oficina|risposta automatica|fuori sede|resposta automática|automatisch antwoord|afwezig(heid)?|autosvar|automatiskt svar|automatisk svar|` +
	`automaattinen vastaus|autoodpowiedź|odpowiedź automatyczna|automatická odpověď|автоматический ответ|автоответ|automatikus válasz|otomatik yanıt|自動応答|自动答复|自动回复)\s*(:|：|$)`)

// failed begins the subject of what servers tell of mail that did not arrive.
var failed = regexp.MustCompile(`(?i)^(undeliver(able|ed)|delivery (status notification|failure|has failed)|mail delivery (failed|system|failure)|returned mail|failure notice|unzustellbar|nicht zugestellt|non remis|no se puede entregar)\b`)

// sort finds out whether a machine sent the mail, and what sort of.
func (m *Mail) sort(h header) {
	kind, params := media(h.get("Content-Type"))
	local, _, _ := strings.Cut(m.From.Address, "@")
	null := h.has("Return-Path") && strings.ReplaceAll(h.get("Return-Path"), " ", "") == "<>"
	daemon := local == "mailer-daemon" || local == "postmaster"
	report := kind == "multipart/report"
	if report && strings.EqualFold(params["report-type"], "delivery-status") || daemon && (null || failed.MatchString(m.Subject)) || h.has("X-Failed-Recipients") {
		m.Bounce = &Bounce{Failed: true}
		for _, a := range h.addresses("X-Failed-Recipients") {
			m.Bounce.To = append(m.Bounce.To, a.Address)
		}
	}
	m.List = h.has("List-Id") || h.has("List-Unsubscribe") || h.has("List-Post") || h.has("X-Mailing-List")
	m.DMARC = dmarc(h.get("Authentication-Results"))
	by, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(h.get("Auto-Submitted"))), ";")
	by = strings.TrimSpace(by)
	precedence := strings.ToLower(strings.TrimSpace(h.get("Precedence")))
	suppress := strings.ToLower(h.get("X-Auto-Response-Suppress"))
	m.Absent = m.Bounce == nil && (by == "auto-replied" || precedence == "auto_reply" || h.has("X-Autoreply") || h.has("X-Autorespond") || h.has("X-Autoresponder") || away.MatchString(m.Subject))
	for _, is := range []struct {
		so  bool
		why string
	}{
		{m.Bounce != nil, "it tells that a mail did not arrive"},
		{m.Absent, "it is an automatic reply"},
		{by != "" && by != "no", "it says that a program sent it (Auto-Submitted)"},
		{report, "it is a report of a mail server"},
		{m.List, "it comes from a mailing list"},
		{precedence == "bulk" || precedence == "junk" || precedence == "list", "it says that it went to many (Precedence)"},
		{h.has("X-Loop"), "it bears a mark against loops (X-Loop)"},
		{strings.Contains(suppress, "all") || strings.Contains(suppress, "autoreply") || strings.Contains(suppress, "oof"), "it wants no automatic answer (X-Auto-Response-Suppress)"},
		{null, "it has no address for answers of servers (Return-Path)"},
		{daemon, "a mail server sent it"},
		{h.has("Feedback-Id") || h.has("X-Campaign"), "it is a newsletter"},
	} {
		if is.so {
			m.Automatic = is.why
			return
		}
	}
}

var dmarcResult = regexp.MustCompile(`(?i)(?:^|[;\s])dmarc\s*=\s*([a-z]+)`)

func dmarc(v string) string {
	if m := dmarcResult.FindStringSubmatch(v); m != nil {
		return strings.ToLower(m[1])
	}
	return ""
}

// status reads the machine's part of a bounce (RFC 3464).
func (r *reader) status(raw []byte) {
	if r.mail.Bounce == nil {
		r.mail.Bounce = &Bounce{}
	}
	b := r.mail.Bounce
	b.Failed = false
	for rest := raw; len(rest) > 0 && len(b.To) < mostAddress; {
		h, after, _ := split(rest)
		rest = after
		if action := strings.ToLower(h.get("Action")); action == "failed" {
			b.Failed = true
		} else if action != "" {
			continue
		}
		for _, name := range []string{"Final-Recipient", "Original-Recipient"} {
			_, who, _ := strings.Cut(h.get(name), ";")
			if a, ok := address(who); ok {
				b.To = append(b.To, a.Address)
				break
			}
		}
	}
}

// original notes which mail did not arrive.
func (r *reader) original(raw []byte) {
	if r.mail.Bounce == nil {
		return
	}
	h, _, _ := split(raw)
	if ids := h.ids("Message-Id"); len(ids) > 0 {
		r.mail.Bounce.Original = ids[0]
	}
}
