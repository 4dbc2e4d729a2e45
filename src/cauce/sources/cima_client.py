"""CIMA, the medicines online information centre of AEMPS, asked through its REST API (v1.23).

    with CimaClient(folder=Path("cima")) as cima:
        for row in cima.search(nombre="enalapril", comerc=1):
            leaflet = cima.text(row["nregistro"], "p")

One connection, a pause between requests, and answers kept in `folder`: younger than
`max_age_days` they are used as they are, older ones are confirmed by a conditional request.

What the live service does and its documentation does not say: every page holds 200 rows whatever
is asked; `psuministro?cn=` does not filter, `psuministro/v2/cn/CN` does; a text without segments
is answered with status 200 and `{"error": ...}`; nothing found is 204 without a body, or 404.
"""

from __future__ import annotations

import datetime
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, TypeVar

from cauce.errors import DataRefused, UserError
from cauce.sources.cima_record import (
    Part,
    RegistryChange,
    SafetyNote,
    SupplyProblem,
    change_of,
    note_of,
    parts_of_text,
    problem_of,
    rows_of,
)
from cauce.sources.kept import Answer, KeptAnswers, now
from cauce.sources.polite import ask, polite_client

if TYPE_CHECKING:
    import httpx

CIMA = "https://cima.aemps.es/cima/rest/"
TextKind = Literal["ft", "p"]
"""The text for professionals (ficha técnica) or for patients (prospecto)."""
_CODE = re.compile(r"[A-Za-z0-9-]+")
_Item = TypeVar("_Item")
_NUMBER_OF_TEXT = {"ft": 1, "p": 2}


class SegmentedText(NamedTuple):
    """One text of a medicine, section by section, and the date on which it was retrieved."""

    parts: list[Part]
    retrieved: str


class CimaClient:
    """Questions to CIMA; use it as a context manager, so that its connection is closed."""

    def __init__(
        self,
        url: str = CIMA,
        folder: Path | None = None,
        *,
        max_age_days: float = 1.0,
        pause_s: float = 0.2,
    ) -> None:
        self._url = url.rstrip("/") + "/"
        self._kept = KeptAnswers(folder, max_age_days)
        self._pause_s = pause_s
        self._last_asked_s = -pause_s
        self._client: httpx.Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection; the next question opens another."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def search(self, **query: str | int) -> Iterator[dict[str, Any]]:
        """Rows of the medicines found, page after page, each registration number once.

        `query` is in CIMA's own words: nombre, practiv1, atc, laboratorio, comerc=1, receta=1...
        """
        seen: set[str] = set()
        for row in self._pages("medicamentos", query):
            if row["nregistro"] not in seen:
                seen.add(row["nregistro"])
                yield row

    def record(self, *, nregistro: str = "", cn: str = "") -> dict[str, Any] | None:
        """The record of the medicine with that registration number or national code."""
        query = {"nregistro": nregistro} if nregistro else {"cn": cn}
        answer, body = self._ask("medicamento", query)
        if body is None:
            return None
        if not isinstance(body, dict) or not _CODE.fullmatch(str(body.get("nregistro", ""))):
            raise _unreadable(answer.url, "no record with a nregistro")
        if nregistro and str(body["nregistro"]) != nregistro:
            raise _unreadable(answer.url, f"the record of {body['nregistro']}")
        return body

    def text(self, nregistro: str, kind: TextKind) -> SegmentedText:
        """The whole ficha técnica (`ft`) or prospecto (`p`); without parts when not segmented."""
        path = f"docSegmentado/contenido/{_NUMBER_OF_TEXT[kind]}"
        answer, body = self._ask(path, {"nregistro": nregistro})
        try:
            return SegmentedText(parts_of_text(body), answer.retrieved[:10])
        except ValueError as error:
            raise _unreadable(answer.url, str(error)) from error

    def sections(self, nregistro: str, kind: TextKind) -> list[Part]:
        """The sections of a text, in its order, as their markup stands."""
        return self.text(nregistro, kind).parts

    def supply_problems(self, *, cn: str = "", nregistro: str = "") -> list[SupplyProblem]:
        """Problems of supply of one presentation, or of all those of a medicine, past ones too."""
        codes = [cn] if cn else self._national_codes(nregistro)
        return [problem for code in codes for problem in self._supply_of(code)]

    def safety_notes(self, nregistro: str) -> list[SafetyNote]:
        """The agency's safety notes on a medicine, newest first."""
        answer, body = self._ask(f"notas/{nregistro}", {})
        notes = _read(answer, body, note_of)
        return sorted(notes, key=lambda note: note.date, reverse=True)

    def changes(self, since: datetime.date, nregistro: str | None = None) -> list[RegistryChange]:
        """What was registered, withdrawn or changed since a day, oldest first."""
        query: dict[str, str | int] = {"fecha": since.strftime("%d/%m/%Y")}
        if nregistro:
            query["nregistro"] = nregistro
        found = (change_of(row) for row in self._pages("registroCambios", query))
        return sorted(found, key=lambda change: (change.date, change.nregistro))

    def _national_codes(self, nregistro: str) -> list[str]:
        record = self.record(nregistro=nregistro) or {}
        return [str(row["cn"]) for row in rows_of(record.get("presentaciones", [])) if "cn" in row]

    def _supply_of(self, cn: str) -> list[SupplyProblem]:
        """Version 2 of the service, else version 1, which knows presentations that 2 does not."""
        for path in (f"psuministro/v2/cn/{cn}", f"psuministro/{cn}"):
            answer, body = self._ask(path, {})
            if body is not None:
                return _read(answer, body, problem_of)
        return []

    def _pages(self, path: str, query: Mapping[str, str | int]) -> Iterator[dict[str, Any]]:
        """Rows of every page; a bare list counts as the only one."""
        received, number = 0, 0
        while True:
            number += 1
            answer, body = self._ask(path, {**query, "pagina": number})
            try:
                rows = rows_of(body)
            except ValueError as error:
                raise _unreadable(answer.url, str(error)) from error
            if any(not row.get("nregistro") for row in rows):
                raise _unreadable(answer.url, "a row without nregistro")
            yield from rows
            received += len(rows)
            total = int(body.get("totalFilas") or 0) if isinstance(body, dict) else 0
            if received >= total:
                return
            if not rows:
                raise _unreadable(answer.url, f"{received} of {total} rows and then none")

    def _ask(self, path: str, query: Mapping[str, str | int]) -> tuple[Answer, Any]:
        """The answer and its content, None where the service has nothing."""
        import httpx

        url = str(httpx.URL(self._url).join(path).copy_merge_params(query))
        kept = self._kept.find(url)
        if kept and self._kept.is_fresh(kept):
            return kept, _content(kept)
        for attempt in (1, 2):
            answer = self._request(url, kept)
            try:
                body = _content(answer)
            except ValueError as error:
                if attempt == 2:
                    raise _unreadable(url, str(error)) from error
                continue
            self._kept.keep(answer)
            return answer, body
        raise AssertionError("unreachable")

    def _request(self, url: str, kept: Answer | None) -> Answer:
        self._client = self._client or polite_client()
        time.sleep(max(0.0, self._last_asked_s + self._pause_s - time.monotonic()))
        headers = {"Accept": "application/json", **(kept.conditions if kept else {})}
        response = ask(self._client, url, headers)
        self._last_asked_s = time.monotonic()
        if kept and response.status_code == 304:
            return kept._replace(retrieved=now())
        if response.status_code in (204, 404):
            return Answer(url, "", now())
        if response.status_code >= 300:
            raise _refused(url, response)
        try:
            text = response.content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise _unreadable(url, f"not UTF-8 at byte {error.start}") from error
        headers_sent = response.headers
        return Answer(
            url, text, now(), headers_sent.get("etag", ""), headers_sent.get("last-modified", "")
        )


def _read(
    answer: Answer, body: Any, reader: Callable[[dict[str, Any]], _Item | None]
) -> list[_Item]:
    """What `reader` makes of each row, those left out that it makes nothing of."""
    try:
        items = [reader(row) for row in rows_of(body)]
    except ValueError as error:
        raise _unreadable(answer.url, str(error)) from error
    return [item for item in items if item is not None]


def _content(answer: Answer) -> Any:
    """The parsed JSON; None when the service says that it has nothing there."""
    if not answer.text.strip():
        return None
    body = json.loads(answer.text)
    return None if isinstance(body, dict) and set(body) == {"error"} else body


def _refused(url: str, response: httpx.Response) -> UserError:
    moved = response.headers.get("location", "")
    told = f"it moved to {moved}" if moved else response.text[:200].strip() or "no reason given"
    return UserError(
        f"{url} was refused (HTTP {response.status_code}): {told}\n"
        "Correct the search, or the url of the service."
    )


def _unreadable(url: str, reason: str) -> DataRefused:
    return DataRefused(
        f"{url} answered what cannot be trusted: {reason}.\n"
        "Nothing of it was used. Ask again later; if it stays so, the service has changed."
    )
