"""Published weights by name: the list, downloads from a server of bad manners, and runs of what was fetched."""

import hashlib
import io
import re

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import bench
from baselines.bfcnn import BiasFreeDnCNN
from baselines.dncnn import DnCNN
from baselines.ffdnet import FFDNet
from baselines.weights_io import recognition
from bench.cli import main
from bench.core.errors import BadInput
from bench.engines.plan_transfer import _weights_files
from bench.models import cards, groups, listing, model_specs, published
from bench.models.adapters import for_image
from bench.models.published import PublishedWeights
from bench.noise import noises, training_noise
from bench.runs.store import Store
from tests.baselines.filled import fill
from tests.bench.serving import served

pytestmark = pytest.mark.slow

LISTED = published.weights()
TINY = {"nc": 4, "nb": 3}
# of the list -> below ../shared/weights
FILES = {
    "ffdnet-color": "published/ffdnet_color.pth",
    "bfcnn-dncnn-0-10": "published/bfcnn_dncnn_biasfree_0-10.pt",
    "bfcnn-dncnn-bias-0-10": "published/bfcnn_dncnn_bias_0-10.pt",
    "buifd-dncnn-55": "published/buifd_color_dncnn_55.pth",
    "adnet-color-15": "published/adnet_color_c15.pth",
    "lidia-color-15": "published/lidia_color_15.pt",
    "dncnn-color-blind": "dncnn_color_blind.pth",
    "dncnn-gray-25": "dncnn_gray_sigma25.pth",
    "idf-g15-50": "idf_g_15_50.ckpt",
}


def call(*words):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def stored(network):
    content = io.BytesIO()
    torch.save({"args": range(3), "model": [fill(network).float().state_dict()]}, content)
    return content.getvalue()


CONTENT = {"0-10.pt": stored(BiasFreeDnCNN(**TINY, in_nc=1, out_nc=1)), "bgr.pth": stored(DnCNN(**TINY))}
CONTENT["plain.pth"] = CONTENT["bgr.pth"]


def blob(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@pytest.fixture
def server(impatient):
    with served(CONTENT) as serving:
        yield serving


@pytest.fixture
def toys(server, monkeypatch):
    """A list of a greyscale network of known git blob, one for BGR of known SHA-256, and one of neither."""
    shared = {"licence": "MIT", "paper": "Toy, 2020", "source": "https://toy.example", "data": "toys"}
    toys = [
        PublishedWeights("toy-grey", "bfcnn", f"{server.url}0-10.pt", trained_on="gaussian(sigma=0-10)",
                         git_blob=blob(CONTENT["0-10.pt"]), **shared),
        PublishedWeights("toy-bgr", "dncnn", f"{server.url}bgr.pth", trained_on="gaussian(sigma=15)", note="Odd.",
                         sha256=hashlib.sha256(CONTENT["bgr.pth"]).hexdigest(), channel_order="BGR", **shared),
        PublishedWeights("toy-rgb", "dncnn", f"{server.url}plain.pth", trained_on=["poisson(alpha=1-4)"], **shared,
                         scores=[{"data": "CBSD68", "noise": "gaussian(sigma=15)", "psnr": 31.5}], protocol="float"),
    ]  # fmt: skip
    known = {toy.name: toy for toy in toys}
    monkeypatch.setattr(published, "weights", lambda: known)
    monkeypatch.setattr(published, "PAPER", ("toy-grey", "toy-bgr"))
    return known


@pytest.mark.parametrize("name", LISTED)
def test_what_the_list_states_can_be_used(name):
    entry = LISTED[name]
    assert entry.model == "" or entry.model in cards.networks()
    assert re.search(r"/[0-9a-f]{40}/", entry.url) or "/releases/download/v" in entry.url
    assert re.fullmatch(r"([0-9a-f]{64})?", entry.sha256) and re.fullmatch(r"([0-9a-f]{40})?", entry.git_blob)
    assert entry.licence and entry.paper and entry.source.startswith("https://")
    assert training_noise.parse(entry.trained_on).known and training_noise.of_card(entry.card).known
    assert entry.channel_order in published.ORDERS and entry.white_level == 1
    for score in entry.scores:
        assert score.keys() >= {"data", "noise", "psnr"} and 5 < score["psnr"] < 45
        assert noises.canonical(noises.load_noise(score["noise"])) == score["noise"]
        assert entry.scores_source and entry.protocol != "not stated"
    assert name not in {*cards.models(), *groups.ALIASES, *groups.GROUPS, *published.GROUPS}


def test_names_and_files_are_distinct_and_the_pair_of_the_paper_is_there():
    assert len({entry.url for entry in LISTED.values()}) == len(LISTED) > 40
    assert [LISTED[name].model for name in published.PAPER] == ["ours", "baseline"]


@pytest.mark.parametrize("name", FILES)
def test_the_list_is_that_of_the_published_files(shared, name):
    """Hash, network and white level; what the tensors show agrees."""
    entry, file = LISTED[name], shared / "weights" / FILES[name]
    assert entry.problem(file) == "" and entry.sha256 == published.sha256(file)
    assert entry.git_blob in ("", published.git_blob(file))
    if not entry.model:
        return
    contents = recognition.read(file)
    (match,) = [match for match in recognition.find_matches(contents.tensors) if match.share == 1]
    assert match.name == entry.model


@pytest.mark.parametrize("name", [name for name in FILES if LISTED[name].model])
def test_published_files_run_by_their_name(shared, name, monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path))
    entry = LISTED[name]
    entry.file.parent.mkdir()
    entry.file.symlink_to(shared / "weights" / FILES[name])
    model = model_specs.resolve(name)
    x = torch.rand(1, 3, 24, 28, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert (model.load()(x) - x).abs().max() > 0.01
    assert training_noise.of_card(model.card).text == entry.trained_on and model.paper == entry.paper


@pytest.mark.parametrize("sigma", [25, 65])
def test_a_score_of_the_authors_is_measured_again(shared, sigma, monkeypatch, tmp_path):
    """BUIFD's, for one image of CBSD68: noise clipped, BGR, floats scored; with noise of ours, within 0.1 dB."""
    monkeypatch.setenv("BENCH_HOME", str(tmp_path))
    entry = LISTED["buifd-dncnn-55"]
    entry.file.parent.mkdir()
    entry.file.symlink_to(shared / "weights" / FILES[entry.name])
    file = sorted((shared / "data" / "test" / "CBSD68").iterdir())[0]
    with Image.open(file) as image:
        clean = np.asarray(image.convert("RGB"), np.float64) / 255
    noisy = np.clip(clean + np.random.default_rng(0).normal(0, sigma / 255, clean.shape), 0, 1)
    x = torch.from_numpy(noisy.astype(np.float32)).permute(2, 0, 1)[None]
    with torch.inference_mode():
        output = model_specs.resolve(entry.name).load()(x)[0].permute(1, 2, 0).numpy().clip(0, 1)
    theirs = np.load(shared / "golden" / "published" / "buifd_color_dncnn_55_psnr.npy")[0, sigma // 5 - 1]
    assert -10 * np.log10(np.mean((output - clean) ** 2)) == pytest.approx(theirs, abs=0.1)


def test_fetched_weights_are_a_model_by_their_name(toys, server, photos, tmp_path):
    assert "toy-grey" in call("models", "fetch", "paper").output
    assert [name for name, _ in server.asked] == ["0-10.pt", "bgr.pth"]
    assert published.fetched() == ["toy-grey", "toy-bgr"] and "toy-rgb" not in groups.specs("everything")
    out = tmp_path / "run"
    done = call(
        "run",
        "--models",
        "published",
        "--noise",
        "gaussian(sigma=10)",
        "--data",
        photos,
        "--out",
        out,
        "--metrics",
        "psnr",
        "--limit",
        1,
        "--reference",
        "none",
    )
    assert done.exit_code == 0, done.output
    assert len(server.asked) == 2  # nothing more was downloaded
    with Store.open(out) as store:
        rows = store.rows()
    labels = {"bfcnn(size='full', weights='toy-grey')", "dncnn(size='full', weights='toy-bgr')"}
    assert set(rows["model"]) == labels and (rows["status"] == "ok").all()
    assert call("report", out, "-o", tmp_path / "site").exit_code == 0
    pages = "".join(page.read_text() for page in (tmp_path / "site").rglob("*.html"))
    for shown in ("toy-grey", "toy-bgr", "Toy, 2020", "gaussian(sigma=0-10)", f"{server.url}bgr.pth", "Odd.", "BGR"):
        assert shown in pages, shown


def test_a_group_of_a_stored_run_has_the_published_weights_in_it(toys):
    labels = ["dncnn", "nlm", "my net", "dncnn(size='full', weights='toy-rgb', nc=4)", "bfcnn(weights='other')"]
    assert groups.members("published", labels) == labels[3:4]
    assert groups.members("everything", labels) == ["dncnn", "nlm", labels[3]]
    assert groups.members("classical", labels) == ["nlm"]


def test_what_a_run_does_not_have_it_names_the_command_for(toys, server, photos):
    result = call("run", "--models", "toy-grey", "--data", photos)
    assert result.exit_code == 2 and result.output.endswith("bench models fetch toy-grey\n") and server.asked == []
    shown = call("models", "info", "toy-grey")
    assert shown.exit_code == 0 and "gaussian(sigma=0-10)" in shown.output and server.asked == []
    with pytest.raises(BadInput, match="bench models fetch toy-rgb"):
        bench.load_model("dncnn(weights='toy-rgb')")


@pytest.mark.parametrize("manner", ["stalls", "cuts off"])
def test_a_download_that_breaks_off_is_resumed(toys, server, manner):
    server.manners = [manner, "well"]
    assert toys["toy-grey"].fetch().read_bytes() == CONTENT["0-10.pt"]
    assert server.asked[0][1] is None and server.asked[1][1].startswith("bytes=") and len(server.asked) == 2


def test_what_came_of_a_file_is_kept_for_the_next_attempt(toys, server):
    server.manners = ["stalls"]
    result = call("models", "fetch", "toy-grey")
    assert result.exit_code == 2 and "resume" in result.output and not toys["toy-grey"].is_here
    server.manners = ["well"]
    server.asked.clear()
    assert call("models", "fetch", "toy-grey").exit_code == 0 and server.asked[0][1].startswith("bytes=")


@pytest.mark.parametrize("name", ["toy-grey", "toy-bgr", "toy-rgb"])
def test_another_file_is_refused_however_it_came(toys, server, name):
    """By git blob, by SHA-256, and, of a file without a known hash, what is no weights file."""
    server.manners = ["lies"]
    result = call("models", "fetch", name)
    assert result.exit_code == 2 and result.output.count("\n") <= 2 and not toys[name].is_here
    server.manners = ["lies", "well"]
    assert call("models", "fetch", name).exit_code == 0


@pytest.mark.parametrize("name", ["toy-grey", "toy-bgr", "toy-rgb"])
def test_a_file_that_changes_is_not_used(toys, server, name, photos):
    file = toys[name].fetch()
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    result = call("run", "--models", name, "--data", photos)
    assert result.exit_code == 2 and f"bench models fetch {name}" in result.output
    toys[name].fetch()
    model_specs.resolve(name)


def test_a_file_without_a_hash_is_compared_with_its_first_download(toys, server):
    toy = toys["toy-rgb"]
    toy.fetch()
    assert hashlib.sha256(CONTENT["plain.pth"]).hexdigest()[:12] in toy.check
    assert call("models", "remove", "toy-rgb").exit_code == 0 and not toy.is_here
    server.files["plain.pth"] = stored(DnCNN(nc=4, nb=4))
    result = call("models", "fetch", "toy-rgb")
    assert result.exit_code == 2 and not toy.is_here
    assert call("models", "fetch", "toy-grey", "toy-rgb").exit_code == 2 and toys["toy-grey"].is_here


def test_weights_for_bgr_get_bgr_and_have_other_rows(toys, server):
    for name in ("toy-bgr", "toy-rgb"):
        toys[name].fetch()
    bgr, rgb = (model_specs.resolve(name) for name in ("toy-bgr", "toy-rgb"))
    x = torch.rand(2, 3, 9, 12, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(bgr.load()(x), rgb.load()(x.flip(1)).flip(1))
        assert not torch.allclose(bgr.load()(x), rgb.load()(x), atol=0.01)
    assert bgr.weights_hash != rgb.weights_hash == hashlib.sha256(CONTENT["plain.pth"]).hexdigest()


def test_white_level_and_parameters_that_tensors_do_not_show_count(toys, server, monkeypatch):
    changed = {**toys["toy-rgb"].__dict__, "white_level": 255}
    monkeypatch.setitem(published.weights(), "toy-white", PublishedWeights(**{**changed, "name": "toy-white"}))
    for name in ("toy-rgb", "toy-white"):
        published.weights()[name].fetch()
    white, one = (model_specs.resolve(name) for name in ("toy-white", "toy-rgb"))
    x = torch.rand(1, 3, 9, 12, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(white.load()(x), one.load()(x * 255) / 255)
    assert white.weights_hash != one.weights_hash


def test_training_noise_licence_and_paper_are_those_of_the_list(toys, server):
    toys["toy-rgb"].fetch()
    (model,), _ = model_specs.expand("toy-rgb")
    assert (model.display_name, model.paper, model.licence) == ("toy-rgb", "Toy, 2020", "MIT")
    assert model.card["parameters"] == sum(p.numel() for p in DnCNN(**TINY).parameters())
    (changed,), _ = model_specs.expand("toy-rgb(act_mode='R',nc=4)")
    assert changed.display_name == "toy-rgb(act_mode='R', nc=4)"
    noise = training_noise.of_card(model.card)
    assert noise.covers("poisson(alpha=2)") and not noise.covers("gaussian(sigma=15)")
    shown = call("models", "info", "toy-rgb").output
    assert "31.50 dB" in shown and "poisson(alpha=1-4)" in shown


def test_the_listing_shows_whether_they_are_here(toys, server):
    toys["toy-bgr"].fetch()
    rows = {row["spec"]: row for row in listing.rows()}
    assert (rows["toy-bgr"]["weights_from"], rows["toy-grey"]["weights_from"]) == ("fetched", "to fetch")
    table = pd.read_csv(io.StringIO(call("models", "list", "--format", "csv").output))
    assert set(table.loc[table["spec"].str.startswith("toy"), "licence"]) == {"MIT"}


def test_their_files_go_to_other_machines(toys, server):
    toys["toy-rgb"].fetch()
    files = _weights_files(model_specs.resolve("toy-rgb"))
    assert files.keys() == {"published/toy-rgb.pth", "published/toy-rgb.json"}


def test_their_names_are_reserved_and_those_already_imported_stay(toys, server, tmp_path):
    torch.save(DnCNN(nc=4, nb=5).state_dict(), tmp_path / "a.pth")
    result = call("models", "import", tmp_path / "a.pth", "--as", "toy-rgb")
    assert result.exit_code == 2 and "toy-rgb" in result.output
    assert call("models", "import", tmp_path / "a.pth", "--as", "mine").exit_code == 0
    for suffix in (".json", ".safetensors"):
        (cards.imported_folder() / f"mine{suffix}").rename(cards.imported_folder() / f"toy-rgb{suffix}")
    assert model_specs.resolve("toy-rgb").parameters["nb"] == 5


def test_weights_without_a_network_here_are_fetched_and_say_so(toys, server):
    other = {**toys["toy-rgb"].__dict__, "name": "toy-other", "model": ""}
    published.weights()["toy-other"] = PublishedWeights(**other)
    assert call("models", "fetch", "toy-other").exit_code == 0
    assert published.weights()["toy-other"].is_here and "toy-other" not in published.fetched()
    with pytest.raises(BadInput, match="toy-other.*path/to/file.py"):
        model_specs.resolve("toy-other")


def test_a_file_for_bgr_that_is_named_or_imported_as_rgb_is_told(toys, server, tmp_path):
    for name in ("bgr", "other"):
        (tmp_path / f"{name}.pth").write_bytes(CONTENT["bgr.pth"] if name == "bgr" else CONTENT["0-10.pt"])
        result = call("models", "import", tmp_path / f"{name}.pth", "--as", name)
        assert result.exit_code == 0 and ("--models toy-bgr" in result.output) == (name == "bgr")
    assert "--models toy-bgr" in model_specs.resolve(f"dncnn(weights='{tmp_path}/bgr.pth')").caveat
    assert "--models toy-bgr" in model_specs.resolve("bgr").caveat
    assert "BGR" not in model_specs.resolve("other").caveat


def test_weights_of_a_network_that_takes_the_level_are_tried_with_an_estimate(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    torch.save(FFDNet(nc=4, nb=3).state_dict(), tmp_path / "a.pth")
    assert call("models", "import", tmp_path / "a.pth", "--as", "mine").exit_code == 0
    assert "noisy" in model_specs.resolve(f"ffdnet(weights='{tmp_path}/a.pth')").caveat  # untrained, it is of no use


def test_a_mistyped_name_is_answered_with_the_name():
    with pytest.raises(BadInput, match="masked-denoising"):
        model_specs.resolve("masked-denosing")
    with pytest.raises(BadInput, match="ffdnet-color"):
        published.named(["ffdnet-colour"])


def test_git_names_contents_by_these_hashes(tmp_path):
    """Those of `git hash-object`: an empty file, and "hello"."""
    file = tmp_path / "a"
    for content, expected in (
        (b"", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"),
        (b"hello\n", "ce013625030ba8dba906f756967f9e9ca394464a"),
    ):
        file.write_bytes(content)
        assert published.git_blob(file) == expected


def test_greyscale_images_take_weights_for_bgr_too(toys, server):
    toys["toy-bgr"].fetch()
    grey, network = torch.full((1, 1, 8, 8), 0.5), model_specs.load_model("toy-bgr")
    with torch.inference_mode():
        assert for_image(network, 3, 1)(grey).shape == grey.shape
