"""The quantities in tables and charts."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Measure:
    """A quantity by its column `key` in the summary; `unit` is '' for none, `digits` are the decimals in tables."""

    key: str
    title: str
    unit: str
    digits: int
    higher_is_better: bool
    meaning: str
    definition: str = field(default="", compare=False)  # how it is computed, with its source

    @property
    def heading(self) -> str:
        """Title with the unit: 'PSNR (dB)'."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


PSNR = Measure("psnr", "PSNR", "dB", 2, True, "peak signal-to-noise ratio; higher is better")
SSIM = Measure("ssim", "SSIM", "", 4, True, "structural similarity; higher is better")
LPIPS = Measure("lpips", "LPIPS", "", 4, False, "learned perceptual distance; lower is better")
DROP = Measure(
    "drop",
    "PSNR drop",
    "dB",
    2,
    False,
    "PSNR at the reference noise minus PSNR at this noise; lower is better among models of similar PSNR",
)
