// Package webui is the web surface: what people see in a browser. It puts the
// groups of pages together; each lies in a folder of its own, on what they all
// share in shell.
//
// Always true: a group of pages knows the shell and no other group, so that one
// is added with its folder and a line here.
package webui

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"strongroom/internal/base/openapi"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/core/tenant"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/automation"
	"strongroom/internal/feature/bulk"
	"strongroom/internal/feature/comment"
	"strongroom/internal/feature/document"
	"strongroom/internal/feature/erasure"
	"strongroom/internal/feature/exporter/standing"
	scores "strongroom/internal/feature/health"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/provision"
	"strongroom/internal/feature/identity/way"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/undo"
	"strongroom/internal/feature/keyring"
	"strongroom/internal/feature/leaver"
	"strongroom/internal/feature/live"
	"strongroom/internal/feature/mailbox"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/notification/channel"
	"strongroom/internal/feature/outbox"
	desk "strongroom/internal/feature/portal"
	"strongroom/internal/feature/process"
	"strongroom/internal/feature/profile"
	"strongroom/internal/feature/relation"
	"strongroom/internal/feature/review"
	"strongroom/internal/feature/risk"
	"strongroom/internal/feature/rotation/change"
	"strongroom/internal/feature/runbook"
	guarded "strongroom/internal/feature/sensitive"
	"strongroom/internal/feature/share"
	"strongroom/internal/feature/support"
	"strongroom/internal/feature/survey"
	"strongroom/internal/feature/tracker"
	sealed "strongroom/internal/feature/vault"
	"strongroom/internal/feature/webhook"
	"strongroom/internal/surface/webui/approvals"
	"strongroom/internal/surface/webui/automations"
	"strongroom/internal/surface/webui/beside"
	"strongroom/internal/surface/webui/bulks"
	"strongroom/internal/surface/webui/checklists"
	"strongroom/internal/surface/webui/designs"
	"strongroom/internal/surface/webui/documents"
	"strongroom/internal/surface/webui/duties"
	"strongroom/internal/surface/webui/emergency"
	"strongroom/internal/surface/webui/entrance"
	"strongroom/internal/surface/webui/erasures"
	"strongroom/internal/surface/webui/exports"
	"strongroom/internal/surface/webui/eyes"
	"strongroom/internal/surface/webui/folders"
	"strongroom/internal/surface/webui/health"
	"strongroom/internal/surface/webui/home"
	"strongroom/internal/surface/webui/hooks"
	"strongroom/internal/surface/webui/imports"
	"strongroom/internal/surface/webui/knowledge"
	"strongroom/internal/surface/webui/leavers"
	"strongroom/internal/surface/webui/lists"
	"strongroom/internal/surface/webui/mailboxes"
	"strongroom/internal/surface/webui/mails"
	"strongroom/internal/surface/webui/maps"
	"strongroom/internal/surface/webui/marks"
	"strongroom/internal/surface/webui/notices"
	"strongroom/internal/surface/webui/office"
	"strongroom/internal/surface/webui/pairs"
	"strongroom/internal/surface/webui/personal"
	"strongroom/internal/surface/webui/plans"
	"strongroom/internal/surface/webui/portal"
	"strongroom/internal/surface/webui/processes"
	"strongroom/internal/surface/webui/provisioning"
	"strongroom/internal/surface/webui/records"
	"strongroom/internal/surface/webui/reference"
	"strongroom/internal/surface/webui/reports"
	"strongroom/internal/surface/webui/reviews"
	"strongroom/internal/surface/webui/risks"
	"strongroom/internal/surface/webui/roles"
	"strongroom/internal/surface/webui/rotations"
	"strongroom/internal/surface/webui/runbooks"
	"strongroom/internal/surface/webui/secrets"
	"strongroom/internal/surface/webui/security"
	"strongroom/internal/surface/webui/sensitive"
	"strongroom/internal/surface/webui/shares"
	"strongroom/internal/surface/webui/shell"
	"strongroom/internal/surface/webui/supports"
	"strongroom/internal/surface/webui/surveys"
	"strongroom/internal/surface/webui/talk"
	"strongroom/internal/surface/webui/tickets"
	"strongroom/internal/surface/webui/timesheets"
	"strongroom/internal/surface/webui/trackers"
	"strongroom/internal/surface/webui/trail"
	"strongroom/internal/surface/webui/vault"
	"strongroom/internal/surface/webui/votes"
	"strongroom/internal/surface/webui/ways"
)

// Server is the web surface. Fill the exported fields, then call Handler.
type Server struct {
	House       *tenant.House
	Gate        *gate.Gate
	Records     *record.Engine
	Secrets     *secret.Revealer
	Sessions    *identity.Sessions
	Directory   *identity.Directory
	Letters     *identity.Letters    // nil where no mail helps with passwords
	Ways        *way.Ways            // nil hides the ways in that tenants configure
	Provision   *provision.Provision // nil hides the page of provisioning
	SCIM        string               // where its door is
	APIKeys     *apikey.Keys
	Attachments *attachment.Store
	Relations   *relation.Relations
	Notices     *notification.Deliverer // the channels by which people are told beside the pages; nil for none
	Channels    *channel.Sender         // channels of their own; nil for none
	FirstRun    *identity.FirstRun      // nil once a tenant exists
	Importer    *importer.Importer      // with its Jobs; nil hides the pages of imports
	Runbooks    *runbook.Runbooks       // nil hides the pages of runbooks
	Trackers    *tracker.Checker        // nil hides the pages of trackers
	Rules       *automation.Rules       // nil hides the pages of rules
	Hooks       *webhook.Hooks          // nil hides the pages of webhooks
	Processes   *process.Processes      // nil hides the pages of processes
	Outbox      *outbox.Outbox          // nil hides the page of mails
	Mailboxes   *mailbox.Desk           // nil hides the pages of mailboxes
	Risks       *risk.Risks             // nil hides the pages of passwords at risk
	Persons     *erasure.Persons        // nil hides the pages on which people are erased
	Sensitive   *guarded.Fields         // nil hides the pages of sealed fields
	Live        *live.Hub               // nil for pages that tell nothing by themselves
	Keyring     *keyring.Keyring        // nil hides the page of key pairs
	Support     *support.Door           // nil hides the pages of support access
	Leavers     *leaver.Leavers         // nil hides the page of somebody who leaves
	Reviews     *review.Reviews         // nil hides the pages of access reviews
	Changes     *change.Changes         // nil hides the pages on which passwords are changed at their systems
	// API describes the API of programs; nil hides the pages about it.
	API      func() *openapi.Document
	Bulk     *bulk.Bulk         // nil has only so many tickets worked on at once as a request can
	Undo     *undo.Undo         // of imports, with its Jobs; there when Importer is
	Standing *standing.Standing // scheduled exports; nil hides their page
	Outgoing exports.Outgoing   // exports of passwords; nil hides their page
	// Unexport deletes one; there when Outgoing is.
	Unexport func(ctx context.Context, c *access.Caller, file id.ID) error

	// Begin makes the first tenant and its administrator: the first-run page.
	Begin func(ctx context.Context, name, title string, admin identity.Person) error
	// TenantOf names the tenant that a request's host name stands for; "" for none.
	TenantOf func(*http.Request) string
	Demo     bool // says so on every page
	Trusted  []netip.Prefix
	Log      *slog.Logger
	Now      func() time.Time // nil is time.Now

	shell *shell.Shell
}

// Handler mounts every page.
func (s *Server) Handler() (http.Handler, error) {
	s.shell = &shell.Shell{
		Gate: s.Gate, Records: s.Records, Demo: s.Demo, Trusted: s.Trusted, Log: s.Log, Now: s.Now,
	}
	return s.shell.Open(s.groups()...)
}

// groups lists the groups of pages. Their order is that of the parts of a
// record's rail and of what administrators manage.
func (s *Server) groups() []shell.Group {
	list := []shell.Group{
		&entrance.Pages{House: s.House, Sessions: s.Sessions, Letters: s.Letters, Ways: s.Ways, Support: s.Support, TenantOf: s.TenantOf, FirstRun: s.FirstRun, Begin: s.Begin},
		&home.Pages{},
		&beside.Pages{Attachments: s.Attachments, Relations: s.Relations},
		&tickets.Pages{Live: s.Live, Attachments: s.Attachments, Relations: s.Relations, Bulk: s.Bulk},
		&timesheets.Pages{},
		&maps.Pages{Relations: s.Relations},
		&folders.Pages{},
		&documents.Pages{Attachments: s.Attachments, Intake: &document.Intake{Gate: s.Gate, Records: s.Records, Files: s.Attachments}},
		&secrets.Pages{Secrets: s.Secrets},
		&personal.Pages{Keys: s.APIKeys},
		&approvals.Pages{},
		&votes.Pages{},
		&plans.Pages{},
		&duties.Pages{},
		&knowledge.Pages{},
		&portal.Pages{Portal: &desk.Portal{Gate: s.Gate, Records: s.Records, Files: s.Attachments}, Surveys: &survey.Surveys{Gate: s.Gate, Records: s.Records}},
		&surveys.Pages{Surveys: &survey.Surveys{Gate: s.Gate, Records: s.Records}, TenantOf: s.TenantOf},
		&shares.Pages{Shares: &share.Shares{Gate: s.Gate, Records: s.Records}, TenantOf: s.TenantOf},
		&rotations.Pages{Changes: s.Changes},
		&vault.Pages{Vaults: &sealed.Vaults{Gate: s.Gate}},
		&office.Pages{Sessions: s.Sessions, Directory: s.Directory, Letters: s.Letters, APIKeys: s.APIKeys, Profile: &profile.Profile{Gate: s.Gate, House: s.House}},
		&roles.Pages{Keys: s.APIKeys},
		&security.Pages{Sessions: s.Sessions},
		&emergency.Pages{Sessions: s.Sessions},
		&eyes.Pages{Sessions: s.Sessions},
		&trail.Pages{House: s.House},
		&designs.Pages{},
		&checklists.Pages{},
		&notices.Pages{Out: s.Notices, Own: s.Channels},
		&health.Pages{Health: &scores.Health{Records: s.Records}},
		&marks.Pages{},
		&reports.Pages{Outbox: s.Outbox},
		&talk.Pages{Comments: &comment.Comments{Records: s.Records}},
	}
	if s.Bulk != nil {
		list = append(list, &bulks.Pages{Bulk: s.Bulk})
	}
	if s.Rules != nil {
		list = append(list, &automations.Pages{Rules: s.Rules})
	}
	if s.Processes != nil {
		list = append(list, &processes.Pages{Processes: s.Processes})
	}
	if s.Hooks != nil {
		list = append(list, &hooks.Pages{Hooks: s.Hooks})
	}
	if s.Outbox != nil {
		list = append(list, &mails.Pages{Outbox: s.Outbox})
	}
	if s.Mailboxes != nil {
		list = append(list, &mailboxes.Pages{Desk: s.Mailboxes})
	}
	if s.Trackers != nil {
		list = slices.Insert(list, 2, shell.Group(&trackers.Pages{Checker: s.Trackers})) // first in the rail
	}
	if s.Standing != nil {
		list = append(list, &exports.Pages{Standing: s.Standing, Outgoing: s.Outgoing, Remove: s.Unexport})
	}
	if s.Importer != nil {
		list = append(list, &imports.Pages{Importer: s.Importer, Undo: s.Undo})
	}
	if s.Runbooks != nil {
		list = append(list, &runbooks.Pages{Runbooks: s.Runbooks})
	}
	if s.Risks != nil {
		list = append(list, &risks.Pages{Risks: s.Risks})
	}
	if s.Reviews != nil {
		list = append(list, &reviews.Pages{Reviews: s.Reviews})
	}
	if s.Support != nil {
		list = append(list, &supports.Pages{})
	}
	if s.Leavers != nil {
		list = append(list, &leavers.Pages{Leavers: s.Leavers})
	}
	if s.Keyring != nil {
		list = append(list, &pairs.Pages{Keyring: s.Keyring})
	}
	if s.Persons != nil {
		list = append(list, &erasures.Pages{Persons: s.Persons})
	}
	if s.Sensitive != nil {
		list = append(list, &sensitive.Pages{Fields: s.Sensitive})
	}
	if s.Ways != nil {
		list = append(list, &ways.Pages{Ways: s.Ways})
	}
	if s.Provision != nil && s.Ways != nil {
		list = append(list, &provisioning.Pages{Provision: s.Provision, Ways: s.Ways, Keys: s.APIKeys, Path: s.SCIM})
	}
	if s.API != nil {
		list = append(list, &reference.Pages{API: s.API})
	}
	return append(list, &records.Pages{}, &lists.Pages{})
}

// Routes lists every mounted pattern.
func (s *Server) Routes() []string { return s.shell.Routes() }
