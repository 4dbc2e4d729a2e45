// The conversation: asks, shows answers as they come, stops, asks again.

import { facts, tell, words } from "./page.js";
import { forget, picture } from "./picture.js";
import { AnswerError, ask as askFor } from "./stream.js";
import { Turn } from "./turn.js";

const TURNS_SENT = 12;

const conversation = document.getElementById("conversation");
const form = document.getElementById("ask");
const question = document.getElementById("question");
const send = document.getElementById("send");
const stop = document.getElementById("stop");
const restart = document.getElementById("restart");
const plain = document.getElementById("plain");
const hint = document.getElementById("hint");
const status = document.getElementById("status");
const act = { ask: (text) => answer(new Turn({ question: text })), retry };

let kept = facts.conversation;
let unkept = [];
let running = null;

function say(key) {
  status.textContent = key ? words[key] : "";
  status.classList.toggle("heard", key === "done");
}

function busy(isBusy) {
  send.hidden = isBusy;
  stop.hidden = !isBusy;
  const isBegun = conversation.childElementCount > 0;
  restart.hidden = isBusy || !isBegun;
  hint.hidden = isBegun;
  document.getElementById("welcome").classList.toggle("heard", isBegun);
  conversation.setAttribute("aria-busy", String(isBusy));
  for (const button of conversation.querySelectorAll("button")) button.disabled = isBusy;
}

// What is asked of the server: in a stored conversation the question alone, else with what was said.
function requestOf({ question: text, images }) {
  const parts = images.map((url) => ({ type: "image_url", image_url: { url } }));
  const asked = { role: "user", content: [{ type: "text", text }, ...parts] };
  const messages = facts.keeps ? [asked] : [...unkept.slice(-TURNS_SENT), asked];
  return { model: facts.model, messages, plain: plain.checked, stream: true };
}

function addressOf() {
  if (!facts.keeps) return "/v1/chat/completions";
  return kept ? `/api/conversations/${kept}` : "/api/conversations";
}

const answer = (turn) => follow(turn, addressOf(), requestOf(turn));

async function retry(turn) {
  const again = new Turn(turn);
  turn.article.replaceWith(again.article);
  if (!turn.id) return answer(again);
  again.id = turn.id;
  return follow(again, `/api/messages/${turn.id}/retry`, { plain: plain.checked });
}

async function follow(turn, address, request) {
  running = { turn, abort: new AbortController() };
  busy(true);
  say("working");
  turn.article.scrollIntoView({ block: "start" });
  let found = null;
  try {
    for await (const chunk of askFor(address, request, running.abort.signal)) {
      if (chunk.message) keep(turn, chunk);
      const delta = chunk.choices?.[0]?.delta ?? {};
      if (delta.content) turn.add(delta.content);
      found = delta.cauce ?? found;
    }
    if (!found) throw new AnswerError("stopped");
    turn.settle(found, act);
    if (!facts.keeps) remember(turn);
    say("done");
  } catch (error) {
    explain(turn, error);
  } finally {
    running = null;
    busy(false);
  }
}

function keep(turn, { message, conversation: id }) {
  turn.id = message;
  if (kept === id) return;
  kept = id;
  history.replaceState(null, "", `/conversations/${id}${location.search}`);
}

function remember({ question: text, said }) {
  unkept.push({ role: "user", content: text }, { role: "assistant", content: said || "—" });
}

function explain(turn, error) {
  const isStopped = error.name === "AbortError" || error.key === "stopped";
  if (!isStopped && !(error instanceof AnswerError)) throw error;
  turn.fail(isStopped ? words.stopped : words.failed + (error.detail || words[error.key]), act);
  say("");
}

function show(message) {
  const turn = new Turn(message);
  turn.id = message.id;
  if (message.text) turn.add(message.text);
  if (message.cauce) turn.settle(message.cauce, act, message.opinions);
  else turn.fail(words[message.state === "stopped" ? "stopped" : "interrupted"], act);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = question.value.trim();
  const images = picture() ? [picture()] : [];
  if (running || (!text && !images.length)) return;
  question.value = "";
  forget();
  question.focus();
  answer(new Turn({ question: text, images }));
});

question.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});

stop.addEventListener("click", async () => {
  const { turn, abort } = running;
  if (turn.id) await tell(`/api/messages/${turn.id}/stop`, {});
  abort.abort();
  question.focus();
});

plain.checked = localStorage.getItem("plain") === "yes";
plain.addEventListener("change", () => localStorage.setItem("plain", plain.checked ? "yes" : ""));

facts.messages.forEach(show);
busy(false);
conversation.lastElementChild?.scrollIntoView({ block: "start" });
question.focus({ preventScroll: true });
