package ccm_test

import (
	"errors"
	"net/http"
	"reflect"
	"testing"
	"time"

	"ccbridge/ccm"
)

func isInvalid(err error) bool { return errors.Is(err, ccm.ErrInvalid) }

// pollSample holds every form of element that the documentation shows, nulls, numbers and unknown fields included.
const pollSample = `{"resultCode":"0","resultDesc":"query user messages success.","downlinkMessages":[
 {"from":"202500000000000001","channel":"WEB","to":"visitor-0001","controlType":"CHAT","mediaType":"TEXT","content":"Hello","senderNickname":"bot",
  "senderAvatar":"1","timestamp":1700000002000,"sourceType":"ROBOT","robotGender":"MALE","simQuestions":null,"callId":null,"messageCode":null,"queueFlag":null},
 {"controlType":"CHAT","mediaType":"TEXT","content":"Queuing…","senderNickname":"system","timestamp":"1700000003000","sourceType":"SYSTEM","queueFlag":"Y","novelty":{"a":[1]}},
 {"controlType":"CHAT","mediaType":"IMAGE","content":"k-1","senderNickname":"Eve","timestamp":1.700000004e12,"sourceType":"AGENT","messageCode":"mc-1","contentType":1,"mediaFileType":"png"},
 {"controlType":"DISCONNECT","mediaType":null,"content":null,"senderNickname":null,"timestamp":1700000005000,"sourceType":"SYSTEM","isOfflineStatus":true},
 {"controlType":"DISCONNECT","isOfflineStatus":"true","timestamp":null},
 "not an object", null,
 {"controlType":"NOVEL","content":12,"sourceType":true,"timestamp":"soon","simQuestions":[{"q":1}],"messageCode":{"odd":1}}
]}`

func TestPollDecoding(t *testing.T) {
	t.Parallel()
	centre := newCentre()
	centre.script["poll"] = answerWith(http.StatusOK, pollSample)
	got, err := local(t, centre).Poll(t.Context(), visitor)
	if err != nil {
		t.Fatal(err)
	}
	at := func(second int64) time.Time { return time.Unix(1700000000+second, 0).UTC() }
	want := []ccm.Downlink{
		{Control: ccm.Chat, Source: "ROBOT", Media: "TEXT", Content: "Hello", Nickname: "bot", Timestamp: at(2)},
		{Control: ccm.Chat, Source: "SYSTEM", Media: "TEXT", Content: "Queuing…", Nickname: "system", Timestamp: at(3), QueueFlag: "Y"},
		{Control: ccm.Chat, Source: "AGENT", Media: "IMAGE", Content: "k-1", Nickname: "Eve", Timestamp: at(4), MessageCode: "mc-1", ContentType: "1", FileType: "png"},
		{Control: ccm.Disconnect, Source: "SYSTEM", Timestamp: at(5), Offline: true},
		{Control: ccm.Disconnect, Offline: true},
		{},
		{Control: "NOVEL", Content: "12", Source: "true", SimQuestions: `[{"q":1}]`, MessageCode: `{"odd":1}`},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v, want\n%+v", got, want)
	}
}

func TestPollAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, body string
		messages   int
		fails      bool
		certainty  ccm.Certainty
		refused    bool
	}{
		{name: "empty list", body: `{"resultCode":"0","downlinkMessages":[]}`},
		{name: "null list", body: `{"resultCode":0,"downlinkMessages":null}`},
		{name: "no list, BOM", body: "\ufeff" + `{"resultCode":"0"}`},
		{name: "messages without code", body: `{"downlinkMessages":[{"content":"a"}]}`, messages: 1},
		{name: "messages with a bad code", body: `{"resultCode":"1","downlinkMessages":[{"content":"a"}]}`, messages: 1},
		{name: "refused", body: `{"resultCode":"1"}`, fails: true, certainty: ccm.NotDone, refused: true},
		{name: "no code", body: `{}`, fails: true},
		{name: "list is no list", body: `{"resultCode":"0","downlinkMessages":"x"}`, fails: true},
		{name: "cut off", body: `{"resultCode":"0","downlinkMessages":[{"content":"a"}`, fails: true},
		{name: "not JSON", body: `<html>`, fails: true},
		{name: "array", body: `[]`, fails: true},
		{name: "nothing", body: ``, fails: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			centre := newCentre()
			centre.script["poll"] = answerWith(http.StatusOK, test.body)
			got, err := local(t, centre).Poll(t.Context(), visitor)
			if len(got) != test.messages || (err != nil) != test.fails {
				t.Fatalf("got %d messages, %v", len(got), err)
			}
			if err == nil {
				return
			}
			if e := asError(t, err); e.Certainty != test.certainty || e.Refused != test.refused {
				t.Errorf("got %v, refused %v", e.Certainty, e.Refused)
			}
		})
	}
}

func TestQueueInfo(t *testing.T) {
	t.Parallel()
	numbers := `,"position":1,"totalWaitTime":"3","currentDeviceWaitTime":4,"configMaxcWaitTime":60,"longestWaitTime":null,"estimateWaitTime":5.0`
	for code, want := range map[string]ccm.QueueState{
		`"0"`: ccm.Queuing, `0`: ccm.Queuing, `"160021"`: ccm.WithAgent, `"160022"`: ccm.WithRobot,
		`"5"`: ccm.Over, `"6"`: ccm.Over, `"160004"`: ccm.Over, `160004`: ccm.Over,
	} {
		centre := newCentre()
		centre.script["queryQueueInfo"] = answerWith(http.StatusOK, `{"resultCode":`+code+numbers+`}`)
		info, err := local(t, centre).QueueInfo(t.Context(), visitor)
		if err != nil || info.State() != want {
			t.Errorf("code %s: got %v, %v", code, info.State(), err)
		}
		info.Code = ""
		if (info != ccm.QueueInfo{Position: 1, TotalWait: 3, QueueWait: 4, MaxWait: 60, EstimateWait: 5}) {
			t.Errorf("code %s: got %+v", code, info)
		}
	}
	for code, scope := range map[string]ccm.Scope{
		"1": ccm.ScopeSession, "2": ccm.ScopeSession, "4": ccm.ScopeSession, "160001": ccm.ScopeCentre, "99": ccm.ScopeSession,
		"10010000002": ccm.ScopeCentre,
	} {
		centre := newCentre()
		centre.script["queryQueueInfo"] = answerWith(http.StatusOK, `{"resultCode":"`+code+`"}`)
		_, err := local(t, centre).QueueInfo(t.Context(), visitor)
		if e := asError(t, err); e.Certainty != ccm.NotDone || e.Scope != scope || e.Code != code || e.Unauthorized() {
			t.Errorf("code %s: got %v (%v, %v)", code, e, e.Certainty, e.Scope)
		}
	}
	for _, body := range []string{`{}`, `{"resultCode":null}`, `oops`} {
		centre := newCentre()
		centre.script["queryQueueInfo"] = answerWith(http.StatusOK, body)
		if _, err := local(t, centre).QueueInfo(t.Context(), visitor); asError(t, err).Certainty != ccm.InDoubt {
			t.Errorf("answer %s is not in doubt", body)
		}
	}
}

func TestQueueTokenError(t *testing.T) {
	t.Parallel()
	centre := newCentre()
	centre.script["queryQueueInfo"] = func(n int, w http.ResponseWriter, c call) {
		code := "3"
		if c.header.Get("ccmessaging-token") == "tok-V2" {
			code = "0"
		}
		answerWith(http.StatusOK, `{"resultCode":"`+code+`"}`)(n, w, c)
	}
	client := local(t, centre)
	if _, err := client.QueueInfo(t.Context(), visitor); err != nil {
		t.Fatal(err)
	}
	centre.script["queryQueueInfo"] = answerWith(http.StatusOK, `{"resultCode":"3"}`)
	_, err := client.QueueInfo(t.Context(), visitor)
	if e := asError(t, err); !e.Unauthorized() || e.Code != "3" {
		t.Errorf("got %v", e)
	}
	if got := centre.count("queryQueueInfo"); got != 4 {
		t.Errorf("asked %d times, want twice each", got)
	}
}
