package sample

import (
	"fmt"
	"time"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// offer is something of the catalogue, with the questions of its form.
type offer struct {
	name, text, service, category, team string
	price                               float64
	approval                            bool
	questions                           []record.Values
}

// offerings are what everybody can order.
var offerings = []offer{
	{"New laptop", "A laptop of the current model, set up with your programs and delivered to your desk.", "Workplace", "Hardware", "Service desk", 1240, true, []record.Values{
		{"name": "Which size?", "answer_type": "combo", "choices": "13 inches\n14 inches\n16 inches", "required": true, "usual": "14 inches"},
		{"name": "What else?", "answer_type": "list", "choices": "Docking station\nSecond screen\nBag"},
		{"name": "From which day?", "answer_type": "date"},
	}},
	{"Access to a shared folder", "Read, or read and write, after the owner of the folder agrees.", "Files and backup", "Account and access", "Service desk", 0, true, []record.Values{
		{"name": "Which folder?", "answer_type": "text", "required": true, "most": 200.0},
		{"name": "May you write?", "answer_type": "checkbox", "usual": "false"},
		{"name": "Why?", "answer_type": "multiline", "required": true},
	}},
	{"Distribution list", "An address that reaches several people.", "E-mail", "Request", "Applications", 0, false, []record.Values{
		{"name": "Its address", "answer_type": "text", "required": true, "pattern": "[A-Za-z0-9.-]+", "hint": "The part before the @."},
		{"name": "Who is on it?", "answer_type": "multiline", "required": true},
	}},
}

// offers makes the catalogue, where there is one.
func (w *world) offers(tx *gate.Tx) error {
	if w.filler.Records.Kinds.Kind("offering") == nil {
		return nil
	}
	for _, o := range offerings {
		v := record.Values{"name": o.name, "description": "<p>" + o.text + "</p>", "status": "Published", "approval": o.approval, "price": o.price}
		for field, name := range map[string]string{"service": o.service, "category": o.category, "team": o.team} {
			if to := w.of(field, name); to != nil {
				v[field+"_id"] = to
			}
		}
		made, err := w.create(tx, "offering", v)
		for n, q := range o.questions {
			if err != nil {
				break
			}
			q = q.Clone()
			q["offering_id"], q["order"] = made, int64(n+1)
			_, err = w.create(tx, "offering_question", q)
		}
		if err != nil {
			return fmt.Errorf("the offering %q: %w", o.name, err)
		}
	}
	return nil
}

// answers are what was said in the form of a request.
func (c *client) answers(subject string, request *id.ID) []step {
	if subject != "Access to the accounting folder" || c.w.filler.Records.Kinds.Kind("request_answer") == nil {
		return nil
	}
	var out []step
	for n, a := range [][2]string{{"Which folder?", "Accounting"}, {"May you write?", "true"}, {"Why?", "The year is being closed."}} {
		out = append(out, func(tx *gate.Tx) error {
			_, err := c.w.create(tx, "request_answer", record.Values{"service_request_id": *request, "name": a[0], "answer": a[1], "order": int64(n + 1)})
			return err
		})
	}
	return out
}

// departments are those of the house itself.
func (c *client) departments() []step {
	if c.n != 0 || c.w.filler.Records.Kinds.Kind("department") == nil {
		return nil
	}
	return []step{func(tx *gate.Tx) error {
		_, err := c.w.create(tx, "department", record.Values{"organization_id": c.org, "name": "Accounting", "cost_center": "4100"})
		return err
	}}
}

// milestones are those of a release.
func (c *client) milestones(kind string, release *id.ID) []step {
	if kind != "release" {
		return nil
	}
	var out []step
	for n, m := range [][2]string{{"Build and try", "Done"}, {"First floor", "Open"}, {"The rest", "Open"}} {
		out = append(out, func(tx *gate.Tx) error {
			_, err := c.w.create(tx, "release_milestone", record.Values{"release_id": *release, "name": m[0], "status": m[1], "order": int64(n + 1)})
			return err
		})
	}
	return out
}

// articles are what everybody's service desk knows.
func (w *world) articles(tx *gate.Tx) error {
	if w.filler.Records.Kinds.Kind("knowledge_article") == nil {
		return nil
	}
	for _, a := range []record.Values{
		{"name": "A telephone that locks an account", "number": 1001, "status": "Published", "audience": "Customers", "article_type": "Issue Resolution", "edition": 1, "expire_on": w.today.AddDate(0, 0, 12).Format(time.DateOnly),
			"body": "<p>After a change of password the telephone still tries the old one, and the account is locked every few minutes.</p>", "resolution": "<p>Enter the new password in the settings of the mail program on the telephone, then have the account unlocked.</p>"},
		{"name": "Blank pages from the label printer", "number": 1002, "status": "In Review", "article_type": "Error Message", "body": "<p>The label program prints blank pages, copies are fine: the driver of another model is in use.</p>"},
	} {
		made, err := w.create(tx, "knowledge_article", a)
		if err == nil && a["status"] == "Published" {
			_, err = w.create(tx, "knowledge_feedback", record.Values{"article_id": made, "helped": true, "words": "That was it."})
		}
		if err != nil {
			return fmt.Errorf("the article %q: %w", a["name"], err)
		}
	}
	return nil
}
