// The chat page: asks, shows answers as text beside what they rest on, and changes language.

import { AnswerError, ask } from "./stream.js";

const WORDING = JSON.parse(document.getElementById("wording").textContent);
const TURNS_SENT = 12;

const conversation = document.getElementById("conversation");
const form = document.getElementById("ask");
const question = document.getElementById("question");
const send = document.getElementById("send");
const stop = document.getElementById("stop");
const clear = document.getElementById("clear");
const plain = document.getElementById("plain");
const status = document.getElementById("status");

let turns = [];
let running = null;

const words = () => WORDING[document.documentElement.lang];

// An element with its text; `key` names a text of the page, which then follows its language.
function element(tag, { key, text = "", className = "" } = {}, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (key) made.dataset.text = key;
  made.textContent = key ? words()[key] : text;
  made.append(...children);
  return made;
}

function say(key) {
  status.dataset.text = key;
  status.textContent = key ? words()[key] : "";
}

function busy(isBusy) {
  send.hidden = isBusy;
  stop.hidden = !isBusy;
  clear.hidden = isBusy || !conversation.childElementCount;
  conversation.setAttribute("aria-busy", String(isBusy));
  for (const button of conversation.querySelectorAll("button")) button.disabled = isBusy;
}

async function answer(asked) {
  document.getElementById("welcome").hidden = true;
  const turn = addTurn(asked);
  const history = turns.slice(-TURNS_SENT);
  running = new AbortController();
  busy(true);
  say("working");
  turn.article.scrollIntoView({ block: "start" });
  try {
    const messages = [...history, { role: "user", content: asked }];
    const request = { model: document.body.dataset.model, messages, plain: plain.checked };
    for await (const choice of ask(request, running.signal)) {
      addChoice(turn, choice);
    }
    turns.push({ role: "user", content: asked });
    turns.push({ role: "assistant", content: turn.said || "—" });
    say("done");
  } catch (error) {
    explain(turn, error, asked);
  } finally {
    running = null;
    busy(false);
  }
}

function addTurn(asked) {
  const text = element("p", { className: "text" });
  const body = element("div", { className: "answer" }, element("h3", { key: "assistant" }), text);
  const sources = element("aside", { className: "sources" });
  const article = element("article", {},
    element("h2", { className: "asked" },
      element("span", { key: "you", className: "who" }), element("span", { text: asked })),
    body, sources);
  article.id = `turn-${conversation.childElementCount + 1}`;
  conversation.append(article);
  return { article, body, text, sources, said: "" };
}

function addChoice(turn, { delta, finish_reason }) {
  if (delta.content) {
    turn.said += delta.content;
    turn.text.append(element("span", { text: delta.content }));
  }
  if (delta.cauce) showEvidence(turn, delta.cauce);
  if (finish_reason === "length") turn.body.append(element("p", { key: "truncated", className: "mark" }));
}

function showEvidence(turn, found) {
  turn.text.lang = found.language;
  if (found.emergency) {
    turn.body.append(callOf(found.call));
    turn.article.classList.add("emergency");
    if (found.abstained) return;
  } else if (found.call.length) {
    turn.body.append(callOf(found.call));
  }
  if (found.citations.length) turn.text.replaceChildren(...referenced(turn, found.statements));
  turn.body.append(element("p", { key: standing(found), className: "mark" }));
  if (found.reason && !turn.said) {
    turn.body.append(element("p", { text: found.reason, className: "reason" }));
  }
  if (found.choices.length) turn.body.append(choicesOf(found.choices));
  if (found.checks.length) turn.body.append(checksOf(found.checks));
  turn.sources.append(element("h3", { key: "sources" }));
  turn.sources.append(...found.citations.map((citation, place) => citationOf(turn, citation, place)));
  if (!found.citations.length) turn.sources.append(element("p", { key: "no_sources", className: "small" }));
}

// The statements with the number of the citation that they rest on, which opens it.
function referenced(turn, statements) {
  return statements.flatMap(({ text, citation }, place) => {
    const follows = statements[place + 1];
    const ends = !follows || follows.citation !== citation;
    const said = element("span", { text: `${text}${ends ? "" : " "}` });
    if (!ends) return [said];
    const parts = citation === null ? [said] : [said, referenceTo(turn, citation)];
    return follows ? [...parts, document.createTextNode("\n")] : parts;
  });
}

function referenceTo(turn, citation) {
  const link = element("a", { text: ` [${citation + 1}]`, className: "reference" });
  link.href = `#${citationId(turn, citation)}`;
  link.addEventListener("click", () => {
    document.getElementById(citationId(turn, citation)).open = true;
  });
  return link;
}

const citationId = (turn, citation) => `${turn.article.id}-source-${citation + 1}`;

function callOf(numbers) {
  const group = element("div", { className: "call" });
  for (const number of numbers) {
    const link = element("a", {}, element("span", { key: "call" }), ` ${number}`);
    link.href = `tel:${number.replaceAll(" ", "")}`;
    group.append(link);
  }
  return group;
}

function standing(found) {
  if (found.abstained) return "abstained";
  if (found.generated) return "generated";
  if (found.plain) return "plainly";
  return found.reason ? "withheld" : "quoted";
}

function choicesOf(names) {
  const group = element("div", { className: "choices" }, element("p", { key: "choose" }));
  for (const name of names) {
    const button = element("button", { text: name });
    button.type = "button";
    button.addEventListener("click", () => answer(name));
    group.append(button);
  }
  return group;
}

function checksOf(checks) {
  const list = element("ul");
  for (const check of checks) {
    const detail = check.detail ? ` — ${check.detail}` : "";
    const key = `check_${check.name}`;
    const name = element("span", key in words() ? { key } : { text: check.name });
    const outcome = element("span", { key: check.passed ? "passed" : "not_passed" });
    list.append(element("li", {}, name, ": ", outcome, detail));
  }
  const opened = element("details", { className: "checks" }, element("summary", { key: "checks" }), list);
  opened.open = checks.some((check) => !check.passed);
  return opened;
}

function citationOf(turn, citation, place) {
  const facts = element("dl");
  for (const key of ["section", "source", "id", "version"]) {
    facts.append(element("dt", { key }), element("dd", { text: citation[key] }));
  }
  const opened = element("details", { className: "citation" },
    element("summary", { text: `[${place + 1}] ${citation.title || citation.id}` }),
    element("blockquote", { text: citation.quote }), facts);
  opened.id = citationId(turn, place);
  const address = new URLSearchParams({ source: citation.source, id: citation.id,
    language: citation.language, section: citation.section, start: citation.start, length: citation.quote.length });
  const held = element("a", { key: "open_section" });
  held.href = `/section?${address}#quote`;
  held.target = "_blank";
  opened.append(held);
  if (citation.url.startsWith("https://")) {
    const link = element("a", { key: "open" });
    link.href = citation.url;
    link.rel = "noopener noreferrer";
    link.target = "_blank";
    opened.append(link);
  }
  return opened;
}

function explain(turn, error, asked) {
  const wasStopped = error.name === "AbortError";
  if (!wasStopped && !(error instanceof AnswerError)) throw error;
  const note = element("p", { className: "mark" });
  if (wasStopped) note.append(element("span", { key: "stopped" }));
  else {
    note.append(element("span", { key: "failed" }));
    note.append(error.detail ? error.detail : element("span", { key: error.key }));
  }
  const retry = element("button", { key: "retry" });
  retry.type = "button";
  retry.addEventListener("click", () => {
    turn.article.remove();
    answer(asked);
    question.focus();
  });
  turn.body.append(note, retry);
  say("");
}

function speak(language) {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-text]")) {
    node.textContent = node.dataset.text ? words()[node.dataset.text] : "";
  }
  for (const node of document.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", words()[node.dataset.label]);
  }
  for (const link of document.querySelectorAll("nav a")) {
    if (link.lang === language) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  document.title = `${words().title} · cauce`;
  history.replaceState(null, "", `/?lang=${language}`);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const asked = question.value.trim();
  if (running || !asked) return;
  question.value = "";
  question.focus();
  answer(asked);
});

question.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});

stop.addEventListener("click", () => {
  running?.abort();
  question.focus();
});

clear.addEventListener("click", () => {
  turns = [];
  conversation.replaceChildren();
  document.getElementById("welcome").hidden = false;
  say("");
  busy(false);
  question.focus();
});

for (const link of document.querySelectorAll("nav a")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    speak(link.lang);
  });
}

question.focus();
