"""The template that deploys the Lambda is valid CloudFormation."""

import subprocess
import sys
from pathlib import Path

TEMPLATE = Path(__file__).parents[1] / "template.yaml"


def test_the_template_passes_cfn_lint() -> None:
    ran = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), TEMPLATE], capture_output=True, text=True, timeout=120, check=False
    )

    assert (ran.returncode, ran.stdout) == (0, "")
