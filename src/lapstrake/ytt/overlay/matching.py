"""Which nodes an overlay item means: by a key's value, by a function, or by one of the module's matchers.

The matchers of ``@ytt:overlay`` are Starlark callables, but where the engine meets one it asks it directly
with values of the tree, which saves wrapping each node.
"""

from __future__ import annotations

from lapstrake.errors import InputError
from lapstrake.starlark.errors import EvalError
from lapstrake.starlark.values import Builtin
from lapstrake.yamldoc.nodes import Map
from lapstrake.ytt.fragment import go_type
from lapstrake.ytt.overlay.annotations import NOT_GIVEN
from lapstrake.ytt.overlay.compare import difference, same
from lapstrake.ytt.overlay.host import is_callable, tree_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from lapstrake.ytt.overlay.host import Host


class Matcher(Builtin):
    """A builtin matcher; ``test(place, left, right)`` takes values of the tree."""

    __slots__ = ("test",)

    def __init__(self, name: str, test: Callable[[Any, Any, Any], bool], host: Host) -> None:
        def run(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
            if len(args) != 3 or kwargs:
                raise EvalError(f"{name}: expected exactly 3 arguments")
            place, left, right = args
            return test(place, host.to_yaml(left), host.to_yaml(right))

        super().__init__(name, run)
        self.test = test


def map_key_matcher(key: str, host: Host) -> Matcher:
    name = "overlay.map_key_matcher"

    def test(_place: Any, left: Any, right: Any) -> bool:
        return same(_value_at(name, left, key), _value_at(name, right, key))

    return Matcher(name, test, host)


def _value_at(name: str, value: Any, key: str) -> Any:
    if value.__class__ is not Map:
        raise EvalError(f"{name}: Expected value to be map, but was {tree_type(value)}")
    item = value.find(key)
    if item is None:
        raise EvalError(f"{name}: Expected to find map item with key '{key}', but did not")
    return item.value


def index_matcher(number: int, host: Host) -> Matcher:
    def test(place: Any, _left: Any, _right: Any) -> bool:
        if type(place) is not int:
            raise EvalError("overlay.index: expected starlark.Int")
        return place == number

    return Matcher("overlay.index_matcher", test, host)


def subset_matcher(wanted: Any, host: Host) -> Matcher:
    def test(_place: Any, left: Any, _right: Any) -> bool:
        return difference(left, wanted) is None

    return Matcher("overlay.subset_matcher", test, host)


def all_matcher(host: Host) -> Matcher:
    return Matcher("overlay.all", lambda _place, _left, _right: True, host)


def combined(name: str, matchers: Sequence[Any], decide: Callable[..., bool], host: Host) -> Matcher:
    """A matcher that asks others; ``decide`` is ``all`` or ``any``."""
    tests = [as_test(matcher, host) for matcher in matchers]

    def test(place: Any, left: Any, right: Any) -> bool:
        return decide(one(place, left, right) for one in tests)

    return Matcher(name, test, host)


def negated(matcher: Any, host: Host) -> Matcher:
    test = as_test(matcher, host)
    return Matcher("overlay.not_op", lambda place, left, right: not test(place, left, right), host)


def as_test(matcher: Any, host: Host) -> Callable[[Any, Any, Any], bool]:
    """A Starlark callable as a test on values of the tree."""
    if isinstance(matcher, Matcher):
        return matcher.test

    def test(place: Any, left: Any, right: Any) -> bool:
        answer = host.call(matcher, (place, host.to_starlark(left), host.to_starlark(right)))
        if type(answer) is not bool:
            raise InputError(f"expected starlark.Bool, but was {go_type(answer)}")
        return answer

    return test


def item_test(by: Any, host: Host) -> Callable[[Any, Any, Any], bool]:
    """The test that ``by`` of a map item or an array item stands for. Raises InputError."""
    if by is NOT_GIVEN:
        raise InputError("Expected 'overlay/match' annotation keyword argument 'by' to be specified")
    if type(by) is str:
        return map_key_matcher(by, host).test
    if is_callable(by):
        return as_test(by, host)
    raise InputError(
        "Expected 'overlay/match' annotation keyword argument 'by' to be either string (for map key)"
        f" or function, but was {go_type(by)}"
    )


def document_test(by: Any, host: Host) -> Callable[[Any, Any, Any], bool]:
    """The test that ``by`` of a document stands for. Raises InputError."""
    if by is NOT_GIVEN:
        # two blanks, as ytt has them here and only here
        raise InputError("Expected 'overlay/match' annotation keyword argument 'by'  to be specified")
    if is_callable(by):
        return as_test(by, host)
    raise InputError(
        f"Expected 'overlay/match' annotation keyword argument 'by' to be function, but was {go_type(by)}"
    )
