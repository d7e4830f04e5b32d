"""No input gives anything but a result or an error of ours, and none takes long.

Each number is one input: seeds below, changed at random. ``LAPSTRAKE_FUZZ`` sets how many are tried (2,000 if it is
not set), ``LAPSTRAKE_FUZZ_FROM`` the first number, so that one that failed can be tried alone.
"""

from __future__ import annotations

import os
import random
import time
import traceback

from lapstrake import ytt

COUNT = int(os.environ.get("LAPSTRAKE_FUZZ", "2000"))
FIRST = int(os.environ.get("LAPSTRAKE_FUZZ_FROM", "0"))
LIMITS = ytt.Limits(steps=5_000, depth=40, memory=200_000, output=200_000)
SECONDS = 10.0

YAML = (
    "a: 1\nb: [x, {y: 0x1F}, ~]\nc: |\n  text\n   more\nd: &d {e: 1.5e3}\nf:\n  <<: *d\n  g: !!binary aGk=\n",
    "- - 1\n  - '2'\n- ? [k]\n  : v\n- \"\\u00e9\\x41\"\n---\n...\n---\n>-\n folded\n\n text\n",
    "a: &a [1]\nb: &b [*a, *a]\nc: [*b, *b]\n? >\n  key\n: 2020-01-01\n'': .inf\n",
)
TEMPLATES = (
    (
        '#@ load("@ytt:data", "data")\n#@ def f(x, y=2):\n- #@ x\n- n: #@ y\n#@ end\n'
        "---\nlist: #@ f(data.values.name)\n#@ for i in range(3):\n#@ if/end i % 2:\n#@yaml/text-templated-strings\nk(@= str(i) @): v\n#@ end\n"
    ),
    (
        '#@ load("@ytt:template", "template")\n#@ load("m.star", "g")\n_: #@ template.replace({"a": g(1), "b": [None, (1,)]})\n'
        '#@ x = {"k": "%s %d" % ("a", 7)}\n#@yaml/map-key-overrides\nc: #@ x["k"].split(" ")[::-1]\n'
    ),
    '#@ load("@ytt:library", "library")\n--- #@ template.replace(library.get("app").with_data_values({"p": 1}).eval())\n',
    (
        '#@ load("@ytt:yaml", "yaml")\n#@ load("@ytt:json", "json")\n#@ load("@ytt:regexp", "regexp")\n#@ load("@ytt:toml", "toml")\n'
        'a: #@ yaml.decode("a: [1, &x b]")\nb: #@ json.encode(json.decode("{\\"a\\": [1.5, null]}"))\n'
        'c: #@ regexp.replace("(a+)+[^b]$", "aaab", "$1")\nd: #@ toml.encode(toml.decode("a = 1\\n[b]\\nc = [1]"))\n'
    ),
    (
        '#@ load("@ytt:url", "url")\n#@ load("@ytt:ip", "ip")\n#@ load("@ytt:base64", "base64")\n#@ load("@ytt:math", "math")\n'
        '#@ load("@ytt:struct", "struct")\n#@ load("@ytt:md5", "md5")\n#@ load("@ytt:assert", "assert")\n#@ load("@ytt:version", "version")\n'
        'a: #@ url.parse("http://u:p@h:1/x?y=1#z").string()\nb: #@ ip.parse_cidr("10.0.0.1/8")[1].string()\n'
        'c: #@ base64.decode(base64.encode("x"))\nd: #@ math.sqrt(2) + math.ceil(1.5)\ne: #@ struct.decode(struct.encode({"a": [1]}))\n'
        'f: #@ assert.try_to(lambda: assert.min(3).check(2))[1]\ng: #@ version.require_at_least("0.1")\n'
    ),
)
STARLARK = (
    (
        "def g(n, *args, **kwargs):\n  x = [i * 2 for i in range(n) if i != 3]\n  while len(x) < 3:\n    x += [n]\n  end\n"
        "  return {str(k): v for k, v in zip(x, 'abc'.elems())}\nend\n"
    ),
    (
        "load('m.star', 'g')\nh = lambda x: x if x else not x\ny = sorted(set([3, 1]), key=h, reverse=True)\n"
        "z = '{} {a!r}'.format(1, a=2) + repr(h) + str(1 // 2 | 3 ^ 4 << 1)\n"
    ),
)
OVERLAYS = (
    (
        '#@ load("@ytt:overlay", "overlay")\n#@overlay/match by=overlay.subset({"a": 1}), expects="0+"\n---\n'
        "#@overlay/match missing_ok=True\n#@overlay/replace via=lambda l, r: [l, r]\na: 2\n#@overlay/remove\nb:\n"
        '#@overlay/match-child-defaults missing_ok=True\nlist:\n#@overlay/match by="n"\n- n: 1\n  m: 2\n#@overlay/append\n- 3\n'
    ),
    (
        '#@ load("@ytt:overlay", "overlay")\n#@overlay/match by=overlay.all, expects=[0, "1+"]\n#@overlay/insert before=True\n---\n'
        "x: #@ overlay.apply({'a': [1]}, {'a': [2]})\n"
    ),
)
VALUES = (
    "#@data/values\n---\nname: n\nport: 80\nlist: [1]\n",
    '#@data/values\n#@library/ref "@app"\n---\np: 2\n',
)
SCHEMAS = (
    (
        "#@data/values-schema\n---\n#@schema/desc 'd'\n#@schema/validation min_len=1, max_len=9\nname: ''\n#@schema/nullable\nport: 1\n"
        "#@schema/type any=True\nfree: {}\n#@schema/validation ('even', lambda v: v % 2 == 0), not_null=True\nlist:\n- 0\n"
    ),
)
TEXTS = ("(@ load('m.star', 'g') -@)\n x (@= str(g(2)) @) (@ for/end i in [1]: @)y(@ end @)\n",)
WORDS = (
    "#@", "#@ ", "#@ end\n", "#!", "---\n", "- ", ": ", "&a ", "*a", "<<: ", "|\n", ">", "'", '"', "{", "}", "[", "]", "(", ")",
    "(@", "@)", "(@=", "for i in x:", "if True:", "else:", "def f(): ", "return ", "lambda x: x", "load(", "@ytt:", "overlay/match ",
    "schema/type ", "data/values\n", "None", "True", "not ", "in ", "+", "-", "*", "/", "//", "%", "<<", "**", "\\", "\n", "\t", "  ",
    "\x00", "\x85", "\u2028", "\ufeff", "é", "😀", "\udc80", "0x", "1e999", "-0.0", "9" * 40, "!!int ", "!!binary ", "? ", "%YAML 1.1\n",
    "__class__", ".format(", "missing_ok=True", "expects=", "by=", "via=", "when=", "(?i)((a*)*)*", "\\p{", "99999999999", "library/ref ",
)  # fmt: skip


def changed(text: str, rng: random.Random) -> str:
    """``text`` with a few pieces taken out, moved, doubled, or something else put in."""
    for _ in range(rng.choice((0, 1, 1, 2, 3, 8))):
        at, to = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
        to = min(to, at + rng.choice((1, 3, 20)))
        how = rng.randrange(6)
        if how == 0:
            text = text[:at] + text[to:]
        elif how == 1:
            text = text[:to] + text[at:]
        elif how == 2:
            text = text[:at] + rng.choice(WORDS) + text[to:]
        elif how == 3:
            text = text[:at] + rng.choice(WORDS) + text[at:]
        elif how == 4:
            lines = text.split("\n")
            rng.shuffle(lines) if rng.random() < 0.1 else lines.insert(
                rng.randrange(len(lines)), rng.choice(lines)
            )
            text = "\n".join(lines)
        else:
            other = rng.choice(rng.choice((YAML, TEMPLATES, STARLARK, OVERLAYS, SCHEMAS)))
            text = text[:at] + other[rng.randrange(len(other)) :][: rng.choice((5, 40))] + text[at:]
    return text


def files_of(rng: random.Random) -> dict[str, bytes]:
    """A small configuration in which at most a few files are broken."""
    found = {"m.star": STARLARK[0]}
    for name, seeds in (
        ("plain.yml", YAML),
        ("config.yml", TEMPLATES),
        ("more.star", STARLARK),
        ("over.yml", OVERLAYS),
        ("values.yml", VALUES),
        ("schema.yml", SCHEMAS),
        ("text.txt", TEXTS),
        ("_ytt_lib/app/a.yml", TEMPLATES),
        ("_ytt_lib/app/v.yml", VALUES),
    ):
        if rng.random() < 0.35:
            seed = rng.choice(seeds)
            found[name] = changed(seed, rng) if rng.random() < 0.7 else seed
    if rng.random() < 0.1:
        found["soup.yml"] = "".join(rng.choices(WORDS, k=rng.randrange(30)))
    return {name: text.encode("utf-8", "surrogateescape") for name, text in found.items()}


def problem(number: int) -> str | None:
    rng = random.Random(number)
    files = files_of(rng)
    given = {"name": rng.choice([None, 1, "x"])} if rng.random() < 0.2 else None
    plain = {"v.yml": changed(YAML[0], rng)} if rng.random() < 0.1 else None
    inspect = rng.choice(["", "", "", "values", "schema"])
    start = time.process_time()
    try:
        ytt.render(files, given, values_files=plain, inspect=inspect, limits=LIMITS, strict=number % 10 == 0)
    except ytt.Error as error:
        if not str(error):
            return f"{number}: an error without a text"
    except Exception:
        return f"{number}: {traceback.format_exc()}"
    if time.process_time() - start > SECONDS:
        return f"{number}: took {time.process_time() - start:.1f} s"
    return None


def test_no_input_gives_a_traceback_or_takes_long() -> None:
    problems = [found for number in range(FIRST, FIRST + COUNT) if (found := problem(number)) is not None]
    assert not problems, "\n".join(problems[:10])
