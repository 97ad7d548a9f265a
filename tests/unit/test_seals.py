"""Proofs under a secret, and the secrets that KMS makes: in memory, and by moto's KMS."""

from __future__ import annotations

import logging
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from custom_resources.clients import FunctionClients
from custom_resources.clients.seals import Seals
from custom_resources.errors import AwsDenied, AwsRefused, AwsThrottled
from custom_resources.seal import DIGITS, Seal
from custom_resources.telemetry import redacted
from tests.seals import ANOTHER, SEAL, KmsInMemory, seals_in_memory

FACTS = st.lists(st.text(max_size=5), max_size=4)


@given(FACTS, FACTS)
def test_a_proof_is_of_these_facts_and_no_others(facts: list[str], others: list[str]) -> None:
    proof = SEAL.of(*facts)
    assert len(proof) == DIGITS
    assert SEAL.proves(proof, *facts)
    assert not ANOTHER.proves(proof, *facts)
    assert SEAL.proves(proof, *others) == (facts == others)


@pytest.mark.parametrize("proof", ["", "x", "ä" * 40, "\udcff", "0" * 40])
def test_what_is_no_proof_proves_nothing(proof: str) -> None:
    assert not SEAL.proves(proof, "delivered")


def test_facts_that_are_not_unicode_can_be_proven() -> None:
    assert SEAL.proves(SEAL.of("ref \udcff"), "ref \udcff")


def test_a_seal_is_never_shown() -> None:
    assert repr(Seal(b"canary")) == "Seal()"


def test_each_seal_is_asked_for_once() -> None:
    kms = KmsInMemory()
    seals = seals_in_memory(kms)
    assert seals.of_repository(7) is seals.of_repository(7)
    first, second = seals.of_stack("arn:stack/s/1", "acme/r"), seals.of_stack("arn:stack/s/2", "acme/r")
    assert len({seals.of_repository(7), seals.of_repository(8), first, second}) == 4
    assert kms.asked == [
        "studio project template / repository 7",
        "studio project template / stack arn:stack/s/1 creates acme/r",
        "studio project template / stack arn:stack/s/2 creates acme/r",
        "studio project template / repository 8",
    ]


def test_a_function_that_lives_long_remembers_a_thousand() -> None:
    kms = KmsInMemory()
    seals = seals_in_memory(kms)
    for number in range(1001):
        seals.of_repository(number)
    assert len(seals._made) == 1
    assert seals.of_repository(0).of("x") == seals_in_memory().of_repository(0).of("x")


def test_another_key_proves_nothing() -> None:
    assert seals_in_memory(KmsInMemory(b"another")).of_repository(1) != SEAL


def test_a_secret_is_hidden_in_whatever_is_logged() -> None:
    secret = seals_in_memory().of_repository(4711).secret.hex()
    assert redacted(f"it is {secret}") == "it is (hidden)"


# -- KMS ---------------------------------------------------------------------------------------------------------------


@mock_aws
def test_kms_makes_the_secrets() -> None:
    client = boto3.client("kms", "eu-west-1")
    keys = [
        client.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["Arn"] for _ in range(2)
    ]
    seals, others = (Seals(client, key) for key in keys)
    assert len(seals.of_repository(7).secret) == 32
    assert seals.of_repository(7) == Seals(client, keys[0]).of_repository(7), "in whatever function, the same"
    assert seals.of_repository(7) != others.of_repository(7)


@mock_aws
def test_a_function_finds_the_key_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    client = boto3.client("kms")
    key = client.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["Arn"]
    made = FunctionClients({"SEAL_KEY": key}).seals.of_repository(7)
    assert made == Seals(client, key).of_repository(7)


def failing(code: str, status: int) -> Seals:
    """Return seals whose KMS answers with an error."""

    class Failing:
        def generate_mac(self, **_: Any) -> Any:
            answer: Any = {"Error": {"Code": code, "Message": "told"}, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise ClientError(answer, "GenerateMac")

    return Seals(Failing(), "key")


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("AccessDeniedException", 400, AwsDenied),
        ("KMSInvalidStateException", 400, AwsRefused),
        ("DisabledException", 400, AwsRefused),
        ("ThrottlingException", 400, AwsThrottled),
        ("KMSInternalException", 500, AwsThrottled),
        ("KeyUnavailableException", 500, AwsThrottled),
    ],
)
def test_what_kms_refuses_is_told_in_our_words(code: str, status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=r"KMS .*making the seal of the repository 7"):
        failing(code, status).of_repository(7)


def test_a_missing_permission_is_named() -> None:
    with pytest.raises(AwsDenied, match=r"Grant the caller kms:GenerateMac\."):
        failing("AccessDeniedException", 400).of_repository(7)


def test_no_logger_of_boto3_shows_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), mock_aws():
        client = boto3.client("kms", "eu-west-1")
        key = client.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["Arn"]
        secret = Seals(client, key).of_repository(7).secret
    assert secret.hex() not in caplog.text
