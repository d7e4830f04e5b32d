"""An OCI registry in the process: content on disk, tags that may end by themselves."""
