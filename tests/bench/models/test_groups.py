"""Groups of models in a list: what they mean here, what is left out and why, and that duplicates collapse."""

import json
import shutil

import pytest
import torch
from click.testing import CliRunner

from baselines.dncnn import DnCNN
from baselines.weights_io import checkpoints
from bench.cli import main
from bench.core.errors import BadInput
from bench.models import cards, groups, importing, model_specs

CLASSICAL = ["nlm", "tv", "wavelet"]


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Small weights of dncnn and idf ship, `mine` is imported, and bm3d is not installed."""
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "shipped"
    folder.mkdir()
    for name, size, network in (("dncnn", "small", {"nc": 4, "nb": 3}), ("idf", "small", {}), ("idf", "full", {})):
        card = {"name": f"{name}-{size}", "model": name, "size": size, "network": network}
        weights = model_specs.load_model(
            f"{name}(weights=None, size='full', {', '.join(f'{k}={v}' for k, v in network.items())})"
        )
        checkpoints.write_weights(weights.state_dict(), folder / f"{name}-{size}.safetensors", card)
    monkeypatch.setattr(cards, "weights_folder", lambda: folder)
    torch.save(DnCNN(nc=4, nb=5).state_dict(), "a.pth")
    importing.import_weights(tmp_path / "a.pth", "mine")
    installed = cards.versions
    monkeypatch.setattr(
        cards,
        "versions",
        lambda libraries: {**installed(libraries), "bm3d": ""} if "bm3d" in libraries else installed(libraries),
    )
    return tmp_path


def labels(text, size="small"):
    return [model.label for model in model_specs.expand(text, size)[0]]


def test_what_each_group_holds():
    mine = "dncnn(size='full', weights='mine', nc=4, nb=5)"
    assert labels("all") == ["dncnn"]
    assert labels("classical") == CLASSICAL
    assert labels("rivals") == ["idf", *CLASSICAL]
    assert labels("everything") == ["dncnn", "idf", *CLASSICAL, mine]
    assert labels("everything", "full") == ["idf(size='full')", *CLASSICAL, mine]  # sizes are of networks


def test_every_model_is_in_the_paper_or_a_rival():
    slow = {"zsn2n"}
    assert {*groups.specs("all"), *groups.specs("rivals"), *slow} == cards.models().keys()
    assert {*groups.specs("test_time")} == {*slow, "noise2vst(dncnn)"}
    assert not slow & {*groups.specs("everything")}
    assert not {*groups.specs("all")} & {*groups.specs("rivals")}
    assert {*groups.specs("classical")} == {"bm3d", *CLASSICAL}


def test_groups_mix_with_names_and_duplicates_collapse():
    found, left_out = model_specs.expand(
        "nlm, classical, dncnn, everything, all, nlm(sigma='estimated'), nlm(sigma=15)"
    )
    assert [model.label for model in found][:4] == [*CLASSICAL, "dncnn"]
    assert [model.label for model in found][-1] == "nlm(sigma=15)"
    assert len({model.label for model in found}) == len(found) == 7
    assert len({sentence.partition(":")[0] for sentence in left_out}) == len(left_out) == 11  # each once


def test_what_is_left_out_is_said():
    _, left_out = model_specs.expand("classical,all")
    assert all(part in left_out[0] for part in ("bm3d: ", "pip install bm3d", "`classical`"))
    assert all(part in left_out[1] for part in ("ours: ", "'small'", "`all`"))
    result = CliRunner().invoke(main, ["run", "--models", "classical", "--datasets", "builtin(limit=0)"])
    assert result.exit_code == 2
    shutil.rmtree("shipped")
    with pytest.raises(BadInput, match="ours: .*'small'"):
        model_specs.expand("all")


def test_one_that_is_named_is_not_left_out():
    with pytest.raises(BadInput) as error:
        model_specs.expand("classical,bm3d")
    message = str(error.value)
    assert "model 'bm3d'" in message and "pip install bm3d" in message and "non-commercial use only" in message


@pytest.mark.parametrize("group", groups.GROUPS)
def test_a_group_is_no_model(group):
    with pytest.raises(BadInput, match=f"group '{group}'"):
        model_specs.resolve(group)


def test_a_mistyped_group_is_suggested():
    with pytest.raises(BadInput, match="'classical'"):
        model_specs.expand("clasical")
    with pytest.raises(BadInput, match="'everything'"):
        model_specs.expand("dncnn,everythin")


def test_help_and_list_explain_the_groups():
    shown = CliRunner().invoke(main, ["run", "--help"]).output
    listed = CliRunner().invoke(main, ["models", "list"]).output
    for group in groups.GROUPS:
        assert group in shown and f"--models {group}: " in listed
    assert "rivals: models beyond the paper's (adnet, bfcnn, ffdnet, idf, bm3d, nlm, tv, wavelet)" in listed.replace(
        "\n", " "
    )
    assert "│ needs bm3d" in listed
    assert json.loads((cards.imported_folder() / "mine.json").read_text())["model"] == "dncnn"
