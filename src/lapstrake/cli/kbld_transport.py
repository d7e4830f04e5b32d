"""kbld's older commands that move images: package, unpackage, relocate. imgpkg has taken their place."""

from __future__ import annotations

from lapstrake.cli.flags import Arguments, Command, Flag
from lapstrake.cli.kbld_session import FILE, REGISTRY, SORT, client_of, files_of, log, write_lock
from lapstrake.cli.ui import UI
from lapstrake.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from lapstrake.oci.reference import Repository
    from lapstrake.operations.relocate_images import Move
    from lapstrake.operations.resolve import Inputs

_CONCURRENCY = Flag("concurrency", "int", 5, "How many images to move at the same time")
_COMMON = (FILE, _CONCURRENCY, *REGISTRY, SORT)
_OUTPUT = Flag("output", "string", "", "Tar file to write", short="o")
_INPUT = Flag("input", "string", "", "Tar file to read", short="i")
_REPOSITORY = Flag("repository", "string", "", "Repository to write all images to", short="r")
_LOCK = Flag("lock-output", "string", "", "File for a configuration that resolves the images to their copies")


def _package(args: Arguments) -> int:
    from lapstrake.operations.relocate_images import package_images, read_by_digest

    ui = UI.of(args)
    if not args["output"]:
        raise InputError("Expected 'output' flag to be non-empty")
    _, images = read_by_digest(files_of(args))
    with client_of(args) as client:
        package_images(client, images, args["output"], _move("package", args))
    ui.succeeded()
    return 0


def _unpackage(args: Arguments) -> int:
    from lapstrake.operations.relocate_images import unpackage_images
    from lapstrake.operations.resolve import read_inputs

    ui = UI.of(args)
    if not args["input"]:
        raise InputError("Expected 'input' flag to be non-empty")
    if not args["repository"]:
        raise InputError("Expected 'repository' flag to be non-empty")
    inputs = read_inputs(files_of(args))
    target = _target(args)
    with client_of(args) as client:
        moved = unpackage_images(client, args["input"], target, _move("unpackage", args))
    return _show_moved(ui, args, inputs, moved)


def _relocate(args: Arguments) -> int:
    from lapstrake.operations.relocate_images import read_by_digest, relocate_images

    ui = UI.of(args)
    if not args["repository"]:
        raise InputError("Expected repository flag to be non-empty")
    if not args["file"]:
        raise InputError("Expected at least one input file")
    inputs, images = read_by_digest(files_of(args))
    target = _target(args)
    with client_of(args) as client:
        moved = relocate_images(client, images, target, _move("relocate", args))
    return _show_moved(ui, args, inputs, moved)


def _successor(command: str) -> str:
    return f"please use 'imgpkg {command}', learn more in https://carvel.dev/imgpkg/docs/latest/commands/#{command}"


TRANSPORT = (
    Command(
        "package",
        "Write configuration's images into a tar file",
        aliases=("pkg",),
        flags=(*_COMMON, _OUTPUT),
        run=_package,
        deprecated=_successor("push"),
    ),
    Command(
        "relocate",
        "Copy configuration's images",
        flags=(*_COMMON, _REPOSITORY, _LOCK),
        run=_relocate,
        deprecated=_successor("copy"),
    ),
    Command(
        "unpackage",
        "Write the images of a tar file to a registry",
        aliases=("unpkg",),
        flags=(*_COMMON, _INPUT, _REPOSITORY, _LOCK),
        run=_unpackage,
        deprecated=_successor("pull"),
    ),
)


def _move(command: str, args: Arguments) -> Move:
    from lapstrake.operations.relocate_images import Move

    return Move(command, lambda line: log(f"{line}\n".encode()), args["concurrency"])


def _target(args: Arguments) -> Repository:
    from lapstrake.oci.reference import Repository

    try:
        return Repository.parse(args["repository"])
    except InputError as e:
        raise InputError(f"Building import repository ref: {e}") from e


def _show_moved(ui: UI, args: Arguments, inputs: Inputs, moved: Mapping[str, str]) -> int:
    from lapstrake.operations.relocate_images import lock_of_moved, with_moved

    if args["lock-output"]:
        write_lock(args["lock-output"], lock_of_moved(inputs, moved))
    for text in with_moved(inputs, moved).printed_documents:
        ui.block(text)
    ui.succeeded()
    return 0
