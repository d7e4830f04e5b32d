"""What a request asks for: its path, its query and its body as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import orjson

from lapstrake.apiserver import status
from lapstrake.apiserver.identity import User

_VERBS = {
    "GET": "get",
    "HEAD": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}


@dataclass(frozen=True, slots=True)
class Target:
    """The parts of a resource path; empty where the path does not have them."""

    group: str
    version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def place(self) -> str:
        """The namespace whose rules of access hold: a Namespace object counts as part of itself."""
        if self.plural == "namespaces" and not self.group:
            return self.name
        return self.namespace


def target_of(path: str) -> Target | None:
    """The resource that ``path`` names, or None if it is no resource path (discovery, health ...)."""
    parts = [part for part in path.split("/") if part]
    if len(parts) > 2 and parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    elif len(parts) > 3 and parts[0] == "apis":
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    own_part = len(rest) == 3 and rest[2] in ("status", "finalize") and group == ""
    if rest[0] == "namespaces" and len(rest) > 2 and not own_part:
        namespace, rest = rest[1], rest[2:]
    rest = [*rest, "", ""]
    subresource = "/".join(part for part in rest[2:] if part)
    return Target(group, version, rest[0], namespace, rest[1], subresource)


class Query:
    """The query parameters of one request."""

    __slots__ = ("_values",)

    def __init__(self, raw: bytes | str) -> None:
        text = raw.decode("latin-1") if isinstance(raw, bytes) else raw
        self._values: dict[str, list[str]] = {}
        if text:
            for name, value in parse_qsl(text, keep_blank_values=True):
                self._values.setdefault(name, []).append(value)

    def text(self, name: str, default: str = "") -> str:
        values = self._values.get(name)
        return values[0] if values else default

    def all(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def given(self, name: str) -> bool:
        return name in self._values

    def flag(self, name: str) -> bool:
        """A parameter without a value counts as true."""
        return name in self._values and self._values[name][0].lower() not in ("false", "0")

    def number(self, name: str) -> int | None:
        """None if it is not given. Raises the refusal of a text that is no number."""
        value = self.text(name)
        if not value:
            return None
        try:
            return int(value)
        except ValueError:
            raise status.bad_request(f'strconv.ParseInt: parsing "{value}": invalid syntax') from None


def verb_of(method: str, target: Target, query: Query) -> str:
    """The verb as rules of access name it."""
    verb = _VERBS.get(method)
    if verb is None:
        raise status.method_not_allowed()
    if verb == "get" and query.flag("watch"):
        return "watch"
    if not target.name:
        return {"get": "list", "delete": "deletecollection"}.get(verb, verb)
    return verb


@dataclass(frozen=True, slots=True)
class Call:
    """How one write is to be done, and by whom; ``warnings`` collects what the client is to be told."""

    user: User
    manager: str = "unknown"
    dry_run: bool = False
    validation: str = "Warn"
    force: bool = False
    manager_given: bool = False
    warnings: list[str] = field(default_factory=list)


def call_of(user: User, query: Query, agent: str, options_kind: str) -> Call:
    """The options of a write. Raises the refusal of values that do not exist.

    ``agent`` is the User-Agent header, whose first part names the field manager when nothing else does.
    """
    causes = []
    dry_run = query.all("dryRun")
    if any(value != "All" for value in dry_run):
        shown = orjson.dumps(dry_run).decode()
        text = f'Unsupported value: {shown}: supported values: "All"'
        causes.append(status.cause("FieldValueNotSupported", "dryRun", text))
    validation = query.text("fieldValidation") or "Warn"
    if validation not in ("Strict", "Warn", "Ignore"):
        text = f'Unsupported value: "{validation}": supported values: "", "Ignore", "Strict", "Warn"'
        causes.append(status.cause("FieldValueNotSupported", "fieldValidation", text))
    given = query.text("fieldManager")
    if len(given) > 128:
        causes.append(
            status.cause("FieldValueTooLong", "fieldManager", "Too long: may not be more than 128 bytes")
        )
    if causes:
        raise status.invalid(options_kind, "meta.k8s.io", "", causes)
    manager = given or agent.partition("/")[0][:128] or "unknown"
    return Call(user, manager, bool(dry_run), validation, query.flag("force"), bool(given))
