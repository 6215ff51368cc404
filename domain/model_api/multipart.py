"""A body that is a form with files: kept whole, as it came, with the place where the model's name stands."""

import msgspec


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A `multipart/form-data` body. It goes upstream with the bytes from `model_start` to `model_end` replaced alone.

    `content_type` names the boundary between its parts, which is `boundary`.
    """

    content_type: str
    boundary: bytes
    body: bytes
    model_start: int
    model_end: int

    def with_model(self, model: str) -> tuple[memoryview, memoryview, memoryview]:
        """The form for a provider that knows the model by that name, in pieces: nothing of it is copied."""
        whole = memoryview(self.body)
        return whole[: self.model_start], memoryview(model.encode()), whole[self.model_end :]
