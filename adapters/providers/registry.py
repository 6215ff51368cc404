"""All dialects of providers."""

from adapters.providers.anthropic import ANTHROPIC
from adapters.providers.anthropic.count_tokens import ANTHROPIC_COUNT_TOKENS
from adapters.providers.bedrock import BEDROCK, BEDROCK_INVOKE
from adapters.providers.cohere import COHERE
from adapters.providers.embeddings import EMBEDDINGS
from adapters.providers.google import GOOGLE, GOOGLE_COUNTING, GOOGLE_VERTEX
from adapters.providers.images import IMAGES
from adapters.providers.ollama import OLLAMA
from adapters.providers.openai import OPENAI
from adapters.providers.openai.media_endpoints import OTHER_ENDPOINTS
from adapters.providers.openai_responses import RESPONSES
from adapters.providers.rerank import RERANK
from adapters.providers.video import VIDEO

_CHAT = (OPENAI, RESPONSES, ANTHROPIC, BEDROCK, BEDROCK_INVOKE, GOOGLE, GOOGLE_VERTEX, COHERE, OLLAMA)
_ALL = (*_CHAT, ANTHROPIC_COUNT_TOKENS, GOOGLE_COUNTING, *OTHER_ENDPOINTS, *EMBEDDINGS, *IMAGES, *VIDEO, *RERANK)

DIALECTS = {dialect.name: dialect for dialect in _ALL}
