"""The kbld command line: resolve (the bare command), inspect, version; and the commands that move images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lapstrake.cli.flags import Arguments, Command, Flag, execute
from lapstrake.cli.kbld_session import (
    FILE,
    GLOBAL_FLAGS,
    REGISTRY,
    SORT,
    client_of,
    files_of,
    log,
    write_lock,
)
from lapstrake.cli.kbld_transport import TRANSPORT
from lapstrake.cli.ui import UI, Table
from lapstrake.errors import InputError
from lapstrake.messages import unread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lapstrake.operations.registry_resolver import RegistryResolver
    from lapstrake.operations.resolve import Inputs

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
        flags=GLOBAL_FLAGS,
        own_flags=(FILE, SORT, *REGISTRY, *_RESOLVE),
        run=_resolve,
        children=(
            Command(
                "inspect",
                "List images found in configuration",
                aliases=("i", "is", "insp"),
                flags=(FILE, SORT, *REGISTRY),
                run=_inspect,
            ),
            *TRANSPORT,
            Command("version", "Print version", run=_version),
        ),
    )


def _resolve(args: Arguments) -> int:
    from lapstrake.kbld.config import parse_platform
    from lapstrake.operations.build_image import ImageBuilds
    from lapstrake.operations.build_log import BuildLog
    from lapstrake.operations.resolve import ResolveOptions, read_inputs, resolve_inputs

    ui = UI.of(args)
    if args["lock-output"] and args["imgpkg-lock-output"]:
        raise InputError(
            "Can only output one lockfile type, please provide only one of '--lock-output' or '--imgpkg-lock-output'"
        )
    # In this order the original finds what is wrong.
    inputs = read_inputs(files_of(args))
    image_map = _image_map(args["image-map-file"])
    resolver = _resolver(args)
    platform = parse_platform(args["platform"]) if args["platform"] else None
    if args["unresolved-inspect"]:
        return _list_unresolved(ui, inputs)
    options = ResolveOptions(
        images_annotation=args["images-annotation"],
        origins_annotation=args["origins-annotation"],
        builds=ImageBuilds(BuildLog(log), resolver) if args["build"] else None,
        platform=platform,
        image_map=image_map,
        concurrency=args["build-concurrency"],
    )
    result = resolve_inputs(inputs, options, resolver)
    for line in result.log_lines:
        log(f"{line}\n".encode())
    if args["lock-output"]:
        write_lock(args["lock-output"], result.kbld_lock())
    if args["imgpkg-lock-output"]:
        write_lock(args["imgpkg-lock-output"], result.images_lock(), "images config")
    for text in result.printed_documents:
        ui.block(text)
    ui.succeeded()
    return 0


def _list_unresolved(ui: UI, inputs: Inputs) -> int:
    from lapstrake.yamldoc import plain

    ui.block(plain.dump([{"image": image} for image in inputs.images] or None))
    ui.succeeded()
    return 0


def _inspect(args: Arguments) -> int:
    from lapstrake.operations.resolve import inspect

    ui = UI.of(args)
    rows = [(found.image, found.origins.rstrip("\n"), found.resource) for found in inspect(files_of(args))]
    ui.table(Table(["Image", "Metadata", "Resource"], rows, title="Images", content="images", transpose=True))
    ui.succeeded()
    return 0


def _version(args: Arguments) -> int:
    from lapstrake.kbld.config import COMPATIBLE_VERSION

    ui = UI.of(args)
    ui.block(f"kbld version {COMPATIBLE_VERSION}\n")
    ui.succeeded()
    return 0


def _resolver(args: Arguments) -> RegistryResolver:
    from lapstrake.operations.registry_resolver import RegistryResolver

    if args["registry-ca-cert-path"]:
        # a certificate that cannot be read is an error also where no registry is asked
        client = client_of(args)
        return RegistryResolver(lambda: client)
    return RegistryResolver(lambda: client_of(args))


def _image_map(path: str) -> Mapping[str, str]:
    if not path:
        return {}
    from lapstrake.json_text import from_json, json_kind

    try:
        with open(path, "rb") as file:
            found = from_json(file.read())
    except OSError as e:
        raise InputError(unread(path, e)) from e
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InputError(f"json: cannot unmarshal {json_kind(found)} into Go value of type map[string]string")
    for value in found.values():
        if not isinstance(value, str | None):
            raise InputError(f"json: cannot unmarshal {json_kind(value)} into Go value of type string")
    # What is mapped to nothing stays as it is.
    return {given: url or given for given, url in found.items()}
