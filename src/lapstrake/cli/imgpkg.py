"""The imgpkg command line: push, pull, copy, describe, tag, version."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from lapstrake.cli.flags import Arguments, Command, UsageError, execute
from lapstrake.cli.imgpkg_flags import (
    COPY,
    COPY_EXAMPLE,
    DESCRIBE,
    DESCRIBE_EXAMPLE,
    IMAGE,
    PULL,
    PULL_EXAMPLE,
    PUSH,
    PUSH_EXAMPLE,
    REGISTRY,
    TAG_LIST,
)
from lapstrake.cli.ui import GLOBAL_FLAGS, UI, Table
from lapstrake.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lapstrake.distribution.client import RegistryClient
    from lapstrake.imgpkg.locks import ImagesLock
    from lapstrake.imgpkg.parcels import Parcel
    from lapstrake.oci.layer import Encoding
    from lapstrake.oci.reference import Reference, Repository
    from lapstrake.operations.copy import CopyOptions

_IAAS_NOTICE = (
    "IMGPKG_ENABLE_IAAS_AUTH environment variable will be deprecated, please use the flag --activate-keychain "
    "to activate the needed keychains\n\n"
)


def main(argv: Sequence[str]) -> int:
    if "IMGPKG_ENABLE_IAAS_AUTH" in os.environ:
        sys.stdout.write(_IAAS_NOTICE)
    return execute("imgpkg", _root(), argv)


def _root() -> Command:
    tag = Command(
        "tag",
        "List the tags of an image and resolve them",
        children=(
            Command(
                "list",
                "List tags for image",
                aliases=("ls",),
                flags=(IMAGE, *TAG_LIST, *REGISTRY),
                run=_tag_list,
            ),
            Command("resolve", "Resolve tag to image digest", flags=(IMAGE, *REGISTRY), run=_tag_resolve),
        ),
    )
    return Command(
        "imgpkg",
        "imgpkg stores configuration and image references as OCI artifacts",
        flags=GLOBAL_FLAGS,
        children=(
            Command(
                "copy",
                "Copy images and bundles between repositories and tar files",
                flags=(*COPY, *REGISTRY),
                run=_copy,
                example=COPY_EXAMPLE,
            ),
            Command(
                "describe",
                "Describe what a bundle is made of",
                flags=(*DESCRIBE, *REGISTRY),
                run=_describe,
                example=DESCRIBE_EXAMPLE,
            ),
            Command(
                "pull",
                "Write the files of a bundle or an image to a folder",
                flags=(*PULL, *REGISTRY),
                run=_pull,
                arguments=(0, None),
                example=PULL_EXAMPLE,
            ),
            Command(
                "push",
                "Push files as bundle or image",
                flags=(*PUSH, *REGISTRY),
                run=_push,
                example=PUSH_EXAMPLE,
            ),
            tag,
            Command("version", "Print client version", run=_version),
        ),
    )


def _ui(args: Arguments) -> UI:
    """An error stands apart from the lines before it; with --debug, requests are told on standard error."""
    ui = UI.of(args)
    if args["debug"]:
        from lapstrake.cli.request_log import show_requests

        end_log = show_requests(sys.stderr)
    else:
        end_log = None

    def failed(text: str) -> bool:
        ui.gap()
        return ui.error(text)

    def ended() -> None:
        ui.flush()
        if end_log is not None:
            end_log()

    args.on_error, args.on_end = failed, ended
    return ui


def _reporter(ui: UI) -> Callable[[str], None]:
    return lambda text: ui.begin(f"{text}\n")


def _client(args: Arguments) -> RegistryClient:
    from lapstrake.distribution.client import RegistryClient, RegistryOptions
    from lapstrake.distribution.credentials import CredentialOptions

    credentials = CredentialOptions(
        args["registry-username"], args["registry-password"], args["registry-token"], args["registry-anon"]
    )
    return RegistryClient(
        RegistryOptions(
            ca_cert_paths=tuple(args["registry-ca-cert-path"]),
            verify_certs=args["registry-verify-certs"],
            insecure=args["registry-insecure"],
            credentials=credentials,
            response_timeout=max(0.0, args["registry-response-header-timeout"]),
            retry_count=args["registry-retry-count"],
        )
    )


def _push(args: Arguments) -> int:
    from lapstrake.adapters.files import write_atomically
    from lapstrake.imgpkg.locks import BundleLock
    from lapstrake.imgpkg.naming import BUNDLE_LABEL
    from lapstrake.imgpkg.remote import prefixed
    from lapstrake.oci.reference import Reference
    from lapstrake.operations.push import PushRequest, push

    ui = _ui(args)
    labels = args["labels"]
    with _client(args) as client:
        if BUNDLE_LABEL in labels:
            raise InputError(
                f"label '{BUNDLE_LABEL}' is reserved and cannot be overriden. Please use a different key"
            )
        bundle, image = args["bundle"], args["image"]
        if bundle and image:
            raise InputError("Expected only one of image or bundle")
        if not bundle and not image:
            raise InputError("Expected either image or bundle")
        if image and args["lock-output"]:
            raise InputError("Lock output is not compatible with image, use bundle for lock output")
        try:
            reference = Reference.parse_tag(bundle or image)
        except InputError as error:
            raise InputError(f"Parsing '{bundle or image}': {error}") from error
        request = PushRequest(
            reference,
            args["file"],
            is_bundle=bool(bundle),
            exclusions=args["file-exclusion"],
            labels=labels,
            preserve_permissions=args["preserve-permissions"],
            encoding=_encoding(args),
        )
        pushed = push(client, request, _reporter(ui), ui.transfers)
    if args["lock-output"]:
        with prefixed("Writing bundle config"):
            write_atomically(args["lock-output"], BundleLock(pushed, reference.tag or "").to_yaml())
    ui.begin(f"Pushed '{pushed}'")
    ui.succeeded()
    return 0


def _encoding(args: Arguments) -> Encoding:
    encodings: dict[str, Encoding] = {"auto": "auto", "exact": "exact", "fast": "fast"}
    wanted = args["layer-encoding"] or os.environ.get("IMGPKG_LAYER_ENCODING") or "auto"
    if wanted not in encodings:
        raise InputError(f"Expected --layer-encoding to be auto, exact or fast, but was '{wanted}'")
    return encodings[wanted]


def _pull(args: Arguments) -> int:
    from lapstrake.oci.reference import Reference
    from lapstrake.operations.pull import pull_bundle, pull_image

    ui = _ui(args)
    _check_pull(args)
    locked = _bundle_of_lock(args["lock"]) if args["lock"] else None
    with _client(args) as client:
        if args["image"]:
            reference = Reference.parse(args["image"])
            check = args["image-is-bundle-check"]
            pull_image(
                client,
                reference,
                args["output"],
                check_bundle=check,
                report=_reporter(ui),
                transfers=ui.transfers,
            )
        else:
            pull_bundle(
                client,
                locked or Reference.parse(args["bundle"]),
                args["output"],
                recursive=args["recursive"],
                report=_reporter(ui),
                transfers=ui.transfers,
            )
    ui.succeeded()
    return 0


def _check_pull(args: Arguments) -> None:
    if not args.given("output"):
        raise UsageError('required flag(s) "output" not set')
    if args.positional:  # looked at here, since the flag is missed first
        raise UsageError(f"command '{args.path}' does not accept extra arguments '{args.positional[0]}'")
    if not args["output"]:
        raise InputError("Expected --output to be none empty")
    if args["output"] in ("/", ".", ".."):
        raise _endangered()
    sources = [name for name in ("image", "bundle", "lock") if args[name]]
    if not sources:
        raise InputError("Expected either image or bundle reference")
    if len(sources) > 1:
        raise InputError("Expected only one of image, bundle, or lock")
    if args["recursive"] and args["image"]:
        raise InputError("Cannot use --recursive (-r) flag when pulling a bundle")
    if args["bundle"] and not args["image-is-bundle-check"]:
        raise InputError("Cannot set --image-is-bundle-check while using -b flag")
    if _holds_working_folder(args["output"]):
        raise _endangered()


def _endangered() -> InputError:
    return InputError("Disallowed output directory (trying to avoid accidental deletion)")


def _holds_working_folder(path: str) -> bool:
    """Whether emptying ``path`` would take away the folder that we work in."""
    whole, here = os.path.realpath(path), os.getcwd()
    return os.path.commonpath((whole, here)) == whole


def _bundle_of_lock(path: str) -> Reference:
    from lapstrake.adapters.files import read_file
    from lapstrake.imgpkg.locks import BundleLock

    return BundleLock.parse(read_file(path)).bundle


def _copy(args: Arguments) -> int:
    from lapstrake.oci.reference import Repository
    from lapstrake.operations.copy import CopyOptions

    ui = _ui(args)
    _check_copy(args)
    options = CopyOptions(
        args["concurrency"],
        args["cosign-signatures"],
        args["include-non-distributable-layers"],
        args["repo-based-tags"],
    )
    with _client(args) as client:
        _check_ways(args)
        if args["to-tar"]:
            _copy_to_tar(args, ui, client, options)
        else:
            try:
                target = Repository.parse(args["to-repo"])
            except InputError as error:
                raise InputError(f"Building import repository ref: {error}") from error
            _copy_to_repository(args, ui, client, options, target)
    ui.succeeded()
    return 0


def _check_copy(args: Arguments) -> None:
    if sum(bool(args[name]) for name in ("lock", "bundle", "image", "tar")) != 1:
        raise InputError("Expected either --lock, --bundle (-b), --image (-i), or --tar as a source")
    if bool(args["to-tar"]) == bool(args["to-repo"]):
        raise InputError("Expected either --to-tar or --to-repo")


def _check_ways(args: Arguments) -> None:
    """What is looked at only once there is a client, whose certificates come first."""
    if args["tar"] and args["to-tar"]:
        raise InputError("Cannot use tar source (--tar) with tar destination (--to-tar)")
    if args["to-tar"] and args["lock-output"]:
        raise InputError("Cannot output lock file with tar destination")
    if args["resume"] and not args["to-tar"]:
        raise InputError("Flag --resume can only be used when copying to tar")


def _copy_to_tar(args: Arguments, ui: UI, client: RegistryClient, options: CopyOptions) -> None:
    from lapstrake.operations.copy import RegistrySource, copy_to_tar, report_export

    parcels, _ = _parcels(args, client, options)
    report_export(parcels, _reporter(ui))
    copy_to_tar(
        parcels,
        RegistrySource(client),
        args["to-tar"],
        options,
        resume=args["resume"],
        report=_reporter(ui),
        transfers=ui.transfers,
    )


def _copy_to_repository(
    args: Arguments, ui: UI, client: RegistryClient, options: CopyOptions, target: Repository
) -> None:
    from lapstrake.adapters.files import write_atomically
    from lapstrake.adapters.image_tar import TarFileReader
    from lapstrake.imgpkg.locks import BundleLock
    from lapstrake.imgpkg.remote import prefixed
    from lapstrake.operations.copy import (
        RegistrySource,
        TarSource,
        copy_to_repository,
        lock_of_copy,
        report_export,
    )

    lock = None
    if args["tar"]:
        with TarFileReader(args["tar"]) as tar:
            source = TarSource(tar)
            parcels = source.parcels()
            copy_to_repository(client, parcels, source, target, options, _reporter(ui), ui.transfers)
    else:
        parcels, lock = _parcels(args, client, options)
        report_export(parcels, _reporter(ui))
        copy_to_repository(
            client, parcels, RegistrySource(client), target, options, _reporter(ui), ui.transfers
        )
    if args["lock-output"]:
        written = lock_of_copy(parcels, target, lock)
        with prefixed(f"Writing {'bundle' if isinstance(written, BundleLock) else 'images'} config"):
            write_atomically(args["lock-output"], written.to_yaml())


def _parcels(
    args: Arguments, client: RegistryClient, options: CopyOptions
) -> tuple[list[Parcel], ImagesLock | None]:
    """What the flags ask to copy, and the ImagesLock it was named by."""
    from lapstrake.adapters.files import read_file
    from lapstrake.imgpkg.locks import BundleLock
    from lapstrake.oci.reference import Reference
    from lapstrake.operations.copy import bundle_parcels, image_parcels, lock_parcels, read_lock

    if args["image"]:
        return image_parcels(client, Reference.parse(args["image"]), options), None
    if args["bundle"]:
        return bundle_parcels(client, Reference.parse(args["bundle"]), options), None
    try:
        lock = read_lock(read_file(args["lock"]))
    except InputError as error:
        raise InputError(f"Trying to read bundle or images lock file: {error}") from error
    if isinstance(lock, BundleLock):
        return bundle_parcels(client, lock.bundle, options, tag=lock.tag), None
    return lock_parcels(client, lock, options), lock


def _describe(args: Arguments) -> int:
    from lapstrake.imgpkg.description import as_text, as_yaml
    from lapstrake.imgpkg.remote import prefixed
    from lapstrake.oci.reference import Reference
    from lapstrake.operations.describe import describe

    ui = _ui(args)
    if args["output-type"] not in ("text", "yaml"):
        raise InputError("--output-type can only have the following values [text, yaml]")
    with _client(args) as client:
        with prefixed(f"Unable to check if {args['bundle']} is a bundle"):
            reference = Reference.parse(args["bundle"])
        described = describe(
            client,
            reference,
            layers=args["layers"],
            signatures=args["cosign-artifacts"],
            concurrency=args["concurrency"],
        )
    shown = as_text(described) if args["output-type"] == "text" else as_yaml(described)
    for block in shown:
        ui.block(block)
    ui.succeeded()
    return 0


def _tag_list(args: Arguments) -> int:
    from lapstrake.oci.reference import Reference
    from lapstrake.operations.tags import list_tags

    ui = _ui(args)
    with _client(args) as client:
        repository = Reference.parse(args["image"]).repo
        tags = list_tags(client, repository, digests=args["digests"], internal=args["imgpkg-internal-tags"])
    with_digest = args["digests"] or args["column"]
    header = ["Name", "Digest"] if with_digest else ["Name"]
    rows = [[tag.name, str(tag.digest or "")] if with_digest else [tag.name] for tag in tags]
    ui.table(Table(header, rows, title="Tags", content="tags"))
    ui.succeeded()
    return 0


def _tag_resolve(args: Arguments) -> int:
    from lapstrake.oci.reference import Reference
    from lapstrake.operations.tags import resolve

    ui = _ui(args)
    with _client(args) as client:
        ui.block(str(resolve(client, Reference.parse(args["image"]))))
    ui.succeeded()
    return 0


def _version(args: Arguments) -> int:
    from lapstrake import __version__

    ui = _ui(args)
    ui.block(f"imgpkg version {__version__}\n")
    ui.succeeded()
    return 0
