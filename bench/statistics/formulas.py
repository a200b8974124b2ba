"""All formulas of the statistics as data, for the methodology page, for `bench compare --formulas`, and for papers."""

from __future__ import annotations

from dataclasses import dataclass

from bench.noise.level_check import NEARLY_CLEAN_PSNR


@dataclass(frozen=True)
class Formula:
    """A quantity: its name, its formula in plain characters, an explanation, and its source."""

    name: str
    formula: str
    explanation: str
    source: str = ""


FORMULAS = (
    Formula(
        "Mean",
        "mean of x(i) over images i",
        "Seeds of an image are averaged first. Failed rows are excluded.",
    ),
    Formula(
        "In distribution, out of distribution (OOD)",
        "a noise is in distribution for a model if it is in the model's training noise: the same noise, with "
        "minimum <= parameter <= maximum",
        "The card of a model states its training noise, such as gaussian(sigma=0-55); Gaussian noise at a level "
        "outside that range is OOD. For training-free methods, Gaussian 15 is in distribution, because their "
        "parameters were chosen at this level. If the training noise is unknown, every noise except the reference "
        "noise counts as OOD.",
    ),
    Formula(
        "Group",
        "models with the same training noise",
        "Ranks, bold type and the headline compare models within a group. The first group has the models trained on "
        "the reference noise and the training-free methods. All models of a group are compared on the same noises: "
        "those that are OOD for all of them.",
    ),
    Formula(
        "OOD mean",
        "mean over the noise settings that are OOD for all models of the group, then over images",
        "Over the images with a score at each of these settings. Settings that are nearly clean (mean PSNR of the "
        f"noisy input >= {NEARLY_CLEAN_PSNR:g} dB) are excluded.",
    ),
    Formula(
        "Best model, statistically tied",
        "the model with the highest OOD mean of PSNR, and all models for which the 95% interval of the paired "
        "difference from it includes zero",
        "A model is below the noisy input if its mean is lower than that of the noisy input over the same images and "
        "settings.",
    ),
    Formula(
        "PSNR drop",
        "d(i) = PSNR(i, reference noise) - PSNR(i, noise)",
        "In dB, paired by image. Models are ranked by it only if they are near the best: mean(m) >= mean(noisy input), "
        "and mean(best) - mean(m) <= 1 dB or m is statistically tied with the best, where mean is the OOD mean of PSNR "
        "within the group. The drop of a model with low PSNR under every noise is small.",
    ),
    Formula(
        "95% interval",
        "BCa bootstrap of the mean over images: 9,999 resamples of P photographs, quantiles at "
        "Phi(z0 + (z0 + z) / (1 - a (z0 + z))), z = -/+ sqrt(P / (P - 1)) t(0.975, P - 1)",
        "Photographs are resampled with replacement, each with all of its crops; z0 corrects for bias, a for skewness "
        "(jackknife over photographs). The t quantile instead of 1.96 widens the interval for few photographs: for "
        "normal values it covers the mean in 94 of 100 cases with 7 photographs (plain BCa: 87), in 76 with 3. No "
        "interval for fewer than 3.",
        "Efron, JASA 1987; Hesterberg, The American Statistician 2015",
    ),
    Formula(
        "Difference",
        "d(i) = x(i, one side) - x(i, other side)",
        "Paired by image on the same noisy pixels; its 95% interval is that of the mean of d. It covers the variation "
        "over photographs, not over trainings.",
    ),
    Formula(
        "p, permutation test",
        "share of the sign flips s with |sum over photographs j of s(j) d(j)| >= |sum of d(j)|",
        "Two-sided; d(j) is the sum over the images of photograph j. All 2^P sign flips up to 13 photographs, so that "
        "p >= 2 / 2^P (0.016 for 7); otherwise 9,999 random flips and the observed one. It tests the mean, as the "
        "interval does.",
        "Pitman, 1937",
    ),
    Formula(
        "p, Wilcoxon test",
        "signed-rank test of the mean differences of photographs",
        "With --test wilcoxon. Less sensitive to single photographs; it tests for symmetry about zero, not for a zero "
        "mean.",
        "Wilcoxon, 1945 (scipy.stats.wilcoxon)",
    ),
    Formula(
        "p, Holm",
        "for the k-th smallest of m p values: maximum over j <= k of (m - j + 1) p(j), at most 1",
        "Correction for multiple testing within each metric, separately for single noises and OOD means; comparisons "
        "with equal scores on all images are not counted. It controls the family-wise error rate.",
        "Holm, Scandinavian Journal of Statistics 1979",
    ),
    Formula(
        "Variation over trainings",
        "sd = sqrt(s(one side)^2 + s(other side)^2); minimum and maximum over all pairs of trainings",
        "s is the standard deviation of the means of one side's trainings (0 for a single training). This is the "
        "variation of the difference between single trainings, which the 95% interval does not cover.",
    ),
    Formula(
        "Rank",
        "from 1 + (number of models that are significantly better) to (number of models) - (number that are "
        "significantly worse)",
        "Significantly: the 95% interval of the paired difference excludes zero. Not corrected for multiple testing.",
    ),
    Formula(
        "Mean rank",
        "mean over images of the rank among the models, 1 is best",
        "Over the images with a score of all models; ties get the mean of their ranks. The 95% interval is over "
        "photographs.",
        "Friedman, JASA 1937",
    ),
    Formula(
        "Relative error",
        "mean over noises c of (sum over levels l of e(model, c, l)) / (sum over l of e(baseline, c, l))",
        "After the mean corruption error (mCE): e is the mean over images of the RMSE in 8-bit levels, "
        "255 / 10^(PSNR / 20), over OOD noises. It is 1 for baseline; lower is better. The 95% interval is over "
        "photographs, jointly for all noises.",
        "after Hendrycks and Dietterich, ICLR 2019",
    ),
)


def text() -> str:
    """All formulas as plain text, one paragraph each."""
    parts = (
        f"{one.name}: {one.formula}\n  {one.explanation}" + (f" ({one.source})" if one.source else "")
        for one in FORMULAS
    )
    return "\n\n".join(parts)
