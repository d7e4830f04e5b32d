"""References to libraries (``@path~alias@inner``) and the values and schemas that are meant for them."""

from __future__ import annotations

from lapstrake.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lapstrake.yamldoc.nodes import Document


class Piece:
    """One library of a reference; an empty ``path`` means any library with that alias."""

    __slots__ = ("alias", "path")

    def __init__(self, path: str, alias: str) -> None:
        self.path = path
        self.alias = alias

    def means(self, path: str, alias: str) -> bool:
        return (not self.path or self.path == path) and (not self.alias or self.alias == alias)


class Meant:
    """A document of values (or of a schema) for the library that ``pieces`` lead to.

    ``after``: it is applied after what the calling template gives. ``reference`` is for messages.
    """

    __slots__ = ("after", "document", "is_schema", "pieces", "reference")

    def __init__(
        self,
        reference: str,
        pieces: Sequence[Piece],
        document: Document,
        *,
        is_schema: bool = False,
        after: bool = False,
    ) -> None:
        self.reference = reference
        self.pieces = pieces
        self.document = document
        self.is_schema = is_schema
        self.after = after

    def inner(self) -> Meant:
        """The same for the libraries of the one that the first piece names."""
        rest = self.pieces[1:]
        return Meant(self.reference, rest, self.document, is_schema=self.is_schema, after=self.after)


def reference_pieces(text: str) -> list[Piece]:
    """The libraries of a reference, outermost first. Raises InputError."""
    if not text:
        raise InputError("Expected library ref to not be empty")
    if not text.startswith("@"):
        raise InputError("Expected library ref to start with '@'")
    pieces: list[Piece] = []
    for part in text[1:].split("@"):
        path, tilde, alias = part.partition("~")
        if "~" in alias:
            raise InputError(
                f"Expected library ref to have form: '@path', '@~alias', or '@path~alias', got: '{text}'"
            )
        if tilde and not alias:
            raise InputError("Expected library alias to not be empty")
        if not path and not tilde:
            raise InputError("Expected library ref to not be empty")
        pieces.append(Piece(path, alias))
    return pieces


class Chosen:
    """What is meant for one library: its own documents, and those for libraries inside it."""

    __slots__ = ("inner", "schemas", "values", "values_after")

    def __init__(self, meant: Iterable[Meant], path: str, alias: str, used: set[int]) -> None:
        self.schemas: list[Document] = []
        self.values: list[Document] = []
        self.values_after: list[Document] = []
        self.inner: list[Meant] = []
        for one in meant:
            if not one.pieces[0].means(path, alias):
                continue
            if len(one.pieces) > 1:
                self.inner.append(one.inner())
                continue
            used.add(id(one.document))
            kind = self.schemas if one.is_schema else self.values_after if one.after else self.values
            kind.append(one.document)


def check_all_used(meant: Sequence[Meant], used: set[int]) -> None:
    """Raises InputError if a document was for a library that nobody evaluated."""
    unused = [one for one in meant if id(one.document) not in used]
    if not unused:
        return
    values = [_unused("Data Value", one) for one in unused if not one.is_schema]
    schemas = [_unused("Schema", one) for one in unused if one.is_schema]
    what = "data values, and schema documents" if schemas else "data values documents"
    raise InputError(
        f"Expected all provided library {what} to be used but found unused: {', '.join(values + schemas)}"
    )


def _unused(what: str, one: Meant) -> str:
    return f"{what} belonging to library '{one.reference}' on line {one.document.position}"
