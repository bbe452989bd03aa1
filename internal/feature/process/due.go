package process

import (
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/worktime"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/process/course"
	"strongroom/internal/feature/sla"
)

// ends is when the time of a step is up that begins now, by the calendar that its process has;
// false when that is never.
func ends(tx *gate.Tx, r *run, s course.Step) (int64, bool, error) {
	long := time.Duration(s.Hours * float64(time.Hour))
	if s.Counted != course.Working && s.Counted != course.Workdays {
		return tx.Now + long.Milliseconds(), true, nil
	}
	hours, err := calendar(tx, r.kinds, r.Process)
	if err != nil {
		return 0, false, err
	}
	now := time.UnixMilli(tx.Now)
	if s.Counted == course.Working {
		t, ok := hours.Add(now, long)
		return t.UnixMilli(), ok, nil
	}
	minute, _ := s.Minute()
	t, ok := hours.WorkdayAt(now, int(s.Hours), minute)
	return t.UnixMilli(), ok, nil
}

// calendar is the calendar of a process; one that is always open when it has none, or none
// any more.
func calendar(tx *gate.Tx, e *record.Engine, process id.ID) (*worktime.Calendar, error) {
	who := tx.Caller
	tx.Caller = access.System(tx.Tenant.Name, "job") // when it goes on is no matter of who begins it
	defer func() { tx.Caller = who }()
	def, err := e.Get(tx, Kind, process)
	if err == nil && def.Values.ID("calendar_id") != 0 {
		if def, err = e.Get(tx, sla.Calendar, def.Values.ID("calendar_id")); err == nil {
			return sla.HoursOf(def)
		}
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	always := worktime.Spec{Zone: "UTC", Week: map[time.Weekday]worktime.Hours{}}
	for d := range time.Weekday(7) {
		always.Week[d] = worktime.Hours{Open: []worktime.Window{{From: 0, To: 24 * 60}}}
	}
	return worktime.New(always)
}
