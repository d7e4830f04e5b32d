"""YAML and text templates: what comments mean, and what functions, blocks and values build."""

from __future__ import annotations

import pytest

from lapstrake.errors import LapstrakeError
from lapstrake.operations.template import SourceFile, TemplateOptions, template


def rendered(text: str, name: str = "config.yml", **files: str) -> str:
    sources = [SourceFile(name, text.encode())]
    sources += [SourceFile(path.replace("__", "."), data.encode()) for path, data in files.items()]
    result = template(sources, TemplateOptions())
    return result.text if name.endswith(".yml") else result.files[0].data.decode()


def refusal(text: str, name: str = "config.yml", **files: str) -> str:
    with pytest.raises(LapstrakeError) as caught:
        rendered(text, name, **files)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: #@ 1 + 1\n", "a: 2\n", id="value"),
        pytest.param("a: #@\n", "a: []\n", id="empty value is an empty tuple"),
        pytest.param("#@ if False:\na: 1\n#@ else:\nb: 2\n#@ end\n", "b: 2\n", id="if"),
        pytest.param("a:\n  #@ if False:\n  b: 1\n  #@ end\n", "a: {}\n", id="an empty map remains"),
        pytest.param("a:\n#@ for x in [1, 2]:\n- #@ x\n#@ end\n- 3\n", "a:\n- 1\n- 2\n- 3\n", id="for"),
        pytest.param("#@ if/end True:\na:\n  b: 1\nc: 2\n", "a:\n  b: 1\nc: 2\n", id="block of one node"),
        pytest.param("#@ for x in [1, 2]:\n---\na: #@ x\n#@ end\n", "a: 1\n---\na: 2\n", id="documents"),
        pytest.param("#@ def f(x):\nk: #@ x\n#@ end\na: #@ f(1)\n", "a:\n  k: 1\n", id="function of nodes"),
        pytest.param(
            "#@ def f(x):\nk: 1\n#@ if x:\n#@ return 'r'\n#@ end\n#@ end\na: #@ [f(0), f(1)]\n",
            "a:\n- k: 1\n- r\n",
            id="an explicit return discards nodes",
        ),
        pytest.param(
            "#@ def t(n):\nn: #@ n\n#@ if n:\nc: #@ t(n - 1)\n#@ end\n#@ end\na: #@ t(1)\n",
            'a:\n  "n": 1\n  c:\n    "n": 0\n'.replace('"n"', "false"),
            id="recursion",
        ),
        pytest.param(
            '#@ v = "V"\n#@yaml/text-templated-strings\na-(@= v @): x(@= v @)\n', "a-V: xV\n", id="strings"
        ),
        pytest.param(
            "#@ v = 1\na: 1\nb: 2\n#@yaml/map-key-override\na: #@ v + 1\n", "b: 2\na: 2\n", id="override"
        ),
        pytest.param("#@custom/thing 1, x=2\na: 1\n", "a: 1\n", id="unknown annotation"),
        pytest.param("--- #@ [1]\n--- #@ None\n", "- 1\n", id="document value"),
        pytest.param(
            "a: #@ {True: 1, 1: 2, None: 3}\n", "a:\n  true: 1\n  1: 2\n  null: 3\n", id="kinds of keys"
        ),
        pytest.param('a: #@ "é"[0]\n', "a: !!binary ww==\n", id="half a character is binary"),
    ],
)
def test_yaml_template(text: str, expected: str) -> None:
    assert rendered(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "a: 1 #@ 2\n",
            "Expected YAML node at line config.yml:1 to have either computed or YAML value, but found both",
            id="both",
        ),
        pytest.param(
            "#@ x = 1\n# note\na: 1\n",
            "Failed to parse line 2: '# note': Expected ytt-formatted string (use '#@' for annotations or code, '#!' for comments)",
            id="comment",
        ),
        pytest.param(
            "#@ if/end True:\n#@ x = 1\na: 1\n",
            "Unexpected code at line config.yml:2 after use of '*/end', expected YAML node",
            id="code after end",
        ),
    ],
)
def test_yaml_template_that_does_not_compile(text: str, message: str) -> None:
    assert refusal(text) == f"Compiling YAML template 'config.yml': {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: #@ nope\n", "\n- undefined: nope\n    config.yml:1 | a: #@ nope", id="undefined"),
        pytest.param(
            "a: #@ x # y\nb: 1\n",
            "\n- got identifier, want ')'\n    config.yml:2 | b: 1",
            id="comment eats parenthesis",
        ),
        pytest.param(
            "a: #@ f(\n",
            "\n- got identifier, want ','\n    config.yml:1 | a: #@ f(\n    config.yml:? | __ytt_tpl2_end_ctx(None) (generated)",
            id="open to the end",
        ),
        pytest.param(
            "#@ x = 1\na: #@ x\na: 2\n",
            "\n- __ytt_tpl2_start_node: expected key 'a' to not be specified again (unless 'yaml/map-key-override' annotation is added)\n"
            "    in <toplevel>\n      config.yml:3 | a: 2",
            id="duplicate key",
        ),
        pytest.param(
            "#@ x = true\n",
            "\n- undefined: true (hint: use 'True' instead of 'true' for boolean assignment)\n    config.yml:1 | #@ x = true",
            id="hint",
        ),
        pytest.param(
            '#@ fail("one\\ntwo")\na: 1\n',
            '\n- fail: one\n    in <toplevel>\n      config.yml:1 | #@ fail("one\\ntwo")\n\n    reason:\n     two',
            id="several lines",
        ),
    ],
)
def test_yaml_template_that_fails(text: str, message: str) -> None:
    assert refusal(text) == message


def test_frames_of_a_starlark_file_have_no_file_name() -> None:
    text = '#@ load("h.star", "f")\na: #@ f({})\n'
    assert refusal(text, h__star="def f(x):\n  return x['k']\nend\n") == (
        "\n- key \"k\" not in dict\n    in f\n      2 |   return x['k']\n    in <toplevel>\n      config.yml:2 | a: #@ f({})"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a (@= 'b' @) c", "a b c", id="value"),
        pytest.param(
            "(@ for i in range(2): -@)\n(@= str(i) @),\n(@- end @)", "0,1,", id="loop with trimming"
        ),
        pytest.param("(@ def f(x): @)<(@= x @)>(@ end @)(@= f('y') @)", "<y>", id="function of text"),
        pytest.param("(@ def f(): return 'z' @)(@= f().upper() @)", "Z", id="function on one line"),
        pytest.param("(@= 'x' +\n 'y' @)", "xy", id="value on several lines"),
    ],
)
def test_text_template(text: str, expected: str) -> None:
    assert rendered(text, "note.txt") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "x (@ (@ y @)",
            "Parsing text template 'note.txt': Unexpected code opening '(@' at line 1 col 7",
            id="nested",
        ),
        pytest.param("x (@ y", "Parsing text template 'note.txt': Missing code closing '@)'", id="open"),
        pytest.param("x @)", "Parsing text template 'note.txt': Unexpected code closing '@)'", id="stray"),
        pytest.param(
            "n: (@= 5 @)",
            "Evaluating text template: \n- __ytt_tpl2_set_node: cannot set non-string value (int64)",
            id="number",
        ),
    ],
)
def test_text_template_that_fails(text: str, message: str) -> None:
    assert refusal(text, "note.txt").startswith(message)


def test_keys_of_a_map_that_is_gone_are_forgotten() -> None:
    text = "#@ x = 1\na:\n  v: #@ x\n#@yaml/map-key-override\na:\n  v: #@ x\n"
    assert rendered(text) == "a:\n  v: 1\n"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        pytest.param(
            "z: 1\n---\n  #@ template.replace([{'q': 1}])\n---\nb: 1\n", "z: 1\n---\nq: 1\n---\nb: 1\n", id="document"
        ),
        pytest.param("x:\n  _:\n    #@ template.replace({'t': 1})\n  w: 1\n", "x:\n  t: 1\n  w: 1\n", id="map item"),
        pytest.param("x:\n-\n  #@ template.replace([2])\n- 3\n", "x:\n- 2\n- 3\n", id="array item"),
        pytest.param(
            "a:\n  _: #@ template.replace({'x': 1})\n  _: #@ template.replace({'v': 2})\n", "a:\n  x: 1\n  v: 2\n", id="twice"
        ),
    ],
)  # fmt: skip
def test_replacement_takes_the_place_of_the_node_begun_last(template: str, expected: str) -> None:
    text = '#@ load("@ytt:template", "template")\n' + template
    assert rendered(text) == expected
