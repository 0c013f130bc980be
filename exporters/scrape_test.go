package exporters

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/telltale-agent/telltale/instruments"
)

const (
	textContent  = "text/plain; version=0.0.4; charset=utf-8"
	protoContent = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
)

// acceptHeaders are what scrapers send; the first is that of Prometheus 3.
var acceptHeaders = []struct{ name, accept, content string }{
	{"Prometheus 3", "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6," +
		"application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4," +
		"text/plain;version=0.0.4;q=0.3,*/*;q=0.2", textContent},
	{"Prometheus 3, native histograms", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6," +
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4," +
		"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1", protoContent},
	{"Prometheus 2", "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75," +
		"text/plain;version=0.0.4;q=0.5,*/*;q=0.1", textContent},
	{"Prometheus 2, protobuf", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited," +
		"application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", protoContent},
	{"none", "", textContent},
	{"curl", "*/*", textContent},
	{"browser", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", textContent},
	{"OpenMetrics only", "application/openmetrics-text;version=1.0.0", textContent},
	{"OpenMetrics 2", "application/openmetrics-text;version=2.0.0", textContent},
	{"text without a version", "text/plain", textContent},
	{"text, escaped dots", "text/plain;version=0.0.4;escaping=dots", textContent},
	{"text, escaped values", "text/plain;version=0.0.4;escaping=values", textContent},
	{"text, underscores", "text/plain;version=0.0.4;escaping=underscores", textContent},
	{"text, UTF-8", "text/plain;version=1.0.0;escaping=allow-utf-8", textContent},
	{"protobuf, escaped dots", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=dots", protoContent},
	{"protobuf as text", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text", textContent},
	{"JSON only", "application/json", textContent},
	{"garbage", ";;,=\x00q=,", textContent},
}

func TestNegotiationChangesNoName(t *testing.T) {
	defer func(scheme model.EscapingScheme) { model.NameEscapingScheme = scheme }(model.NameEscapingScheme)
	model.NameEscapingScheme = model.DotsEscaping // the host's choice must not matter

	b := newBridge(t, PrometheusOptions{})
	for _, row := range acceptHeaders {
		t.Run(row.name, func(t *testing.T) {
			w := b.get("/metrics", "Accept", row.accept)
			if got := w.Header().Get("Content-Type"); got != row.content {
				t.Errorf("got Content-Type %q, want %q", got, row.content)
			}
			decode(t, w).checkDeclared(t)
		})
	}
}

// decode reads a scrape in either format.
func decode(t *testing.T, w *httptest.ResponseRecorder) scrapeResult {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("got %d %s, want 200", w.Code, w.Body)
	}
	if w.Header().Get("Content-Type") == textContent {
		return parseScrape(t, w.Body.String())
	}
	result := make(scrapeResult)
	decoder := expfmt.NewDecoder(w.Body, expfmt.NewFormat(expfmt.TypeProtoDelim))
	for {
		family := new(dto.MetricFamily)
		if err := decoder.Decode(family); errors.Is(err, io.EOF) {
			return result
		} else if err != nil {
			t.Fatalf("the scrape is invalid: %v", err)
		}
		result[family.GetName()] = family
	}
}

func TestFormatsShowTheSame(t *testing.T) {
	b := newBridge(t, PrometheusOptions{})
	text := decode(t, b.get("/metrics", "Accept", acceptHeaders[0].accept))
	proto := decode(t, b.get("/metrics", "Accept", acceptHeaders[1].accept))
	if got, want := strings.Join(proto.names(), " "), strings.Join(text.names(), " "); got != want {
		t.Errorf("protobuf has %s, want %s", got, want)
	}
	for name, family := range text {
		if got, want := len(proto[name].Metric), len(family.Metric); got != want {
			t.Errorf("%s: protobuf has %d series, text %d", name, got, want)
		}
	}
	if got := len(proto["scrapetest_seconds"].Metric[0].Histogram.Bucket); got != 3 {
		t.Errorf("protobuf has %d buckets, want 3", got)
	}
}

func TestCompression(t *testing.T) {
	b := newBridge(t, PrometheusOptions{})
	for _, row := range []struct{ accept, want string }{
		{"", ""},
		{"gzip", "gzip"},
		{"gzip, deflate, br, zstd", "gzip"},
		{"zstd", ""},
		{"zstd;q=1, gzip;q=0.1", "gzip"},
		{"GZIP", "gzip"},
		{"*", "gzip"},
		{"*;q=0", ""},
		{"gzip;q=0", ""},
		{"gzip;q=0, *", ""},
		{"gzip;q=no", ""},
		{"identity", ""},
		{"br;q=1.0, gzip ; q=0.8, *;q=0.1", "gzip"},
	} {
		t.Run(row.accept, func(t *testing.T) {
			w := b.get("/metrics", "Accept-Encoding", row.accept)
			if got := w.Header().Get("Content-Encoding"); got != row.want {
				t.Fatalf("got Content-Encoding %q, want %q", got, row.want)
			}
			if got := strings.Join(w.Header().Values("Vary"), ","); got != "Accept,Accept-Encoding" {
				t.Errorf("got Vary %q", got)
			}
			body := w.Body.Bytes()
			if row.want == "gzip" {
				body = gunzip(t, body)
			}
			parseScrape(t, string(body)).checkDeclared(t)
		})
	}
}

func gunzip(t *testing.T, body []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func TestMethods(t *testing.T) {
	b := newBridge(t, PrometheusOptions{})
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"} {
		w := do(b.Handler(), method, "/metrics")
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" || strings.Count(w.Body.String(), "\n") != 1 {
			t.Errorf("%s: got %d, Allow %q, %q", method, w.Code, w.Header().Get("Allow"), w.Body)
		}
	}
	if got := b.scrape(t).value(t, "promhttp_metric_handler_requests_total", "code", "405"); got != 7 {
		t.Errorf("got %v requests with 405, want 7", got)
	}
}

func TestHeadOverTheNetwork(t *testing.T) {
	b := newBridge(t, PrometheusOptions{})
	server := httptest.NewServer(b.Handler())
	defer server.Close()
	defer server.Client().CloseIdleConnections()
	for range 2 { // the second on the same connection
		resp, err := server.Client().Head(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || len(body) != 0 || resp.ContentLength < 1000 || resp.Header.Get("Content-Type") != textContent {
			t.Errorf("got %d, %d bytes, Content-Length %d, %v", resp.StatusCode, len(body), resp.ContentLength, resp.Header)
		}
	}
}

func TestNameFilter(t *testing.T) {
	b := newBridge(t, PrometheusOptions{})
	for _, row := range []struct{ query, want string }{
		{"?name[]=scrapetest_events", "scrapetest_events"},
		{"?name[]=scrapetest_seconds&name[]=scrapetest_events&name[]=missing", "scrapetest_events scrapetest_seconds"},
		{"?name%5B%5D=scrapetest_seconds", "scrapetest_seconds"},
		{"?name[]=missing", ""},
		{"?name[]=", ""},
	} {
		w := b.get("/metrics" + row.query)
		if got := strings.Join(parseScrape(t, w.Body.String()).names(), " "); w.Code != 200 || got != row.want {
			t.Errorf("%s: got %d %q, want %q", row.query, w.Code, got, row.want)
		}
	}
	for _, query := range []string{"?other=1", "?%zz", "?name=scrapetest_events"} {
		parseScrape(t, b.get("/metrics"+query).Body.String()).checkDeclared(t)
	}
}

func TestScrapeTimeout(t *testing.T) {
	for _, row := range []struct {
		header          string
		timeout, margin time.Duration
	}{
		{"", 10 * time.Second, 500 * time.Millisecond},
		{"10", 10 * time.Second, 500 * time.Millisecond},
		{"2.5", 2500 * time.Millisecond, 250 * time.Millisecond},
		{"1e0", time.Second, 100 * time.Millisecond},
		{"0.1", 100 * time.Millisecond, 10 * time.Millisecond},
		{"0.000001", 100 * time.Millisecond, 10 * time.Millisecond},
		{"59.5", 59500 * time.Millisecond, 500 * time.Millisecond},
		{"60", time.Minute, 500 * time.Millisecond},
		{"1e300", time.Minute, 500 * time.Millisecond},
		{"+Inf", time.Minute, 500 * time.Millisecond},
		{"-Inf", 10 * time.Second, 500 * time.Millisecond},
		{"NaN", 10 * time.Second, 500 * time.Millisecond},
		{"0", 10 * time.Second, 500 * time.Millisecond},
		{"-3", 10 * time.Second, 500 * time.Millisecond},
		{"1e999", 10 * time.Second, 500 * time.Millisecond},
		{"10s", 10 * time.Second, 500 * time.Millisecond},
		{"ten", 10 * time.Second, 500 * time.Millisecond},
	} {
		timeout := scrapeTimeout(http.Header{timeoutHeader: {row.header}})
		if got := scrapeMargin(timeout); timeout != row.timeout || got != row.margin {
			t.Errorf("%q: got %v less %v, want %v less %v", row.header, timeout, got, row.timeout, row.margin)
		}
	}
}

func FuzzScrapeHeaders(f *testing.F) {
	for _, row := range acceptHeaders {
		f.Add(row.accept, "gzip;q=0.5", "10")
	}
	f.Fuzz(func(t *testing.T, accept, encoding, timeout string) {
		header := http.Header{"Accept": {accept}, "Accept-Encoding": {encoding}, timeoutHeader: {timeout}}
		if got := scrapeTimeout(header); got < minScrapeTimeout || got > maxScrapeTimeout {
			t.Errorf("timeout %q: got %v", timeout, got)
		}
		if got := string(negotiateFormat(header)); got != textContent && got != protoContent {
			t.Errorf("Accept %q: got %q", accept, got)
		}
		if acceptsGzip(header) && !strings.Contains(strings.ToLower(encoding), "gzip") && !strings.Contains(encoding, "*") {
			t.Errorf("Accept-Encoding %q: gzip was not asked for", encoding)
		}
	})
}

func TestScrapeSeesItself(t *testing.T) {
	b := newBridge(t, PrometheusOptions{})
	for n := range 3 {
		got := b.scrape(t)
		if total := got.value(t, "promhttp_metric_handler_requests_total", "code", "200"); total != float64(n) {
			t.Errorf("scrape %d shows %v scrapes answered", n, total)
		}
		if inFlight := got.value(t, "promhttp_metric_handler_requests_in_flight"); inFlight != 1 {
			t.Errorf("scrape %d shows %v in flight, want 1", n, inFlight)
		}
		if count := got.series("telltale_scrape_duration_seconds").Histogram.GetSampleCount(); count != uint64(n) {
			t.Errorf("scrape %d shows %d durations", n, count)
		}
	}
}

// TestManyScrapesAtOnce lets a crowd arrive: they share collections, and all are
// served.
func TestManyScrapesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const crowd = 10 * maxAnswers
		b := newBridge(t, PrometheusOptions{})
		release := make(chan struct{})
		defer b.registry.Observe("slow", func(_ context.Context, _ *instruments.Observation) { <-release })()
		codes := make(chan int, crowd)
		for range crowd {
			go func() { codes <- b.get("/metrics").Code }()
		}
		synctest.Wait()
		close(release)
		for range crowd {
			if code := <-codes; code != http.StatusOK {
				t.Errorf("got %d, want 200", code)
			}
		}
		got := b.scrape(t)
		if n := got.value(t, "telltale_scrapes_coalesced_total"); n != crowd-2 {
			t.Errorf("%v coalesced, want %d: one collected first, one waited, the others joined it", n, crowd-2)
		}
	})
}

// stalledWriter is a connection whose other end does not read.
type stalledWriter struct {
	*httptest.ResponseRecorder
	release <-chan struct{}
}

func (w stalledWriter) Write(data []byte) (int, error) {
	<-w.release
	return w.ResponseRecorder.Write(data)
}

// TestTooManySlowReaders holds every place for an answer: who comes next waits,
// and is refused in time.
func TestTooManySlowReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBridge(t, PrometheusOptions{})
		release := make(chan struct{})
		codes := make(chan int, maxAnswers)
		for range maxAnswers {
			go func() {
				w := stalledWriter{httptest.NewRecorder(), release}
				b.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
				codes <- w.Code
			}()
		}
		synctest.Wait()
		arrived := time.Now()
		w := b.get("/metrics", timeoutHeader, "2")
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" || w.Body.String() != errTooMany.Error()+"\n" {
			t.Errorf("got %d, Retry-After %q, %q", w.Code, w.Header().Get("Retry-After"), w.Body)
		}
		if took := time.Since(arrived); took != 1800*time.Millisecond {
			t.Errorf("refused after %v, want the timeout less its margin", took)
		}
		close(release)
		for range maxAnswers {
			if code := <-codes; code != http.StatusOK {
				t.Errorf("got %d, want 200", code)
			}
		}
		if n := b.scrape(t).value(t, "promhttp_metric_handler_requests_total", "code", "503"); n != 1 {
			t.Errorf("%v refused, want 1", n)
		}
	})
}

// TestSlowReader lets a scraper stop reading: it is cut off at its timeout, and
// costs nobody else anything.
func TestSlowReader(t *testing.T) {
	b := newBridge(t, PrometheusOptions{})
	for n := range 1990 {
		scrapedHistogramBy.In(b.registry).Record(1, scrapedLabels{"get", strings.Repeat("x", 200) + strconv.Itoa(n)})
	}
	server := httptest.NewUnstartedServer(b.Handler())
	server.Listener = smallBuffers{server.Listener}
	closed := make(chan struct{}, 1)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	server.Start()
	defer server.Close()
	for {
		conn, begun, body := askAndStop(t, server.Listener.Addr().String())
		if !begun { // the machine is too busy to answer in time: ask again
			conn.Close()
			<-closed
			continue
		}
		defer conn.Close()
		<-closed // hangs, and fails with the test's timeout, if the reader is waited for
		if n, err := io.Copy(io.Discard, body); err == nil {
			t.Errorf("the whole answer of %d bytes was sent", n)
		}
		break
	}
	b.scrape(t)
}

// askAndStop scrapes with a timeout of a second, and reads no more of the answer
// than its header. It reports whether an answer with the metrics has begun.
func askAndStop(t *testing.T, addr string) (conn net.Conn, begun bool, body io.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.(*net.TCPConn).SetReadBuffer(4096)
	if _, err := io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: a\r\n"+timeoutHeader+": 1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		return conn, false, nil
	}
	return conn, true, resp.Body
}

// smallBuffers keeps the kernel from taking a whole answer.
type smallBuffers struct{ net.Listener }

func (l smallBuffers) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		_ = conn.(*net.TCPConn).SetWriteBuffer(4096)
	}
	return conn, err
}
