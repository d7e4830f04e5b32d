"""Builds the adapters and hands them to the operations: the only place that chooses."""
