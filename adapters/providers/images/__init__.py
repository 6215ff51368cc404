"""How pictures are asked for at providers that do not speak OpenAI's dialect of it, one file for each."""

from adapters.providers.images.google import GOOGLE_PICTURES, VERTEX_PICTURES
from adapters.providers.images.ideogram import IDEOGRAM

PICTURES = (GOOGLE_PICTURES, VERTEX_PICTURES, IDEOGRAM)

__all__ = ["GOOGLE_PICTURES", "IDEOGRAM", "PICTURES", "VERTEX_PICTURES"]
