"""The material of HMAC keys outlives MiniStack's process, and no two keys of one process share it."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from standins.aws.kept_keys import KeptMaterial, _keeping


def test_the_first_key_of_the_next_process_is_the_last_one_of_this(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    process = KeptMaterial(file)
    assert process.of("seals", b"1" * 32) == b"1" * 32
    assert process.of("seals", b"2" * 32) == b"2" * 32, "a second key is another"
    assert process.of("other", b"3" * 32) == b"3" * 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["keys.json"]

    later = KeptMaterial(file)
    assert later.of("seals", b"4" * 32) == b"2" * 32
    assert later.of("other", b"5" * 32) == b"3" * 32
    assert later.of("other", b"6" * 32) == b"6" * 32


def test_material_of_another_length_is_another_keys(tmp_path: Path) -> None:
    KeptMaterial(tmp_path / "keys.json").of("seals", b"1" * 32)
    assert KeptMaterial(tmp_path / "keys.json").of("seals", b"2" * 64) == b"2" * 64


def test_a_process_that_was_killed_while_it_wrote_hinders_nobody(tmp_path: Path) -> None:
    (tmp_path / "keys.new").write_text("{", encoding="utf-8")
    assert KeptMaterial(tmp_path / "keys.json").of("seals", b"1" * 32) == b"1" * 32
    assert KeptMaterial(tmp_path / "keys.json").of("seals", b"2" * 32) == b"1" * 32


@pytest.mark.parametrize("spec", ["HMAC_256", "SYMMETRIC_DEFAULT"])
def test_accounts_and_regions_have_keys_of_their_own(tmp_path: Path, spec: str) -> None:
    keys: dict[str, dict[str, Any]] = {}

    def create(data: dict[str, str]) -> tuple[int, dict[str, str], str]:
        name = str(len(keys))
        keys[name] = {"Arn": f"arn:aws:kms:{data['place']}:key/{name}", "KeySpec": spec, "Description": "seals"}
        keys[name] |= {"_hmac_key": name.encode() * 32} if spec == "HMAC_256" else {"_symmetric_key": b"s"}
        return 200, {}, json.dumps({"KeyMetadata": {"KeyId": name}})

    for _ in range(2):
        made = _keeping(create, keys.__getitem__, KeptMaterial(tmp_path / "keys.json"))
        made({"place": "eu-west-1:111122223333"})
        made({"place": "us-east-1:111122223333"})
    found = [keys[name].get("_hmac_key") for name in "0123"]
    expected = [b"0" * 32, b"1" * 32, b"0" * 32, b"1" * 32] if spec == "HMAC_256" else [None] * 4
    assert found == expected


def test_a_key_that_is_refused_is_none(tmp_path: Path) -> None:
    refused: tuple[int, dict[str, str], str] = (400, {}, json.dumps({"message": "no"}))
    made = _keeping(lambda data: refused, {}.__getitem__, KeptMaterial(tmp_path / "keys.json"))
    assert made({}) == refused
    assert not (tmp_path / "keys.json").exists()
