package store

import (
	"context"
	"fmt"
	"time"

	"ccbridge/bridge"
)

// Shadows implements bridge.ConsoleStore.
func (s *Store) Shadows(ctx context.Context, since time.Time, texts bool) ([]bridge.ShadowView, error) {
	var views []bridge.ShadowView
	err := s.eachCustomer(ctx, bridge.Span{From: since}, func(t customerOf) error {
		list, err := s.thread(ctx, t.ThreadRef)
		if err != nil {
			return err
		}
		if v := shadowOf(list, since, texts); v.Made() > 0 {
			v.Thread = t.Key
			views = append(views, v)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what shadows would have done: %w", err)
	}
	return views, nil
}

// shadowOf counts what would have been done in a thread.
func shadowOf(list []kept, since time.Time, texts bool) bridge.ShadowView {
	v := bridge.ShadowView{Calls: map[bridge.CallKind]int{}, Posts: map[bridge.MessageKind]int{}}
	shadows := map[int]bool{} // sessions
	for _, k := range list {
		shadows[k.session] = shadows[k.session] || k.outcome == bridge.Shadowed
	}
	for _, k := range list {
		switch {
		case k.at.Before(since): // or not settled yet
		case k.kind == kindDead && shadows[k.session]:
			v.Refused++
		case k.outcome != bridge.Shadowed:
		case k.direction == bridge.Up:
			v.Calls[bridge.CallKind(k.kind)]++
			if texts && k.delivery.Call != nil && k.delivery.Call.Content != "" {
				v.Lines = append(v.Lines, bridge.ShadowLine{At: k.at, Session: k.session, Kind: k.kind, Text: k.delivery.Call.Content})
			}
		default:
			v.Posts[bridge.MessageKind(k.kind)]++
			if m := k.delivery.Message; texts && m != nil && k.delivery.Piece == 0 {
				v.Lines = append(v.Lines, bridge.ShadowLine{At: k.at, Session: k.session, Kind: k.kind, Text: m.Text})
			}
		}
	}
	return v
}
