"""config.toml: what is wrong with it ends in a sentence that names the key."""

from pathlib import Path

import pytest
import yaml
from project_facts import outputs

from deployment.configuration import load
from deployment.release import RESOURCE, TEMPLATE, template
from deployment.settings import DeploymentError

EXAMPLE = Path(__file__).parent / "example.toml"
CONFIG = EXAMPLE.read_text()


class Lenient(yaml.SafeLoader):
    """CloudFormation's short forms are not looked at here."""


Lenient.add_multi_constructor("!", lambda loader, suffix, node: suffix)


def test_the_stacks_template_knows_every_parameter_and_shows_it():
    found = yaml.load(TEMPLATE.read_text(), Loader=Lenient)  # noqa: S506 -- a SafeLoader
    given = outputs(3)
    assert {name for name, each in found["Parameters"].items() if "Default" not in each} == set(given)
    assert set(given) <= set(found["Outputs"])


def test_each_release_changes_the_stacks_resource():
    """CloudFormation takes an update without a changed resource for none."""
    assert TEMPLATE.read_text().count(RESOURCE) == 1
    one, other = template(outputs(3)), template(outputs(4))
    assert one != other
    assert one == template(outputs(3))
    [name] = yaml.load(one, Loader=Lenient)["Resources"]  # noqa: S506 -- a SafeLoader
    assert name.startswith("Release")
    assert name.isalnum()


def test_a_stage_may_ask_a_model_of_its_own_account(tmp_path):
    load(Path(__file__).parent.parent / "config.toml")
    configuration = load(EXAMPLE)
    assert (
        configuration.model_id("staging", "evaluated")
        == configuration.model_id("production", "evaluated")
        == "evaluated"
    )
    head, tail = CONFIG.split("[production]")
    (tmp_path / "config.toml").write_text(
        head + "[production]" + tail.replace('model_id = ""', 'model_id = "theirs"', 1)
    )
    other = load(tmp_path / "config.toml")
    assert (other.model_id("staging", "evaluated"), other.model_id("production", "evaluated")) == (
        "evaluated",
        "theirs",
    )


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('model_id = ""', "model_id = 1", r"staging\.model_id must be a text"),
        ('model_id = ""', 'model = ""', r"has no staging\.model_id"),
        ("share = 0.8", "share = 0", "share must be above 0"),
        ("share = 0.8", "share = 80", "at most 1"),
        ("share = 0.8", 'share = "most"', r"smoke_test\.share must be a number"),
        ("attempts = 6", "attempts = 0", "attempts must be from 1 to 20"),
        ("attempts = 6", "attempts = 6\nretries = 3", r"unknown key, smoke_test\.retries"),
        ("attempts = 6", "attempts =", "is not TOML"),
        ("[production]", "[prod]", "has no production"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, old, new, sentence):
    assert old in CONFIG
    (tmp_path / "config.toml").write_text(CONFIG.replace(old, new, 1))
    with pytest.raises(DeploymentError, match=sentence):
        load(tmp_path / "config.toml")
