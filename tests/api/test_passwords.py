"""Passwords that are refused, and those that are not."""

from __future__ import annotations

import pytest

from gateway.api.passwords import check_password
from gateway.api.problems import WeakPassword


@pytest.mark.parametrize(
    "password",
    [
        "", "short", "ninechars", "1234567890", "0987654321", "1111111111", "abababababab", "abcabcabcabc",
        "password12", "Password123!", "P@ssw0rd123", "passwordpassword", "qwertyuiop", "qwerty1234", "йцукенгшщз",
        "asdfghjkl1", "1q2w3e4r5t", "qazwsxedc123", "iloveyou123", "simbridge123", "admin12345", "letmein2026",
        "annabel123", "привет12345", "Наташа2020", "24.12.1985", "8916000000", "x" * 300, "abcdefghij", "пароль12345",
    ],
)  # fmt: skip
def test_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        check_password(password, name="Annabel")


@pytest.mark.parametrize(
    "password",
    [
        "three unlikely words",
        "correct horse battery",
        "кошка пьёт керосин",
        "T7#kd9!wQz",
        "mycatisgreen44",
        "annabel's red bus",
    ],
)
def test_taken(password: str) -> None:
    check_password(password, name="Annabel")
