"""A Kubernetes API for one machine that runs its pods with the runtime of Drydock."""
