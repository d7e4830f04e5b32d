"""What kbld's commands share: their inputs, their registry client, their log and locks."""

from __future__ import annotations

import sys

from lapstrake.cli.flags import Arguments, Flag
from lapstrake.cli.ui import GLOBAL_FLAGS as ALL_GLOBAL_FLAGS
from lapstrake.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lapstrake.distribution.client import RegistryClient
    from lapstrake.operations.template import SourceFile

GLOBAL_FLAGS = tuple(flag for flag in ALL_GLOBAL_FLAGS if flag.name != "debug")
FILE = Flag("file", "strings", None, "Set file (format: /tmp/foo, https://..., -) (can repeat)", short="f")
REGISTRY = (
    Flag("registry-ca-cert-path", "strings", None, "Add CA certificates for registry API (can repeat)"),
    Flag("registry-insecure", "bool", False, "Allow the use of http when interacting with registries"),
    Flag(
        "registry-verify-certs",
        "bool",
        True,
        "Set whether to verify server's certificate chain and host name",
    ),
)
SORT = Flag("sort", "bool", True, "Sort by")


def files_of(args: Arguments) -> Iterator[SourceFile]:
    """Each is read when it is asked for, so that an error in a text comes before a file that is not there."""
    from lapstrake.adapters.resource_files import each_resource_file
    from lapstrake.operations.template import SourceFile

    return (SourceFile(file.path, file.data) for file in each_resource_file(args["file"]))


def client_of(args: Arguments) -> RegistryClient:
    """Raises InputError for certificates that cannot be read."""
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


def log(data: bytes) -> None:
    sys.stderr.buffer.write(data)
    sys.stderr.buffer.flush()


def write_lock(path: str, text: str, what: str = "lock config") -> None:
    """Locks are for their owner alone, as the original writes them."""
    from lapstrake.adapters.files import write_atomically

    try:
        write_atomically(path, text.encode())
    except InputError as e:
        raise InputError(f"Writing {what}: {e}") from e
