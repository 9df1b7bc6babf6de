"""The table [replication] of gateway.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.settings import load_settings

WHOLE = """
[replication]
name = "North"
database = "postgresql://simbridge@db.example.net:5432/simbridge?sslmode=verify-full"
database_password_file = "secrets/database"
s3_endpoint = "https://s3.example.net"
s3_bucket = "sounds"
s3_access_key = "north"
s3_secret_key_file = "secrets/s3"
"""


def _load(directory: Path, text: str) -> str:
    file = directory / "gateway.toml"
    file.write_text('data_dir = "d"\n' + text)
    with pytest.raises(SettingsError) as raised:
        load_settings(file)
    return str(raised.value)


def test_files_are_meant_from_the_place_of_gateway_toml(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text('data_dir = "d"\n' + WHOLE)
    replication = load_settings(file).replication
    assert replication.is_on
    assert replication.database_password_file == str(tmp_path / "secrets/database")
    assert replication.s3_secret_key_file == str(tmp_path / "secrets/s3")
    file.write_text('data_dir = "d"\n')
    assert not load_settings(file).replication.is_on


@pytest.mark.parametrize(
    ("changed", "to", "problem"),
    [
        ('name = "North"\n', "", '"name"'),
        ("postgresql://", "mysql://", '"database" of [replication]'),
        ("simbridge@db", "simbridge:secret@db", "without a password"),
        ('s3_bucket = "sounds"\n', "", "all or none"),
        ('"sounds"', '"Sounds of ours"', '"s3_bucket" of [replication]'),
        ("https://s3", "s3://s3", '"s3_endpoint" of [replication]'),
        ("s3_bucket", "s3_bukket", "s3_bukket"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changed: str, to: str, problem: str) -> None:
    assert problem in _load(tmp_path, WHOLE.replace(changed, to))
