"""How a call sounded, as a figure from 1 (bad) to 5: the E-model of ITU-T G.107 (06/2015), narrow band.

All that we do not measure has the default of table 2 there: handsets at both ends, no echo that is heard, quiet rooms.
What is put in is the delay, the loss with its bursts, and the codecs. It is an estimate: nobody has listened.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log2, log10, sqrt


@dataclass(frozen=True, slots=True, kw_only=True)
class Impairment:
    """What a codec costs even without loss (Ie), and how well it bears loss (Bpl): G.113 appendix I, table I.4.

    `delay_ms` is what the way of the codec adds that nobody here can measure.
    """

    factor: float
    robustness: float
    delay_ms: float = 0.0


G711 = Impairment(factor=0.0, robustness=25.1)
"""With concealment as in its appendix I: ours is, and a phone without one has become rare."""
GSM_EFR = Impairment(factor=5.0, robustness=10.0, delay_ms=90.0)
"""12.2 kbit/s, in AMR too; the delay is the aim of 3GPP TS 03.50 for the way by air."""
CODECS = {"gsm": GSM_EFR}
"""By the name on the wire. G.722 and Opus have no figures for narrow band, and are not worse: they count as G.711."""


def impairment_of(codec: str | None) -> Impairment:
    """Of a codec by its name on the wire."""
    return CODECS.get(codec or "", G711)


def rating(
    *, delay_ms: float = 0.0, loss: float = 0.0, mean_burst: float = 1.0, codecs: tuple[Impairment, ...] = (G711,)
) -> float:
    """The rating R, at most 93.2 (section 7.1).

    `delay_ms` from mouth to ear, without what the codecs bring; `loss` is a share, 0 to 1; `mean_burst` how many
    packets in a row were missing on average; `codecs` all that the voice went through.
    """
    delay_ms += sum(each.delay_ms for each in codecs)
    return _BASE - _delay_impairment(delay_ms) - _equipment_impairment(loss, mean_burst, codecs)


def mos(
    *, delay_ms: float = 0.0, loss: float = 0.0, mean_burst: float = 1.0, codecs: tuple[Impairment, ...] = (G711,)
) -> float:
    """The mean opinion score of conversation, 1 to 4.41 (annex B); arguments as of `rating`."""
    return mos_of_rating(rating(delay_ms=delay_ms, loss=loss, mean_burst=mean_burst, codecs=codecs))


def mos_of_rating(value: float) -> float:
    """Annex B, equation B-4."""
    if value <= 0:
        return 1.0
    if value >= 100:
        return 4.5
    # The polynomial dips below 1 for the very smallest ratings.
    return max(1.0, 1 + 0.035 * value + value * (value - 60) * (100 - value) * 7e-6)


def _equipment_impairment(loss: float, mean_burst: float, codecs: tuple[Impairment, ...]) -> float:
    """Ie-eff (section 7.5): the codecs' own impairments add up, and the loss hits the one that bears it least."""
    factor: float = sum(each.factor for each in codecs)
    robustness = min((each.robustness for each in codecs), default=G711.robustness)
    share = min(max(loss, 0.0), 1.0)
    if not share:
        return factor
    # BurstR: the mean length of bursts, by what it would be if each packet were lost by chance.
    burst_ratio = max(1.0, mean_burst * (1 - share))
    percent = 100 * share
    return factor + (95 - factor) * percent / (percent / burst_ratio + robustness)


# The defaults of table 2, in dB, dBm and dBm0p; the names are those of the recommendation.
_SLR, _RLR, _STMR, _LSTR, _DS = 8.0, 2.0, 15.0, 18.0, 3.0
_TELR, _WEPL, _NC, _NFOR, _PS, _PR = 65.0, 110.0, -70.0, -64.0, 35.0, 35.0
_OLR = _SLR + _RLR


def _basic_ratio() -> tuple[float, float]:
    """Ro, the ratio of signal to noise (section 7.2), and No, the noise."""
    nos = _PS - _SLR - _DS - 100 + 0.004 * (_PS - _OLR - _DS - 14) ** 2
    pre = _PR + 10 * log10(1 + 10 ** ((10 - _LSTR) / 10))
    nor = _RLR - 121 + pre + 0.008 * (pre - 35) ** 2
    noise = 10 * log10(sum(10 ** (each / 10) for each in (_NC, nos, nor, _NFOR + _RLR)))
    return 15 - 1.5 * (_SLR + noise), noise


def _simultaneous_impairment() -> float:
    """Is (section 7.3): too loud a line, side tone, quantizing noise of one pair of coders."""
    xolr = _OLR + 0.2 * (64 + _NO - _RLR)
    loud: float = 20 * ((1 + (xolr / 8) ** 8) ** (1 / 8) - xolr / 8)
    stmro = -10 * log10(10 ** (-_STMR / 10) + 10 ** (-_TELR / 10))
    side_tone: float = (
        12 * (1 + ((stmro - 13) / 6) ** 8) ** (1 / 8)
        - 28 * (1 + ((stmro + 1) / 19.4) ** 35) ** (1 / 35)
        - 13 * (1 + ((stmro - 3) / 33) ** 13) ** (1 / 13)
        + 29
    )
    q = 37.0
    g = 1.07 + 0.258 * q + 0.0602 * q * q
    y = (_RO - 100) / 15 + 46 / 8.4 - g / 9
    z = 46 / 30 - g / 40
    quantizing = 15 * log10(1 + 10**y + 10**z)
    return loud + side_tone + quantizing


def _delay_impairment(delay_ms: float) -> float:
    """Id (section 7.4): the echo of the talker, of the listener, and too long a way in itself."""
    t = max(0.0, delay_ms)
    terv = _TELR - 40 * log10((1 + t / 10) / (1 + t / 150)) + 6 * exp(-0.3 * t * t)
    roe = -1.5 * (_NO - _RLR)
    half = (roe - (80 + 2.5 * (terv - 14))) / 2
    talker = (half + sqrt(half * half + 100) - 1) * (1 - exp(-t))
    rle: float = 10.5 * (_WEPL + 7) * (2 * t + 1) ** -0.25
    half = (_RO - rle) / 2
    listener = half + sqrt(half * half + 169)
    if t <= 100:
        return talker + listener
    x = log2(t / 100)
    too_long: float = 25 * ((1 + x**6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2)
    return talker + listener + too_long


_RO, _NO = _basic_ratio()
_BASE = _RO - _simultaneous_impairment()
