"""What a content is, by its first bytes: nothing that a sender says of a file is believed."""

__all__ = ["image_type"]


def image_type(content: bytes) -> str | None:
    """The media type that the first bytes show, of the pictures that we take; None for anything else."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP" and content[12:15] == b"VP8":
        return "image/webp"
    return None
