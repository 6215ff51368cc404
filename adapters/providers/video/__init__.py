"""Video: a job that is created, polled and downloaded. Each function of a dialect here returns one step of it."""

from adapters.providers.video.google import GOOGLE_VIDEO, VERTEX_VIDEO
from adapters.providers.video.openai import OPENAI_VIDEO

VIDEO = (OPENAI_VIDEO, GOOGLE_VIDEO, VERTEX_VIDEO)
