"""kapp's options as an App gives them: a list of ``--name=value``, of which only some are allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lapstrake.errors import InputError
from lapstrake.operations.kapp_run import ApplyOptions, DiffOptions, Filters
from lapstrake.packaging import durations

_IGNORED = frozenset(
    # Allowed, but without a meaning here: pacing of requests, logs, caches, looks on a terminal.
    [
        "--allow-all-ns",
        "--allow-check",
        "--allow-cluster",
        "--allow-ns",
        "--apply-ignored",
        "--color",
        "--column",
        "--dangerous-ignore-failing-api-services",
        "--dangerous-scope-to-fallback-allowed-namespaces",
        "--diff-anchored",
        "--diff-filter",
        "--diff-ui-alpha",
        "--existing-non-labeled-resources-check-concurrency",
        "--filter",
        "--filter-age",
        "--filter-kind-ns",
        "--filter-kind-ns-name",
        "--filter-kind-name",
        "--json",
        "--kube-api-burst",
        "--kube-api-qps",
        "--logs",
        "--logs-all",
        "--metadata-file-output",
        "--ops-cache-size",
        "--sort",
        "--tty",
        "--wait-ignored",
        "--warnings",
    ]
)
_APPLY_BOOLEANS = {
    "--wait": "wait",
    "--exit-early-on-apply-error": "exit_early_on_apply_error",
    "--exit-early-on-wait-error": "exit_early_on_wait_error",
}
_APPLY_DURATIONS = {
    "--wait-timeout": "wait_timeout",
    "--wait-resource-timeout": "wait_resource_timeout",
    "--wait-check-interval": "wait_check_interval",
    "--apply-timeout": "apply_timeout",
    "--apply-check-interval": "apply_check_interval",
}
_APPLY_NUMBERS = {"--wait-concurrency": "wait_concurrency", "--apply-concurrency": "apply_concurrency"}
_DIFF_BOOLEANS = {
    "--diff-run": "run",
    "--diff-changes": "changes",
    "--diff-changes-yaml": "changes_yaml",
    "--diff-summary": "summary",
    "--diff-line-numbers": "line_numbers",
    "--diff-mask": "mask",
    "--diff-against-last-applied": "against_last_applied",
}
_FILTERS = {
    "--filter-kind": "kinds",
    "--filter-name": "names",
    "--filter-ns": "namespaces",
    "--filter-labels": "labels",
}
_RUN_BOOLEANS = {
    "--dangerous-allow-empty-list-of-resources": "allow_empty",
    "--dangerous-override-ownership-of-existing-resources": "override_ownership",
    "--existing-non-labeled-resources-check": "check_unlabeled",
    "--default-label-scoping-rules": "default_label_scoping",
    "--diff-exit-status": "diff_exit_status",
    "--apply-exit-status": "apply_exit_status",
}
_LABELS, _CHANGES_KEPT, _TREE = "--labels", "--app-changes-max-to-keep", "--tree"
_CONTEXT, _STRATEGY = "--diff-context", "--apply-default-update-strategy"

ALLOWED = (
    _IGNORED
    | _APPLY_BOOLEANS.keys()
    | _APPLY_DURATIONS.keys()
    | _APPLY_NUMBERS.keys()
    | _DIFF_BOOLEANS.keys()
    | _FILTERS.keys()
    | _RUN_BOOLEANS.keys()
    | {_LABELS, _CHANGES_KEPT, _CONTEXT, _STRATEGY, _TREE}
)
_TRUE, _FALSE = ("", "1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")


@dataclass(frozen=True, slots=True)
class KappFlags:
    """What the flags say; ``run``: further options of a deployment, by their names here."""

    apply: ApplyOptions = field(default_factory=ApplyOptions)
    diff: DiffOptions = field(default_factory=DiffOptions)
    filters: Filters = field(default_factory=Filters)
    run: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    kept_changes: int = 200
    tree: bool = False


def checked(given: Sequence[str]) -> tuple[str, ...]:
    """``given`` if every flag may be set; raises InputError for the first that may not."""
    for option in given:
        flag = option.partition("=")[0]
        if flag not in ALLOWED:
            raise InputError(f"Unexpected flag '{flag}' specified (either forbidden or unknown)")
    return tuple(given)


def parse(given: Sequence[str]) -> KappFlags:
    """Raises InputError for values that cannot be read."""
    apply: dict[str, Any] = {}
    diff: dict[str, Any] = {}
    filters: dict[str, Any] = {}
    run: dict[str, Any] = {}
    labels: dict[str, str] = {}
    kept, tree = KappFlags().kept_changes, False
    for option in given:
        flag, _, value = option.partition("=")
        if flag in _APPLY_BOOLEANS:
            apply[_APPLY_BOOLEANS[flag]] = _boolean(flag, value)
        elif flag in _APPLY_DURATIONS:
            apply[_APPLY_DURATIONS[flag]] = durations.seconds(value)
        elif flag in _APPLY_NUMBERS:
            apply[_APPLY_NUMBERS[flag]] = _number(flag, value)
        elif flag == _STRATEGY:
            apply["default_update_strategy"] = value
        elif flag in _DIFF_BOOLEANS:
            diff[_DIFF_BOOLEANS[flag]] = _boolean(flag, value)
        elif flag == _CONTEXT:
            diff["context"] = _number(flag, value)
        elif flag in _FILTERS:
            name = _FILTERS[flag]
            filters[name] = (*filters.get(name, ()), *value.split(","))
        elif flag in _RUN_BOOLEANS:
            run[_RUN_BOOLEANS[flag]] = _boolean(flag, value)
        elif flag == _LABELS:
            labels.update(pair.partition("=")[::2] for pair in value.split(","))
        elif flag == _CHANGES_KEPT:
            kept = _number(flag, value)
        elif flag == _TREE:
            tree = _boolean(flag, value)
    return KappFlags(
        replace(ApplyOptions(), **apply),
        replace(DiffOptions(), **diff),
        replace(Filters(), **filters),
        run,
        labels,
        kept,
        tree,
    )


def _boolean(flag: str, value: str) -> bool:
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise InputError(
        f'invalid argument "{value}" for "{flag}" flag: strconv.ParseBool: parsing "{value}": invalid syntax'
    )


def _number(flag: str, value: str) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise InputError(
            f'invalid argument "{value}" for "{flag}" flag: strconv.ParseInt: parsing "{value}": invalid syntax'
        ) from error
