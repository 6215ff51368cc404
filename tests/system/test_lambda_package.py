"""The package that `sam build` makes, built for this machine and run as Lambda runs it: nothing else is on the path."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_runner import ROOT
from tests.support.runtime_api import RuntimeApiDouble
from tests.system.lambda_function import BOOTSTRAP, function, requested
from tests.system.scripted_answers import Script
from tests.system.scripted_provider import ScriptedProvider

pytestmark = [pytest.mark.soak, pytest.mark.anyio]
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


async def test_the_package_streams_and_is_compiled(tmp_path: Path, provider: ScriptedProvider) -> None:
    package = tmp_path / "package"
    variables = [f"PYTHON={sys.executable}", f"LAMBDA_PYTHON={sys.executable}", f"LAMBDA_VERSION={VERSION}"]
    make = ["make", "build-Hub", f"ARTIFACTS_DIR={package}", "LAMBDA=--only-binary=:all:", *variables]
    built = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)  # noqa: ASYNC221
    assert (0, "") == (built.returncode, built.stdout), built.stderr
    interpreter = getattr(sys, "_base_executable", sys.executable)
    command = [str(package / BOOTSTRAP.relative_to(ROOT)), interpreter, "/var/runtime/bootstrap.py"]
    async with RuntimeApiDouble() as api:
        with function(tmp_path / "data", api, provider.base_url, command, LAMBDA_TASK_ROOT=str(package)) as made:
            invoked = await api.invoke(requested(made.hub, Script(id="packed")))
            await invoked.whole()

    assert invoked.payload.endswith(b"data: [DONE]\n\n")
    assert list(package.glob(f"entrypoints/__pycache__/asgi.cpython-{VERSION.replace('.', '')}.pyc"))
