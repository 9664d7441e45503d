package slacksim

import (
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"
)

// block is a block or an element, as far as it is checked here.
type block struct {
	Type      string            `json:"type"`
	BlockID   string            `json:"block_id"`
	ActionID  string            `json:"action_id"`
	Text      json.RawMessage   `json:"text"` // an object, or a string in markdown blocks
	Fields    []json.RawMessage `json:"fields"`
	Elements  []json.RawMessage `json:"elements"`
	Accessory json.RawMessage   `json:"accessory"`
	Value     string            `json:"value"`
	URL       string            `json:"url"`
	Style     json.RawMessage   `json:"style"` // a word in buttons, an object in rich text
	UserID    string            `json:"user_id"`
	GroupID   string            `json:"usergroup_id"`
	Range     string            `json:"range"`
}

// messageBlocks are the types chat.postMessage takes. Slack refuses alert, card, carousel and their like here.
var messageBlocks = set([]string{"actions", "context", "context_actions", "divider", "file", "header", "image", "input", "markdown", "rich_text",
	"section", "table", "video"})

// checker collects what is wrong with blocks, and whom they notify.
type checker struct {
	faults   []string
	pings    []string
	ids      map[string]bool
	markdown int
}

// checkBlocks refuses what Slack refuses and lists whom the blocks notify. Limits: Slack's block reference pages.
func checkBlocks(text string) ([]string, *refusal) {
	var list []json.RawMessage
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, refuse("invalid_blocks_format")
	}
	c := &checker{ids: map[string]bool{}}
	if len(list) > 50 {
		c.fault("/blocks", "no more than 50 items allowed")
	}
	for i, raw := range list {
		c.block(fmt.Sprintf("/blocks/%d", i), raw)
	}
	switch {
	case len(c.faults) > 0:
		return nil, refuse("invalid_blocks", c.faults...)
	case c.markdown > maxMarkdown:
		return nil, refuse("msg_blocks_too_long")
	}
	return c.pings, nil
}

func (c *checker) fault(at, what string) {
	c.faults = append(c.faults, what+" [json-pointer:"+at+"]")
}

func (c *checker) length(at, text string, most int) {
	switch n := utf8.RuneCountInString(text); {
	case n > most:
		c.fault(at, fmt.Sprintf("must be less than %d characters", most+1))
	case n == 0:
		c.fault(at, "must be more than 0 characters")
	}
}

func (c *checker) count(at string, list []json.RawMessage, most int) {
	if len(list) == 0 || len(list) > most {
		c.fault(at, fmt.Sprintf("must have 1 to %d items", most))
	}
}

func (c *checker) block(at string, raw json.RawMessage) {
	var b block
	if err := json.Unmarshal(raw, &b); err != nil {
		c.fault(at, "must be an object with fields of the right types")
		return
	}
	if !messageBlocks[b.Type] {
		c.fault(at+"/type", "unsupported type: "+b.Type)
		return
	}
	if len(b.BlockID) > 255 {
		c.fault(at+"/block_id", "must be less than 256 characters")
	}
	if b.BlockID != "" && b.Type != "markdown" {
		if c.ids[b.BlockID] {
			c.fault(at+"/block_id", "block_id already exists")
		}
		c.ids[b.BlockID] = true
	}
	switch b.Type {
	case "section":
		c.section(at, b)
	case "header":
		c.text(at+"/text", b.Text, 150, "plain_text")
	case "context":
		c.count(at+"/elements", b.Elements, 10)
		for i, e := range b.Elements {
			var el block
			if json.Unmarshal(e, &el) == nil && el.Type != "image" {
				c.text(fmt.Sprintf("%s/elements/%d", at, i), e, 3000, "plain_text", "mrkdwn")
			}
		}
	case "actions":
		c.count(at+"/elements", b.Elements, 25)
		seen := map[string]bool{}
		for i, e := range b.Elements {
			c.element(fmt.Sprintf("%s/elements/%d", at, i), e, seen)
		}
	case "markdown":
		var text string
		if json.Unmarshal(b.Text, &text) != nil || text == "" {
			c.fault(at+"/text", "must be a text")
		}
		c.markdown += utf8.RuneCountInString(text)
		c.pings = append(c.pings, pings(text)...)
	case "rich_text":
		c.rich(raw, 0)
	}
}

func (c *checker) section(at string, b block) {
	if b.Text == nil && b.Fields == nil {
		c.fault(at, "must have text or fields")
	}
	if b.Text != nil {
		c.text(at+"/text", b.Text, 3000, "plain_text", "mrkdwn")
	}
	if b.Fields != nil {
		c.count(at+"/fields", b.Fields, 10)
	}
	for i, f := range b.Fields {
		c.text(fmt.Sprintf("%s/fields/%d", at, i), f, 2000, "plain_text", "mrkdwn")
	}
	if b.Accessory != nil {
		c.element(at+"/accessory", b.Accessory, map[string]bool{})
	}
}

// text checks a text object.
func (c *checker) text(at string, raw json.RawMessage, most int, types ...string) {
	var t struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(raw, &t); err != nil || !slices.Contains(types, t.Type) {
		c.fault(at, "must be a valid text object")
		return
	}
	c.length(at+"/text", t.Text, most)
	if t.Type == "mrkdwn" {
		c.pings = append(c.pings, pings(t.Text)...)
	}
}

// element checks an interactive element; only buttons in depth.
func (c *checker) element(at string, raw json.RawMessage, seen map[string]bool) {
	var e block
	if err := json.Unmarshal(raw, &e); err != nil || e.Type == "" {
		c.fault(at, "must be a valid element")
		return
	}
	if len(e.ActionID) > 255 {
		c.fault(at+"/action_id", "must be less than 256 characters")
	}
	if e.ActionID != "" && seen[e.ActionID] {
		c.fault(at+"/action_id", "action_id already exists")
	}
	seen[e.ActionID] = true
	if e.Type != "button" {
		return
	}
	c.text(at+"/text", e.Text, 75, "plain_text")
	if utf8.RuneCountInString(e.Value) > 2000 {
		c.fault(at+"/value", "must be less than 2001 characters")
	}
	if len(e.URL) > 3000 {
		c.fault(at+"/url", "must be less than 3001 characters")
	}
	if s := string(e.Style); s != "" && s != `""` && s != `"primary"` && s != `"danger"` {
		c.fault(at+"/style", "must be primary or danger")
	}
}

// rich looks for mentions in a rich_text block; its nesting is bounded.
func (c *checker) rich(raw json.RawMessage, depth int) {
	var e block
	if json.Unmarshal(raw, &e) != nil || depth > 6 {
		return
	}
	switch e.Type {
	case "user":
		c.pings = append(c.pings, e.UserID)
	case "usergroup":
		c.pings = append(c.pings, e.GroupID)
	case "broadcast":
		c.pings = append(c.pings, e.Range)
	}
	for _, inner := range e.Elements {
		c.rich(inner, depth+1)
	}
}

// button finds a button in blocks, and the id of its block.
func button(blocks json.RawMessage, actionID, value string) (raw json.RawMessage, blockID string) {
	var list []block
	if json.Unmarshal(blocks, &list) != nil {
		return nil, ""
	}
	for i, b := range list {
		for _, e := range append(slices.Clone(b.Elements), b.Accessory) {
			var el block
			if json.Unmarshal(e, &el) == nil && el.ActionID == actionID && (value == "" || el.Value == value) {
				if b.BlockID == "" {
					b.BlockID = fmt.Sprintf("b%d", i)
				}
				return e, b.BlockID
			}
		}
	}
	return nil, ""
}
