package itglue

import (
	"strongroom/internal/base/jsonapi"
	"strongroom/internal/base/web"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/comment"
	"strongroom/internal/surface/itglue/describe"
	"strongroom/internal/surface/itglue/own"
)

// own is what is Strongroom's own.
func (a *API) own() own.Things {
	return own.Things{Gate: a.Gate, Records: a.Records, Comments: &comment.Comments{Records: a.Records}, Trackers: a.Trackers, Runbooks: a.Runbooks}
}

// mountOwn mounts what no program knows that was written for the protocol.
func (a *API) mountOwn() {
	things := a.own()
	does := map[own.Does]describe.Does{own.List: describe.List, own.All: describe.All, own.Get: describe.Get, own.CreateOne: describe.CreateOne,
		own.Update: describe.Update, own.Replace: describe.Replace, own.Remove: describe.Remove, own.Download: describe.Download}
	for _, r := range things.Routes() {
		a.handle(r.Pattern, does[r.Does], r.Type, func(c *call) error {
			return r.Do(&own.Call{Things: things, W: c.w, R: c.r, Ctx: c.ctx, Caller: c.caller, Query: c.query, Host: c.host,
				Item: c.only, ID: c.id, Answer: c.answer, Page: c.answerPage, URL: c.urlOf})
		}, web.MaxBody(maxBody))
	}
}

// ours says what they hold.
func (a *API) ours() (out []describe.Resource) {
	for _, r := range a.own().Resources() {
		out = append(out, describe.Resource{Type: r.Type, One: r.One, Many: r.Many, About: r.About, Shown: describe.Attrs(r.Shown), Sent: describe.Attrs(r.Sent), Required: r.Required, Filters: r.Filters})
	}
	return out
}

// only reads a document of one resource object, which may be alone in an array.
func (c *call) only() (jsonapi.Item, error) {
	d, err := c.document()
	if err == nil && len(d.Items) != 1 {
		err = jsonapi.Malformed("Here data is one object.")
	}
	if err != nil {
		return jsonapi.Item{}, err
	}
	return d.Items[0], nil
}

func (c *call) urlOf(b []byte, kind string, org, rec id.ID) []byte {
	if res := c.resources[kind]; res != nil {
		return res.appendURL(b, c.host, org, rec)
	}
	return append(b, "null"...)
}
