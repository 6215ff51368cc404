"""A body that is a form with files: kept unchanged, with the position of the model's name."""

import msgspec


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A `multipart/form-data` body. It is sent with only the bytes from `model_start` to `model_end` replaced.

    `content_type` is the header that contains the `boundary` between its parts.
    """

    content_type: str
    boundary: bytes
    body: bytes
    model_start: int
    model_end: int

    def with_model(self, model: str) -> tuple[memoryview, memoryview, memoryview]:
        """The form for a provider with that name of the model, in three parts: nothing is copied."""
        whole = memoryview(self.body)
        return whole[: self.model_start], memoryview(model.encode()), whole[self.model_end :]
