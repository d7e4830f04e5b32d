"""Lapstrake: opinionated Kubernetes installations as one package.

The version is a constant so that ``--version`` imports nothing.
"""

__version__ = "0.1.0"
