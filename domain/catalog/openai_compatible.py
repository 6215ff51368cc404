"""The vendors that are compatible with OpenAI's chat completions, each as its documentation describes it, as data."""

from domain.catalog.vendor import EXTENSIONS, RESPONSES, Vendor
from domain.dialects.tool_call_ids import MISTRAL_IDS, OPENAI_CHAT_IDS

NOT_IN_OPENAIS_MESSAGES = (
    *EXTENSIONS,
    *("reasoning_content", "reasoning", "thinking_blocks", "provider_specific_fields", "cache_control"),
)
"""Fields of compatible servers and of clients, which OpenAI rejects as unknown parameters."""

# Fields that are not in https://docs.mistral.ai/api/endpoint/chat are "extra_forbidden" there (422).
_STRANGE_TO_MISTRAL = (
    *("user", "store", "logprobs", "top_logprobs", "logit_bias", "service_tier", "safety_identifier", "modalities"),
    "verbosity",
)
# A message's fields at https://docs.mistral.ai/api/endpoint/chat, whose schemas are closed.
_MISTRALS_MESSAGES = (
    ("system", ("role", "content")),
    ("user", ("role", "content")),
    ("assistant", ("role", "content", "tool_calls", "prefix")),
    ("tool", ("role", "content", "tool_call_id", "name")),
)
# https://console.groq.com/docs/api-reference#chat-create; "property 'reasoning_content' is unsupported", and
# `reasoning` is for some models only.
_GROQS_MESSAGES = (
    ("system", ("role", "content", "name")),
    ("user", ("role", "content", "name")),
    ("assistant", ("role", "content", "name", "tool_calls", "reasoning")),
    ("tool", ("role", "content", "tool_call_id", "name")),
)
# https://inference-docs.cerebras.ai/api-reference/chat-completions; "property … is unsupported" for any other.
_CEREBRAS_MESSAGES = (
    ("system", ("role", "content", "name")),
    ("developer", ("role", "content", "name")),
    ("user", ("role", "content", "name")),
    ("assistant", ("role", "content", "name", "tool_calls", "reasoning")),
    ("tool", ("role", "content", "tool_call_id", "name")),
)

COMPATIBLE = (
    # It ignores unknown fields, so a cap under another name would bound nothing. With tools, a turn without its
    # reasoning is refused: https://api-docs.deepseek.com/guides/thinking_mode
    Vendor(
        name="deepseek",
        base_url="https://api.deepseek.com",
        also=(RESPONSES,),
        env="DEEPSEEK_API_KEY",
        patterns=("deepseek",),
        caps=("max_tokens",),
        reasoning_by="thinking",
        reasoning_in="reasoning_content",
        needs_reasoning=True,
        silent=("deepseek-chat",),
        defects=("usage-with-choices",),
        message_lacks=(*EXTENSIONS, "cache_control"),
    ),
    Vendor(
        name="xai",
        base_url="https://api.x.ai/v1",
        also=(RESPONSES,),
        env="XAI_API_KEY",
        patterns=("grok",),
        caps=("max_completion_tokens", "max_tokens"),
    ),
    Vendor(
        name="mistral",
        base_url="https://api.mistral.ai/v1",
        env="MISTRAL_API_KEY",
        patterns=("mistral", "ministral", "magistral", "codestral", "devstral", "pixtral"),
        caps=("max_tokens",),
        renames=(("seed", "random_seed"), ("dimensions", "output_dimension")),
        lacks=_STRANGE_TO_MISTRAL,
        reports_usage=True,
        reasoning_in="content",
        call_ids=MISTRAL_IDS,
        message_takes=_MISTRALS_MESSAGES,
        defects=("content-parts", "null-calls", "call-types", "usage-with-choices"),
    ),
    Vendor(
        # https://docs.z.ai/guides/capabilities/thinking-mode; it reports usage without being asked.
        name="zai",
        base_url="https://api.z.ai/api/paas/v4",
        env="ZAI_API_KEY",
        patterns=("glm",),
        caps=("max_tokens",),
        reports_usage=True,
        reasoning_by="thinking",
        reasoning_in="reasoning_content",
    ),
    Vendor(
        name="doubao",
        base_url="https://ark.cn-beijing.volces.com/api/v3",
        env="DOUBAO_API_KEY",
        patterns=("doubao",),
        # `max_tokens` bounds the answer without the reasoning, which is charged as well:
        # https://www.volcengine.com/docs/82379/1494384
        caps=("max_completion_tokens",),
        reasoning_by="thinking",
        reasoning_in="reasoning_content",
    ),
    Vendor(
        # https://openrouter.ai/docs/use-cases/reasoning-tokens
        name="openrouter",
        base_url="https://openrouter.ai/api/v1",
        also=(RESPONSES,),
        env="OPENROUTER_API_KEY",
        developer=True,
        reports_cost=True,
        reasoning_by="reasoning",
        reasoning_in="reasoning_details",
        message_lacks=("provider_blocks", "extra_content"),
        defects=("usage-with-choices", "second-finish"),
    ),
    Vendor(
        # https://console.groq.com/docs/openai
        name="groq",
        base_url="https://api.groq.com/openai/v1",
        env="GROQ_API_KEY",
        caps=("max_completion_tokens", "max_tokens"),
        lacks=("logprobs", "logit_bias", "top_logprobs", "safety_identifier", "prompt_cache_key", "verbosity"),
        message_takes=_GROQS_MESSAGES,
        defects=("no-content", "usage-with-choices"),
    ),
    Vendor(
        # https://inference-docs.cerebras.ai/resources/openai
        name="cerebras",
        base_url="https://api.cerebras.ai/v1",
        env="CEREBRAS_API_KEY",
        caps=("max_completion_tokens", "max_tokens"),
        lacks=("frequency_penalty", "presence_penalty", "logit_bias", "prompt_cache_key", "verbosity", "store"),
        reasoning_in="reasoning",
        message_takes=_CEREBRAS_MESSAGES,
        defects=("no-content",),
    ),
    Vendor(
        name="together",
        base_url="https://api.together.xyz/v1",
        env="TOGETHER_API_KEY",
        caps=("max_tokens",),
    ),
    Vendor(
        name="fireworks",
        base_url="https://api.fireworks.ai/inference/v1",
        env="FIREWORKS_API_KEY",
        caps=("max_tokens",),
        reasoning_in="reasoning_content",
    ),
    Vendor(
        name="huggingface",
        base_url="https://router.huggingface.co/v1",
        env="HF_TOKEN",
        caps=("max_tokens",),
    ),
    Vendor(name="poe", base_url="https://api.poe.com/v1", env="POE_API_KEY"),
    Vendor(
        name="crusoe",
        base_url="https://api.inference.crusoecloud.com/v1",
        env="CRUSOE_API_KEY",
        reasoning_in="reasoning",
    ),
    Vendor(
        # https://docs.snowflake.com/en/user-guide/snowflake-cortex/open_ai_sdk
        name="snowflake",
        base_url="https://ACCOUNT.snowflakecomputing.com/api/v2/cortex/v1",
        env="SNOWFLAKE_PAT",
        hosts=(".snowflakecomputing.com",),
        caps=("max_completion_tokens", "max_tokens"),
        reasoning_by="reasoning",
        reasoning_in="reasoning_details",
        message_lacks=("provider_blocks", "extra_content"),
        defects=("null-calls", "empty-finish"),
    ),
    Vendor(
        # https://learn.microsoft.com/en-us/azure/ai-foundry/openai/api-version-lifecycle; a deployment of the
        # older kind is https://RESOURCE.openai.azure.com/openai/deployments/{model}?api-version=2024-10-21.
        name="azure",
        base_url="https://RESOURCE.openai.azure.com/openai/v1",
        also=(RESPONSES,),
        env="AZURE_OPENAI_API_KEY",
        hosts=(".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"),
        key_header="api-key",
        caps=("max_completion_tokens", "max_tokens"),
        developer=True,
        call_ids=OPENAI_CHAT_IDS,
        message_lacks=NOT_IN_OPENAIS_MESSAGES,
    ),
    # Bedrock's endpoint that is compatible with OpenAI's: https://docs.aws.amazon.com/bedrock/latest/userguide/endpoints.html
    Vendor(
        name="bedrock-mantle",
        base_url="https://bedrock-mantle.us-east-1.api.aws/v1",
        also=(RESPONSES,),
        env="BEDROCK_MANTLE_API_KEY",
        caps=("max_completion_tokens", "max_tokens"),
    ),
    # https://docs.ollama.com/api/openai-compatibility; it ignores unknown fields.
    Vendor(name="ollama", base_url="http://127.0.0.1:11434/v1", caps=("max_tokens",)),
)
