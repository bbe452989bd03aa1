package portal

import (
	"html/template"
	"slices"
	"strings"

	"strongroom/internal/base/richtext"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/search"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/offering/catalogue"
)

// Ticket is what a customer reads of a ticket: nothing else of it leaves this package.
type Ticket struct {
	ID      id.ID
	Number  string
	Subject string
	Request bool // something ordered, rather than something that does not work
	State   State
	For     string // the customer, when it is not who reads it
	Created int64  // Unix milliseconds
	Updated int64
	Text    string // what was reported
	Price   *float64
	Answers []catalogue.Answer
	Entries []Entry
	Files   []*attachment.File
	Devices []Device // the reader's own, that it is about
	Reopens bool     // it can be said that it is not solved
	Cancels bool
	Over    bool
}

// Entry is something that was written on a ticket for all who take part.
type Entry struct {
	ID   id.ID
	Mine bool
	Who  string // empty for the service desk
	Text string
	At   int64
}

// State is how a ticket stands, in plain words. Tone is one of those of ui.Status.
type State struct{ Text, Tone string }

// words say it for each state that a ticket of customers can be in.
func words() map[string]State {
	return map[string]State{
		"Logged": {"Received", "open"}, "Submitted": {"Received", "open"}, "Draft": {"Not sent yet", "open"},
		active: {"Being worked on", "busy"}, "Approved": {"Approved, being worked on", "busy"}, rejected: {"Not approved", "bad"},
		waitProblem: {"Waiting for your answer", "wait"}, waitWish: {"Waiting for your answer", "wait"},
		"Waiting for 3rd Party": {"Waiting for somebody else", "wait"}, "Waiting for 3rd party": {"Waiting for somebody else", "wait"},
		"Waiting for Resolution": {"A solution is on its way", "busy"}, resolved: {"Solved", "ok"}, fulfilled: {"Done", "ok"},
		closed: {"Closed", ""}, canceled: {"Called off", ""},
	}
}

// InWords says how a ticket in a state stands; ok is false for a state that nobody has put
// into words yet, of which is said no more than that it is being worked on.
func InWords(status string) (s State, ok bool) {
	if s, ok = words()[status]; !ok {
		s = State{"Being worked on", "busy"}
	}
	return s, ok
}

// WaitsForApproval is the state of a ticket that somebody has to approve first.
func WaitsForApproval() State { return State{"Waiting for approval", "wait"} }

// kinds are the kinds of tickets that customers see.
func kinds() []string { return []string{Problem, Wish} }

// Tickets lists tickets of the caller, those that changed last first; of her whole
// organization where she speaks for it and asks for that.
func (p *Portal) Tickets(tx *gate.Tx, over, all bool, limit int) ([]Ticket, error) {
	me, err := p.Me(tx)
	if err != nil {
		return nil, err
	}
	var out []Ticket
	for _, kind := range kinds() {
		q := record.Query{Archived: "no", Limit: limit, NoTotal: true, Sort: []record.Order{{Field: "updated_at", Desc: true}}, Filters: []record.Filter{{Field: "final", Op: record.Eq, Values: []any{over}}}}
		if !all {
			for _, f := range []string{"contact_id", "reported_by_id"} {
				q.Any = append(q.Any, []record.Filter{{Field: f, Op: record.Eq, Values: []any{me.ID}}})
			}
		}
		list, err := p.Records.List(tx, kind, q)
		if err != nil {
			return nil, err
		}
		for _, r := range list.Records {
			out = append(out, line(r, me))
		}
	}
	slices.SortFunc(out, func(a, b Ticket) int { return int(max(-1, min(1, b.Updated-a.Updated))) })
	return out[:min(len(out), limit)], nil
}

// line is a ticket without what hangs on it.
func line(r, me *record.Record) Ticket {
	n, _ := r.Values["number"].(int64)
	t := Ticket{ID: r.ID, Number: r.Kind.Field("number").Numbered(n), Subject: r.Name, Request: r.Kind.Name == Wish,
		Created: r.Created, Updated: r.Updated, Reopens: CanReopen(r), Cancels: CanCancel(r), Over: r.Values.Bool("final")}
	t.State, _ = InWords(r.Values.Text("status"))
	if who := r.Values.ID("contact_id"); who != 0 && who != me.ID {
		if t.For = r.Names["contact_id"]; t.For == "" {
			t.For = "a colleague"
		}
	}
	return t
}

// Read gives one ticket with what was written on it for everybody.
func (p *Portal) Read(tx *gate.Tx, ticket id.ID) (*Ticket, error) {
	me, err := p.Me(tx)
	if err != nil {
		return nil, err
	}
	r, err := p.ticket(tx, ticket)
	if err != nil {
		return nil, err
	}
	t := line(r, me)
	t.Text = strings.TrimSpace(richtext.Text(r.Values.Text("description")))
	if t.Entries, err = p.entries(tx, r); err != nil {
		return nil, err
	}
	if t.Devices, err = p.concerned(tx, r.ID); err != nil {
		return nil, err
	}
	if t.Files, err = files(tx, r); err != nil || !t.Request {
		return &t, err
	}
	if price, ok := r.Values["price"].(float64); ok {
		t.Price = &price
	}
	said, err := p.Records.List(tx, catalogue.AnswerKind, record.Query{Parent: r.ID, Limit: 500, NoTotal: true, Sort: []record.Order{{Field: "order"}, {Field: "id"}}})
	if err != nil {
		return nil, err
	}
	for _, a := range said.Records {
		text := a.Values.Text("answer")
		switch text {
		case "true":
			text = "Yes"
		case "false":
			text = "No"
		}
		t.Answers = append(t.Answers, catalogue.Answer{Name: a.Name, Text: strings.ReplaceAll(text, catalogue.Between, ", ")})
	}
	return &t, nil
}

// entries are those that the gate shows her: public ones.
func (p *Portal) entries(tx *gate.Tx, r *record.Record) ([]Entry, error) {
	list, err := p.Records.List(tx, entry.Kind, record.Query{Parent: r.ID, Limit: 500, NoTotal: true, Sort: []record.Order{{Field: "created_at"}, {Field: "id"}}})
	if err != nil {
		return nil, err
	}
	var out []Entry
	for _, e := range list.Records {
		x := Entry{ID: e.ID, Mine: e.CreatedBy == tx.Caller.User, Text: strings.TrimSpace(richtext.Text(e.Values.Text("notes_body"))), At: e.Created}
		if x.Mine {
			x.Who = "You"
		} else if x.Who, err = p.customer(tx, e.CreatedBy); err != nil {
			return nil, err
		}
		if x.Who == "" && e.Values.Text("journal_type") == entry.Email && e.CreatedBy == 0 {
			x.Who = "By e-mail"
		}
		out = append(out, x)
	}
	return out, nil
}

// customer is the name of a colleague who wrote something; empty for who works here.
func (p *Portal) customer(tx *gate.Tx, user id.ID) (string, error) {
	who, err := tx.IDs(`select p.contact_id from access_principal p where p.user_id = ? and p.role = ?`, int64(user), string(access.SelfService))
	if err != nil || len(who) == 0 {
		return "", err
	}
	names, err := p.Records.Names(tx, who[0])
	if n := names[who[0]]; n != "" {
		return n, err
	}
	return "A colleague", err
}

// files are those of a ticket that its customers gave, and those that lie with public
// entries: what the desk keeps beside the ticket stays there.
func files(tx *gate.Tx, r *record.Record) ([]*attachment.File, error) {
	all, err := attachment.All(tx, r.ID)
	if err != nil {
		return nil, err
	}
	var out []*attachment.File
	for _, f := range all {
		hers, err := given(tx, f)
		if err != nil {
			return nil, err
		}
		if hers {
			out = append(out, f)
		}
	}
	return out, nil
}

// given tells whether a customer gave a file of a ticket.
func given(tx *gate.Tx, f *attachment.File) (bool, error) {
	if f.By == tx.Caller.User {
		return true, nil
	}
	who, err := tx.IDs(`select p.user_id from access_principal p where p.user_id = ? and p.role = ?`, int64(f.By), string(access.SelfService))
	return len(who) > 0, err
}

// File finds a file that the caller may open: one that she sees on a ticket, or one of an
// article.
func (p *Portal) File(tx *gate.Tx, file id.ID) (*attachment.File, error) {
	f, err := attachment.Get(tx, file)
	if err != nil {
		return nil, err
	}
	r, err := p.Records.Get(tx, "", f.Record)
	if err != nil {
		return nil, err
	}
	switch r.Kind.Name {
	case Problem, Wish:
		ok, err := given(tx, f)
		if err == nil && !ok {
			err = gate.Missing()
		}
		return f, err
	case article, catalogue.Kind, entry.Kind, "announcement":
		return f, nil
	}
	return nil, gate.Missing()
}

// Hit is an article or an offering that was found.
type Hit struct {
	ID      id.ID
	Title   string
	Article bool
}

// Find looks for words in the articles and offerings that the caller sees.
func (p *Portal) Find(tx *gate.Tx, words string, limit int) ([]Hit, error) {
	found := map[id.ID]bool{}
	var out []Hit
	add := func(words string) error {
		list, err := search.Find(tx, words, search.Options{Kinds: []string{article, catalogue.Kind}, Limit: limit})
		for _, h := range list {
			if !found[h.ID] && !h.Archived && len(out) < limit {
				found[h.ID] = true
				out = append(out, Hit{h.ID, h.Name, h.Kind == article})
			}
		}
		return err
	}
	if err := add(words); err != nil {
		return nil, err
	}
	for _, w := range longest(words, 4) { // what some of the words find
		if len(out) >= limit {
			break
		}
		if err := add(w); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// longest are the longest of some words, of four letters and more.
func longest(words string, most int) []string {
	list := slices.DeleteFunc(strings.Fields(words), func(w string) bool { return len([]rune(w)) < 4 })
	slices.SortStableFunc(list, func(a, b string) int { return len(b) - len(a) })
	return list[:min(len(list), most)]
}

// article is the kind of articles.
const article = "knowledge_article"

// Article is what a customer reads of one.
type Article struct {
	ID           id.ID
	Title        string
	Body, Helps  template.HTML
	Published    int64
	Said, Helped bool // what the caller said of this edition
	Words        string
}

// Article gives an article that the caller sees. Links into the house lead nowhere for her
// and are words alone; its pictures come by the portal.
func (p *Portal) Article(tx *gate.Tx, which id.ID) (*Article, error) {
	r, err := p.Records.Get(tx, article, which)
	if err != nil {
		return nil, err
	}
	a := &Article{ID: r.ID, Title: r.Name, Body: outside(r.Values.Text("body")), Helps: outside(r.Values.Text("resolution"))}
	a.Published, _ = r.Values["published_at"].(int64)
	said, err := p.said(tx, r)
	if err == nil && said != nil {
		a.Said, a.Helped, a.Words = true, said.Values.Bool("helped"), said.Values.Text("words")
	}
	return a, err
}

// Outside is a text as it is shown to a customer: see Article.
func Outside(text string) template.HTML { return outside(text) }

func outside(text string) template.HTML {
	text = richtext.Relink(text, func(href, words string) (string, string) {
		if strings.HasPrefix(href, "https://") || strings.HasPrefix(href, "http://") || strings.HasPrefix(href, "mailto:") || strings.HasPrefix(href, "#") {
			return href, words
		}
		return "", words
	})
	text = richtext.Rewrite(text, func(tag, _, value string) string {
		if tag != "img" {
			return value
		}
		if rest, ok := strings.CutPrefix(value, "/documents/images/"); ok {
			n, _, _ := strings.Cut(rest, "/")
			return "/portal/files/" + n
		}
		return ""
	})
	return template.HTML(richtext.Clean(text)) // #nosec G203 -- it is cleaned here
}
