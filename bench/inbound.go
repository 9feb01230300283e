package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"chasqui/channel"
)

// InboundFigures are what one run measured.
type InboundFigures struct {
	Store    string  `json:"store"`
	Commands float64 `json:"commands_per_s"`
	FAQ      float64 `json:"faq_per_s"`
	IdleP50  float64 `json:"idle_p50_ms"`
}

const (
	inboundFor = 5 * time.Second
	// perChat is how many turns one chat takes: fewer than what the guard against two bots that talk to each other lets
	// through.
	perChat   = 20
	idleTurns = 200
	atOnce    = 32
)

var (
	commands  = []string{"/help", "/groups", "/language", "/mydata"}
	questions = []string{
		"combien de jours je peux rester au pérou", "cuanto dura el seguro", "how do I register at the embassy", "j'ai perdu mon passeport",
		"donde cambio dinero", "where can I get vaccinated", "quel visa pour un service civique", "que hago si me enfermo", "horaires du consulat",
	}
)

// MeasureInbound measures turns through receive, which is the bot's with its store and the whole FAQ: commands and
// questions, as many as come in at once, and how long one takes when nothing else happens.
func MeasureInbound(ctx context.Context, receive channel.Receive) (InboundFigures, error) {
	f := InboundFigures{Store: "sqlite"}
	var in inbound
	in.receive = receive
	var err error
	if f.Commands, err = in.rate(ctx, commands); err != nil {
		return f, fmt.Errorf("measure commands: %w", err)
	}
	if f.FAQ, err = in.rate(ctx, questions); err != nil {
		return f, fmt.Errorf("measure questions: %w", err)
	}
	var waits []time.Duration
	for i := range idleTurns {
		began := time.Now()
		if err := in.turn(ctx, commands[i%len(commands)]); err != nil {
			return f, fmt.Errorf("measure an idle bot: %w", err)
		}
		waits = append(waits, time.Since(began))
	}
	slices.Sort(waits)
	f.IdleP50 = float64(waits[len(waits)/2].Microseconds()) / 1000
	return f, nil
}

// inbound makes messages. Each chat takes a few, then there is another one.
type inbound struct {
	receive channel.Receive
	n       atomic.Int64
}

func (in *inbound) turn(ctx context.Context, text string) error {
	n := in.n.Add(1)
	chat := strconv.FormatInt(5_000_000_000+n/perChat, 10)
	return in.receive(ctx, channel.Message{
		Kind: channel.Text, ID: strconv.FormatInt(n, 10), Chat: channel.Address{Network: channel.Telegram, ID: chat},
		From: channel.Sender{ID: chat, Name: "P", Language: "fr"}, At: time.Now(), Addressed: true, Text: text,
	})
}

// rate is how many turns a second are taken in when many come at once.
func (in *inbound) rate(ctx context.Context, texts []string) (perSecond float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, inboundFor)
	defer cancel()
	var group sync.WaitGroup
	var done atomic.Int64
	failed := make(chan error, 1)
	began := time.Now()
	for range atOnce {
		group.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				// A turn is finished even when the time is over.
				if err := in.turn(context.WithoutCancel(ctx), texts[i%len(texts)]); err != nil {
					select {
					case failed <- err:
					default:
					}
					return
				}
				done.Add(1)
			}
		})
	}
	group.Wait()
	select {
	case err = <-failed:
	default:
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		err = errors.Join(err, ctx.Err())
	}
	return float64(done.Load()) / time.Since(began).Seconds(), err
}
