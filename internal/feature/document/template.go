package document

import (
	"html"
	"strings"
	"time"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

// Templates lists the documents that the caller sees and others are begun with.
func Templates(tx *gate.Tx, e *record.Engine) ([]*record.Record, error) {
	p, err := e.List(tx, "document", record.Query{Limit: 500, Archived: "no", NoTotal: true,
		Filters: []record.Filter{{Field: "template", Op: record.Eq, Values: []any{true}}}, Sort: []record.Order{{Field: "name"}}})
	if err != nil {
		return nil, err
	}
	return p.Records, nil
}

// Begin gives the text with which a document of an organization begins that is
// made of a template: its body with its sections, and {{organization}}, {{author}}
// and {{date}} filled in.
func Begin(tx *gate.Tx, e *record.Engine, template *record.Record, organization string) (string, error) {
	body, err := Body(tx, e, template)
	if err != nil {
		return "", err
	}
	return strings.NewReplacer(
		"{{organization}}", html.EscapeString(organization),
		"{{author}}", html.EscapeString(tx.Caller.Name),
		"{{date}}", time.UnixMilli(tx.Now).UTC().Format(time.DateOnly),
	).Replace(body), nil
}
