"""One comment a plan, found again; labels; faults of the forge. Against servers that check each request."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.forge.servers import (
    MERGE,
    PROJECT,
    PULL,
    REPOSITORY,
    Fault,
    ForgeServer,
    GitHubServer,
    GitLabServer,
    served,
)
from tests.studio.test_bounded import dripping
from wanctl.base import bounded
from wanctl.forge import wire
from wanctl.forge.comments import Message, OvertakenError, ShownPicture, UnlabelledError, post
from wanctl.forge.forge import ReviewRequest, Token
from wanctl.forge.registry import GITHUB, GITLAB
from wanctl.forge.wire import ForgeError
from wanctl.render.options import marker_of

NAMELESS = marker_of(None, None)
MARKER = marker_of("money-rain", None)
BODY = f"### A plan\n\nchanges things\n\n{MARKER}\n"
OTHER = f"### Of another\n\n<!-- wanctl labels: billed -->\n{marker_of('money-rain', 'prod')}\n"


@pytest.fixture(params=["github", "gitlab"])
def server(request: pytest.FixtureRequest) -> Iterator[ForgeServer]:
    made = GitHubServer(me="ci-bot") if request.param == "github" else GitLabServer(me="ci-bot")
    with served(made) as running:
        yield running
    assert made.complaints == []


def say(
    server: ForgeServer,
    body: str = BODY,
    labels: tuple[str, ...] = ("changes",),
    place: str = "",
    commit: str | None = None,
    pictures: tuple[ShownPicture, ...] = (),
) -> list[float]:
    naps: list[float] = []
    message = Message(body, frozenset(labels), place, NAMELESS not in body, commit, pictures)
    if isinstance(server, GitHubServer):
        token = Token("Authorization", f"Bearer {server.token}")
        pull = ReviewRequest(server.url, REPOSITORY, PULL, token)
        post(GITHUB, pull, token, message, naps.append)
    else:
        assert isinstance(server, GitLabServer)
        token = Token(server.header, server.token)
        author = None if server.me else "ada"
        merge = ReviewRequest(f"{server.url}/api/v4", PROJECT, MERGE, token, author)
        post(GITLAB, merge, token, message, naps.append)
    return naps


def writes_by(server: ForgeServer, login: str, body: str) -> None:
    assert isinstance(server, GitHubServer | GitLabServer)
    server.says(login, body)


def test_a_second_run_updates_the_same_comment(server: ForgeServer) -> None:
    say(server)
    first = server.comments[0]["id"]
    say(server, BODY.replace("changes things", "changes more"))
    assert [one["id"] for one in server.comments] == [first]
    assert "changes more" in server.bodies()[0]
    assert server.bodies()[0].rstrip().endswith(MARKER)


def test_a_comment_that_says_the_same_is_left_alone(server: ForgeServer) -> None:
    say(server)
    before = len(server.writes())
    say(server)
    assert server.writes()[before:] == []


def test_it_is_found_behind_a_hundred_others_and_they_stay_as_they_are(server: ForgeServer) -> None:
    for number in range(230):
        writes_by(server, "grace", f"looks good, {number}")
    writes_by(server, "ci-bot", OTHER)
    say(server)
    others = server.bodies()[:231]
    say(server, BODY.replace("changes things", "changes more"))
    assert server.bodies()[:231] == others
    assert len(server.comments) == 232
    assert "changes more" in server.bodies()[231]


def test_the_marker_in_somebody_elses_comment_does_not_make_it_ours(server: ForgeServer) -> None:
    writes_by(server, "mallory", BODY)
    writes_by(server, "ci-bot", f"quoting {MARKER} in the middle\n\nand going on")
    before = server.bodies()
    say(server)
    assert server.bodies()[:2] == before
    assert len(server.comments) == 3


def test_labels_are_made_added_and_taken_away_and_others_stay(server: ForgeServer) -> None:
    server.labels = ["bug", "wanctl: deletes", "wanctl: of somebody else"]
    say(server, labels=("changes", "billed"))
    assert set(server.labels) == {"bug", "wanctl: of somebody else", "wanctl: changes", "wanctl: billed"}
    assert {one["name"] for one in server.known_labels} == {"wanctl: changes", "wanctl: billed"}
    say(server, labels=())
    assert set(server.labels) == {"bug", "wanctl: of somebody else"}
    say(server, labels=("changes",))  # it is known by now
    assert "wanctl: changes" in server.labels


def test_what_another_project_asks_for_stays_on_the_request(server: ForgeServer) -> None:
    writes_by(server, "ci-bot", OTHER)
    server.labels = ["wanctl: billed"]
    say(server, labels=("waiting",))
    assert set(server.labels) == {"wanctl: billed", "wanctl: waiting"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_fault_that_passes_is_tried_again(server: ForgeServer, method: str) -> None:
    server.faults = [Fault(method, ".*(comments|notes)", 502), Fault(method, ".*(comments|notes)", 429)]
    naps = say(server)
    assert len(server.comments) == 1
    assert len(naps) == 2


def test_a_lost_answer_leaves_no_second_comment(server: ForgeServer) -> None:
    server.faults = [Fault("POST", ".*(comments|notes)", 502, after_effect=True)]
    say(server)
    assert len(server.comments) == 1


def test_the_forge_says_how_long_to_wait(server: ForgeServer) -> None:
    server.faults = [Fault("POST", ".*(comments|notes)", 429, headers={"Retry-After": "17"})]
    assert say(server) == [17]


def test_a_fault_that_stays_ends_after_a_few_tries(server: ForgeServer) -> None:
    server.faults = [Fault("GET", ".*(comments|notes)", 503, times=99)]
    with pytest.raises(ForgeError, match="HTTP 503: as the test wants it, 4 times"):
        say(server)
    assert len([line for line in server.asked if line.endswith(("comments", "notes"))]) == 4


def test_a_token_that_only_reads_is_refused_at_once(server: ForgeServer) -> None:
    server.faults = [Fault("POST", ".*", 403, times=99)]
    with pytest.raises(ForgeError) as raised:
        say(server)
    assert raised.value.status == 403
    assert server.writes() == [line for line in server.asked if line.startswith("POST")]
    assert len(server.writes()) == 1


def test_a_403_that_is_a_rate_limit_is_tried_again() -> None:
    server = GitHubServer(me="ci-bot")
    with served(server):
        server.faults = [Fault("POST", ".*comments", 403, headers={"X-RateLimit-Remaining": "0"})]
        say(server)
    assert len(server.comments) == 1


def test_a_comment_that_may_not_be_edited_is_not_the_end(server: ForgeServer) -> None:
    say(server)
    server.faults = [Fault("PATCH", ".*", 403), Fault("PUT", ".*/notes/.*", 403)]
    say(server, BODY.replace("changes things", "changes more"))
    [body] = server.bodies()
    assert "changes more" in body


def test_the_token_of_a_workflow_finds_the_comments_of_bots() -> None:
    server = GitHubServer()
    with served(server):
        server.says("mallory", BODY)
        say(server)
        say(server, BODY.replace("changes things", "changes more"))
    assert server.complaints == []
    assert [one["user"]["login"] for one in server.comments] == ["mallory", "github-actions[bot]"]
    assert server.bodies()[0] == BODY
    assert "changes more" in server.bodies()[1]


def test_the_token_of_a_job_is_the_person_who_started_it() -> None:
    server = GitLabServer()
    server.header, server.token = "job-token", "64-a-token-of-this-job"
    with served(server):
        say(server)
        say(server, BODY.replace("changes things", "changes more"))
    assert server.complaints == []
    assert len(server.comments) == 1
    assert "GET /api/v4/user" not in server.asked


def test_an_answer_that_is_none_of_theirs_is_an_error_in_words() -> None:
    server = GitHubServer(me="ci-bot")
    server.comments = [{"id": 1, "body": {"not": "text"}, "user": "nobody"}]
    with served(server), pytest.raises(ForgeError, match="answers what github never would"):
        say(server)


@pytest.mark.parametrize("api", ["http://[", "http://127.0.0.1:99999", "nonsense", ""])
def test_an_address_that_is_none_is_an_error_in_words(api: str) -> None:
    token = Token("Authorization", "Bearer ghs_secret")
    with pytest.raises(ForgeError) as raised:
        post(GITHUB, ReviewRequest(api, REPOSITORY, PULL, token), token, Message(BODY), lambda _: None)
    assert "ghs_secret" not in str(raised.value)


def test_no_message_and_no_spelling_shows_a_token() -> None:
    token = Token("Authorization", "Bearer ghs_secret")
    assert "ghs_secret" not in f"{token} {token!r} {token:>20}"
    with pytest.raises(TypeError):
        token.__reduce__()


def test_another_bots_comment_is_not_ours_either() -> None:
    """The token of a workflow may edit any comment, also one in which a bot was made to repeat a marker."""
    server = GitHubServer()
    with served(server):
        server.says("echo[bot]", BODY, bot=True)
        say(server)
        say(server, BODY.replace("changes things", "changes more"))
    assert server.complaints == []
    assert [one["user"]["login"] for one in server.comments] == ["echo[bot]", "github-actions[bot]"]
    assert server.bodies()[0] == BODY


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_server_that_tells_nobody_whose_token_it_is_means_the_workflows_own(status: int) -> None:
    server = GitHubServer(faults=[Fault("POST", "/graphql", status, times=99)])
    with served(server):
        server.says("echo[bot]", BODY, bot=True)
        say(server)
        say(server, BODY.replace("changes things", "changes more"))
    assert len(server.comments) == 2


def test_an_app_of_ones_own_finds_its_comment() -> None:
    server = GitHubServer()
    server.app = "our-models[bot]"
    with served(server):
        say(server)
        say(server, BODY.replace("changes things", "changes more"))
    assert len(server.comments) == 1


def test_what_cannot_be_edited_does_not_pile_up(server: ForgeServer) -> None:
    say(server)
    refused = server.comments[0]["id"]
    server.faults = [Fault(method, rf".*/{refused}", 403, times=99) for method in ("PATCH", "PUT", "DELETE")]
    for number in range(3):
        say(server, BODY.replace("changes things", f"changes {number}"))
    assert len(server.comments) == 2
    assert "changes 2" in server.bodies()[1]


def test_of_two_comments_of_ours_one_stays(server: ForgeServer) -> None:
    """Two runs at once can both find none; what the later runs say must not stand beside what was."""
    writes_by(server, "ci-bot", BODY)
    writes_by(server, "ci-bot", BODY)
    writes_by(server, "mallory", BODY)
    say(server, BODY.replace("changes things", "changes more"))
    assert [len(server.bodies()), server.bodies()[1]] == [2, BODY]
    assert "changes more" in server.bodies()[0]


def test_a_comment_that_is_deleted_meanwhile_is_written_anew(server: ForgeServer) -> None:
    say(server)
    server.faults = [Fault("PATCH", ".*", 404), Fault("PUT", ".*/notes/.*", 404)]
    say(server, BODY.replace("changes things", "changes more"))
    assert "changes more" in server.bodies()[-1]


def test_what_stands_in_the_same_place_is_taken_over_whatever_its_name_was(server: ForgeServer) -> None:
    """A plan must not stay looking valid because the project was renamed, or has no name any more."""
    say(server, place="models/default")
    say(server, OTHER, place="models/prod")
    renamed = BODY.replace("money-rain", "storm")
    broken = f"### ❌ wanctl.yaml is broken\n\n{NAMELESS}\n"
    for body in (renamed, broken, BODY):
        say(server, body, place="models/default")
        assert len(server.comments) == 2
        assert server.bodies()[0].splitlines()[0] == body.splitlines()[0]
        assert server.bodies()[1].startswith("### Of another")


def test_a_place_is_read_from_where_only_we_write(server: ForgeServer) -> None:
    spoof = "<!-- wanctl place: models/default -->"
    say(server, BODY.replace("changes things", f"`{spoof}`"), place="storms/default")
    say(server, OTHER, place="models/default")
    assert len(server.comments) == 2


def test_labels_that_are_refused_are_not_taken_for_the_comment(server: ForgeServer) -> None:
    server.faults = [Fault("POST", ".*/labels", 403, times=99), Fault("PUT", ".*/merge_requests/7", 403, 99)]
    with pytest.raises(UnlabelledError):
        say(server)
    assert len(server.comments) == 1


def test_an_older_commits_plan_does_not_replace_the_newer_ones(server: ForgeServer) -> None:
    server.head = "b" * 40
    say(server, commit="b" * 40)
    with pytest.raises(OvertakenError, match="bbbbbbbbbbbb"):
        say(server, BODY.replace("changes things", "of before"), commit="a" * 40)
    assert "of before" not in server.bodies()[0]
    server.faults = [Fault("GET", ".*/(pulls|merge_requests)/7", 403)]
    say(server, BODY.replace("changes things", "nobody knows"), labels=(), commit="a" * 40)
    assert "nobody knows" in server.bodies()[0]
    server.head = None  # GitLab, of a request without commits
    say(server, BODY.replace("changes things", "nobody said"), commit="a" * 40)
    assert "nobody said" in server.bodies()[0]


def test_a_forge_that_wants_a_longer_wait_than_we_have_is_left_in_peace(server: ForgeServer) -> None:
    server.faults = [Fault("POST", ".*(comments|notes)", 429, times=99, headers={"Retry-After": "3600"})]
    with pytest.raises(ForgeError, match="not before 3600 s from now"):
        say(server)
    assert len(server.writes()) == 1


def test_a_server_of_ones_own_has_graphql_beside_its_api() -> None:
    server = GitHubServer()
    with served(server):
        token = Token("Authorization", f"Bearer {server.token}")
        pull = ReviewRequest(f"{server.url}/v3", REPOSITORY, PULL, token)
        server.faults = [Fault("GET", "/v3/.*", 403, times=9)]
        with pytest.raises(ForgeError):
            post(GITHUB, pull, token, Message(BODY), lambda _: None)
    assert "POST /graphql" in server.asked
    assert server.complaints == []


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(9)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def naps_until_refused(api: str, token: str, told: str) -> list[float]:
    naps: list[float] = []
    key = Token("Authorization", token)
    message = Message(BODY, frozenset({"changes"}), commit="a" * 40)
    with pytest.raises(ForgeError, match=told):
        post(GITHUB, ReviewRequest(api, REPOSITORY, PULL, key), key, message, naps.append)
    return naps


def test_a_forge_that_never_answers_is_waited_for_only_a_few_times(
    silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "TIMEOUT", 0.05)
    assert len(naps_until_refused(silent, "Bearer x", r"no answer \(ReadTimeout\)")) == 1


def test_a_forge_that_drips_is_waited_for_as_long_as_one_that_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "LONGEST_CALL", 0.1)
    with dripping() as url:
        assert len(naps_until_refused(url, "Bearer x", r"no answer \(ReadTimeout\)")) == 1


def test_an_answer_without_end_is_not_kept_and_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded.read_bounded, "__defaults__", (10,))
    with dripping() as url:
        assert naps_until_refused(url, "Bearer x", "the answer is larger than") == []


def test_what_no_second_try_can_correct_is_not_tried_again(silent: str) -> None:
    assert naps_until_refused("nonsense", "Bearer x", "nonsense is no address of an API") == []
    assert naps_until_refused(silent, "Bearer x\ny", "cannot be sent") == []


@pytest.fixture
def sheet(tmp_path: Path) -> ShownPicture:
    path = tmp_path / "sheet.png"
    path.write_bytes(b"\x89PNG the sheet")
    return ShownPicture(path, "previews-0123abcd.png", "previews of FineTune/rain")


def test_a_note_shows_the_sheet_where_notes_can_and_it_is_uploaded_once(
    server: ForgeServer, sheet: ShownPicture
) -> None:
    say(server, pictures=(sheet,))
    say(server, BODY.replace("changes things", "changes more"), pictures=(sheet,))
    shown = f"![previews of FineTune/rain](/uploads/{1:032x}/previews-0123abcd.png)"
    on_gitlab = isinstance(server, GitLabServer)
    assert server.uploads == ([sheet.name] if on_gitlab else [])
    [body] = server.bodies()
    assert (shown in body) == on_gitlab
    assert body.rstrip().endswith(MARKER)
    assert "changes more" in body
    say(server, pictures=(replace(sheet, name="previews-4567.png"),))
    assert server.uploads == ([sheet.name, "previews-4567.png"] if on_gitlab else [])
    say(server)
    assert "![" not in server.bodies()[0], "nothing waits for a choice any more"


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/a.png",
        "/uploads/../x.png",
        "/uploads/0123456789/a.png) [click](https://evil.example",
        "javascript:alert(1)",
    ],
)
def test_an_address_that_gitlab_would_not_give_is_not_shown(address: str, sheet: ShownPicture) -> None:
    made = GitLabServer(me="ci-bot", upload_address=address)
    with served(made) as running:
        say(running, pictures=(sheet,))
    [body] = made.bodies()
    assert "![" not in body
    assert body.startswith("### A plan")


def test_an_upload_that_is_refused_leaves_the_note_as_it_is(sheet: ShownPicture) -> None:
    made = GitLabServer(me="ci-bot")
    with served(made) as running:
        made.faults.append(Fault("POST", ".*/uploads", 403))
        say(running, pictures=(sheet, replace(sheet, path=sheet.path.with_name("gone.png"))))
    assert "![" not in made.bodies()[0]
    assert made.uploads == []
