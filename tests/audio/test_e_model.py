"""The E-model against figures that were published."""

from __future__ import annotations

import pytest

from gateway.audio.e_model import G711, GSM_EFR, Impairment, impairment_of, mos, mos_of_rating, rating

G729A = Impairment(factor=11, robustness=19)


def test_all_defaults_make_what_the_recommendation_says() -> None:
    """G.107, table 2: "R = 93.2", which is 4.41."""
    assert rating() == pytest.approx(93.2, abs=0.05)
    assert mos() == pytest.approx(4.41, abs=0.005)


@pytest.mark.parametrize(
    ("value", "score"), [(-5, 1.0), (1, 1.0), (50, 2.58), (60, 3.10), (70, 3.60), (80, 4.03), (90, 4.34), (100, 4.5)]
)
def test_ratings_become_scores(value: float, score: float) -> None:
    """G.109 and G.107 annex B."""
    assert mos_of_rating(value) == pytest.approx(score, abs=0.01)


@pytest.mark.parametrize("delay_ms", [0, 50, 100, 150, 200, 250, 300])
def test_delay_costs_what_others_have_computed(delay_ms: float) -> None:
    """Cole and Rosenbluth, "Voice over IP performance monitoring", 2001: 0.024 d + 0.11 (d - 177.3) from there on."""
    published = 0.024 * delay_ms + 0.11 * max(0.0, delay_ms - 177.3)
    assert rating() - rating(delay_ms=delay_ms) == pytest.approx(published, abs=1.2)


@pytest.mark.parametrize(("percent", "impairment"), [(0, 11), (1, 15), (2, 19), (3, 23), (4, 26), (8, 36)])
def test_loss_costs_what_was_measured_for_a_codec(percent: float, impairment: float) -> None:
    """G.729A: G.113 appendix I (2001), table I.3, by chance; its Bpl in table I.4 is 19."""
    assert rating() - rating(loss=percent / 100, codecs=(G729A,)) == pytest.approx(impairment, abs=0.6)


@pytest.mark.parametrize(("percent", "impairment"), [(0, 0), (1, 5), (2, 7), (3, 10), (5, 15), (7, 20), (10, 25)])
def test_loss_of_the_telephone_s_own_codec_with_concealment(percent: float, impairment: float) -> None:
    """The same table; its figures are rounded to wholes of five and differ by so much from those of table I.4."""
    assert rating() - rating(loss=percent / 100) == pytest.approx(impairment, abs=2.2)


def test_bursts_hurt_more_than_the_same_loss_by_chance() -> None:
    assert rating(loss=0.05, mean_burst=4) < rating(loss=0.05) - 1
    assert rating(loss=0.05, mean_burst=1) == rating(loss=0.05)


def test_a_mobile_costs_its_codec_and_its_way() -> None:
    assert impairment_of("gsm") is GSM_EFR
    assert impairment_of("opus") is impairment_of(None) is G711
    by_air = rating(codecs=(G711, GSM_EFR))
    assert rating() - by_air == pytest.approx(5 + rating() - rating(delay_ms=90))
    assert 4.1 < mos(codecs=(G711, GSM_EFR)) < 4.3


def test_the_worst_is_one() -> None:
    assert mos(delay_ms=5_000, loss=1.0, mean_burst=50) == pytest.approx(1.0, abs=0.1)
