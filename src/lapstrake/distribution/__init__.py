"""A client of OCI registries: the distribution API from the side of those who push and pull."""
