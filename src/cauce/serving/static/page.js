// What the server told this page, and elements made without a word of HTML.

const facts = JSON.parse(document.getElementById("facts").textContent);

export { facts };
export const words = facts.words;

export function element(tag, { text = "", className = "", ...properties } = {}, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  Object.assign(made, properties);
  made.append(...children);
  return made;
}

export function button(text, act, properties = {}) {
  const made = element("button", { text, type: "button", ...properties });
  made.addEventListener("click", act);
  return made;
}

// Tells the server something; true when it took it.
export async function tell(address, body) {
  const response = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return response.ok;
}
