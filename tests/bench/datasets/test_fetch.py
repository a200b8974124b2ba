"""Downloads from a server on this machine: one that works, and ones that stall, cut off, and send something else."""

import hashlib
import io
import re
import tarfile
import warnings
import zipfile

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from bench.cli import main
from bench.core.errors import BadInput
from bench.datasets import archives, fetch, load_dataset, public
from bench.datasets.locations import locate
from bench.datasets.public import Archive, PublicSet
from tests.bench.serving import served


def png(seed):
    content = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(content, "png")
    return content.getvalue()


FILES = {f"{name}.png": png(seed) for seed, name in enumerate("abc")}


@pytest.fixture
def server(impatient):
    with served(FILES) as serving:
        yield serving


@pytest.fixture
def toy(server, monkeypatch, tmp_path):
    """A public set of three files, with a published list."""
    lists = tmp_path / "lists"
    lists.mkdir()
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in FILES.items()]
    (lists / "Toy.sha256").write_text("".join(lines))
    monkeypatch.setattr(public, "MANIFESTS", lists)
    toy = PublicSet("Toy", "test", "three pictures", 3, "none", "nobody", "https://toy.example", base=server.url)
    monkeypatch.setitem(public.PUBLIC, "Toy", toy)
    return toy


def test_what_is_missing_is_fetched_and_compared(toy, server):
    folder = fetch.fetch(toy)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == FILES
    assert locate("Toy") == folder and len(load_dataset("Toy").images) == 3
    (folder / "b.png").unlink()
    (folder / "c.png").write_bytes(b"broken")
    server.asked.clear()
    fetch.fetch(toy)
    assert [name for name, _ in server.asked] == ["b.png", "c.png"]
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == FILES


@pytest.mark.parametrize("manner", ["stalls", "cuts off"])
def test_what_breaks_off_is_taken_up(toy, server, manner):
    server.manners = [manner, "well"]
    folder = fetch.fetch(toy)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == FILES
    assert [name for name, _ in server.asked] == ["a.png", "a.png", "b.png", "c.png"]
    came = int(server.asked[1][1].removeprefix("bytes=").removesuffix("-"))
    assert server.asked[0][1] is None and 0 < came <= len(FILES["a.png"]) // 2


def test_a_server_that_never_ends_is_left_and_what_came_is_kept(toy, server):
    server.manners = ["stalls"]
    with pytest.raises(BadInput, match=r"^Toy: .*0.3 s.*resume$"):
        fetch.fetch(toy)
    assert len(server.asked) == 4  # once, and three times more
    server.manners = ["well"]
    server.asked.clear()
    fetch.fetch(toy)
    assert server.asked[0][1].startswith("bytes=")  # from where it was left


@pytest.mark.parametrize("manner", ["no ranges", "wrong range"])
def test_a_server_that_does_not_send_the_rest_sends_the_whole(toy, server, manner):
    server.manners = ["cuts off", manner, "well"]
    assert {file.name: file.read_bytes() for file in fetch.fetch(toy).iterdir()} == FILES


def test_a_part_longer_than_the_file_is_thrown_away(toy, server, tmp_path):
    part = tmp_path / "home/downloads/Toy/a.png.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(FILES["a.png"] + b"more")
    assert (fetch.fetch(toy) / "a.png").read_bytes() == FILES["a.png"]


def test_another_file_is_never_kept(toy, server):
    server.manners = ["lies"]
    with pytest.raises(BadInput, match="^Toy: expected the published files.*https://toy.example"):
        fetch.fetch(toy)
    assert not list((fetch.download_folder("Toy")).glob("*.png"))
    server.manners = ["lies", "well"]  # once only: it is asked again
    assert {file.name: file.read_bytes() for file in fetch.fetch(toy).iterdir()} == FILES


def test_what_is_gone_is_not_asked_for_again(toy, server):
    server.manners = ["gone"]
    with pytest.raises(BadInput, match="404 Not Found.*https://toy.example.*bench data add"):
        fetch.fetch(toy)
    assert len(server.asked) == 1


def test_no_server_is_one_line(toy, server, monkeypatch):
    import dataclasses

    nobody = dataclasses.replace(toy, base="http://127.0.0.1:9/")
    monkeypatch.setitem(public.PUBLIC, "Toy", nobody)
    result = CliRunner().invoke(main, ["data", "fetch", "Toy"])
    assert result.exit_code == 2
    assert re.match("Error: Toy: .*refused the connection", result.output.splitlines()[-1])


def packed(kind, members):
    """An archive of (name, content or a link's target)."""
    content = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(content, "w") as archive:
            for name, data in members:
                info = zipfile.ZipInfo(name)
                if isinstance(data, str):
                    info.external_attr = 0o120777 << 16
                with warnings.catch_warnings(action="ignore"):  # of two files of one name
                    archive.writestr(info, data)
    else:
        with tarfile.open(fileobj=content, mode="w:gz") as archive:
            for name, data in members:
                info = tarfile.TarInfo(name)
                if isinstance(data, str):
                    info.type, info.linkname = tarfile.SYMTYPE, data
                    archive.addfile(info)
                else:
                    info.size = len(data)
                    archive.addfile(info, io.BytesIO(data))
    return content.getvalue()


GOOD = [
    *((f"set/images/{name}", content) for name, content in FILES.items()),
    ("set/read me.txt", b"no image"),
    ("set/other/d.png", FILES["a.png"]),
]
every_kind = pytest.mark.parametrize("kind", ["zip", "tar"])


def archived(server, monkeypatch, kind, members, files=3):
    server.files["set.bin"] = packed(kind, members)
    made = PublicSet(
        "Big",
        "training",
        "in an archive",
        files,
        "none",
        "nobody",
        "https://big.example",
        archive=Archive(f"{server.url}set.bin", kind, ("set/images",)),
    )
    monkeypatch.setitem(public.PUBLIC, "Big", made)
    return made


@every_kind
@pytest.mark.parametrize("manner", ["well", "no ranges", "wrong range"])  # no hash is there to notice what went wrong
def test_archives(server, monkeypatch, kind, manner, tmp_path):
    big = archived(server, monkeypatch, kind, GOOD)
    server.manners = ["cuts off", manner, "well"]
    result = CliRunner().invoke(main, ["data", "fetch", "Big"])
    assert result.exit_code == 0, result.output
    folder = fetch.download_folder("Big")
    assert {file.name: file.read_bytes() for file in folder.glob("*.png")} == FILES
    assert server.asked[1][1].startswith("bytes=") and not (tmp_path / "home/downloads/Big").exists()
    assert "match their download" in result.output
    server.asked.clear()
    assert fetch.fetch(big) == folder and not server.asked
    assert CliRunner().invoke(main, ["data", "check", "Big"]).exit_code == 0
    (folder / "b.png").write_bytes(FILES["a.png"])
    result = CliRunner().invoke(main, ["data", "check", "Big"])
    assert result.exit_code == 2 and "(b.png)" in result.output


@every_kind
@pytest.mark.parametrize(
    ("member", "words"),
    [
        (("../evil.png", FILES["a.png"]), "../evil.png"),
        (("set/images/../../../evil.png", FILES["a.png"]), "evil.png"),
        (("/tmp/evil.png", FILES["a.png"]), "/tmp/evil.png"),
        (("..\\evil.png", FILES["a.png"]), "evil.png"),
        (("set/images/link.png", "/etc/passwd"), "set/images/link.png"),
        (("set/images/a.png", FILES["b.png"]), "two"),
        (("set/images/huge.png", bytes(2**20)), "20 times"),
    ],
    ids=["dots", "inner dots", "absolute", "backslash", "link", "twice", "bomb"],
)
def test_archives_that_are_not_unpacked(tmp_path, kind, member, words, monkeypatch):
    monkeypatch.setattr(archives, "EXTRA_BYTES", 1000)
    if kind == "zip" and "huge" in member[0]:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(*member)
        data = content.getvalue()
    else:
        data = packed(kind, [*GOOD, member])
    archive, target = tmp_path / "set.bin", tmp_path / "deep/er/target"
    archive.write_bytes(data)
    target.mkdir(parents=True)
    with pytest.raises(BadInput, match=words.replace("/", ".")):
        archives.unpack(archive, kind, ("set/images",), {".png"}, target)
    outside = [path for path in tmp_path.rglob("*evil*")] + [path for path in target.rglob("*") if path.is_symlink()]
    assert not outside


@every_kind
def test_archives_of_something_else(server, monkeypatch, kind, tmp_path):
    big = archived(server, monkeypatch, kind, GOOD, files=4)
    with pytest.raises(BadInput, match="set.bin: .* 4 images in set/images, got 3"):
        fetch.fetch(big)
    assert not fetch.download_folder("Big").exists() and not list((tmp_path / "home/data").iterdir())
    server.files["set.bin"] = b"<html>please log in</html>"
    with pytest.raises(BadInput, match="set.bin"):
        fetch.fetch(big)
    server.files["set.bin"] = packed(kind, GOOD)[:-700]
    with pytest.raises(BadInput, match="set.bin"):
        fetch.fetch(big)
    server.files["set.bin"] = packed(kind, [*GOOD, ("set/images/d.png", FILES["a.png"])])
    assert len(list(fetch.fetch(big).glob("*.png"))) == 4  # a fresh start


def test_sets_without_a_download_say_where_they_are():
    for name in ("WED", "SIDD-val", "Urban100", "Kodak24-full"):
        with pytest.raises(BadInput, match=rf"{name}.*https://.*bench data add {name}"):
            fetch.fetch(public.PUBLIC[name])


def test_every_public_set_is_described(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path))
    monkeypatch.delenv("BENCH_DATA", raising=False)
    wanted = {
        "CBSD68",
        "Kodak24",
        "Kodak24-full",
        "McMaster",
        "Urban100",
        "DIV2K",
        "Flickr2K",
        "BSDS400",
        "WED",
        "SIDD-val",
    }
    assert wanted <= set(public.PUBLIC)
    for name, known in public.PUBLIC.items():
        assert known.licence and known.citation and known.home.startswith("https://") and known.title
        assert known.use in ("test", "training", "pairs") and known.files > 0
        assert len(known.manifest) in (0, known.files) and not (known.base and known.archive)
        if known.base:
            assert known.manifest and known.base.endswith("/")
        about = CliRunner().invoke(main, ["data", "list", name])
        assert about.exit_code == 0 and known.licence in about.output and known.citation in about.output
    listed = CliRunner().invoke(main, ["data", "list"]).output
    assert "bench data fetch CBSD68" in listed and "Kodak24-full" in listed


def test_check_reads_every_image(photos, tmp_path):
    result = CliRunner().invoke(main, ["data", "check", str(photos)])
    assert result.exit_code == 0 and "4 images" in result.output
    (photos / "c.png").write_bytes((photos / "c.png").read_bytes()[:200])
    result = CliRunner().invoke(main, ["data", "check", str(photos)])
    assert result.exit_code == 2 and "1 of 4 images" in result.output and "c.png" in result.output
    for name in ("noisy", "clean"):
        (tmp_path / "pairs" / name).mkdir(parents=True)
        Image.new("RGB", (12, 12 if name == "clean" else 13)).save(tmp_path / "pairs" / name / "x.png")
    result = CliRunner().invoke(main, ["data", "check", str(tmp_path / "pairs")])
    assert result.exit_code == 2 and all(text in result.output for text in ("x.png", "12x13", "12x12"))
