package ccmsim

import (
	"fmt"
	"strconv"
	"testing"
	"time"
)

func (c *client) historyBody(limit, offset int) map[string]any {
	return map[string]any{
		"channelId": c.sim.ChannelID(), "userId": c.user, "limit": strconv.Itoa(limit), "offset": strconv.Itoa(offset), "channel": "WEB",
	}
}

// history returns the records of a page as "SOURCE content".
func (c *client) history(limit, offset int) ([]string, []map[string]any) {
	c.t.Helper()
	_, answer := c.call("queryHistoryChatMessage", c.historyBody(limit, offset))
	list, ok := answer["messageList"].([]any)
	if !ok {
		c.t.Fatalf("history: %v", answer)
	}
	var short []string
	var full []map[string]any
	for _, item := range list {
		r := item.(map[string]any)
		short = append(short, fmt.Sprintf("%v %v", r["sourceType"], r["content"]))
		full = append(full, r)
	}
	return short, full
}

func TestHistoryPages(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{Robot: Robot{Greeting: "hi", Answers: map[string]string{"version": "1"}, Fallback: "?"}})
	c := newClient(t, sim, user)
	c.send("CONNECT", "")
	b := c.sendBody("CHAT", "version")
	b["messageId"] = "m1"
	c.sendAs(b)
	c.send("TRANS2AGENT", "")
	c.send("CHAT", "anybody?")
	if err := sim.Desk().Accept(user, "Ada"); err != nil {
		t.Fatal(err)
	}
	code := say(t, sim, "me")

	short, full := c.history(100, 0)
	all := []string{"AGENT me", "USER anybody?", "ROBOT 1", "USER version", "ROBOT hi"}
	equal(t, "all", short, all)
	equal(t, "messageCode", full[0]["messageCode"], any(code))
	if _, number := full[0]["sendTime"].(float64); !number {
		t.Errorf("sendTime %v is not a number", full[0]["sendTime"])
	}
	equal(t, "messageId hidden", full[3]["messageId"], any(nil))
	short, _ = c.history(2, 1)
	equal(t, "page", short, all[1:3])
	short, _ = c.history(2, 5)
	equal(t, "past the end", short, []string{})

	sim.Change(func(sw *Switches) { sw.HistoryMessageID = true })
	_, full = c.history(100, 0)
	equal(t, "messageId", full[3]["messageId"], any("m1"))

	body := c.historyBody(100, 0)
	body["startTime"] = strconv.FormatInt(time.Now().Add(time.Hour).UnixMilli(), 10)
	_, answer := c.call("queryHistoryChatMessage", body)
	equal(t, "future", answer["messageList"], any([]any{}))
	clean(t, sim)
}

func TestHistoryInjuries(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{Switches: Switches{HistoryLag: time.Hour}})
	c := newClient(t, sim, user)
	c.send("CONNECT", "")
	short, _ := c.history(100, 0)
	equal(t, "lagging", short, []string{})
	sim.Change(func(sw *Switches) { sw.HistoryLag = time.Nanosecond })
	short, _ = c.history(100, 0)
	equal(t, "after the lag", len(short), 1)
	sim.Change(func(sw *Switches) { sw.HistoryEmpty = true })
	short, _ = c.history(100, 0)
	equal(t, "empty lie", short, []string{})
	sim.Change(func(sw *Switches) { sw.HistoryRefused = true })
	status, answer := c.call("queryHistoryChatMessage", c.historyBody(100, 0))
	equal(t, "refused", []any{status, answer["resultCode"]}, []any{200, "1"})
	clean(t, sim)
}

func TestHistoryShowsSystemTextsBySwitch(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{Switches: Switches{HistorySystem: true, StraightToAgent: true}})
	c := newClient(t, sim, user)
	c.send("CONNECT", "")
	short, _ := c.history(10, 0)
	equal(t, "records", short, []string{"SYSTEM Queuing. Please wait for an agent."})
}

func TestHistoryChecks(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := newClient(t, sim, user)
	for name, value := range map[string]any{
		"limit": 10, "offset": "-1", "userId": "someone", "channelId": "1", "channel": "X", "startTime": "1700000000",
	} {
		body := c.historyBody(10, 0)
		body[name] = value
		status, _ := c.call("queryHistoryChatMessage", body)
		equal(t, name, status, 400)
		sim.violated(t, name)
	}
}
