package instruments

// Transfers of session recordings from and to Google Cloud Storage. Each is
// counted and timed when it ends, successful or not, by the transport of
// package instruments/gcs.
var (
	// GCSDownloads is counted with each value of GCSDownloadSeconds.
	GCSDownloads = counter(Spec{
		Name:      "gcs_event_storage_downloads",
		Unit:      "{download}",
		Help:      "Downloads of objects from Google Cloud Storage, failed ones included.",
		When:      "A download through instruments/gcs ends: its body is read to the end or closed, or its request is refused or given up.",
		Recorder:  "instruments/gcs",
		Component: componentGCS,
	})

	// GCSDownloadSeconds is recorded with each count of GCSDownloads.
	GCSDownloadSeconds = histogram(Spec{
		Name:      "gcs_event_storage_downloads_seconds",
		Unit:      "s",
		Help:      "Time taken by downloads of objects from Google Cloud Storage, failed ones included.",
		When:      "A download through instruments/gcs ends: its body is read to the end or closed, or its request is refused or given up.",
		Recorder:  "instruments/gcs",
		Buckets:   latencyBuckets,
		Component: componentGCS,
	})

	// GCSUploads is counted with each value of GCSUploadSeconds.
	GCSUploads = counter(Spec{
		Name:      "gcs_event_storage_uploads",
		Unit:      "{upload}",
		Help:      "Uploads of objects to Google Cloud Storage, failed ones included.",
		When:      "An upload through instruments/gcs ends: the whole object is acknowledged, or refused or given up.",
		Recorder:  "instruments/gcs",
		Component: componentGCS,
	})

	// GCSUploadSeconds is recorded with each count of GCSUploads.
	GCSUploadSeconds = histogram(Spec{
		Name:      "gcs_event_storage_uploads_seconds",
		Unit:      "s",
		Help:      "Time taken by uploads of objects to Google Cloud Storage, failed ones included.",
		When:      "An upload through instruments/gcs ends: the whole object is acknowledged, or refused or given up.",
		Recorder:  "instruments/gcs",
		Buckets:   latencyBuckets,
		Component: componentGCS,
	})
)
