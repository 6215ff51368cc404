"""The steps of the Dockerfile, one by one, in Debian trees of their own, since images cannot be pulled everywhere.

The image that the Dockerfile begins with is stood in for by Debian's own Python of the same version. What results is
run as the image is: without rights, on a root that is read-only. Needs root and `debootstrap`.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.behaviour.plain_calls import CHAT, ask, openai_body
from tests.support.command_runner import ROOT
from tests.support.hub import HubProcess

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a Debian tree"),
    pytest.mark.skipif(shutil.which("debootstrap") is None, reason="debootstrap is not installed"),
]
SUITE = "trixie"
PACKAGES = "ca-certificates,python3,python3-venv,python-is-python3"
DOCKERFILE = ROOT / "Dockerfile"
# How this machine reaches its package index; a builder has the same from its own configuration.
PIP_FILES = ("/etc/pip.conf", "/etc/xdg/pip", "/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt")
BUILD_S = 600


class Step(NamedTuple):
    """One instruction of the Dockerfile."""

    word: str
    rest: str


class Stage:
    """The tree of one stage, with what the instructions before have set."""

    def __init__(self, tree: Path, stages: dict[str, "Stage"]) -> None:
        self.tree = tree
        self.variables = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
        self.directory = "/"
        self.user = "0:0"
        self.entrypoint: list[str] = []
        self.arguments: list[str] = []
        self.probe: list[str] = []
        self._stages = stages

    def run(self, command: list[str], **more: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in the tree, as the stage's user."""
        return subprocess.run(
            [*self.chroot(), *command],
            env=self.variables | more,
            capture_output=True,
            text=True,
            timeout=BUILD_S,
            check=False,
        )

    def chroot(self) -> list[str]:
        inside = 'cd "$0" && exec "$@"'
        return ["chroot", f"--userspec={self.user}", str(self.tree), "/bin/sh", "-c", inside, self.directory]

    def do(self, step: Step) -> None:
        """Carry out one instruction."""
        match step.word:
            case "WORKDIR":
                self.directory = step.rest
                (self.tree / step.rest[1:]).mkdir(parents=True, exist_ok=True)
            case "ENV":
                pairs = (pair.split("=", 1) for pair in shlex.split(step.rest))
                self.variables |= {name: text.replace("$PATH", self.variables["PATH"]) for name, text in pairs}
            case "RUN":
                pip = {name: text for name, text in os.environ.items() if name.startswith("PIP_")}
                ran = self.run(["/bin/sh", "-ec", step.rest], **pip)
                assert ran.returncode == 0, f"RUN {step.rest}\n{ran.stdout}{ran.stderr}"
            case "COPY":
                self._copy(shlex.split(step.rest))
            case "USER":
                self.user = step.rest
            case "ENTRYPOINT":
                self.entrypoint = _listed(step.rest)
            case "CMD":
                self.arguments = _listed(step.rest)
            case "HEALTHCHECK":
                self.probe = _listed(step.rest.partition("CMD ")[2])
            case "LABEL" | "VOLUME" | "EXPOSE" | "STOPSIGNAL":
                pass
            case _:
                raise AssertionError(f"{step.word}: no such instruction was expected")

    def _copy(self, words: list[str]) -> None:
        origin = self._stages[words.pop(0).removeprefix("--from=")].tree if words[0].startswith("--from=") else ROOT
        *sources, target = words
        there = self.tree / self.directory[1:] / target if not target.startswith("/") else self.tree / target[1:]
        for source in sources:
            found = origin / source.lstrip("/")
            if found.is_dir():
                shutil.copytree(found, there, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(found, there / found.name if target.endswith("/") or len(sources) > 1 else there)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """What the Dockerfile makes."""
    folder = tmp_path_factory.mktemp("image")
    base = folder / "base"
    made = subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, base],
        capture_output=True,
        text=True,
        timeout=BUILD_S,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"debootstrap cannot make a Debian tree here: {made.stdout[-200:]}{made.stderr[-200:]}")
    for path in map(Path, PIP_FILES):
        if path.exists():
            target = base / str(path)[1:]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(path, target) if path.is_dir() else shutil.copy(path, target)
    stages: dict[str, Stage] = {}
    for step in _steps():
        if step.word == "FROM":
            name = step.rest.partition(" AS ")[2] or "final"
            subprocess.run(["cp", "-a", base, folder / name], check=True)
            stages[name] = Stage(folder / name, stages)
            assert step.rest.startswith("python:3.13-slim-" + SUITE)
        else:
            stages[name].do(step)
    yield stages["final"]
    shutil.rmtree(folder)


def test_what_the_steps_make_serves_without_rights_on_a_read_only_root(image: Stage, tmp_path: Path) -> None:
    hub = HubProcess(tmp_path / "unused")
    hub.env = image.variables | {"AIHUB_PORT": str(hub.port), "AIHUB_OWNER_KEY": hub.key}
    tree = shlex.quote(str(image.tree))
    mounts = (
        f"mount --bind {tree} {tree} && mount -o remount,bind,ro {tree} && mount -t tmpfs tmpfs {tree}/tmp && "
        f'mount -t tmpfs -o uid=10001,gid=10001,mode=0700 tmpfs {tree}/data && exec "$@"'
    )
    hub.start(["unshare", "--mount", "sh", "-ec", mounts, "sh", *image.chroot(), *image.entrypoint, *image.arguments])
    try:
        probed = image.run(image.probe, AIHUB_PORT=str(hub.port))
        answer = ask(hub, CHAT, openai_body("echo/echo"))
        status = Path(f"/proc/{hub.pid}/status").read_text()
        root = [line for line in Path(f"/proc/{hub.pid}/mounts").read_text().splitlines() if line.split()[1] == "/"]
    finally:
        hub.stop()

    assert (0, "") == (probed.returncode, probed.stderr)
    assert 200 == answer.status
    assert re.search(r"^Uid:\s+10001\s+10001", status, re.M)
    assert root
    assert all(line.split()[3].startswith("ro") for line in root)


def test_the_probe_fails_where_nothing_serves(image: Stage) -> None:
    assert 0 != image.run(image.probe, AIHUB_PORT="9").returncode


def _steps() -> list[Step]:
    """The instructions, each as one line."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.M).replace("\\\n", " ")
    return [Step(*line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def _listed(text: str) -> list[str]:
    """The words of an instruction in its JSON form."""
    words: list[str] = json.loads(text)
    return words
