"""The headline and the ranks: the highest OOD mean of PSNR among models with the same training noise."""

import json
import re
from dataclasses import replace

import pandas as pd
import pytest

from reports import ModelGroup, Study, build
from reports.measures import PSNR
from reports.panels.headline import pooled, sentence
from reports.results import Results
from reports.summary import read

pytestmark = pytest.mark.slow

MIXTURE = tuple(f"mixture(level={level})" for level in (1, 2, 3, 4))


@pytest.fixture
def known(make_study):
    """A study on one data set with `flat`, a model 3 dB below the noisy input whose PSNR drop is the smallest."""
    study, rows, _ = make_study(pictured=0, datasets=("builtin",), models=("ours", "baseline", "flat"))
    flat = rows["model"] == "flat"
    rows.loc[flat, "psnr"] = 14.0 - rows.loc[flat, "level"] / 100
    return study, rows


def words(html: str, element: str) -> str:
    return re.sub(r"<[^>]+>", "", re.search(rf"<{element}[^>]*>(.*?)</{element[:2].strip()}>", html, re.DOTALL)[1])


def leaderboard(site) -> pd.DataFrame:
    return pd.read_csv(next((site / "tables").glob("builtin-psnr.csv"))).set_index("model")


def test_the_headline_is_the_best_and_not_the_flattest(known, summarize, tmp_path):
    study, rows = known
    site = build(study, rows, summarize(rows), tmp_path / "site").parent
    away = rows[rows["noise"].isin(MIXTURE)].groupby("model")["psnr"].mean()
    home = rows[rows["noise_name"] == "gaussian"].groupby("model")["psnr"].mean()
    assert (home - away).idxmin() == "flat" and away.idxmax() == "ours"
    lead = words((site / "index.html").read_text(), "h1")
    assert lead == read(site).answer and "ours" in lead and "flat" not in lead
    assert f"{away['ours']:.2f} dB" in lead and f"{(home - away)['ours']:.2f} dB" in lead  # its drop stands beside it
    assert "flat" in words((site / "index.html").read_text(), 'p class="details"')
    table = leaderboard(site)
    assert list(table.index) == ["ours", "baseline", "flat", "noisy"] and table.loc["flat", "first rank"] == 3
    assert table["below noisy input"].to_dict() == {"ours": False, "baseline": False, "flat": True, "noisy": False}


def test_models_below_the_noisy_input_are_marked_everywhere(known, summarize, tmp_path):
    study, rows = known
    site = build(study, rows, summarize(rows), tmp_path / "site").parent
    for page, mark in (("index.html", "mark warn"), ("models.html", "mark warn"), ("model-flat.html", "failed")):
        assert f'class="{mark}"' in (site / page).read_text(), page
    assert 'class="failed"' not in (site / "model-ours.html").read_text()
    scores = {one["model"]: one["below_noisy"] for one in json.loads((site / "study.json").read_text())["scores"]}
    assert scores == {"ours": False, "baseline": False, "flat": True}
    chart = pd.read_csv(site / "charts/drop.csv").set_index("model")
    assert chart["below_noisy"].to_dict() == {"ours": False, "baseline": False, "flat": True, "noisy": False}
    drops = pd.read_csv(next((site / "tables").glob("builtin-drop.csv"))).set_index("model")
    assert pd.isna(drops.loc["flat", "first rank"]) and drops.index[-2] == "flat"  # its drop is not ranked
    alone = rows[rows["model"] == "flat"]
    assert "below" in sentence(Results(study, alone, summarize(alone)))
    worse = rows.assign(psnr=rows["psnr"] - 15)
    assert "all models are below" in sentence(Results(study, worse, summarize(worse)))


def test_two_photographs_give_no_ranks(make_study, summarize):
    study, rows, _ = make_study(pictured=0, datasets=("builtin",), models=("ours", "baseline"), images=4)
    for images, ranked in ((4, True), (2, False)):
        part = rows[rows["image"].isin(sorted(set(rows["image"]))[:images])]
        results = Results(study, part, summarize(part))
        assert bool(results.ranks_ood("builtin", results.groups[0], PSNR)) is ranked


def test_drops_are_quoted_of_models_near_the_best(known, summarize):
    study, rows = known
    results = Results(study, rows, summarize(rows))
    assert pooled(results, results.groups[0]).near == {"ours", "baseline"}  # 0.5 dB apart
    rows = rows.assign(psnr=rows["psnr"] - 2.0 * (rows["model"] == "baseline"))
    results = Results(study, rows, summarize(rows))
    assert pooled(results, results.groups[0]).near == results.near_best("builtin", results.groups[0]) == {"ours"}
    rows = rows.assign(psnr=rows["psnr"] - 15)
    results = Results(study, rows, summarize(rows))
    assert pooled(results, results.groups[0]).near == set()  # all are below the noisy input


def test_one_ood_setting_is_what_models_are_ranked_by(make_study, summarize, tmp_path):
    study, rows, summary = make_study(
        noises={"gaussian": ("sigma", (15.0, 25.0))}, pictured=0, datasets=("builtin",), models=("ours", "baseline")
    )
    table = leaderboard(build(study, rows, summary, tmp_path / "site").parent)
    assert table["gaussian(sigma=15)"].idxmax() == "baseline" and table["gaussian(sigma=25)"][:2].idxmax() == "ours"
    assert list(table.index)[:2] == ["ours", "baseline"] and table["first rank"].tolist()[:2] == [1, 2]
    assert (table["OOD mean"] == table["gaussian(sigma=25)"]).all()
    assert "ours" in sentence(Results(study, rows, summary))


@pytest.fixture
def mixed(make_study):
    """Models of which the best was trained on other noise, mixtures 1 to 2."""
    study, rows, summary = make_study(pictured=0, datasets=("builtin",), models=("ours", "baseline", "wide", "apart"))
    rows.loc[rows["model"] == "wide", "psnr"] += 9
    groups = (
        ModelGroup("", ("ours", "baseline"), MIXTURE),
        ModelGroup("trained on others", ("wide",), MIXTURE[2:]),
        ModelGroup("training noise unknown", ("apart",), MIXTURE),
    )
    inside = {"ours": {"gaussian(sigma=15)"}, "wide": set(MIXTURE[:2])}
    cards = (replace(card, in_distribution=frozenset(inside.get(card.name, ()))) for card in study.models)
    return replace(study, groups=groups, models=tuple(cards)), rows


def test_models_of_other_training_noise_are_never_ranked_with_the_others(mixed, summarize, tmp_path):
    study, rows = mixed
    site = build(study, rows, summarize(rows), tmp_path / "site").parent
    table, page = leaderboard(site), (site / "index.html").read_text()
    assert list(table.index) == ["ours", "baseline", "wide", "apart", "noisy"]
    assert table["first rank"].notna().to_dict() == {"ours": True, "baseline": True, "wide": False, "apart": False,
                                                     "noisy": False}  # fmt: skip
    assert table.loc["wide", "OOD mean"] == pytest.approx(table.loc["wide", list(MIXTURE[2:])].mean())
    assert table.loc["ours", "OOD mean"] == pytest.approx(table.loc["ours", list(MIXTURE)].mean())
    assert "wide" not in words(page, "h1")
    assert page.count('<tbody class="heading">') == 3 * page.count('<table class="leaderboard"')
    row = page.split('data-value="wide"')[1].split("</tr>")[0]
    assert row.count('aria-label="in distribution"') == 2 and "best" not in row  # mixtures 1 and 2
    scores = {one["model"]: one for one in json.loads((site / "study.json").read_text())["scores"]}
    assert scores["wide"]["noises"] == list(MIXTURE[2:]) and scores["wide"]["group"] and not scores["ours"]["group"]
    assert "mixture(level=1)" in (site / "model-wide.html").read_text().split("In distribution")[1][:80]
    best = pd.read_csv(site / "tables/behind-ours.csv")["best model"]
    assert set(best) == {"baseline"}  # the best of the others is one of its group


def test_noise_that_changes_nothing_is_in_no_mean(make_study, summarize, tmp_path):
    study, rows, _ = make_study(pictured=0, datasets=("builtin",), models=("ours", "baseline"))
    rows.loc[rows["noise"] == MIXTURE[0], ["psnr", "psnr_noisy"]] = 80.0
    study = replace(study, nearly_clean={MIXTURE[0]: 80.0})
    site = build(study, rows, summarize(rows), tmp_path / "site").parent
    table = leaderboard(site)
    assert table.loc["ours", "OOD mean"] == pytest.approx(table.loc["ours", list(MIXTURE[1:])].mean())
    assert read(site).noises == MIXTURE[1:] and MIXTURE[0] in (site / "index.html").read_text()


def test_data_sets_of_other_noises_share_one_headline(make_study, summarize, tmp_path):
    """Pairs have their own noise: their images count with that, and those of the other data set with theirs."""
    study, rows, _ = make_study(pictured=0, models=("ours", "baseline"), images=4)
    one, other = study.datasets[0].name, study.datasets[1].name
    real = rows["noise"].eq(MIXTURE[0]) & rows["dataset"].eq(other)
    rows.loc[real, ["noise", "noise_name"]] = ["real", "real"]
    rows = rows[rows["dataset"].eq(one) | rows["noise"].isin(["gaussian(sigma=15)", "real"])]
    results = Results(study, rows, summarize(rows))
    found = pooled(results, results.groups[0])
    assert len(found.psnr) == 8 and found.best in ("ours", "baseline")
    means = rows[rows["noise"] != "gaussian(sigma=15)"].groupby(["dataset", "model"])["psnr"].mean()
    assert found.means["ours"][0] == pytest.approx((means[one, "ours"] + means[other, "ours"]) / 2)
    site = build(study, rows, summarize(rows), tmp_path / "site").parent
    assert {one.noises for one in read(site).scores} == {MIXTURE, ("real",)}


def test_without_a_reference_noise_there_is_a_headline_without_a_drop(known, summarize, tmp_path):
    study, rows = known
    rows = rows[rows["noise_name"] != "gaussian"]
    study = replace(study, reference="")
    site = build(study, rows, summarize(rows), tmp_path / "site").parent
    assert "ours" in read(site).answer and "drop" not in read(site).answer
    assert all(one.drop is None and one.reference is None for one in read(site).scores)


def test_the_summary_of_an_older_site_has_no_headline(tmp_path):
    score = {
        "model": "UNet",
        "dataset": "d",
        "weights_hash": "",
        "images": 3,
        "reference": 14.5,
        "away": 14.0,
        "loss": 0.5,
    }
    old = {"version": 1, "title": "t", "run": "r", "created": "2025", "protocol": "stored",
           "answer": "Off the training noise, UNet loses least.", "noises": ["isp"], "scores": [score]}  # fmt: skip
    (tmp_path / "study.json").write_text(json.dumps(old))
    found = read(tmp_path)
    assert "UNet" not in found.answer and found.scores[0].ood == 14.0 and found.scores[0].noises == ("isp",)


def test_the_summary_of_version_2_is_read(known, summarize, tmp_path):
    """Version 2 had no labels: models are called by their names."""
    study, rows = known
    site = build(study, rows, summarize(rows), tmp_path / "site").parent
    now = json.loads((site / "study.json").read_text())
    scores = [{key: value for key, value in one.items() if key != "label"} for one in now["scores"]]
    (site / "study.json").write_text(json.dumps({**now, "version": 2, "scores": scores}))
    assert [one.ood for one in read(site).scores] == [one["ood"] for one in now["scores"]]
    assert {one.label for one in read(site).scores} == {""}


def test_models_are_called_by_their_label(known, summarize, tmp_path):
    """In tables, charts and the headline; files and addresses keep the name."""
    study, rows = known
    cards = tuple(replace(card, label="masked (ours)" if card.name == "ours" else "") for card in study.models)
    site = build(replace(study, models=cards), rows, summarize(rows), tmp_path / "site").parent
    page = (site / "index.html").read_text()
    assert "masked (ours)" in words(page, "h1") and "masked (ours)" in read(site).answer
    row = page.split('<th scope="row" class="model" data-value="ours"')[1].split("</tr>")[0]
    assert "masked (ours)" in row and "model=ours" in row and 'href="model-ours.html"' in row
    for name in ("charts/drop.svg", "charts/drop-builtin.svg", "tables/builtin-psnr.tex", "data/images.js"):
        assert "masked (ours)" in (site / name).read_text(), name
    assert leaderboard(site).index[0] == "ours" and "masked (ours)" in (site / "noise.html").read_text()
    scores = json.loads((site / "study.json").read_text())["scores"]
    assert {one["model"]: one["label"] for one in scores} == {"ours": "masked (ours)", "baseline": "", "flat": ""}


def test_nothing_out_of_distribution_is_no_headline():
    study = Study("s", groups=(ModelGroup("", ("m",), ()),))
    row = {"model": "m", "dataset": "d", "image": "i", "noise": "gaussian(sigma=15)", "noise_name": "gaussian",
           "level": 15.0, "seed": 0, "psnr": 30.0, "psnr_noisy": 20.0, "status": "ok"}  # fmt: skip
    assert sentence(Results(study, pd.DataFrame([row]), pd.DataFrame([row]))).startswith("No headline")
