package report

import (
	"strconv"

	"strongroom/internal/core/record"
	"strongroom/internal/feature/sla"
)

// satisfaction is the field of what customers answer; the moment when stands beside it.
const satisfaction = "satisfaction"

// Builtin is a report that every house has.
type Builtin struct {
	Name  string // as its address says it: opened
	Title string
	Text  string // what exactly it tells
	Ask   Ask
}

// Kinds are the kinds of tickets, which have the built-in reports.
func Kinds(kinds *record.Registry) (out []*record.Kind) {
	for _, k := range kinds.Kinds() {
		if Of(k) && k.Field("final") != nil && k.Field("resolved_at") != nil && k.Field(sla.ResponseTime) != nil {
			out = append(out, k)
		}
	}
	return out
}

// Step is by what a period of days is told apart.
func Step(days int) string {
	switch {
	case days == 0 || days > 90:
		return ByMonth
	case days > 30:
		return ByWeek
	}
	return ByDay
}

// Standard are the built-in reports of a kind of tickets at a moment, of a period and, unless
// that is empty, of one organization.
func Standard(k *record.Kind, now int64, days int, org string) []Builtin {
	in := func(query string) string {
		if org != "" {
			query += "&" + ByOrg + "=" + org
		}
		if query != "" && query[0] == '&' {
			query = query[1:]
		}
		return query
	}
	ask := func(query, at, group string, m Measure, of string) Ask {
		a := Ask{Kind: k.Name, Query: in(query), Time: at, Days: days, Group: group, Measure: m, Of: of}
		if at == "" || group == ByAge {
			a.Days = 0
		}
		return a
	}
	step := Step(days)
	const open = "final=0&resolved_at.unset=1"
	out := []Builtin{
		{"opened", "Opened", "Written down in the period.", ask("", "created_at", step, Count, "")},
		{"resolved", "Resolved", "Resolved in the period and not opened again.", ask("", "resolved_at", step, Count, "")},
		{"closed", "Closed", "Closed in the period.", ask("", "closed_at", step, Count, "")},
		{"backlog", "Backlog", "Neither resolved nor over now, by state.", ask(open, "", "status", Count, "")},
		{"backlog-age", "Age of the backlog", "Neither resolved nor over now, by how long ago it was written down.", ask(open, "created_at", ByAge, Count, "")},
		{"response-median", "First response", "Minutes until the response, of what was resolved in the period; half took no longer.", ask("", "resolved_at", step, Median, sla.ResponseTime)},
		{"response-p90", "First response, nine of ten", "Minutes until the response, of what was resolved in the period; nine of ten took no longer.", ask("", "resolved_at", step, P90, sla.ResponseTime)},
		{"response-within", "Responses in time", "Of what was promised a response and resolved in the period.", ask("", "resolved_at", step, Within, sla.ResponseLate)},
		{"resolution-median", "Resolution", "Minutes until the resolution, without the waiting, of what was resolved in the period; half took no longer.", ask("", "resolved_at", step, Median, sla.ResolutionTime)},
		{"resolution-p90", "Resolution, nine of ten", "Minutes until the resolution, without the waiting; nine of ten took no longer.", ask("", "resolved_at", step, P90, sla.ResolutionTime)},
		{"resolution-within", "Resolutions in time", "Of what was promised a resolution and resolved in the period.", ask("", "resolved_at", step, Within, sla.ResolutionLate)},
		{"breaches", "Breaches", "Resolved in the period, later than promised.", ask(sla.ResolutionLate+"=1", "resolved_at", step, Count, "")},
		{"late-responses", "Late responses", "Resolved in the period, answered later than promised.", ask(sla.ResponseLate+"=1", "resolved_at", step, Count, "")},
		{"reopened", "Opened again", "Written down in the period, and opened again since.", ask(sla.Reopened+".from=1", "created_at", step, Count, "")},
		{"open-organizations", "Backlog by organization", "Neither resolved nor over now.", ask(open, "", ByOrg, Count, "")},
		{"organizations", "By organization", "Written down in the period.", ask("", "created_at", ByOrg, Count, "")},
		{"open-agents", "Backlog by agent", "Neither resolved nor over now, by owner.", ask(open, "", "owner_id", Count, "")},
		{"agents", "By agent", "Resolved in the period, by owner.", ask("", "resolved_at", "owner_id", Count, "")},
		{"agents-resolution", "Resolution by agent", "Minutes until the resolution, of what was resolved in the period; half took no longer.", ask("", "resolved_at", "owner_id", Median, sla.ResolutionTime)},
	}
	if k.Field(satisfaction) != nil {
		said := satisfaction + "_at"
		out = append(out,
			Builtin{"satisfaction", "Satisfaction", "What customers answered in the period, from 1 to 5, on average.", ask("", said, step, Mean, satisfaction)},
			Builtin{"dissatisfied", "Not content", "Answers of 1 or 2 in the period.", ask(satisfaction+".before=3", said, step, Count, "")},
			Builtin{"satisfaction-organizations", "Satisfaction by organization", "What was answered in the period, on average.", ask("", said, ByOrg, Mean, satisfaction)},
			Builtin{"satisfaction-agents", "Satisfaction by agent", "What was answered in the period, on average, by owner.", ask("", said, "owner_id", Mean, satisfaction)})
	}
	if k.Field("priority") != nil {
		out = append(out, Builtin{"priorities", "Breaches by priority", "Resolved in the period, later than promised.", ask(sla.ResolutionLate+"=1", "resolved_at", "priority", Count, "")})
	}
	out = append(out, Builtin{"overdue", "Overdue", "Not over, and past the next deadline, by state.", ask("final=0&"+sla.Due+".before="+strconv.FormatInt(now, 10), "", "status", Count, "")})
	return out
}

// Days reads a period; 30 days when it is none.
func Days(text string) int {
	for _, n := range Periods() {
		if text == strconv.Itoa(n) {
			return n
		}
	}
	return 30
}
