package provisioning_test

import (
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity/provision"
)

// provisioned makes a user in a group as the other side does, and asks for what is refused.
func provisioned(t *testing.T, p *provision.Provision, c *access.Caller) (group string, user id.ID) {
	t.Helper()
	u, err := p.MakeUser(t.Context(), c, &provision.User{UserName: "nora@harbour.example", First: "Nora", Last: "Quist", Active: true})
	if err != nil {
		t.Fatal(err)
	}
	g, err := p.MakeGroup(t.Context(), c, &provision.Group{Name: "Harbour engineers", Members: []provision.Ref{{ID: u.ID}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Refused(t.Context(), c, "POST Users", 409, "A user with this e-mail address was made here, and not by provisioning. An administrator can allow that such users are taken over, under Settings, Provisioning."); err != nil {
		t.Fatal(err)
	}
	return g.ID.String(), u.ID
}
