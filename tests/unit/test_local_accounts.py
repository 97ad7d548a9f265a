"""The local run of several accounts: which places there are, and which verbs are for one account only."""

from __future__ import annotations

from pathlib import Path

import pytest

from local import accounts, verbs
from local.cloud import Cloud
from local.home import SOURCE, Home, LocalError
from local.run import settings_of
from tests.e2e.test_accounts import PLACES, write_settings


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    write_settings(made)
    return made


def test_projects_live_in_the_accounts_homes_before_their_further_regions(home: Home) -> None:
    assert tuple((place.account, place.region) for place in accounts.of_projects(settings_of(home))) == PLACES


def test_an_installation_of_one_account_has_no_places(tmp_path: Path) -> None:
    assert accounts.of_projects(settings_of(Home(tmp_path))) == ()


def test_clients_are_those_of_the_account_and_region() -> None:
    cloud = Cloud("http://127.0.0.1:1", "http://127.0.0.1:2").at("222222222222", "eu-west-1")
    client = cloud.client("datazone")
    assert (client.meta.region_name, client.meta.endpoint_url) == ("eu-west-1", "http://127.0.0.1:2")
    assert client._request_signer._credentials.access_key == "222222222222"
    assert cloud.client("sqs").meta.endpoint_url == "http://127.0.0.1:1"


@pytest.mark.parametrize("verb", ["launch", "update", "diff", "terminate", "demo", "studio"])
def test_a_verb_of_one_account_is_refused_with_a_sentence(home: Home, verb: str) -> None:
    with pytest.raises(LocalError, match=f"`{verb}` works with one"):
        verbs._refuse_in_accounts(home, verb)


@pytest.mark.parametrize("verb", ["up", "publish", "status", "logs", "down", "credential"])
def test_other_verbs_go_on(home: Home, verb: str) -> None:
    verbs._refuse_in_accounts(home, verb)


def test_wrong_settings_are_one_sentence(home: Home) -> None:
    text = (SOURCE / "settings.toml").read_text(encoding="utf-8")
    home.settings.write_text(text + '[accounts.research]\naccount = "1"\nregions = []\n', encoding="utf-8")
    with pytest.raises(LocalError, match="accounts"):
        settings_of(home)
