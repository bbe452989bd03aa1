package ivanti

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/offering/catalogue"
	"strongroom/internal/feature/request"
)

// The addresses of the catalogue.
const (
	templatesAt = "/rest/template/{id}/_all_"
	choicesAt   = "/rest/servicerequest/{id}/validationlist"
	orderAt     = "/rest/servicerequest/new"
)

func (a *API) mountCatalogue() {
	if a.objects[catalogue.Kind] == nil || a.objects[request.Kind] == nil {
		return
	}
	a.mux.Handle("GET "+templatesAt, a.called(templates))
	a.mux.Handle("GET "+choicesAt, a.called(choices))
	a.mux.Handle("POST "+choicesAt, a.called(choices))
	a.mux.Handle("POST "+orderAt, a.called(order), web.MaxBody(maxBody))
}

// templates answers with what a customer can order.
func templates(c *call) error {
	who, err := c.id()
	if err != nil {
		return err
	}
	out := []map[string]string{}
	err = c.Gate.View(c.r.Context(), c.caller, func(tx *gate.Tx) error {
		list, err := catalogue.Open(tx, c.Records, who)
		for _, r := range list {
			out = append(out, map[string]string{"strSubscriptionId": r.ID.RecID(), "strRecId": r.ID.RecID(), "strName": r.Name, "strDescription": r.Values.Text("description")})
		}
		return err
	})
	if err != nil {
		return err
	}
	return web.JSON(c.w, http.StatusOK, out)
}

// choices answers with what a question can be answered with: rows of a RecId, the value,
// and the value again.
func choices(c *call) error {
	rid, err := c.id()
	if err != nil {
		return err
	}
	out := [][3]string{}
	err = c.Gate.View(c.r.Context(), c.caller, func(tx *gate.Tx) error {
		r, err := c.Records.Get(tx, catalogue.QuestionKind, rid)
		if err != nil {
			return err
		}
		form, err := catalogue.Form(tx, c.Records, r.Values.ID("offering_id"))
		for _, q := range form {
			for _, choice := range q.Choices {
				if q.ID == rid {
					out = append(out, [3]string{q.ChoiceID(choice), choice, choice})
				}
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return web.JSON(c.w, http.StatusOK, out)
}

// ordered reads what a body orders: subscriptionId, strUserId, parameters and
// serviceReqData.
func (c *call) ordered(body map[string]any) (o catalogue.Order, err error) {
	for name, to := range map[string]*id.ID{"subscriptionId": &o.Offering, "strUserId": &o.Contact} {
		rid, ok := id.Parse(fmt.Sprint(member(body, name)))
		if !ok {
			return o, fault.New(fault.Invalid, "%s is missing, or no RecId.", name).WithHint("They are listed at /api/rest/Template/{RecId of the customer}/_All_.")
		}
		*to = rid
	}
	if list, _ := member(body, "attachmentsToUpload").([]any); len(list) > 0 {
		return o, fault.New(fault.Invalid, "Files do not come with the request.").WithHint("Send the request without them, then each file to /api/rest/Attachment with ObjectType ServiceReq#.")
	}
	o.Answers = map[id.ID]string{}
	chosen := map[id.ID]string{} // RecIds of choices, which count where there is no text
	for name, v := range inner(body, "parameters") {
		at, isID := strings.CutSuffix(strings.ToLower(name), "-recid")
		question, ok := id.Parse(strings.TrimPrefix(at, "par-"))
		if !ok {
			return o, fault.New(fault.Invalid, "parameters has what is no question: %s.", clip(name)).WithHint("It is of the form par-RecId, or par-RecId-recId.")
		}
		text := ""
		switch x := v.(type) {
		case string:
			text = x
		case json.Number, bool:
			text = fmt.Sprint(x)
		case nil:
		default:
			return o, fault.New(fault.Invalid, "An answer is a text: %s.", clip(name)).WithHint("Several choices are joined by %s.", catalogue.Between)
		}
		if isID {
			chosen[question] = text
		} else {
			o.Answers[question] = text
		}
	}
	for question, text := range chosen {
		if strings.TrimSpace(o.Answers[question]) == "" {
			o.Answers[question] = text
		}
	}
	return o, nil
}

// clip keeps what a client said short in what is said of it.
func clip(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// order answers POST of a new service request. What is refused is answered 200 with
// IsSuccess false, which clients read.
func order(c *call) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	made, err := c.place(body)
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.NotFound) {
		why := strings.Join(reasons(err), " ")
		if fault.Is(err, fault.NotFound) {
			why = "The customer does not exist, or you may not see it."
		}
		return web.JSON(c.w, http.StatusOK, map[string]any{"IsSuccess": false, "ErrorText": why, "ServiceRequests": []any{}, "InvalidServiceRequests": []any{}})
	}
	if err != nil {
		return err
	}
	one := map[string]string{"strRequestRecId": made.ID.RecID(), "strRequestNum": fmt.Sprint(made.Values["number"])}
	return web.JSON(c.w, http.StatusOK, map[string]any{"IsSuccess": true, "ErrorText": nil, "ServiceRequests": []any{one}, "InvalidServiceRequests": []any{}})
}

// place makes the request that a body orders.
func (c *call) place(body map[string]any) (made *record.Record, err error) {
	o, err := c.ordered(body)
	if err != nil {
		return nil, err
	}
	of := c.objects[request.Kind]
	thing := gate.Thing{Kind: request.Kind}
	err = c.Gate.View(c.r.Context(), c.caller, func(tx *gate.Tx) error {
		if o.Values, err = c.values(tx, of, inner(body, "serviceReqData")); err != nil {
			return err
		}
		thing.Org, err = catalogue.Organization(tx, c.Records, o.Contact)
		return err
	})
	if err != nil {
		return nil, c.translate(of, err)
	}
	if state, _ := member(body, "saveReqState").(string); strings.EqualFold(state, request.Draft) {
		o.Values["status"] = request.Draft
	}
	err = c.Gate.Change(c.r.Context(), c.caller, access.Create, thing, func(tx *gate.Tx) error {
		made, err = catalogue.Place(tx, c.Records, o)
		return err
	})
	return made, err
}
