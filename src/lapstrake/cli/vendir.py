"""The vendir command line: sync, tools sort-semver, version."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from lapstrake.cli.flags import Arguments, Command, Flag, execute
from lapstrake.cli.ui import GLOBAL_FLAGS, UI, Table
from lapstrake.errors import InputError
from lapstrake.messages import reason, unread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lapstrake.operations.sync import Fetch
    from lapstrake.vendir.config import Config
    from lapstrake.vendir.lock import Lock

_DEFAULT_FILE = "vendir.yml"
_SYNC = (
    Flag("file", "strings", (_DEFAULT_FILE,), "Set configuration file", short="f"),
    Flag("lock-file", "string", "vendir.lock.yml", "Set lock file"),
    Flag(
        "locked",
        "bool",
        False,
        "Consult lock file to pull exact references (e.g. use git sha instead of branch name)",
        short="l",
    ),
    Flag(
        "directory", "strings", None, "Sync specific directory (format: dir/sub-dir[=local-dir])", short="d"
    ),
    Flag("lazy", "bool", True, "Set to 'false' to ignore lazy flag in directories and contents"),
    Flag("chdir", "string", "", "Set current directory for process"),
    Flag(
        "dangerous-allow-all-symlink-destinations", "bool", False, "Symlinks to all destinations are allowed"
    ),
)
_SORT_SEMVER = (
    Flag("version", "strings", None, "List of versions", short="v"),
    Flag("constraint", "strings", None, "List of constraints", short="c"),
    Flag("prerelease", "bool", False, "Include prereleases"),
    Flag("prerelease-identifier", "strings", None, "List of prerelease identifiers to include"),
)


def main(argv: Sequence[str]) -> int:
    return execute("vendir", _root(), argv)


def _root() -> Command:
    sort_semver = Command("sort-semver", "Sort semver versions", flags=_SORT_SEMVER, run=_sort_semver)
    return Command(
        "vendir",
        "vendir allows to declaratively state what should be in a directory",
        flags=tuple(flag for flag in GLOBAL_FLAGS if flag.name != "debug"),
        bare="names",
        children=(
            Command("sync", "Sync directories", flags=_SYNC, run=_sync),
            Command("tools", "Tools", aliases=("t",), children=(sort_semver,)),
            Command("version", "Print version", run=_version),
        ),
    )


class _Console(UI):
    """As usual, but an error goes to standard error alone, below a blank line: no JSON document is printed then."""

    _failed = False

    def error(self, text: str) -> bool:
        self._failed = True
        self._clear_display()
        if not self.json and self._sort:
            self._out.write("\n")
        return False

    def flush(self) -> None:
        if not self._failed:
            super().flush()


def _sync(args: Arguments) -> int:
    from lapstrake.operations.sync import SyncOptions, sync
    from lapstrake.vendir import config_reader, lock

    ui = _Console.of(args)
    if args["chdir"]:
        _change_folder(args["chdir"])
    config, references = config_reader.read((name, _read(name)) for name in args["file"])
    wanted = [_directory_flag(text) for text in args["directory"]]
    if wanted:
        config = lock.chosen(config, wanted)
        _show(ui, "Config with overrides", config.printed())
    former = _former_lock(args, config)
    if args["locked"] and former:
        config = lock.apply(config, former)
        _show(ui, "Config with locks", config.printed())
    output = _Indented(ui.piece)

    def announce(line: str) -> None:
        output.begin()
        ui.paragraph(line)

    options = SyncOptions(
        lazy=args["lazy"],
        partial=bool(wanted),
        any_links=args["dangerous-allow-all-symlink-destinations"],
        scratch_name=f".vendir-tmp-{os.getpid()}",
        progress=announce,
        output=output.write,
    )
    new = sync(config, references, _fetchers(ui, os.environ), options, former)
    if wanted and os.path.lexists(args["lock-file"]):
        new = _read_lock(args["lock-file"]).merged(new)
    _show(ui, "Lock config", new.printed())
    if any(local for _, local in wanted):
        ui.paragraph(f"Lock config is not saved to '{args['lock-file']}' due to command line overrides")
    else:
        _write_lock(args["lock-file"], new)
    ui.paragraph("Succeeded")
    return 0


class _Indented:
    """Prints what programs print as it comes, each line a little to the right."""

    def __init__(self, piece: Callable[[str], None]) -> None:
        import threading

        self._piece = piece
        self._at_start = True
        self._lock = threading.Lock()

    def begin(self) -> None:
        """What comes next starts a line, whatever came before."""
        self._at_start = True

    def write(self, text: str) -> None:
        with self._lock:
            start = "  " if self._at_start else ""
            self._at_start = text.endswith("\n")
            lines = text.removesuffix("\n").replace("\n", "\n  ")
            self._piece(f"{start}{lines}\n" if self._at_start else f"{start}{lines}")


def _fetchers(ui: UI, environment: Mapping[str, str]) -> Mapping[str, Fetch]:
    from functools import partial

    from lapstrake.operations.registry_images import RegistryImages
    from lapstrake.operations.sources import standard_fetchers

    open_images = partial(RegistryImages, environment=environment, transfers=ui.transfers)
    return standard_fetchers(environment, open_images, ui.transfers)


def _show(ui: UI, title: str, text: str) -> None:
    ui.paragraph(title)
    ui.block(text)


def _sort_semver(args: Arguments) -> int:
    from lapstrake.versions import Prereleases, constraint, valid

    ui = _Console.of(args)
    versions = valid(text for value in args["version"] for text in value.split())
    if args["prerelease"] or args["prerelease-identifier"]:
        allowed = Prereleases(tuple(args["prerelease-identifier"]))
        versions = [v for v in versions if allowed.allow(v)]
    else:
        versions = [v for v in versions if not v.prerelease]
    if args["constraint"]:
        # the original joins them by commas, which its ranges do not know
        wanted = constraint(", ".join(args["constraint"]))
        versions = [v for v in versions if v in wanted]
    ui.table(Table(["Version"], [[v.text] for v in versions], title="Versions"))
    if versions:
        ui.paragraph(f"Highest version: {versions[-1].text}")
    ui.succeeded()
    return 0


def _version(args: Arguments) -> int:
    from lapstrake.vendir.config import COMPATIBLE_VERSION

    ui = UI.of(args)
    ui.block(f"vendir version {COMPATIBLE_VERSION}\n")
    ui.succeeded()
    return 0


def _change_folder(folder: str) -> None:
    try:
        os.chdir(folder)
    except OSError as e:
        raise InputError(f"Running chdir: chdir {folder}: {reason(e)}") from e


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        with open(name, "rb") as file:
            return file.read()
    except OSError as e:
        hint = ""
        if name == _DEFAULT_FILE:
            hint = (
                " (hint: Did you name your configuration file something different than "
                "'vendir.yml', e.g. wrong extension?)"
            )
        raise InputError(f"Reading config '{name}': {unread(name, e)}{hint}") from e


def _directory_flag(text: str) -> tuple[str, str]:
    """The path and the local folder, where ``~`` at the start is one's own home, whatever follows it."""
    path, _, local = text.partition("=")
    if local.startswith("~"):
        local = os.path.normpath(f"{os.path.expanduser('~')}/{local[1:]}")
    return path, local


def _former_lock(args: Arguments, config: Config) -> Lock | None:
    """The lock of the last sync, to be kept to, or for lazy contents, which are fetched if it cannot be read."""
    if args["locked"]:
        return _read_lock(args["lock-file"])
    if not any(c.lazy for d in config.directories for c in d.contents):
        return None
    try:
        return _read_lock(args["lock-file"])
    except InputError:
        return None


def _read_lock(path: str) -> Lock:
    from lapstrake.vendir import lock

    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError as e:
        raise InputError(f"Reading lock config '{path}': {unread(path, e)}") from e
    return lock.parse(text)


def _write_lock(path: str, lock: Lock) -> None:
    """Only if it says something new, so that its time stays what it was."""
    from lapstrake.adapters.files import write_atomically

    data = lock.printed().encode()
    try:
        with open(path, "rb") as file:
            if file.read() == data:
                return
    except FileNotFoundError:
        pass
    except OSError as e:
        doing = "read" if isinstance(e, IsADirectoryError) else "open"
        raise InputError(f"Failed to check existing lock file: {doing} {path}: {reason(e)}") from e
    try:
        write_atomically(path, data)
    except InputError as e:
        raise InputError(f"Writing lock config: {e}") from e
