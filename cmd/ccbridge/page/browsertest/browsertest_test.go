package browsertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestPage: what the pages' tests rely on, in one small page.
func TestPage(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<!doctype html><title>Small</title><a href="#x">first</a><form onsubmit="out.textContent = word.value; return false">
			<input id="word"><button>Say</button></form><output id="out"></output>
			<style>body { background: white } @media (prefers-color-scheme: dark) { body { background: black } }</style>`)
	}))
	defer srv.Close()
	p := Open(t, Screen{Width: 360, Height: 640, Dark: true})
	p.Go(srv.URL)
	p.Type("#word", "hello\r")
	p.Shows("#out", "hello")
	p.Tabs("button")
	p.Type("#word", ", you")
	p.Click("button")
	p.Shows("#out", "hello, you")
	if got := p.Text("#out"); got != "hello, you" {
		t.Errorf("the page shows %q", got)
	}
	if !p.Is(`getComputedStyle(document.body).backgroundColor == "rgb(0, 0, 0)"`) || !p.Is("innerWidth == 360") {
		t.Error("the screen is not as asked for")
	}
	p.FitsWidth()
	p.Picture("end")
	second := p.Tab(Screen{})
	second.Go(srv.URL)
	if second.Text("#out") != "" || !second.Is("innerWidth == 1440") {
		t.Error("the second tab is not its own")
	}
}
