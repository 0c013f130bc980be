package instruments

// HTTPStatus is a status code of HTTP in digits.
type HTTPStatus string

// The codes that scrapes are usually answered with. All of them are shown from
// the first scrape on; others appear when they occur.
const (
	StatusOK          HTTPStatus = "200"
	StatusError       HTTPStatus = "500"
	StatusUnavailable HTTPStatus = "503"
)

// Scrape is the label set of promhttp_metric_handler_requests_total.
type Scrape struct {
	Code HTTPStatus `label:"code"`
}

// Scrapes, under the names that client_golang's handler made known. The
// exporter's own handler records them.
var (
	// PromHTTPRequests is counted when a scrape is answered, so that a scrape
	// does not see itself.
	PromHTTPRequests = counterBy(Spec{
		Name:      "promhttp_metric_handler_requests_total",
		Unit:      "{request}",
		Help:      "Scrapes that were answered, by status code of HTTP.",
		When:      "The metrics handler has answered a scrape.",
		Recorder:  "exporters",
		Component: componentPrometheus,
	}, Scrape{StatusOK}, Scrape{StatusError}, Scrape{StatusUnavailable})

	// PromHTTPInFlight is moved around each scrape, which therefore sees itself.
	PromHTTPInFlight = gauge(Spec{
		Name:      "promhttp_metric_handler_requests_in_flight",
		Unit:      "{request}",
		Help:      "Scrapes that are being answered, including the one that shows this.",
		When:      "One is added when the metrics handler begins with a scrape and taken away when it is done.",
		Recorder:  "exporters",
		Component: componentPrometheus,
	})
)
