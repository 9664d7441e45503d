package ccm

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// errUndecodable stands in for errors of encoding/json, which may quote the input.
var errUndecodable = errors.New("answer cannot be read")

// decode reads a JSON object; the document as a whole must be well-formed.
func decode(body []byte, into any) error {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if err := json.Unmarshal(body, into); err != nil {
		return errUndecodable
	}
	return nil
}

// elements splits a JSON array; missing and null are empty.
func elements(raw json.RawMessage) ([]json.RawMessage, error) {
	var list []json.RawMessage
	if len(raw) == 0 {
		return nil, nil
	}
	if json.Unmarshal(raw, &list) != nil {
		return nil, errUndecodable
	}
	return list, nil
}

// result is the common part of the answers (senMsgRsp, cec_05_2030).
type result struct {
	Code text `json:"resultCode"`
	Desc text `json:"resultDesc"`
}

func (r result) code() string { return cleanCode(r.Code) }

// text is a scalar whose JSON type cannot be relied on: null, string, number or bool. Anything else is kept as JSON.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) == 0 || string(b) == "null":
		*t = ""
	case b[0] == '"':
		return json.Unmarshal(b, (*string)(t))
	default:
		*t = text(strings.ToValidUTF8(string(b), "\uFFFD"))
	}
	return nil
}

// yes reads a bool that may also be a string or a number.
func (t text) yes() bool {
	switch strings.ToLower(strings.TrimSpace(string(t))) {
	case "true", "1", "y", "yes":
		return true
	}
	return false
}

// number reads an integer; 0 if it is none or does not fit into 32 bits.
func (t text) number() int {
	f, err := strconv.ParseFloat(strings.TrimSpace(string(t)), 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > math.MaxInt32 {
		return 0
	}
	return int(f)
}

// maxMillis is the last millisecond of the year 9999: later times cannot be written as JSON.
const maxMillis = 253_402_300_799_999

// millis reads a time in epoch milliseconds; zero if there is none.
func (t text) millis() time.Time {
	s := strings.TrimSpace(string(t))
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || !(f > 0 && f <= maxMillis) {
			return time.Time{}
		}
		ms = int64(f)
	}
	if ms <= 0 || ms > maxMillis {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
