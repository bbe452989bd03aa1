package internal_test

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// cases are the ways in which service desks fail, each with the file that tries it and the
// words by which the test, or its part, is called there. S are those of clocks, A of
// approvals and links, D of data, M of mail, T of what is kept apart.
const cases = `
S1  feature/sla/clock TestS01SpringForward
S2  feature/sla/clock TestS02AutumnDoubleHour
S3  feature/sla/clock TestS03AgreementInAnotherZone
S4  feature/sla/clock TestS04CreatedOutsideHours
S5  feature/sla/clock TestS05CreatedAtClosingAndOpening
S6  feature/sla/clock TestS06NoGapAtMidnight
S7  feature/sla/clock TestS07LunchAndHalfDayHoliday
S8  feature/sla/clock TestS08MissingWeekdays
S9  feature/sla/clock TestS09CalendarWithoutHours
S10 feature/sla/clock TestS10PauseOverWeekendWithGoalInDays
S11 feature/sla/clock TestS11PausedWhileAgreementChanges
S12 feature/sla/clock TestS12PriorityRaisedAfterBreachAndLowered
S13 feature/sla/clock TestS13SolvedTimeIsNotWaiting
S14 feature/sla/clock TestS14ReopenByPolicy
S15 feature/sla/clock TestS15LaterHolidaysMoveNoPastClock
S15 feature/featurestest TestS15FeedsMakeVersions
S16 feature/sla/clock TestS16NothingIsToldAtNight
S17 feature/sla/clock TestS17AnyHistory
S18 feature/sla/clock TestS18ResumeExactlyAtClosing
S19 feature/sla/clock TestS19MergeKeepsTheEarlierClock
S19 feature/featurestest S19 the earlier clock stands
S20 feature/sla/clock TestS20HoldIsNotAddedTwice
S21 feature/sla/clock TestS21EscalatesOnceOverARestart
S21 feature/featurestest TestS21DeadlinesAreToldOnce
S21 feature/featurestest TestS21EscalationsAreDoneOnce
A1  surface/webui/votes A1 a scanner that follows every link changes nothing
A2  feature/featurestest A2 a double click counts once
A2  feature/ballot A2 voting twice counts once
A3  feature/featurestest A3 who asked does not vote
A3  feature/featurestest A3 who is away is stood for, but not by who asked, and not twice
A3  feature/featurestest A3 who has left is not waited for
A4  feature/ballot A4 taken back after the quorum is met, it stays met
A4  feature/featurestest A4 a vote is taken back, and not once the phase is over
A5  feature/featurestest A5 nobody decides in time
A6  feature/featurestest A6 what has changed since is not approved
A6  feature/featurestest A6 what it affects has changed since it was approved
A7  surface/webui/surveys A7 a scanner that follows the link answers nothing
A8  surface/webui/surveys A8 a survey of somebody else, of another ticket, and none at all
A8  surface/webui/surveys A8 after the end
A8  feature/featurestest A8 somebody else's vote, and one after the end
A8  surface/webui/votes A8 a vote of who does not decide
D1  surface/ivanti D1 lost update
D2  surface/ivanti D2 an old client without a version
D3  surface/ivanti D3 a closed record
D3  feature/featurestest TestD03ClosedStaysAsItIs
D4  surface/ivanti TestAttachments
D5  surface/ivanti D5 injection
D6  surface/ivanti D6 what is unknown
D7  surface/ivanti D7 sizes of pages
D8  surface/ivanti D8 null, an empty text, ne on what is not set
D9  surface/ivanti D9 case in filters and in unique keys
D10 surface/ivanti D10 moments with offsets and in the gap of a clock
D11 surface/ivanti D11 a value outside its list
D12 surface/ivanti D12 a link to a record of the wrong object
D13 surface/ivanti TestAttachments
D14 surface/ivanti TestAttachments
D15 feature/featurestest TestD15PriorityMatrix
D16 feature/featurestest TestD16EveryMoveOfEveryTicket
D16 feature/featurestest TestD16EveryMoveOfOtherKinds
D16 feature/featurestest TestD16DeclaredAsKnown
D17 surface/ivanti D17 a person with open tickets is deleted
D18 surface/webui/erasures TestD18PersonErased
M1  base/mailparse TestM1OutOfOffice
M1  feature/featurestest M1 out of office is noted and wakes nothing
M1  feature/featurestest M1 away, to what we sent ourselves: no answer and nothing reopens
M2  base/mailparse TestM2Bounce
M2  feature/featurestest TestM2Postfix
M2  feature/mailbox M2 bounce of a bounce
M3  feature/featurestest M3 our own addresses
M4  feature/featurestest TestM4TwoStrongrooms
M4  feature/mailbox TestM4TwoDesksEndWithinTheCap
M5  base/mailparse TestM5NoMessageID
M5  feature/featurestest M5 scanners that give every mail one id, or none
M6  feature/featurestest M6 M7 the same mail again is filed once
M7  feature/featurestest M6 M7 the same mail again is filed once
M7  base/mailfetch M7 what was not kept comes again
M8  feature/featurestest M8 the answer finds its ticket though nothing was noted of the mail
M9  feature/featurestest M9 an outsider reaches no ticket
M10 base/mailparse TestM10ReplyToOfAnother
M11 feature/featurestest M11 an answer to a closed ticket opens one that follows it
M11 feature/featurestest M11 an answer to a merged ticket goes on the one it went into
M11 feature/mailbox M11 reply to a deleted ticket
M12 feature/featurestest M12 somebody in copy answers a mail that came
M13 base/mailparse TestM13ReferencesByExchange
M14 base/mailparse TestM14Quotes
M15 base/mailparse TestM15Charsets
M16 base/mailparse TestM16PartsAndFiles
M17 base/mailfetch M17 a backlog comes in order and whole
M17 feature/featurestest M17 a backlog keeps its order and goes on behind a mail that is none
M18 base/mailfetch M18 a server that cannot move gives nothing twice
M19 base/mailparse TestM19ListsAndNewsletters
M20 feature/mailbox M20 stranger, such as of another tenant
M21 feature/featurestest M21 one subject again and again is held
M22 base/mailparse TestM22Script
M23 feature/mailbox M23 a number that this tenant does not have
M24 base/mailparse TestM24SpoofedSender
T1  apptest TestIsolation
T1  apptest/oddroles TestOddRoles
T2  core/sealed TestAskingForASealedField
T2  surface/ivanti TestT2SecretsAreNotAskedFor
T3  apptest TestIsolation
T4  surface/ivanti TestT4Missing
T5  core/number TestT05NumbersPerTenant
T6  apptest TestIsolation
`

// TestCases: each case has a test, and each test that is named is there.
func TestCases(t *testing.T) {
	called := map[string][]string{} // by folder, what tests and their parts are called
	name := regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)|"([A-Z][0-9]+ [^"\n]+)"`)
	for _, s := range sources(t) {
		if !s.test {
			continue
		}
		text, err := os.ReadFile("../" + s.name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range name.FindAllStringSubmatch(string(text), -1) {
			called[s.dir] = append(called[s.dir], m[1]+m[2])
		}
	}
	have := map[string]bool{}
	for line := range strings.Lines(strings.TrimSpace(cases)) {
		which, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		folder, test, _ := strings.Cut(strings.TrimSpace(rest), " ")
		have[which] = true
		if !slices.Contains(called["internal/"+folder], test) {
			t.Errorf("%s: there is no test %q in %s", which, test, folder)
		}
	}
	for letter, n := range map[string]int{"S": 21, "A": 8, "D": 18, "M": 24, "T": 6} {
		for i := 1; i <= n; i++ {
			if which := letter + strconv.Itoa(i); !have[which] {
				t.Errorf("no test is named for %s", which)
			}
		}
	}
}
