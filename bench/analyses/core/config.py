"""Configuration of an analysis: patches of data sets, protocol, seed, device and run folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bench import datasets as data_sets
from bench import protocols, spec
from bench.analyses.core import measurements
from bench.analyses.core.patches import Patches, cut
from bench.core.environment import device_of
from bench.core.errors import BadInput
from bench.core.files import StoreFull
from bench.protocols import Protocol
from bench.runs import contents
from bench.runs.selection import start_entries
from bench.runs.store import ROWS_FILE, Store

DEFAULT_OUT = Path("runs/latest")


@dataclass(frozen=True)
class Config:
    """The patches that models are applied to, how their noise is made and stored, the device and the run folder."""

    patches: Patches
    protocol: Protocol
    seed: int
    device: torch.device
    out: Path

    @property
    def settings(self) -> dict[str, Any]:
        """For saved results: what is needed to make the same patches again."""
        images = len({patch.image for patch in self.patches.patches})
        return {
            "datasets": list(self.patches.datasets),
            **self._patches,
            "overlapping": self.patches.overlapping,
            "images": images,
            "pixels": self.patches.pixels,
            "protocol": self.protocol.name,
            "seed": self.seed,
            "device": str(self.device),
        }

    def columns(self, **settings: Any) -> dict[str, Any]:
        """Columns of a measurement: data set, protocol, device, and `settings` with those of the patches."""
        text = measurements.settings_text({**self._patches, "pixels": self.patches.pixels, **settings})
        return {
            "dataset": ", ".join(self.patches.datasets),
            "protocol": self.protocol.name,
            "settings": text,
            "device": str(self.device),
        }

    @property
    def _patches(self) -> dict[str, Any]:
        """Of greyscale patches the channels too: older versions measured them as colour, and these numbers differ."""
        grey = {"channels": 1} if self.patches.channels == 1 else {}
        return {"patches": len(self.patches.patches), "side": self.patches.side, **grey}


def configure(
    datasets: str | None = None,
    data: Sequence[Path] = (),
    patches: int = 96,
    side: int = 128,
    protocol: str = "stored",
    seed: int = 0,
    device: str = "auto",
    out: Path = DEFAULT_OUT,
) -> Config:
    """A `Config` from the options of a command; without data sets those of the run in `out`, else builtin.

    datasets, data   data set specs, and folders of images
    patches, side    number of patches, and their side in pixels

    Raises BadInput.
    """
    loaded = load_data(datasets, data, out)
    names = [dataset.name for dataset in loaded]
    if len(set(names)) < len(names):
        raise BadInput(f"expected data sets of different names, got {max(names, key=names.count)!r} twice")
    if (out / ROWS_FILE).is_file():
        with Store.open(out) as store:
            contents.check_same_pictures(store.connection, loaded, out)
    return Config(cut(loaded, patches, side), protocols.load_protocol(protocol), seed, device_of(device), out)


def load_data(datasets: str | None, data: Sequence[Path], out: Path) -> list[data_sets.Dataset]:
    """The data sets of the options; without any, those that were evaluated last in the run `out`, else builtin."""
    if sources := [*spec.split(datasets or ""), *data]:
        return [data_sets.load_dataset(source) for source in sources]
    names = ["builtin"]
    if (out / ROWS_FILE).is_file():
        with Store.open(out) as store:
            runs = start_entries(store)
        names = [dataset["name"] for dataset in runs[-1]["datasets"]] if runs else names
    try:
        return [data_sets.load_dataset(name) for name in names]
    except BadInput as error:
        raise BadInput(
            f"expected the data sets of the run {out} ({', '.join(names)}), got none under these names: name their "
            f"folder with --data, or others with --datasets ({error})"
        ) from error


@contextmanager
def open_store(out: Path) -> Iterator[Store]:
    """The store of a run folder, for writing. Raises BadInput if it cannot be written."""
    try:
        with Store.create(out) as store:
            yield store
    except StoreFull as error:
        raise BadInput(f"{error}: free some space, or name another folder with --out") from None
