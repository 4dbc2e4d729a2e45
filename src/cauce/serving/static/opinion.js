// What the reader thinks of an answer: a thumb, a better answer, and whether one may learn from it.

import { button, element, tell, words } from "./page.js";

const THUMBS = { up: "useful", down: "useless" };

// The row under an answer that is kept; `before` holds what was said of it earlier.
export function opinionOf(messageId, before) {
  let thumb = before.find(({ kind }) => kind in THUMBS)?.kind ?? "";
  const correction = before.find(({ kind }) => kind === "correction")?.text ?? "";
  const consent = element("input", { type: "checkbox", checked: before.some((one) => one.consent) });
  const better = element("textarea", { rows: 3, maxLength: 4000, value: correction });
  const kept = element("p", { className: "small", role: "status" });
  const form = element("form", { className: "stack opinion", hidden: true },
    element("label", { className: "option" }, consent, element("span", { text: words.consent })),
    element("label", { text: words.correction }, better),
    element("div", { className: "row" }, element("button", { text: words.keep }), kept));

  const save = async (kind, text = "") =>
    tell(`/api/messages/${messageId}/feedback`, { kind, text, consent: consent.checked });
  const report = (wasTaken) => { kept.textContent = wasTaken ? words.kept : words.unreachable; };

  const thumbs = Object.entries(THUMBS).map(([kind, key]) => {
    const made = button(words[key], async () => {
      thumb = kind;
      press();
      form.hidden = false;
      form.scrollIntoView({ block: "nearest" });
      report(await save(kind));
    }, { className: `quiet thumb ${kind}` });
    made.dataset.kind = kind;
    return made;
  });
  const press = () => {
    for (const one of thumbs) one.setAttribute("aria-pressed", String(one.dataset.kind === thumb));
  };
  press();

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = better.value.trim();
    report((await save(thumb)) && (!text || await save("correction", text)));
  });
  const group = element("div", { className: "row thumbs", role: "group" }, ...thumbs);
  group.setAttribute("aria-label", words.opinion);
  return [group, form];
}
