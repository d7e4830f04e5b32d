"""Rules on data values: ``@schema/validation`` and ``@assert/validate``, run once on the final values."""

from __future__ import annotations

from types import FunctionType

from lapstrake.errors import InputError
from lapstrake.starlark.errors import EvalError
from lapstrake.starlark.values import ABSENT, Value, to_repr, type_name
from lapstrake.yamldoc.gojson import key_text
from lapstrake.yamldoc.nodes import Array, Map
from lapstrake.ytt.checks import (
    max_len_problem,
    max_problem,
    min_len_problem,
    min_problem,
    one_not_null_problem,
)
from lapstrake.ytt.overlay.compare import same
from lapstrake.ytt.overlay.host import is_callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from lapstrake.position import Position
    from lapstrake.yamldoc.nodes import Annotation, Document
    from lapstrake.ytt.overlay.host import Host
    from lapstrake.ytt.schema.types import DocumentType, Type

    Check = Callable[[Any, Any], str | None]  # value of the tree, the same for Starlark -> problem

FAILED = ""
"""The problem of a rule that has nothing to tell beyond that it failed."""

ASSERT = "assert/validate"
SCHEMA = "schema/validation"

# in the order in which they are run
_KEYWORDS = ("not_null", "min_len", "max_len", "min", "max", "one_not_null", "one_of")


class Rule:
    """``message`` says what a valid value is; ``check`` what is wrong with one (``FAILED``: just that)."""

    __slots__ = ("check", "message")

    def __init__(self, message: str, check: Check) -> None:
        self.message = message
        self.check = check


class Rules:
    """All rules of one annotation; ``not_null`` comes first and makes the others pointless."""

    __slots__ = ("not_null", "position", "rules", "when")

    def __init__(self, rules: Sequence[Rule], not_null: bool, when: Any, position: Position) -> None:
        self.rules = rules
        self.not_null = not_null
        self.when = when
        self.position = position


def rules_of(annotation: Annotation, host: Host) -> Rules:
    """The rules that an annotation states. Raises InputError (``Invalid @... annotation - ...``)."""
    try:
        return _rules(annotation, host)
    except InputError as error:
        raise InputError(f"Invalid @{annotation.name} annotation - {error}") from error


def _rules(annotation: Annotation, host: Host) -> Rules:
    place = annotation.position
    kwargs = annotation.kwargs
    if not annotation.args and not kwargs:
        raise InputError(
            f"expected annotation to have 2-tuple as argument(s), but found no arguments (by {place})"
        )
    rules = [_tuple_rule(argument, place, host) for argument in annotation.args]
    for name in kwargs:
        if name not in _KEYWORDS and name != "when":
            raise InputError(f'unknown keyword argument "{name}" (at {place})')
    when = kwargs.get("when")
    if when is not None and not is_callable(when):
        raise _wrong_kind("when", "a function", when, place)
    not_null = kwargs.get("not_null", False)
    if type(not_null) is not bool:
        raise _wrong_kind("not_null", "a boolean", not_null, place)
    for name in _KEYWORDS[1:]:
        if name in kwargs:
            rules.append(_keyword_rule(name, kwargs[name], place, host))
    return Rules(rules, not_null, when, place)


def _wrong_kind(name: str, wanted: str, value: Any, place: Position) -> InputError:
    return InputError(
        f'expected keyword argument "{name}" to be {wanted}, but was {type_name(value)} (at {place})'
    )


def _tuple_rule(argument: Any, place: Position, host: Host) -> Rule:
    if type(argument) is not tuple:
        raise InputError(
            f"expected annotation to have 2-tuple as argument(s), but found: {to_repr(argument)} (by {place})"
        )
    if len(argument) != 2:
        raise InputError(f"expected 2-tuple, but found tuple with length {len(argument)} (by {place})")
    message, function = argument
    if type(message) is not str:
        raise InputError(
            "expected first item in the 2-tuple to be a string describing a valid value,"
            f" but was {type_name(message)} (at {place})"
        )
    if not is_callable(function):
        check = function.attr("check") if isinstance(function, Value) else ABSENT
        if check is ABSENT or not is_callable(check):
            raise InputError(
                "expected second item in the 2-tuple to be an assertion function,"
                f" but was {type_name(function)} (at {place})"
            )
        return Rule(message, _assertion_check(check, host))
    return Rule(message, _function_check(function, host))


def _function_check(function: Any, host: Host) -> Check:
    def check(_value: Any, starlark_value: Any) -> str | None:
        try:
            answer = host.call(function, (starlark_value,))
        except EvalError as error:
            return str(error)
        return None if answer is True else FAILED

    return check


def _assertion_check(function: Any, host: Host) -> Check:
    """The check of an object of ``@ytt:assert``, whose failure tells only the reason."""

    def check(_value: Any, starlark_value: Any) -> str | None:
        try:
            host.call(function, (starlark_value,))
        except EvalError as error:
            return str(error).removeprefix("check: ").removeprefix("fail: ")
        return None

    return check


def _keyword_rule(name: str, bound: Any, place: Position, host: Host) -> Rule:
    if name in ("min_len", "max_len"):
        if type(bound) not in (int, float):
            raise _wrong_kind(name, "a number", bound, place)
        length = int(bound)
        if name == "min_len":
            return Rule(f"length >= {length}", lambda _, value: min_len_problem(value, length))
        return Rule(f"length <= {length}", lambda _, value: max_len_problem(value, length))
    if name == "min":
        return Rule(f"a value >= {to_repr(bound)}", lambda _, value: min_problem(value, bound))
    if name == "max":
        return Rule(f"a value <= {to_repr(bound)}", lambda _, value: max_problem(value, bound))
    if name == "one_of":
        return _one_of_rule(bound, place, host)
    return _one_not_null_rule(bound)


def _one_of_rule(options: Any, place: Position, host: Host) -> Rule:
    if type(options) not in (list, tuple):
        raise _wrong_kind("one_of", "a sequence", options, place)
    allowed = [host.to_yaml(option) for option in options]

    def check(value: Any, _starlark_value: Any) -> str | None:
        return None if any(same(value, one) for one in allowed) else "not one of allowed values"

    return Rule(f"one of {to_repr(options)}", check)


def _one_not_null_rule(keys: Any) -> Rule:
    if keys is False:
        raise InputError("one_not_null= cannot be False")
    if keys is not True and type(keys) not in (list, tuple):
        raise InputError(f"expected True or a sequence of keys, but was a '{type_name(keys)}'")

    def check(value: Any, _starlark_value: Any) -> str | None:
        if value.__class__ is not Map:
            return "value is not a map"
        given = [
            item.key for item in value.items if item.value is not None and (keys is True or item.key in keys)
        ]
        return one_not_null_problem(given)

    wanted = "all values" if keys is True else to_repr(keys)
    return Rule(f"exactly one of {wanted} to be not null", check)


class Context(Value):
    """The second argument of ``when``: ``root`` and ``parent`` of the value."""

    __slots__ = ("_attributes",)

    def __init__(self, root: Any, parent: Any) -> None:
        self._attributes = {"parent": parent, "root": root}

    def type_name(self) -> str:
        return "struct"

    def text(self) -> str:
        return "struct(...)"

    def attr(self, name: str) -> Any:
        return self._attributes.get(name, ABSENT)

    def attr_names(self) -> Sequence[str]:
        return ("parent", "root")


def is_computed(node: Any) -> bool:
    """Whether code made the collection that is the value of an item which was written."""
    return bool(node.position.line) and not node.value.position.line


def validate(document: Document, schema: DocumentType | None, host: Host) -> None:
    """Run all rules on the final data values. Raises InputError with every violation."""
    run = _Run(document.value, host)
    try:
        run.visit(document, schema.value if schema is not None else None, "", document.value)
    except InputError as error:
        raise InputError(f"Validating final data values:\n{error}") from error
    if run.violations:
        raise InputError("Validating final data values:\n" + "\n".join(run.violations) + "\n")


class _Run:
    __slots__ = ("_host", "_root", "violations")

    def __init__(self, root: Any, host: Host) -> None:
        self._root = root
        self._host = host
        self.violations: list[str] = []

    def visit(self, node: Any, kind: Type | None, path: str, parent: Any) -> None:
        """Check an item and what is below it; containers come before their contents."""
        if kind is not None and kind.rules is not None:
            self._apply(kind.rules, node, path, parent)
        if node.annotations and ASSERT in node.annotations:
            self._apply(rules_of(node.annotations[ASSERT], self._host), node, path, parent)
        value = node.value
        if value.__class__ is Map:
            members: dict[Any, Type] = getattr(kind, "by_key", {})
            for item in value.items:
                key = item.key if item.key.__class__ is str else key_text(item.key)
                below = members.get((item.key.__class__, item.key))
                self.visit(item, below, f"{path}.{key}" if path else key, value)
        elif value.__class__ is Array:
            below = getattr(kind, "item", None)
            for number, entry in enumerate(value.items):
                self.visit(entry, below, f"{path}[{number}]", value)

    def _apply(self, rules: Rules, node: Any, path: str, parent: Any) -> None:
        value = node.value
        starlark_value = self._starlark_value(node)
        name = path or "(document)"
        if rules.when is not None and not self._is_due(rules.when, starlark_value, parent, name):
            return
        failures = []
        if value is None:
            if rules.not_null:
                failures.append(("not null", "value is null"))
        else:
            for rule in rules.rules:
                problem = self._problem(rule, value, starlark_value)
                if problem is not None:
                    failures.append((rule.message, problem))
        if failures:
            lines = [f"  {name}\n    from: {node.position}\n"]
            for message, problem in failures:
                lines.append(f"    - must be: {message} (by: {rules.position})\n")
                if problem is not FAILED:
                    lines.append(f"      found: {problem}\n")
            self.violations.append("".join(lines))

    def _starlark_value(self, node: Any) -> Any:
        """The value as rules see it: a list that code made is still a list, one that was written is a fragment."""
        value = node.value
        if value.__class__ is Array and is_computed(node):
            return [self._host.to_starlark(item.value) for item in value.items]
        return self._host.to_starlark(value)

    @staticmethod
    def _problem(rule: Rule, value: Any, starlark_value: Any) -> str | None:
        try:
            return rule.check(value, starlark_value)
        except EvalError as error:
            return str(error)

    def _is_due(self, when: Any, value: Any, parent: Any, name: str) -> bool:
        host = self._host
        count = when.__code__.co_argcount if type(when) is FunctionType else 1
        if count not in (1, 2):
            raise InputError(
                f"Validating {name}: Failed to evaluate when=: function must accept 1 or 2 arguments"
                f" ({count} given)"
            )
        args = (value,)
        if count == 2:
            context = Context(host.to_starlark(self._root), host.to_starlark(parent))
            args = (value, context)  # type: ignore[assignment]
        try:
            answer = host.call(when, args)
        except EvalError as error:
            raise InputError(f"Validating {name}: Failure evaluating when=: {error}") from error
        if type(answer) is not bool:
            raise InputError(f"Validating {name}: want when= to be bool, got {type_name(answer)}")
        return answer
