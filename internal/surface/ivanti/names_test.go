package ivanti

import (
	"testing"

	"strongroom/internal/core/record"
	"strongroom/internal/feature/announcement"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/category"
	"strongroom/internal/feature/change"
	"strongroom/internal/feature/configuration"
	"strongroom/internal/feature/contact"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/journal"
	"strongroom/internal/feature/knowledge"
	"strongroom/internal/feature/location"
	"strongroom/internal/feature/offering"
	"strongroom/internal/feature/organization"
	"strongroom/internal/feature/problem"
	"strongroom/internal/feature/release"
	"strongroom/internal/feature/request"
	"strongroom/internal/feature/service"
	"strongroom/internal/feature/sla"
	"strongroom/internal/feature/task"
	"strongroom/internal/feature/team"
)

// TestNamesAreOfKinds: every name in the table is that of a kind or field that there is.
func TestNamesAreOfKinds(t *testing.T) {
	kinds := map[string]*record.Kind{}
	for _, f := range []record.Feature{announcement.Feature(), category.Feature(), change.Feature(), configuration.Feature(), contact.Feature(), identity.Feature(), incident.Feature(),
		location.Feature(), organization.Feature(), problem.Feature(), request.Feature(), offering.Feature(), release.Feature(), ballot.Feature(), journal.Feature(), sla.Feature(), knowledge.Feature(), service.Feature(), task.Feature(), team.Feature()} {
		for _, k := range f.Kinds {
			kinds[k.Name] = k
		}
	}
	shared := ticket("", "", "", nil).as
	for name, s := range specs() {
		k := kinds[name]
		if k == nil {
			t.Errorf("there is no kind %s", name)
			continue
		}
		for ours, theirs := range s.as {
			if k.Field(ours) == nil && shared[ours] != theirs {
				t.Errorf("%s has no field %s", name, ours)
			}
		}
	}
}
