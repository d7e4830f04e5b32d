"""kbld: finding image references in documents, replacing them by digests, and locking the choice.

Pure: documents and configurations come as plain values, registries are asked through a port.
"""
