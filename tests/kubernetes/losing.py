"""A way to the real API server on which answers are lost: the call is made, and nobody hears of it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from tests.kubernetes.cluster import Cluster
from wanctl.kubernetes.access import cluster_of_kubeconfig


@dataclass
class Way:
    """`lose` names the methods whose next answer is lost; `meanwhile` is done before anybody asks again."""

    kubeconfig: Path
    lose: list[str] = field(default_factory=list)
    meanwhile: Callable[[], object] | None = None


@contextmanager
def losing_answers(cluster: Cluster, folder: Path) -> Iterator[Way]:
    access = cluster_of_kubeconfig([cluster.kubeconfig])
    way = Way(folder / "losing.kubeconfig")

    class Handler(BaseHTTPRequestHandler):
        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: one for name, one in self.headers.items() if name.lower() == "content-type"}
            answer = there.request(self.command, self.path, content=body, headers=headers)
            if self.command in way.lose:
                way.lose.remove(self.command)
                if way.meanwhile:
                    way.meanwhile()
                return
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = forward  # noqa: N815 - names of the standard library

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    here = f"http://127.0.0.1:{server.server_port}"
    way.kubeconfig.write_text(
        f"{{current-context: a, contexts: [{{name: a, context: {{cluster: a}}}}], "
        f'clusters: [{{name: a, cluster: {{server: "{here}"}}}}]}}',
        encoding="utf-8",
    )
    try:
        with httpx.Client(base_url=access.server, verify=access.trust, trust_env=False) as there:
            yield way
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
