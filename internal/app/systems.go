package app

import (
	"strongroom/internal/feature/rotation/connector"
	"strongroom/internal/feature/rotation/connector/ldap"
	"strongroom/internal/feature/rotation/connector/postgres"
	"strongroom/internal/feature/rotation/connector/ssh"
)

// systems lists the sorts of systems at which passwords are changed. A new one adds
// one line.
func (a *App) systems() []connector.Connector {
	return append(ldap.Connectors(a.Dialer.DialContext),
		ssh.Connector(a.Dialer.DialContext),
		postgres.Connector(a.Dialer.DialContext),
	)
}
