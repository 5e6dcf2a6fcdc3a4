"""How small a layer's tensors are as bundles."""

from ...hw.snap.config import SnapConfig
from ...sim.formats.bundles import ActivationBundles, WeightBundles
from ..jobs import Job

__all__ = ["compression"]


def compression(config: SnapConfig, job: Job) -> dict[str, float | None]:
    """Size of a job's tensors as bundles: bits for each non-zero (None without any), and size against dense."""
    product = job.convolution is None
    images = job.a[:, None, None] if product else job.a
    weights = WeightBundles.encode(job.b[None, None] if product else job.b, config.channel_tile)
    # A batch is a high image: bundles are pixels, wherever they are.
    activations = ActivationBundles.encode(images.reshape(-1, *images.shape[2:]), config.channel_tile)
    figures: dict[str, float | None] = {}
    for name, report in (("ia", activations.report(config.data_bits)), ("w", weights.report(config.data_bits))):
        bits = report.bits_per_non_zero
        figures[f"{name}_bits_per_non_zero"] = round(bits, 2) if report.non_zeros else None
        figures[f"{name}_size_against_dense"] = round(report.ratio, 4)
    return figures
