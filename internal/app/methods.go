package app

import (
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/identity/method/jwt"
	"strongroom/internal/feature/identity/method/oidc"
)

// methods lists the sorts of way in that tenants can configure beside the passwords
// kept here. A new one adds one line.
func methods() []method.Kind {
	return []method.Kind{
		oidc.Kind(),
		jwt.Kind(),
	}
}
