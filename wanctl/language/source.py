"""Where a dataset's content comes from: media of this machine or behind a URL, or what the service has."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, GetJsonSchemaHandler, Strict, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from wanctl.base.redaction import without_secrets
from wanctl.base.values import Identifier, Model
from wanctl.studio.objects import IN_OSS

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


def _check_bucket(value: str) -> str:
    if not _BUCKET.fullmatch(value):
        raise ValueError("must be the name of a bucket: 3 to 63 of a-z, 0-9 and -")
    return value


def _spell_folder(value: str) -> str:
    parts = value.strip("/").split("/")
    if not all(parts) or {".", ".."} & set(parts) or not value.isprintable():
        raise ValueError("must be the path of a folder in the bucket, as in rain/train")
    return "/".join(parts)


class OssFolder(Model):
    """A folder in OSS with an unpacked dataset, which the service reads there."""

    bucket: Annotated[str, Strict(), AfterValidator(_check_bucket)]
    path: Annotated[str, Strict(), AfterValidator(_spell_folder)]

    @property
    def address(self) -> str:
        return f"{IN_OSS}{self.bucket}/{self.path}"

    @classmethod
    def written(cls, address: str) -> dict[str, str]:
        """As a document has the folder of an address."""
        bucket, _, path = address.removeprefix(IN_OSS).partition("/")
        return {"bucket": bucket, "path": path}


class Source(Model):
    """Where a dataset's content comes from: a path, a URL, a file that is uploaded, or a folder in OSS."""

    path: str | None = None
    url: str | None = None
    file_id: Identifier | None = None
    oss: OssFolder | None = None

    @property
    def elsewhere(self) -> str | None:
        """What the service has already, by its id or its address; its content is not read here."""
        return self.oss.address if self.oss else self.file_id

    @property
    def shown_url(self) -> str:
        """The URL for people: what is behind its question mark may sign it. Empty where there is none."""
        return without_secrets(self.url or "")

    @model_validator(mode="before")
    @classmethod
    def _spell(cls, value: Any) -> Any:
        if isinstance(value, str) and value.strip():
            return {"url": value} if _URL.match(value) else {"path": value}
        if isinstance(value, dict) and set(value) in ({"file_id"}, {"oss"}):
            return value
        raise ValueError("must be a folder, a .zip, {file_id: file-ft-…} or {oss: {bucket: …, path: …}}")

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        text = {"type": "string"}
        uploaded = _object(file_id={**text, "description": "The id of an uploaded file."})
        folder = _object(
            bucket={**text, "description": "A bucket in OSS that the service may read."},
            path={**text, "description": "A folder in it, with data.jsonl and what that names."},
        )
        where = {"description": "An unpacked folder in OSS: {bucket: …, path: …}."}
        return {"title": "Source", "anyOf": [text, uploaded, _object(oss={**folder, **where})]}


def _object(**properties: Any) -> JsonSchemaValue:
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }
