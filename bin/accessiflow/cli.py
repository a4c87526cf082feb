"""What every stage script shares: the Typer app, exit codes, logging, progress, and the record of a run.

A script is `app = cli.make_app("...")`, commands, and `cli.run(app)`. Every script takes these options before the
command: `--version`; `--versions FILE` (YAML: the third-party packages that the run loaded); `--run-info FILE` (JSON:
seconds, CPU seconds, peak memory, device, threads, the warnings of the log, what was left out of the input, and the
facts that the command noted with `note`).
"""

from __future__ import annotations

import errno
import json
import logging
import os
import platform
import resource
import sys
import time
import traceback
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from accessiflow import __version__
from accessiflow.errors import InputError, InputErrors, printable
from accessiflow.log import kept_losses, kept_warnings, log, run_facts


def _limit_threads(threads: int) -> int:
    """Limit the linear algebra libraries to this many threads too."""
    # They read the environment when they are imported, which is after the options are parsed.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    return threads


Threads = Annotated[int, typer.Option("--threads", min=1, callback=_limit_threads, help="CPU threads to use.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of everything random.")]
Fdr = Annotated[float, typer.Option("--fdr", min=0.0, max=1.0, help="False discovery rate.")]

# Options of every command that runs a model.
ModelParams = Annotated[Path, typer.Argument(metavar="PARAMS", help="params.json of the model.")]
ModelWeights = Annotated[Path, typer.Argument(metavar="MODEL", help="model_best.h5")]
OutFolder = Annotated[Path, typer.Option("-o", "--out", help="Output folder.")]
GenomeFasta = Annotated[Path, typer.Option("-f", "--fasta", help="Genome FASTA.")]
LookupGenome = Annotated[
    Path | None,
    typer.Option(
        "-f", "--fasta", help="Genome FASTA: finds the scores of indels written at another place of a repeat."
    ),
]
Targets = Annotated[Path, typer.Option("-t", "--targets", help="Targets table of the model's tracks.")]
Rc = Annotated[bool, typer.Option("--rc", help="Average over both strands.")]
Shifts = Annotated[str, typer.Option(help="Average over these shifts in bp, comma-separated.")]
Engine = Annotated[str, typer.Option(help="auto, native (compiled, CPU), tensorflow or jax.")]
Backend = Annotated[
    str,
    typer.Option(help="Framework that computes a network: tensorflow or jax; default: jax on a GPU if it is there."),
]
RequireGpu = Annotated[bool, typer.Option(help="Fail at once without a GPU.")]
Partial = Annotated[
    Path | None,
    typer.Option(help="Keep finished blocks in this file, and go on from those that a killed run left there."),
]
ModelAdapter = Annotated[
    str,
    typer.Option(
        "--adapter",
        help="Adapter: keras, kmer_ridge, enformer, or FILE.py:CLASS (runs that code); default: by params.json.",
    ),
]

# Texts, not numbers: HDF5 and pandas put the system's text into their own messages and lose its number.
_DISK_FAULTS = [os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)]
_outputs: dict[str, Path] = {}


def make_app(summary: str) -> typer.Typer:
    """A Typer application with the options that all stage scripts have."""
    app = typer.Typer(
        help=summary, add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
    )

    @app.callback()
    def common(
        version: Annotated[  # noqa: ARG001 (its callback does the work)
            bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
        ] = False,
        versions: Annotated[
            Path | None, typer.Option("--versions", help="Write the versions of the packages used, as YAML.")
        ] = None,
        run_info: Annotated[
            Path | None, typer.Option("--run-info", help="Write seconds, peak memory, device and warnings, as JSON.")
        ] = None,
        quiet: Annotated[bool, typer.Option("--quiet", help="Only warnings and errors on stderr.")] = False,
    ) -> None:
        _outputs.update({k: v for k, v in (("versions", versions), ("run_info", run_info)) if v is not None})
        log.setLevel(logging.WARNING if quiet else logging.INFO)

    common.__doc__ = summary
    return app


def run(app: typer.Typer) -> NoReturn:
    """Run the script: exit 0, or 2 with one sentence for bad input, or 1 with a traceback for a fault of ours."""
    _start_logging()
    run_facts.clear()  # of a run before, where a process runs several
    kept_warnings.clear()
    kept_losses.clear()
    _outputs.clear()
    started = time.monotonic()
    try:
        with _python_warnings():
            app(standalone_mode=False)
        code = 0
    except InputError as error:
        code = 2
        for sentence in error.sentences if isinstance(error, InputErrors) else [str(error)]:
            _fail(code, sentence)
    except typer.Exit as error:
        code = error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        code = _fail(130, "interrupted")
    except Exception as error:  # noqa: BLE001 (the one place where a fault becomes an exit code)
        code = _fault(error)
    if code == 0:
        kept_losses.say()
        _write_records(time.monotonic() - started)
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)


def one_of(value: str, allowed: Iterable[str], option: str) -> str:
    """A value of an option that is one of a list.

    Raises:
        InputError: it is another.
    """
    allowed = tuple(allowed)
    if value not in allowed:
        raise InputError(f"{option} {value}: expected one of {', '.join(filter(None, allowed))}")
    return value


def _print_version(requested: bool) -> None:
    if requested:
        sys.stdout.write(f"accessiflow {__version__}\n")
        raise typer.Exit()


def _start_logging() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    # Replaced, not added: a second run in one process (the tests do that) must not print each line twice.
    log.handlers[:] = [handler, kept_warnings]
    log.propagate = False
    log.setLevel(logging.INFO)


@contextmanager
def _python_warnings() -> Iterator[None]:
    """Python's own warnings of values (numpy, scikit-learn) go to the log, and so to the run record."""
    with warnings.catch_warnings():
        shown = warnings.showwarning

        def keep(message: Warning | str, category: type[Warning], *rest: Any) -> None:
            # those on coming versions of packages are for developers
            if issubclass(category, RuntimeWarning | UserWarning):
                log.warning("%s: %s", category.__name__, " ".join(str(message).split()))
            else:
                shown(message, category, *rest)

        warnings.showwarning = keep
        yield


def _fail(code: int, sentence: str) -> int:
    sys.stderr.write(f"error: {printable(sentence)}\n")
    return code


def _fault(error: Exception) -> int:
    """The exit code of an unforeseen exception: the system's faults in one sentence, ours with a traceback."""
    if isinstance(error, MemoryError | BrokenExecutor):
        # 137 is the code of a task that the system kills for memory, which the pipeline tries again with more.
        kind = type(error).__name__
        return _fail(
            137,
            f"too little memory, or a worker process was killed ({kind}): give it more memory, or fewer threads",
        )
    disk_fault = next((text for text in _DISK_FAULTS if text in str(error)), None)
    if disk_fault:
        where = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
        return _fail(
            1, f"{where}cannot be written: {disk_fault}: make room or choose another folder, then go on with -resume"
        )
    return _usage_error(error)


def _usage_error(error: Exception) -> int:
    # Only click's own usage errors (a mistyped option or command) have this method.
    format_message = getattr(error, "format_message", None)
    if callable(format_message):
        message = str(format_message())

        return _fail(2, message) if message else 2
    traceback.print_exc()
    return _fail(1, f"internal fault ({type(error).__name__}): please report it with the lines above")


def _write_records(seconds: float) -> None:
    from accessiflow.files import write_json, write_text

    if "versions" in _outputs:
        with write_text(_outputs["versions"]) as out:
            out.writelines(f"{name}: {json.dumps(version)}\n" for name, version in sorted(_loaded_versions().items()))
    if "run_info" in _outputs:
        # Worker processes count too; ru_maxrss is in KiB on Linux.
        usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        record = {
            "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
            "seconds": round(seconds, 3),
            "cpu_seconds": round(sum(u.ru_utime + u.ru_stime for u in usage), 3),
            "peak_memory_mb": round(max(u.ru_maxrss for u in usage) / 1024, 1),
            "cpus": os.cpu_count(),
            "device": "cpu",
            "warnings": kept_warnings.sentences(),
            "left_out": [loss.record() for loss in kept_losses.losses()],
        }
        write_json(record | run_facts, _outputs["run_info"])


def _loaded_versions() -> dict[str, str]:
    """Versions of Python, accessiflow and the distributions whose top-level package is loaded."""
    from importlib.metadata import packages_distributions, version

    # A package's name (cv2) is not its distribution's (opencv-python), whose version is asked for.
    owners = packages_distributions()
    loaded = {name for name in sys.modules if "." not in name and name in owners and not name.startswith("_")}
    listed = {owner for name in loaded for owner in owners[name]}
    return {"accessiflow": __version__, "python": platform.python_version()} | {
        owner: version(owner) for owner in listed
    }
