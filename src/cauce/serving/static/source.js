// The panel of a source: the section that a citation names, opened at its quote. It stands beside
// the text where there is room, and over it where there is not.

import { facts, words } from "./page.js";

const panel = document.getElementById("source");
const body = document.getElementById("source-body");
const title = document.getElementById("source-title");
const close = document.getElementById("close");
const hasRoom = matchMedia("(min-width: 64rem)");

let opener = null;

export function addressOf(citation) {
  const query = new URLSearchParams({
    source: citation.source, id: citation.id, language: citation.language,
    section: citation.section, start: citation.start, length: citation.quote.length,
  });
  if (facts.lang) query.set("lang", facts.lang);
  return `/section?${query}`;
}

// A link that opens the section here; opened in another tab it is the section's own page.
export function opensSource(link, citation) {
  link.href = `${addressOf(citation)}#quote`;
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(link, citation);
  });
  return link;
}

async function open(link, citation) {
  const response = await fetch(addressOf(citation));
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const shown = page.querySelector("main");
  title.textContent = shown.querySelector("h1").textContent;
  shown.querySelector("h1").remove();
  body.replaceChildren(...shown.children);
  opener?.removeAttribute("aria-current");
  opener = link;
  opener.setAttribute("aria-current", "true");
  if (!panel.open) {
    if (hasRoom.matches) panel.show();
    else panel.showModal();
  }
  document.body.classList.add("with-source");
  panel.scrollTop = body.querySelector("mark").offsetTop - panel.clientHeight / 3;
  close.focus({ preventScroll: true });
}

close.textContent = words.close;
close.addEventListener("click", () => panel.close());
panel.addEventListener("keydown", (event) => {
  if (event.key === "Escape") panel.close();
});
panel.addEventListener("close", () => {
  document.body.classList.remove("with-source");
  opener?.removeAttribute("aria-current");
  opener?.focus();
});
hasRoom.addEventListener("change", () => panel.close());
