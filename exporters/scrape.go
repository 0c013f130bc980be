package exporters

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// maxAnswers bounds how many answers are encoded and sent at once: each pins its
// body for as long as its reader is slow. Scrapes that still wait for a
// collection cost a goroutine each, and share its result.
const maxAnswers = 40

// scrape is one request on its way to an answer.
type scrape struct {
	exporter *Prometheus
	request  *http.Request
	writer   http.ResponseWriter
	metrics  *scrapeMetrics
	arrived  time.Time
	timeout  time.Duration
}

func (p *Prometheus) serve(w http.ResponseWriter, r *http.Request) {
	s := scrape{
		exporter: p,
		request:  r,
		writer:   w,
		metrics:  p.collector.attached.Load(),
		arrived:  time.Now(),
		timeout:  scrapeTimeout(r.Header),
	}
	defer s.metrics.begin()()
	s.serve()
}

func (s *scrape) serve() {
	deadline := s.arrived.Add(s.timeout - scrapeMargin(s.timeout))
	ctx, cancel := context.WithDeadline(s.request.Context(), deadline)
	defer cancel()
	families, err := s.gather(ctx)
	if err == nil {
		err = s.exporter.takeSlot(ctx)
	}
	if err != nil {
		s.refuse(err)
		return
	}
	defer s.exporter.giveSlot()
	body := bodies.Get().(*bytes.Buffer)
	defer putBody(body)
	s.encode(body, families)
	s.send(body) // a slow reader pins the encoded answer, and no families
}

// takeSlot waits for the right to encode an answer.
func (p *Prometheus) takeSlot(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return errTooMany
	}
}

func (p *Prometheus) giveSlot() { <-p.slots }

func (s *scrape) gather(ctx context.Context) ([]*dto.MetricFamily, error) {
	if m := s.request.Method; m != http.MethodGet && m != http.MethodHead {
		return nil, errNoMethod
	}
	if s.metrics == nil {
		return nil, errNotYet
	}
	families, joined, err := s.exporter.gatherer.gather(ctx)
	if joined {
		s.metrics.coalesced.Inc()
	}
	return families, err
}

func (s *scrape) encode(body *bytes.Buffer, families []*dto.MetricFamily) {
	format, compress := negotiateFormat(s.request.Header), acceptsGzip(s.request.Header)
	families = selectFamilies(families, s.request.URL.Query()["name[]"])
	var lost losses
	encode(body, families, format, compress, &lost)
	s.metrics.count(lost)

	header := s.writer.Header()
	header.Set("Content-Type", string(format))
	header.Set("Content-Length", strconv.Itoa(body.Len()))
	header.Add("Vary", "Accept")
	header.Add("Vary", "Accept-Encoding")
	if compress {
		header.Set("Content-Encoding", "gzip")
	}
}

// send writes an answer that is complete. The scraper's timeout bounds it: who
// reads more slowly is not waiting any more.
func (s *scrape) send(body *bytes.Buffer) {
	s.exporter.late.note(nil)
	s.metrics.answered(http.StatusOK, time.Since(s.arrived))
	if s.request.Method == http.MethodHead {
		s.writer.WriteHeader(http.StatusOK)
		return
	}
	// Writers that know no deadline, of tests and of wrapping handlers, go without.
	control := http.NewResponseController(s.writer)
	_ = control.SetWriteDeadline(s.arrived.Add(s.timeout))
	if _, err := s.writer.Write(body.Bytes()); err != nil {
		return // the scraper has gone
	}
	_ = control.Flush()
	_ = control.SetWriteDeadline(time.Time{}) // the connection may serve other requests
}

// refuse answers with a status and one line that says nothing of what is inside.
func (s *scrape) refuse(err error) {
	header, status := s.writer.Header(), http.StatusServiceUnavailable
	switch {
	case errors.Is(err, errNoMethod):
		header.Set("Allow", "GET, HEAD")
		status = http.StatusMethodNotAllowed
	case errors.Is(err, errTooMany):
		header.Set("Retry-After", "1")
	case errors.Is(err, errTooLate):
		s.noteLate()
	case errors.Is(err, errStopped), errors.Is(err, errNotYet), errors.Is(err, errEmpty):
	default:
		err, status = errCollect, http.StatusInternalServerError
	}
	s.metrics.answered(status, time.Since(s.arrived))
	http.Error(s.writer, err.Error(), status)
}

// noteLate tells the log of a deadline that passed. A scraper that went away by
// itself is no trouble of ours.
func (s *scrape) noteLate() {
	if s.request.Context().Err() == nil {
		s.exporter.late.note(map[string]string{"": errTooLate.Error()})
	}
}

// bodies are kept for the next scrape, but for the largest: a series takes about
// 60 bytes, a histogram of 16 buckets a kilobyte.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

const maxKeptBody = 4 << 20

func putBody(body *bytes.Buffer) {
	if body.Cap() <= maxKeptBody {
		body.Reset()
		bodies.Put(body)
	}
}
