// Package feature lists what a customer can name: every feature of the product,
// one line each, and nothing else.
//
// Always true: a new kind is a folder below this one and a line here. The house, and
// the houses of tests that need all of it, are made from this list alone.
package feature

import (
	"strongroom/internal/core/job"
	"strongroom/internal/core/number"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/alert"
	"strongroom/internal/feature/announcement"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/approval"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/automation"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/breaker"
	"strongroom/internal/feature/breakglass"
	"strongroom/internal/feature/category"
	"strongroom/internal/feature/certificate"
	changes "strongroom/internal/feature/change"
	"strongroom/internal/feature/checklist"
	"strongroom/internal/feature/checkout"
	"strongroom/internal/feature/comment"
	"strongroom/internal/feature/configuration"
	"strongroom/internal/feature/contact"
	"strongroom/internal/feature/document"
	"strongroom/internal/feature/domain"
	"strongroom/internal/feature/dormant"
	"strongroom/internal/feature/exporter"
	"strongroom/internal/feature/exporter/standing"
	"strongroom/internal/feature/external"
	"strongroom/internal/feature/favourite"
	"strongroom/internal/feature/flag"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/health"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/method/local"
	"strongroom/internal/feature/identity/provision"
	"strongroom/internal/feature/identity/way"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/ipaccess"
	"strongroom/internal/feature/journal"
	"strongroom/internal/feature/knowledge"
	"strongroom/internal/feature/leaver"
	"strongroom/internal/feature/live"
	"strongroom/internal/feature/location"
	"strongroom/internal/feature/mailbox"
	"strongroom/internal/feature/mfa"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/offering"
	"strongroom/internal/feature/organization"
	"strongroom/internal/feature/outbox"
	"strongroom/internal/feature/password"
	"strongroom/internal/feature/personal"
	"strongroom/internal/feature/problem"
	"strongroom/internal/feature/relation"
	"strongroom/internal/feature/release"
	"strongroom/internal/feature/reminder"
	"strongroom/internal/feature/report"
	"strongroom/internal/feature/request"
	"strongroom/internal/feature/review"
	"strongroom/internal/feature/risk"
	"strongroom/internal/feature/rotation"
	"strongroom/internal/feature/rotation/change"
	"strongroom/internal/feature/rotation/schedule"
	"strongroom/internal/feature/runbook"
	"strongroom/internal/feature/service"
	"strongroom/internal/feature/share"
	"strongroom/internal/feature/sla"
	"strongroom/internal/feature/support"
	"strongroom/internal/feature/task"
	"strongroom/internal/feature/team"
	"strongroom/internal/feature/tracker"
	"strongroom/internal/feature/vault"
	"strongroom/internal/feature/view"
)

// All lists the features of the product. They are new with each call, since a house
// completes the kinds that it is given.
func All() []record.Feature {
	return []record.Feature{
		organization.Feature(),
		location.Feature(),
		contact.Feature(),
		configuration.Feature(),
		document.Feature(),
		password.Feature(),
		personal.Feature(),
		approval.Feature(),
		checkout.Feature(),
		breaker.Feature(),
		share.Feature(),
		mfa.Feature(),
		ipaccess.Feature(),
		review.Feature(),
		breakglass.Feature(),
		dormant.Feature(),
		leaver.Feature(),
		support.Feature(),
		rotation.Feature(),
		change.Feature(),
		schedule.Feature(),
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
		report.Feature(),
		external.Feature(),
		identity.Feature(),
		local.Feature(),
		way.Feature(),
		provision.Feature(),
		apikey.Feature(),
		importer.Feature(),
		exporter.Feature(),
		runbook.Feature(),
		tracker.Feature(),
		vault.Feature(),
		standing.Feature(),
		reminder.Feature(),
		outbox.Feature(),
		team.Feature(),
		service.Feature(),
		sla.Feature(),
		category.Feature(),
		problem.Feature(),
		incident.Feature(),
		request.Feature(),
		changes.Feature(),
		task.Feature(),
		journal.Feature(),
		live.Feature(),
		mailbox.Feature(),
		announcement.Feature(),
		offering.Feature(),
		release.Feature(),
		ballot.Feature(),
		automation.Feature(),
		knowledge.Feature(),
		{Name: "number", Schema: number.Schema},
		{Name: "job", Schema: job.Schema},
	}
}
