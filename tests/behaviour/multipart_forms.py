"""Forms with files, written by hand, and recordings to send in them."""

FORM = "multipart/form-data; boundary=form"


def form(files: dict[str, tuple[str, bytes]], **fields: str) -> bytes:
    """A form of the fields and then the files: name to file name and content."""
    parts = [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value.encode()
        for name, value in fields.items()
    ]
    for name, (filename, content) in files.items():
        head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        parts.append(head.encode() + content)
    return b"".join(b"--form\r\n" + part + b"\r\n" for part in parts) + b"--form--\r\n"


def wave(ms: int, hertz: int = 8_000) -> bytes:
    """A silence of so many milliseconds: one channel, 16 bits."""
    data = bytes(2 * hertz * ms // 1000)
    head = b"".join(
        n.to_bytes(w, "little") for n, w in ((16, 4), (1, 2), (1, 2), (hertz, 4), (2 * hertz, 4), (2, 2), (16, 2))
    )
    size = len(data).to_bytes(4, "little")
    return b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt " + head + b"data" + size + data


def recording(model: str, ms: int = 2_500, **fields: str) -> bytes:
    """A transcription's form: two and a half seconds of silence."""
    return form({"file": ("a.wav", wave(ms))}, model=model, **fields)
