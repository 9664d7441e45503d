package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"ccbridge/bridge"
)

// reportVersion is that of Report; it changes when a field changes its meaning or goes.
const reportVersion = 1

// Report is what -json prints.
type Report struct {
	Version  int              `json:"version"`
	Healthy  bool             `json:"healthy"` // no fault
	OK       int              `json:"ok"`
	Warnings int              `json:"warnings"`
	Faults   int              `json:"faults"`
	Findings []bridge.Finding `json:"findings"` // in the order of the parts
}

// NewReport counts findings.
func NewReport(list []bridge.Finding) Report {
	r := Report{Version: reportVersion, Findings: list}
	if list == nil {
		r.Findings = []bridge.Finding{}
	}
	for _, f := range list {
		switch f.Level {
		case bridge.FindingOK:
			r.OK++
		case bridge.FindingWarning:
			r.Warnings++
		default:
			r.Faults++
		}
	}
	r.Healthy = r.Faults == 0
	return r
}

// WriteJSON prints the report as JSON.
func (r Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// Summary is the last line.
func (r Report) Summary() string {
	count := fmt.Sprintf("%d ✓  %d !  %d ✗", r.OK, r.Warnings, r.Faults)
	switch {
	case r.Faults > 0:
		return count + "   Customers are not served, or not everywhere, until each ✗ is put right."
	case r.Warnings > 0:
		return count + "   It works; look at each !"
	default:
		return count + "   All is well."
	}
}

// marks before a finding.
var marks = map[bridge.FindingLevel]string{bridge.FindingOK: "✓", bridge.FindingWarning: "!", bridge.FindingFault: "✗"}

// WritePart prints the findings of one part for people.
func WritePart(w io.Writer, part string, list []bridge.Finding) error {
	if len(list) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintln(&b, part)
	for _, f := range list {
		fmt.Fprintf(&b, "  %s %s\n", marks[f.Level], f.Found)
		if f.Means != "" {
			fmt.Fprintf(&b, "      Means: %s\n", f.Means)
		}
		if f.Fix != "" {
			fmt.Fprintf(&b, "      Fix:   %s\n", f.Fix)
		}
	}
	_, err := io.WriteString(w, b.String()+"\n")
	return err
}
