"""Video: a job that is made, asked after, and fetched. What a dialect here says is one step of it."""

from adapters.providers.video.google import GOOGLE_VIDEO, VERTEX_VIDEO
from adapters.providers.video.openai import OPENAI_VIDEO

VIDEO = (OPENAI_VIDEO, GOOGLE_VIDEO, VERTEX_VIDEO)
