package telegram

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"chasqui/channel"
)

// poisonTries is how often one update is tried. A message that can never be taken in must not keep
// everybody else's from coming.
const poisonTries = 5

// emptyPause follows an answer that came at once and brought nothing.
const emptyPause = 200 * time.Millisecond

// poll asks for updates until ctx ends. The offset, which is Telegram's acknowledgement, moves past an
// update only after receive returned nil.
func (c *Channel) poll(ctx context.Context, receive channel.Receive) error {
	offset := 0
	pause := c.settings.Backoff
	for ctx.Err() == nil {
		asked := time.Now()
		batch, err := c.updates(ctx, offset)
		switch {
		case final(err):
			return fmt.Errorf("poll Telegram: %w", err)
		case err != nil:
			if ctx.Err() != nil {
				return nil
			}
			c.log.Warn("polling failed", "error", err)
			if pause, err = c.wait(ctx, pause, err); err != nil {
				return nil
			}
			continue
		}
		pause = c.settings.Backoff
		for _, raw := range batch {
			id, ok := c.take(ctx, raw, receive)
			if !ok {
				return nil
			}
			offset = max(offset, id+1)
		}
		if len(batch) == 0 && time.Since(asked) < c.settings.PollTimeout/10 {
			// An answer that neither waits nor brings anything would otherwise be asked for a thousand
			// times a second.
			if _, err := c.wait(ctx, min(c.settings.Backoff, emptyPause), nil); err != nil {
				return nil
			}
		}
	}
	return nil
}

func (c *Channel) updates(ctx context.Context, offset int) ([]json.RawMessage, error) {
	raw, err := c.call(ctx, "getUpdates", tg.Params{
		"offset": strconv.Itoa(offset), "timeout": strconv.Itoa(int(c.settings.PollTimeout.Seconds())), "limit": "100", "allowed_updates": allowedUpdates,
	})
	if err != nil {
		return nil, err
	}
	var batch []json.RawMessage
	if err := json.Unmarshal(raw, &batch); err != nil {
		return nil, &channel.SendError{Fault: channel.Temporary, Err: fmt.Errorf("read updates: %w", err)}
	}
	return batch, nil
}

// take gives one update to the bot, again and again until it is committed, and returns its number; ok is
// false when ctx ended first.
func (c *Channel) take(ctx context.Context, raw json.RawMessage, receive channel.Receive) (id int, ok bool) {
	var numbered struct {
		UpdateID int `json:"update_id"`
	}
	if err := json.Unmarshal(raw, &numbered); err != nil {
		c.log.Error("an update has no number")
		return 0, true
	}
	pause := c.settings.Backoff
	for try := 1; ; try++ {
		err := c.handle(ctx, raw, receive)
		if err == nil {
			return numbered.UpdateID, true
		}
		if ctx.Err() != nil {
			return 0, false
		}
		if try == poisonTries {
			c.log.Error("an update was given up", "update", numbered.UpdateID, "error", err)
			return numbered.UpdateID, true
		}
		c.log.Warn("an update was not taken in", "update", numbered.UpdateID, "try", try, "error", err)
		if pause, err = c.wait(ctx, pause, nil); err != nil {
			return 0, false
		}
	}
}

// handle takes one update in. A panic on a message of a form that nobody foresaw costs that message,
// not the bot.
func (c *Channel) handle(ctx context.Context, raw []byte, receive channel.Receive) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	u, err := decodeUpdate(raw)
	if err != nil {
		return err
	}
	if u.CallbackQuery != nil {
		// The wheel on the button must stop whatever came of the tap.
		defer c.answer(u.CallbackQuery.ID)
	}
	m, ok := c.read(u)
	if !ok {
		return nil
	}
	return receive(ctx, m)
}

// answer stops the wheel on a tapped button. It runs beside, so that a slow answer holds up nobody;
// Run waits for it.
func (c *Channel) answer(id string) {
	c.answers.Add(1)
	go func() {
		defer c.answers.Done()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if _, err := c.call(ctx, "answerCallbackQuery", tg.Params{"callback_query_id": id}); err != nil && !says(err, "query is too old") {
			c.log.Warn("a tap was not answered", "error", err)
		}
	}()
}
