"""CIMA on loopback: the shapes of its answers, with texts and codes written for these tests."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

DATE = 1628287030000
"""6 August 2021, late in the evening in Spain."""


def record(nregistro: str, **changes: Any) -> dict[str, Any]:
    """A record as `medicamento` gives it."""
    base = f"https://cima.example/cima/dochtml/{{}}/{nregistro}"
    names = {
        "nregistro": nregistro,
        "nombre": "NORTEPRIL COMBI 20 mg/12,5 mg COMPRIMIDOS EFG",
        "pactivos": "ENALAPRIL MALEATO, ACETILSALICILICO ACIDO",
        "labtitular": "Laboratorios Norte, S.L.",
        "labcomercializador": "Norte Farma",
        "cpresc": "Medicamento Sujeto A Prescripción Médica",
        "estado": {"aut": 1185832800000},
        "comerc": True,
        "receta": True,
        "conduc": True,
        "triangulo": False,
        "psum": False,
        "notas": False,
        "docs": [
            {"tipo": number, "urlHtml": base.format(kind), "secc": True, "fecha": DATE}
            for number, kind in ((1, "ft"), (2, "p"))
        ],
        "atcs": [
            {"codigo": "C09B", "nombre": "Inhibidores de la ECA, combinaciones", "nivel": 3},
            {"codigo": "C09BA02", "nombre": "Enalapril y diuréticos", "nivel": 5},
        ],
        "principiosActivos": [
            {"id": 2, "nombre": "ACETILSALICILICO ACIDO", "cantidad": "100", "orden": 2},
            {"id": 1, "nombre": "ENALAPRIL MALEATO", "cantidad": "20", "orden": 1},
        ],
        "viasAdministracion": [{"id": 48, "nombre": "VÍA ORAL"}],
        "presentaciones": [
            {"cn": "700001", "nombre": "28 comprimidos", "comerc": True, "psum": False},
            {"cn": "700002", "nombre": "500 comprimidos", "comerc": True, "psum": False},
        ],
        "formaFarmaceutica": {"id": 42, "nombre": "COMPRIMIDO"},
        "vtm": {"id": 7, "nombre": "enalapril + ácido acetilsalicílico"},
    }
    return {**names, **changes}


def part(number: str, title: str, markup: str, order: int = 0) -> dict[str, Any]:
    """One element of what `docSegmentado/contenido` gives."""
    return {"seccion": number, "titulo": title, "orden": order, "contenido": markup}


PROFESSIONAL = [
    part("1", "NOMBRE DEL MEDICAMENTO", "<p>Nortepril Combi</p>"),
    part("4", "DATOS CLÍNICOS", ""),
    part("4.1", "Indicaciones terapéuticas", "<p>Hipertensión.</p>"),
    part("4.2", "Posología", "<p>Un comprimido al d&iacute;a si CLcr &lt;30&nbsp;ml/min.</p>"),
    part(
        "4.2.1",
        "Ajuste",
        "<table><tr><th>CLcr</th><th>Dosis</th></tr><tr><td>30-60</td><td>5 mg</td></tr></table>",
    ),
    part("4.5", "Interacción con otros medicamentos", "<div><p>Litio.</p>Potasio.</div>"),
    part("4.7", "Conducción", "<p>Puede marear.</p>"),
    part("6.6", "Eliminación", "<p><img src='data:image/png;base64,AAAA'/></p>"),
]
LEAFLET = [
    part("1", "Qué es Nortepril y para qué se utiliza", "<p>Baja la tensión.</p>"),
    part(
        "2",
        "Qué necesita saber",
        "<div><p>Avise a su médico.</p><p><b>Conducción y uso de máquinas</b></p>"
        "<p>Puede marearse.</p></div>",
    ),
    part("3", "Cómo tomar Nortepril", "<p>Uno al día.</p>"),
]


class FakeCima(ThreadingHTTPServer):
    """Records by number; `failures` are answered first; two rows to a page."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.records: dict[str, dict[str, Any]] = {}
        self.texts: dict[tuple[str, str], Any] = {}
        self.bodies: dict[str, Any] = {}
        """Answers of other paths; bytes are sent as they are."""
        self.failures: list[tuple[int, dict[str, str]]] = []
        self.down_after: int | None = None
        """How many requests are answered before the server goes down; None: all."""
        self.requests: list[str] = []
        self.agents: set[str] = set()
        self.etag = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/cima/rest/"

    def add(self, nregistro: str, **changes: Any) -> None:
        """A medicine with both texts."""
        self.records[nregistro] = record(nregistro, **changes)
        self.texts["1", nregistro] = PROFESSIONAL
        self.texts["2", nregistro] = LEAFLET

    def asked(self, path: str) -> int:
        """How many requests were made of a path."""
        return sum(f"/rest/{path}" in request for request in self.requests)

    def answer(self, path: str, query: dict[str, str]) -> Any:
        """The body of a path; None where there is nothing."""
        if path in self.bodies:
            return self.bodies[path]
        if path == "medicamentos":
            page = int(query["pagina"])
            found = list(self.records.values())
            rows = [
                {name: row[name] for name in ("nregistro", "nombre", "docs")}
                for row in found[2 * page - 2 : 2 * page]
            ]
            return {
                "totalFilas": len(found),
                "pagina": page,
                "tamanioPagina": 2,
                "resultados": rows,
            }
        if path == "medicamento":
            by_code = {
                row["cn"]: found
                for found in self.records.values()
                for row in found["presentaciones"]
            }
            return self.records.get(query.get("nregistro", "")) or by_code.get(query.get("cn", ""))
        if path.startswith("docSegmentado/contenido/"):
            missing = {"error": "No existen secciones para el medicamento indicado"}
            return self.texts.get((path[-1], query["nregistro"]), missing)
        return None


class _Handler(BaseHTTPRequestHandler):
    server: FakeCima

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        self.server.agents.add(self.headers["User-Agent"])
        down_after = self.server.down_after
        if down_after is not None and len(self.server.requests) > down_after:
            self._send(503, b"", {})
            return
        if self.server.failures:
            status, headers = self.server.failures.pop(0)
            self._send(status, b"not now", headers)
            return
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        body = self.server.answer(address.path.removeprefix("/cima/rest/"), query)
        if self.server.etag and self.headers["If-None-Match"] == self.server.etag:
            self._send(304, b"", {})
        elif body is None:
            self._send(204, b"", {})
        else:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self._send(200, content, {"ETag": self.server.etag} if self.server.etag else {})

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""
