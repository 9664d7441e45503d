package ccmsim

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"
)

// bodyLimit leaves room for the largest upload, 2 MiB in base64.
const bodyLimit = 4 << 20

// call is one request to the API on its way through the simulator.
type call struct {
	op      string // operation, with the controlType for sends
	who     string // the visitor it claims to be about; "" if none
	req     *http.Request
	raw     []byte
	body    map[string]any // nil if raw is not a JSON object
	renewed string         // ccmessaging-token to put into the answer's header
}

// readCall reads a request leniently: enough to know operation and visitor.
// What is wrong with it is found by the checks.
func readCall(op string, r *http.Request) *call {
	c := &call{op: op, req: r}
	if r.Method == http.MethodGet {
		c.who = r.URL.Query().Get("receiverId")
		return c
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, bodyLimit+1))
	if err != nil || len(raw) > bodyLimit {
		return c
	}
	c.raw = raw
	if utf8.Valid(raw) && json.Unmarshal(raw, &c.body) != nil {
		c.body = nil
	}
	for _, name := range []string{"from", "userId", "callId"} {
		if id := c.text(name); id != "" {
			c.who = id
			break
		}
	}
	if op == "send" || op == "sendAsync" {
		c.op += ":" + c.control()
	}
	return c
}

// text is the value of a string field, "" if it is missing or no string.
func (c *call) text(name string) string {
	value, _ := c.body[name].(string)
	return value
}

// control is the controlType, "?" if it is none that exists.
func (c *call) control() string {
	kind := c.text("controlType")
	switch kind {
	case "CONNECT", "CHAT", "TRANS2AGENT", "DISCONNECT", "INPUT", "READ":
		return kind
	}
	return "?"
}

// field is one documented field of a request body.
type field struct {
	name      string
	mandatory bool
	max       int // characters; 0: no limit documented
}

// faultIn compares the body with the documented fields and tells the first
// thing the service would refuse, "" if there is none. All are strings.
func (c *call) faultIn(fields []field) string {
	if c.body == nil {
		return "body is not a JSON object in UTF-8"
	}
	for _, f := range fields {
		value, present := c.body[f.name]
		text, isString := value.(string)
		switch {
		case value == nil && f.mandatory:
			return f.name + " is missing"
		case present && value != nil && !isString:
			return f.name + " is not a string"
		case f.mandatory && text == "" && f.name != "content":
			return f.name + " is empty"
		case f.max > 0 && utf8.RuneCountInString(text) > f.max:
			return fmt.Sprintf("%s is longer than %d characters", f.name, f.max)
		}
	}
	return ""
}

// strangers lists body fields that are not documented.
func (c *call) strangers(fields []field) []string {
	var names []string
next:
	for name := range c.body {
		for _, f := range fields {
			if f.name == name {
				continue next
			}
		}
		names = append(names, name)
	}
	return names
}

// checkBody applies the rules common to all POST calls. The reply counts only
// if it is not ok.
func (s *Sim) checkBody(c *call, fields []field) (rep reply, ok bool) {
	kind, params, err := mime.ParseMediaType(c.req.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return s.refuse(c, "Content-Type is not application/json"), false
	}
	if charset, given := params["charset"]; given && !strings.EqualFold(charset, "utf-8") {
		return s.refuse(c, "charset is not UTF-8"), false
	}
	if fault := c.faultIn(fields); fault != "" {
		return s.refuse(c, fault), false
	}
	for _, name := range c.strangers(fields) {
		s.violateLocked("%s: undocumented field %s", c.op, name)
	}
	return reply{}, true
}

// refuse records a break of the rules and answers status 400.
func (s *Sim) refuse(c *call, why string) reply {
	s.violateLocked("%s %s: %s", c.op, c.who, why)
	return result("1", why).with(http.StatusBadRequest)
}

// reply is an answer before faults are applied to it.
type reply struct {
	status   int // 0: 200
	header   map[string]string
	body     []byte
	code     string // resultCode, for the counters
	messages int    // delivered by a poll
}

func (rep reply) with(status int) reply {
	rep.status = status
	return rep
}

// result is the usual answer: a code and a text.
func result(code, desc string) reply {
	rep := jsonReply(struct {
		ResultCode string `json:"resultCode"`
		ResultDesc string `json:"resultDesc,omitempty"`
	}{code, desc})
	rep.code = code
	return rep
}

func jsonReply(v any) reply {
	body, err := json.Marshal(v)
	if err != nil { // a field given to Desk.Put that JSON cannot hold
		return reply{status: http.StatusInternalServerError}
	}
	return reply{body: body}
}

func (rep reply) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	for name, value := range rep.header {
		w.Header().Set(name, value)
	}
	if rep.status != 0 {
		w.WriteHeader(rep.status)
	}
	_, _ = w.Write(rep.body) // the client has gone; nobody is left to tell
}
