package demo

import (
	"fmt"
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

func TestPageLooks(t *testing.T) {
	t.Parallel()
	w := startWeb(t)
	v := &visitor{Page: browsertest.Open(t, browsertest.Screen{Width: 1440, Height: 900}), world: w, t: t}
	v.Go(w.url)
	v.online()
	v.Picture("empty")
	v.write("slack", "hours")
	v.sees("slack", "Our agents are here from 9:00 to 17:00, Monday to Friday.")
	v.write("discord", "My kettle is broken")
	v.button("discord", "ccb:agent")
	v.Click("#accept")
	v.write("desk", "Hello Ben, what happened?")
	v.sees("discord", "Hello Ben, what happened?")
	v.even()
	v.Picture("talk")
}
