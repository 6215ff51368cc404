"""Amazon Bedrock's Converse and ConverseStream, as a provider; `invoke` is its older API for Claude.

House rule: no caller uses this dialect, so every request is encoded (`encode`, `turns`, `tools`, `families`, `media`,
`provider_blocks`, `citations`, `names`), or refused by name (`refuse`), and every answer is converted to events
(`blocks`, `stream`, `usage`, `failure`). Signature and framing are botocore's (`signing`, `framing`).

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

from urllib.parse import quote

from adapters.providers.bedrock.blocks import decode
from adapters.providers.bedrock.encode import encode
from adapters.providers.bedrock.failure import NAME, failure
from adapters.providers.bedrock.framing import EventStreamFramer
from adapters.providers.bedrock.invoke import BEDROCK_INVOKE
from adapters.providers.bedrock.refuse import refuses, unsupported_fields
from adapters.providers.bedrock.signing import headers, sign
from adapters.providers.bedrock.stream import start, step
from adapters.providers.dialect import ProviderDialect

__all__ = ["BEDROCK", "BEDROCK_INVOKE"]


def path(model: str, stream: bool) -> str:
    """Return the path with the model fully quoted: an ARN has slashes, and most ids a colon."""
    return f"model/{quote(model, safe='')}/converse{'-stream' if stream else ''}"


BEDROCK = ProviderDialect(
    name=NAME,
    path=path,
    headers=headers,
    sign=sign,
    encode=encode,
    refuses=refuses,
    unsupported=unsupported_fields,
    decode=decode,
    start=start,
    step=step,
    failure=failure,
    framer=EventStreamFramer,
)
