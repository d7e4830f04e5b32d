from __future__ import annotations

from lapstrake.operations.app_progress import AppProgress, Outcome, indented
from tests.operations.package_world import EPOCH, STARTED, Notes, status


def app(state, generation: int = 1, **metadata):
    return {"metadata": {"name": "a", "generation": generation, **metadata}, "spec": {}, "status": state}


def follower(notes: Notes, *, after: float = 0.0, **options) -> AppProgress:
    return AppProgress(notes, lambda: EPOCH + after, **options)


def test_each_step_is_told_once():
    notes = Notes()
    progress = follower(notes)
    assert progress.advance(app(status("ReconcileSucceeded"))) == Outcome()
    told = list(notes.lines)
    progress.advance(app(status("ReconcileSucceeded")))
    assert notes.lines == told


def test_age_is_told_from_a_second_on():
    notes = Notes()
    follower(notes, after=65.0).advance(app(status("ReconcileSucceeded")))
    assert notes.lines[0] == "Fetch started (1m ago)"


def test_growing_output_is_told_in_pieces():
    notes = Notes()
    progress = follower(notes)
    deploy = {"startedAt": STARTED, "updatedAt": STARTED, "stdout": "one", "finished": False}
    progress.advance(app(status("Reconciling", deploy=deploy)))
    progress.advance(app(status("Reconciling", deploy={**deploy, "stdout": "one\ntwo"})))
    assert notes.lines[-3:] == ["Deploying ", "  one", "  two"]


def test_new_generation_is_waited_for():
    notes = Notes()
    progress = follower(notes)
    before = status("ReconcileSucceeded", 1)
    assert progress.advance(app(before, 2)) is None
    assert progress.advance(app(before, 2)) is None
    assert notes.lines == ["Waiting for generation 2 to be observed "]
    later = {**before["fetch"], "startedAt": "2023-11-14T22:13:21Z"}
    progress.advance(app(status("Reconciling", 2, fetch=later), 2))
    assert "Fetch started " in notes.lines
    assert "Template succeeded " not in notes.lines  # that is still the former run's


def test_failed_step_ends_the_telling():
    notes = Notes()
    failed = {
        "updatedAt": STARTED,
        "exitCode": 1,
        "stderr": "ytt: Error: x\n",
        "error": "Templating dir: Error",
    }
    outcome = follower(notes).advance(app(status("ReconcileFailed", template=failed)))
    assert outcome == Outcome("Reconciling app: Template failed")
    assert notes.lines[-4:] == ["Template failed ", "  ytt: Error: x", "  ", "  Templating dir: Error"]


def test_deletion_has_words_of_its_own():
    notes = Notes()
    deleted = app(status("Deleting"), deletionTimestamp=STARTED)
    assert follower(notes).advance(deleted) is None
    assert notes.lines[:2] == ["Delete started ", "Deleting "]


def test_repository_has_its_noun():
    failed = {"startedAt": STARTED, "updatedAt": STARTED, "exitCode": 1, "stderr": "x"}
    outcome = follower(Notes(), noun="repository").advance(app(status("ReconcileFailed", fetch=failed)))
    assert outcome == Outcome("Reconciling repository: Fetch failed")


def test_output_is_indented_behind_a_bar():
    assert indented("a\nb\n") == "\t    | a\n\t    | b\n\t    | \n"
