package exporters

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/protobuf/proto"
)

// dialHTTP passes every option that an export depends on, so that nothing in
// the environment of the process, which the exporter reads on its own, changes
// what the target says. Temporality and aggregation are the reader's.
func dialHTTP(t Target, u *url.URL, tlsConfig *tls.Config) (*wire, error) {
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: t.Timeout, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   1,
		IdleConnTimeout:       max(90*time.Second, t.Interval+30*time.Second),
		TLSHandshakeTimeout:   t.Timeout,
		ExpectContinueTimeout: time.Second,
		TLSClientConfig:       tlsConfig.Clone(),
	}
	client := &http.Client{
		Transport: answerTransport{transport},
		// A redirect would carry the headers, and the secrets in them, to a
		// place that nobody named.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	compression := otlpmetrichttp.NoCompression
	if t.Compression == CompressionGzip {
		compression = otlpmetrichttp.GzipCompression
	}
	exporter, err := otlpmetrichttp.New(context.Background(),
		otlpmetrichttp.WithEndpointURL(u.String()),
		otlpmetrichttp.WithTLSClientConfig(nil), // the client below has it
		otlpmetrichttp.WithHTTPClient(client),
		otlpmetrichttp.WithHeaders(t.Headers),
		otlpmetrichttp.WithCompression(compression),
		otlpmetrichttp.WithTimeout(t.Timeout),
		otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{Enabled: false}),
	)
	if err != nil {
		return nil, err
	}
	return &wire{export: exporter.Export, close: transport.CloseIdleConnections}, nil
}

// answerTransport notes answers in the answer of the request's context.
type answerTransport struct{ base http.RoundTripper }

// maxAnswer bounds what is read of a body.
const maxAnswer = 4 << 20

func (t answerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	a := answerFrom(r.Context())
	*a = answer{given: true, httpStatus: resp.StatusCode, retryAfter: retryAfter(resp.Header.Get("Retry-After"))}
	if a.taken() {
		if err := a.readPartialSuccess(resp); err != nil {
			return nil, err // net/http logs what comes with both
		}
	}
	return resp, nil
}

// readPartialSuccess looks into the body and puts it back. A body that is not
// what OTLP wants there is no reason to doubt the status.
func (a *answer) readPartialSuccess(resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	_ = resp.Body.Close()
	if err != nil {
		return err
	}
	var msg collectorpb.ExportMetricsServiceResponse
	if resp.Header.Get("Content-Type") == "application/x-protobuf" && proto.Unmarshal(body, &msg) == nil {
		a.notePartialSuccess(&msg)
		resp.Body = io.NopCloser(bytes.NewReader(body))
	} else {
		resp.Body = http.NoBody
	}
	return nil
}

func (a *answer) notePartialSuccess(msg *collectorpb.ExportMetricsServiceResponse) {
	partial := msg.GetPartialSuccess()
	a.rejected = max(0, partial.GetRejectedDataPoints())
	a.warning = partial.GetErrorMessage()
}

// retryAfter reads the header in both its forms, a number of seconds and a
// date. What cannot be understood is no wish.
func retryAfter(value string) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(date))
	}
	return 0
}
