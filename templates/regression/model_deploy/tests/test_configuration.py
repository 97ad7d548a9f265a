"""config.toml: what is wrong with it ends in a sentence that names the key."""

import pytest
import yaml
from example import ROOT

from deployment.configuration import load
from deployment.release import TEMPLATE, stack_parameters
from deployment.settings import EXAMPLE, DeploymentError, from_environment

CONFIG = (ROOT / "config.toml").read_text()


class Lenient(yaml.SafeLoader):
    """CloudFormation's short forms are not looked at here."""


Lenient.add_multi_constructor("!", lambda loader, suffix, node: suffix)


@pytest.mark.parametrize("stage", ["staging", "production"])
def test_the_endpoints_template_knows_every_parameter(stage):
    known = yaml.load(TEMPLATE.read_text(), Loader=Lenient)["Parameters"]  # noqa: S506 -- a SafeLoader
    given = stack_parameters(stage, from_environment(EXAMPLE), load(ROOT / "config.toml"), "arn")
    assert set(given) <= set(known)
    assert {name for name, each in known.items() if "Default" not in each} <= set(given)


def test_production_is_watched_in_microseconds():
    parameters = load(ROOT / "config.toml").production.parameters()
    assert parameters["LatencyLimit"] == "1000000"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("serverless_memory = 2048", "serverless_memory = 2000", "must be one of 1024, 2048"),
        ("serverless_memory = 2048", "memory = 2048", "has no staging.serverless_memory"),
        ("instance_count = 2\n", "instance_count = 9\n", "max_instance_count must be at least"),
        ("canary_percentage = 50", "canary_percentage = 80", "must be from 1 to 50"),
        ("bake_seconds = 300", 'bake_seconds = "300"', "bake_seconds must be a whole number"),
        ("tolerance = 0.001", "tolerance = 2", "tolerance must be from 0 to below 1"),
        ("tolerance = 0.001", "tolerance = 0.001\nretries = 3", "unknown key, smoke_test.retries"),
        ("tolerance = 0.001", "tolerance =", "is not TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, old, new, sentence):
    assert old in CONFIG
    (tmp_path / "config.toml").write_text(CONFIG.replace(old, new, 1))
    with pytest.raises(DeploymentError, match=sentence):
        load(tmp_path / "config.toml")
