"""Projects as custom resources of Kubernetes: definitions, documents, and the loop that keeps them."""
