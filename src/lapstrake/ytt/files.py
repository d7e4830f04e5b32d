"""What the files of a run are: templates, libraries, plain YAML, text or mere data; marks can change that."""

from __future__ import annotations

from lapstrake.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Protocol

    class Source(Protocol):
        @property
        def path(self) -> str: ...
        @property
        def data(self) -> bytes: ...


YAML = "yaml"
TEXT = "text"
STARLARK = "starlark"
DATA = "data"

_YAML_ENDS = (".yaml", ".yml")
LIBRARY_FOLDER = "_ytt_lib"


class File:
    """A file with its role.

    ``path`` is its name in output and loads, below the root or library; ``name`` is what messages call it, and
    ``original`` the path it was given by.
    """

    __slots__ = (
        "data",
        "exclusive",
        "is_library",
        "is_template",
        "kind",
        "name",
        "original",
        "output",
        "path",
    )

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.name = path
        self.original = path
        self.data = data
        self.exclusive = False
        self.take_role(path)

    def take_role(self, path: str) -> None:
        """Become what the end of ``path`` says."""
        self.kind, self.is_library = _role(path)
        self.is_template = self.kind != DATA
        self.output = self.kind in (YAML, TEXT) and not self.is_library

    @property
    def folder(self) -> str:
        """The directory, without a final slash; empty for the root."""
        return self.path.rpartition("/")[0]

    def decoded(self) -> str:
        return self.data.decode("utf-8", "surrogateescape")


def _role(path: str) -> tuple[str, bool]:
    name = path.rpartition("/")[2]
    stem, dot, end = name.rpartition(".")
    end = dot + end
    is_library = stem.endswith(".lib")
    if end in _YAML_ENDS:
        return YAML, is_library
    if end == ".star":
        return STARLARK, True
    if end == ".txt":
        return TEXT, is_library
    return DATA, False


def with_roles(sources: Iterable[Source], marks: Sequence[str]) -> list[File]:
    """The files of a run, changed by ``marks`` (``PATTERN:key=value``). Raises InputError for a bad mark."""
    files = [File(source.path, source.data) for source in sources]
    for mark in marks:
        files = _marked(files, mark)
    if any(file.exclusive for file in files):
        for file in files:
            file.output = file.output and file.exclusive
    return files


def _marked(files: list[File], mark: str) -> list[File]:
    pattern, colon, setting = mark.rpartition(":")
    key, equals, value = setting.partition("=")
    if not colon or not equals:
        raise InputError(f"Expected file mark '{mark}' to be in format path:key=value")
    matches = [file for file in files if _matches(pattern, file.original)]
    if not matches:
        raise InputError(f"Expected file mark '{mark}' to match at least one file by path, but did not")
    if key == "exclude":
        if value != "true":
            raise InputError(f"Unknown value in file mark '{mark}'")
        return [file for file in files if file not in matches]
    for file in matches:
        _apply_mark(file, mark, key, value)
    return files


def _apply_mark(file: File, mark: str, key: str, value: str) -> None:
    if key == "path":
        file.path = file.name = value
        file.take_role(value)
    elif key == "for-output":
        _check_true(mark, value)
        file.output = True
        if file.kind == DATA:
            raise InputError("Unknown file type")
    elif key == "exclusive-for-output":
        _check_true(mark, value)
        file.output = True
        file.exclusive = True
    elif key == "type":
        kinds = {
            "yaml-template": (YAML, True, False),
            "yaml-plain": (YAML, False, False),
            "text-template": (TEXT, True, False),
            "text-plain": (TEXT, False, False),
            "starlark": (STARLARK, True, True),
            "data": (DATA, False, False),
        }
        if value not in kinds:
            raise InputError(f"Unknown value in file mark '{mark}'")
        file.kind, file.is_template, file.is_library = kinds[value]
        file.output = file.kind in (YAML, TEXT)
    else:
        raise InputError(f"Unknown key in file mark '{mark}'")


def _check_true(mark: str, value: str) -> None:
    if value != "true":
        raise InputError(f"Unknown value in file mark '{mark}'")


def _matches(pattern: str, path: str) -> bool:
    """Only the first ``**/*`` or ``*`` of a pattern stands for other text, as in the tool."""
    before, found, after = pattern.partition("**/*")
    if found:
        return path.startswith(before) and path.endswith(after) and len(path) >= len(before) + len(after)
    before, found, after = pattern.partition("*")
    if not found:
        return path == pattern
    middle = path[len(before) : len(path) - len(after)]
    fits = path.startswith(before) and path.endswith(after) and len(path) >= len(before) + len(after)
    return fits and "/" not in middle


class FileTree:
    """The files of one root or library, by path below it."""

    __slots__ = ("all", "files")

    def __init__(self, files: Sequence[File]) -> None:
        self.all = files
        self.files = {file.path: file for file in reversed(files)}

    def own(self) -> list[File]:
        """Those that belong to no library inside, in the order given, the same path perhaps twice."""
        return [file for file in self.all if LIBRARY_FOLDER not in file.path.split("/")[:-1]]

    def by_folder(self) -> list[File]:
        """The own files in the order of their evaluation: those of a folder before the folders in it, else as given."""
        return _of_folder(self.own(), 0)

    def find(self, path: str, folder: str) -> File:
        """The file a load or read names: relative to ``folder``, or from the root with a slash. Raises InputError."""
        full = path[1:] if path.startswith("/") else (f"{folder}/{path}" if folder else path)
        path = path.removeprefix("/")
        parts = full.split("/")
        if ".." in parts:
            raise InputError(f"Expected to find file '{path}', but did not: Did not find ''")
        found = self.files.get(full)
        if found is None:
            above = "/".join(parts[:-1])
            if above and not any(name.startswith(above + "/") for name in self.files):
                raise InputError(f"Expected to find file '{path}', but did not: Did not find ''")
            raise InputError(
                f"Expected to find file '{path}' (hint: only files included via -f flag are available)"
            )
        return found

    def listing(self, path: str, folder: str) -> list[str]:
        """What ``data.list`` gives: files of a directory first, then of those below it. Raises InputError."""
        root = path.startswith("/")
        base = path.strip("/") if root else "/".join(part for part in (folder, path.strip("/")) if part)
        names = [
            name
            for name in self.files
            if (not base or name.startswith(base + "/")) and LIBRARY_FOLDER not in name.split("/")
        ]
        if not names:
            raise InputError("Did not find ''")
        shown = [name[len(base) + 1 :] if base else name for name in names]
        prefix = "/" if root else ""
        return [prefix + name for name in _files_before_folders(shown)]

    def library(self, name: str, folder: str) -> FileTree:
        """The library ``name`` beside ``folder``. Raises InputError if there is none."""
        base = "/".join(part for part in (folder, LIBRARY_FOLDER) if part) + "/"
        private = [file for file in self.all if file.path.startswith(base)]
        if not private:
            raise InputError(f"Could not find private library (directory '{LIBRARY_FOLDER}' missing?)")
        base += name + "/"
        found = [_below(base, file) for file in private if file.path.startswith(base)]
        if not found:
            raise InputError(f"Expected to find library '{name}', but did not find ''")
        return FileTree(found)


def _below(base: str, file: File) -> File:
    """The same file, with its path below ``base``."""
    inner = File.__new__(File)
    for slot in File.__slots__:
        setattr(inner, slot, getattr(file, slot))
    inner.path = file.path[len(base) :]
    return inner


def _files_before_folders(names: Sequence[str]) -> list[str]:
    here = sorted(name for name in names if "/" not in name)
    folders: dict[str, list[str]] = {}
    for name in names:
        top, slash, rest = name.partition("/")
        if slash:
            folders.setdefault(top, []).append(rest)
    for top in sorted(folders):
        here += [f"{top}/{rest}" for rest in _files_before_folders(folders[top])]
    return here


def _of_folder(files: Sequence[File], depth: int) -> list[File]:
    """``files``, all below one folder that is ``depth`` names deep, with those directly in it first."""
    here: list[File] = []
    below: dict[str, list[File]] = {}
    for file in files:
        parts = file.path.split("/")
        if len(parts) == depth + 1:
            here.append(file)
        else:
            below.setdefault(parts[depth], []).append(file)
    for inner in below.values():
        here += _of_folder(inner, depth + 1)
    return here
