package portal

import (
	"context"
	"strings"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/knowledge/care"
)

// feedback is the kind of what people say of articles.
const feedback = "knowledge_feedback"

// mostWords is how many characters of feedback are kept.
const mostWords = 2000

// Helped says whether an article helped, in a few words or none: once a person and edition,
// and saying it again says it anew. Invalid with the field words.
func (p *Portal) Helped(ctx context.Context, c *access.Caller, which id.ID, helped bool, words string) error {
	words = strings.TrimSpace(words)
	if utf8.RuneCountInString(words) > mostWords {
		return fault.Field("words", "This is longer than %d characters.", mostWords)
	}
	return p.Gate.Change(ctx, c, access.Comment, gate.Thing{Kind: article, ID: which}, func(tx *gate.Tx) error {
		r, err := p.Records.Get(tx, article, which)
		if err != nil {
			return err
		}
		said, err := p.said(tx, r)
		if err != nil {
			return err
		}
		return tx.Desk(func() error {
			v := record.Values{"article_id": which, "helped": helped, "words": words}
			if said != nil {
				_, err = p.Records.Update(tx, feedback, said.ID, 0, v)
			} else {
				_, err = p.Records.Create(tx, feedback, v)
			}
			return err
		})
	})
}

// Solved says that an article solved a ticket of hers: it is written there for all, the ticket
// names the article, and is resolved as far as its lifecycle lets it; else the desk does
// what is left. Fault kinds: NotFound, Conflict for what is resolved already.
func (p *Portal) Solved(ctx context.Context, c *access.Caller, ticket, which id.ID) (done bool, err error) {
	err = p.Gate.Change(ctx, c, access.Comment, gate.Thing{ID: ticket}, func(tx *gate.Tx) error {
		r, err := p.ticket(tx, ticket)
		if err != nil {
			return err
		}
		a, err := p.Records.Get(tx, article, which) // what she does not see solved nothing
		if err != nil {
			return err
		}
		return tx.Desk(func() error {
			if done, err = care.Solve(tx, p.Records, r, which); err != nil {
				return err
			}
			_, err = p.Records.Create(tx, entry.Kind, record.Values{entry.FieldOf(r.Kind.Name): r.ID, "journal_type": entry.Note, "publish_to_web": true, "notes_body": richtext.FromText("“" + a.Name + "” solved it.")})
			return err
		})
	})
	return done, err
}

// said is what the caller said of the present edition of an article; nil for nothing.
func (p *Portal) said(tx *gate.Tx, r *record.Record) (*record.Record, error) {
	list, err := p.Records.List(tx, feedback, record.Query{Parent: r.ID, Limit: 100, NoTotal: true, Sort: []record.Order{{Field: "id", Desc: true}}})
	if err != nil {
		return nil, err
	}
	for _, x := range list.Records {
		if x.CreatedBy == tx.Caller.User && x.Values["edition"] == r.Values["edition"] {
			return x, nil
		}
	}
	return nil, nil
}
