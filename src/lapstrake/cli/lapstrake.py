"""``lapstrake``: the embedded control plane, the registry and the controller on their own, the demo, and the tools."""

from __future__ import annotations

from lapstrake import __version__
from lapstrake.cli.flags import Arguments, Command, Flag, execute
from lapstrake.cli.registry_commands import REGISTRY
from lapstrake.cli.serving import Terminated, port_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lapstrake.embedded.plane import Settings
    from lapstrake.embedded.state import Record, State

_STATE = Flag(
    "state", "string", "", "Folder of the control plane's state (default $XDG_STATE_HOME/lapstrake)"
)


def main(argv: Sequence[str]) -> int:
    return execute("lapstrake", _ROOT, argv)


def _state(args: Arguments) -> State:
    from pathlib import Path

    from lapstrake.embedded.state import State, default_folder

    return State(Path(args["state"]).absolute() if args["state"] else default_folder())


def _settings(args: Arguments) -> Settings:
    from lapstrake.embedded.plane import Settings

    return Settings(
        state=_state(args),
        api_port=port_of(args, "port") if args.given("port") else None,
        registry_port=port_of(args, "registry-port") if args.given("registry-port") else None,
        kubeconfig=_path(args["kubeconfig"]),
        controller=not args["api-only"],
    )


def _path(text: str) -> Path | None:
    from pathlib import Path

    return Path(text).absolute() if text else None


def _up(args: Arguments) -> int:
    if args["detach"]:
        return _up_detached(args)
    from lapstrake.embedded.plane import ControlPlane

    settings = _settings(args)
    with settings.state.held(), Terminated() as wait:
        plane = ControlPlane(settings)
        plane.start()
        try:
            record = plane.record()
            settings.state.write(record)
            _print_record(record)
            wait()
        finally:
            plane.stop()
            settings.state.write(plane.stopped_record())
    return 0


def _up_detached(args: Arguments) -> int:
    from lapstrake.embedded import detached

    state = _state(args)
    record = state.running()
    if record is None:
        words = [f"--state={state.folder}"]
        words += [f"--{name}={args[name]}" for name in ("port", "registry-port") if args.given(name)]
        if args["kubeconfig"]:
            words.append(f"--kubeconfig={_path(args['kubeconfig'])}")
        if args["api-only"]:
            words.append("--api-only")
        record = detached.start(state, words)
    elif (kubeconfig := _path(args["kubeconfig"])) is not None:
        from lapstrake.embedded.plane import write_kubeconfig

        write_kubeconfig(state, record, kubeconfig)
    _print_record(record)
    return 0


def _print_record(record: Record) -> None:
    print(f"API server  {record.api_url}")
    print(f"registry    {record.registry}")
    print(f"kubeconfig  {record.kubeconfig}")
    print(f"\nexport KUBECONFIG={record.kubeconfig}", flush=True)


def _down(args: Arguments) -> int:
    from lapstrake.embedded import detached

    state = _state(args)
    stopped = detached.stop(state)
    print("stopped" if stopped else "not running")
    if args["purge"]:
        import shutil

        shutil.rmtree(state.folder, ignore_errors=True)
        print(f"removed {state.folder}")
    return 0


def _status(args: Arguments) -> int:
    record = _state(args).running()
    if record is None:
        print("not running")
        return 1
    print(f"running     process {record.pid}")
    _print_record(record)
    return 0


def _controller_run(args: Arguments) -> int:
    from lapstrake.embedded.plane import start_controller

    with Terminated() as wait:
        controller = start_controller(
            kubeconfig=args["kubeconfig"],
            context=args["kubeconfig-context"],
            install=args["install-crds"],
            workers=args["concurrency"],
        )
        try:
            print(f"controller  watching {controller.server}", flush=True)
            wait()
        finally:
            controller.stop()
    return 0


def _demo(args: Arguments) -> int:
    from lapstrake.cli.demo import run

    return run(keep=args["keep"], color=args["color"])


def _version(_: Arguments) -> int:
    print(f"lapstrake version {__version__}")
    return 0


def _tool(name: str, summary: str) -> Command:
    """Shown in the help only: main() hands tools over before flags are read."""
    return Command(name, summary)


_ROOT = Command(
    "lapstrake",
    "lapstrake builds, locks, pushes, installs and reconciles opinionated Kubernetes installations",
    children=(
        Command(
            "up",
            "Run a registry, an API server and the controller on this machine",
            flags=(
                Flag("detach", "bool", False, "Run in the background", short="d"),
                Flag("kubeconfig", "string", "", "Write the kubeconfig into this file, beside what is in it"),
                Flag("port", "int", 6443, "Port of the API server (0: any)"),
                Flag("registry-port", "int", 5600, "Port of the registry (0: any)"),
                Flag("api-only", "bool", False, "Run without the controller and its kinds"),
                _STATE,
            ),
            run=_up,
        ),
        Command(
            "down",
            "End what `up --detach` started",
            flags=(_STATE, Flag("purge", "bool", False, "Forget all state as well")),
            run=_down,
        ),
        Command("status", "Say whether a control plane runs, and where", flags=(_STATE,), run=_status),
        Command(
            "demo",
            "Build, push, install and reconcile the example, and watch",
            flags=(
                Flag("keep", "bool", False, "Leave the control plane running in the background"),
                Flag("color", "bool", True, "Use colors on a terminal"),
            ),
            run=_demo,
        ),
        REGISTRY,
        Command(
            "controller",
            "The package controller on its own, for any cluster",
            children=(
                Command(
                    "run",
                    "Reconcile Apps, PackageInstalls and PackageRepositories of a cluster",
                    flags=(
                        Flag("kubeconfig", "string", "", "Path to the kubeconfig file"),
                        Flag("kubeconfig-context", "string", "", "Context of the kubeconfig to use"),
                        Flag("install-crds", "bool", False, "Create the custom resource definitions first"),
                        Flag("concurrency", "int", 10, "Apps reconciled at the same time"),
                    ),
                    run=_controller_run,
                ),
            ),
        ),
        Command("version", "Print the version", run=_version),
        _tool("ytt", "Render YAML templates and overlays"),
        _tool("kbld", "Lock image references to digests"),
        _tool("imgpkg", "Push, pull and copy bundles"),
        _tool("vendir", "Bring directories in from elsewhere"),
        _tool("kapp", "Deploy resources as one application"),
        _tool("kctrl", "Manage packages"),
        _tool("tanzu", "Manage packages, in the older spelling"),
    ),
)
