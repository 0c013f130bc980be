package exporters

import (
	"log/slog"
	"time"
)

// trouble turns a run of results into one log line when exports begin to fail,
// to be taken only in part, or to be complained about, and one when that ends.
type trouble struct {
	failing, partial, warned spell
}

type spell struct {
	since   time.Time // zero if all is well
	exports int
}

func (t *trouble) note(logger *slog.Logger, r exportResult) {
	now := time.Now()
	if r.err != nil {
		if t.failing.begins(now) {
			logger.Warn("push to collector fails", "reason", string(r.reason), "err", r.err)
		}
		return
	}
	if t.failing.exports > 0 {
		took, exports := t.failing.ends(now)
		logger.Info("push to collector works again", "took", took, "failed", exports)
	}
	if r.rejected > 0 {
		if t.partial.begins(now) {
			logger.Warn("collector rejects part of the push", "points", r.rejected, "err", r.warning)
		}
	} else if t.partial.exports > 0 {
		took, exports := t.partial.ends(now)
		logger.Info("collector takes the whole push again", "took", took, "exports", exports)
	}
	if r.rejected == 0 && r.warning != "" { // it took everything, and has a word to say
		if t.warned.begins(now) {
			logger.Warn("collector warns about the push", "err", r.warning)
		}
	} else if t.warned.exports > 0 {
		took, exports := t.warned.ends(now)
		logger.Info("collector no longer warns about the push", "took", took, "exports", exports)
	}
}

// begins counts an export and reports whether it is the first of the spell.
func (s *spell) begins(now time.Time) bool {
	s.exports++
	if s.exports == 1 {
		s.since = now
	}
	return s.exports == 1
}

func (s *spell) ends(now time.Time) (took time.Duration, exports int) {
	took, exports = now.Sub(s.since), s.exports
	*s = spell{}
	return took, exports
}
