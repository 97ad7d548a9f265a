"""config.toml: what is wrong with it ends in a sentence that names the key."""

from pathlib import Path

import pytest

from pipelines.configuration import ConfigurationError, load

CONFIG = (Path(__file__).parent / "example.toml").read_text()


def test_the_file_of_this_repository_is_valid():
    configuration = load(Path(__file__).parent.parent / "config.toml")
    assert configuration.scoring.input
    assert configuration.drift.limit > 0


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('input = "scoring/input"', "", "has no scoring.input"),
        ('input = "scoring/input"', 'input = "../other"', "scoring.input must be a folder of the project's"),
        ('input = "scoring/input"', 'input = "s3://other/rows"', "scoring.input must be a folder of the project's"),
        ('input = "scoring/input"', 'input = ""', "scoring.input must be a folder of the project's"),
        ('table = ""', 'table = "rows"', 'scoring.table must be "database.table", or "" to score files'),
        ('table = ""', "table = 'a.\"b'", 'scoring.table must be "database.table"'),
        ("max_runtime_minutes = 60", "max_runtime_minutes = 0", "max_runtime_minutes must be at least 1"),
        ("limit = 0.2", 'limit = "high"', "drift.limit must be a number"),
        ("limit = 0.2", "limit = true", "drift.limit must be a number"),
        ("limit = 0.2", "limit = 0", "drift.limit must be above 0"),
        ("fail = true", 'fail = "yes"', "drift.fail must be true or false"),
        ("fail = true", "fail = 1", "drift.fail must be true or false"),
        ("tolerance = 0.001", "tolerance = 2", "tolerance must be from 0 to below 1"),
        ("tolerance = 0.001", "tolerance = 0.001\nretries = 3", "unknown key, smoke_test.retries"),
        ("tolerance = 0.001", "tolerance =", "is not TOML"),
        ("[drift]", "[drifts]", "has no drift"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, old, new, sentence):
    assert old in CONFIG
    (tmp_path / "config.toml").write_text(CONFIG.replace(old, new, 1))
    with pytest.raises(ConfigurationError, match=sentence):
        load(tmp_path / "config.toml")


def test_a_value_in_place_of_a_table(tmp_path):
    text = CONFIG[CONFIG.index("[scoring]") : CONFIG.index("[drift]")] + CONFIG[CONFIG.index("[smoke_test]") :]
    (tmp_path / "config.toml").write_text("drift = 0.2\n" + text)
    with pytest.raises(ConfigurationError, match="drift must be a table"):
        load(tmp_path / "config.toml")
