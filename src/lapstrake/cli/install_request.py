"""What the flags ask an installation to be: names, version, values and overlays."""

from __future__ import annotations

import os
from collections.abc import Sequence

from lapstrake.cli.flags import Arguments, Flag
from lapstrake.errors import InputError
from lapstrake.messages import unread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lapstrake.operations.package_install import InstallRequest
    from lapstrake.operations.package_update import UpdateRequest

NAME_FLAG = Flag("package-install", "string", "", "Set installed package name", short="i")
CONTENT_FLAGS = (
    Flag("version", "string", "", "Set package version", short="v"),
    Flag("values", "bool", True, "Add or keep values supplied to package install"),
    Flag("values-file", "string", "", "The path to the configuration values file", short="f"),
    Flag("ytt-overlays", "bool", True, "Add or keep ytt overlays"),
    Flag("ytt-overlay-file", "strings", None, "Path to ytt overlay file or folder (can repeat)"),
)
PACKAGE_FLAGS = (
    Flag("package", "string", "", "Set package name", short="p"),
    Flag("package-name", "string", "", "Older name of --package", hidden=True),
)


def install_request(args: Arguments, namespace: str) -> InstallRequest:
    """Raises InputError for names that are missing and files that cannot be read."""
    from lapstrake.operations.package_install import InstallRequest

    package = args["package"] or args["package-name"]
    if not package:
        raise InputError("Expected non-empty package name")
    return InstallRequest(
        name=install_name(args),
        namespace=namespace,
        package=package,
        version=args["version"],
        values=_read_values(args["values-file"]),
        service_account=args["service-account-name"],
        overlays=_read_overlays(args["ytt-overlay-file"]),
    )


def update_request(args: Arguments, namespace: str) -> UpdateRequest:
    """Raises InputError as ``install_request`` does."""
    from lapstrake.operations.package_update import UpdateRequest

    return UpdateRequest(
        name=install_name(args),
        namespace=namespace,
        version=args["version"],
        values=_read_values(args["values-file"]),
        drop_values=not args["values"],
        overlays=_read_overlays(args["ytt-overlay-file"]),
        drop_overlays=not args["ytt-overlays"],
    )


def install_name(args: Arguments) -> str:
    """The installation, by flag or as an argument."""
    name = args["package-install"] or (args.positional[0] if args.positional else "")
    if not name:
        raise InputError("Expected non-empty package install name")
    return str(name)


def _read_values(path: str) -> str | None:
    if not path:
        return None
    try:
        return _read(path)
    except InputError as e:
        raise InputError(f"Reading data values file '{path}': {e}") from e


def _read_overlays(paths: Sequence[str]) -> list[tuple[str, str]]:
    """Files in the order given; a folder gives its files by name."""
    found = []
    for path in paths:
        inner = [os.path.join(path, n) for n in sorted(os.listdir(path))] if os.path.isdir(path) else [path]
        found += [(os.path.basename(name), _read(name)) for name in inner if not os.path.isdir(name)]
    return found


def _read(path: str) -> str:
    import sys

    if path == "-":
        return sys.stdin.read()
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as e:
        raise InputError(unread(path, e)) from e
    except UnicodeDecodeError as e:
        raise InputError(f"{path} is not UTF-8") from e
