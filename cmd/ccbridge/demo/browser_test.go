package demo

import (
	"fmt"
	"strings"
	"testing"

	"ccbridge/cmd/ccbridge/page/browsertest"
)

// visitor is somebody at the page, in a browser.
type visitor struct {
	*browsertest.Page
	*world
	t *testing.T
}

// write types into the composer of a platform, or of the desk, and presses Enter.
func (v *visitor) write(where, text string) {
	v.t.Helper()
	v.Type("#"+where+" textarea", text+"\r")
}

// button waits for a button under the newest messages of a platform and presses it.
func (v *visitor) button(platform, action string) {
	v.t.Helper()
	// The newest of several: [Open again] may have been there before.
	const mark = `[...document.querySelectorAll('#%s [data-action^="%s"]')].at(-1)?.setAttribute("data-aim", "%s") ?? true`
	v.Until("a button "+action+" on "+platform, fmt.Sprintf(`document.querySelector('#%s [data-action^="%s"]')`, platform, action))
	v.Is(`document.querySelectorAll("[data-aim]").forEach((e) => e.removeAttribute("data-aim")) ?? true`)
	v.Is(fmt.Sprintf(mark, platform, action, platform))
	v.Click(fmt.Sprintf(`[data-aim=%q]`, platform))
}

// sees waits until a text stands in a part of the page, exactly once.
func (v *visitor) sees(part, text string) {
	v.t.Helper()
	v.Until(fmt.Sprintf("%q once in %s", text, part),
		fmt.Sprintf(`[...document.querySelectorAll("#%s .words")].filter((e) => e.innerText === %q).length === 1`, part, text))
}

// even waits until everything has arrived, and nothing is lost or doubled.
func (v *visitor) even() {
	v.t.Helper()
	v.Until("all that was said has arrived", `document.querySelector("[data-truth=under_way]").textContent === "0" && document.querySelector("[data-truth=wrote]").textContent !== "0"`)
	for _, what := range []string{"lost", "doubled"} {
		if got := v.Text("[data-truth=" + what + "]"); got != "0" {
			v.t.Errorf("%s: %s", what, got)
		}
	}
}

func (v *visitor) online() {
	v.t.Helper()
	v.Until("the bridge is online", `document.querySelector("#process").textContent === "running"`)
}

// step waits until the strip shows a step.
func (v *visitor) step(what string) {
	v.t.Helper()
	v.Until("the strip shows "+what, fmt.Sprintf(`document.querySelector('#strip [data-what=%q]')`, what))
}

// at waits until the conversation at the desk is in a state.
func (v *visitor) at(state string) {
	v.t.Helper()
	v.Shows("#talk-state", state)
}

// TestPage presses what people press, on both platforms, at the desk and at the switches.
func TestPage(t *testing.T) {
	t.Parallel()
	w := startWeb(t)
	v := &visitor{Page: browsertest.Open(t, browsertest.Screen{}), world: w, t: t}
	v.Go(w.url)
	v.online()
	v.Picture("1-empty")
	v.playSlack()
	v.playDiscord()
	v.FitsWidth()
	for _, broken := range [][]string{w.slack.Violations(), w.discord.Violations(), w.centre.Violations()} {
		if len(broken) > 0 {
			t.Errorf("rules broken: %q", broken)
		}
	}

	second := &visitor{Page: v.Tab(browsertest.Screen{Width: 1000, Height: 700}), world: w, t: t}
	second.Go(w.url)
	second.online()
	second.sees("slack", "My kettle is broken.")
	second.even()
	second.FitsWidth()
	second.Picture("6-second-tab")
	second.write("discord", "From the second tab")
	v.sees("discord", "From the second tab")
	w.stop()
	v.Shows("#lamp", "was it stopped?")
}

// playSlack is a whole conversation of Ada's, with every injury in the middle of it.
func (v *visitor) playSlack() {
	v.t.Helper()
	v.write("slack", "Good morning")
	v.sees("slack", robotGreeting)
	v.write("slack", "hours")
	v.sees("slack", "Our agents are here from 9:00 to 17:00, Monday to Friday.")
	v.button("slack", "ccb:agent")
	v.at("waits")
	v.Shows("#slack .msg.private .words", "I am asking for a human.")
	v.Click("#accept")
	v.write("desk", "Hello Ada, what happened?")
	v.sees("slack", "Hello Ada, what happened?")
	v.write("slack", "My kettle is broken.")
	v.sees("desk", "My kettle is broken.")
	v.even()
	v.Picture("2-talk")

	v.Click("#kill")
	v.Shows("#process", "killed")
	v.write("slack", "It is blue.")
	v.write("desk", "One moment.")
	v.sees("slack", "It is blue.")
	v.Picture("3-killed")
	v.Click("#start")
	v.sees("desk", "It is blue.")
	v.sees("slack", "One moment.")
	v.even()

	v.Click("[data-switch=lost]")
	v.Shows("#armed", "of: centre, Slack, Discord")
	v.write("slack", "The order number is 4711.")
	v.sees("desk", "The order number is 4711.")
	v.write("desk", "Thank you.")
	v.sees("slack", "Thank you.")
	v.step("looked up")
	v.even()
	v.Picture("4-answers-lost")
	v.Click("[data-switch=lost]")

	v.Click("[data-switch=centre]")
	v.Until("the centre is down", `document.querySelector("[data-switch=centre]").ariaPressed === "true"`)
	v.write("slack", "Are you still there?")
	v.step("down")
	v.Click("[data-switch=centre]")
	v.sees("desk", "Are you still there?")

	v.Click("[data-switch=limited]")
	v.Until("Slack is limited", `document.querySelector("[data-switch=limited]").ariaPressed === "true"`)
	v.write("desk", "Yes, I am.")
	v.Until("a refused post", `[...document.querySelectorAll('#strip [data-what="failed"]')].some((e) => e.innerText.includes("agent's words"))`)
	v.Click("[data-switch=limited]")
	v.sees("slack", "Yes, I am.")
	v.even()

	v.button("slack", "ccb:end")
	v.at("ended by the customer")
	v.write("slack", "One more thing")
	v.button("slack", "ccb:again")
	v.at("with the robot")
	v.sees("desk", "One more thing")
	v.Click(`#slack [data-quick="@ccbridge agent"]`)
	v.at("waits")
	v.Click("#accept")
	v.at("with you")
	v.Click("#finish")
	v.Shows("#slack .words", "The agent has ended this conversation.")
	v.even()
}

// playDiscord is Ben's: commands, a forum post, and a kill out of which the bridge comes by itself.
func (v *visitor) playDiscord() {
	v.t.Helper()
	v.Click(`#discord [data-quick="/agent"]`)
	v.Shows("#discord .msg.private .words", "You have no open conversation here.")
	v.write("discord", "price")
	v.sees("discord", "It costs nothing.")
	v.Click(`#discord [data-quick="/agent"]`)
	v.at("waits")
	v.Click("#kill")
	v.Click("#accept")
	v.write("desk", "Hello Ben.")
	v.online()
	v.sees("discord", "Hello Ben.")
	v.write("discord", "<b>Is it</b> *free*?")
	v.sees("desk", "<b>Is it</b> *free*?")
	v.write("desk", "It _is_ <i>free</i>.")
	v.sees("discord", "It _is_ <i>free</i>.")
	v.Click("#line")
	v.write("discord", "Wonderful")
	v.sees("desk", "Wonderful")
	v.even()
	v.Click(`#discord [data-quick="/end"]`)
	v.at("ended by the customer")
	v.write("discord", "Thanks")
	v.button("discord", "ccb:again")
	v.sees("desk", "Thanks")
	v.button("discord", "ccb:end")
	v.at("ended")

	v.Is(`(() => { const w = document.querySelector("#discord [data-where]"); w.value = "forum"; w.dispatchEvent(new Event("change")); return true })()`)
	v.write("discord", "Does it whistle?")
	v.Shows("#discord .unfold", "Post: Does it whistle?")
	v.sees("desk", "Does it whistle?")
	v.even()
	v.Picture("5-both")
}

// TestPageByKeyboard plays without a mouse, on a narrow and dark screen.
func TestPageByKeyboard(t *testing.T) {
	t.Parallel()
	w := startWeb(t)
	v := &visitor{Page: browsertest.Open(t, browsertest.Screen{Width: 360, Height: 740, Dark: true, Still: true}), world: w, t: t}
	v.Go(w.url)
	v.online()
	v.Tabs(".skip")
	v.Key("\r")
	v.Until("the conversations have the focus", `location.hash === "#slack"`)
	v.Tabs("#slack-text")
	v.Key("version\r")
	v.sees("slack", "This is version 1.0 of the simulated contact centre.")
	v.Until("the button", `document.querySelector('#slack [data-action^="ccb:agent"]')`)
	v.Back(`#slack [data-action^="ccb:agent"]`)
	v.Key(" ")
	v.at("waits")
	v.Tabs("#accept")
	v.Key("\r")
	v.Until("the answer has the focus", `document.activeElement.id === "answer-text"`)
	v.Key("Good evening\r")
	v.sees("slack", "Good evening")
	v.Tabs("#kill")
	v.Key(" ")
	v.Shows("#process", "killed")
	v.Tabs("#start")
	v.Key(" ")
	v.online()
	v.even()
	v.FitsWidth()
	v.Picture("narrow-dark")
	if !v.Is(`getComputedStyle(document.body).backgroundColor === "rgb(16, 20, 27)"`) {
		t.Error("the page is not dark")
	}
	v.hostile()
}

// hostile writes what should do harm, and looks whether it is only shown.
func (v *visitor) hostile() {
	v.t.Helper()
	text := `<img src=x onerror="window.harm=1"><script>window.harm=1</script> \u202Edlrow\u2066 ` + strings.Repeat("W", 39_900)
	if err := v.say(deed{Platform: platformSlack, Text: text}); err != nil {
		v.t.Fatal(err)
	}
	v.Until("the text stands there as it is", `[...document.querySelectorAll("#slack .words")].some((e) => e.textContent.startsWith("<img src=x"))`)
	v.FitsWidth()
	if v.Is("window.harm") || v.Is(`document.querySelector(".words *")`) {
		v.t.Error("somebody's words became markup")
	}
	v.Shows("#slack .words", "too long")
	v.even()
}
