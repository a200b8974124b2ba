"""Which noise of the zoo lies between pairs of images, and at what level: `identify(pairs)`."""

from noise_zoo.identification.identify import Identification, identify

__all__ = ["Identification", "identify"]
