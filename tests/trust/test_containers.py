"""The images: what their Dockerfiles promise.

Built for real and run through charliecloud where CONTAINERS=1 (root on Debian).
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from whole_run import Run, differences
from wiring import PROCESSES, scripts
from wiring import stage as of_process

import accessiflow

ROOT = Path(__file__).resolve().parents[2]
FILES = {path.parent.name: path.read_text() for path in sorted((ROOT / "containers").glob("*/Dockerfile"))}
LARGE = {
    "enformer": 9000,
    "train-gpu": 9000,
    "score-gpu": 9000,
}  # several GB of wheels each: built where CONTAINERS_LARGE=1
STAGES = [stage for stage in FILES if stage not in LARGE]
WANTED = os.environ.get("CONTAINERS_LARGE") == "1"
VERSION = accessiflow.__version__
REGISTRY = "ghcr.io/accessiflow"
LABELS = (
    "title",
    "description",
    "version",
    "revision",
    "created",
    "licenses",
    "authors",
    "vendor",
    "url",
    "source",
    "documentation",
    "base.name",
)
REAL = (pytest.mark.containers, pytest.mark.slow, pytest.mark.xdist_group("containers"))


def of_those(*stages: str) -> pytest.MarkDecorator:
    """A test of the images of these stages."""
    large = pytest.mark.skipif(not WANTED, reason="large images are built only where CONTAINERS_LARGE=1")
    return pytest.mark.parametrize(
        "stage", [pytest.param(stage, marks=[*REAL, *([large] if stage in LARGE else [])]) for stage in stages]
    )


of_each = of_those(*STAGES, *LARGE)


def real(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that needs the images."""
    for mark in REAL:
        test = mark(test)
    return test


def parts(stage: str) -> tuple[str, str]:
    """The stage of STAGE or STAGE-gpu, and the kind of its image: plain, or -gpu for the one with CUDA."""
    plain = stage.removesuffix("-gpu")
    return plain, stage.removeprefix(plain)


def image_of(stage: str) -> str:
    """The name of a stage's image."""
    plain, kind = parts(stage)
    return f"{REGISTRY}/accessiflow-{plain}:{VERSION}{kind}"


def build_environment() -> dict[str, str]:
    """The storage that scripts/build_image.sh takes."""
    plain = os.environ | {"BUILDAH_ISOLATION": "chroot"}
    if "STORAGE_DRIVER" in plain:
        return plain
    overlay = plain | {"STORAGE_DRIVER": "overlay"}
    works = subprocess.run(["buildah", "info"], env=overlay, capture_output=True, check=False).returncode == 0
    return overlay if works else plain | {"STORAGE_DRIVER": "vfs"}


def shared_part(stage: str) -> str:
    """A Dockerfile without what makes it its stage's: comment, names, description, the engine, ldsc's bedtools."""
    text = re.sub(r"^FROM .* AS engine\n.*?\n\n", "", FILES[stage].split("\n", 1)[1], flags=re.S)
    text = re.sub(r"^(COPY --from=engine|RUN .*/opt/wheels/).*\n", "", text, flags=re.M)
    return re.sub(r'(description=)".*"', r"\1", text).replace(stage, "STAGE").replace(" bedtools ", " ")


@pytest.mark.parametrize("stage", FILES)
def test_dockerfiles_say_the_same_thing(stage: str) -> None:
    assert shared_part(stage) == shared_part("peaks")


def test_dockerfiles_promise_what_a_cluster_asks() -> None:
    text = FILES["peaks"]
    manifest = re.search(r"version\s+= '([^']+)'", (ROOT / "nextflow.config").read_text())
    assert manifest
    assert manifest[1] == VERSION
    assert f"ARG VERSION={VERSION}\n" in text
    assert re.search(r"^USER 1000:1000$", text, re.M)
    assert "procps" in text
    assert re.findall(r'org\.opencontainers\.image\.([\w.]+)="[^"]+"', text) == list(LABELS)
    for base in re.findall(r"^FROM (\S+)", text, re.M):
        assert re.fullmatch(r"\w+:\d+\.\d+[\w.-]*-bookworm", base)
        assert f'base.name="docker.io/library/{base}"' in text


@pytest.mark.parametrize(
    "path", sorted((ROOT / "containers").glob("*/requirements*.txt")), ids=lambda p: f"{p.parent.name}-{p.stem}"
)
def test_every_requirement_is_pinned(path: Path) -> None:
    for line in path.read_text().splitlines():
        assert re.fullmatch(r"[\w.-]+(\[[\w-]+\])?==[^ ]+( ; .+)?", line), line


def test_gpu_images_hold_the_same_packages_and_cuda() -> None:
    for stage in ("train", "score"):
        cpu, gpu = (
            set((ROOT / "containers" / stage / f"requirements{kind}.txt").read_text().splitlines())
            for kind in ("", "-gpu")
        )
        version = next(line for line in cpu if line.startswith("tensorflow-cpu=="))[len("tensorflow-cpu") :].split(" ")[
            0
        ]
        assert all(line.startswith("tensorflow") for line in cpu - gpu)
        assert {line for line in gpu - cpu if not line.startswith("nvidia-")} == {f"tensorflow[and-cuda]{version}"}
        assert any(line.startswith("nvidia-cudnn") for line in gpu)


@pytest.mark.parametrize("names", [(), ("peeks",), ("peaks", "../peaks")])
def test_the_builder_asks_for_stages_that_there_are(names: tuple[str, ...]) -> None:
    done = subprocess.run([ROOT / "scripts" / "build_image.sh", *names], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there are: enformer eqtl heritability ldsc peaks" in done.stderr


def scripts_of(stage: str) -> list[str]:
    """The project's own programs that the stage's processes call (Enformer's image takes the place of `score`)."""
    stage = "score" if stage == "enformer" else parts(stage)[0]
    return sorted({f"{name}.py" for process in PROCESSES if of_process(process) == stage for name in scripts(process)})


@pytest.fixture(scope="session")
def images() -> Path:
    """The stages' images laid out for charliecloud: those in $CONTAINERS_IMAGES, else built into .images."""
    if os.environ.get("CONTAINERS") != "1":
        pytest.skip("images are built only on demand: make test-containers")
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip("images are built without a container engine only by root on Debian")
    if "CONTAINERS_IMAGES" in os.environ:
        return Path(os.environ["CONTAINERS_IMAGES"]).resolve()
    subprocess.run([ROOT / "scripts" / "build_image.sh", *STAGES, *(LARGE if WANTED else [])], check=True, timeout=7200)
    return ROOT / ".images"


def laid_out(stage: str) -> str:
    return image_of(stage).replace("/", "%").replace(":", "+")


def inside(stage: str, script: str, *, stderr: bool = False) -> str:
    """What a script prints in the stage's image, as the image's own user.

    The project at /project, the packages of the tests at /tested.
    """
    env = build_environment()
    container = subprocess.run(
        ["buildah", "from", "--pull-never", image_of(stage)], env=env, capture_output=True, text=True, check=True
    ).stdout.strip()
    shared = {ROOT: "/project", Path(pytest.__file__).resolve().parents[1]: "/tested"}
    volumes = [text for source, target in shared.items() for text in ("--volume", f"{source}:{target}:ro")]
    command = ["buildah", "run", "--isolation", "chroot", "--env", "PYTHONDONTWRITEBYTECODE=1", *volumes]
    try:
        done = subprocess.run(
            [*command, container, "--", "bash", "-euc", script],
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
    finally:
        subprocess.run(["buildah", "rm", container], env=env, capture_output=True, check=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + (done.stderr if stderr else "")


@of_each
def test_user_programs_and_packages(images: Path, stage: str) -> None:
    shown = inside(
        stage,
        "id -u; ps --version >/dev/null; python3 -c 'import sys; print(*sys.version_info[:2])'; "
        "pip check; pip list --format=freeze",
    )
    user, python, sound, *packages = shown.splitlines()
    assert user == "1000"
    assert python == "3 11"
    assert sound == "No broken requirements found."
    plain, kind = parts(stage)
    pins = (ROOT / "containers" / plain / f"requirements{kind}.txt").read_text().split("\n")
    known = {re.sub(r"[-_.]+", "-", re.sub(r"\[.*?\]", "", pin).split(" ")[0]).lower() for pin in pins}
    others = {re.sub(r"[-_.]+", "-", package).lower() for package in packages} - known
    assert {package.split("==")[0] for package in others} <= {"pip", "setuptools", "wheel", "accessiflow-native"}


@of_each
def test_no_build_tools_are_left(images: Path, stage: str) -> None:
    shown = inside(
        stage,
        "type -P gcc g++ cc c++ make git curl || true; find /var/lib/apt/lists /opt/wheels -type f 2>/dev/null || true",
    )
    assert shown == ""


@of_each
def test_the_stages_programs_answer(images: Path, stage: str) -> None:
    scripts = scripts_of(stage) or ["ldsc.py"]
    for script in scripts:
        program = f"/project/bin/{script}" if (ROOT / "bin" / script).exists() else script
        assert inside(stage, f"{shlex.quote(program)} --help 2>&1").strip()


@of_each
def test_labels_and_size(images: Path, stage: str, evidence) -> None:
    shown = subprocess.run(
        ["buildah", "inspect", "--type", "image", image_of(stage)],
        env=build_environment(),
        capture_output=True,
        check=True,
    )
    config = json.loads(shown.stdout)["OCIv1"]["config"]
    labels = {name: config["Labels"][f"org.opencontainers.image.{name}"] for name in LABELS}
    assert labels["title"] == f"accessiflow-{parts(stage)[0]}"
    assert labels["version"] == VERSION
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", labels["created"])
    assert config["User"] == "1000:1000"
    tree = images / "img" / laid_out(stage)
    megabytes = sum(path.lstat().st_blocks for path in tree.rglob("*") if not path.is_symlink()) * 512 // 10**6
    evidence(
        "images",
        image=image_of(stage).rpartition("/")[2],
        megabytes=megabytes,
        base=labels["base.name"],
        user=config["User"],
    )
    assert megabytes < LARGE.get(stage, 3000)


@real
def test_the_score_image_computes_with_the_engine(images: Path) -> None:
    shown = inside("score", "python3 -c 'import accessiflow_native as n; print(n._library()[1])'")
    assert shown.strip() in ("avx512", "avx2", "portable")


@of_those("train-gpu", "score-gpu")
def test_the_gpu_images_lack_nothing_but_the_driver(images: Path, stage: str) -> None:
    shown = inside(
        stage,
        "python3 -c 'import tensorflow as tf; print(tf.test.is_built_with_cuda(), tf.config.list_physical_devices())'",
        stderr=True,
    )
    assert "True [PhysicalDevice(" in shown
    assert "dlopen" not in shown  # TensorFlow's word for CUDA libraries that it cannot find


@of_those("enformer")
def test_the_enformer_image_predicts_what_its_package_predicts(images: Path, stage: str) -> None:
    tests = "['-q', '-p', 'no:cacheprovider', '/project/tests/unit/test_prediction_enformer.py']"
    shown = inside(
        stage,
        "cd /tmp && python3 -c \"import sys; sys.path.append('/tested'); "
        f'import pytest; sys.exit(pytest.main({tests}))"',
    )
    assert "2 passed" in shown


@real
def test_the_demo_in_containers_gives_the_bytes_of_the_environments(
    images: Path, demo: Run, tmp_path: Path, evidence
) -> None:
    contained = Run(tmp_path, "--containers.ldsc", f"accessiflow-ldsc:{VERSION}", profile="demo,charliecloud")
    started = time.monotonic()
    contained.finish(timeout=3600, env={"NXF_CHARLIECLOUD_CACHEDIR": str(images), "USER": "root"})
    seconds = round(time.monotonic() - started)
    tasks = sorted((contained.folder / "work").glob("*/*/.command.run"))
    outside = [str(task) for task in tasks if "ch-run" not in task.read_text()]
    differing = differences(contained.results(), demo.results())
    evidence(
        "containers",
        engine="charliecloud",
        tasks=len(tasks),
        seconds=seconds,
        files=len(demo.results()),
        differing=len(differing),
    )
    assert not outside
    assert not differing
