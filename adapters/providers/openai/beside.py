"""OpenAI's APIs beside chat, the provider's side: all of their records."""

from adapters.providers.openai.embeddings import OPENAI_EMBEDDINGS

BESIDE_CHAT = (OPENAI_EMBEDDINGS,)
