package ivanti

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

// action is a quick action: a move of the lifecycle that the kind declares, or the taking
// of a ticket.
type action struct {
	name  string // as in addresses: words joined by underscores
	state string // the state that it leads to; "" takes the ticket
}

// takes is the quick action by which who asks becomes the owner.
const takes = "Take_Ownership"

// verbs are what clients call the moves to states; others are called Set_State.
func verbs() map[string]string {
	return map[string]string{
		"Active": "Activate", "Resolved": "Resolve", "Closed": "Close", "Canceled": "Cancel", "Submitted": "Submit", "Approved": "Approve", "Approval Rejected": "Reject", "Fulfilled": "Fulfill",
		"Accepted": "Accept", "Completed": "Complete", "Rejected": "Reject", "Requested": "Request", "Scheduled": "Schedule", "Implemented": "Implement", "Denied": "Deny", "Deferred": "Defer",
		"Published": "Publish", "Withdrawn": "Withdraw", "Retired": "Retire",
	}
}

// actionsOf are the quick actions of a kind, in the order of its states.
func actionsOf(k *record.Kind) []action {
	var out []action
	if f := k.Field("owner_id"); f != nil && f.Ref == "user" && k.Life != nil {
		out = append(out, action{name: takes})
	}
	if k.Life == nil {
		return out
	}
	for _, state := range k.Field(k.Life.StateField()).Choices {
		out = append(out, action{cmp.Or(verbs()[state], "Set_"+underscored(state)), state})
	}
	return out
}

// underscored is a name as it stands in addresses.
func underscored(s string) string { return strings.Join(strings.Fields(s), "_") }

// guid is the id of something that is no record, made of what tells it from others.
func guid(parts ...string) string {
	b := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return fmt.Sprintf("%X-%X-%X-%X-%X", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

func (o *object) actionID(a action) string { return guid("action", o.kind.Name, a.name) }

// mountActions mounts the quick actions of an object.
func (a *API) mountActions(o *object) {
	if o.actions = actionsOf(o.kind); len(o.actions) == 0 || o.kind.Fixed {
		return
	}
	a.mux.Handle("GET "+business+o.set+"/{id}/{action}", func(http.ResponseWriter, *http.Request) error {
		return fault.New(fault.NotFound, "There is no such address.").WithHint("The relationships of the object are listed at /api/odata/%s/$metadata.", o.set)
	})
	a.mux.Handle("POST "+business+o.set+"/{id}/{action}", a.called(func(c *call) error { return act(c, c.as(o)) }), web.MaxBody(maxBody))
}

// action finds the action that an address names. An ActionId of another one is refused;
// one that is not ours, such as that of the tenant for which a client was written, says
// nothing.
func (o *object) action(name, actionID string) (action, error) {
	name = strings.TrimPrefix(name, "quickaction.")
	found := slices.IndexFunc(o.actions, func(a action) bool { return strings.EqualFold(a.name, underscored(name)) })
	byID := slices.IndexFunc(o.actions, func(a action) bool { return sameID(o.actionID(a), actionID) })
	switch {
	case found < 0 && byID < 0:
		return action{}, fault.New(fault.Invalid, "%s has no such quick action.", o.name).WithHint("Its quick actions are listed at /api/odata/%s/$metadata.", o.set)
	case found >= 0 && byID >= 0 && found != byID:
		return action{}, fault.New(fault.Invalid, "The ActionId is that of %s, and the address names %s.", o.actions[byID].name, o.actions[found].name).WithHint("Leave the ActionId out, or take it from /api/odata/%s/$metadata.", o.set)
	}
	return o.actions[max(found, byID)], nil
}

// sameID compares ids that are written with or without dashes and braces.
func sameID(a, b string) bool {
	plain := func(s string) string {
		return strings.ToUpper(strings.NewReplacer("-", "", "{", "", "}", "").Replace(s))
	}
	return b != "" && plain(a) == plain(b)
}

// member finds a member of an object of JSON by its name in any case.
func member(in map[string]any, name string) any {
	for n, v := range in {
		if strings.EqualFold(n, name) {
			return v
		}
	}
	return nil
}

// prompted reads what a client asked its user for: fields with values, as a list of
// {Name, Value} or as an object.
func prompted(v any) map[string]any {
	out := map[string]any{}
	switch x := v.(type) {
	case map[string]any:
		return x
	case []any:
		for _, one := range x {
			m, _ := one.(map[string]any)
			for _, called := range []string{"Name", "FieldName", "FieldRef"} {
				if name, ok := member(m, called).(string); ok && name != "" {
					out[name] = member(m, "Value")
					break
				}
			}
		}
	}
	return out
}

// act answers POST of a quick action. What a rule refuses is answered 200 with IsSuccess
// false, which clients read; who may not see or change the record gets a failure like any
// other.
func act(c *call, o *object) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	params, _ := member(inner(body, "ActionParams"), "FormParams").(map[string]any)
	actionID, _ := member(body, "ActionId").(string)
	if actionID == "" {
		actionID, _ = member(params, "ActionId").(string)
	}
	a, err := o.action(c.r.PathValue("action"), actionID)
	if err != nil {
		return err
	}
	rid, err := c.id()
	if err != nil {
		return err
	}
	if said, _ := member(params, "objectId").(string); said != "" && !strings.EqualFold(said, rid.RecID()) {
		return fault.New(fault.Invalid, "objectId is not the record of the address.").WithHint("Leave it out, or send the same RecId.")
	}
	var rec *record.Record
	err = c.Gate.Change(c.r.Context(), c.caller, access.Edit, gate.Thing{Kind: o.kind.Name, ID: rid}, func(tx *gate.Tx) error {
		v, err := c.values(tx, o, prompted(member(body, "PromptParams")))
		if err == nil && o.narrow() {
			_, err = c.get(tx, o, rid)
		}
		if err != nil {
			return err
		}
		if a.state != "" {
			v[o.kind.Life.StateField()] = a.state
		} else if v["owner_id"] = tx.Caller.User; tx.Caller.User == 0 {
			return fault.Field("owner_id", "Nobody takes this: the key belongs to no person.")
		}
		if save, said := member(body, "ShouldSave").(bool); said && !save { // asked for, and not to be done
			_, err = c.Records.Get(tx, o.kind.Name, rid)
			return err
		}
		rec, err = c.Records.Update(tx, o.kind.Name, rid, 0, v)
		return err
	})
	if fault.Is(err, fault.Invalid) {
		return web.JSON(c.w, http.StatusOK, map[string]any{"IsSuccess": false, "saved": false, "RecId": rid.RecID(), "validationErrors": reasons(c.translate(o, err))})
	}
	if err != nil {
		return err
	}
	return web.JSON(c.w, http.StatusOK, map[string]any{"IsSuccess": true, "saved": rec != nil, "RecId": rid.RecID(), "validationErrors": []string{}})
}

// inner is a member that is an object; none is an empty one.
func inner(in map[string]any, name string) map[string]any {
	m, _ := member(in, name).(map[string]any)
	return m
}

// reasons are the sentences of a refusal.
func reasons(err error) []string {
	return failed(err).Message
}
