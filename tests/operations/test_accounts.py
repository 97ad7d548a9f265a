"""The verbs over several accounts: sessions by admin_role, one table, and an account that fails stops no other."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.parse import parse_qs

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from custom_resources.clients.service_catalog import Launch, ProductVersion, Record
from custom_resources.clients.stacks import DescribedStack
from custom_resources.errors import AwsDenied, AwsNotConfigured, AwsThrottled
from operations import accounts, over_accounts, plan_command, repair_command, status_command
from operations.accounts import Site, chosen, opened
from operations.command_line import main
from operations.doctor.accounts import account_checks, domain_checks
from operations.doctor.check import Check
from operations.errors import AccountNotChosen, AccountUnknown, AdminRoleRefused, NoAccounts, WrongAccount
from operations.prove import command as prove_command
from operations.repair_stacks import FailedResource, StackState
from operations.rollout import sites
from operations.rollout.sites import RolloutSite
from operations.rollout.state import Result, Rollout
from products.settings import Place, Settings, load_settings
from tests.operations.unforeseen import unforeseen

SETTINGS = """
[git_config]
private_github_organization = "acme"
[portfolio]
principals = ["arn:aws:iam::222222222222:role/Platform"]
[studio]
domain_id = "dzd_1"
domain_account = "111111111111"
domain_region = "eu-central-1"
[studio.own_profiles."Tabular"]
account = "forecasts"
region = "us-west-2"
[accounts.research]
account = "222222222222"
regions = ["eu-west-1"]
admin_role = "arn:aws:iam::222222222222:role/Admin"
[accounts.forecasts]
account = "333333333333"
regions = ["us-east-1", "us-west-2"]
"""
RESEARCH, HOME, FURTHER = "research/eu-west-1", "forecasts/us-east-1", "forecasts/us-west-2"
VERSION = ProductVersion("pa-2", "v2.0.0")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    path = tmp_path / "settings.toml"
    path.write_text(SETTINGS, encoding="utf-8")
    monkeypatch.setenv("SETTINGS_FILE", str(path))
    monkeypatch.setenv("MLOPS_VERSIONS_DIR", str(tmp_path / "versions"))
    return load_settings(path)


# -- which places, and by whose credentials -----------------------------------------------------------------------


def test_an_account_is_named_by_its_name_its_region_or_all(settings: Settings) -> None:
    def named(account: str, **more: bool) -> list[str]:
        return [str(place) for place in chosen(settings, account, **more)]

    assert named("research") == [RESEARCH]
    assert named("forecasts") == [HOME, FURTHER]
    assert named(FURTHER) == [FURTHER]
    assert named("all") == [RESEARCH, HOME, FURTHER]
    assert named("all", with_domain=True) == ["domain", RESEARCH, HOME, FURTHER]
    assert named("domain", with_domain=True) == ["domain"]
    with pytest.raises(AccountUnknown, match=r"'sales'. Choose one of research, forecasts, all"):
        chosen(settings, "sales")
    with pytest.raises(AccountUnknown):
        chosen(settings, "domain")
    with pytest.raises(AccountNotChosen, match="Add --account with one of research, forecasts, all"):
        chosen(settings, "")
    assert chosen(Settings(), "") == []
    with pytest.raises(NoAccounts):
        chosen(Settings(), "all")


OWN_KEY, OWN_ACCOUNT = "AKIAOWN", "333333333333"
_ANSWER = """<{0}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{0}Result>{1}</{0}Result></{0}Response>"""


@dataclass
class Sts:
    """STS behind HTTP: sessions last `seconds`, and each key is answered as the account that it is of."""

    seconds: int = 3600
    refuses: bool = False
    assumed: list[dict[str, str]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)  # operation, key

    def send(self, request: Any) -> AWSResponse:
        form = {key: value for key, (value,) in parse_qs(str(request.body)).items()}
        (key,) = re.findall(r"Credential=([^/]+)/", str(request.headers["Authorization"]))
        self.asked.append((form["Action"], key))
        if form["Action"] == "AssumeRole":
            return self._assume(request, form)
        account = OWN_ACCOUNT if key == OWN_KEY else key.split("-")[1]
        return self._answer(request, 200, _ANSWER.format("GetCallerIdentity", f"<Account>{account}</Account>"))

    def _assume(self, request: Any, form: dict[str, str]) -> AWSResponse:
        self.assumed.append({key: form[key] for key in ("RoleArn", "RoleSessionName")})
        if self.refuses:
            refusal = "<Error><Code>AccessDenied</Code><Message>not trusted</Message></Error>"
            return self._answer(request, 403, f"<ErrorResponse>{refusal}</ErrorResponse>")
        ends = (datetime.now(UTC) + timedelta(seconds=self.seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
        key = f"ASIA-{form['RoleArn'].split(':')[4]}-{len(self.assumed)}"
        keys = f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
        credentials = f"<Credentials>{keys}<Expiration>{ends}</Expiration></Credentials>"
        return self._answer(request, 200, _ANSWER.format("AssumeRole", credentials))

    @staticmethod
    def _answer(request: Any, status: int, text: str) -> AWSResponse:
        return AWSResponse(request.url, status, HTTPHeaders(), Raw(text.encode()))


class Raw(io.BytesIO):
    """What urllib3 gives botocore to read."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Sts:
    told = Sts()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", OWN_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    monkeypatch.setattr(URLLib3Session, "send", lambda _, request: told.send(request))
    return told


def place(settings: Settings, name: str) -> Place:
    return next(each for each in settings.places if str(each) == name)


def test_an_account_is_reached_by_its_admin_role_in_its_region(settings: Settings, sts: Sts) -> None:
    site = opened(settings, place(settings, RESEARCH))
    assert (site.session.region_name, site.settings.place) == ("eu-west-1", place(settings, RESEARCH))
    for _ in range(3):
        assert site.session.client("sts").get_caller_identity()["Account"] == "222222222222"
    assert sts.assumed == [
        {"RoleArn": "arn:aws:iam::222222222222:role/Admin", "RoleSessionName": "studio-mlops-operations"}
    ], "a session that lasts is used"


def test_a_session_that_ends_is_renewed_by_the_callers_own_credentials(settings: Settings, sts: Sts) -> None:
    """A rollout over many projects takes longer than a session."""
    sts.seconds = 120
    site = opened(settings, place(settings, RESEARCH))
    client = site.session.client("sts")  # made once, as the verbs do
    for _ in range(3):
        assert client.get_caller_identity()["Account"] == "222222222222"
    assert len(sts.assumed) >= 4, "each call finds a session that is about to end"
    assert {key for action, key in sts.asked if action == "AssumeRole"} == {OWN_KEY}
    used = [key for action, key in sts.asked if action == "GetCallerIdentity"]
    assert len(set(used)) == len(used), "each call is signed with the session of then"


def test_a_renewal_that_is_refused_is_said_by_the_roles_name_whatever_was_asked(settings: Settings, sts: Sts) -> None:
    sts.seconds = 120
    client = opened(settings, place(settings, RESEARCH)).session.client("servicecatalog")
    sts.refuses = True
    with pytest.raises(AdminRoleRefused, match="222222222222:role/Admin: not trusted"):
        client.search_provisioned_products()


def test_without_one_the_callers_credentials_have_to_be_of_it(settings: Settings, sts: Sts) -> None:
    assert opened(settings, place(settings, FURTHER)).session.region_name == "us-west-2"
    assert sts.assumed == []
    with pytest.raises(WrongAccount, match="for domain belong to the account 333333333333, not to 111111111111"):
        opened(settings, settings.places[0])


def test_a_role_that_is_refused_is_said_by_name(settings: Settings, sts: Sts) -> None:
    sts.refuses = True
    with pytest.raises(AdminRoleRefused, match="222222222222:role/Admin: not trusted"):
        opened(settings, place(settings, RESEARCH))


def test_without_credentials_no_role_is_assumed(
    settings: Settings, sts: Sts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(AwsNotConfigured, match="credentials"):
        opened(settings, place(settings, RESEARCH))
    assert sts.asked == []


# -- status and rollout -------------------------------------------------------------------------------------------


class Catalog:
    """Service Catalog of one place."""

    def __init__(self, place: Place) -> None:
        self.place, self.updated = place, list[str]()

    def product(self, name: str) -> str:
        return f"prod-{self.place.region}"

    def versions(self, product_id: str) -> list[ProductVersion]:
        assert product_id == f"prod-{self.place.region}"
        return [ProductVersion("pa-1", "v1.0.0", "DEPRECATED"), VERSION]

    def launches(self, product_id: str, versions: Any) -> list[Launch]:
        names = {RESEARCH: ["studio-r1"], HOME: ["studio-h1", "studio-h2"], FURTHER: ["studio-f1"]}[str(self.place)]
        return [launch(name) for name in names]

    def record(self, record_id: str) -> Record:
        return Record("succeeded", "path", "pa-1", ())

    def parameter_names(self, product_id: str, version: ProductVersion) -> list[str]:
        return ["ProjectId"]

    def has_several_paths(self, product_id: str) -> bool:
        return False

    def update(self, launch: Launch, *_: Any) -> str:
        self.updated.append(launch.name)
        return f"rec-{launch.name}"

    def outputs(self, stack: str) -> dict[str, str]:
        return {}

    def every(self) -> Iterator[DescribedStack]:
        return iter(())


def launch(name: str) -> Launch:
    fields: dict[str, Any] = {
        "id": f"pp-{name}",
        "name": name,
        "version_id": "pa-1",
        "version": "v1.0.0",
        "status": "AVAILABLE",
        "message": "",
        "stack": f"stack/{name}",
        "last_record": "",
    }
    return Launch(**{key: value for key, value in fields.items() if key in Launch.__dataclass_fields__})


@pytest.fixture
def catalogs(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> dict[str, Catalog]:
    """Service Catalog of each place; research cannot be reached."""
    found = {str(each): Catalog(each) for each in settings.places}

    def open_place(settings: Settings, place: Place) -> Site:
        if str(place) == RESEARCH:
            raise AdminRoleRefused(role="arn:aws:iam::222222222222:role/Admin", message="not trusted")
        return Site(place, settings.at(place), boto3.Session("x", "x", region_name=place.region))

    monkeypatch.setattr(over_accounts, "opened", open_place)
    monkeypatch.setattr(repair_command, "opened", open_place)
    monkeypatch.setattr(status_command, "opened", open_place)
    for module in (over_accounts, status_command):
        monkeypatch.setattr(module, "catalog_of", lambda site: (found[str(site.place)], found[str(site.place)]))
    monkeypatch.setattr(sites, "opened", open_place)
    return found


def test_status_is_one_table_with_account_and_region(
    catalogs: dict[str, Catalog], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    keep = ("--keep", str(tmp_path / "fleet.json"))
    assert main(["status", "--account", "all", *keep]) == 1
    out, err = capsys.readouterr()
    assert "error: research/eu-west-1: STS denied the caller access to the role" in err
    rows = [line.split() for line in out.splitlines()]
    assert ["studio-f1", "?", "?", "failed"] in rows
    assert ["forecasts", "us-west-2:", "The", "stack", "is", "gone."] in rows
    assert ["forecasts", "us-east-1", "v1.0.0", "-", "DEPRECATED", "2"] in rows
    assert main(["status", "--account", "forecasts", "--json", *keep]) == 3
    told = json.loads(capsys.readouterr().out)
    assert [(each["account"], each["region"], each["name"]) for each in told["projects"]] == [
        ("forecasts", "us-east-1", "studio-h1"),
        ("forecasts", "us-east-1", "studio-h2"),
        ("forecasts", "us-west-2", "studio-f1"),
    ]
    places = told["places"]
    assert [(each["account"], each["region"], len(each["launches"])) for each in places] == [
        ("forecasts", "us-east-1", 2),
        ("forecasts", "us-west-2", 1),
    ]


class Store:
    """Where a place's rollout is kept, and what was started there."""

    def __init__(self) -> None:
        self.rollout: Rollout | None = None
        self.lists: dict[str, list[str]] = {}

    def read(self) -> Rollout | None:
        return self.rollout

    def write_wave(self, rollout: str, wave: str, projects: Sequence[Mapping[str, str]]) -> None:
        self.lists[wave] = [each["name"] for each in projects]

    def write_plan(self, rollout: Rollout) -> None:
        assert list(rollout.waves) == list(self.lists)

    def create(self, rollout: Rollout, open_times: Sequence[tuple[int, int]]) -> bool:
        assert rollout.target.parameters == ("ProjectId",)
        self.rollout = rollout
        return True

    def run(self, rollout: str, number: int) -> str:
        return f"{rollout}-{number}"

    def runs(self, rollout: Rollout) -> bool:
        return True

    def results(self, rollout: str) -> list[Result]:
        return []


@pytest.fixture
def stores(catalogs: dict[str, Catalog], monkeypatch: pytest.MonkeyPatch) -> dict[str, Store]:
    """Where each place's rollout is kept; research cannot be reached."""
    found = {name: Store() for name in catalogs}

    def site_of(place: Place, settings: Settings, session: Any) -> RolloutSite:
        catalog: Any = catalogs[str(place)]
        store: Any = found[str(place)]
        return RolloutSite(
            place, settings, catalog, store, catalog.product("any"), Mock(every=lambda: iter(())), session
        )

    monkeypatch.setattr(sites, "site_of", site_of)
    return found


def test_a_rollout_is_started_where_it_can_be(stores: dict[str, Store], capsys: pytest.CaptureFixture[str]) -> None:
    command = ["rollout", "start", "--version", "v2.0.0", "--account", "all", "--yes", "--json"]
    assert main(command) == 1
    places = json.loads(capsys.readouterr().out)["places"]
    assert [each.get("planned", 0) for each in places] == [0, 2, 1]
    assert "not trusted" in places[0]["problem"]
    assert stores[HOME].lists == {"wave-1": ["studio-h1"], "wave-2": ["studio-h2"]}
    assert stores[FURTHER].lists == {"wave-1": ["studio-f1"]}


def test_a_dry_run_starts_nothing_in_any(
    stores: dict[str, Store], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_command, "foresee", unforeseen)
    monkeypatch.setattr(plan_command, "asking", lambda *_: None)
    assert main(["rollout", "start", "--version", "v2.0.0", "--account", "forecasts", "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "forecasts/us-west-2: Roll out v2.0.0: 1 to update" in told
    assert "nobody was asked" in told
    assert not any(store.lists for store in stores.values())


def test_a_project_is_looked_for_in_all_of_them(stores: dict[str, Store], capsys: pytest.CaptureFixture[str]) -> None:
    command = ["rollout", "start", "--version", "v2.0.0", "--account", "forecasts", "--yes"]
    assert main([*command, "--project", "f1"]) == 0
    assert (stores[HOME].lists, stores[FURTHER].lists) == ({}, {"wave-1": ["studio-f1"]})
    assert main([*command, "--project", "nobody"]) == 1
    assert "nobody" in capsys.readouterr().err


class Stacks:
    """CloudFormation of one place, as repair asks it; its stacks have all failed to roll back."""

    def __init__(self) -> None:
        self.continued: list[str] = []
        self.skipped: list[str] = []

    def state(self, stack_id: str) -> StackState:
        if stack_id in self.continued:
            return StackState("UPDATE_ROLLBACK_COMPLETE")
        id_ = {"h": 1, "f": 2}[stack_id[-2]] * 10 + int(stack_id[-1])
        lost = FailedResource("Repository", "Custom::GitHubRepository", str(id_), "UPDATE_FAILED", "It is gone.")
        return StackState("UPDATE_ROLLBACK_FAILED", (lost,), {str(id_): f"acme/{stack_id[-2:]}"})

    def broken(self) -> frozenset[str]:
        return frozenset(f"stack/studio-{name}" for name in ("h1", "h2", "f1")) - {*self.continued}

    def status(self, stack_id: str) -> str:
        return self.state(stack_id).status

    def continue_rollback(self, stack_id: str, skipped: Any) -> None:
        self.continued.append(stack_id)
        self.skipped += [f"{stack_id}/{each}" for each in skipped]


@pytest.fixture
def broken_places(catalogs: dict[str, Catalog], monkeypatch: pytest.MonkeyPatch) -> dict[str, Stacks]:
    """The places of `catalogs`, with a stack of each launch."""
    stacks = {HOME: Stacks(), FURTHER: Stacks()}

    def connected(session: boto3.Session | None) -> tuple[Catalog, Catalog, Stacks]:
        assert session, "the caller's own session is of none of the accounts"
        name = next(each for each in stacks if each.endswith(f"/{session.region_name}"))
        return catalogs[name], catalogs[name], stacks[name]

    monkeypatch.setattr(repair_command, "_connected", connected)
    return stacks


def test_repair_looks_at_each_account_that_is_named_and_at_no_other(
    broken_places: dict[str, Stacks], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["repair", "--account", "all", "--json"]) == 1
    places = json.loads(capsys.readouterr().out)["places"]
    assert "not trusted" in places[0]["problem"]
    assert [len(each["launches"]) for each in places] == [0, 2, 1]
    assert not any(each.continued for each in broken_places.values()), "nothing is changed without --yes"

    main(["repair", "--account", FURTHER, "--yes"])
    assert broken_places[FURTHER].continued == ["stack/studio-f1"]
    assert broken_places[HOME].continued == []
    assert "forecasts/us-west-2:" in capsys.readouterr().out


@pytest.mark.parametrize(("account", "said"), [([], "research"), (["--account", "nonsense"], "nonsense")])
def test_repair_touches_no_account_that_was_not_chosen(
    broken_places: dict[str, Stacks], capsys: pytest.CaptureFixture[str], account: list[str], said: str
) -> None:
    assert main(["repair", "--yes", *account]) == 1
    assert said in capsys.readouterr().err
    assert not any(each.continued for each in broken_places.values())


@pytest.mark.parametrize("name", ["acme/f1", "Acme/F1", "21"])
def test_what_is_gone_is_one_places_and_no_error_of_the_others(broken_places: dict[str, Stacks], name: str) -> None:
    assert main(["repair", "--account", "forecasts", "--gone", name, "--yes"]) == 0
    assert broken_places[FURTHER].skipped == ["stack/studio-f1/Repository"]
    assert broken_places[HOME].continued == ["stack/studio-h1", "stack/studio-h2"]
    assert broken_places[HOME].skipped == []


def test_what_is_gone_may_be_of_two_places(broken_places: dict[str, Stacks]) -> None:
    assert main(["repair", "--account", "forecasts", "--gone", "acme/f1", "--gone", "acme/h2", "--yes"]) == 0
    assert broken_places[FURTHER].skipped == ["stack/studio-f1/Repository"]
    assert broken_places[HOME].skipped == ["stack/studio-h2/Repository"]


def test_what_is_gone_and_nobodys_is_refused_before_anything_is_changed(
    broken_places: dict[str, Stacks], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["repair", "--account", "forecasts", "--gone", "acme/f1", "--gone", "acme/typo", "--yes"]) == 1
    assert "No failed launch is about the repository 'acme/typo'." in capsys.readouterr().err
    assert not any(each.continued for each in broken_places.values())


def test_what_is_gone_may_be_of_a_place_that_does_not_answer(
    broken_places: dict[str, Stacks], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["repair", "--account", "all", "--gone", "acme/r1", "--yes"]) == 1
    assert "error: research/eu-west-1: STS denied" in capsys.readouterr().err
    assert broken_places[FURTHER].continued == ["stack/studio-f1"], "a failure in one stops nothing in another"


def test_a_project_to_repair_is_looked_for_in_all_of_them(
    broken_places: dict[str, Stacks], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["repair", "--account", "forecasts", "--project", "f1", "--yes"])
    assert (broken_places[HOME].continued, broken_places[FURTHER].continued) == ([], ["stack/studio-f1"])
    assert main(["repair", "--account", "forecasts", "--project", "nobody"]) == 1
    assert "nobody" in capsys.readouterr().err


# -- doctor -------------------------------------------------------------------------------------------------------


def test_doctor_looks_at_every_place(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def open_place(settings: Settings, place: Place) -> Site:
        if place.is_domain:
            raise WrongAccount(place=place, wanted=place.account, found="3")
        return Site(place, settings.at(place), boto3.Session("x", "x", region_name=place.region))

    monkeypatch.setattr(over_accounts, "opened", open_place)
    monkeypatch.setattr(repair_command, "opened", open_place)
    monkeypatch.setattr(
        "operations.doctor.command._diagnosed",
        lambda *_: iter([Check("Functions", "ok", "all are ready"), Check("Portfolio", "problem", "none", "Deploy.")]),
    )
    assert main(["doctor", "--account", "all"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(
        "[!!] domain eu-central-1 AWS account: The credentials for domain belong to the account 3"
    )
    assert "[ok] research eu-west-1 Functions: all are ready" in said
    assert "[!!] forecasts us-west-2 Portfolio: none" in said
    assert said[-1] == "4 of 7 checks found a problem."


class Answers:
    """A session whose clients answer what they are told, and note in which region they are."""

    def __init__(self, **answers: Any) -> None:
        self.answers, self.regions, self.region_name = answers, dict[str, str](), "eu-west-1"

    def client(self, service: str, region_name: str = "") -> Any:
        self.regions[service] = region_name

        def answer(operation: str) -> Callable[..., Any]:
            found = self.answers[operation]
            if isinstance(found, str):
                code = {"Error": {"Code": found, "Message": found}}
                raise ClientError(code, operation)  # type: ignore[arg-type]
            return lambda **_: found

        class Client:
            def __getattr__(self, operation: str) -> Any:
                def call(**arguments: Any) -> Any:
                    return answer(operation)(**arguments)

                return call

            def get_paginator(self, operation: str) -> Any:
                return type("Pages", (), {"paginate": lambda _, **arguments: [answer(operation)(**arguments)]})()

        return Client()


def trust(*accounts: str) -> dict[str, Any]:
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"Service": "datazone.amazonaws.com"},
            "Condition": {"StringEquals": {"aws:SourceAccount": each}},
        }
        for each in accounts
    ]
    return {"Role": {"Arn": "arn:role", "AssumeRolePolicyDocument": {"Statement": statements}}}


BLUEPRINT = {
    "list_environment_blueprints": {"items": [{"id": "b1", "name": "MLOps repositories"}]},
    "get_environment_blueprint": {
        "provisioningProperties": {"cloudFormation": {"templateUrl": "https://s3.eu.amazonaws.com/bucket/1.json"}}
    },
}


def checked(checks: Any, name: str) -> Check:
    (found,) = dict(checks)[name]()
    assert isinstance(found, Check)
    return found


@pytest.mark.parametrize(
    ("answers", "name", "state", "text"),
    [
        ({"get_role": trust("111111111111")}, "Provisioning role", "ok", "111111111111"),
        ({"get_role": trust("222222222222")}, "Provisioning role", "problem", "for 222222222222, not for 111111111111"),
        ({"get_role": trust()}, "Provisioning role", "problem", "for any account"),
        ({"get_role": "NoSuchEntity"}, "Provisioning role", "problem", "there is no role studio-mlops-provisioning"),
        (
            {**BLUEPRINT, "simulate_principal_policy": {"EvaluationResults": [{"EvalDecision": "allowed"}]}},
            "Blueprint template",
            "ok",
            "bucket/1.json",
        ),
        (
            {**BLUEPRINT, "simulate_principal_policy": {"EvaluationResults": [{"EvalDecision": "implicitDeny"}]}},
            "Blueprint template",
            "problem",
            "does not have permission to read https://s3.eu.amazonaws.com/bucket/1.json",
        ),
        ({**BLUEPRINT, "simulate_principal_policy": "AccessDenied"}, "Blueprint template", "unknown", "cannot be read"),
    ],
)
def test_an_account_of_projects_is_checked_against_the_domains(
    settings: Settings, answers: dict[str, Any], name: str, state: str, text: str
) -> None:
    session: Any = Answers(**answers)
    check = checked(account_checks(session, settings.at(place(settings, RESEARCH))), name)
    assert check.state == state
    assert text in check.detail
    assert session.regions.get("datazone", "eu-central-1") == "eu-central-1", "the domain's region"


def allowing(*accounts: str) -> dict[str, Any]:
    return {
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": [f"arn:aws:iam::{each}:root" for each in accounts]}}]
    }


BOTH = ("222222222222", "333333333333")
READER = {
    "get_role": {"Role": {"Arn": "arn:aws:iam::111111111111:role/r", "AssumeRolePolicyDocument": allowing(*BOTH)}}
}


@pytest.mark.parametrize(
    ("answers", "name", "state", "text"),
    [
        ({**READER, "get_user_profile": {"status": "ACTIVATED"}}, "Reader role", "ok", "all 2 accounts"),
        ({**READER, "get_user_profile": {"status": "ASSIGNED"}}, "Reader role", "problem", "is ASSIGNED"),
        (
            {**READER, "get_user_profile": "ResourceNotFoundException"},
            "Reader role",
            "problem",
            "does not have a user profile",
        ),
        ({**READER, "get_user_profile": "AccessDeniedException"}, "Reader role", "unknown", "cannot be read"),
        ({"get_role": "NoSuchEntity"}, "Reader role", "problem", "there is no role studio-mlops-studio-reader"),
        (
            {"get_role": {"Role": {"Arn": "a", "AssumeRolePolicyDocument": allowing(BOTH[0])}}},
            "Reader role",
            "problem",
            "does not trust 333333333333",
        ),
        ({"get_bucket_policy": {"Policy": json.dumps(allowing(*BOTH))}}, "Blueprint bucket", "ok", "all 2 accounts"),
        ({"get_bucket_policy": {"Policy": json.dumps(allowing(BOTH[1]))}}, "Blueprint bucket", "problem", BOTH[0]),
        ({"get_bucket_policy": "NoSuchBucket"}, "Blueprint bucket", "problem", "there is no bucket"),
        (BLUEPRINT, "Blueprint", "ok", "is registered"),
        ({"list_environment_blueprints": {"items": []}}, "Blueprint", "problem", "has no blueprint"),
    ],
)
def test_the_domains_account_is_open_to_all_accounts(
    settings: Settings, answers: dict[str, Any], name: str, state: str, text: str
) -> None:
    session: Any = Answers(**answers)
    site = Site(settings.places[0], settings.at(settings.places[0]), session)
    check = checked(domain_checks(site), name)
    assert check.state == state
    assert text in check.detail


def test_in_one_account_nothing_is_added() -> None:
    assert account_checks(boto3.Session("x", "x", region_name="eu-west-1"), Settings()) == []


# -- prove --------------------------------------------------------------------------------------------------------


def test_a_proof_calls_the_domain_as_the_caller_and_the_rest_in_the_account(settings: Settings, sts: Sts) -> None:
    import argparse

    open_client, region, used = prove_command._in_account(argparse.Namespace(account="research"))
    assert (region, str(used.place)) == ("eu-west-1", RESEARCH)
    clients = [open_client("datazone"), open_client("servicecatalog")]
    keys = [client._request_signer._credentials.get_frozen_credentials().access_key for client in clients]
    assert [client.meta.region_name for client in clients] == ["eu-central-1", "eu-west-1"]
    assert keys == [OWN_KEY, "ASIA-222222222222-1"]


def test_all_are_proven_each_in_its_folder_and_one_that_fails_stops_none(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = list[tuple[str, str, str]]()

    def prove(options: Any, folder: Path) -> int:
        seen.append((options.account, options.profile, str(folder.relative_to(tmp_path))))
        if options.account == RESEARCH:
            raise AwsDenied(service="S", activity="a", message="m", permission="p")
        return 3 if options.account == HOME else 0

    monkeypatch.setattr(prove_command, "_prove", prove)
    assert main(["prove", "--account", "all", "--output", str(tmp_path)]) == 3
    assert seen == [(RESEARCH, "", RESEARCH), (HOME, "", HOME), (FURTHER, "Tabular", FURTHER)]
    assert "error: research/eu-west-1: S denied access" in capsys.readouterr().err


def test_what_passes_is_said_without_its_class() -> None:
    assert over_accounts.said(AwsThrottled(5, service="S3", activity="reading", code="SlowDown")).startswith("S3")
    assert accounts.ALL == "all"
