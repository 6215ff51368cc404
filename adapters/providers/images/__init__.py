"""Images at providers with their own dialect for them, one file for each."""

from adapters.providers.images.google import GOOGLE_IMAGES, VERTEX_IMAGES
from adapters.providers.images.ideogram import IDEOGRAM

IMAGES = (GOOGLE_IMAGES, VERTEX_IMAGES, IDEOGRAM)

__all__ = ["GOOGLE_IMAGES", "IDEOGRAM", "IMAGES", "VERTEX_IMAGES"]
