"""ytt as one step: files and options in, text and files out."""

from __future__ import annotations

from pathlib import Path

import pytest

from lapstrake.errors import LapstrakeError
from lapstrake.operations.template import (
    DataValue,
    EnvironmentValues,
    SourceFile,
    TemplateOptions,
    inspected_files,
    template,
)
from lapstrake.ytt.limits import Limits

GUIDE = Path(__file__).parents[2].parent / "shared" / "reference" / "guide"


def sources(files: dict[str, str]) -> list[SourceFile]:
    return [SourceFile(path, text.encode()) for path, text in files.items()]


def rendered(files: dict[str, str], **options: object) -> str:
    return template(sources(files), TemplateOptions(**options)).text  # type: ignore[arg-type]


def refusal(files: dict[str, str], **options: object) -> str:
    with pytest.raises(LapstrakeError) as caught:
        rendered(files, **options)
    return str(caught.value)


VALUES = "#@data/values\n---\nname: base\nport: 80\n"
USE = '#@ load("@ytt:data", "data")\n---\nname: #@ data.values.name\nport: #@ data.values.port\n'


def test_plain_documents_keep_their_order_and_lose_their_comments() -> None:
    assert rendered({"a.yml": "b: 1 # x\na: 2\n---\n---\nc: 3\n"}) == "b: 1\na: 2\n---\nc: 3\n"


def test_precedence_of_data_values_is_fixed() -> None:
    text = rendered(
        {"use.yml": USE, "values.yml": VALUES},
        values=[DataValue("port", "3", "yaml"), DataValue("name", "flag")],
        environment=[EnvironmentValues("APP", {"APP_name": "env", "APP_port": "7", "OTHER_x": "1"})],
        values_files=[SourceFile("v.yml", b"name: file\n")],
    )
    assert text == "name: flag\nport: 3\n"


def test_overlays_come_after_templates() -> None:
    overlay = '#@ load("@ytt:overlay", "overlay")\n#@overlay/match by=overlay.all\n---\nport: 81\n'
    assert (
        rendered({"a-overlay.yml": overlay, "use.yml": USE, "values.yml": VALUES}) == "name: base\nport: 81\n"
    )


def test_text_files_come_before_yaml_files() -> None:
    result = template(sources({"a.yml": "x: 1\n", "n.txt": "(@= str(1 + 1) @)!", "l.lib.yml": "y: 1\n"}))
    assert [(file.path, file.data) for file in result.files] == [("n.txt", b"2!"), ("a.yml", b"x: 1\n")]


def test_print_goes_to_the_log_at_once() -> None:
    written: list[str] = []
    with pytest.raises(LapstrakeError):
        template(sources({"a.yml": '#@ print("seen")\na: #@ fail("stop")\n'}), log=written.append)
    assert written == ["seen\n"]


def test_values_can_be_inspected() -> None:
    assert rendered({"use.yml": USE, "values.yml": VALUES}, inspect="values") == "name: base\nport: 80\n"


def test_steps_of_templates_can_be_bounded() -> None:
    assert "too many steps" in refusal(
        {"a.yml": "#@ while True:\n#@ x = 1\n#@ end\na: 1\n"}, limits=Limits(steps=100)
    )


def test_a_library_is_evaluated_with_values_from_everywhere() -> None:
    files = {
        "config.yml": '#@ load("@ytt:library", "library")\n#@ load("@ytt:template", "template")\n'
        '--- #@ template.replace(library.get("app", alias="one").with_data_values({"port": 1}).eval())\n',
        "_ytt_lib/app/values.yml": VALUES,
        "_ytt_lib/app/use.yml": USE,
    }
    assert rendered(files, values=[DataValue("@app~one:name", "flag")]) == "name: flag\nport: 1\n"
    assert refusal(files, values=[DataValue("@gone:name", "flag")]) == (
        "Expected all provided library data values documents to be used but found unused: "
        "Data Value belonging to library '@gone' on line (data-value arg):1"
    )


def test_a_file_that_loads_itself_is_refused() -> None:
    files = {"a.star": 'load("a.star", "x")\nx = 1', "b.yml": '#@ load("a.star", "x")\na: #@ x\n'}
    assert "files are loaded too deeply" in refusal(files)


def test_marks_decide_what_files_are() -> None:
    files = {"a.txt": "a: 1\n", "b.yml": "#@ x = 1\nb: #@ x\n"}
    assert rendered(files, file_marks=["a.txt:path=a.yml", "b.yml:exclude=true"]) == "a: 1\n"
    assert rendered(files, file_marks=["b.yml:type=yaml-plain"]) == "b: null\n"
    assert "to match at least one file by path" in refusal(files, file_marks=["c.yml:exclude=true"])


def test_inspected_files_leave_libraries_out() -> None:
    assert inspected_files(sources({"b.yml": "", "_ytt_lib/x/a.yml": "", "a.txt": ""})) == ["b.yml", "a.txt"]


@pytest.mark.skipif(not GUIDE.is_dir(), reason="the reference recordings are not here")
@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        pytest.param("my-opinionated-config", "1-ytt-config.yaml", id="config"),
        pytest.param("my-opinionated-package", "3-ytt-package.yaml", id="package"),
    ],
)
def test_guide_renders_to_the_recorded_bytes(folder: str, expected: str) -> None:
    root = GUIDE / "in" / folder / "config"
    found = [
        SourceFile(str(path.relative_to(root)), path.read_bytes())
        for path in sorted(root.rglob("*"))
        if path.is_file()
    ]
    found.append(SourceFile("sample-values.yaml", (GUIDE / "in" / "sample-values.yaml").read_bytes()))
    assert template(found).text == (GUIDE / "stdout" / expected).read_text()


def test_files_are_evaluated_folder_by_folder_libraries_too() -> None:
    shown = [f'#@ print("{number}")\na: {number}\n' for number in range(4)]
    files = {"sub/a.yml": shown[0], "lib/b.lib.yml": shown[1], "z.lib.yml": shown[2], "z.yml": shown[3]}
    result = template(sources(files))
    assert result.log == "2\n3\n0\n1\n"
    assert result.text == "a: 0\n---\na: 3\n"


def test_all_values_are_evaluated_before_the_first_is_merged() -> None:
    files = {
        "a.yml": VALUES,
        "b.yml": "#@data/values\n---\nunknown: 1\n",
        "c.yml": "#@data/values\n---\nname: #@ fail('late')\n",
    }
    assert "late" in refusal(files)


def test_a_values_file_is_named_as_the_user_named_it() -> None:
    given = SourceFile("v.yml", b"#@data/values\n---\na: 1\n", "../v.yml")
    assert "Checking data values file '../v.yml'" in refusal({}, values_files=[given])


def test_a_file_named_from_the_root_is_named_without_the_slash() -> None:
    assert "Expected to find file 'gone.star' (hint" in refusal(
        {"a.yml": '#@ load("/gone.star", "x")\na: 1\n'}
    )
