package instruments

// The components of the system under observation, as the documentation of the
// access plane names them. Each has its rows in files of their own.
const (
	componentAuditLog    = "Teleport Audit Log"
	componentAuth        = "Teleport Auth"
	componentAuthService = "Teleport Auth Service"
	componentCache       = "cache"
	componentEtcd        = "etcd"
	componentFirestore   = "GCP Cloud Firestore"
	componentGCS         = "GCP GCS"
	componentGolang      = "Internal Golang"
	componentNode        = "Teleport Node"
	componentPrometheus  = "prometheus"
	componentProxy       = "Teleport Proxy"
	componentTeleport    = "Teleport"
)
