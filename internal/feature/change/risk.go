package change

import (
	"slices"

	"strongroom/internal/core/record"
	"strongroom/internal/feature/desk"
)

// The answers to the questions on the risk of a change, the harmless first.
func reach() []string { return []string{"Nobody", "A few people", "A team", "Everybody"} }
func back() []string  { return []string{"Minutes", "Hours", "There is none"} }
func tried() []string { return []string{"As it will be done", "In part", "Not at all"} }
func done() []string  { return []string{"Often", "Once or twice", "Never"} }

// question is a field of the questionnaire.
func question(name, label string, answers []string) record.Field {
	return record.Field{Name: name, Label: label, Type: record.Choice, Choices: answers, Class: record.Internal, Filter: true, Group: "Risk"}
}

// RiskOf is the risk that follows from the answers: each is worth more the further down it
// stands. It is empty while one is missing.
func RiskOf(v record.Values) string {
	sum := 0
	for name, answers := range map[string][]string{"risk_reach": reach(), "risk_back": back(), "risk_tried": tried(), "risk_done": done()} {
		n := slices.Index(answers, v.Text(name))
		if n < 0 {
			return ""
		}
		sum += n
	}
	switch grades := desk.Grades(); {
	case sum >= 6:
		return grades[0]
	case sum >= 3:
		return grades[1]
	default:
		return grades[2]
	}
}
