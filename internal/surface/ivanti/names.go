package ivanti

import (
	"encoding/json"
	"maps"
	"strings"

	"strongroom/internal/core/record"
)

// spec is what Ivanti calls a kind and its fields, where that does not follow from our
// own names: those in camel case, references as XLink.
type spec struct {
	name  string                                 // of the object
	as    map[string]string                      // of fields, by ours
	by    []string                               // of our references, those that Ivanti shows by a name: a validated field
	more  map[string]func(*record.Record) []byte // fields that follow from the record, and are read alone
	above []string                               // our fields that name what a record belongs to, where these are several: ParentLink
	also  map[string]string                      // of our references, those whose name is there as a field of its own, which is read alone
}

// assigned are the references of tickets that Ivanti shows by a name.
func assigned() []string {
	return []string{"owner_id", "team_id", "service_id", "category_id", "actual_service_id", "actual_category_id", "resolved_by_id", "closed_by_id", "reported_by_id", "manager_id"}
}

// ticket is what all kinds of tickets have.
func ticket(name, number, text string, more map[string]string) spec {
	as := map[string]string{
		"name": "Subject", "number": number, "description": text, "contact_id": "ProfileLink", "owner_id": "Owner", "team_id": "OwnerTeam", "service_id": "Service", "category_id": "Category",
		"resolved_at": "ResolvedDateTime", "resolved_by_id": "ResolvedBy", "closed_at": "ClosedDateTime", "closed_by_id": "ClosedBy", "final": "IsInFinalState",
	}
	maps.Copy(as, more)
	return spec{name: name, as: as, by: assigned(), also: map[string]string{"contact_id": "ProfileFullName"}}
}

// below says what records may belong to.
func (s spec) below(fields ...string) spec {
	s.above = fields
	return s
}

// specs are the names by our kinds.
func specs() map[string]spec {
	return map[string]spec{
		"incident": ticket("Incident", "IncidentNumber", "Symptom", map[string]string{
			"vip": "IsVIP", "incident_type": "TypeOfIncident", "actual_service_id": "ActualService", "actual_category_id": "ActualCategory", "first_call": "FirstCallResolution",
			"master": "IsMasterIncident", "master_id": "MasterIncidentLink", "problem_id": "ProblemLink", "reported_by_id": "ReportedBy", "article_id": "KnowledgeLink",
		}),
		"service_request": ticket("ServiceReq", "ServiceReqNumber", "Symptom", map[string]string{"reported_by_id": "ReportedBy", "incident_id": "IncidentLink", "offering_id": "SvcReqTmplLink"}),
		"problem":         ticket("Problem", "ProblemNumber", "Description", map[string]string{"problem_type": "TypeOfProblem", "known_error_at": "KnownErrorDate", "target_date": "TargetResolutionTime", "article_id": "KnowledgeLink"}),
		"change": ticket("Change", "ChangeNumber", "Description", map[string]string{
			"change_type": "TypeOfChange", "risk": "RiskLevel", "scheduled_start": "ScheduledStartDate", "scheduled_end": "ScheduledEndDate", "incident_id": "IncidentLink", "problem_id": "ProblemLink", "contact_id": "RequestorLink", "release_id": "ReleaseLink",
		}),
		"release":           ticket("ReleaseProject", "ReleaseNumber", "Description", map[string]string{"release_type": "TypeOfRelease", "scheduled_start": "ScheduledStartDate", "scheduled_end": "ScheduledEndDate", "contact_id": "RequestorLink"}),
		"release_milestone": {name: "ReleaseMilestone", as: map[string]string{"release_id": "ParentLink"}},
		"knowledge_article": {name: "FRS_Knowledge", by: assigned(), as: map[string]string{"name": "Title", "number": "KnowledgeNumber", "body": "Details", "service_id": "Service", "category_id": "Category", "team_id": "OwnerTeam", "owner_id": "Owner", "expire_on": "ExpirationDate", "published_at": "PublicationDate", "reviewed_at": "ReviewDate"}},
		"department":        {name: "Department", by: assigned(), as: map[string]string{"name": "Department", "manager_id": "Manager"}},
		"task":              ticket("Task", "AssignmentID", "Details", map[string]string{"target_date": "TargetDateTime", "starts_on": "PlannedStartDate", "order": "SequenceNum"}).below("incident_id", "service_request_id", "problem_id", "change_id"),
		"service_agreement": {name: "ServiceAgreement", by: []string{"calendar_id"}, as: map[string]string{"name": "Title", "calendar_id": "HOP"}},
		"journal":           spec{name: "Journal", as: map[string]string{"name": "Subject"}}.below("incident_id", "service_request_id", "problem_id", "change_id", "task_id", "release_id"),
		"category":          {name: "Category", as: map[string]string{"name": "Category", "service_id": "Service"}, by: assigned()},
		"service":           {name: "CI__Service", as: map[string]string{"team_id": "OwnerTeam", "owner_id": "Owner"}, by: assigned()},
		"team":              {name: "StandardUserTeam", as: map[string]string{"name": "Team", "email": "TeamEmail", "manager_id": "TeamManager"}, by: assigned()},
		"announcement":      {name: "Announcement", as: map[string]string{"name": "Subject", "publish_on": "PublishDate", "expire_on": "ExpireDate"}},
		"organization":      {name: "OrganizationalUnit", as: map[string]string{"parent_id": "ParentLink"}},
		"contact":           {name: "Employee", as: map[string]string{"location_id": "LocationLink", "primary_email": "PrimaryEmail", "primary_phone": "PrimaryPhone", "important": "VIP", "department_id": "Department"}, by: []string{"department_id"}},
		"configuration": {name: "CI", as: map[string]string{
			"configuration_type_id": "CIType", "configuration_status_id": "Status", "primary_ip": "IPAddress", "mac_address": "MACAddress", "manufacturer_id": "Manufacturer", "model_id": "Model",
			"operating_system_id": "OperatingSystem", "contact_id": "ProfileLink", "location_id": "LocationLink",
		}, by: []string{"configuration_type_id", "configuration_status_id", "manufacturer_id", "model_id", "operating_system_id"}},
		"location": {name: "Location", as: map[string]string{"address_1": "Address", "address_2": "Address2", "postal_code": "Zip", "region_id": "State", "country_id": "Country"}, by: []string{"region_id", "country_id"}},
		"offering": {name: "ServiceReqTemplate", by: assigned(), as: map[string]string{"service_id": "Service", "category_id": "Category", "team_id": "OwnerTeam", "approval": "ApprovalNeeded"}},
		"offering_question": {name: "ServiceReqTemplateParam", as: map[string]string{"offering_id": "ParentLink", "answer_type": "DisplayType", "usual": "DefaultValue", "order": "SequenceNum"},
			more: map[string]func(*record.Record) []byte{"DisplayName": func(r *record.Record) []byte { return text(r.Name) }, "RequiredExpression": mandatory, "ConfigOptions": options}},
		"request_answer": {name: "ServiceReqParam", as: map[string]string{"service_request_id": "ParentLink", "name": "ParameterName", "answer": "ParameterValue"}},
		"user":           {name: "User", as: map[string]string{"email": "LoginID", "role_name": "Role"}},
	}
}

// mandatory says whether a question must be answered, as an expression.
func mandatory(r *record.Record) []byte {
	return text(map[bool]string{true: "$(true)", false: "$(false)"}[r.Values.Bool("required")])
}

// options are what else a form says of a question, as JSON in a text.
func options(r *record.Record) []byte {
	out := map[string]any{}
	if c := r.Values.Text("choices"); c != "" {
		out["choices"] = strings.Split(c, "\n")
	}
	for ours, theirs := range map[string]string{"least": "min", "most": "max", "pattern": "pattern", "hint": "hint", "when_answer": "whenAnswer"} {
		if v := r.Values[ours]; v != nil {
			out[theirs] = v
		}
	}
	if on := r.Values.ID("when_id"); on != 0 {
		out["when"] = on.RecID()
	}
	b, err := json.Marshal(out)
	if err != nil {
		return []byte("null")
	}
	return text(string(b))
}

// camel turns resolved_at into ResolvedAt.
func camel(s string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(s, "_") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}
