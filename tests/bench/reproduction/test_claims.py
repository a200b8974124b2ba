"""Verdicts: a claim holds if each comparison does, and turns if the sign of the scores does."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.reproduction import claims
from bench.reproduction.claims import DOES_NOT_HOLD, HOLDS, NOT_TESTED, Claim, judge
from bench.reproduction.evidence import Evidence
from bench.reproduction.record import Reproduction
from bench.statistics.intervals import level

NOISES = ("gaussian(sigma=15)", "speckle(var=0.02)", "speckle(var=0.024)", "speckle(var=0.03)", "speckle(var=0.04)")
CLAIM = Claim("c", "ours is better", "nobody", "fake", "higher", "ours", ["rival"], ["speckle"], "photos", ["psnr"])
IMAGES = 12


def rows_of(scores: dict[str, np.ndarray]) -> pd.DataFrame:
    """Rows of models, each with its PSNR by image, the same under each noise; SSIM is a hundredth of it."""
    lines = [
        {
            "model": model,
            "weights_hash": f"hash of {model}",
            "dataset": "photos",
            "image": f"{image}.png",
            "noise": noise,
            "noise_version": 1,
            "seed": 0,
            "protocol": "stored",
            "status": "ok",
            "reason": "",
            "psnr": value,
            "psnr_noisy": 20.0,
            "lpips": value / 100,
            "lpips_noisy": 0.5,
        }
        for model, values in scores.items()
        for image, value in enumerate(values)
        for noise in NOISES
    ]
    return pd.DataFrame(lines)


def evidence_of(scores, roles=None, measured=None, cards=None, problems=()) -> Evidence:
    roles = roles or {model: [model] for model in scores}
    hashes = {label: f"hash of {label}" for labels in roles.values() for label in labels}
    reproduction = Reproduction("fake", "small", "shipped", "stored", roles, hashes, {"photos": "photos"}, problems)
    return Evidence(reproduction, rows_of(scores), pd.DataFrame() if measured is None else measured, cards or {})


def spread(mean: float, deviation: float = 0.1) -> np.ndarray:
    return mean + deviation * np.random.default_rng(3).standard_normal(IMAGES)


def test_a_claim_turns_with_the_sign():
    rival = spread(30, 2)
    assert judge(CLAIM, evidence_of({"ours": rival + spread(0.5), "rival": rival})).verdict == HOLDS
    lost = judge(CLAIM, evidence_of({"ours": rival - spread(0.5), "rival": rival}))
    assert lost.verdict == DOES_NOT_HOLD and lost.weakest.high < 0


def test_effect_and_interval_are_those_of_the_paired_differences():
    rival, gain = spread(30, 2), spread(0.5, 0.3)
    found = judge(CLAIM, evidence_of({"ours": rival + gain, "rival": rival})).weakest
    expected = stats.bootstrap(
        (gain,), np.mean, method="BCa", rng=np.random.default_rng(1), confidence_level=1 - 2 * level(IMAGES)
    ).confidence_interval
    assert found.effect == pytest.approx(gain.mean())
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.02)


def test_a_difference_within_its_interval_does_not_hold():
    rival = spread(30, 2)
    gain = np.resize([1.2, -1.0], IMAGES)
    found = judge(CLAIM, evidence_of({"ours": rival + gain, "rival": rival}))
    assert found.verdict == DOES_NOT_HOLD and found.weakest.low < 0 < found.weakest.high


def test_a_metric_for_which_lower_is_better():
    rival = spread(30, 2)
    claim = replace(CLAIM, metrics=["lpips"])
    assert judge(claim, evidence_of({"ours": rival - spread(0.5), "rival": rival})).verdict == HOLDS
    assert judge(claim, evidence_of({"ours": rival + spread(0.5), "rival": rival})).verdict == DOES_NOT_HOLD


def test_every_comparison_has_to_hold_and_the_weakest_is_shown():
    rival = spread(30, 2)
    claim = replace(CLAIM, against=["rival", "other"])
    scores = {"ours": rival + spread(0.5), "rival": rival, "other": rival + spread(0.3, 0.05)}
    found = judge(claim, evidence_of(scores))
    assert found.verdict == HOLDS and "other" in found.weakest.text and found.comparisons == 2
    assert judge(claim, evidence_of({**scores, "other": rival + spread(2)})).verdict == DOES_NOT_HOLD


def test_missing_weights_are_not_tested_unless_another_comparison_fails():
    rival = spread(30, 2)
    claim = replace(CLAIM, against=["rival", "absent"])
    roles = {"ours": ["ours"], "rival": ["rival"]}
    why = ["absent: weights missing, train them"]
    good = judge(claim, evidence_of({"ours": rival + spread(0.5), "rival": rival}, roles, problems=why))
    assert good.verdict == NOT_TESTED and good.why == why[0]
    bad = judge(claim, evidence_of({"ours": rival - spread(0.5), "rival": rival}, roles, problems=why))
    assert bad.verdict == DOES_NOT_HOLD


def test_rows_of_other_weights_are_no_evidence():
    rival = spread(30, 2)
    found = evidence_of({"ours": rival + spread(0.5), "rival": rival})
    assert judge(replace(CLAIM, dataset="others"), found).verdict == NOT_TESTED
    lacking = replace(found, rows=found.rows[found.rows["noise"] != NOISES[1]])
    judged = judge(CLAIM, lacking)  # the mean over levels would be of others
    assert judged.verdict == NOT_TESTED and NOISES[1] in judged.why


def test_trainings_have_to_agree():
    rival = spread(30, 2)
    scores = {"ours": rival + spread(1), "ours-seed1": rival - spread(0.2), "rival": rival}
    found = judge(CLAIM, evidence_of(scores, {"ours": ["ours", "ours-seed1"], "rival": ["rival"]}))
    assert found.weakest.effect == pytest.approx(0.4, abs=0.1) and found.weakest.low > 0
    assert found.verdict == DOES_NOT_HOLD and "trainings" in found.why


def test_few_photographs_are_not_tested():
    found = judge(CLAIM, evidence_of({"ours": np.array([31.0, 32]), "rival": np.array([30.0, 31])}))
    assert found.verdict == NOT_TESTED


def test_loss_from_the_first_to_the_last_level():
    claim = replace(CLAIM, test="smaller-loss")
    found = evidence_of({"ours": spread(29), "rival": spread(30)})
    rows = found.rows.copy()
    worse = (rows["model"] == "rival") & (rows["noise"] == NOISES[-1])
    rows.loc[worse, "psnr"] -= np.linspace(0.8, 1.2, IMAGES)
    assert judge(claim, replace(found, rows=rows)).verdict == HOLDS
    rows.loc[worse, "psnr"] += 3
    assert judge(claim, replace(found, rows=rows)).verdict == DOES_NOT_HOLD


def test_gain_over_loss_adds_what_is_won_and_what_is_lost():
    claim = replace(CLAIM, test="gain-over-loss", seen=NOISES[0])
    for gain, verdict in ((0.8, HOLDS), (0.2, DOES_NOT_HOLD)):
        found = evidence_of({"ours": spread(30), "rival": spread(30)})
        rows = found.rows.copy()
        ours = rows["model"] == "ours"
        rows.loc[ours & (rows["noise"] == NOISES[0]), "psnr"] -= np.linspace(0.45, 0.55, IMAGES)
        rows.loc[ours & (rows["noise"] != NOISES[0]), "psnr"] += np.tile(np.linspace(0.9, 1.1, 4), IMAGES) * gain
        assert judge(claim, replace(found, rows=rows)).verdict == verdict


def measurements(values: dict[str, tuple[float, float, float]], measure: str) -> pd.DataFrame:
    lines = [
        {
            "measure": measure,
            "model": model,
            "weights_hash": f"hash of {model}",
            "noise": NOISES[1],
            "dataset": "photos",
            "protocol": "stored",
            "settings": "8 patches",
            "value": value,
            "low": low,
            "high": high,
        }
        for model, (value, low, high) in values.items()
    ]
    return pd.DataFrame(lines)


@pytest.mark.parametrize(
    ("ours", "rival", "verdict"),
    [
        ((1.0, 0.9, 1.1), (2.0, 1.8, 2.2), HOLDS),
        ((1.0, 0.5, 1.9), (2.0, 1.8, 2.2), DOES_NOT_HOLD),
        ((2.0, 1.9, 2.1), (1.0, 0.9, 1.1), DOES_NOT_HOLD),
        ((1.0, np.nan, np.nan), (2.0, 1.8, 2.2), NOT_TESTED),
    ],
)
def test_measurements_are_compared_by_the_ends_of_their_intervals(ours, rival, verdict):
    claim = replace(CLAIM, test="measured", measure="srga", direction="lower", noises=[NOISES[1]])
    scores = {"ours": spread(30), "rival": spread(30)}
    found = evidence_of(scores, measured=measurements({"ours": ours, "rival": rival}, "srga"))
    assert judge(claim, found).verdict == verdict
    other = measurements({"ours": ours, "rival": rival}, "srga").assign(weights_hash="of other weights")
    assert judge(claim, replace(found, measured=other)).verdict == NOT_TESTED
    other = found.measured.assign(settings=["8 patches", "300 patches"])
    assert judge(claim, replace(found, measured=other)).verdict == NOT_TESTED


def test_a_shift_counts_by_its_size():
    claim = replace(
        CLAIM, test="measured", measure="brightness_all", direction="lower", absolute=True, noises=[NOISES[1]]
    )
    both = {"ours": (-0.1, -0.2, 0.1), "rival": (-3.0, -3.5, -2.5)}
    found = evidence_of({"ours": spread(30), "rival": spread(30)}, measured=measurements(both, "brightness_all"))
    judged = judge(claim, found)
    assert judged.verdict == HOLDS and (judged.weakest.low, judged.weakest.high) == pytest.approx((2.3, 3.5))


def test_falls_since_the_best_point_of_the_test_curves():
    def card(*last: float) -> dict:
        points = [dict.fromkeys(NOISES[1:], 25.0)] * 2 + [dict(zip(NOISES[1:], last, strict=True))]
        return {"curve": [{"iteration": 100 * i, "psnr": one} for i, one in enumerate(points, 1)]}

    claim = replace(CLAIM, test="falls", noises=[], dataset="")
    scores = {"ours": spread(30), "rival": spread(30)}
    cards = {"ours": card(25.1, 25.0, 24.9, 25.2), "rival": card(24, 23.5, 24.2, 23)}
    assert judge(claim, evidence_of(scores, cards=cards)).verdict == HOLDS
    turned = {"ours": cards["rival"], "rival": cards["ours"]}
    assert judge(claim, evidence_of(scores, cards=turned)).verdict == DOES_NOT_HOLD
    assert judge(claim, evidence_of(scores, cards={"ours": cards["ours"]})).verdict == NOT_TESTED
    single = {**cards, "rival": {"curve": cards["rival"]["curve"][-1:]}}  # a single point has not fallen
    assert judge(claim, evidence_of(scores, cards=single)).verdict == NOT_TESTED


def test_completed_pixels_are_compared_by_image():
    lines = [
        {
            "measure": "completion_psnr",
            "model": model,
            "weights_hash": f"hash of {model}",
            "protocol": "stored",
            "dataset": f"{image}.png",
            "settings": f'{{"ratio": {ratio}, "version": 1}}',
            "value": value + image % 3,
        }
        for model, value in (("ours", 20.0), ("rival", 15.0))
        for image in range(IMAGES)
        for ratio in (75, 90)
    ]
    claim = replace(CLAIM, test="completed", ratios=[75, 90], noises=[])
    found = evidence_of({"ours": spread(30), "rival": spread(30)}, measured=pd.DataFrame(lines))
    judged = judge(claim, found)
    assert judged.verdict == HOLDS and judged.weakest.effect == pytest.approx(5) and judged.comparisons == 2


def test_cka_is_that_of_the_deepest_layer_with_itself():
    layers = (("first", "first", 0.9), ("first", "deep", 0.1), ("deep", "first", 0.2), ("deep", "deep", 0.5))
    both = measurements({"ours": (0, 0, 0), "rival": (0, 0, 0)}, "cka")
    rows = [
        {
            **row,
            "layer": layer,
            "other_layer": other,
            "other_model": of,
            "other_noise": noise,
            "value": value + gain,
            "low": value + gain - 0.02,
            "high": value + gain + 0.02,
        }
        for row in both.to_dict("records")
        for of, noise, gain in ((row["model"], NOISES[2], 0.2 * (row["model"] == "ours")), ("rival", NOISES[1], 0.0))
        for layer, other, value in layers
    ]
    found = evidence_of({"ours": spread(30), "rival": spread(30)}, measured=pd.DataFrame(rows))
    claim = replace(
        CLAIM, test="measured", measure="cka", direction="higher", noises=[NOISES[1]], other_noise=NOISES[2]
    )
    judged = judge(claim, found)
    assert judged.verdict == HOLDS and judged.weakest.effect == pytest.approx(0.2)
    assert judge(replace(claim, subject="rival", against=["ours"]), found).verdict == DOES_NOT_HOLD
    deeper = judge(replace(claim, test="deeper", other_noise=""), found)
    assert deeper.verdict == HOLDS and deeper.weakest.effect == pytest.approx(0.4)


def test_changed_verdicts():
    now = pd.DataFrame({"run": "here", "claim": ["a", "b"], "weights": ["w", "w"], "verdict": [HOLDS, NOT_TESTED]})
    assert claims.changed(now, now) == []
    before = now.assign(verdict=[HOLDS, HOLDS])
    (sentence,) = claims.changed(now, before)
    assert sentence.startswith("b, w:")
    assert len(claims.changed(now[:1], now)) == 1
    assert claims.changed(now.assign(run="moved"), now) == []
    both = pd.concat([now, now.assign(run="there", verdict=[HOLDS, HOLDS])])
    assert claims.changed(both, both) == [] and len(claims.changed(both, both.assign(verdict=HOLDS))) == 1
    with pytest.raises(ValueError, match="verdict"):
        claims.changed(now, now.drop(columns="verdict"))
