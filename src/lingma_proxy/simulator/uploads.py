"""Pictures that were uploaded, and the links that were given for them.

    POST …/image/upload?request_id=<id>   {"ImageUri", "RequestId": "<id>"}
    ▸ {"Data": {"Success": true, "ImageUrl": "https://…", "RequestId": "<id>"}}

Strict where an upload is: the id is 32 hexadecimal digits and the same in both places, the
picture a base64 data URL or a link.  And strict where a chat shows what was uploaded: in `parts`
beside a content that is text, in the user's messages, all of them named in `image_urls`, and
none that was not uploaded here.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256

from lingma_proxy.jsonio import JsonObject
from lingma_proxy.simulator import cipher
from lingma_proxy.simulator.chat_body import ChatBody, PicturePart, TextPart
from lingma_proxy.simulator.faults import Faults
from lingma_proxy.simulator.pictures import Picture, measure
from lingma_proxy.simulator.refusal import Refusal, bad_request
from lingma_proxy.wire import data_url

CDN = "https://cdn.lingma.example/pictures/"
"""Nobody fetches from there: the model is in this process."""
REMEMBERED = 1000
LARGEST = 5 * 2**20
"""Bytes of a picture."""
HEX32 = re.compile(r"[0-9a-f]{32}")
PICTURE_URL = re.compile(r"data:image/[a-z0-9.+-]+;base64,([A-Za-z0-9+/]+={0,2})")
ODD_LINKS = {
    "http": "http://cdn.lingma.example/a.png",
    "address": "https://127.0.0.1/a.png",
    "file": "file:///a.png",
    "empty": "",
}
"""By the values of the fault `odd-link`."""


class Uploads:
    def __init__(self) -> None:
        self._pictures: OrderedDict[str, Picture | None] = OrderedDict()

    def answer(self, body: JsonObject, query: Mapping[str, str], faults: Faults) -> JsonObject:
        """The answer to an upload.  Raises a Refusal for one that is none."""
        if set(body) != {"ImageUri", "RequestId"}:
            raise bad_request("an upload has ImageUri and RequestId, and nothing else")
        uri, id = body["ImageUri"], body["RequestId"]
        if not (isinstance(id, str) and HEX32.fullmatch(id)):
            raise bad_request("RequestId is not 32 hexadecimal digits")
        if dict(query) != {"request_id": id}:
            raise bad_request("the query is not request_id with the RequestId")
        picture = self._picture(uri) if isinstance(uri, str) else self._picture("")
        if "unsuccessful" in faults:
            return {"Data": {"Success": False, "ErrorMessage": "picture rejected", "RequestId": id}}
        if "odd-link" in faults:
            url = ODD_LINKS[faults.word("odd-link") or "http"]
        else:
            url = f"{CDN}{sha256(str(uri).encode()).hexdigest()[:32]}.png"
            self._pictures[url] = picture
            if len(self._pictures) > REMEMBERED:
                self._pictures.popitem(last=False)
        return {"Data": {"Success": True, "ImageUrl": url, "RequestId": id}}

    def look(self, url: str) -> Picture | None:
        return picture_in(url) if data_url.is_data_url(url) else self._pictures.get(url)

    def check(self, body: ChatBody) -> None:
        """Raises a Refusal unless the pictures in `parts` are shown as they should be."""
        shown: list[str] = []
        for at, message in enumerate(body.messages):
            if message.parts is None:
                continue
            where = f"messages[{at}]"
            if message.role != "user" or not isinstance(message.content, str):
                raise bad_request(f"{where} has parts, but not beside a text of the user's")
            texts = [part.text for part in message.parts if isinstance(part, TextPart)]
            if any(text not in message.content for text in texts):
                raise bad_request(f"{where} has a text in its parts that is not in its content")
            shown += [part.image_url.url for part in message.parts if isinstance(part, PicturePart)]
        if not shown:
            return
        if unknown := [url for url in shown if url not in self._pictures]:
            raise bad_request(f"{unknown[0][:200]!r} was not uploaded here")
        if sorted(set(shown)) != sorted(body.image_urls or ()):
            raise bad_request("image_urls does not name each picture of the messages once")
        if not body.model_config.is_vl:
            raise bad_request("there are pictures, but is_vl is false")

    def _picture(self, uri: str) -> Picture | None:
        if (found := PICTURE_URL.fullmatch(uri)) is None:
            if re.match(r"https?://[^/]", uri):
                return None  # the vendor would fetch it
            raise bad_request("ImageUri is no base64 data URL of a picture, and no link")
        try:
            data = cipher.strict_base64(found[1])
        except ValueError as error:
            raise bad_request(f"ImageUri: {error}") from None
        if len(data) > LARGEST:
            raise Refusal(413, "FileTooLarge", "the picture is too large")
        return measure(data)


def picture_in(url: str) -> Picture | None:
    """The picture in a data URL, if there is one."""
    try:
        return measure(data_url.decode(url).data)
    except ValueError:
        return None
