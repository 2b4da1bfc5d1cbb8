"""The API of Kubernetes over HTTP: where a cluster is, its objects, and what becomes of them."""
