"""Requests over HTTP: pooled connections, proxies, downloads, and failures in the words of the Carvel tools."""
