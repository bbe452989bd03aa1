package mailparse

import (
	"regexp"
	"strings"
)

// fold tells what was written from what is quoted.
func (m *Mail) fold(c content) {
	if c.html != "" {
		m.HTML, m.RestHTML = foldHTML(c.html)
	}
	text := c.asText()
	m.Text, m.Rest = Fold(text)
}

// names of the first lines that mail programs put above what they quote whole: From
// in the languages of Outlook.
const fromWords = `from|von|de|da|van|fra|från|od|от|lähettäjä|kimden|feladó|expéditeur|remitente|mittente|afzender|发件人|寄件者|差出人|보낸 사람|من|מאת`

var (
	blockFirst = regexp.MustCompile(`(?i)^[*_\s]*(` + fromWords + `)\s*[*_]*\s*[:：]`)
	blockLine  = regexp.MustCompile(`^[*_\s]*[^\s:：][^:：]{0,24}[:：]`)
	dashes     = regexp.MustCompile(`^\s*[-_]{3,}\s*\S.{2,50}?\S?\s*[-_]{3,}\s*$`)
	original   = regexp.MustCompile(`(?i)^\s*-{2,}\s*(original message|original-nachricht|ursprüngliche nachricht|message d'origine|message original|mensaje original|messaggio originale|oorspronkelijk bericht|mensagem original|` +
		`oprindelig meddelelse|ursprungligt meddelande|opprinnelig melding|wiadomość oryginalna|исходное сообщение|původní zpráva|alkuperäinen viesti|orijinal mesaj|eredeti üzenet|元のメッセージ|原始邮件|邮件原件|forwarded message|weitergeleitete nachricht)\s*-{2,}\s*$`)
	ruler     = regexp.MustCompile(`^\s*_{10,}\s*$`)
	mentioned = regexp.MustCompile(`[0-9@]`)
	device    = regexp.MustCompile(`(?i)^(sent from my |sent from (outlook|mail) for |get outlook for |von meinem .{2,30} gesendet|gesendet (von|mit) |envoyé de(puis)? mon |enviado desde mi |inviato da(l mio)? |verzonden vanaf mijn |skickat från min |sendt fra min |wysłane z |отправлено с )`)
)

const mostSignature = 20 // lines

// Fold parts plain text into what was written, and what is quoted or a signature.
// Where answers stand between quoted lines everything was written.
func Fold(text string) (fresh, rest string) {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	lines := strings.Split(strings.TrimRight(text, "\n \t"), "\n")
	if i := whole(lines); i >= 0 {
		lines, rest = lines[:i], strings.Join(lines[i:], "\n")
	}
	lines, quoted := marked(lines)
	lines, signature := signed(lines)
	fresh = strings.TrimSpace(strings.Join(lines, "\n"))
	if fresh == "" {
		return strings.TrimSpace(text), ""
	}
	var parts []string
	for _, p := range []string{signature, quoted, rest} {
		if p = strings.Trim(p, "\n"); strings.TrimSpace(p) != "" {
			parts = append(parts, p)
		}
	}
	return fresh, strings.Join(parts, "\n\n")
}

// whole finds where a mail is quoted whole beneath what was written; -1 for nowhere.
func whole(lines []string) int {
	for i, line := range lines {
		next := i + 1
		for next < len(lines) && strings.TrimSpace(lines[next]) == "" {
			next++
		}
		switch {
		case original.MatchString(line):
			return i
		case (ruler.MatchString(line) || dashes.MatchString(line)) && block(lines[next:]):
			return i
		case block(lines[i:]):
			return i
		}
	}
	return -1
}

// block tells whether the head of a quoted mail begins here: From, and two lines more
// with a word and a colon.
func block(lines []string) bool {
	if len(lines) < 3 || !blockFirst.MatchString(lines[0]) || !mentioned.MatchString(strings.Join(lines[:3], " ")) {
		return false
	}
	n := 0
	for _, l := range lines[1:min(len(lines), 6)] {
		if blockLine.MatchString(l) {
			n++
		}
	}
	return n >= 2
}

// marked parts off lines that begin with > and the line that introduces them, when
// they are one stretch: at the end, or at the beginning.
func marked(lines []string) (fresh []string, rest string) {
	from, to := -1, -1
	for i, l := range lines {
		switch is := strings.HasPrefix(strings.TrimLeft(l, " "), ">"); {
		case !is && strings.TrimSpace(l) == "":
		case !is && from >= 0 && to < 0:
			to = i
		case is && to >= 0: // answers stand between
			return lines, ""
		case is && from < 0:
			from = i
		}
	}
	if from < 0 {
		return lines, ""
	}
	if to < 0 {
		to = len(lines)
	}
	for to > from && strings.TrimSpace(lines[to-1]) == "" {
		to--
	}
	above := from
	for above > 0 && strings.TrimSpace(lines[above-1]) == "" && from-above < 2 {
		above--
	}
	start := above
	if start > 0 && introduces(lines[start-1]) {
		for start--; start > 0 && above-start < 3 && strings.TrimSpace(lines[start-1]) != "" && cutOff(strings.Join(lines[start:above], " ")); {
			start--
		}
	} else {
		start = from
	}
	out := append(append([]string{}, lines[:start]...), lines[to:]...)
	return out, strings.Join(lines[start:to], "\n")
}

// introduces tells whether a line ends as those do that say who wrote what follows.
func introduces(line string) bool {
	line = strings.TrimRight(line, " *_")
	return strings.HasSuffix(line, ":") || strings.HasSuffix(line, "：")
}

// cutOff tells whether a line that says who wrote what follows begins above: it lacks
// the date, or what opens a bracket.
func cutOff(line string) bool {
	return strings.Count(line, ">") > strings.Count(line, "<") || !strings.ContainsAny(line, "0123456789")
}

// signed parts off the signature.
func signed(lines []string) (fresh []string, signature string) {
	end := len(lines)
	for end > 0 && strings.TrimSpace(lines[end-1]) == "" {
		end--
	}
	for i := end - 1; i > 0 && end-i <= mostSignature; i-- {
		if l := strings.TrimRight(lines[i], " "); l == "--" || end-i <= 2 && device.MatchString(l) {
			return lines[:i], strings.Join(lines[i:end], "\n")
		}
	}
	return lines, ""
}
