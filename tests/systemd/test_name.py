"""The name simbridge.local, with a stand-in for avahi-publish that says what the real one says."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from gateway.announce import announce


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    return tmp_path / "asked"


def publisher(tmp_path: Path, asked: Path, then: str) -> str:
    """A program that writes down what it was asked, and then does `then`, in words of sh."""
    program = tmp_path / "avahi-publish"
    program.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n{then}\n')
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize("words", ["Host name conflict", "Failed to add address: Local name collision"])
def test_a_name_that_is_taken_is_left_to_who_has_it(tmp_path: Path, asked: Path, words: str) -> None:
    program = publisher(tmp_path, asked, f"echo '{words}' >&2; exit 1")
    assert announce(program=program, addresses=lambda: ["fd00::5", "192.168.1.5"]) == 0
    assert asked.read_text() == "--address --no-reverse simbridge.local 192.168.1.5\n"


def test_where_avahi_does_not_run_it_is_tried_again_by_systemd(tmp_path: Path, asked: Path) -> None:
    program = publisher(tmp_path, asked, "echo 'Failed to create client object: Daemon not running' >&2; exit 1")
    assert announce(program=program, addresses=lambda: ["192.168.1.5"]) == 1


def test_the_name_follows_the_address(tmp_path: Path, asked: Path) -> None:
    then = "case $4 in 192.168.1.9) echo 'Host name conflict' >&2; exit 1;; *) exec sleep 60;; esac"
    seen = itertools.chain([["192.168.1.5"]] * 3, itertools.repeat(["192.168.1.9"]))
    program = publisher(tmp_path, asked, then)
    assert announce(program=program, addresses=lambda: next(seen), look_seconds=0.2) == 0
    assert [line.split()[-1] for line in asked.read_text().splitlines()] == ["192.168.1.5", "192.168.1.9"]
