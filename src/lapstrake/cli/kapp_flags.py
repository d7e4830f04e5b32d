"""kapp's flags, and what they mean for the operations."""

from __future__ import annotations

from lapstrake.cli.flags import Arguments, Flag
from lapstrake.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapstrake.operations.kapp_run import ApplyOptions, DiffOptions, Filters

APPLY_FLAGS = (
    Flag("apply-check-interval", "duration", 1.0, "Pause between tries of changes that may work later"),
    Flag("apply-concurrency", "int", 5, "How many changes are applied at a time"),
    Flag("apply-default-update-strategy", "string", "", "Update strategy of resources that name none"),
    Flag("apply-exit-status", "bool", False, "Exit with 2 if nothing changes, with 3 if something does"),
    Flag("apply-ignored", "bool", False, "Accepted for compatibility"),
    Flag("apply-timeout", "duration", 900.0, "Longest time to try applying"),
    Flag("exit-early-on-apply-error", "bool", True, "Stop at the first change that cannot be applied"),
    Flag("exit-early-on-wait-error", "bool", True, "Stop at the first resource that fails"),
    Flag("wait", "bool", True, "Wait until resources are ready or gone"),
    Flag("wait-check-interval", "duration", 3.0, "Longest pause between two looks at what is waited for"),
    Flag("wait-concurrency", "int", 5, "How many resources are looked at at a time"),
    Flag("wait-ignored", "bool", False, "Accepted for compatibility"),
    Flag(
        "wait-resource-timeout",
        "duration",
        0.0,
        "Longest time to wait for one resource",
    ),
    Flag("wait-timeout", "duration", 900.0, "Longest time to wait for all resources"),
)
DIFF_FLAGS = (
    Flag(
        "diff-against-last-applied",
        "bool",
        True,
        "Compare with what was applied last if nobody changed it since",
    ),
    Flag("diff-changes", "bool", False, "Show the differences"),
    Flag("diff-changes-yaml", "bool", False, "Show resources as they will be"),
    Flag("diff-context", "int", 2, "Lines shown around a difference (-1: all)"),
    Flag("diff-exit-status", "bool", False, "Exit with 2 if nothing changes, with 3 if something does"),
    Flag("diff-filter", "string", "", 'Only changes that match, as JSON (example: {"ops":["update"]})'),
    Flag("diff-line-numbers", "bool", True, "Number the lines of differences"),
    Flag("diff-mask", "bool", True, "Hide secret values in differences"),
    Flag("diff-run", "bool", False, "Only show what would change"),
    Flag("diff-summary", "bool", True, "Show the table of changes"),
)
FILTER_FLAGS = (
    Flag(
        "filter",
        "string",
        "",
        'Only resources that match, as JSON (example: {"not":{"resource":{"kinds":["Pod"]}}})',
    ),
    Flag("filter-age", "string", "", "Only older (5m+) or younger (10m-) resources"),
    Flag("filter-kind", "strings", (), "Only resources of this kind (can repeat)"),
    Flag("filter-kind-name", "strings", (), "Only this KIND/NAME (can repeat)"),
    Flag(
        "filter-kind-ns",
        "strings",
        (),
        "Only this KIND/NAMESPACE (can repeat)",
    ),
    Flag(
        "filter-kind-ns-name",
        "strings",
        (),
        "Only this KIND/NAMESPACE/NAME (can repeat)",
    ),
    Flag("filter-labels", "strings", (), "Only resources with these labels (example: x=y)"),
    Flag("filter-name", "strings", (), "Only resources of this name (can repeat)"),
    Flag("filter-ns", "strings", (), "Only resources of this namespace (can repeat)"),
)
DEPLOY_FLAGS = (
    Flag("allow-all-ns", "bool", False, "Accepted for compatibility"),
    Flag("allow-check", "bool", False, "Accepted for compatibility"),
    Flag("allow-cluster", "bool", False, "Accepted for compatibility"),
    Flag(
        "allow-ns",
        "strings",
        (),
        "Also look for resources in this namespace (can repeat)",
    ),
    Flag("app-changes-max-to-keep", "int", 200, "How many records of changes are kept"),
    Flag(
        "dangerous-allow-empty-list-of-resources",
        "bool",
        False,
        "Deploy nothing: all resources of the app are deleted",
    ),
    Flag("dangerous-ignore-failing-api-services", "bool", False, "Accepted for compatibility"),
    Flag(
        "dangerous-override-ownership-of-existing-resources",
        "bool",
        False,
        "Take over resources that belong to another app",
    ),
    Flag(
        "dangerous-scope-to-fallback-allowed-namespaces",
        "bool",
        False,
        "Accepted for compatibility",
    ),
    Flag("default-label-scoping-rules", "bool", True, "Put the app's label into selectors"),
    Flag(
        "existing-non-labeled-resources-check",
        "bool",
        True,
        "Look whether given resources exist without the app's label",
    ),
    Flag(
        "existing-non-labeled-resources-check-concurrency",
        "int",
        100,
        "Accepted for compatibility",
    ),
    Flag("labels", "strings", (), "Label of the app's record, KEY=VALUE (can repeat)"),
)
INSPECT_FLAGS = (
    Flag("managed-fields", "bool", False, "With --raw: also print metadata.managedFields"),
    Flag("raw", "bool", False, "Print the objects themselves"),
    Flag("status", "bool", False, "Print each resource's status"),
    Flag("tree", "bool", False, "Show owners above what they own", short="t"),
)


def apply_options(args: Arguments) -> ApplyOptions:
    from lapstrake.operations.kapp_run import ApplyOptions

    return ApplyOptions(
        wait=args["wait"],
        wait_timeout=args["wait-timeout"],
        wait_resource_timeout=args["wait-resource-timeout"],
        wait_check_interval=args["wait-check-interval"],
        wait_concurrency=args["wait-concurrency"],
        apply_timeout=args["apply-timeout"],
        apply_check_interval=args["apply-check-interval"],
        apply_concurrency=args["apply-concurrency"],
        default_update_strategy=args["apply-default-update-strategy"],
    )


def diff_options(args: Arguments) -> DiffOptions:
    from lapstrake.operations.kapp_run import DiffOptions

    return DiffOptions(
        run=args["diff-run"],
        changes=args["diff-changes"],
        changes_yaml=args["diff-changes-yaml"],
        summary=args["diff-summary"],
        context=args["diff-context"],
        line_numbers=args["diff-line-numbers"],
        mask=args["diff-mask"],
        against_last_applied=args["diff-against-last-applied"],
        filter=args["diff-filter"],
    )


def filters(args: Arguments) -> Filters:
    from lapstrake.operations.kapp_run import Filters

    return Filters(
        kinds=tuple(args["filter-kind"]),
        names=tuple(args["filter-name"]),
        namespaces=tuple(args["filter-ns"]),
        kind_names=tuple(args["filter-kind-name"]),
        kind_namespaces=tuple(args["filter-kind-ns"]),
        kind_namespace_names=tuple(args["filter-kind-ns-name"]),
        labels=tuple(args["filter-labels"]),
        age=args["filter-age"],
        json=args["filter"],
    )


def pairs(texts: Sequence[str], what: str) -> dict[str, str]:
    """``["a=b"]`` → ``{"a": "b"}``. Raises InputError."""
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"Expected {what} '{text}' to be in format 'key=value'")
        found[key] = value
    return found
