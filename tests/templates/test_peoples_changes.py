"""What people do to a template: other settings and data, mistakes in config.toml, a terminal without credentials."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.templates.environments import copied
from tests.templates.recorded import FACTS
from tests.templates.test_templates import PARTS, TEMPLATES, edited, name_of, own_tests

pytestmark = pytest.mark.long  # dozens of environments and processes, for what only a change of a template changes

# What is changed first in each part's config.toml: every text that its tests could lean on.
OWN_SETTINGS = {
    "regression/model_build": {
        "rmse = 2.5": "rmse = 3.5",
        "seed = 7": "seed = 11",
        "max_depth = 5": "max_depth = 4",
        "max_runtime_minutes = 60": "max_runtime_minutes = 90",
        "train_share = 0.7": "train_share = 0.6",
        'label = "rings"': 'label = "price"',
        'sex = ["F", "I", "M"]': 'town = ["Oslo", "Bergen"]',
        'source = "auto"': 'source = "files"',
    },
    "classification/model_build": {
        'label = "credit_risk"': 'label = "churned"',
        "max_runtime_minutes = 60": "max_runtime_minutes = 90",
        'source = "auto"': 'source = "files"',
    },
    "llm-evaluation/model_build": {
        "pass_rate = 0.8": "pass_rate = 0.9",
        'model_id = ""': 'model_id = "profile"',
        "max_tokens = 400": "max_tokens = 900",
        "concurrency = 4": "concurrency = 1",
        "tokens = 500000": "tokens = 900000",
        "max_runtime_minutes = 60": "max_runtime_minutes = 90",
        'source = "auto"': 'source = "files"',
    },
    "regression/model_deploy": {
        "serverless_memory = 2048": "serverless_memory = 4096",
        "instance_count = 2": "instance_count = 3",
        "latency_limit = 1000": "latency_limit = 200",
        "tolerance = 0.001": "tolerance = 0.0",
    },
    "batch/model_deploy": {
        'input = "scoring/input"': 'input = "today"',
        'table = ""': 'table = "glue_db.today"',
        "limit = 0.2": "limit = 0.1",
        "fail = true": "fail = false",
        "tolerance = 0.001": "tolerance = 0.0",
        "max_runtime_minutes = 60": "max_runtime_minutes = 90",
    },
    "llm-evaluation/model_deploy": {
        "share = 0.8": "share = 0.9",
        "attempts = 6": "attempts = 3",
        'model_id = ""': 'model_id = "theirs"',
    },
}
OWN_SETTINGS["batch/model_build"] = OWN_SETTINGS["classification/model_build"]
OWN_SETTINGS["classification/model_deploy"] = OWN_SETTINGS["regression/model_deploy"]


@pytest.mark.parametrize("part", PARTS, ids=name_of)
def test_their_own_tests_pass_after_people_have_changed_settings_and_data(part: Path, tmp_path: Path) -> None:
    """What a README says to change first may not fail the checks of a pull request."""
    copy = copied(part, tmp_path / "part")
    for old, new in OWN_SETTINGS[name_of(part)].items():
        edited(copy, "config.toml", old, new)
    shutil.rmtree(copy / "data", ignore_errors=True)
    assert own_tests(copy, tmp_path / "base") >= 25


@pytest.mark.parametrize("part", PARTS, ids=name_of)
def test_their_tests_know_the_settings_and_the_data_that_are_delivered(part: Path) -> None:
    tests = part / "tests"
    assert (tests / "example.toml").read_bytes() == (part / "config.toml").read_bytes()
    files = [path for name in ("data", "sample_model") for path in (part / name).rglob("*") if path.is_file()]
    sums = {
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(part)}"
        for path in files
        if path.name != "README.md"
    }
    assert set((tests / "example.sums").read_text().splitlines()) == sums


FUZZ = """
import copy, sys, tomllib
from pathlib import Path
sys.path[:0] = [".", "source_scripts/bedrock"]
try:
    from pipelines import configuration
except ImportError:
    from deployment import configuration
refused = next(each for name, each in vars(configuration).items() if name in ("ConfigurationError", "DeploymentError"))
WRONG = [True, -1, 0, 1.5, "x", "", [], ["x"], [1], {}, {"x": 1}, {"x": [1]}, float("nan"), float("inf")]
found = tomllib.loads(Path("config.toml").read_text())
def places(tree, path=()):
    for key, value in tree.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from places(value, (*path, key))
said = []
for path in list(places(found)):
    for wrong in [None, *WRONG]:
        tree = copy.deepcopy(found)
        place = tree
        for key in path[:-1]:
            place = place[key]
        if wrong is None:
            del place[path[-1]]
        else:
            place[path[-1]] = wrong
        configuration.tomllib.loads = lambda _: tree
        try:
            configuration.load(Path("config.toml"))
        except refused as error:
            said.append(str(error))
assert not [each for each in said if "\\n" in each]
print(len(said))
"""


@pytest.mark.parametrize("part", PARTS, ids=name_of)
def test_whatever_is_wrong_in_config_toml_ends_in_a_sentence(part: Path) -> None:
    """Each key and table is left out, and gets values of every kind."""
    command = [sys.executable, "-B", "-c", FUZZ]
    done = subprocess.run(command, cwd=part, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50


DEPLOYING = [
    (part, command)
    for part in PARTS
    for command in ("deploy_endpoint.py --stage staging", "deploy_configuration.py --stage staging", "deploy_model.py")
    if (part / command.split()[0]).exists()
]


@pytest.mark.parametrize(("part", "command"), DEPLOYING, ids=[name_of(part) for part, _ in DEPLOYING])
def test_without_credentials_a_deployment_ends_in_a_sentence(part: Path, command: str, tmp_path: Path) -> None:
    here = {**FACTS, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        [sys.executable, "-B", *command.split()], cwd=part, env=here, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "Error: Unable to locate credentials\n")


@pytest.mark.parametrize("name", ["python3.99", "the-products-own"])
def test_another_python_is_refused_before_anything_is_made(tmp_path: Path, name: str) -> None:
    if name == "the-products-own" and sys.version_info[:2] == (3, 12):
        pytest.skip("This is the Python that the templates need.")
    part = copied(TEMPLATES / "regression/model_deploy", tmp_path / "part")
    command = ["make", "setup", f"PYTHON={sys.executable if name == 'the-products-own' else name}"]
    done = subprocess.run(command, cwd=part, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "is not Python 3.12, which the locked packages need. Install it, or run: make setup PYTHON=" in done.stderr
    assert not (part / ".venv").exists()
