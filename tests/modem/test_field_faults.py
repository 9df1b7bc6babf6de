"""The forty faults that users of such modems report, each with the code that answers it and a test that shows it.

`FAULTS` names, by number, the code and the test; that both exist is a test of its own. Faults whose test is not
in this file are shown where their part is tested. All of it on emulated modems or fakes: none was seen on
hardware by us.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from gateway.audio.frame import frame_from_bytes
from gateway.events import AlertRaised, Event
from gateway.modem.dialect import call_row
from gateway.modem.dialects import choose_dialect
from gateway.modem.dialects.huawei import Huawei
from gateway.modem.dialects.quectel import Quectel
from gateway.modem.dialects.simcom import Simcom
from gateway.modem.gsm_leg import GsmLeg, KeySource
from gateway.modem.known_firmware import firmware_note
from gateway.modem.reports import Stage
from gateway.modem.voice.frame_cutter import FrameCutter
from gateway.modem.voice_health import MODEM_SILENT, VoiceHealth
from gateway.telephony.leg import Direction
from tests.fakes.legs import FakePort

TESTS = Path(__file__).parent.parent


@dataclass(frozen=True)
class Answer:
    """What answers a fault: `code` is a module of gateway and perhaps a name in it; `test` is a file and a function."""

    fault: str
    code: str
    test: str


_HERE = "modem/test_field_faults.py::"
_ON = "modem/test_field_faults_live.py::"
FAULTS: dict[int, Answer] = {
    1: Answer("noise by swapped bytes", "audio.frame:frame_from_bytes", _HERE + "test_samples_are_little_endian"),
    2: Answer("one-way audio", "modem.voice_health:VoiceHealth", _ON + "test_a_silent_modem_is_told_in_seconds"),
    3: Answer("one-way audio that was the phone's side", "modem.check:Check",
              "modem/test_trial.py::test_a_bad_stick_is_told_apart"),
    4: Answer("a burst of old sound", "modem.call_voice:CallVoice", _ON + "test_nothing_of_the_last_call_is_heard"),
    5: Answer("sound dies when a key is pressed", "modem.gsm_leg:GsmLeg", _HERE + "test_keys_leave_the_sound_alone"),
    6: Answer("noise by an odd byte", "modem.voice.frame_cutter:FrameCutter",
              "modem/test_voice.py::test_a_lost_or_surplus_byte_costs_one_frame"),
    7: Answer("levels and jitter", "modem.call_voice:CallVoice",
              _ON + "test_levels_keys_and_number_as_the_owner_wants"),
    8: Answer("needs a restart of the daemon", "modem.supervisor:ModemSupervisor",
              "modem/test_service.py::test_the_ladder_of_recovery"),
    9: Answer("no answer to AT: another owner", "modem.port_owner:owner_of",
              "modem/test_fleet_faults.py::test_a_port_that_somebody_else_holds"),
    10: Answer("another ttyUSB after a reset", "modem.discovery",
               "modem/test_discovery_fleet.py::test_a_stick_becomes_a_line_and_comes_back_in_another_socket"),
    11: Answer("vanishes from the hub", "modem.modem:ModemState",
               "modem/test_fleet_faults.py::test_unplugged_at_any_moment"),
    12: Answer("silent retries for hours", "modem.modem:Modem", _ON + "test_an_offline_line_refuses_at_once"),
    13: Answer("healed once only", "modem.supervisor:ModemSupervisor", _ON + "test_unplugged_again_and_again"),
    14: Answer("stuck while dialling", "modem.gsm_call:GsmCall",
               "modem/test_service.py::test_every_state_of_a_dial_has_a_deadline"),
    15: Answer("call waiting confuses", "modem.dialect:COMMON_INIT", _ON + "test_a_waiting_call_confuses_nobody"),
    16: Answer("busy for the operator, free for us", "modem.check:Check",
               "modem/test_trial.py::test_a_bad_stick_is_told_apart"),
    17: Answer("CNUM is refused", "modem.sim:SimDoor", _ON + "test_refused_comforts_stop_nothing"),
    18: Answer("the SIM is full", "modem.messages:SimMessages", "modem/test_fleet_faults.py::test_sms_of_every_kind"),
    19: Answer("SMS wait for the mail", "modem.messages:SimMessages",
               "modem/test_fleet_faults.py::test_sms_stay_on_the_sim_while_they_cannot_be_kept"),
    20: Answer("an unreadable SMS blocks the SIM", "modem.messages:SimMessages",
               "modem/test_fleet_faults.py::test_sms_of_every_kind"),
    21: Answer("SMS work blocks calls", "modem.channel:Priority",
               "modem/test_channel.py::test_calls_go_before_everything_that_waits"),
    22: Answer("CMTI names another storage, or index -1", "modem.dialect:ModemDialect",
               _HERE + "test_the_storage_of_a_message_counts_not_its_index"),
    23: Answer("the database after a reboot", "store.store",
               "store/test_database.py::test_the_file_is_durable_and_private"),
    24: Answer("CLIP and CLCC at once", "modem.gsm_call:GsmCall", _ON + "test_one_ring_however_it_is_told"),
    25: Answer("no news of the end", "modem.gsm_call:GsmCall", _ON + "test_an_end_without_a_word_is_found"),
    26: Answer("ATH does not hang up", "modem.dialects.simcom:Simcom", _HERE + "test_hang_up_is_chup"),
    27: Answer("CPCMREG in each call", "modem.dialects.simcom:Simcom",
               "modem/test_transcripts.py::test_story"),
    28: Answer("good first, bad later", "modem.voice_health:VoiceHealth",
               _ON + "test_a_voice_that_went_bad_is_mended_when_idle"),
    29: Answer("one direction mute on some firmwares", "modem.known_firmware:firmware_note",
               _HERE + "test_firmwares_with_a_name"),
    30: Answer("640 bytes in 40 ms", "modem.dialects.simcom:Simcom", _HERE + "test_blocks_by_family"),
    31: Answer("muffled, clipped", "modem.dialects.simcom:Simcom",
               _ON + "test_levels_keys_and_number_as_the_owner_wants"),
    32: Answer("16 kHz that is none", "modem.dialects.simcom:Simcom", _HERE + "test_no_wideband_is_promised"),
    33: Answer("one-way as a sound card", "modem.voice.choice:voice_device",
               "modem/test_transcripts.py::test_story"),
    34: Answer("the card refuses", "modem.voice.alsa_uac:AlsaVoice",
               "modem/test_sound_card.py::test_wrong_parameters_are_one_sentence"),
    35: Answer("a firmware without sound card", "modem.dialects.quectel:Quectel",
               _HERE + "test_who_can_be_a_sound_card"),
    36: Answer("seconds of delay", "audio.playout:Playout",
               "audio/test_playout.py::test_whatever_comes_the_buffer_stays_within_its_bounds"),
    37: Answer("no ccinfo, deaf after QHUP", "modem.dialects.quectel:Quectel", _HERE + "test_hang_up_is_chup"),
    38: Answer("keys that nobody hears", "modem.gsm_call:GsmCall",
               _ON + "test_levels_keys_and_number_as_the_owner_wants"),
    39: Answer("VoLTE call ends at once", "modem.known_firmware:firmware_note", _HERE + "test_released_is_failed"),
    40: Answer("VoLTE or nothing", "modem.check:Check", _HERE + "test_the_state_of_ims_is_asked"),
}  # fmt: skip


def test_every_fault_has_code_and_a_test() -> None:
    assert sorted(FAULTS) == list(range(1, 41))
    for number, answer in FAULTS.items():
        module, _, name = answer.code.partition(":")
        assert not name or hasattr(importlib.import_module(f"gateway.{module}"), name), (number, answer)
        path, _, function = answer.test.partition("::")
        assert re.search(rf"def {function}\(", (TESTS / path).read_text(encoding="utf-8")), (number, answer)


def test_samples_are_little_endian() -> None:
    assert frame_from_bytes(b"\x34\x12" * 160)[0] == 0x1234
    assert FrameCutter().feed(b"\x01\x00" * 160, 1.0)[0].tolist() == [1] * 160


async def test_keys_leave_the_sound_alone() -> None:
    """And a key that both the modem and our detector tell of counts once, also twice the same in a row."""
    port = FakePort()
    leg = GsmLeg(direction=Direction.INCOMING, peer="", called="", port=port, line="red")
    passed: list[np.ndarray[tuple[int], np.dtype[np.int16]]] = []
    leg.listen_for_keys()
    port.listen(lambda frame, _position: passed.append(frame))
    tone = (8000 * np.sin(2 * np.pi * 941 * np.arange(160) / 8000)).astype(np.int16)
    for number in range(5):
        port._deliver(tone, number * 160)
    assert all(np.array_equal(frame, tone) for frame in passed)
    assert len(passed) == 5
    for by in (KeySource.SOUND, KeySource.NEWS, KeySource.NEWS, KeySource.SOUND):
        leg.heard_key("7", by)
    assert [await leg.next_key(within=0.1) for _ in range(3)] == ["7", "7", None]


def test_the_storage_of_a_message_counts_not_its_index() -> None:
    dialect = Huawei()
    assert dialect.understand('+CMTI: "SM",-1') == dialect.understand('+CMTI: "SM",7')
    assert dialect.understand('+CMTI: "ME",3') != dialect.understand('+CMTI: "SM",3')
    assert dialect.understand("^SMMEMFULL: 2") is not None


@pytest.mark.parametrize("model", ["E1550", "EC25", "EP06-E", "SIMCOM_SIM7600E-H", "A7670E", "whatever"])
def test_hang_up_is_chup(model: str) -> None:
    maker = {"E1550": "huawei", "EC25": "Quectel", "EP06-E": "Quectel"}.get(model, "")
    dialect = choose_dialect("auto", manufacturer=maker, model=model)
    assert [command.text for command in dialect.hang_up] == ["AT+CHUP"]
    everything = " ".join(step.command.text for step in dialect.init)
    assert "CHLD" not in everything
    assert "QHUP" not in everything
    assert "AT+CCWA=0,0,1" in everything


def test_firmwares_with_a_name() -> None:
    bad, good = firmware_note("LE20B06SIM7600G22"), firmware_note("LE20B05SIM7600G22")
    assert bad is not None
    assert good is not None
    assert (bad.is_good, good.is_good) == (False, True)
    assert firmware_note("11.608.14.15.311") is None


def test_blocks_by_family() -> None:
    plans = [dialect.serial_voice for dialect in (Huawei, Quectel, Simcom)]
    assert [plan.block_frames for plan in plans if plan is not None] == [1, 1, 2]


def test_no_wideband_is_promised() -> None:
    plan = Simcom.serial_voice
    assert plan is not None
    assert "AT+CPCMFRM=0" in [command.text for command in plan.setup]
    assert "CPCMBANDWIDTH" not in str(plan)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ('+QCFG: "usbcfg",0x2C7C,0x0125,1,1,1,1,1,0,1', None),
        ('+QCFG: "usbcfg",0x2C7C,0x0125,1,1,1,1,1,0,0', "switched off"),
        ('+QCFG: "usbcfg",0x05C6,0x9215,1,1,1,1,1,0', "update it"),
    ],
)
def test_who_can_be_a_sound_card(answer: str, why: str | None) -> None:
    said = Quectel().why_mute(Quectel.card_voice, (answer,))
    assert said is None if why is None else why in str(said)


def test_released_is_failed() -> None:
    row = call_row('+CLCC: 1,0,6,0,0,"1455",129,""')
    assert row is not None
    assert row.stage is Stage.ENDED
    note = firmware_note("A011B01A7670M7")
    assert note is not None
    assert not note.is_good


def test_the_state_of_ims_is_asked() -> None:
    assert Quectel.ims is not None
    assert Quectel.ims.text == 'AT+QCFG="IMS"'


def test_only_a_voice_that_was_good_can_go_bad() -> None:
    """Fault 28: who never granted the sound at once tells nothing by refusing; a restart is asked for once."""
    broken: list[str] = []
    events: list[Event] = []
    never_good = VoiceHealth("m0", events.append, lambda: broken.append("never good"))
    never_good.switched_on(at_once=False)
    never_good.never_came()
    assert broken == []
    assert [event.code for event in events if isinstance(event, AlertRaised)] == [MODEM_SILENT]
    went_bad = VoiceHealth("m0", events.append, lambda: broken.append("went bad"))
    went_bad.switched_on(at_once=True)
    went_bad.switched_on(at_once=False)
    went_bad.never_came()
    assert broken == ["went bad"]
    assert went_bad.is_broken
