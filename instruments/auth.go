package instruments

// What the auth service does to generate keys and certificates for servers.
// A request is either throttled, or admitted and seen by the other three.
var (
	// AuthGenerateThrottled is counted by the limiter, and nothing else is then.
	AuthGenerateThrottled = counter(Spec{
		Name:      "auth_generate_requests_throttled_total",
		Unit:      "{request}",
		Help:      "Requests for a key or certificate that the concurrency limit turned away.",
		When:      "The auth service refuses a generation request because too many are running; no other auth_generate metric moves for it.",
		Recorder:  "instruments/auth",
		Component: componentAuth,
	})

	// AuthGenerateRequests is counted by the auth service behind the limiter.
	AuthGenerateRequests = counter(Spec{
		Name:      "auth_generate_requests_total",
		Unit:      "{request}",
		Help:      "Requests for a server's key or certificate that were let in, whatever became of them.",
		When:      "The auth service starts to work on an admitted generation request.",
		Recorder:  "instruments/auth",
		Component: componentAuth,
	})

	// AuthGenerateInFlight is moved by the auth service around each admitted request.
	AuthGenerateInFlight = gauge(Spec{
		Name:      "auth_generate_requests",
		Unit:      "{request}",
		Help:      "Requests for a server's key or certificate that are being worked on.",
		When:      "One is added when an admitted generation request starts and taken away when it ends.",
		Recorder:  "instruments/auth",
		Component: componentAuth,
	})

	// AuthGenerateSeconds is recorded once for each request of AuthGenerateRequests.
	AuthGenerateSeconds = histogram(Spec{
		Name:      "auth_generate_seconds",
		Unit:      "s",
		Help:      "Time taken by admitted requests for a key or certificate, including those that failed.",
		When:      "An admitted generation request ends.",
		Recorder:  "instruments/auth",
		Buckets:   latencyBuckets,
		Component: componentAuth,
	})

	// ClusterNameNotFound is counted where the cluster name is looked up.
	ClusterNameNotFound = counter(Spec{
		Name:      "cluster_name_not_found_total",
		Unit:      "{lookup}",
		Help:      "Look-ups of the cluster name that came back empty.",
		When:      "The auth service reads the cluster name and there is none; a read that fails otherwise is not counted.",
		Recorder:  "instruments/auth",
		Component: componentAuth,
	})
)
