package instruments

// Transfers of session recordings from and to Google Cloud Storage. Each is
// counted and timed when it ends, successful or not, by the transport of
// package gcs.
var (
	// GCSDownloads is counted with each value of GCSDownloadSeconds.
	GCSDownloads = counter(Spec{
		Name:      "gcs_event_storage_downloads",
		Unit:      "{download}",
		Help:      "Objects that were fetched from Google Cloud Storage.",
		When:      "The body of a downloaded object is read to its end or given up.",
		Recorder:  "instruments/gcs",
		Component: componentGCS,
	})

	// GCSDownloadSeconds is recorded with each count of GCSDownloads.
	GCSDownloadSeconds = histogram(Spec{
		Name:      "gcs_event_storage_downloads_seconds",
		Unit:      "s",
		Help:      "Time taken to fetch an object from Google Cloud Storage.",
		When:      "The body of a downloaded object is read to its end or given up.",
		Recorder:  "instruments/gcs",
		Buckets:   latencyBuckets,
		Component: componentGCS,
	})

	// GCSUploads is counted with each value of GCSUploadSeconds.
	GCSUploads = counter(Spec{
		Name:      "gcs_event_storage_uploads",
		Unit:      "{upload}",
		Help:      "Objects that were sent to Google Cloud Storage.",
		When:      "The upload of an object is acknowledged or given up.",
		Recorder:  "instruments/gcs",
		Component: componentGCS,
	})

	// GCSUploadSeconds is recorded with each count of GCSUploads.
	GCSUploadSeconds = histogram(Spec{
		Name:      "gcs_event_storage_uploads_seconds",
		Unit:      "s",
		Help:      "Time taken to send an object to Google Cloud Storage.",
		When:      "The upload of an object is acknowledged or given up.",
		Recorder:  "instruments/gcs",
		Buckets:   latencyBuckets,
		Component: componentGCS,
	})
)
