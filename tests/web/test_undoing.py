"""Changes of the shop are undone in the panel."""

from __future__ import annotations

from dataclasses import replace

from flask.testing import FlaskClient

from tests.fakes.exchange_view import SHOP
from tests.fakes.gateway_thread import GatewayThread
from tests.web.conftest import csrf_of


def test_a_change_is_undone(owner: FlaskClient, gateway: GatewayThread) -> None:
    where = "/shop/versions"
    assert "Nothing to undo" in owner.get(where).text
    gateway.shop_file.former = [replace(SHOP, name="Before"), replace(SHOP, name="Later")]
    page = owner.get(where).text
    assert page.count("Back to before this") == 2, "there is nothing before the first"
    assert 'action="/shop/versions/2/restore"' in page
    assert "anna" in page

    def undo(version: int) -> tuple[int, str]:
        token = csrf_of(owner, where)
        answer = owner.post(f"{where}/{version}/restore", data={"csrf_token": token}, follow_redirects=True)
        return answer.status_code, answer.text

    status, page = undo(1)
    assert (status, "again as it was" in page) == (200, True)
    assert gateway.shop_file.shop.name == "Before"
    assert gateway.shop_file.imported_by == ["anna"]
    assert undo(7)[0] == 404
    assert owner.get("/shop/versions/x/restore").status_code == 404
