"""All records of OpenAI's APIs other than chat, on the provider's side."""

from adapters.providers.openai.audio import AUDIO
from adapters.providers.openai.completions import OPENAI_COMPLETIONS
from adapters.providers.openai.embeddings import OPENAI_EMBEDDINGS
from adapters.providers.openai.images import IMAGES
from adapters.providers.openai.moderations import OPENAI_MODERATIONS

OTHER_ENDPOINTS = (OPENAI_COMPLETIONS, OPENAI_EMBEDDINGS, OPENAI_MODERATIONS, *IMAGES, *AUDIO)
