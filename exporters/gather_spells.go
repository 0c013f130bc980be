package exporters

import (
	"log/slog"
	"sync"
	"time"
)

// spells turn the results of many scrapes into one log line when a kind of
// trouble begins and one when it ends.
type spells struct {
	logger       *slog.Logger
	begins, ends string // messages

	mu    sync.Mutex           // guards since
	since map[string]time.Time // when each kind of trouble began
}

func newSpells(logger *slog.Logger, begins, ends string) *spells {
	return &spells{logger: logger, begins: begins, ends: ends, since: make(map[string]time.Time)}
}

// note takes the trouble of one scrape, an example for each reason. No trouble
// is nil.
func (s *spells) note(now map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for reason, example := range now {
		if _, known := s.since[reason]; !known {
			s.since[reason] = time.Now()
			s.logger.Warn(s.begins, attributes(reason, slog.String("err", example))...)
		}
	}
	for reason, since := range s.since {
		if _, still := now[reason]; !still {
			delete(s.since, reason)
			s.logger.Info(s.ends, attributes(reason, slog.Duration("took", time.Since(since)))...)
		}
	}
}

func attributes(reason string, fact slog.Attr) []any {
	if reason == "" {
		return []any{fact}
	}
	return []any{slog.String("reason", reason), fact}
}
