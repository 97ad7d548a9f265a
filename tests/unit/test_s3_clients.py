"""What S3 and Secrets Manager are asked, and what is made of each answer and refusal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from custom_resources.clients import secrets as secrets_client
from custom_resources.clients.archives import Archives
from custom_resources.clients.blueprint_templates import BlueprintTemplates
from custom_resources.clients.project_files import ProjectFiles
from custom_resources.clients.secrets import GitHubCredentials, Secrets
from custom_resources.errors import (
    ArchiveMissing,
    AssetMissing,
    AwsDenied,
    AwsThrottled,
    InvalidTemplate,
    SecretKeyMissing,
    SecretUnreadable,
    SecretWithoutCredentials,
    SecretWithoutToken,
    TemplateAltered,
    TemplateAssetMissing,
)
from custom_resources.project_file import NOTE
from custom_resources.template_content import TemplateFile, archive_name, build_archive

CONTENT = build_archive([TemplateFile("regression/model_build/run.py", b"print()\n", True)])
NAME = archive_name(CONTENT)
Answer = Callable[..., Any]


def refuse(code: str, operation: str = "Operation", status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "No."}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


class Body:
    """The body of an answer; `limits` are the bytes that were asked for."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.limits: list[int | None] = []

    def read(self, amount: int | None = None) -> bytes:
        self.limits.append(amount)
        return self.content[:amount]


class S3:
    """Buckets in memory, as far as these clients use them; `fails` are the errors of operations, each once."""

    def __init__(self, **kept: bytes) -> None:
        self.kept: dict[tuple[str, str], bytes] = {("assets", key): content for key, content in kept.items()}
        self.asked: list[tuple[Any, ...]] = []
        self.places: list[Path] = []
        self.fails: dict[str, list[ClientError]] = {}
        self.bodies: list[Body] = []

    def _begin(self, operation: str, *given: Any) -> None:
        self.asked.append((operation, *given))
        if self.fails.get(operation):
            raise self.fails[operation].pop(0)

    def download_file(self, bucket: str, key: str, path: str) -> None:
        self._begin("download", bucket, key)
        self.places.append(Path(path))
        if (bucket, key) not in self.kept:
            raise refuse("404", "HeadObject", 404)
        Path(path).write_bytes(self.kept[bucket, key])

    def upload_file(self, path: str, bucket: str, key: str) -> None:
        self._begin("upload", bucket, key)
        self.places.append(Path(path))
        self.kept[bucket, key] = Path(path).read_bytes()

    def head_object(self, **given: str) -> None:
        self._begin("head", given)
        if (given["Bucket"], given["Key"]) not in self.kept:
            raise refuse("404", "HeadObject", 404)

    def get_object(self, **given: str) -> dict[str, Any]:
        self._begin("get", given)
        if (given["Bucket"], given["Key"]) not in self.kept:
            raise refuse("NoSuchKey", "GetObject", 404)
        self.bodies.append(Body(self.kept[given["Bucket"], given["Key"]]))
        return {"Body": self.bodies[-1], "ETag": '"tag"'}

    def put_object(self, **given: Any) -> None:
        self._begin("put", given)
        self.kept[given["Bucket"], given["Key"]] = given["Body"]


def denied(activity: str, permission: str) -> dict[str, str]:
    return {"service": "S3", "activity": activity, "message": "No", "permission": permission}


# -- archives --------------------------------------------------------------------------------------------------------


def archives(s3: S3) -> Archives:
    client: Any = s3
    return Archives(client, "archives")


def test_an_archive_is_read_from_its_bucket_and_nothing_of_it_stays_on_disk() -> None:
    s3 = S3()
    s3.kept["archives", NAME] = CONTENT
    with archives(s3).open(NAME) as archive:
        assert archive.folder("regression/model_build") == [TemplateFile("run.py", b"print()\n", True)]
        (place,) = s3.places
        assert place.read_bytes() == CONTENT
        assert place.parent.name.startswith("template-")
    assert not place.parent.exists()
    assert s3.asked == [("download", "archives", NAME)]


@pytest.mark.parametrize("code", ["404", "NoSuchBucket", "403", "AccessDenied"])
def test_an_archive_or_an_asset_that_cannot_be_read_is_missing(code: str) -> None:
    s3 = S3()
    s3.fails = {"download": [refuse(code), refuse(code)]}
    with pytest.raises(ArchiveMissing) as missing, archives(s3).open(NAME):
        pass
    assert missing.value.holes == {"archive": NAME, "bucket": "archives"}
    with pytest.raises(AssetMissing) as asset:
        archives(s3).copy_in("assets", "asset.zip", NAME)
    assert asset.value.holes == {"asset": "asset.zip", "bucket": "assets"}
    assert s3.asked == [("download", "archives", NAME), ("download", "assets", "asset.zip")]
    assert s3.kept == {}


def test_an_archive_that_is_not_what_its_name_says_is_neither_opened_nor_copied() -> None:
    s3 = S3(asset=CONTENT)
    other = f"{'0' * 64}.zip"
    s3.kept["archives", other] = CONTENT
    with pytest.raises(InvalidTemplate), archives(s3).open(other):
        pass
    with pytest.raises(InvalidTemplate):
        archives(s3).copy_in("assets", "asset", other)
    assert [each[0] for each in s3.asked] == ["download", "download"]


def test_an_asset_is_copied_under_its_name() -> None:
    s3 = S3(asset=CONTENT)
    archives(s3).copy_in("assets", "asset", NAME)
    assert s3.asked == [("download", "assets", "asset"), ("upload", "archives", NAME)]
    assert s3.kept["archives", NAME] == CONTENT
    assert {place.parent.name[:9] for place in s3.places} == {"template-"}
    assert not any(place.parent.exists() for place in s3.places)


def test_the_archives_waits_and_refusals_say_what_was_being_done() -> None:
    s3 = S3(asset=CONTENT)
    s3.fails = {
        "download": [refuse("SlowDown"), refuse("SlowDown")],
        "upload": [refuse("AccessDenied", "PutObject")],
        "head": [refuse("403", "HeadObject")],
    }
    ours = archives(s3)
    with pytest.raises(AwsThrottled) as slow, ours.open(NAME):
        pass
    assert slow.value.holes["activity"] == f"reading {NAME} from the bucket archives"
    with pytest.raises(AwsThrottled) as slow:
        ours.copy_in("assets", "asset", NAME)
    assert slow.value.holes["activity"] == "reading asset from the bucket assets"
    with pytest.raises(AwsDenied) as not_you:
        ours.copy_in("assets", "asset", NAME)
    assert not_you.value.holes == denied(f"writing the template archive {NAME}", "s3:PutObject")
    with pytest.raises(AwsDenied) as not_you:
        ours.has(NAME)
    assert not_you.value.holes == denied(f"looking up the template archive {NAME}", "s3:GetObject")


def test_a_bucket_has_what_is_in_it() -> None:
    s3 = S3()
    client: Any = s3
    s3.kept["ours", "a"] = b""
    assert [Archives(client, "ours").has(key) for key in "ab"] == [True, False]
    assert [BlueprintTemplates(client, "ours").has(key) for key in "ab"] == [True, False]
    assert s3.asked == [("head", {"Bucket": "ours", "Key": key}) for key in "abab"]


# -- the blueprint's template ----------------------------------------------------------------------------------------

TEMPLATE = b'{"Resources": {}}'
KEY = f"{hashlib.sha256(TEMPLATE).hexdigest()}.json"


def templates(s3: S3) -> BlueprintTemplates:
    client: Any = s3
    return BlueprintTemplates(client, "ours")


def test_a_template_is_copied_in_as_json_under_its_own_name() -> None:
    s3 = S3()
    s3.kept["assets", KEY] = TEMPLATE
    templates(s3).copy_in("assets", KEY)
    written = {"Bucket": "ours", "Key": KEY, "Body": TEMPLATE, "ContentType": "application/json"}
    assert s3.asked == [("get", {"Bucket": "assets", "Key": KEY}), ("put", written)]


def test_a_template_that_was_altered_is_not_copied() -> None:
    s3 = S3()
    s3.kept["assets", KEY] = TEMPLATE + b" "
    with pytest.raises(TemplateAltered) as altered:
        templates(s3).copy_in("assets", KEY)
    assert altered.value.holes == {"asset": KEY, "bucket": "assets"}
    assert [each[0] for each in s3.asked] == ["get"]


@pytest.mark.parametrize("code", ["NoSuchKey", "AccessDenied"])
def test_a_template_that_cannot_be_read_is_missing(code: str) -> None:
    s3 = S3()
    s3.fails = {"get": [refuse(code)]}
    with pytest.raises(TemplateAssetMissing) as missing:
        templates(s3).copy_in("assets", KEY)
    assert missing.value.holes == {"asset": KEY, "bucket": "assets"}


def test_a_templates_refusals_say_what_was_being_done() -> None:
    s3 = S3()
    s3.kept["assets", KEY] = TEMPLATE
    s3.fails = {
        "get": [refuse("SlowDown")],
        "put": [refuse("AccessDenied", "PutObject")],
        "head": [refuse("403", "HeadObject")],
    }
    with pytest.raises(AwsThrottled) as slow:
        templates(s3).copy_in("assets", KEY)
    assert slow.value.holes["activity"] == f"reading {KEY} from the bucket assets"
    with pytest.raises(AwsDenied) as not_you:
        templates(s3).copy_in("assets", KEY)
    assert not_you.value.holes == denied(f"writing the blueprint's template {KEY}", "s3:PutObject")
    with pytest.raises(AwsDenied) as not_you:
        templates(s3).has(KEY)
    assert not_you.value.holes == denied(f"looking up the blueprint's template {KEY}", "s3:GetObject")


# -- project.json ----------------------------------------------------------------------------------------------------

OURS = json.dumps({"NOTE": NOTE, "REGION": "old"}).encode()
NEW = json.dumps({"NOTE": NOTE, "REGION": "new"}).encode()
GET = ("get", {"Bucket": "b", "Key": "k", "ExpectedBucketOwner": "1"})


class Logged:
    """What is logged: its level, sentence and fields."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
        self.told: list[tuple[str, str, dict[str, Any]]] = []
        monkeypatch.setattr(where, self)

    def info(self, sentence: str, **fields: Any) -> None:
        self.told.append(("info", sentence, fields))

    def warning(self, sentence: str, **fields: Any) -> None:
        self.told.append(("warning", sentence, fields))


def put(**condition: str) -> tuple[str, dict[str, Any]]:
    given = {"Bucket": "b", "Key": "k", "Body": NEW, "ContentType": "application/json", "ExpectedBucketOwner": "1"}
    return "put", {**given, **condition}


@pytest.mark.parametrize(
    ("there", "puts", "outcome", "asked"),
    [
        (None, [], "written", [put(IfNoneMatch="*")]),
        (OURS, ["PreconditionFailed"], "written", [put(IfNoneMatch="*"), GET, put(IfMatch='"tag"')]),
        (NEW, ["PreconditionFailed"], "unchanged", [put(IfNoneMatch="*"), GET]),
        (b"{}", ["PreconditionFailed"], "somebody else's", [put(IfNoneMatch="*"), GET]),
        (OURS, ["PreconditionFailed"] * 2, "somebody else's", [put(IfNoneMatch="*"), GET, put(IfMatch='"tag"')]),
        (None, ["AccessDenied"], "refused", [put(IfNoneMatch="*")]),
        (None, ["NoSuchBucket"], "refused", [put(IfNoneMatch="*")]),
        (None, ["ConflictException"], "refused", [put(IfNoneMatch="*")]),
        (None, ["Strange"], "refused", [put(IfNoneMatch="*")]),
        (None, ["PreconditionFailed"], "refused", [put(IfNoneMatch="*"), GET]),
        (OURS, ["PreconditionFailed", "Strange"], "refused", [put(IfNoneMatch="*"), GET, put(IfMatch='"tag"')]),
    ],
)
def test_a_projects_file_is_written_over_an_earlier_launchs_only(
    monkeypatch: pytest.MonkeyPatch,
    there: bytes | None,
    puts: list[str],
    outcome: str,
    asked: list[Any],
) -> None:
    logged = Logged(monkeypatch, "custom_resources.clients.project_files.logger")
    s3 = S3()
    if there is not None:
        s3.kept["b", "k"] = there
    s3.fails = {"put": [refuse(code, "PutObject") for code in puts]}
    client: Any = s3
    assert ProjectFiles(client).write("b", "k", NEW, "1") == outcome
    assert s3.asked == asked
    assert [body.limits for body in s3.bodies] == [[64 * 1024]] * len(s3.bodies)
    if outcome == "refused":
        ((level, sentence, fields),) = logged.told
        assert (level, sentence) == ("warning", "project.json is not written; the launch goes on without it")
        doing = "reading k from the bucket b" if asked[-1] == GET else "writing k to the bucket b"
        assert doing in fields.pop("why")
        assert fields == {}
    elif outcome == "somebody else's" and len(puts) == 1:
        said = "project.json is somebody else's; it stays as it is"
        assert logged.told == [("info", said, {"bucket": "b", "key": "k"})]
    else:
        assert logged.told == []


def test_a_bucket_that_is_busy_is_waited_for() -> None:
    s3 = S3()
    s3.fails = {"put": [refuse("SlowDown")]}
    client: Any = s3
    with pytest.raises(AwsThrottled) as slow:
        ProjectFiles(client).write("b", "k", NEW, "1")
    assert slow.value.holes == {"service": "S3", "activity": "writing k to the bucket b", "code": "SlowDown"}


# -- secrets ---------------------------------------------------------------------------------------------------------


class Vault:
    """Secrets Manager with one secret, or an error; None: a secret without a text."""

    def __init__(self, text: str | ClientError | None) -> None:
        self.text = text
        self.asked: list[dict[str, str]] = []

    def get_secret_value(self, **given: str) -> dict[str, str]:
        self.asked.append(given)
        if isinstance(self.text, ClientError):
            raise self.text
        return {} if self.text is None else {"SecretString": self.text}


@pytest.fixture(autouse=True)
def concealed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(secrets_client, "conceal", lambda *values: found.extend(values))
    return found


def secret(text: str | ClientError | None) -> tuple[Vault, Secrets]:
    vault: Any = Vault(text)
    return vault, Secrets(vault)


@pytest.mark.parametrize(
    ("text", "reference", "value", "hidden"),
    [
        ("hush", "name", "hush", ["hush"]),
        (None, "name", "", [""]),
        ('{"a": "hush"}', "name#a", "hush", ['{"a": "hush"}', "hush"]),
        ('{"a#b": 5}', "name#a#b", "5", ['{"a#b": 5}', "5"]),
        ("hush", "name#", "hush", ["hush"]),
    ],
)
def test_a_secrets_value_is_all_of_it_or_one_key_and_is_in_no_log(
    concealed: list[str], text: str | None, reference: str, value: str, hidden: list[str]
) -> None:
    vault, secrets = secret(text)
    assert secrets.value(reference) == value
    assert vault.asked == [{"SecretId": "name"}]
    assert concealed == hidden


@pytest.mark.parametrize("text", ["no JSON", "[1]", '"a"', "{}", "5", None])
def test_a_key_that_a_secret_does_not_have_is_said(text: str | None) -> None:
    with pytest.raises(SecretKeyMissing) as missing:
        secret(text)[1].value("name#a")
    assert missing.value.holes == {"secret": "name", "key": "a"}
    assert missing.value.__cause__ is None
    assert missing.value.__suppress_context__


def test_a_secret_that_is_not_there_and_one_that_may_not_be_read() -> None:
    with pytest.raises(SecretUnreadable) as missing:
        secret(refuse("ResourceNotFoundException"))[1].value("name#a")
    assert missing.value.holes == {"secret": "name"}
    with pytest.raises(AwsDenied) as not_you:
        secret(refuse("AccessDeniedException", "GetSecretValue"))[1].value("name#a")
    told = denied("reading the secret name", "secretsmanager:GetSecretValue")
    assert not_you.value.holes == {**told, "service": "Secrets Manager"}


APP = {"app_id": 12, "installation_id": "34", "private_key": " key\n"}


@pytest.mark.parametrize(
    ("text", "found", "hidden"),
    [
        (" ghp_abc\n", GitHubCredentials(token="ghp_abc"), []),
        ('{"token": " ghp_abc "}', GitHubCredentials(token="ghp_abc"), ["ghp_abc"]),
        ('{"token": 5}', GitHubCredentials(token="5"), ["5"]),
        (json.dumps(APP), GitHubCredentials("", "12", 34, " key\n"), ["key"]),
        (json.dumps({**APP, "token": ""}), GitHubCredentials("", "12", 34, " key\n"), ["key"]),
        (json.dumps({**APP, "token": "t"}), GitHubCredentials("t"), ["t", "key"]),
    ],
)
def test_githubs_credentials_are_a_token_or_an_apps(
    concealed: list[str], text: str, found: GitHubCredentials, hidden: list[str]
) -> None:
    vault, secrets = secret(text)
    assert secrets.github_credentials("github") == found
    assert vault.asked == [{"SecretId": "github"}]
    assert concealed == [text, *hidden]


@pytest.mark.parametrize("text", ["", " \n", "two words", "a\x00b", "a\x7fb", None])
def test_what_is_no_token_is_said_to_be_none(text: str | None) -> None:
    with pytest.raises(SecretWithoutToken) as without:
        secret(text)[1].github_credentials("github")
    assert without.value.holes == {"secret": "github"}


@pytest.mark.parametrize(
    "fields",
    [
        "{",
        "{}",
        '{"token": ""}',
        '{"app_id": 1, "private_key": "key", "installation_id": null}',
        '{"app_id": 1, "private_key": "key", "installation_id": "not a number"}',
    ],
)
def test_json_without_credentials_is_said_to_have_none(fields: str) -> None:
    with pytest.raises(SecretWithoutCredentials) as without:
        secret(fields)[1].github_credentials("github")
    assert without.value.holes == {"secret": "github"}
    assert without.value.__suppress_context__


@pytest.mark.parametrize("key", APP)
def test_each_of_an_apps_fields_is_needed(key: str) -> None:
    fields = {name: value for name, value in APP.items() if name != key}
    with pytest.raises(SecretWithoutCredentials):
        secret(json.dumps(fields))[1].github_credentials("github")


def test_credentials_show_their_kind_only() -> None:
    assert repr(GitHubCredentials("hush")) == "GitHubCredentials(token)"
    assert repr(GitHubCredentials("", "12", 34, "hush")) == "GitHubCredentials(App 12)"
    assert vars(GitHubCredentials()) == {"token": "", "app_id": "", "installation_id": 0, "private_key": ""}
