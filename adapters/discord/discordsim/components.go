package discordsim

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

const (
	rowComponent    = 1
	buttonComponent = 2
	stringSelect    = 3
	linkStyle       = 5
	premiumStyle    = 6
	maxRows         = 5
	maxInRow        = 5
	maxComponents   = 40
	maxCustomID     = 100
	maxLabel        = 80
	maxOptions      = 25
)

type component struct {
	Type       int               `json:"type"`
	ID         int               `json:"id,omitempty"`
	CustomID   string            `json:"custom_id"`
	Label      string            `json:"label"`
	Style      int               `json:"style"`
	URL        string            `json:"url"`
	Disabled   bool              `json:"disabled"`
	Emoji      json.RawMessage   `json:"emoji"`
	Components []json.RawMessage `json:"components"`
	Options    []json.RawMessage `json:"options"`
}

// checkComponents validates rows of buttons and selects and numbers them as Discord does. The newer layout components
// are let through with their count checked only.
func checkComponents(rows []json.RawMessage, layout bool) ([]json.RawMessage, *apiError) {
	if !layout && len(rows) > maxRows || len(rows) > maxComponents {
		return nil, invalid("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
	}
	next := 1
	seen := map[string]bool{}
	out := []json.RawMessage{}
	for i, raw := range rows {
		path := fmt.Sprintf("components.%d", i)
		var row component
		if json.Unmarshal(raw, &row) != nil {
			return nil, invalid(path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
		}
		if row.Type != rowComponent {
			if !layout {
				return nil, invalid(path+".type", "BASE_TYPE_CHOICES", "Value of field \"type\" must be one of (1,).")
			}
			out = append(out, number(raw, &next, nil))
			continue
		}
		children, refusal := checkRow(row, path, &next, seen)
		if refusal != nil {
			return nil, refusal
		}
		out = append(out, number(raw, &next, children))
	}
	return out, nil
}

func checkRow(row component, path string, next *int, seen map[string]bool) ([]json.RawMessage, *apiError) {
	if len(row.Components) == 0 || len(row.Components) > maxInRow {
		return nil, invalid(path+".components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
	}
	var children []json.RawMessage
	for i, raw := range row.Components {
		at := fmt.Sprintf("%s.components.%d", path, i)
		var c component
		if json.Unmarshal(raw, &c) != nil {
			return nil, invalid(at, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
		}
		if refusal := checkChild(c, at, len(row.Components), seen); refusal != nil {
			return nil, refusal
		}
		children = append(children, number(raw, next, nil))
	}
	return children, nil
}

func checkChild(c component, at string, siblings int, seen map[string]bool) *apiError {
	isSelect := c.Type == stringSelect || c.Type >= 5 && c.Type <= 8
	switch {
	case c.Type != buttonComponent && !isSelect:
		return invalid(at+".type", "BASE_TYPE_CHOICES", "Value of field \"type\" must be one of (2, 3, 5, 6, 7, 8).")
	case isSelect && siblings > 1:
		return invalid(at, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The specified component exceeds the maximum width")
	case c.Type == stringSelect && (len(c.Options) == 0 || len(c.Options) > maxOptions):
		return invalid(at+".options", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 25 in length.")
	case c.Type == buttonComponent && (c.Style < 1 || c.Style > premiumStyle):
		return invalid(at+".style", "BASE_TYPE_CHOICES", "Value must be one of (1, 2, 3, 4, 5, 6).")
	case utf8.RuneCountInString(c.Label) > maxLabel:
		return invalid(at+".label", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 80 in length.")
	case c.Type == buttonComponent && c.Style != premiumStyle && c.Label == "" && (c.Emoji == nil || string(c.Emoji) == "null"):
		return invalid(at, "BUTTON_COMPONENT_INVALID_LABEL", "A button needs a label or an emoji")
	}
	if c.Type == buttonComponent && c.Style == linkStyle {
		if c.URL == "" || c.CustomID != "" {
			return invalid(at+".url", "BASE_TYPE_REQUIRED", "A link button has a URL and no custom_id")
		}
		return nil
	}
	switch n := utf8.RuneCountInString(c.CustomID); {
	case n < 1 || n > maxCustomID:
		return invalid(at+".custom_id", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
	case seen[c.CustomID]:
		return invalid(at+".custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
	}
	seen[c.CustomID] = true
	return nil
}

// number gives a component its id, and its children if there are any.
func number(raw json.RawMessage, next *int, children []json.RawMessage) json.RawMessage {
	var o map[string]any
	if json.Unmarshal(raw, &o) != nil {
		return raw
	}
	o["id"] = *next
	*next++
	if children != nil {
		o["components"] = children
	}
	b, err := json.Marshal(o)
	if err != nil {
		return raw
	}
	return b
}

// buttons lists the buttons of a message.
func (m *message) buttons() []Button {
	var list []Button
	for _, raw := range m.Components {
		var row component
		if json.Unmarshal(raw, &row) != nil {
			continue
		}
		for _, child := range row.Components {
			var c component
			if json.Unmarshal(child, &c) == nil && c.Type == buttonComponent {
				list = append(list, Button{CustomID: c.CustomID, Label: c.Label, Style: c.Style, Disabled: c.Disabled})
			}
		}
	}
	return list
}
