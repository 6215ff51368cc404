"""Images, documents, audio, video and citations in Converse's form."""

import json
from typing import Any

import msgspec
import pytest

from domain.model_api.requests import Audio, Document, Image, Message, Part, ProviderPart, Text, Tool
from tests.support.bedrock import CLAUDE, encoded, requested

MISTRAL = "us.mistral.pixtral-large-2502-v1:0"
WRITER = "us.writer.palmyra-x4-v1:0"
F = Tool(name="f")


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def says(role: Any, *parts: Part) -> Message:
    return Message(role=role, parts=parts)


def content(*parts: Part, model: str = CLAUDE, **fields: Any) -> Any:
    (turn,) = encoded(requested(*parts, model=model, **fields))["messages"]
    return turn["content"]


def conversation(*messages: Message, model: str = CLAUDE, **fields: Any) -> Any:
    return encoded(requested(messages=messages, model=model, **fields))["messages"]


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            Image(data="aGk=", media_type="image/jpg", detail="high"),
            {"image": {"format": "jpeg", "source": {"bytes": "aGk="}}},
        ),
        (Image(data="aGk=", media_type="image/webp"), {"image": {"format": "webp", "source": {"bytes": "aGk="}}}),
        (
            Image(url="s3://bucket/a.PNG"),
            {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://bucket/a.PNG"}}}},
        ),
        (
            Image(url="s3://bucket/a.jpg?bucketOwner=123456789012"),
            {
                "image": {
                    "format": "jpeg",
                    "source": {"s3Location": {"uri": "s3://bucket/a.jpg", "bucketOwner": "123456789012"}},
                }
            },
        ),
        (Audio(data="aGk=", format="wav"), {"audio": {"format": "wav", "source": {"bytes": "aGk="}}}),
        (
            ProviderPart(
                dialect="openai",
                name="video_url",
                block=raw({"type": "video_url", "video_url": {"url": "data:video/mp4;base64,aGk="}}),
            ),
            {"video": {"format": "mp4", "source": {"bytes": "aGk="}}},
        ),
        (
            ProviderPart(
                dialect="openai", name="video_url", block=raw({"type": "video_url", "video_url": "s3://b/a.mov"})
            ),
            {"video": {"format": "mov", "source": {"s3Location": {"uri": "s3://b/a.mov"}}}},
        ),
    ],
)
def test_images_audio_and_video(part: Part, block: dict[str, Any]) -> None:
    assert content(part) == [block]


@pytest.mark.parametrize(
    ("part", "document"),
    [
        (
            Document(data="aGk=", media_type="application/pdf", name="a.v2.pdf"),
            {"format": "pdf", "source": {"bytes": "aGk="}, "name": "a v2 pdf"},
        ),
        (
            Document(text="hi"),
            {"format": "txt", "source": {"bytes": "aGk="}, "name": "Document 1"},
        ),
        (
            Document(data="aGk=", media_type="text/csv; charset=utf-8", name="Größe (1) [b]-c"),
            {"format": "csv", "source": {"bytes": "aGk="}, "name": "Gr e (1) [b]-c"},
        ),
        (
            Document(url="s3://b/dir/a.docx"),
            {"format": "docx", "source": {"s3Location": {"uri": "s3://b/dir/a.docx"}}, "name": "Document 1"},
        ),
        (
            Document(file_id="s3://b/a.md"),
            {"format": "md", "source": {"s3Location": {"uri": "s3://b/a.md"}}, "name": "Document 1"},
        ),
    ],
)
def test_documents(part: Part, document: dict[str, Any]) -> None:
    assert content(part, Text(text="Sum up.")) == [{"document": document}, {"text": "Sum up."}]


def test_no_two_documents_have_one_name() -> None:
    def names(*wanted: str | None) -> list[str]:
        reported = content(*(Document(text="a", name=name) for name in wanted), Text(text="b"))
        return [block["document"]["name"] for block in reported if "document" in block]

    assert names("a.txt", "a txt", None, None, "Document 5", "?") == [
        "a txt",
        "a txt (2)",
        "Document 3",
        "Document 4",
        "Document 5",
        "Document 6",
    ]
    assert names("a", "a", "a") == ["a", "a (2)", "a (3)"]
    assert [180, 184] == [len(name) for name in names("x" * 300, "x" * 300)]


def test_a_document_gets_the_text_that_converse_requires() -> None:
    assert content(Document(text="hi", name="notes"), Document(text="ho"))[2:] == [{"text": "notes, Document 2"}]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "hi"},
                "title": "T",
                "context": "C",
                "citations": {"enabled": True},
            },
            {
                "document": {
                    "format": "txt",
                    "source": {"bytes": "aGk="},
                    "name": "T",
                    "context": "C",
                    "citations": {"enabled": True},
                }
            },
        ),
        (
            {
                "type": "document",
                "source": {
                    "type": "content",
                    "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                },
                "citations": {"enabled": True},
            },
            {
                "document": {
                    "source": {"content": [{"text": "a"}, {"text": "b"}]},
                    "name": "Document 1",
                    "citations": {"enabled": True},
                }
            },
        ),
        (
            {
                "type": "search_result",
                "source": "https://x",
                "title": "T",
                "content": [{"type": "text", "text": "a"}],
                "citations": {"enabled": True},
            },
            {
                "searchResult": {
                    "source": "https://x",
                    "title": "T",
                    "content": [{"text": "a"}],
                    "citations": {"enabled": True},
                }
            },
        ),
        (
            {
                "type": "tool_result",
                "tool_use_id": "t",
                "is_error": True,
                "content": [
                    {"type": "text", "text": "found"},
                    {"type": "search_result", "source": "s", "title": "T", "content": [{"type": "text", "text": "a"}]},
                ],
            },
            {
                "toolResult": {
                    "toolUseId": "t",
                    "content": [
                        {"text": "found"},
                        {"searchResult": {"source": "s", "title": "T", "content": [{"text": "a"}]}},
                    ],
                    "status": "error",
                }
            },
        ),
    ],
)
def test_blocks_that_only_anthropic_and_converse_have(block: dict[str, Any], expected: dict[str, Any]) -> None:
    provider_block = ProviderPart(dialect="anthropic", name=block["type"], block=raw(block))

    assert expected in content(provider_block, Text(text="b"))


def test_cited_text_of_an_earlier_answer_keeps_its_sources() -> None:
    citations = [
        {"type": "char_location", "cited_text": "q", "document_index": 1, "document_title": "T",
         "start_char_index": 2, "end_char_index": 9},
        {"type": "search_result_location", "cited_text": "", "search_result_index": 0, "source": "s", "title": None,
         "start_block_index": 0, "end_block_index": 1},
    ]  # fmt: skip
    unknown = [{"type": "web_search_result_location", "url": "https://x"}]
    stated = (Text(text="So.", citations=raw(citations)), Text(text="Ah.", citations=raw(unknown)))

    (_, turn) = conversation(says("user", Text(text="a")), says("assistant", *stated))

    place = {"documentIndex": 1, "start": 2, "end": 9}
    found = {"searchResultIndex": 0, "start": 0, "end": 1}
    assert turn["content"] == [
        {
            "citationsContent": {
                "content": [{"text": "So."}],
                "citations": [
                    {"sourceContent": [{"text": "q"}], "title": "T", "location": {"documentChar": place}},
                    {"source": "s", "location": {"searchResultLocation": found}},
                ],
            }
        },
        {"text": "Ah."},
    ]
