"""config.toml: what is wrong with it ends in a sentence that names the key."""

from pathlib import Path

import pytest

from pipelines.configuration import ConfigurationError, load

CONFIG = (Path(__file__).parent / "example.toml").read_text()


def test_the_file_of_this_repository_is_valid():
    configuration = load(Path(__file__).parent.parent / "config.toml")
    assert configuration.limits["rmse"] > 0
    assert configuration.data.label not in configuration.data.numbers


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("seed = 7", "", "has no data.seed"),
        ("seed = 7", "seed = 7\nseeds = 8", "unknown key, data.seeds"),
        ("seed = 7", 'seed = "7"', "data.seed must be a whole number"),
        ("seed = 7", "seed = ", "is not TOML"),
        ('source = "auto"', 'source = "glue"', "data.source must be one of auto, table, files"),
        ("train_share = 0.7", "train_share = 0.9", "must leave rows for the test set"),
        ('sex = ["F", "I", "M"]', "sex = []", "data.categories.sex lists no category"),
        ('sex = ["F", "I", "M"]', "sex = [1]", "data.categories must be a table of lists"),
        ('label = "rings"', 'label = "sex"', "name a column twice"),
        ("rmse = 2.5", 'rmse = "low"', "limits.rmse must be a number"),
        ("rmse = 2.5", "mae = 2.5", "has no limits.rmse"),
        ("num_round = 300", "num_round = 0.5", "training.num_round must be a whole number"),
        ("[limits]", "[limit]", "has no limits"),
        ("seed = 7", "seed = -7", "data.seed must be from 0"),
        ("num_round = 300", "num_round = true", "training.num_round must be a whole number"),
        ("max_runtime_minutes = 60", "max_runtime_minutes = 0", "max_runtime_minutes must be from 1 to 1440"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, old, new, sentence):
    assert old in CONFIG
    (tmp_path / "config.toml").write_text(CONFIG.replace(old, new, 1))
    with pytest.raises(ConfigurationError, match=sentence):
        load(tmp_path / "config.toml")
