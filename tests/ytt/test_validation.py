from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.ytt.schema.build import schema_of
from lapstrake.ytt.validation import validate
from tests.ytt.trees import HOST, tree


def failure(values: str, schema: str | None = None) -> str:
    types = schema_of(tree(f"---\n{schema}", "schema.yml").items[0], HOST) if schema else None
    with pytest.raises(InputError) as caught:
        validate(tree(f"---\n{values}", "values.yml").items[0], types, HOST)
    return str(caught.value).removeprefix("Validating final data values:\n")


@pytest.mark.parametrize(
    ("rule", "value", "message", "found"),
    [
        ("min=3", "2", "a value >= 3", "value < 3"),
        ("max='q'", "z", 'a value <= "q"', "value > q"),
        ("min_len=2.7", '"x"', "length >= 2", "length = 1"),
        ("max_len=3", "äöü", "length <= 3", "length = 6"),
        ("min_len=1", "5", "length >= 1", "len: value of type int has no len"),
        ("one_of=[1, 'a']", "2", 'one of [1, "a"]', "not one of allowed values"),
        ("not_null=True", "~", "not null", "value is null"),
    ],
)
def test_keyword_rule(rule: str, value: str, message: str, found: str) -> None:
    assert failure(f"#@assert/validate {rule}\nk: {value}\n") == (
        f"  k\n    from: values.yml:3\n    - must be: {message} (by: values.yml:2)\n      found: {found}\n\n"
    )


def test_all_rules_run_and_keywords_come_last() -> None:
    rule = "('long', lambda v: len(v) > 3), ('an x', lambda v: v[0] == 'x'), one_of=['q'], max_len=1"
    assert failure(f"#@assert/validate {rule}\nk: ab\n") == (
        "  k\n    from: values.yml:3\n"
        "    - must be: long (by: values.yml:2)\n"
        "    - must be: an x (by: values.yml:2)\n"
        "    - must be: length <= 1 (by: values.yml:2)\n      found: length = 2\n"
        '    - must be: one of ["q"] (by: values.yml:2)\n      found: not one of allowed values\n\n'
    )


def test_null_skips_rules() -> None:
    validate(tree("---\n#@assert/validate min_len=1\nk: ~\n").items[0], None, HOST)


def test_paths_name_keys_and_indexes() -> None:
    message = failure("a:\n  b.c:\n  - x: 1\n    #@assert/validate min=3\n    d: 1\n")
    assert message.startswith("  a.b.c[0].d\n    from: values.yml:6\n")


def test_rules_of_the_schema_apply_by_place() -> None:
    message = failure("l: [a, abc]\n", 'l:\n#@schema/validation max_len=2\n- ""\n')
    assert message.startswith(
        "  l[1]\n    from: values.yml:2\n    - must be: length <= 2 (by: schema.yml:3)\n"
    )


def test_rules_of_the_document() -> None:
    document = tree('#@assert/validate ("never", lambda d: False)\n---\na: 1\n').items[0]
    with pytest.raises(InputError, match=r"\(document\)"):
        validate(document, None, HOST)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("lambda v: 'yes'", "Validating k: want when= to be bool, got string"),
        (
            "lambda a, b, c: True",
            "Validating k: Failed to evaluate when=: function must accept 1 or 2 arguments (3 given)",
        ),
        ("lambda v, ctx: ctx.attr('root')['k'] == ctx.attr('parent')['k']", "must be: length >= 9"),
    ],
)
def test_when(when: str, expected: str) -> None:
    assert expected in failure(f"#@assert/validate min_len=9, when={when}\nk: x\n")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", "expected annotation to have 2-tuple as argument(s), but found no arguments (by values.yml:2)"),
        ("'x'", 'expected annotation to have 2-tuple as argument(s), but found: "x" (by values.yml:2)'),
        (
            "('x', 5)",
            "expected second item in the 2-tuple to be an assertion function, but was int (at values.yml:2)",
        ),
        (
            "(1, 2)",
            "expected first item in the 2-tuple to be a string describing a valid value, but was int (at values.yml:2)",
        ),
        ("('x', 2, 3)", "expected 2-tuple, but found tuple with length 3 (by values.yml:2)"),
        ("mn=1", 'unknown keyword argument "mn" (at values.yml:2)'),
        (
            "min_len='3'",
            'expected keyword argument "min_len" to be a number, but was string (at values.yml:2)',
        ),
        ("one_not_null=False", "one_not_null= cannot be False"),
    ],
)
def test_malformed_annotation(arguments: str, expected: str) -> None:
    assert (
        failure(f"#@assert/validate {arguments}\nk: x\n")
        == f"Invalid @assert/validate annotation - {expected}"
    )


@pytest.mark.parametrize(
    ("value", "found"), [("{a: 1, b: 2}", '["a", "b"] are not null'), ("{a: ~}", "all values are null")]
)
def test_one_not_null(value: str, found: str) -> None:
    assert f"found: {found}\n" in failure(f'#@assert/validate one_not_null=["a", "b"]\nk: {value}\n')
