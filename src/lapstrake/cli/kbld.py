"""The kbld command line: resolve (the bare command), inspect, version."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from lapstrake.cli.flags import Arguments, Command, Flag, execute
from lapstrake.cli.ui import GLOBAL_FLAGS, UI, Table
from lapstrake.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lapstrake.distribution.client import RegistryClient
    from lapstrake.operations.registry_resolver import RegistryResolver
    from lapstrake.operations.template import SourceFile

_FILE = Flag("file", "strings", None, "Set file (format: /tmp/foo, https://..., -) (can repeat)", short="f")
_REGISTRY = (
    Flag("registry-ca-cert-path", "strings", None, "Add CA certificates for registry API (can repeat)"),
    Flag("registry-insecure", "bool", False, "Allow the use of http when interacting with registries"),
    Flag(
        "registry-verify-certs",
        "bool",
        True,
        "Set whether to verify server's certificate chain and host name",
    ),
)
_SORT = Flag("sort", "bool", True, "Sort by")
_RESOLVE = (
    Flag("build", "bool", True, "Allow building of images"),
    Flag("build-concurrency", "int", 4, "Set maximum number of concurrent builds"),
    Flag("images-annotation", "bool", True, "Annotate resources with images annotation"),
    Flag("origins-annotation", "bool", True, "Include origins in the images lock's annotations"),
    Flag("image-map-file", "string", "", "Set image map file (/cnab/app/relocation-mapping.json in CNAB)"),
    Flag("lock-output", "string", "", "File path to emit configuration with resolved image references"),
    Flag(
        "imgpkg-lock-output", "string", "", "File path to emit images lockfile with resolved image references"
    ),
    Flag("unresolved-inspect", "bool", False, "List image references found in inputs"),
    Flag("platform", "string", "", "Set default platform used to select image (format: os/arch[/variant])"),
)


def main(argv: Sequence[str]) -> int:
    return execute("kbld", _root(), argv)


def _root() -> Command:
    return Command(
        "kbld",
        "kbld prepares Kubernetes configuration to reference image digests",
        flags=(*GLOBAL_FLAGS, _FILE, _SORT, *_REGISTRY, *_RESOLVE),
        run=_resolve,
        children=(
            Command(
                "inspect",
                "List images found in configuration",
                aliases=("i", "is", "insp"),
                flags=(_FILE, _SORT, *_REGISTRY),
                run=_inspect,
            ),
            Command("version", "Print version", run=_version),
        ),
    )


def _resolve(args: Arguments) -> int:
    from lapstrake.kbld.config import parse_platform
    from lapstrake.operations.build_image import ImageBuilds
    from lapstrake.operations.build_log import BuildLog
    from lapstrake.operations.resolve import ResolveOptions, resolve

    ui = UI.of(args)
    if args["lock-output"] and args["imgpkg-lock-output"]:
        raise InputError(
            "Can only output one lockfile type, please provide only one of '--lock-output' or '--imgpkg-lock-output'"
        )
    platform = parse_platform(args["platform"]) if args["platform"] else None
    resolver = _resolver(args)
    files = _files(args)
    if args["unresolved-inspect"]:
        return _list_unresolved(ui, files)
    options = ResolveOptions(
        images_annotation=args["images-annotation"],
        origins_annotation=args["origins-annotation"],
        builds=ImageBuilds(BuildLog(_log), resolver) if args["build"] else None,
        platform=platform,
        image_map=_image_map(args["image-map-file"]),
        concurrency=args["build-concurrency"],
    )
    result = resolve(files, options, resolver)
    for line in result.log_lines:
        _log(f"{line}\n".encode())
    if args["lock-output"]:
        _write(args["lock-output"], result.kbld_lock())
    if args["imgpkg-lock-output"]:
        _write(args["imgpkg-lock-output"], result.images_lock())
    for text in result.printed_documents:
        ui.block(text)
    ui.succeeded()
    return 0


def _log(data: bytes) -> None:
    sys.stderr.buffer.write(data)
    sys.stderr.buffer.flush()


def _list_unresolved(ui: UI, files: Sequence[SourceFile]) -> int:
    from lapstrake.operations.resolve import unresolved
    from lapstrake.yamldoc import plain

    ui.block(plain.dump([{"image": image} for image in unresolved(files)] or None))
    ui.succeeded()
    return 0


def _inspect(args: Arguments) -> int:
    from lapstrake.operations.resolve import inspect

    ui = UI.of(args)
    rows = [(found.image, found.origins.rstrip("\n"), found.resource) for found in inspect(_files(args))]
    ui.table(Table(["Image", "Metadata", "Resource"], rows, title="Images", content="images", transpose=True))
    ui.succeeded()
    return 0


def _version(args: Arguments) -> int:
    from lapstrake.kbld.config import COMPATIBLE_VERSION

    ui = UI.of(args)
    ui.block(f"kbld version {COMPATIBLE_VERSION}\n")
    ui.succeeded()
    return 0


def _files(args: Arguments) -> list[SourceFile]:
    from lapstrake.adapters.resource_files import read_resource_files
    from lapstrake.operations.template import SourceFile

    return [SourceFile(file.path, file.data) for file in read_resource_files(args["file"])]


def _resolver(args: Arguments) -> RegistryResolver:
    from lapstrake.operations.registry_resolver import RegistryResolver

    def open_client() -> RegistryClient:
        from lapstrake.distribution.client import RegistryClient, RegistryOptions

        options = RegistryOptions(
            ca_cert_paths=tuple(args["registry-ca-cert-path"]),
            verify_certs=args["registry-verify-certs"],
            insecure=args["registry-insecure"],
            env_prefix="KBLD",
            retry_count=3,
        )
        try:
            return RegistryClient(options)
        except InputError as e:
            # imgpkg names the transport in front of what is wrong, kbld does not
            raise InputError(str(e).removeprefix("Creating registry HTTP transport: ")) from e

    if args["registry-ca-cert-path"]:
        client = (
            open_client()
        )  # a certificate that cannot be read is an error also where no registry is asked
        return RegistryResolver(lambda: client)
    return RegistryResolver(open_client)


def _image_map(path: str) -> Mapping[str, str]:
    if not path:
        return {}
    import json

    from lapstrake.adapters.file_tree import reason
    from lapstrake.kbld.documents import json_kind

    try:
        with open(path, "rb") as file:
            found = json.load(file)
    except OSError as e:
        raise InputError(f"open {path}: {reason(e)}") from e
    except ValueError as e:
        raise InputError(f"Parsing image map file '{path}': {e}") from e
    if not isinstance(found, dict):
        raise InputError(f"json: cannot unmarshal {json_kind(found)} into Go value of type map[string]string")
    return found


def _write(path: str, text: str) -> None:
    """Locks are for their owner alone, as the original writes them."""
    from lapstrake.adapters.file_tree import reason

    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as e:
        raise InputError(f"open {path}: {reason(e)}") from e
