// A question with its answer: the words, what they rest on, and what can be done with them.

import { button, element, facts, words } from "./page.js";
import { opinionOf } from "./opinion.js";
import { imageOf } from "./picture.js";
import { opensSource } from "./source.js";
import { reader } from "./voice.js";

const conversation = document.getElementById("conversation");

export class Turn {
  constructor({ question, images = [] }) {
    this.question = question;
    this.images = images;
    this.id = "";
    this.said = "";
    this.text = element("p", { className: "text" });
    this.body = element("div", { className: "answer" }, element("h3", { text: words.assistant }), this.text);
    const asked = element("h2", { className: "asked" },
      element("span", { text: words.you, className: "who" }), element("span", { text: question }));
    this.article = element("article", {}, asked, ...images.map(imageOf), this.body);
    conversation.append(this.article);
  }

  add(text) {
    this.said += text;
    this.text.append(element("span", { text }));
  }

  // The answer is whole: `found` is what it rests on. `act` asks and repeats.
  settle(found, act, opinions = []) {
    this.text.lang = found.language;
    if (found.call.length) this.showCalls(found);
    if (found.statements.length) this.text.replaceChildren(...referenced(found));
    if (found.choices.length) this.body.append(choicesOf(found.choices, act.ask));
    if (!found.abstained || !(found.emergency || found.choices.length)) this.showStanding(found);
    this.body.append(...this.deeds(found, opinions));
  }

  showCalls(found) {
    const links = found.call.map((number) => element("a", {
      text: `${words.call} ${number}`, href: `tel:${number.replaceAll(" ", "")}`,
    }));
    this.text.before(element("div", { className: "call" }, ...links));
    if (!found.emergency) return;
    this.article.classList.add("emergency");
    this.body.scrollIntoView({ block: "start" });
  }

  showStanding(found) {
    this.body.append(element("p", { text: words[standing(found)], className: "mark" }));
    if (found.reason && !this.said) this.body.append(element("p", { text: found.reason, className: "reason" }));
    if (found.works.length) this.body.append(worksOf(found.works));
    this.body.append(sourcesOf(found));
    if (found.checks.length) this.body.append(checksOf(found.checks));
  }

  deeds(found, opinions) {
    const read = reader(() => this.said, found.language);
    if (!facts.keeps) return [element("div", { className: "deeds" }, read)];
    const [thumbs, form] = opinionOf(this.id, opinions);
    return [element("div", { className: "deeds" }, thumbs, read), form];
  }

  // There is no whole answer: why, and the question once more.
  fail(reason, act) {
    this.body.append(
      element("p", { text: reason, className: "mark" }),
      button(words.retry, () => act.retry(this)),
    );
  }
}

// The statements with the number of the citation that they rest on, which opens it.
function referenced({ statements, citations }) {
  return statements.flatMap(({ text, citation }, place) => {
    const follows = statements[place + 1];
    const ends = !follows || follows.citation !== citation;
    const said = element("span", { text: `${text}${ends ? "" : " "}` });
    if (!ends) return [said];
    const parts = citation === null ? [said] : [said, referenceTo(citations[citation], citation)];
    return follows ? [...parts, document.createTextNode("\n")] : parts;
  });
}

function referenceTo(citation, place) {
  const link = element("a", { text: `[${place + 1}]`, className: "reference" });
  link.setAttribute("aria-label", `${words.source_title} ${place + 1}: ${citation.title || citation.id}`);
  return opensSource(link, citation);
}

function standing(found) {
  if (found.abstained) return "abstained";
  if (found.generated) return "generated";
  if (found.plain) return "plainly";
  return found.reason ? "withheld" : "quoted";
}

function choicesOf(names, ask) {
  const buttons = names.map((name) => button(name, () => ask(name)));
  const group = element("div", { className: "choices", role: "group" }, ...buttons);
  group.setAttribute("aria-label", words.choose);
  return group;
}

function sourcesOf({ citations, works, abstained }) {
  if (!citations.length) {
    return works.length || abstained ? "" : element("p", { text: words.no_sources, className: "small" });
  }
  const items = citations.map((citation, place) => {
    const link = element("a", { text: `[${place + 1}] ${citation.title || citation.id}` });
    return element("li", {}, opensSource(link, citation));
  });
  return element("div", { className: "sources" },
    element("h4", { text: words.sources }), element("ul", {}, ...items));
}

function worksOf(works) {
  const items = works.map((work) => {
    const link = element("a", { text: work.doi, href: work.url, target: "_blank", rel: "noopener noreferrer" });
    const by = [work.authors[0] ?? "", work.year].filter(Boolean).join(", ");
    const retracted = work.retracted ? [element("strong", { text: ` (${words.retracted})` })] : [];
    return element("li", {}, `${by}. ${work.title}. `, link, ...retracted);
  });
  return element("div", { className: "sources" },
    element("h4", { text: words.works }), element("ul", {}, ...items));
}

function checksOf(checks) {
  const items = checks.map(({ name, passed, detail }) => {
    const outcome = words[passed ? "passed" : "not_passed"];
    const more = detail ? ` — ${detail}` : "";
    return element("li", { text: `${words[`check_${name}`] ?? name}: ${outcome}${more}` });
  });
  return element("details", { className: "checks", open: checks.some(({ passed }) => !passed) },
    element("summary", { text: words.checks }), element("ul", {}, ...items));
}
