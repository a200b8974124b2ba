"""Of several sets of tensors in a checkpoint the average of the network's weights is taken; a part chooses another."""

import argparse
from pathlib import Path

import pytest
import torch

from baselines.dncnn import DnCNN
from baselines.weights_io.checkpoints import load_strictly, read_contents
from tests.baselines.filled import fill

TINY = {"nc": 4, "nb": 3}
RAW, AVERAGE = DnCNN(**TINY).state_dict(), fill(DnCNN(**TINY)).float().state_dict()
SMALL = {"conv.weight": torch.ones(2, 3, 3, 3)}


def under(first, tensors):
    return {f"{first}.{key}": value for key, value in tensors.items()}


def taken(content, path, part="", **options):
    """The contents of a file, and whether a DnCNN filled with them has the average, or the last weights."""
    torch.save(content, path, **options)
    contents = read_contents(path, part)
    network = DnCNN(**TINY)
    load_strictly(network, contents.tensors, path.name)
    which = {
        name: all(torch.equal(value, network.state_dict()[key]) for key, value in tensors.items())
        for name, tensors in (("average", AVERAGE), ("last", RAW))
    }
    return contents, which


DOTLESS = {f"model_ema.{key.replace('.', '')}": value for key, value in AVERAGE.items()}
COUNTED = {"n_averaged": torch.tensor(5), **under("module", AVERAGE)}
BESIDE_AN_AVERAGE = {
    "timm, early": ({"model": RAW, "model_ema": AVERAGE}, "model_ema"),
    "timm": ({"state_dict": RAW, "state_dict_ema": AVERAGE, "arch": "x"}, "state_dict_ema"),
    "ema": ({"model": RAW, "ema": AVERAGE, "optimizer": {"state": {0: {"exp_avg": torch.ones(2, 2)}}}}, "ema"),
    "BasicSR": ({"params": RAW, "params_ema": AVERAGE}, "params_ema"),
    "EMA first": ({"ema_state_dict": AVERAGE, "state_dict": under("module", RAW)}, "ema_state_dict"),
    "averaged by torch": ({"state_dict": RAW, "averaged_model": COUNTED}, "averaged_model"),
    "SWA": ({"net": RAW, "net_swa": COUNTED}, "net_swa"),
    "module in ema": ({"model": RAW, "ema": {"module": AVERAGE, "decay": 0.9}}, "ema.module"),
    "two decays": ({"net": RAW, "ema_0.99": AVERAGE, "ema_0.5": RAW}, "ema_0.99"),
    "a GAN": ({"netG": RAW, "netG_ema": AVERAGE, "netD": SMALL, "netD_ema": SMALL}, "netG_ema"),
    "online and average": ({"step": 3, "model": RAW, "ema": {"initted": torch.tensor(True), "step": torch.tensor(3),
                            **under("online_model", RAW), **under("ema_model", AVERAGE)}}, "ema.ema_model"),
    "Lightning, in the network": ({"state_dict": {**under("net", RAW), **under("net_ema", AVERAGE)}},
                                  "state_dict.net_ema"),
    "names without dots": ({"state_dict": {**under("net", RAW), **DOTLESS, "model_ema.decay": torch.tensor(0.9),
                            "model_ema.num_updates": torch.tensor(3)}}, "state_dict.model_ema"),
    "Lightning, a callback": ({"state_dict": under("model", RAW), "callbacks": {"EMA": {"ema_state": AVERAGE}}},
                              "callbacks.EMA.ema_state"),
    "without a wrapper": ({**RAW, **under("ema.module", AVERAGE)}, "ema"),
    "mmengine": ({"state_dict": AVERAGE, "ema_state_dict": {"steps": torch.tensor(3), **under("module", RAW)}},
                 "state_dict"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BESIDE_AN_AVERAGE)
@pytest.mark.parametrize("foreign", [False, True])
def test_the_average_is_taken_under_all_usual_names(tmp_path, kind, foreign):
    content, part = BESIDE_AN_AVERAGE[kind]
    contents, which = taken({**content, **({"args": Foreign()} if foreign else {})}, tmp_path / "a.pth")
    assert which == {"average": True, "last": False}
    assert contents.part == part and contents.others and part in contents.summary()


class Foreign:
    """A class of a trainer's, which torch does not read."""


def test_what_is_called_an_average_and_is_of_another_network_is_not_taken(tmp_path):
    for beside in (SMALL, {"decay": torch.tensor(0.9)}, {"module": SMALL}):
        contents, which = taken({"model": RAW, "ema": beside}, tmp_path / "a.pth")
        assert which["last"] and contents.part == "model"


def test_an_average_of_parameters_alone_gets_the_buffers_of_the_last_weights(tmp_path):
    last, average = (fill(DnCNN(**TINY, act_mode="BR")).float() for _ in range(2))
    average.model[0].bias.data += 1
    alone = dict(average.named_parameters())
    torch.save({"model": last.state_dict(), "model_ema": {k: v.detach() for k, v in alone.items()}}, tmp_path / "a.pth")
    contents, network = read_contents(tmp_path / "a.pth"), DnCNN(**TINY, act_mode="BR")
    load_strictly(network, contents.tensors, "a.pth")
    assert contents.part == "model_ema"
    assert torch.equal(network.model[0].bias, average.model[0].bias)
    assert torch.equal(network.model[3].running_var, last.model[3].running_var)


@pytest.mark.parametrize(
    ("part", "which"),
    [("model", "last"), ("ema.ema_model", "average"), ("ema_model", "average"), ("ema.online_model", "last")],
)
def test_a_part_is_chosen_by_name(tmp_path, part, which):
    content, _ = BESIDE_AN_AVERAGE["online and average"]
    contents, found = taken(content, tmp_path / "a.pth", part)
    assert found[which] and contents.part.endswith(part)


def test_a_part_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    torch.save({"model": RAW, "model_ema": AVERAGE}, tmp_path / "a.pth")
    with pytest.raises(ValueError, match="model, model_ema.*parms"):
        read_contents(tmp_path / "a.pth", "parms")


def test_what_older_versions_took_is_known(tmp_path):
    """So that their rows are rows of other weights where they took others."""
    for kind, former in (("BasicSR", True), ("EMA first", True), ("timm", False), ("ema", False), ("mmengine", False)):
        contents, _ = taken(BESIDE_AN_AVERAGE[kind][0], tmp_path / "a.pth")
        assert contents.former == former, kind
    assert taken(RAW, tmp_path / "a.pth")[0].former and taken({"x": RAW}, tmp_path / "a.pth")[0].former


def test_an_average_without_names_is_told(tmp_path):
    shadow = {"decay": 0.9, "shadow_params": list(AVERAGE.values())}
    contents, which = taken({"model": RAW, "ema": shadow}, tmp_path / "a.pth")
    assert which["last"] and "shadow_params" in contents.summary()
    torch.save(shadow, tmp_path / "b.pth")
    with pytest.raises(ValueError, match="b.pth: .*shadow_params"):
        read_contents(tmp_path / "b.pth")


def optimizer():
    network = torch.nn.Conv2d(3, 3, 3)
    made = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 3, 8, 8)).sum().backward()
    made.step()
    return made


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda: optimizer().state_dict(), "optimizer"),
        (lambda: torch.optim.lr_scheduler.StepLR(optimizer(), 3).state_dict(), "scheduler"),
        (lambda: {"epoch": 1, "optimizers": [optimizer().state_dict()], "schedulers": []}, "trainer"),
        (lambda: {"model": Foreign()}, "Foreign"),
    ],
)
def test_what_is_no_network_is_told_by_what_it_is(tmp_path, content, words):
    torch.save(content(), tmp_path / "a.pth")
    with pytest.raises(ValueError, match=f"a.pth: .*{words}") as error:
        read_contents(tmp_path / "a.pth")
    assert "\n" not in str(error.value) and len(str(error.value)) < 300


class Harmful:
    """Unpickled, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("legacy", [True, False])
def test_a_set_in_a_list_is_found_and_nothing_beside_it_is_executed(tmp_path, legacy):
    """As BF-CNN's files are: a list of one state dict beside the arguments of the training."""
    for beside in (Harmful(tmp_path / "made"), argparse.Namespace(lr=0.1), 3):
        content = {"args": beside, "model": [RAW], "optimizer": [{"state": {0: torch.ones(2, 2)}}]}
        contents, which = taken(content, tmp_path / "a.pt", _use_new_zipfile_serialization=not legacy)
        assert which["last"] and (contents.part, contents.others, contents.former) == ("model.0", {}, True)
    assert not (tmp_path / "made").exists()


def test_of_several_sets_in_a_list_one_is_named(tmp_path):
    file = tmp_path / "a.pt"
    assert taken({"model": [RAW, AVERAGE], "args": Foreign()}, file, "model.1")[1]["average"]
    with pytest.raises(ValueError, match=r"model\.0, model\.1"):
        read_contents(file)
    contents, _ = taken({"params": RAW, "history": [AVERAGE]}, file)
    assert (contents.part, contents.others) == ("params", {})  # a list is searched only where nothing else is found


def test_names_out_of_a_file_are_printable(tmp_path):
    torch.save({"\x1b[31mred": dict(RAW), "b" * 500: dict(SMALL)}, tmp_path / "a.pth")
    with pytest.raises(ValueError) as error:
        read_contents(tmp_path / "a.pth")
    assert str(error.value).isprintable() and len(str(error.value)) < 300
