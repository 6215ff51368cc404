"""The template that deploys the Lambda is valid CloudFormation, and what `sam build` calls for it packs the hub."""

import subprocess
import sys
from pathlib import Path

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
    python = ran.stdout.partition("--python-version ")[2].split()[0]
    assert f"Runtime: python{python}\n" in template
    assert "Architectures: [arm64]" in template
    assert "aarch64" in ran.stdout
