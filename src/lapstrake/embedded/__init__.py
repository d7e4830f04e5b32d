"""A whole control plane in one process: registry, API server with simulated workloads, controller."""
