package bridge

import (
	"context"
	"errors"
)

// Erase implements Console.
func (c console) Erase(context.Context, string, UserID) (Erased, error) {
	return Erased{}, errors.New("not yet")
}
