package scim

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity/provision"
)

// kept is a sort of resource with what keeps it. A document is a resource as it is sent,
// without where it lies.
type kept struct {
	*resource
	fast   map[string]string // attributes that are found by themselves, in small letters
	list   func(tx *gate.Tx, q provision.Query, members bool) ([]item, int64, error)
	make   func(ctx context.Context, c *access.Caller, doc map[string]any) (item, error)
	change func(ctx context.Context, c *access.Caller, n id.ID, what string, edit func(item) (map[string]any, error)) (item, error)
	hide   func(ctx context.Context, c *access.Caller, n id.ID, check func(item) error) error
}

// item is a resource that is kept.
type item struct {
	id               id.ID
	doc              map[string]any
	created, changed int64
}

func (s *Server) users() *kept {
	p := s.Provision
	return &kept{resource: users(), fast: map[string]string{"username": provision.ByUserName, "externalid": provision.ByExternal, "id": provision.ByID, "emails": provision.ByEmail},
		list: func(tx *gate.Tx, q provision.Query, _ bool) (out []item, total int64, err error) {
			list, total, err := p.Users(tx, q)
			for _, u := range list {
				out = append(out, userItem(u))
			}
			return out, total, err
		},
		make: func(ctx context.Context, c *access.Caller, doc map[string]any) (item, error) {
			u := &provision.User{Active: true}
			readUser(u, doc)
			made, err := p.MakeUser(ctx, c, u)
			if err != nil {
				return item{}, err
			}
			return userItem(made), nil
		},
		change: func(ctx context.Context, c *access.Caller, n id.ID, what string, edit func(item) (map[string]any, error)) (item, error) {
			now, err := p.ChangeUser(ctx, c, n, what, func(u *provision.User) error {
				doc, err := edit(userItem(u))
				if err == nil {
					readUser(u, doc)
				}
				return err
			})
			if err != nil {
				return item{}, err
			}
			return userItem(now), nil
		},
		hide: func(ctx context.Context, c *access.Caller, n id.ID, check func(item) error) error {
			return p.HideUser(ctx, c, n, func(u *provision.User) error { return check(userItem(u)) })
		},
	}
}

func (s *Server) groups() *kept {
	p := s.Provision
	return &kept{resource: groups(), fast: map[string]string{"displayname": provision.ByName, "externalid": provision.ByExternal, "id": provision.ByID},
		list: func(tx *gate.Tx, q provision.Query, members bool) (out []item, total int64, err error) {
			list, total, err := p.Groups(tx, q, members)
			for _, g := range list {
				out = append(out, groupItem(g))
			}
			return out, total, err
		},
		make: func(ctx context.Context, c *access.Caller, doc map[string]any) (item, error) {
			g := &provision.Group{}
			if err := readGroup(g, doc); err != nil {
				return item{}, err
			}
			made, err := p.MakeGroup(ctx, c, g)
			if err != nil {
				return item{}, err
			}
			return groupItem(made), nil
		},
		change: func(ctx context.Context, c *access.Caller, n id.ID, what string, edit func(item) (map[string]any, error)) (item, error) {
			now, err := p.ChangeGroup(ctx, c, n, what, func(g *provision.Group) error {
				doc, err := edit(groupItem(g))
				if err != nil {
					return err
				}
				return readGroup(g, doc)
			})
			if err != nil {
				return item{}, err
			}
			return groupItem(now), nil
		},
		hide: func(ctx context.Context, c *access.Caller, n id.ID, check func(item) error) error {
			return p.HideGroup(ctx, c, n, func(g *provision.Group) error { return check(groupItem(g)) })
		},
	}
}

// put sets a text that is there.
func put(doc map[string]any, name, s string) {
	if s != "" {
		doc[name] = s
	}
}

func userItem(u *provision.User) item {
	doc := map[string]any{"id": u.ID.String(), "userName": u.UserName, "active": u.Active,
		"emails": []any{map[string]any{"value": u.Email, "type": "work", "primary": true}}}
	put(doc, "externalId", u.External)
	put(doc, "displayName", u.Display)
	name := map[string]any{}
	put(name, "givenName", u.First)
	put(name, "familyName", u.Last)
	if len(name) > 0 {
		doc["name"] = name
	}
	var list []any
	for _, g := range u.Groups {
		list = append(list, map[string]any{"value": g.ID.String(), "display": g.Name, "type": "direct"})
	}
	if list != nil {
		doc["groups"] = list
	}
	return item{u.ID, doc, u.Created, u.Changed}
}

func groupItem(g *provision.Group) item {
	doc := map[string]any{"id": g.ID.String(), "displayName": g.Name}
	put(doc, "externalId", g.External)
	members := []any{}
	for _, m := range g.Members {
		members = append(members, map[string]any{"value": m.ID.String(), "display": m.Name, "type": "User"})
	}
	doc["members"] = members
	return item{g.ID, doc, g.Created, g.Changed}
}

// readUser takes what a document says of a user. What it does not name of whether she is
// active, and of her address, stays.
func readUser(u *provision.User, doc map[string]any) {
	str := func(name string) string { s, _ := doc[name].(string); return s }
	u.UserName, u.External, u.Display = str("userName"), str("externalId"), str("displayName")
	name, _ := doc["name"].(map[string]any)
	u.First, _ = name["givenName"].(string)
	u.Last, _ = name["familyName"].(string)
	if on, ok := doc["active"].(bool); ok {
		u.Active = on
	}
	if list, ok := doc["emails"].([]any); ok {
		u.Email = address(list)
	}
}

// address gives the e-mail address that counts: the primary one, else that for work, else
// the first.
func address(list []any) string {
	best, rank := "", 0
	for _, v := range list {
		m, _ := v.(map[string]any)
		s, _ := m["value"].(string)
		if s == "" {
			continue
		}
		r := 1
		if m["type"] == "work" {
			r = 2
		}
		if m["primary"] == true {
			r += 2
		}
		if r > rank {
			best, rank = s, r
		}
	}
	return best
}

// readGroup takes what a document says of a group. Members that it does not name stay.
func readGroup(g *provision.Group, doc map[string]any) error {
	g.Name, _ = doc["displayName"].(string)
	g.External, _ = doc["externalId"].(string)
	list, ok := doc["members"].([]any)
	if !ok {
		return nil
	}
	g.Members = nil
	for _, v := range list {
		m, _ := v.(map[string]any)
		s, _ := m["value"].(string)
		n, ok := id.Parse(s)
		if t, _ := m["type"].(string); t == "Group" {
			return bad("invalidValue", "Groups in groups are not kept: send the users.")
		}
		if !ok {
			return bad("invalidValue", "A member is named by the id of a user.")
		}
		g.Members = append(g.Members, provision.Ref{ID: n})
	}
	return nil
}

// etag names what a document says.
func (i item) etag() string {
	b, err := json.Marshal(i.doc)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return `W/"` + hex.EncodeToString(sum[:12]) + `"`
}

// whole completes a document with where it lies and which it is.
func (i item) whole(r *resource, base string) map[string]any {
	out := map[string]any{"schemas": []string{r.schema}}
	for k, v := range i.doc {
		out[k] = v
	}
	stamp := func(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }
	out["meta"] = map[string]any{"resourceType": r.name, "created": stamp(i.created), "lastModified": stamp(i.changed), "location": base + r.path + "/" + i.id.String(), "version": i.etag()}
	if n, ok := out["name"].(map[string]any); ok {
		full := map[string]any{}
		for k, v := range n {
			full[k] = v
		}
		first, _ := n["givenName"].(string)
		last, _ := n["familyName"].(string)
		full["formatted"] = trim(first + " " + last)
		out["name"] = full
	}
	for list, path := range map[string]string{"groups": Path + "/Groups/", "members": Path + "/Users/"} {
		values, ok := out[list].([]any)
		if !ok {
			continue
		}
		full := make([]any, len(values))
		for j, v := range values {
			m := map[string]any{}
			for k, x := range v.(map[string]any) {
				m[k] = x
			}
			m["$ref"] = base + path + m["value"].(string)
			full[j] = m
		}
		out[list] = full
	}
	return out
}
