"""``lapstrake registry``: the registry on its own, and the accounts that may use it."""

from __future__ import annotations

import re
import sys

from lapstrake.cli.flags import Arguments, Command, Flag
from lapstrake.cli.serving import Terminated, port_of
from lapstrake.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from lapstrake.http.serving import Tls
    from lapstrake.registry.limits import Limits
    from lapstrake.registry.server import Auth

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BINARY = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}
_USERS = Flag("users", "string", "", "File of the accounts")


def _serve(args: Arguments) -> int:
    from lapstrake.registry.server import serve

    storage, auth, limits = _storage(args), _auth(args), _limits(args)
    port = port_of(args, "port")
    tls, authority = _tls(args, storage)
    with Terminated() as wait:
        server = serve(args["host"], port, str(storage), limits=limits, auth=auth, tls=tls)
        try:
            print(f"registry    {server.host}", flush=True)
            if authority is not None:
                print(f"authority   {authority}", flush=True)
            wait()
        finally:
            server.close()
    return 0


def _storage(args: Arguments) -> Path:
    from pathlib import Path

    from lapstrake.embedded.state import State, default_folder

    return Path(args["storage"]).absolute() if args["storage"] else State(default_folder()).registry


def _auth(args: Arguments) -> Auth | None:
    from lapstrake.registry.server import Auth

    kind = args["auth"]
    if kind not in ("none", "basic", "token"):
        raise InputError(f"--auth must be none, basic or token, but was '{kind}'")
    if kind == "none":
        for name in ("users", "anonymous-pull"):
            if args.given(name):
                raise InputError(f"--{name} has no meaning without --auth=basic or --auth=token")
        return None
    if not args["users"]:
        raise InputError(
            f"--auth={kind} needs --users; make the file with 'lapstrake registry add-user NAME --users FILE'"
        )
    return Auth(args["users"], tokens=kind == "token", anonymous_pull=args["anonymous-pull"])


def _tls(args: Arguments, storage: Path) -> tuple[Tls | None, Path | None]:
    """What to serve TLS with, and the authority to trust if it is our own."""
    from lapstrake.embedded.registry_tls import self_signed
    from lapstrake.http.serving import Tls

    certificate, key = args["tls-cert"], args["tls-key"]
    if bool(certificate) != bool(key):
        raise InputError("--tls-cert and --tls-key go together")
    if args["tls-self-signed"]:
        if certificate:
            raise InputError(
                "--tls-self-signed makes its own certificate: leave --tls-cert and --tls-key out"
            )
        return self_signed(storage, args["host"])
    return (Tls(certificate, key) if certificate else None), None


def _limits(args: Arguments) -> Limits:
    from lapstrake.registry.limits import Limits

    usual = Limits()
    return Limits(
        blob=_size(args, "max-blob-size") or usual.blob,
        total=_size(args, "max-total-size") or None,
        free=_size(args, "min-free-disk") if args.given("min-free-disk") else usual.free,
    )


def _size(args: Arguments, name: str) -> int:
    """Bytes; 0 if the flag is not given. Raises InputError if its value is no size."""
    text = args[name]
    match = re.fullmatch(r"(\d{1,15})([KMGT]i?|)B?", text or "0")
    if match is None:
        raise InputError(f"--{name} must be a size like 500Mi or 20G, but was '{text}'")
    return int(match[1]) * {**_UNITS, **_BINARY}[match[2]]


def _add_user(args: Arguments) -> int:
    from lapstrake.registry.accounts import new_account, write_account

    name, path = args.positional[0], _users(args)
    account = new_account(name, _password(args, name), may_write=not args["read-only"])
    changed = write_account(path, name, account)
    print(f"{'changed' if changed else 'added'} {name} in {path}")
    return 0


def _remove_user(args: Arguments) -> int:
    from lapstrake.registry.accounts import write_account

    name, path = args.positional[0], _users(args)
    if not write_account(path, name, None):
        raise InputError(f"'{name}' has no account in {path}")
    print(f"removed {name} from {path}")
    return 0


def _users(args: Arguments) -> str:
    if not args["users"]:
        raise InputError("--users must name the file of the accounts")
    return str(args["users"])


def _password(args: Arguments, name: str) -> str:
    """From the standard input, or asked for twice on the terminal; never from the command line."""
    if args["password-stdin"]:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise InputError("There is no terminal to ask for the password: use --password-stdin")
    import getpass

    password = getpass.getpass(f"Password for {name}: ")
    if getpass.getpass("The same again: ") != password:
        raise InputError("The two passwords differ")
    return password


REGISTRY = Command(
    "registry",
    "The OCI registry on its own",
    children=(
        Command(
            "serve",
            "Serve an OCI registry whose tags expire when they are named like a duration",
            flags=(
                Flag("port", "int", 5600, "Port (0: any)"),
                Flag("host", "string", "127.0.0.1", "Address to listen on"),
                Flag("storage", "string", "", "Folder that keeps the images"),
                Flag("auth", "string", "none", "How clients log in: none, basic or token"),
                _USERS,
                Flag("anonymous-pull", "bool", False, "Let everybody pull; pushing takes an account"),
                Flag("tls-cert", "string", "", "File of the certificate to serve TLS with (PEM)"),
                Flag("tls-key", "string", "", "File of its key (PEM)"),
                Flag(
                    "tls-self-signed",
                    "bool",
                    False,
                    "Serve TLS with a certificate of an authority of its own",
                ),
                Flag("max-blob-size", "string", "", "Largest blob (default 64Gi)"),
                Flag("max-total-size", "string", "", "Most content in all (default: what the disk holds)"),
                Flag("min-free-disk", "string", "", "What stays free of the disk (default 64Mi)"),
            ),
            run=_serve,
        ),
        Command(
            "add-user",
            "Add an account, or change its password and rights",
            flags=(
                _USERS,
                Flag("read-only", "bool", False, "The account may pull, and nothing else"),
                Flag("password-stdin", "bool", False, "Read the password from the standard input"),
            ),
            arguments=(1, 1),
            run=_add_user,
        ),
        Command("remove-user", "Remove an account", flags=(_USERS,), arguments=(1, 1), run=_remove_user),
    ),
)
