package app

import (
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/alert"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/approval"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/breaker"
	"strongroom/internal/feature/certificate"
	"strongroom/internal/feature/checklist"
	"strongroom/internal/feature/checkout"
	"strongroom/internal/feature/comment"
	"strongroom/internal/feature/configuration"
	"strongroom/internal/feature/contact"
	"strongroom/internal/feature/document"
	"strongroom/internal/feature/domain"
	"strongroom/internal/feature/exporter"
	"strongroom/internal/feature/exporter/standing"
	"strongroom/internal/feature/external"
	"strongroom/internal/feature/favourite"
	"strongroom/internal/feature/flag"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/health"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/method/local"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/location"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/organization"
	"strongroom/internal/feature/outbox"
	"strongroom/internal/feature/password"
	"strongroom/internal/feature/relation"
	"strongroom/internal/feature/reminder"
	"strongroom/internal/feature/risk"
	"strongroom/internal/feature/rotation"
	"strongroom/internal/feature/runbook"
	"strongroom/internal/feature/share"
	"strongroom/internal/feature/tracker"
	"strongroom/internal/feature/vault"
	"strongroom/internal/feature/view"
)

// features lists what a customer can name. A new kind adds one line.
func features() []record.Feature {
	return []record.Feature{
		organization.Feature(),
		location.Feature(),
		contact.Feature(),
		configuration.Feature(),
		document.Feature(),
		password.Feature(),
		approval.Feature(),
		checkout.Feature(),
		breaker.Feature(),
		share.Feature(),
		rotation.Feature(),
		flexibleasset.Feature(),
		domain.Feature(),
		certificate.Feature(),
		checklist.Feature(),
		attachment.Feature(),
		relation.Feature(),
		favourite.Feature(),
		notification.Feature(),
		comment.Feature(),
		flag.Feature(),
		alert.Feature(),
		health.Feature(),
		risk.Feature(),
		view.Feature(),
		external.Feature(),
		identity.Feature(),
		local.Feature(),
		apikey.Feature(),
		importer.Feature(),
		exporter.Feature(),
		runbook.Feature(),
		tracker.Feature(),
		vault.Feature(),
		standing.Feature(),
		reminder.Feature(),
		outbox.Feature(),
		{Name: "job", Schema: job.Schema},
	}
}
