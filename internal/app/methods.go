package app

import (
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/identity/method/jwt"
	"strongroom/internal/feature/identity/method/ldap"
	"strongroom/internal/feature/identity/method/oidc"
	"strongroom/internal/feature/identity/method/openid"
	"strongroom/internal/feature/identity/method/saml"
)

// methods lists the sorts of way in that tenants can configure beside the passwords
// kept here. A new one adds one line.
func methods() []method.Kind {
	return []method.Kind{
		oidc.Kind(),
		saml.Kind(),
		jwt.Kind(),
		ldap.Kind(),
		openid.Kind(),
	}
}
