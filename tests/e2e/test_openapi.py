"""Whatever `/openapi.json` says may be sent is sent, and what it says may not: no answer is a 5xx."""

import re
import subprocess
import sys

import pytest

from support.process import environment, served, simulated

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it asks for a console's encoding")

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
PHASES = "coverage,fuzzing,stateful"
EXAMPLES = 5
PATIENCE = 500.0
"""Seconds; it takes about 45 on two cores that have nothing else to do."""


@pytest.mark.timeout(PATIENCE + 60)
def test_schemathesis_finds_no_fault(tmp_path):
    # Nobody reads what it says meanwhile, so it must not say much.
    quiet = ("--log-level", "error", "--data-dir", str(tmp_path / "data"))
    with (
        simulated(tmp_path, "--pace", "0") as (_, variables),
        served(tmp_path, *quiet, **variables) as (_, url),
    ):
        found = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json"),
                *("--checks", ",".join(CHECKS)),
                *("--phases", PHASES, "--mode", "all", "--max-examples", str(EXAMPLES)),
                *("--seed", "1", "--generation-database", "none", "--no-color"),
            ],
            cwd=tmp_path,
            env=environment(tmp_path, PYTHONIOENCODING="utf-8"),
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )

    assert found.returncode == 0, found.stdout + found.stderr
    assert int(re.findall(r"(\d+) generated", found.stdout)[-1]) > 100
