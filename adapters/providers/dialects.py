"""All dialects that providers are spoken to in."""

from adapters.providers.anthropic import ANTHROPIC
from adapters.providers.anthropic.counting import ANTHROPIC_COUNT_TOKENS
from adapters.providers.bedrock import BEDROCK, BEDROCK_INVOKE
from adapters.providers.cohere import COHERE
from adapters.providers.embeddings import EMBEDDINGS
from adapters.providers.film import FILM
from adapters.providers.google import GOOGLE, GOOGLE_COUNTING, GOOGLE_VERTEX
from adapters.providers.ollama import OLLAMA
from adapters.providers.openai import OPENAI
from adapters.providers.openai.beside import BESIDE_CHAT
from adapters.providers.pictures import PICTURES
from adapters.providers.rerank import RERANK
from adapters.providers.responses import RESPONSES

_CHAT = (OPENAI, RESPONSES, ANTHROPIC, BEDROCK, BEDROCK_INVOKE, GOOGLE, GOOGLE_VERTEX, COHERE, OLLAMA)
_ALL = (*_CHAT, ANTHROPIC_COUNT_TOKENS, GOOGLE_COUNTING, *BESIDE_CHAT, *EMBEDDINGS, *PICTURES, *FILM, *RERANK)

DIALECTS = {dialect.name: dialect for dialect in _ALL}
