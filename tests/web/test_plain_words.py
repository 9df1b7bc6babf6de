"""What is wrong with a form is said by the names that stand on it, in the reader's language."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask.testing import FlaskClient

from tests.web.conftest import csrf_of

COURIER = {"extension": "2009", "name": "Oleg", "mobile": "8 916 123-45-67", "minutes_per_day": "many"}
WEEK = {"monday": "from nine"}


def _said(browser: FlaskClient, page: str, form: dict[str, str], language: str) -> str:
    """The notice that answers a form."""
    browser.set_cookie("language", language)
    answer = browser.post(page, data={"csrf_token": csrf_of(browser, page), **form})
    assert answer.status_code in (400, 422)
    notice = re.search(r'class="notice bad" role="alert">(.*?)</div>\s*</div>', answer.text, re.DOTALL)
    assert notice is not None
    return " ".join(unescape(re.sub("<[^>]+>", " ", notice[1])).split())


@pytest.mark.parametrize(
    ("page", "form", "language", "said"),
    [
        ("/shop/couriers/new", COURIER, "en", "be saved yet. “Minutes a day” must be a whole number, not text."),
        ("/shop/couriers/new", COURIER, "ru", "нельзя. «Минут в день»: ожидается целое число, получено: текст."),
        ("/shop/hours", WEEK, "en", "“Monday”: “from” must be hours like “09:00-18:00”."),
        ("/shop/hours", WEEK, "ru", "«Понедельник»: «from» — нужны часы вида «09:00-18:00»."),
        ("/orders", {"number": "55", "phone": "abc"}, "en", "The phone “abc” is no number that may be called."),
        ("/orders", {"number": "55", "phone": "abc"}, "ru", "Номер «abc»: на него нельзя звонить."),
        ("/contacts", {"name": "x" * 200, "phones": "+79031112233"}, "ru", "«Имя»: нужно от 0 до 100 знаков."),
    ],
)  # fmt: skip
def test_a_form_is_told_by_its_own_labels(
    owner: FlaskClient, page: str, form: dict[str, str], language: str, said: str
) -> None:
    notice = _said(owner, page, form, language)
    assert said in notice
    assert not re.search(r"shop\.toml|openapi|\[|:\d+:", notice)


def test_who_has_a_number_already_is_not_said_by_a_line_of_a_file(owner: FlaskClient) -> None:
    form = {"extension": "2009", "name": "Oleg", "mobile": "+79161234567"}
    assert "«+79161234567» (Мобильный) уже занято." in _said(owner, "/shop/couriers/new", form, "ru")


@pytest.mark.parametrize(
    ("asked", "page"),
    [
        ("/start/courier", "/start"),
        ("/contacts/k1/change", "/contacts/k1"),
    ],
)
def test_the_answer_of_a_form_opened_anew_leads_to_the_form(owner: FlaskClient, asked: str, page: str) -> None:
    answer = owner.get(asked)
    assert (answer.status_code, answer.location) == (302, page)
    assert owner.put(asked).status_code == 405


def test_whoever_edits_the_text_is_told_the_line(owner: FlaskClient) -> None:
    assert "shop.toml:2:" in _said(owner, "/shop", {"text": "wrong"}, "en")
