"""Which number a customer sees by a provider, and by which field a provider says who is called and who calls."""

from __future__ import annotations

import pytest

from gateway.sip.headers import NameAddress
from gateway.sip.uri import SipUri
from gateway.telephony.shop import Presents
from tests.fakes.sip_registrar import SHOP_USER
from tests.sip.test_trunk import CUSTOMER, NUMBER, dial, invite_lines, trunk

ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'
FIELDS = ("P-Asserted-Identity", "Remote-Party-ID", "Privacy")


@pytest.mark.parametrize(
    ("presents", "withheld", "sender", "shown"),
    [
        (Presents.BOTH, False, NUMBER, (NUMBER, None, None)),
        (Presents.FROM, False, NUMBER, (None, None, None)),
        (Presents.ASSERTED, False, SHOP_USER, (NUMBER, None, None)),
        (Presents.REMOTE_PARTY, False, SHOP_USER, (None, "off", None)),
        (Presents.BOTH, True, None, (NUMBER, None, "id")),
        (Presents.FROM, True, None, (NUMBER, None, "id")),
        (Presents.ASSERTED, True, None, (NUMBER, None, "id")),
        (Presents.REMOTE_PARTY, True, None, (None, "full", "id")),
    ],
)
async def test_the_number_is_presented_as_the_provider_wants_it(
    presents: Presents, withheld: bool, sender: str | None, shown: tuple[str | None, str | None, str | None]
) -> None:
    """RFC 3323, RFC 3325, draft-ietf-sip-privacy-04; B5: the shop's number, never another."""
    asserted, party, privacy = shown
    async with trunk(presents=presents, withholds_number=withheld) as (world, provider):
        leg = dial(world)
        invite = await provider.next_request("INVITE")
        at = provider.address
        bare = NameAddress(invite.sender.uri, invite.sender.display_name)
        assert str(bare) == (ANONYMOUS if sender is None else f"<sip:{sender}@{at}>")
        expected = {
            "P-Asserted-Identity": None if asserted is None else f"<sip:{asserted}@{at}>",
            "Remote-Party-ID": party and f"<sip:{NUMBER}@{at}>;party=calling;privacy={party};screen=yes",
            "Privacy": privacy,
        }
        assert {name: invite.headers.get(name) for name in FIELDS} == expected
        assert isinstance(invite.contacts[0].uri, SipUri)
        assert invite.contacts[0].uri.user == SHOP_USER
        leg.hangup()


@pytest.mark.parametrize("called", ["8 (495) 123-45-67", "74951234567", NUMBER, SHOP_USER])
async def test_the_called_number_may_stand_in_a_field_of_its_own(called: str) -> None:
    """RFC 7315 section 4.2; as every spelling of the Request-URI."""
    async with trunk() as (world, provider):
        user = called.replace(" ", "").replace("(", "").replace(")", "")
        lines = invite_lines(world, provider, "contact", extra=(f"P-Called-Party-ID: <sip:{user}@x>",))
        provider.send(lines, provider.media.offer(), world.server.addresses[0])
        await provider.next_response(100)
        assert (world.legs[0].called, world.legs[0].line) == (NUMBER, "provider")


@pytest.mark.parametrize(
    ("extra", "peer"),
    [
        ("Remote-Party-ID: <sip:+79161112233@x>;party=calling;privacy=off", "+79161112233"),
        ("Remote-Party-ID: <sip:+79161112233@x>;party=calling;privacy=full", ""),
        ("P-Asserted-Identity: <sip:+79161112233@x>, <tel:+79161119999>", "+79161112233"),
        ("P-Preferred-Identity: <sip:+79161112233@x>", CUSTOMER),
    ],
)
async def test_who_calls(extra: str, peer: str) -> None:
    async with trunk() as (world, provider):
        lines = invite_lines(world, provider, NUMBER, extra=(extra,))
        provider.send(lines, provider.media.offer(), world.server.addresses[0])
        await provider.next_response(100)
        assert world.legs[0].peer == peer
