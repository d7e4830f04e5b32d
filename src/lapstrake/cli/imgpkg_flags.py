"""The flags of imgpkg's commands, and the examples on their help pages."""

from __future__ import annotations

from lapstrake.cli.flags import Flag

BUNDLE = Flag("bundle", "string", "", "Bundle reference (example: docker.io/dkalinin/app1-bundle)", short="b")
IMAGE = Flag("image", "string", "", "Image reference (example: docker.io/dkalinin/test-content)", short="i")
CONCURRENCY = Flag("concurrency", "int", 5, "Number of requests at the same time")
LOCK_OUTPUT = Flag("lock-output", "string", "", "Location to output the generated lockfile")
REGISTRY = (
    Flag("registry-anon", "bool", False, "Set anonymous auth ($IMGPKG_ANON)"),
    Flag("registry-ca-cert-path", "strings", None, "Add CA certificates for registry API (can repeat)"),
    Flag("registry-insecure", "bool", False, "Allow the use of http when interacting with registries"),
    Flag("registry-password", "string", "", "Set password for auth ($IMGPKG_PASSWORD)"),
    Flag(
        "registry-response-header-timeout", "duration", 30.0, "Maximum time to wait for a response's headers"
    ),
    Flag("registry-retry-count", "int", 5, "Set the number of times imgpkg retries to send requests"),
    Flag("registry-token", "string", "", "Set token for auth ($IMGPKG_TOKEN)"),
    Flag("registry-username", "string", "", "Set username for auth ($IMGPKG_USERNAME)"),
    Flag(
        "registry-verify-certs",
        "bool",
        True,
        "Set whether to verify server's certificate chain and host name",
    ),
)
PUSH = (
    BUNDLE,
    IMAGE,
    Flag("file", "strings", None, "Set file or folder to push (can repeat)", short="f"),
    Flag(
        "file-exclusion", "strings", [".git"], "Exclude file whose path, relative to the bundle root, matches"
    ),
    Flag(
        "file-exclude-defaults",
        "strings",
        [".git"],
        "Former name of --file-exclusion",
        deprecated="use '--file-exclusion' instead",
        sets="file-exclusion",
    ),
    Flag("labels", "map", None, "Set labels on the image (format: key=value) (can repeat)", short="l"),
    LOCK_OUTPUT,
    Flag("preserve-permissions", "bool", False, "Preserve the permissions of files for all users"),
    Flag(
        "layer-encoding",
        "string",
        "",
        "How to compress the layer: exact (the original's bytes, so its digest), fast, or auto: exact up to 4 MiB "
        "of files ($IMGPKG_LAYER_ENCODING)",
    ),
)
PULL = (
    BUNDLE,
    IMAGE,
    Flag("lock", "string", "", "BundleLock with asset references to pull"),
    Flag("output", "string", "", "Output directory path", short="o"),
    Flag("recursive", "bool", False, "Pull nested bundles", short="r"),
    Flag(
        "image-is-bundle-check",
        "bool",
        True,
        "Error when image is a bundle (disable pulling of bundles via -i)",
    ),
)
COPY = (
    BUNDLE,
    IMAGE,
    Flag("lock", "string", "", "Lock file with asset references to copy to destination"),
    Flag("tar", "string", "", "Path to tar file which contains assets to be copied to a registry"),
    Flag("to-repo", "string", "", "Location to upload assets"),
    Flag("to-tar", "string", "", "Location to write a tar file containing assets"),
    LOCK_OUTPUT,
    CONCURRENCY,
    Flag("cosign-signatures", "bool", False, "Find and copy cosign signatures for images"),
    Flag("include-non-distributable-layers", "bool", False, "Include non-distributable layers when copying"),
    Flag("repo-based-tags", "bool", False, "Use repo-based tags for images"),
    Flag("resume", "bool", False, "Resume the copy to an existing tar"),
)
DESCRIBE = (
    BUNDLE,
    CONCURRENCY,
    Flag("output-type", "string", "text", "Type of output possible values: [text, yaml]", short="o"),
    Flag("layers", "bool", True, "Retrieve image layers digests"),
    Flag("cosign-artifacts", "bool", True, "Retrieve cosign artifact information (Default: true)"),
)
TAG_LIST = (
    Flag("digests", "bool", False, "Include digests"),
    Flag("imgpkg-internal-tags", "bool", False, "Include imgpkg internal tags"),
)
PUSH_EXAMPLE = """\
# A bundle: the folder has .imgpkg/images.yml in it
imgpkg push -b registry.example/team/app-config:1.0 -f config/

# An image of a folder and a file
imgpkg push -i registry.example/team/files -f public/ -f robots.txt"""
PULL_EXAMPLE = """\
# A bundle with the bundles that it names
imgpkg pull -b registry.example/team/app-config:1.0 -o app-config -r

# An image
imgpkg pull -i registry.example/team/files -o files"""
COPY_EXAMPLE = """\
# A bundle and all its images into another repository
imgpkg copy -b registry.example/team/app-config:1.0 --to-repo mirror.example/app-config

# The same through a file, for a registry that this machine cannot reach
imgpkg copy -b registry.example/team/app-config:1.0 --to-tar app-config.tar
imgpkg copy --tar app-config.tar --to-repo mirror.example/app-config

# An image, tagged at the target with the name of the repository it came from
imgpkg copy -i registry.example/team/files --to-repo mirror.example/all --repo-based-tags"""
DESCRIBE_EXAMPLE = """\
# What is in a bundle, as YAML
imgpkg describe -b registry.example/team/app-config:1.0 -o yaml"""
