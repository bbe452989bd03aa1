// Package knowledge holds articles: how something is done, or what helps when it fails.
//
// Always true: an article is an organization's, or everybody's; it is published only after
// somebody other than its author has reviewed what it says; what is published does not
// change but by going through review again; customers see published articles alone, of
// those that are meant for them.
package knowledge

import (
	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/desk"
)

// The names of the kinds.
const (
	Kind         = "knowledge_article"
	FeedbackKind = "knowledge_feedback"
)

// The states of an article.
const (
	Draft     = "Draft"
	InReview  = "In Review"
	Reviewed  = "Reviewed"
	Published = "Published"
	Expired   = "Expired"
	Archived  = "Archived"
	Rejected  = "Rejected"
)

// For whom an article is.
const (
	Staff     = "Staff"
	Customers = "Customers"
)

// Feature is articles and what people say of them.
func Feature() record.Feature {
	return record.Feature{Name: "knowledge", Kinds: []*record.Kind{articles(), feedback()}, Schema: []string{
		`create table if not exists knowledge_missed (day text not null, words text not null, times int not null, primary key (day, words))`, // searches that found nothing
	}}
}

// Life is the lifecycle of articles. What was published becomes a draft again to be
// changed, and is not seen by customers until it is published anew.
func Life() *lifecycle.Lifecycle {
	written := []string{"body"}
	still := []string{"reviewed_at", "reviewed_by_id", "published_at", "edition", "number", "helpful", "unhelpful", "expire_on", "audience"}
	return &lifecycle.Lifecycle{Field: "status", States: []lifecycle.State{
		{Name: Draft, Begins: true, To: []string{InReview, Archived}},
		{Name: InReview, To: []string{Draft, Reviewed, Rejected}, Requires: written},
		{Name: Reviewed, To: []string{Published, Draft}, Requires: written, Frozen: true, Except: still},
		{Name: Published, To: []string{Draft, Expired, Archived}, Requires: written, Frozen: true, Except: still},
		{Name: Expired, To: []string{Draft, InReview, Archived}, Requires: written},
		{Name: Archived, To: []string{Draft}},
		{Name: Rejected, To: []string{Draft, Archived}},
	}}
}

func articles() *record.Kind {
	l := Life()
	return &record.Kind{
		Name: Kind, Plural: "knowledge_articles", Label: "Knowledge article", Labels: "Knowledge articles", Icon: "bulb",
		Scope: record.OfOrganization, Shared: true, Menu: 37, Life: l, Before: before(l),
		Fields: []record.Field{
			{Name: "name", Label: "Title", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true},
			desk.Number("KB"),
			{Name: l.Field, Type: record.Choice, Choices: l.Names(), Default: Draft, Class: record.Internal, Filter: true, Sort: true, List: true},
			{Name: "article_type", Label: "Type", Type: record.Choice, Choices: []string{"Document", "Error Message", "Issue Resolution", "Patch", "Q and A", "Reference"}, Default: "Issue Resolution", Class: record.Internal, Filter: true, List: true},
			{Name: "audience", Label: "For", Type: record.Choice, Choices: []string{Staff, Customers}, Default: Staff, Class: record.Internal, Filter: true, List: true,
				Hint: "What is for customers stands in the portal once it is published."},
			desk.Service(), desk.Category(), desk.Team(), desk.Owner(),
			{Name: "body", Label: "Text", Type: record.HTML, Class: record.Internal, Search: true, Group: "Text"},
			{Name: "resolution", Label: "What helps", Type: record.HTML, Class: record.Internal, Search: true, Group: "Text"},
			{Name: "expire_on", Label: "To be reviewed by", Type: record.Date, Class: record.Internal, Filter: true, Sort: true, Expires: true, Group: "Review"},
			{Name: "reviewed_at", Label: "Reviewed", Type: record.Time, Class: record.Internal, ReadOnly: true, Kept: true, Group: "Review"},
			{Name: "reviewed_by_id", Label: "Reviewed by", Type: record.Ref, Ref: "user", Class: record.Personal, ReadOnly: true, Group: "Review"},
			{Name: "published_at", Label: "Published", Type: record.Time, Class: record.Internal, ReadOnly: true, Kept: true, Filter: true, Sort: true, Group: "Review"},
			{Name: "edition", Type: record.Integer, Class: record.Internal, ReadOnly: true, Kept: true, Group: "Review", Hint: "How often it was published."},
			{Name: "helpful", Label: "Helped", Type: record.Integer, Class: record.Internal, ReadOnly: true, Filter: true, Sort: true, List: true, Group: "Feedback"},
			{Name: "unhelpful", Label: "Did not help", Type: record.Integer, Class: record.Internal, ReadOnly: true, Filter: true, Sort: true, Group: "Feedback"},
		},
	}
}

func feedback() *record.Kind {
	return &record.Kind{
		Name: FeedbackKind, Plural: "knowledge_feedbacks", Label: "Feedback", Labels: "Feedback", Icon: "message",
		Scope: record.OfParent, Parent: "article_id", NameOf: nameOf, Before: beforeFeedback, After: count,
		Fields: []record.Field{
			{Name: "article_id", Label: "Article", Type: record.Ref, Ref: Kind, Class: record.Internal, Required: true, Filter: true},
			{Name: "helped", Type: record.Bool, Class: record.Internal, Default: true, Filter: true, List: true},
			{Name: "words", Type: record.Multiline, Class: record.Personal, Search: true, List: true},
			{Name: "edition", Type: record.Integer, Class: record.Internal, ReadOnly: true, Kept: true, Hint: "Of which it speaks."},
		},
	}
}

func nameOf(v record.Values) string {
	if v.Bool("helped") {
		return "It helped"
	}
	return "It did not help"
}

// before completes an article, then the lifecycle decides. What brings its number along
// comes from another house, and is in the state that it had there.
func before(l *lifecycle.Lifecycle) func(tx *gate.Tx, now, old *record.Record) error {
	return func(tx *gate.Tx, now, old *record.Record) error {
		came := old == nil && now.Values["number"] != nil
		if err := fill(tx, now, old); err != nil || came {
			return err
		}
		return l.Check(now, old)
	}
}

// fill gives a new article its number, and notes who reviewed one, when it was published, and how often. Who made it,
// or has its care, does not review it.
func fill(tx *gate.Tx, now, old *record.Record) error {
	state, was := now.Values.Text("status"), ""
	if old != nil {
		was, now.Values["number"] = old.Values.Text("status"), old.Values["number"]
	} else if came := now.Values["number"] != nil; came {
		return desk.Numbered(tx, now)
	} else if err := desk.Numbered(tx, now); err != nil {
		return err
	}
	if state == was {
		return nil
	}
	switch state {
	case Reviewed:
		if who := tx.Caller.User; who != 0 && (who == now.CreatedBy || who == now.Values.ID("owner_id")) {
			return fault.Field("status", "Somebody else reviews this: you wrote it, or have its care.").WithHint("Ask a colleague to set it to Reviewed.")
		}
		now.Values["reviewed_at"] = tx.Now
		delete(now.Values, "reviewed_by_id")
		who, err := desk.Person(tx)
		if err != nil {
			return err
		}
		if who != 0 {
			now.Values["reviewed_by_id"] = who
		}
	case Published:
		n, _ := now.Values["edition"].(int64)
		now.Values["edition"], now.Values["published_at"] = n+1, tx.Now
	case Draft, InReview:
		delete(now.Values, "reviewed_at")
		delete(now.Values, "reviewed_by_id")
	}
	return nil
}

// InPortal tells whether customers see an article.
func InPortal(r *record.Record) bool {
	return r.Values.Text("status") == Published && r.Values.Text("audience") == Customers && !r.Archived
}

// beforeFeedback notes of which edition it speaks.
func beforeFeedback(tx *gate.Tx, now, old *record.Record) error {
	if old != nil {
		return nil
	}
	of, err := now.Kind.Engine().Field(tx, Kind, "edition", now.Parent)
	if n, ok := of[now.Parent].(int64); ok {
		now.Values["edition"] = n
	}
	return err
}

// count keeps how often an article helped, without a version of it for each time.
func count(tx *gate.Tx, now, _ *record.Record) error {
	var helped, all int64
	err := tx.QueryRow(`select coalesce(sum(case when k.helped = 1 then 1 else 0 end), 0), count(*) from k_knowledge_feedback k join record r on r.id = k.id where k.article_id = ? and r.trashed_at is null`, int64(now.Parent)).Scan(&helped, &all)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`update k_knowledge_article set helpful = ?, unhelpful = ? where id = ?`, helped, all-helped, int64(now.Parent))
	return err
}

// Solved counts the tickets of a kind that an article solved, of those that the caller may
// see.
func Solved(tx *gate.Tx, e *record.Engine, kind string, article id.ID) (int64, error) {
	p, err := e.List(tx, kind, record.Query{Limit: 1, Filters: []record.Filter{{Field: "article_id", Op: record.Eq, Values: []any{article}}}})
	if err != nil {
		return 0, err
	}
	return p.Total, nil
}
