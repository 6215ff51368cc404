"""The template that deploys the Lambda is valid CloudFormation, and what `sam build` calls for it packs the hub."""

import os
import re
import subprocess
import sys
from pathlib import Path

from entrypoints.config import VARIABLES

ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "template.yaml"


def test_the_template_passes_cfn_lint() -> None:
    ran = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), TEMPLATE], capture_output=True, text=True, timeout=120, check=False
    )

    assert (ran.returncode, ran.stdout) == (0, "")


def test_sam_finds_what_packs_the_function_with_all_packages_for_its_python() -> None:
    template = TEMPLATE.read_text()
    assert "  Hub:\n    Type: AWS::Serverless::Function\n    Metadata:\n" in template
    assert "BuildMethod: makefile" in template
    ran = subprocess.run(
        ["make", "-n", "build-Hub", "ARTIFACTS_DIR=packed"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert "cp -R domain ports adapters entrypoints packed" in ran.stdout
    assert "compileall" in ran.stdout
    python = ran.stdout.partition("--python-version ")[2].split()[0]
    assert f"Runtime: python{python}\n" in template
    assert "Architectures: [arm64]" in template
    assert "aarch64" in ran.stdout


def test_the_wrapper_that_the_template_names_is_packed_and_can_be_run() -> None:
    """`cp -R` keeps the right to run it, and SAM's archive does too."""
    named = re.search(r"AWS_LAMBDA_EXEC_WRAPPER: !If \[Streams, /var/task/(\S+),", TEMPLATE.read_text())

    assert named is not None
    assert os.access(ROOT / named[1], os.X_OK)


def test_every_setting_that_the_template_sets_is_one() -> None:
    variables = TEMPLATE.read_text().partition("        Variables:\n")[2].partition("      Policies:")[0]
    named = set(re.findall(r"^          ([A-Z_]+):", variables, re.M))

    assert {"DATABASE_URL", "AIHUB_MASTER_KEY"} < named
    assert set() == named - set(VARIABLES) - {"AWS_LAMBDA_EXEC_WRAPPER"}
