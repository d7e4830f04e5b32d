"""vendir: a configuration of directories and their sources, the lock of what was fetched, and path filters.

Pure; fetching and writing are done by the sync operation and its ports.
"""
