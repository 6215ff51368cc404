"""Film: a job that is made, asked after, and fetched. What a dialect here says is one step of it."""

from adapters.providers.video.google import GOOGLE_FILM, VERTEX_FILM
from adapters.providers.video.openai import OPENAI_FILM

FILM = (OPENAI_FILM, GOOGLE_FILM, VERTEX_FILM)
