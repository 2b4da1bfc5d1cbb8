"""GitHub and GitLab on this machine, as far as they are documented: paths, headers and bodies are checked.

A request of another shape is answered with 400 and complained of; each test ends with a look at `complaints`.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

REPOSITORY, PULL = "ours/models", 7
PROJECT, MERGE = "42", 7
Answer = tuple[int, Any]


@dataclass
class Asked:
    """One request, taken apart."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Fault:
    """An answer in the place of the right one, for the next requests of this form."""

    method: str
    path: str
    status: int
    times: int = 1
    after_effect: bool = False  # it is done all the same, and the answer is lost
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class ForgeServer:
    """What both have in common: comments, labels, faults, and what was asked."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    known_labels: list[dict[str, Any]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    me: str | None = None  # None: the token may not ask who it is
    head: str | None = ""  # the commit at the request's head
    faults: list[Fault] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)  # the names of files that GitLab took
    upload_address: str = "/uploads/{number:032x}/{name}"
    url: str = ""

    def answer(self, asked: Asked) -> tuple[int, Any, dict[str, str]]:
        self.asked.append(f"{asked.method} {asked.path}")
        for fault in self.faults:
            if fault.times and fault.method == asked.method and re.fullmatch(fault.path, asked.path):
                fault.times -= 1
                if fault.after_effect:
                    self.route(asked)
                return fault.status, {"message": "as the test wants it"}, fault.headers
        wrong = self.wrong(asked)
        if wrong:
            self.complaints.append(f"{asked.method} {asked.path}: {wrong}")
            return 400, {"message": wrong}, {}
        status, body = self.route(asked)
        if status == 400:
            self.complaints.append(f"{asked.method} {asked.path}: {body}")
        return status, body, {}

    def wrong(self, asked: Asked) -> str:
        raise NotImplementedError

    def routes(self) -> dict[str, Callable[..., Answer]]:
        raise NotImplementedError

    def route(self, asked: Asked) -> Answer:
        for pattern, handler in self.routes().items():
            found = re.fullmatch(pattern, f"{asked.method} {asked.path}")
            if found:
                return handler(asked, *found.groups())
        return 400, {"message": "no such endpoint is documented"}

    def page(self, entries: list[Any], asked: Asked) -> Answer:
        size, page = int(asked.query.get("per_page", "30")), int(asked.query.get("page", "1"))
        assert size <= 100
        return 200, entries[(page - 1) * size : page * size]

    def deleted(self, number: str) -> Answer:
        found = [one for one in self.comments if one["id"] == int(number)]
        for one in found:
            self.comments.remove(one)
        return (204, None) if found else (404, {"message": "Not Found"})

    def bodies(self) -> list[str]:
        return [one["body"] for one in self.comments]

    def next_id(self) -> int:
        return 1 + max((one["id"] for one in self.comments), default=1000)

    def writes(self) -> list[str]:
        return [line for line in self.asked if not line.startswith("GET ")]


class GitHubServer(ForgeServer):
    """The REST API of 2022-11-28, for one pull request."""

    token = "ghs_0123456789abcdefghijABCDEFGHIJ012345"
    app = "github-actions[bot]"

    def says(self, login: str, body: str, *, bot: bool = False) -> None:
        user = {"login": login, "id": 1, "type": "Bot" if bot else "User"}
        self.comments.append({"id": self.next_id(), "user": user, "body": body})

    def wrong(self, asked: Asked) -> str:
        wanted = {
            "authorization": f"Bearer {self.token}",
            "accept": "application/vnd.github+json",
            "x-github-api-version": "2022-11-28",
        }
        wrong = [name for name, value in wanted.items() if asked.headers.get(name) != value]
        if "wanctl/" not in asked.headers.get("user-agent", ""):
            wrong.append("user-agent")
        return f"headers {wrong}" if wrong else ""

    def routes(self) -> dict[str, Callable[..., Answer]]:
        repo, issue = f"/repos/{REPOSITORY}", f"/repos/{REPOSITORY}/issues/{PULL}"
        return {
            "GET /user": self._user,
            "POST /graphql": self._viewer,
            f"GET {repo}/pulls/{PULL}": lambda _: (200, {"number": PULL, "head": {"sha": self.head}}),
            f"GET {issue}/comments": lambda asked: self.page(self.comments, asked),
            f"POST {issue}/comments": self._create,
            rf"PATCH {repo}/issues/comments/(\d+)": self._update,
            rf"DELETE {repo}/issues/comments/(\d+)": lambda _, number: self.deleted(number),
            f"GET {issue}/labels": lambda asked: self.page([{"name": one} for one in self.labels], asked),
            f"POST {repo}/labels": self._make_label,
            f"POST {issue}/labels": self._add,
            f"DELETE {issue}/labels/([^/]+)": self._remove,
        }

    def _user(self, _: Asked) -> Answer:
        if self.me is None:
            return 403, {"message": "Resource not accessible by integration"}
        return 200, {"login": self.me, "type": "User"}

    def _viewer(self, asked: Asked) -> Answer:
        """GraphQL, which also tells an app's token whose it is."""
        if asked.body != {"query": "query { viewer { login } }"}:
            return 400, asked.body
        return 200, {"data": {"viewer": {"login": self.app}}}

    def _create(self, asked: Asked) -> Answer:
        if set(asked.body) != {"body"} or len(asked.body["body"]) > 65_536:
            return 422, {"message": "Validation Failed"}
        self.says(self.me or self.app, asked.body["body"], bot=self.me is None)
        return 201, self.comments[-1]

    def _update(self, asked: Asked, number: str) -> Answer:
        found = next((one for one in self.comments if one["id"] == int(number)), None)
        if found is None:
            return 404, {"message": "Not Found"}
        found["body"] = asked.body["body"]
        return 200, found

    def _make_label(self, asked: Asked) -> Answer:
        if not {"name"} <= set(asked.body) <= {"name", "color", "description"}:
            return 400, asked.body
        if not re.fullmatch("[0-9a-fA-F]{6}", asked.body["color"]) or len(asked.body["description"]) > 100:
            return 422, {"message": "Validation Failed"}
        if asked.body["name"] in [one["name"] for one in self.known_labels]:
            return 422, {"message": "Validation Failed", "errors": [{"code": "already_exists"}]}
        self.known_labels.append(asked.body)
        return 201, asked.body

    def _add(self, asked: Asked) -> Answer:
        if set(asked.body) != {"labels"}:
            return 400, asked.body
        self.labels += [one for one in asked.body["labels"] if one not in self.labels]
        return 200, [{"name": one} for one in self.labels]

    def _remove(self, _: Asked, name: str) -> Answer:
        if unquote(name) not in self.labels:
            return 404, {"message": "Label does not exist"}
        self.labels.remove(unquote(name))
        return 200, [{"name": one} for one in self.labels]


class GitLabServer(ForgeServer):
    """REST API v4, for one merge request."""

    token = "glpat-0123456789abcdefghij"
    header = "private-token"

    def says(self, login: str, body: str, *, system: bool = False) -> None:
        author = {"id": 1, "username": login}
        self.comments.append({"id": self.next_id(), "author": author, "body": body, "system": system})

    def wrong(self, asked: Asked) -> str:
        if asked.headers.get(self.header) != self.token:
            return f"no {self.header}"
        others = {"private-token", "job-token", "authorization"} - {self.header}
        return "two tokens" if others & set(asked.headers) else ""

    def routes(self) -> dict[str, Callable[..., Answer]]:
        project = f"/api/v4/projects/{PROJECT}"
        merge = f"{project}/merge_requests/{MERGE}"
        return {
            "GET /api/v4/user": self._user,
            f"GET {merge}": lambda _: (200, {"iid": MERGE, "labels": self.labels, "sha": self.head}),
            f"PUT {merge}": self._relabel,
            f"GET {merge}/notes": self._notes,
            f"POST {merge}/notes": self._create,
            rf"PUT {merge}/notes/(\d+)": self._update,
            rf"DELETE {merge}/notes/(\d+)": lambda _, number: self.deleted(number),
            f"POST {project}/labels": self._make_label,
            f"POST {project}/uploads": self._upload,
        }

    def _upload(self, asked: Asked) -> Answer:
        found = re.search(rb'name="file"; filename="([^"]+)"', asked.body or b"")
        if not found or not asked.headers["content-type"].startswith("multipart/form-data"):
            return 400, {"error": "file is missing"}
        name = found[1].decode()
        self.uploads.append(name)
        address = self.upload_address.format(number=len(self.uploads), name=name)
        return 201, {"id": 5, "alt": "file", "url": address, "markdown": f"![file]({address})"}

    def _user(self, _: Asked) -> Answer:
        return (200, {"username": self.me}) if self.me else (401, {"message": "401 Unauthorized"})

    def _notes(self, asked: Asked) -> Answer:
        if asked.query.get("sort") not in {"asc", "desc"} or asked.query.get("order_by") != "created_at":
            return 400, asked.query
        return self.page(self.comments, asked)

    def _create(self, asked: Asked) -> Answer:
        if set(asked.body) != {"body"}:
            return 400, asked.body
        self.says(self.me or "ada", asked.body["body"])
        return 201, self.comments[-1]

    def _update(self, asked: Asked, number: str) -> Answer:
        found = next((one for one in self.comments if one["id"] == int(number)), None)
        if found is None:
            return 404, {"message": "404 Not found"}
        if found["author"]["username"] != (self.me or "ada"):
            return 403, {"message": "403 Forbidden"}
        found["body"] = asked.body["body"]
        return 200, found

    def _make_label(self, asked: Asked) -> Answer:
        if not {"name", "color"} <= set(asked.body) <= {"name", "color", "description"}:
            return 400, asked.body
        if not re.fullmatch("#[0-9a-fA-F]{6}", asked.body["color"]):
            return 400, asked.body
        if asked.body["name"] in [one["name"] for one in self.known_labels]:
            return 409, {"message": "Label already exists"}
        self.known_labels.append(asked.body)
        return 201, asked.body

    def _relabel(self, asked: Asked) -> Answer:
        if not asked.body or not set(asked.body) <= {"add_labels", "remove_labels"}:
            return 400, asked.body
        gone = asked.body.get("remove_labels", "").split(",")
        added = [one for one in asked.body.get("add_labels", "").split(",") if one]
        self.labels = [one for one in self.labels if one not in gone] + added
        return 200, {"labels": self.labels}


@contextmanager
def served(server: ForgeServer) -> Iterator[ForgeServer]:
    """Listen on a free port of this machine for as long as the body runs."""

    class ForgeHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet

        def _handle(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("content-length") or 0)
            sent = self.rfile.read(length)
            asked = Asked(
                self.command,
                parts.path,
                dict(parse_qsl(parts.query)),
                {name.lower(): value for name, value in self.headers.items()},
                sent if self.headers.get_content_maintype() == "multipart" else json.loads(sent or "null"),
            )
            status, body, headers = server.answer(asked)
            data = b"" if status == 204 else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Type": "application/json"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle  # noqa: N815 - http.server calls them so

        def log_message(self, *_: Any) -> None:
            """Nothing is logged."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), ForgeHandler)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{listening.server_port}"
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join(5)
