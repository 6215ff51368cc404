"""OpenAI's APIs beside chat, the provider's side: all of their records."""

from adapters.providers.openai.audio import AUDIO
from adapters.providers.openai.completions import OPENAI_COMPLETIONS
from adapters.providers.openai.embeddings import OPENAI_EMBEDDINGS
from adapters.providers.openai.images import IMAGES
from adapters.providers.openai.moderations import OPENAI_MODERATIONS

BESIDE_CHAT = (OPENAI_COMPLETIONS, OPENAI_EMBEDDINGS, OPENAI_MODERATIONS, *IMAGES, *AUDIO)
