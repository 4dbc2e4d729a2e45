// Medicines as one types: the same page, its results alone put into this one.

const PAUSE_MS = 180;
const form = document.getElementById("search");
const typed = document.getElementById("typed");

let waiting = 0;
let last = null;

async function search() {
  last?.abort();
  last = new AbortController();
  const address = `/vademecum?${new URLSearchParams(new FormData(form))}`;
  try {
    const response = await fetch(address, { signal: last.signal });
    if (!response.ok && response.status !== 404) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const id of ["count", "names"]) {
      document.getElementById(id).replaceChildren(...page.getElementById(id).childNodes);
    }
    history.replaceState(null, "", address);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

typed.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(search, PAUSE_MS);
});
typed.focus({ preventScroll: true });
