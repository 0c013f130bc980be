// Package auth makes the metrics of an auth service move that generates keys
// and certificates, and the one of its look-ups of the cluster's name.
//
//	limiter := auth.New(registry, 32)
//	certificate, err := auth.Generate(ctx, limiter, func(ctx context.Context) ([]byte, error) {
//		return x509.CreateCertificate(rand.Reader, template, parent, key, authority)
//	})
//
// With a nil registry nothing is recorded, and the limit holds all the same.
//
// # What each metric means here
//
//   - auth_generate_requests_throttled_total: requests that came when as many as
//     allowed were running. They get [ErrThrottled] at once, and touch none of
//     the three that follow.
//   - auth_generate_requests_total: requests that were admitted, counted before
//     they run, whatever becomes of them.
//   - auth_generate_requests: admitted requests that are running. It never
//     exceeds the limit.
//   - auth_generate_seconds: how long admitted requests ran, also those that
//     failed or panicked; one value for each.
//   - cluster_name_not_found_total: look-ups through [ClusterName] that found no
//     name. Those that failed for another reason do not count.
package auth
