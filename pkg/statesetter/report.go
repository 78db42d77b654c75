package statesetter

import "github.com/cybozu-go/neco/pkg/sabakan"

// Report is what operators want to know about the last round.
type Report struct {
	// Reasons are the serial numbers of the machines that are not as they should be, by reason.
	Reasons map[string][]string `json:"reasons,omitempty"`
	// Held are the reasons for which machines neither change nor retire.
	Held []string `json:"held,omitempty"`
}

// NewReport returns the report about a round after the one with the report before. failed is why
// machines have not retired, by serial number. A machine that was skipped keeps its reason.
func NewReport(all []Judgement, o Outcome, r Retirement, failed map[string]string, before Report) Report {
	report := Report{Reasons: map[string][]string{}}
	reasons := before.BySerial()
	for _, j := range all {
		serial := j.Machine.Spec.Serial
		reason := j.Verdict.Reason
		switch {
		case j.Machine.Status.State == sabakan.Retiring:
			reason = failed[serial]
		case j.Verdict.Skipped:
			reason = reasons[serial]
		case j.Verdict.State == sabakan.Healthy:
			reason = ""
		}
		if reason != "" {
			report.Reasons[reason] = append(report.Reasons[reason], serial)
		}
	}
	for _, c := range o.Closings {
		report.Held = append(report.Held, c.Text)
	}
	report.Held = append(report.Held, r.Stopped...)
	return report
}

// BySerial returns the reasons by serial number.
func (r Report) BySerial() map[string]string {
	all := map[string]string{}
	for reason, serials := range r.Reasons {
		for _, s := range serials {
			all[s] = reason
		}
	}
	return all
}
