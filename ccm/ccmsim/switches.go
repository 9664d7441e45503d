package ccmsim

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

// Switches is everything that can be changed while the simulator runs
// (Sim.Change, POST /_sim/switches). Start fills in the defaults of the
// durations that say so; elsewhere the zero value is the documented behaviour.
type Switches struct {
	// PollWait is how long a poll without messages is held (default 5 s, cec_07_0093).
	PollWait time.Duration
	// SessionTimeout without a poll loses the session (default 120 s).
	SessionTimeout time.Duration
	// IdleTimeout without a word of the visitor to robot or agent ends the session (default 600 s).
	IdleTimeout time.Duration
	// TokenLife is the longest life an AccessToken gets. Zero: what X-Token-Expire
	// asks for, 600 s if it is not sent.
	TokenLife time.Duration
	// VisitorTokenLife is the life of a ccmessaging-token (default 1 h, cec_05_2011).
	// At 80 % of it the next answer carries a new token.
	VisitorTokenLife time.Duration
	// TokenOverlap is how long a replaced ccmessaging-token stays valid (default 60 s).
	TokenOverlap time.Duration
	// QueueRemind repeats the queue notice at this interval; zero: one notice only.
	QueueRemind time.Duration
	// QueuePace records queryQueueInfo calls of one visitor that are closer together; zero: not checked.
	QueuePace time.Duration
	// HistoryLag is how long a record stays invisible in the history.
	HistoryLag time.Duration

	// Async turns an idle time-out into a soft close: isOfflineStatus true, the visitor may still write.
	Async bool
	// StraightToAgent makes CONNECT queue for an agent: the channel has no robot.
	StraightToAgent bool
	// OffHours refuses TRANS2AGENT, and CONNECT to an agent, with code 12.
	OffHours bool
	// NoAgents refuses TRANS2AGENT with 13 "none channel config found".
	NoAgents bool
	// AutoAccept lets an agent of this nickname take every visitor at once.
	AutoAccept string

	// StrictUserID refuses userIds over 24 characters in applyToken already (status 400).
	StrictUserID bool
	// NumericExpires sends Expires as a number instead of a string.
	NumericExpires bool
	// OneAccessToken ends the life of older AccessTokens when one is issued.
	OneAccessToken bool
	// WrongKey403 answers wrong keys with 403 instead of 401.
	WrongKey403 bool
	// QuotedToken puts the token of applyToken into quotes, as the sample of cec_05_2012 does.
	QuotedToken bool
	// BareApply leaves resultCode out of applyToken's answer.
	BareApply bool

	// MessageCodes says whose messages have a messageCode: "agent" (also ""), "all" or "none".
	MessageCodes string
	// StringTimestamps sends downlink timestamps as strings, as the field table says.
	StringTimestamps bool
	// Redeliver makes the next poll repeat each delivered message once, with the same messageCode.
	Redeliver bool
	// Reorder reverses the messages of a poll's answer.
	Reorder bool
	// ExtraFields adds fields nobody documented to every downlink message.
	ExtraFields bool
	// StrangeKinds puts a message of unknown controlType before every agent's message.
	StrangeKinds bool

	// HistoryMessageID shows the visitor's messageId in history records.
	HistoryMessageID bool
	// HistorySystem includes the centre's own texts in the history.
	HistorySystem bool
	// HistoryRefused answers history queries with resultCode 1.
	HistoryRefused bool
	// HistoryEmpty answers them with success and an empty list, whatever there is.
	HistoryEmpty bool

	// QueueTokenCode answers queryQueueInfo with a bad ccmessaging-token by code 3 instead of status 401.
	QueueTokenCode bool
	// EndedCode replaces 5 and 160004 of queryQueueInfo for sessions that are over, such as "6".
	EndedCode string

	// RatePerSecond limits all calls but tokenByAkSk; zero: no limit.
	RatePerSecond int
	// RateAsCode refuses by status 200 and code 10010000002 instead of status 429.
	RateAsCode bool
	// RetryAfter is the header sent with 429, rounded up to seconds; zero: none.
	RetryAfter time.Duration
}

func (sw *Switches) setDefaults() {
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&sw.PollWait, 5 * time.Second},
		{&sw.SessionTimeout, 120 * time.Second},
		{&sw.IdleTimeout, 600 * time.Second},
		{&sw.VisitorTokenLife, time.Hour},
		{&sw.TokenOverlap, 60 * time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.standard
		}
	}
}

// Change alters switches while the simulator runs.
func (s *Sim) Change(alter func(*Switches)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	alter(&s.sw)
	s.noteChange()
}

// MarshalJSON writes durations as strings.
func (sw Switches) MarshalJSON() ([]byte, error) {
	return json.Marshal(readable(reflect.ValueOf(sw)))
}

// readable turns a struct into a map in which durations are strings.
func readable(v reflect.Value) map[string]any {
	out := make(map[string]any, v.NumField())
	for i := range v.NumField() {
		value := v.Field(i).Interface()
		if d, ok := value.(time.Duration); ok {
			value = d.String()
		}
		out[v.Type().Field(i).Name] = value
	}
	return out
}

// decodeNamed sets the fields of the struct dst points to that data names.
// Durations are strings; an unknown name is an error, and then nothing is set.
func decodeNamed(data []byte, dst any) error {
	var in map[string]json.RawMessage
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("decode settings: %w", err)
	}
	target := reflect.ValueOf(dst).Elem()
	work := reflect.New(target.Type()).Elem()
	work.Set(target)
	for name, raw := range in {
		field := work.FieldByName(name)
		if !field.IsValid() {
			return fmt.Errorf("unknown setting %q", name)
		}
		if err := decodeField(raw, field); err != nil {
			return fmt.Errorf("setting %s: %w", name, err)
		}
	}
	target.Set(work)
	return nil
}

func decodeField(raw json.RawMessage, field reflect.Value) error {
	if field.Type() != reflect.TypeFor[time.Duration]() {
		return json.Unmarshal(raw, field.Addr().Interface())
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return err
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return err
	}
	field.SetInt(int64(d))
	return nil
}
