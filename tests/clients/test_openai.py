"""The openai client against the compatible file endpoints, unchanged."""

import openai
import pytest

from tests.clients.conftest import KEY, ServedSandbox


@pytest.fixture
def client(served: ServedSandbox) -> openai.OpenAI:
    return openai.OpenAI(api_key=KEY, base_url=f"{served.url}/compatible-mode/v1", max_retries=0)


def upload(client: openai.OpenAI, served: ServedSandbox, name: str) -> str:
    sent = client.files.create(file=(name, served.archive), purpose="fine-tune")
    assert sent.status == "processed"
    assert sent.bytes == len(served.archive)
    return sent.id


def test_a_file_from_upload_to_deletion(client: openai.OpenAI, served: ServedSandbox) -> None:
    identifier = upload(client, served, "train.zip")
    assert identifier.startswith("file-ft-")
    found = client.files.retrieve(identifier)
    assert (found.filename, found.purpose, found.object) == ("train.zip", "fine-tune", "file")
    assert client.files.content(identifier).read() == served.archive
    assert client.files.delete(identifier).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(identifier)


def test_listing_turns_the_pages(client: openai.OpenAI, served: ServedSandbox) -> None:
    uploaded = [upload(client, served, f"{number}.zip") for number in range(5)]
    first = client.files.list(limit=2, purpose="fine-tune")
    assert first.has_next_page()
    assert [file.id for file in first] == uploaded[::-1]


def test_what_is_wrong_is_said_in_the_compatible_envelope(
    client: openai.OpenAI, served: ServedSandbox
) -> None:
    with pytest.raises(openai.BadRequestError, match="purpose"):
        client.files.create(file=("x.zip", served.archive), purpose="vision")


def test_no_key_is_refused(served: ServedSandbox) -> None:
    nobody = openai.OpenAI(api_key=" ", base_url=f"{served.url}/compatible-mode/v1", max_retries=0)
    with pytest.raises((openai.AuthenticationError, openai.APIConnectionError)):
        nobody.files.list()
