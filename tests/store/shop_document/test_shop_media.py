"""What the owner says of codecs and sealed media, as the file has it."""

from __future__ import annotations

import pytest

from gateway.audio.codec import Codec
from gateway.errors import SettingsError
from gateway.store.shop_document.shop_file import read_shop, read_shop_with_notes, write_shop
from gateway.telephony.shop import Srtp

PHONE = '[[phones]]\nextension = "101"\npassword = "abcdefgh"\n'
TRUNK = '[[trunks]]\nname = "provider"\nhost = "sip.example.net"\n'


def test_codecs_and_srtp_are_read_and_written() -> None:
    text = PHONE + 'codecs = ["g722", "opus", "pcma"]\nsrtp = "preferred"\n' + TRUNK + 'codecs = ["pcmu"]\n'
    shop = read_shop(text)
    assert shop.phones[0].codecs == (Codec.G722, Codec.OPUS, Codec.PCMA)
    assert shop.phones[0].srtp is Srtp.PREFERRED
    assert shop.trunks[0].codecs == (Codec.PCMU,)
    assert shop.trunks[0].srtp is Srtp.OFF
    assert read_shop(write_shop(shop, with_secrets=True)) == shop


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('codecs = ["g722", "pcma", "g722"]', "names a codec twice"),
        ('codecs = ["g729"]', "g729"),
        ('codecs = "pcma"', "must be a list"),
        ('srtp = "on"', '"on"'),
    ],
)
def test_what_cannot_be_meant_is_said(line: str, words: str) -> None:
    for table in (PHONE, TRUNK):
        with pytest.raises(SettingsError, match=words):
            read_shop(table + line + "\n")


def test_keys_without_tls_are_warned_of() -> None:
    notes = read_shop_with_notes(PHONE + 'srtp = "required"\n' + TRUNK + 'srtp = "preferred"\n').notes
    assert ['phone "101"' in notes[0], 'trunk "provider"' in notes[1], len(notes)] == [True, True, 2]
    assert read_shop_with_notes(TRUNK + 'srtp = "required"\ntransport = "tls"\n').notes == ()
