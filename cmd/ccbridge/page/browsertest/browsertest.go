// Package browsertest opens the program's pages in a real browser, for the tests of those pages. It is not part of the
// program.
package browsertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Screen is what a page is looked at with. The zero value is a wide, light one.
type Screen struct {
	Width, Height int  // in CSS pixels; 1440 × 900 if zero
	Dark          bool // the person prefers a dark page
	Still         bool // the person wants no motion
}

// names are those under which the browser may be installed. On Ubuntu the first may be a stub that cannot run.
var names = []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome"}

// installed is the path of a browser that runs, or "".
var installed = sync.OnceValue(func() string {
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		err = exec.CommandContext(ctx, path, "--version").Run()
		cancel()
		if err == nil {
			return path
		}
	}
	return ""
})

// Page is one tab of a browser. Its methods end the test if they fail.
type Page struct {
	t   testing.TB
	ctx context.Context

	mu     sync.Mutex
	faults []string
}

// Open starts a browser with an empty profile, for this test alone. Without a browser the test is skipped. A fault that
// the page's console shows, a break of the content security policy for instance, fails the test at its end.
func Open(t testing.TB, s Screen) *Page {
	t.Helper()
	path := installed()
	if path == "" {
		t.Skipf("no browser is installed (looked for %s): the pages are not tested", strings.Join(names, ", "))
	}
	flags := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.DisableGPU)
	if os.Geteuid() == 0 {
		flags = append(flags, chromedp.NoSandbox) // root cannot use the sandbox
	}
	for _, name := range []string{"disable-quic", "disable-component-update", "no-pings", "mute-audio"} {
		flags = append(flags, chromedp.Flag(name, true))
	}
	ctx, closeBrowser := chromedp.NewExecAllocator(context.Background(), flags...)
	t.Cleanup(closeBrowser) // waits for its end
	return open(t, ctx, s)
}

// Tab opens a further tab in the same browser.
func (p *Page) Tab(s Screen) *Page {
	p.t.Helper()
	return open(p.t, p.ctx, s)
}

func open(t testing.TB, parent context.Context, s Screen) *Page {
	t.Helper()
	p := &Page{t: t}
	ctx, closeTab := chromedp.NewContext(parent, chromedp.WithListener(p.hear))
	p.ctx = ctx
	t.Cleanup(func() {
		closeTab()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, fault := range p.faults {
			t.Errorf("the browser's console: %s", fault)
		}
	})
	if s.Width == 0 {
		s.Width, s.Height = 1440, 900
	}
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "light"}}
	if s.Dark {
		features[0].Value = "dark"
	}
	if s.Still {
		features = append(features, &emulation.MediaFeature{Name: "prefers-reduced-motion", Value: "reduce"})
	}
	// The first action starts tab and browser, and they end with its context: it must have no time limit.
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(int64(s.Width), int64(s.Height))); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	do(p, "listen to the console", func(ctx context.Context, _ *chromedp.Target) (any, error) {
		return chromedp.Call(ctx, cdplog.Enable, cdp.Empty{})
	})
	do(p, "prefer colours and motion", func(ctx context.Context, _ *chromedp.Target) (any, error) {
		return chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
	})
	return p
}

// hear collects what the console shows. A refused request is no fault of the page.
func (p *Page) hear(ev any) {
	fault := ""
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		fault = ev.ExceptionDetails.Text
		if ev.ExceptionDetails.Exception != nil {
			fault += " " + ev.ExceptionDetails.Exception.Description
		}
	case *cdplog.EventEntryAdded:
		if ev.Entry.Level == cdplog.EntryLevelError && ev.Entry.Source != cdplog.EntrySourceNetwork {
			fault = ev.Entry.Text
		}
	}
	if fault != "" {
		p.mu.Lock()
		p.faults = append(p.faults, fault)
		p.mu.Unlock()
	}
}

// patience is how long a page may take for anything.
const patience = 30 * time.Second

// do carries out an action and gives its value; what it does is said if it fails.
func do[T any](p *Page, doing string, action chromedp.Action[T]) T {
	p.t.Helper()
	value, err := try(p, action)
	if err != nil {
		p.fail("%s: %v", doing, err)
	}
	return value
}

func try[T any](p *Page, action chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, action)
}

// fail ends the test, with a picture of the page as it is.
func (p *Page) fail(format string, args ...any) {
	p.t.Helper()
	if picture, err := try(p, chromedp.FullScreenshot(100)); err == nil {
		p.keep("failed", picture)
	}
	p.t.Fatalf(format, args...)
}

// Go opens an address and waits until the page is loaded.
func (p *Page) Go(url string) {
	p.t.Helper()
	do(p, "open "+url, chromedp.Navigate(url))
}

// Click clicks on the element that a CSS selector names, once it can be seen.
func (p *Page) Click(selector string) {
	p.t.Helper()
	do(p, "click on "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Type puts the focus on an element, once it can be written into, and types. "\r" is Enter.
func (p *Page) Type(selector, text string) {
	p.t.Helper()
	p.Until(selector+" can be written into", fmt.Sprintf("document.querySelector(%q)?.matches(':enabled')", selector))
	do(p, "type into "+selector, chromedp.SendKeys(chromedp.CSS(selector), text, chromedp.NodeVisible))
}

// Key types where the focus is; for the names of keys see package kb.
func (p *Page) Key(keys string) {
	p.t.Helper()
	do(p, "press keys", chromedp.KeyEvent(keys))
}

// Tabs presses Tab until an element that the CSS selector names has the focus: it must be reached with the keyboard.
func (p *Page) Tabs(selector string) {
	p.t.Helper()
	p.reach(selector, chromedp.KeyEvent(kb.Tab))
}

// Back does the same with Shift+Tab.
func (p *Page) Back(selector string) {
	p.t.Helper()
	p.reach(selector, chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(kb.ModifierShift)))
}

func (p *Page) reach(selector string, tab chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	const most = 200
	for range most {
		if p.Is(fmt.Sprintf("document.activeElement.matches(%q)", selector)) {
			return
		}
		do(p, "press Tab", tab)
	}
	p.fail("%s cannot be reached with Tab", selector)
}

// Is asks for a JavaScript expression that is true or false.
func (p *Page) Is(expression string) bool {
	p.t.Helper()
	return do(p, expression, chromedp.Evaluate[bool]("!!("+expression+")"))
}

// Text is what can be read in the first element that the CSS selector names; "" if there is none.
func (p *Page) Text(selector string) string {
	p.t.Helper()
	return do(p, "read "+selector, chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector)))
}

// Until waits until a JavaScript expression is true; what says what is waited for.
func (p *Page) Until(what, expression string) {
	p.t.Helper()
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for {
		is, err := try(p, chromedp.Evaluate[bool]("!!("+expression+")"))
		if is {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			p.fail("%s: not seen in %s (%s; %v)", what, patience, expression, err)
		case <-p.ctx.Done():
			p.t.Fatalf("%s: the browser is gone", what)
		}
	}
}

// Shows waits until an element that the CSS selector names contains text.
func (p *Page) Shows(selector, text string) {
	p.t.Helper()
	p.Until(fmt.Sprintf("%q in %s", text, selector),
		fmt.Sprintf("[...document.querySelectorAll(%q)].some(e => e.innerText.includes(%q))", selector, text))
}

// FitsWidth fails the test if the page can be scrolled sideways.
func (p *Page) FitsWidth() {
	p.t.Helper()
	wide := do(p, "measure the page", chromedp.Evaluate[string](`document.documentElement.scrollWidth <= innerWidth ? "" : document.documentElement.scrollWidth + " of " + innerWidth +
		" pixels: " + [...document.body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 8)
		.map(e => e.tagName + "." + e.className + "#" + e.id).join(" ")`))
	if wide != "" {
		p.fail("the page is wider than the screen: %s", wide)
	}
}

// Picture keeps a picture of the whole page as output of the test: in the folder that the variable
// CCBRIDGE_SCREENSHOTS names, else in the test's artifacts.
func (p *Page) Picture(name string) {
	p.t.Helper()
	p.keep(name, do(p, "make a picture", chromedp.FullScreenshot(100)))
}

func (p *Page) keep(name string, picture []byte) {
	p.t.Helper()
	folder := os.Getenv("CCBRIDGE_SCREENSHOTS")
	if folder == "" {
		folder = p.t.ArtifactDir()
	}
	path := filepath.Join(folder, strings.ReplaceAll(p.t.Name(), "/", "-")+"-"+name+".png")
	err := errors.Join(os.MkdirAll(folder, 0o755), os.WriteFile(path, picture, 0o644))
	if err != nil {
		p.t.Errorf("keep a picture: %v", err)
		return
	}
	p.t.Logf("picture: %s", path)
}
