package scim_test

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/provision"
)

// TestSCIM is one house that two systems keep users in.
func TestSCIM(t *testing.T) {
	h := open(t)
	for _, x := range []struct {
		name string
		run  func(*house)
	}{
		{"Entra", entra}, {"Okta", okta}, {"who may come in", door}, {"described", described}, {"mass assignment", assignment}, {"administrators", administrators},
		{"people made here", here}, {"who was archived here", archivedHere}, {"what is no request", nonsense}, {"lists", lists}, {"versions", versions}, {"roles", roles}, {"ways", ties}, {"in parallel", parallel},
	} {
		t.Run(x.name, func(t *testing.T) { in := *h; in.t = t; x.run(&in) })
	}
}

const patchOf = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[%s]}`

func ops(list ...string) string { return fmt.Sprintf(patchOf, strings.Join(list, ",")) }

// entra is a conversation as Microsoft Entra ID holds it: it asks for a user that cannot be
// there, then for each user by userName, makes her, and changes her with operations in
// capitals and with texts for booleans.
func entra(h *house) {
	h.do("GET", `/Users?filter=userName+eq+%22a2ea5a5b-6c6e-4c11-9a2d-52f1a2b5f3a0%22`, "").want(200).is("totalResults", 0.0)
	h.do("GET", `/Users?filter=userName%20eq%20%22Ada.Berg@harbour.example%22`, "").want(200).is("totalResults", 0.0)
	made := h.do("POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
		"externalId":"0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef","userName":"Ada.Berg@harbour.example","active":true,"displayName":"Ada Berg",
		"emails":[{"primary":true,"type":"work","value":"ada@harbour.example"}],"meta":{"resourceType":"User"},
		"name":{"formatted":"Ada Berg","familyName":"Berg","givenName":"Ada"},"roles":[],"title":"Engineer",
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"IT","employeeNumber":"701984"}}`).want(201)
	made.is("userName", "Ada.Berg@harbour.example").is("active", true).is("name.formatted", "Ada Berg").is("emails.0.value", "ada@harbour.example").is("meta.resourceType", "User")
	ada := made.id()
	if at := made.header.Get("Location"); at != h.url+"/scim/v2/Users/"+ada || made.at("meta.location") != at {
		h.t.Errorf("it lies at %s", at)
	}
	r := h.get(identity.User, ada)
	if r.Name != "Ada Berg" || r.Values.Text("email") != "ada@harbour.example" || h.roleOf(ada) != access.ReadOnly || r.Archived {
		h.t.Errorf("she is %v, %v", r.Name, r.Values)
	}
	h.do("GET", `/Users?filter=userName%20eq%20%22ada.berg@HARBOUR.example%22`, "").want(200).is("totalResults", 1.0).is("Resources.0.id", ada)
	h.do("GET", `/Users?filter=externalId%20eq%20%220a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef%22`, "").want(200).is("totalResults", 1.0)
	h.do("POST", "/Users", `{"userName":"ADA.berg@harbour.example"}`).want(409, "uniqueness")

	session, key := h.session(ada), h.newKey(apikey.New{Name: "Hers", Owner: r.ID})
	if !session() || !h.opens(key) {
		h.t.Fatal("she has neither session nor key")
	}
	h.do("PATCH", "/Users/"+ada, ops(`{"op":"Replace","path":"emails[type eq \"work\"].value","value":"ada.berg@harbour.example"}`,
		`{"op":"Replace","path":"name.familyName","value":"Lind"}`, `{"op":"Add","path":"name.formatted","value":"Ada Lind"}`, `{"op":"Add","path":"displayName","value":"Ada Lind"}`,
		`{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"Sales"}`)).want(200).
		is("emails.0.value", "ada.berg@harbour.example").is("name.familyName", "Lind").is("name.formatted", "Ada Lind")
	if !session() {
		h.t.Error("a new name ends her session")
	}
	h.do("PATCH", "/Users/"+ada, ops(`{"op":"Replace","path":"active","value":"False"}`)).want(200).is("active", false)
	if session() || h.opens(key) || !h.get(identity.User, ada).Archived {
		h.t.Error("who was deactivated has a session or a key")
	}
	h.do("PATCH", "/Users/"+ada, ops(`{"op":"Replace","value":{"active":true,"name.givenName":"Adelheid"}}`)).want(200).is("active", true).is("name.givenName", "Adelheid")
	if session() || !h.opens(key) {
		h.t.Error("who is back has her old session, or not her key")
	}

	// Groups: by displayName without members, then made empty, then filled one by one.
	h.do("GET", `/Groups?excludedAttributes=members&filter=displayName%20eq%20%22Vault%20readers%22`, "").want(200).is("totalResults", 0.0)
	group := h.do("POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"externalId":"8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159","displayName":"Vault readers","meta":{"resourceType":"Group"}}`).want(201).id()
	h.do("PATCH", "/Groups/"+group, ops(`{"op":"Add","path":"members","value":[{"value":"`+ada+`"}]}`)).want(200).is("members.0.value", ada)
	h.do("PATCH", "/Groups/"+group, ops(`{"op":"Add","path":"members","value":[{"value":"`+ada+`"}]}`)).want(200).is("members.1", nil)
	h.do("GET", "/Groups/"+group+"?excludedAttributes=members", "").want(200).is("members", nil).is("displayName", "Vault readers")
	h.do("GET", "/Users/"+ada, "").want(200).is("groups.0.value", group).is("groups.0.display", "Vault readers")
	h.do("PATCH", "/Groups/"+group, ops(`{"op":"Remove","path":"members","value":[{"value":"`+ada+`"}]}`)).want(200).is("members.0", nil)
	h.do("PATCH", "/Groups/"+group, ops(`{"op":"Add","path":"members","value":[{"value":"`+ada+`"}]}`)).want(200)
	h.do("PATCH", "/Groups/"+group, ops(`{"op":"Remove","path":"members[value eq \"`+ada+`\"]"}`)).want(200).is("members.0", nil)
	h.do("PATCH", "/Groups/"+group, ops(`{"op":"Replace","path":"displayName","value":"Readers"}`)).want(200).is("displayName", "Readers")
	h.do("DELETE", "/Groups/"+group, "").want(204)
	h.do("GET", "/Groups/"+group, "").want(404)

	// Removed: archived here, gone there, and the same again when she comes back.
	h.do("DELETE", "/Users/"+ada, "").want(204)
	h.do("GET", "/Users/"+ada, "").want(404)
	h.do("DELETE", "/Users/"+ada, "").want(404)
	h.do("GET", `/Users?filter=userName%20eq%20%22ada.berg@harbour.example%22`, "").want(200).is("totalResults", 0.0)
	if r := h.get(identity.User, ada); !r.Archived || r.Trashed != 0 {
		h.t.Error("who is removed there is not archived here")
	}
	h.do("POST", "/Users", `{"userName":"ada.berg@harbour.example","externalId":"new","emails":[{"type":"work","value":"ada@harbour.example"}],"name":{"givenName":"Ada","familyName":"Berg"},"active":true}`).want(201).is("id", ada).is("externalId", "new")
	if h.get(identity.User, ada).Archived {
		h.t.Error("who came back is archived")
	}
	want := "[create edit archive edit restore archive edit restore]"
	if got := slices.DeleteFunc(h.log(ada), func(s string) bool { return strings.Contains(s, "via") || s == "view" }); fmt.Sprint(got) != want {
		h.t.Errorf("the log says %v, want %s", got, want)
	}
}

// okta is a conversation as Okta holds it: it asks for a user by userName, makes her,
// replaces her as a whole, deactivates by an operation without a path, and keeps groups.
func okta(h *house) {
	h.do("GET", `/Users?filter=userName%20eq%20%22rosa@quay.example%22&startIndex=1&count=100`, "").want(200).is("totalResults", 0.0).is("startIndex", 1.0).is("itemsPerPage", 0.0)
	rosa := h.do("POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"rosa@quay.example","name":{"givenName":"Rosa","familyName":"Lind"},
		"emails":[{"primary":true,"value":"rosa@quay.example","type":"work"}],"displayName":"Rosa Lind","locale":"en-US","externalId":"00ujl29u0le5T6Aj10h7","groups":[],"password":"1mz050nq","active":true}`).want(201).id()
	h.do("GET", "/Users/"+rosa, "").want(200).is("userName", "rosa@quay.example").is("password", nil)
	h.do("PUT", "/Users/"+rosa, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"`+rosa+`","userName":"rosa@quay.example","name":{"givenName":"Rosa","middleName":"Excluded","familyName":"Berg"},
		"emails":[{"primary":true,"value":"rosa@quay.example","type":"work"}],"active":true,"groups":[],"meta":{"resourceType":"User"}}`).want(200).is("name.familyName", "Berg").is("externalId", nil)
	h.do("PATCH", "/Users/"+rosa, ops(`{"op":"replace","value":{"active":false}}`)).want(200).is("active", false)
	h.do("PATCH", "/Users/"+rosa, ops(`{"op":"replace","value":{"active":true}}`)).want(200).is("active", true)

	h.do("GET", "/Groups?startIndex=1&count=100", "").want(200)
	group := h.do("POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Quay","members":[{"value":"`+rosa+`","display":"rosa@quay.example"}]}`).want(201).is("members.0.display", "Rosa Berg").id()
	h.do("PATCH", "/Groups/"+group, ops(`{"op":"replace","value":{"id":"`+group+`","displayName":"Quay staff"}}`)).want(200).is("displayName", "Quay staff").is("members.0.value", rosa)
	sam := h.user("sam@quay.example")
	h.do("PATCH", "/Groups/"+group, ops(`{"op":"remove","path":"members[value eq \"`+rosa+`\"]"}`, `{"op":"add","path":"members","value":[{"value":"`+sam+`","display":"sam@quay.example"}]}`)).want(200).is("members.0.value", sam).is("members.1", nil)
	h.do("PUT", "/Groups/"+group, `{"displayName":"Quay staff","members":[{"value":"`+rosa+`"},{"value":"`+sam+`"}]}`).want(200).is("members.1.value", sam)
	h.do("PUT", "/Groups/"+group, `{"displayName":"Quay people"}`).want(200).is("members.1.value", sam)
	h.do("PUT", "/Groups/"+group, `{"displayName":"Quay people","members":[]}`).want(200).is("members.0", nil)
	h.do("POST", "/Groups", `{"displayName":"quay PEOPLE"}`).want(409, "uniqueness")
	h.do("DELETE", "/Groups/"+group, "").want(204)
	h.do("POST", "/Groups", `{"displayName":"Quay people","members":[{"value":"`+sam+`"}]}`).want(201).is("id", group).is("members.1", nil)
}

// door: a key for provisioning opens this door alone, and no other key does.
func door(h *house) {
	for why, key := range map[string]string{"none": "", "nonsense": "ITG.demo.x", "an administrator's": h.newKey(apikey.New{Name: "All", Role: access.Administrator, Passwords: true})} {
		a := h.do("GET", "/Users", "", "Authorization", "Bearer "+key).want(401)
		if strings.Contains(a.text, "totalResults") {
			h.t.Errorf("%s: %s", why, a.text)
		}
	}
	if h.opens(h.key) {
		h.t.Error("the key opens the other doors")
	}
	far := h.newKey(apikey.New{Name: "Far", Provisions: true, Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	h.do("GET", "/Users", "", "Authorization", "Bearer "+far).want(401)
	k, short, err := h.keys.Create(h.t.Context(), h.Admin(), apikey.New{Name: "Short", Provisions: true, Expires: h.Clock.Now().UnixMilli() + 1000, Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		h.t.Fatal(err)
	}
	h.do("GET", "/Users", "", "Authorization", "Bearer "+short).want(200)
	if err := h.keys.Revoke(h.t.Context(), h.Admin(), k.ID); err != nil {
		h.t.Fatal(err)
	}
	h.do("GET", "/Users", "", "Authorization", "Bearer "+short).want(401)
	for _, n := range []apikey.New{{Role: access.Editor}, {Passwords: true}, {ReadOnly: true}, {Owner: h.editor()}} {
		n.Name, n.Provisions = "Too much", true
		if _, _, err := h.keys.Create(h.t.Context(), h.Admin(), n); err == nil {
			h.t.Errorf("a key for provisioning was made with %+v", n)
		}
	}
	// What the key's caller may do if she came in by another door after all.
	c, _, err := h.keys.ResolveProvisioning(h.t.Context(), h.key, netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		h.t.Fatal(err)
	}
	org := h.Org("Closed to it")
	for _, x := range []struct {
		a access.Action
		t gate.Thing
	}{{access.Administer, gate.Thing{}}, {access.Export, gate.Thing{}}, {access.Inspect, gate.Thing{}}, {access.Configure, gate.Thing{}}, {access.View, gate.Thing{Kind: "organization", ID: org}},
		{access.Create, gate.Thing{Kind: "role"}}, {access.Create, gate.Thing{Kind: "contact", Org: org}}, {access.Delete, gate.Thing{Kind: "user", ID: h.editor()}}} {
		if err := h.Gate.Change(h.t.Context(), c, x.a, x.t, func(*gate.Tx) error { return nil }); err == nil {
			h.t.Errorf("it may %s %v", x.a, x.t)
		}
	}
	if _, _, err := h.keys.Create(h.t.Context(), c, apikey.New{Name: "Another", Provisions: true}); err == nil {
		h.t.Error("it made another key")
	}
}

func described(h *house) {
	c := h.do("GET", "/ServiceProviderConfig", "").want(200).is("patch.supported", true).is("bulk.supported", false).is("filter.supported", true).is("etag.supported", true).is("sort.supported", false)
	if c.at("authenticationSchemes.0.type") != "oauthbearertoken" {
		h.t.Error(c.text)
	}
	h.do("GET", "/ResourceTypes", "").want(200).is("totalResults", 2.0).is("Resources.0.endpoint", "/Users").is("Resources.1.schema", "urn:ietf:params:scim:schemas:core:2.0:Group")
	h.do("GET", "/ResourceTypes/Group", "").want(200).is("name", "Group")
	h.do("GET", "/Schemas", "").want(200).is("totalResults", 2.0).is("Resources.0.attributes.0.name", "userName").is("Resources.0.attributes.0.uniqueness", "server").is("Resources.0.attributes.0.caseExact", false)
	h.do("GET", "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", "").want(200).is("name", "User")
	h.do("GET", "/Schemas/urn:nothing", "").want(404)
	h.do("POST", "/Bulk", `{}`).want(404)
	h.do("GET", "/Me", "").want(404)
}

// assignment: what is no attribute of the schema has no effect, however it is sent.
func assignment(h *house) {
	other := h.user("other@mass.example")
	mass := h.do("POST", "/Users", `{"userName":"mass@mass.example","id":"`+other+`","roles":[{"value":"Administrator"}],"role_name":"Administrator","role":"Administrator","admin":true,"isAdmin":true,"userType":"Administrator",
		"entitlements":[{"value":"all"}],"password":"correct horse battery staple","contact_id":"1","custom_role_id":"1","tenant":"other","groups":[{"value":"1"}],"all_orgs":true,"archived":true,"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],
		"meta":{"created":"2001-01-01T00:00:00Z","location":"http://elsewhere.example","version":"W/\"1\""}}`).want(201)
	user := mass.id()
	if user == other || h.roleOf(user) != access.ReadOnly || strings.Contains(mass.text, "Administrator") || strings.Contains(mass.text, "2001") || strings.Contains(mass.text, "elsewhere") {
		h.t.Errorf("it answers %s", mass.text)
	}
	for _, path := range []string{"roles", "role_name", "userType", "password", "entitlements", "x509Certificates"} { // not kept: no effect
		h.do("PATCH", "/Users/"+user, ops(`{"op":"add","path":"`+path+`","value":"Administrator"}`)).want(200).is(path, nil)
	}
	for _, path := range []string{"id", "meta", "groups", "meta.version", "schemas"} { // kept, and not to be written
		h.do("PATCH", "/Users/"+user, ops(`{"op":"replace","path":"`+path+`","value":"`+other+`"}`)).want(400, "mutability")
	}
	h.do("PATCH", "/Users/"+user, ops(`{"op":"replace","value":{"id":"`+other+`","roles":["Administrator"],"meta":{"version":"1"},"groups":[{"value":"1"}]}}`)).want(200).is("id", user)
	h.do("PUT", "/Users/"+user, `{"id":"`+other+`","userName":"mass@mass.example","role_name":"Administrator","groups":[{"value":"9"}]}`).want(200).is("id", user)
	if h.roleOf(user) != access.ReadOnly || len(h.get(identity.User, user).Values.Text("custom_role_id")) > 0 {
		h.t.Error("rights were given")
	}
	h.do("POST", "/Users", `{"userName":"twice@mass.example","USERNAME":"other@mass.example"}`).want(400, "invalidSyntax")
	h.do("PATCH", "/Users/"+user, ops(`{"op":"replace","path":"userName","value":"other@mass.example"}`)).want(409, "uniqueness")
	h.do("PATCH", "/Users/"+user, ops(`{"op":"replace","path":"emails","value":[{"value":"other@mass.example"}]}`)).want(409, "uniqueness")
	// Members are users that the other side keeps, and nobody else.
	mine := h.editor().String()
	group := h.do("POST", "/Groups", `{"displayName":"Mass"}`).want(201).id()
	for _, m := range []string{mine, group, "0", "x", "900000000007", h.Org("Mass").String()} {
		h.do("PATCH", "/Groups/"+group, ops(`{"op":"add","path":"members","value":[{"value":"`+m+`"}]}`)).want(400, "invalidValue")
	}
	for _, n := range []string{mine, group, h.Org("Mass too").String(), "900000000007", "x", "0", "-1"} { // only users of its own can be reached
		for _, m := range []string{"GET", "PUT", "PATCH", "DELETE"} {
			body := `{"userName":"stolen@mass.example"}`
			if m == "PATCH" {
				body = ops(`{"op":"replace","path":"active","value":false}`)
			}
			h.do(m, "/Users/"+n, body).want(404)
		}
	}
}

// administrators are neither taken over nor made; the last one stays.
func administrators(h *house) {
	boss := h.user("boss@crown.example")
	h.Change(func(tx *gate.Tx) error {
		n, _ := id.Parse(boss)
		_, err := h.Records.Update(tx, identity.User, n, 0, record.Values{"role_name": string(access.Administrator)})
		return err
	})
	h.do("PATCH", "/Users/"+boss, ops(`{"op":"replace","path":"active","value":false}`)).want(409)
	h.do("DELETE", "/Users/"+boss, "").want(409)
	if h.get(identity.User, boss).Archived {
		h.t.Fatal("the last administrator is archived")
	}
	for _, o := range []string{`{"op":"replace","path":"userName","value":"thief@crown.example"}`, `{"op":"replace","path":"emails","value":[{"value":"thief@crown.example"}]}`} {
		h.do("PATCH", "/Users/"+boss, ops(o)).want(403)
	}
	h.do("PATCH", "/Users/"+boss, ops(`{"op":"replace","path":"name.givenName","value":"Bea"}`)).want(200)
	second := h.Make(identity.User, 0, record.Values{"email": "second@crown.example", "role_name": string(access.Administrator)})
	h.do("POST", "/Users", `{"userName":"second@crown.example"}`).want(409, "uniqueness")
	h.do("PATCH", "/Users/"+boss, ops(`{"op":"replace","path":"active","value":false}`)).want(200).is("active", false)
	h.archive(identity.User, boss, false)
	h.archive(identity.User, second.String(), true)
	h.do("DELETE", "/Users/"+boss, "").want(409)
}

// here: users and groups that were made here are left alone, unless administrators let
// users be taken over.
func here(h *house) {
	mine := h.Make(identity.User, 0, record.Values{"email": "olga@here.example", "role_name": string(access.Editor)})
	h.do("GET", `/Users?filter=userName%20eq%20%22olga@here.example%22`, "").want(200).is("totalResults", 0.0)
	a := h.do("POST", "/Users", `{"userName":"olga@here.example","active":true}`).want(409, "uniqueness")
	if !strings.Contains(a.text, "Settings, Provisioning") {
		h.t.Errorf("it does not say what to do: %s", a.text)
	}
	set := provision.Settings{Role: access.ReadOnly, Take: true, Subject: provision.SubjectUserName}
	if err := h.provision.SetSettings(h.t.Context(), h.Admin(), set); err != nil {
		h.t.Fatal(err)
	}
	h.do("POST", "/Users", `{"userName":"olga@here.example","active":true,"name":{"givenName":"Olga"}}`).want(201).is("id", mine.String())
	if h.roleOf(mine.String()) != access.Editor {
		h.t.Error("who was taken over has another role")
	}
	set.Take = false
	if err := h.provision.SetSettings(h.t.Context(), h.Admin(), set); err != nil {
		h.t.Fatal(err)
	}
	h.Make(identity.Group, 0, record.Values{"name": "Hand made"})
	h.do("POST", "/Groups", `{"displayName":"hand MADE"}`).want(409, "uniqueness")
	group := h.do("POST", "/Groups", `{"displayName":"Theirs"}`).want(201).id()
	h.do("PATCH", "/Groups/"+group, ops(`{"op":"replace","path":"displayName","value":"Hand made"}`)).want(409, "uniqueness")
	if r := h.get(identity.Group, group); r.Values.Text("description") != "Kept by provisioning." {
		h.t.Error("the group is not marked")
	}
	// Whom an administrator has put into the group besides stays in it.
	editor := h.editor()
	gid, _ := id.Parse(group)
	h.Change(func(tx *gate.Tx) error { return identity.SetMembers(tx, gid, []id.ID{editor, mine}) })
	h.do("PUT", "/Groups/"+group, `{"displayName":"Theirs","members":[]}`).want(200).is("members.0", nil)
	h.View(h.Admin(), func(tx *gate.Tx) error {
		members, err := access.Members(tx.SQL(), gid)
		if err == nil && !slices.Equal(members, []id.ID{editor}) {
			h.t.Errorf("its members are %v", members)
		}
		return err
	})
}

// archivedHere: whom an administrator archived or deleted stays so.
func archivedHere(h *house) {
	u := h.user("gone@here.example")
	h.archive(identity.User, u, true)
	h.do("PATCH", "/Users/"+u, ops(`{"op":"replace","path":"active","value":true}`)).want(200).is("active", false)
	h.do("DELETE", "/Users/"+u, "").want(204)
	h.do("POST", "/Users", `{"userName":"gone@here.example","active":true}`).want(201).is("id", u).is("active", false)
	n, _ := id.Parse(u)
	h.Change(func(tx *gate.Tx) error { return h.Records.Trash(tx, identity.User, n) })
	h.do("GET", "/Users/"+u, "").want(404)
	h.do("PATCH", "/Users/"+u, ops(`{"op":"replace","path":"active","value":true}`)).want(404)
	h.do("POST", "/Users", `{"userName":"gone@here.example","active":true}`).want(409, "uniqueness")
	h.View(h.Admin(), func(tx *gate.Tx) error {
		calls, err := h.provision.Calls(tx)
		if err == nil && (calls[0].Status != 409 || !strings.Contains(calls[0].Said, "deleted here") || calls[0].What != "POST Users") {
			h.t.Errorf("the last call was %+v", calls[0])
		}
		return err
	})
}

func nonsense(h *house) {
	u := h.user("sense@sense.example")
	for body, kind := range map[string]string{
		"": "invalidSyntax", "[]": "invalidSyntax", "{": "invalidSyntax", `{} {}`: "invalidSyntax", `{"a":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `}`: "invalidSyntax",
		`{}`: "invalidValue", `{"userName":""}`: "invalidValue", `{"userName":"nobody"}`: "invalidValue", `{"userName":["a@b.example","c@d.example"]}`: "invalidValue", `{"userName":{"a":1}}`: "invalidValue",
		`{"userName":"x@sense.example","active":"perhaps"}`: "invalidValue", `{"userName":"x@sense.example","emails":[{"value":"no address"}]}`: "invalidValue",
		`{"userName":"` + strings.Repeat("x", 250) + `@sense.example"}`: "invalidValue", `{"userName":"x@sense.example","schemas":["urn:other"]}`: "invalidSyntax",
	} {
		h.do("POST", "/Users", body).want(400, kind)
	}
	for body, kind := range map[string]string{
		`{}`: "invalidSyntax", `{"Operations":[]}`: "invalidSyntax", ops(`{"op":"move","path":"active"}`): "invalidSyntax", ops(`{"op":"replace","path":"a[","value":1}`): "invalidPath",
		ops(`{"op":"replace","path":7,"value":1}`): "invalidPath", ops(`{"op":"remove"}`): "noTarget", ops(`{"op":"remove","path":"userName"}`): "mutability",
		ops(`{"op":"replace","path":"active","value":"maybe"}`): "invalidValue", ops(`{"op":"replace","path":"active[value eq 1]","value":true}`): "invalidPath",
		ops(`{"op":"replace","path":"emails[value eq \"nobody@x\"].value","value":"a@b.example"}`): "noTarget", ops(`{"op":"replace","path":"emails[salt eq \"x\"].value","value":"a@b.example"}`): "invalidFilter",
	} {
		h.do("PATCH", "/Users/"+u, body).want(400, kind)
	}
	h.do("PATCH", "/Users/"+u, ops(strings.TrimSuffix(strings.Repeat(`{"op":"add","path":"nickName","value":"x"},`, 201), ","))).want(413, "tooMany")
	// One operation that fails leaves nothing of those before it.
	h.do("PATCH", "/Users/"+u, ops(`{"op":"replace","path":"displayName","value":"Half"}`, `{"op":"replace","path":"id","value":"1"}`)).want(400)
	h.do("GET", "/Users/"+u, "").want(200).is("displayName", nil)
	for _, f := range []string{"userName", `userName eq`, `salt eq "x"`, `userName eq "a" or 1 eq 1`, `emails[salt eq "x"]`, `urn:other:User:userName eq "x"`, ""} {
		a := h.do("GET", "/Users?filter="+url.QueryEscape(f), "").want(400, "invalidFilter")
		if strings.Contains(a.text, "Resources") {
			h.t.Errorf("%q lists %s", f, a.text)
		}
	}
	h.do("GET", "/Users?startIndex=x", "").want(400)
	h.do("GET", "/Users?attributes=a&excludedAttributes=b", "").want(400)
	h.do("GET", "/Nothing", "").want(404)
	h.do("DELETE", "/Users", "").want(405)
}

func lists(h *house) {
	var ids []string
	for i := range 5 {
		ids = append(ids, h.do("POST", "/Users", fmt.Sprintf(`{"userName":"row%d@list.example","active":%t,"displayName":"Row %d","name":{"familyName":"List"}}`, i, i != 3, i)).want(201).id())
	}
	list := func(filter, more string) *answer {
		return h.do("GET", "/Users?filter="+url.QueryEscape(filter)+more, "").want(200)
	}
	const all = `userName ew "@list.example"`
	list(all, "").is("totalResults", 5.0).is("itemsPerPage", 5.0)
	list(all, "&startIndex=3&count=2").is("totalResults", 5.0).is("startIndex", 3.0).is("itemsPerPage", 2.0).is("Resources.0.id", ids[2]).is("Resources.1.id", ids[3])
	list(all, "&count=0").is("totalResults", 5.0).is("itemsPerPage", 0.0)
	list(all, "&count=-5&startIndex=-5").is("totalResults", 5.0).is("startIndex", 1.0).is("itemsPerPage", 0.0)
	list(all+` and active eq false`, "").is("totalResults", 1.0).is("Resources.0.id", ids[3])
	list(`userName eq "row1@list.example" and displayName eq "Row 2"`, "").is("totalResults", 0.0)
	list(`userName eq "row1@list.example" or userName eq "row2@list.example"`, "").is("totalResults", 2.0)
	list(`emails[type eq "work" and value eq "ROW4@list.example"]`, "").is("totalResults", 1.0)
	list(`emails.value eq "row4@list.example"`, "").is("totalResults", 1.0)
	list(`id eq "`+ids[0]+`"`, "").is("totalResults", 1.0)
	list(`id eq "x"`, "").is("totalResults", 0.0)
	list(all, "&attributes=userName,emails.value&count=1").is("Resources.0.userName", "row0@list.example").is("Resources.0.active", nil).is("Resources.0.emails.0.value", "row0@list.example").is("Resources.0.emails.0.type", nil).is("Resources.0.id", ids[0])
	list(all, "&excludedAttributes=emails,name.familyName&count=1").is("Resources.0.emails", nil).is("Resources.0.active", true).is("Resources.0.name.familyName", nil)
	h.do("GET", "/Users?startIndex=2&count=1", "").want(200).is("startIndex", 2.0).is("itemsPerPage", 1.0)
	if n := len(h.do("GET", "/Users?count=100000", "").want(200).at("Resources").([]any)); n > 200 {
		h.t.Errorf("one answer lists %d", n)
	}
	group := h.do("POST", "/Groups", `{"displayName":"Listed","externalId":"L1","members":[{"value":"`+ids[0]+`"}]}`).want(201).id()
	h.do("GET", "/Groups?filter="+url.QueryEscape(`members.value eq "`+ids[0]+`"`), "").want(200).is("totalResults", 1.0).is("Resources.0.id", group)
	h.do("GET", "/Groups?filter="+url.QueryEscape(`members[value eq "`+ids[1]+`"]`), "").want(200).is("totalResults", 0.0)
	h.do("GET", "/Groups?filter="+url.QueryEscape(`externalId eq "l1"`), "").want(200).is("totalResults", 0.0)
}

func versions(h *house) {
	u := h.user("version@etag.example")
	first := h.do("GET", "/Users/"+u, "").want(200)
	tag := first.header.Get("ETag")
	if !strings.HasPrefix(tag, `W/"`) || first.at("meta.version") != tag {
		h.t.Fatalf("the version is %q", tag)
	}
	h.do("GET", "/Users/"+u, "", "If-None-Match", tag).want(304)
	now := h.do("PATCH", "/Users/"+u, ops(`{"op":"replace","path":"displayName","value":"V"}`), "If-Match", tag).want(200)
	if now.header.Get("ETag") == tag {
		h.t.Error("the version stays")
	}
	h.do("PATCH", "/Users/"+u, ops(`{"op":"replace","path":"displayName","value":"W"}`), "If-Match", tag).want(412)
	h.do("DELETE", "/Users/"+u, "", "If-Match", tag).want(412)
	h.do("GET", "/Users/"+u, "").want(200).is("displayName", "V")
	group := h.do("POST", "/Groups", `{"displayName":"Versions"}`).want(201)
	h.do("PATCH", "/Groups/"+group.id(), ops(`{"op":"add","path":"members","value":[{"value":"`+u+`"}]}`)).want(200)
	h.do("PUT", "/Groups/"+group.id(), `{"displayName":"Versions","members":[]}`, "If-Match", group.header.Get("ETag")).want(412)
}

// roles: what a group means is what administrators say.
func roles(h *house) {
	u := h.user("role@roles.example")
	group := h.do("POST", "/Groups", `{"displayName":"Editors of roles"}`).want(201).id()
	gid, _ := id.Parse(group)
	for _, bad := range []provision.Settings{{Role: access.Administrator}, {Role: access.ReadOnly, Roles: map[id.ID]access.Role{gid: access.Administrator}}, {Role: access.ReadOnly, Way: 7}} {
		if bad.Subject = provision.SubjectUserName; h.provision.SetSettings(h.t.Context(), h.Admin(), bad) == nil {
			h.t.Errorf("%+v is taken", bad)
		}
	}
	set := provision.Settings{Role: access.ReadOnly, Subject: provision.SubjectUserName, Roles: map[id.ID]access.Role{gid: access.Editor}}
	if err := h.provision.SetSettings(h.t.Context(), h.Admin(), set); err != nil {
		h.t.Fatal(err)
	}
	h.do("PATCH", "/Groups/"+group, ops(`{"op":"add","path":"members","value":[{"value":"`+u+`"}]}`)).want(200)
	if got := h.roleOf(u); got != access.Editor {
		h.t.Errorf("in the group she is %s", got)
	}
	h.do("DELETE", "/Groups/"+group, "").want(204)
	if got := h.roleOf(u); got != access.ReadOnly {
		h.t.Errorf("without the group she is %s", got)
	}
	c, _, err := h.keys.ResolveProvisioning(h.t.Context(), h.key, netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.provision.SetSettings(h.t.Context(), c, set); err == nil {
		h.t.Error("the key changes what groups mean")
	}
}

// ties: the user comes by the way in that administrators chose, by her name there.
func ties(h *house) {
	var wid id.ID
	h.Change(func(tx *gate.Tx) (err error) {
		if wid, err = tx.NewID(); err != nil {
			return err
		}
		_, err = tx.Exec(`insert into sign_in_way (id, kind, name, active, base, people, settings, version, created_at, updated_at) values (?, 'saml', 'Company', 1, 'https://x.example', '{}', '{}', 1, 1, 1)`, int64(wid))
		return err
	})
	set := provision.Settings{Role: access.ReadOnly, Way: wid, Subject: provision.SubjectUserName}
	if err := h.provision.SetSettings(h.t.Context(), h.Admin(), set); err != nil {
		h.t.Fatal(err)
	}
	links := func() (out []string) {
		h.View(h.Admin(), func(tx *gate.Tx) error {
			list, err := h.ways.Links(tx, wid)
			for _, l := range list {
				if strings.HasSuffix(l.Label, "@tie.example") {
					out = append(out, l.User.String()+" "+l.Label)
				}
			}
			return err
		})
		return out
	}
	u := h.user("one@tie.example")
	if got := links(); fmt.Sprint(got) != fmt.Sprintf("[%s one@tie.example]", u) {
		h.t.Errorf("connected is %v", got)
	}
	h.do("PATCH", "/Users/"+u, ops(`{"op":"replace","path":"userName","value":"two@tie.example"}`)).want(200)
	if got := links(); fmt.Sprint(got) != fmt.Sprintf("[%s two@tie.example]", u) {
		h.t.Errorf("connected is %v", got)
	}
	if err := h.provision.SetSettings(h.t.Context(), h.Admin(), provision.Settings{Role: access.ReadOnly, Subject: provision.SubjectUserName}); err != nil {
		h.t.Fatal(err)
	}
}

// parallel: of many who make the same user or group at the same moment, one does; names are
// the same in whatever letters.
func parallel(h *house) {
	count := func(path string, body func(i int) string) (made int, ids map[string]bool) {
		var all sync.WaitGroup
		got := make([]*answer, 8)
		for i := range got {
			all.Go(func() { got[i] = h.do("POST", path, body(i)) })
		}
		all.Wait()
		ids = map[string]bool{}
		for _, a := range got {
			switch a.status {
			case 201:
				made, ids[a.id()] = made+1, true
			case 409, 400:
			default:
				h.t.Errorf("%s answers %d: %s", path, a.status, a.text)
			}
		}
		return made, ids
	}
	if made, ids := count("/Users", func(i int) string {
		return `{"userName":"` + []string{"Crowd@parallel.example", "crowd@PARALLEL.example", "\uff43rowd@parallel.example"}[i%3] + `"}`
	}); made != 1 || len(ids) != 1 {
		h.t.Errorf("%d users were made of one: %v", made, ids)
	}
	if made, _ := count("/Groups", func(int) string { return `{"displayName":"Crowd"}` }); made != 1 {
		h.t.Errorf("%d groups were made of one", made)
	}
	h.do("POST", "/Users", `{"userName":"cr\u043ewd@parallel.example"}`).want(400, "invalidValue")
	u := h.user("many@parallel.example")
	group := h.do("GET", `/Groups?filter=displayName%20eq%20%22crowd%22`, "").want(200).at("Resources.0.id").(string)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			h.do("PATCH", "/Groups/"+group, ops(`{"op":"add","path":"members","value":[{"value":"`+u+`"}]}`))
		})
	}
	all.Wait()
	h.do("GET", "/Groups/"+group, "").want(200).is("members.0.value", u).is("members.1", nil)
}
