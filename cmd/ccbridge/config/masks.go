package config

import (
	"fmt"
	"slices"

	"ccbridge/bridge/mask"
)

// What masks are for.
const (
	maskForBoth   = "both"
	maskForCentre = "centre"
	maskForLedger = "ledger"
)

// decodeMasks reads what a route masks.
func decodeMasks(s *section, r *Route) {
	names := slices.Sorted(slices.Values(mask.Names))
	r.Mask = values(s.list("mask", `mask = ["card", "email", "phone", "iban"]`, oneOf(names...)))
	patterns := s.list("mask_patterns", `mask_patterns = ['\bK-\d{6}\b']`, isMaskPattern)
	if len(patterns) > mask.MaxPatterns {
		s.fault(s.at("mask_patterns"), "has too many patterns", fmt.Sprintf("at most %d; one may join several with |", mask.MaxPatterns))
	}
	r.MaskPatterns = values(patterns)
	r.MaskFor = s.text("mask_for", maskForBoth, oneOf(maskForBoth, maskForCentre, maskForLedger))
	if _, found := s.get("mask_for"); found && len(r.Mask)+len(r.MaskPatterns) == 0 {
		s.warn(s.at("mask_for"), "is of no use without mask or mask_patterns", "one of them, or nothing")
	}
}

func isMaskPattern(value string) *problem {
	if err := mask.CheckPattern(value); err != nil {
		return &problem{text: err.Error(), write: "a pattern in the syntax of RE2, in single quotes"}
	}
	return nil
}

// Masks are what is masked before the centre, and before the ledger.
func (r Route) Masks() (centre, ledger mask.Mask) {
	m := mask.New(r.Mask, r.MaskPatterns)
	if r.MaskFor != maskForLedger {
		centre = m
	}
	if r.MaskFor != maskForCentre {
		ledger = m
	}
	return centre, ledger
}
