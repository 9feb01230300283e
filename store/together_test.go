package store_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"chasqui/channel"
	"chasqui/outbox"
	"chasqui/store"
)

// TestChangesThatShareATransactionStandAloneAndAllLast queues from many goroutines at once. One draft in five breaks a
// rule of the schema: its queueing fails, with all that came with it, and takes no other down.
func TestChangesThatShareATransactionStandAloneAndAllLast(t *testing.T) {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "chasqui.db"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	const callers, each = 40, 10
	var group sync.WaitGroup
	for g := range callers {
		group.Go(func() {
			for i := range each {
				drafts := []outbox.Draft{{Lane: outbox.Reply, To: channel.Address{Network: channel.Telegram, ID: fmt.Sprint(g)}}}
				wrong := i%5 == 0
				if wrong {
					drafts = append(drafts, outbox.Draft{Lane: outbox.Reply, To: channel.Address{Network: "smoke", ID: "signals"}})
				}
				if err := s.Enqueue(t.Context(), drafts, time.Now()); (err != nil) != wrong {
					t.Errorf("caller %d, draft %d: %v", g, i, err)
				}
			}
		})
	}
	group.Wait()
	f, err := s.Figures(t.Context(), time.Now())
	if want := callers * each * 4 / 5; err != nil || f.Queued != want {
		t.Errorf("%d are queued, want %d, %v", f.Queued, want, err)
	}
}
