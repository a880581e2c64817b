"""The Hugging Face hub, or what HF_ENDPOINT names in its place: addresses, the token, and the hashes that it sends."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from http.client import HTTPMessage

from imagewise.connection import origin
from imagewise.errors import DownloadError

ADDRESS = "https://huggingface.co"
_ENDPOINT = re.compile(r"https?://[\w.-]+(?::(\d{1,5}))?(/[\w./-]*)?", re.ASCII)
_TOKEN = re.compile(r"[\x21-\x7e]+")
_ETAG = re.compile(r'"?([0-9a-f]{64})"?')


@dataclass(frozen=True)
class ModelHub:
    """The hub that this environment uses.

    Attributes:
        endpoint: its address, without a slash at the end.
        token: sent to its host and to no other; None for none.
    """

    endpoint: str = ADDRESS
    token: str | None = field(default=None, repr=False)

    @classmethod
    def of_environment(cls) -> ModelHub:
        """By HF_ENDPOINT and HF_TOKEN. Raises DownloadError where they cannot be used."""
        endpoint = os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or ADDRESS
        token = os.environ.get("HF_TOKEN", "").strip() or None
        found = _ENDPOINT.fullmatch(endpoint)
        if found is None or int(found[1] or 0) > 65535:
            raise DownloadError(
                "HF_ENDPOINT is not the address of a hub", remedy=f"Unset it, or set one such as {ADDRESS}."
            )
        if token is not None and not _TOKEN.fullmatch(token):
            raise DownloadError(
                "HF_TOKEN has spaces or characters that no token has", remedy="Copy the token again, or unset it."
            )
        return cls(endpoint, token)

    def address(self, url: str) -> str:
        """The address to ask: on this hub, where `url` is one of the Hugging Face hub."""
        return self.endpoint + url.removeprefix(ADDRESS) if url.startswith(f"{ADDRESS}/") else url

    def tokens(self) -> dict[str, str]:
        """The token by the origin that receives it; empty without one."""
        return {origin(self.endpoint): self.token} if self.token else {}

    def sent(self, url: str) -> bool:
        """Whether the address is on this hub, not on a host that it redirects to."""
        return origin(url) == origin(self.endpoint)

    def sha256(self, url: str, headers: HTTPMessage) -> str | None:
        """The SHA-256 (hex) of the file that an answer of the hub is about, None where it does not say.

        The hub sends it as `X-Linked-ETag` when it redirects to where large files are stored, or as `ETag`. The ETags
        of other hosts are something else.
        """
        if not self.sent(url):
            return None
        found = _ETAG.fullmatch(headers.get("X-Linked-ETag") or headers.get("ETag") or "")
        return found and found[1]
