// Answers read aloud by a voice of this machine; a voice that is spoken elsewhere is never used.

import { button, words } from "./page.js";

const buttons = new Set();

function voiceFor(language) {
  return speechSynthesis.getVoices().find((voice) =>
    voice.localService && voice.lang.toLowerCase().startsWith(language));
}

// A button that reads `said()`; it is hidden where no voice here speaks the language.
export function reader(said, language) {
  const made = button(words.read, () => {
    const isReading = made.getAttribute("aria-pressed") === "true";
    speechSynthesis.cancel();
    if (!isReading) read(made, said(), language);
  }, { className: "quiet", hidden: true });
  made.dataset.language = language;
  made.setAttribute("aria-pressed", "false");
  if ("speechSynthesis" in window) {
    buttons.add(made);
    offer();
  }
  return made;
}

function read(made, text, language) {
  const speech = new SpeechSynthesisUtterance(text);
  speech.voice = voiceFor(language);
  speech.lang = speech.voice.lang;
  speech.rate = 0.95;
  const show = (isReading) => {
    made.setAttribute("aria-pressed", String(isReading));
    made.textContent = isReading ? words.silence : words.read;
  };
  speech.addEventListener("end", () => show(false));
  speech.addEventListener("error", () => show(false));
  show(true);
  speechSynthesis.speak(speech);
}

function offer() {
  for (const made of buttons) made.hidden = !voiceFor(made.dataset.language);
}

if ("speechSynthesis" in window) {
  speechSynthesis.addEventListener("voiceschanged", offer);
  addEventListener("pagehide", () => speechSynthesis.cancel());
}
