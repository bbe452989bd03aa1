package location

import "strings"

// PhoneDigits gives the digits of a telephone number, with a leading + when it
// has one. A text that holds anything but digits and the usual separators comes
// back trimmed and otherwise unchanged, since people also write "front desk".
func PhoneDigits(s string) string {
	s = strings.TrimSpace(s)
	var b strings.Builder
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9', r == '+' && i == 0:
			b.WriteRune(r)
		case strings.ContainsRune(" -./()\u00a0", r):
		default:
			return s
		}
	}
	return b.String()
}

// FormatPhone writes a telephone number the way people of the country with that
// ISO 3166-1 code read it, as far as this is known: numbers of the North
// American plan as (206) 555-0100, others as they were written.
func FormatPhone(s, iso string) string {
	digits := PhoneDigits(s)
	local := strings.TrimPrefix(digits, "+1")
	if len(local) == 11 && local[0] == '1' && local == digits {
		local = local[1:]
	}
	if strings.HasPrefix(local, "+") || iso != "" && iso != "US" && iso != "CA" || !northAmerican(local) {
		return strings.TrimSpace(s)
	}
	return "(" + local[:3] + ") " + local[3:6] + "-" + local[6:]
}

// northAmerican tells whether ten digits can be a number of the North American
// plan: neither area code nor exchange begins with 0 or 1.
func northAmerican(s string) bool {
	if len(s) != 10 {
		return false
	}
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s[0] > '1' && s[3] > '1'
}
