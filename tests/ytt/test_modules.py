"""The standard modules: one expression each, and what they refuse."""

from __future__ import annotations

import pytest

from lapstrake.errors import LapstrakeError
from lapstrake.operations.template import SourceFile, template


def result(module: str, expression: str) -> str:
    text = f'#@ load("@ytt:{module}", "{module}")\na: #@ {expression}\n'
    return template([SourceFile("config.yml", text.encode())]).text.removeprefix("a:").strip()


@pytest.mark.parametrize(
    ("module", "expression", "expected"),
    [
        pytest.param("base64", 'base64.encode("a?>", url=True)', "YT8-", id="base64"),
        pytest.param("base64", 'base64.decode("aGVsbG8", raw=True)', "hello", id="base64 raw"),
        pytest.param("md5", 'md5.sum("")', "d41d8cd98f00b204e9800998ecf8427e", id="md5"),
        pytest.param(
            "json", 'json.encode({"b": 1, "a": "<"})', '\'{"a":"\\u003c","b":1}\'', id="json encode"
        ),
        pytest.param("json", 'type(json.decode("1"))', "float", id="json numbers are floats"),
        pytest.param("yaml", 'yaml.decode("x: [1, ~]")["x"][0]', "1", id="yaml decode"),
        pytest.param("regexp", 'regexp.replace("(a)(n)", "banana", "$2$1")', "bnanaa", id="regexp"),
        pytest.param("regexp", 'regexp.match("(?i)HELLO", "say hello")', "true", id="regexp flags"),
        pytest.param("math", "math.round(2.5)", "3", id="math rounds half away from zero"),
        pytest.param("ip", 'ip.parse_cidr("10.1.2.3/16")[1].string()', "10.1.0.0/16", id="ip"),
        pytest.param("url", 'url.query_params_encode({"z": ["1"], "a": ["x y"]})', "a=x+y&z=1", id="url"),
        pytest.param("struct", "struct.bind(lambda a, b: [a, b], 1)(2)[1]", "2", id="bind"),
        pytest.param("struct", "struct.make(x=1).x", "1", id="struct"),
        pytest.param("assert", "assert.try_to(lambda: fail('a'))[1]", "'fail: a'", id="try_to"),
        pytest.param("assert", "assert.min(3).check(3)", "true", id="min"),
        pytest.param("toml", 'toml.decode("a = 0x1F")["a"]', "31", id="toml"),
        pytest.param("version", 'version.require_at_least("0.30.0")', "null", id="version"),
    ],
)
def test_function(module: str, expression: str, expected: str) -> None:
    assert result(module, expression) == expected


@pytest.mark.parametrize(
    ("module", "expression", "message"),
    [
        pytest.param(
            "base64",
            'base64.decode("a*b")',
            "base64.decode: illegal base64 data at input byte 1",
            id="base64",
        ),
        pytest.param(
            "json",
            "json.encode({}, indent=9)",
            "json.encode: indent value must be between 0 and 8",
            id="json",
        ),
        pytest.param(
            "yaml",
            'yaml.decode("a: 1\\n---\\nb: 1")',
            "yaml.decode: Expected to find exactly one YAML document",
            id="yaml",
        ),
        pytest.param(
            "struct",
            "struct.make(1)",
            "struct.make: unexpected positional arguments (structs are made from keyword arguments only)",
            id="struct",
        ),
        pytest.param("assert", "assert.fail('x')", "assert.fail: fail: x", id="fail"),
        pytest.param(
            "regexp",
            'regexp.match("a(b", "x")',
            "regexp.match: error parsing regexp: missing closing ): `a(b`",
            id="regexp",
        ),
        pytest.param(
            "version",
            'version.require_at_least("99.1.0")',
            "version.require_at_least: ytt version '0.48.0' does not meet the minimum required version '99.1.0'",
            id="version",
        ),
        pytest.param(
            "data",
            "data.read('../x')",
            "data.read: Expected to find file '../x', but did not: Did not find ''",
            id="no way up",
        ),
    ],
)
def test_refusal(module: str, expression: str, message: str) -> None:
    with pytest.raises(LapstrakeError) as caught:
        result(module, expression)
    assert str(caught.value).split("\n")[1] == f"- {message}"


def test_errors_inside_bound_functions_leave_no_frames() -> None:
    with pytest.raises(LapstrakeError) as caught:
        result("struct", "struct.bind(lambda a: 1 // a, 0)()")
    assert str(caught.value).count("    in ") == 1
