// An answer as it comes, chunk by chunk.

// What went wrong, as a key of the page's words or as the server's own words.
export class AnswerError extends Error {
  constructor(key, detail = "") {
    super(detail || key);
    this.key = key;
    this.detail = detail;
  }
}

// Yields every chunk; throws AnswerError, or AbortError when `signal` fires.
export async function* ask(address, request, signal) {
  const response = await post(address, request, signal);
  if (!response.ok) throw refusal(response.status, await errorOf(response));
  for await (const data of events(response.body)) {
    if (data === "[DONE]") return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw refusal(response.status, chunk.error);
    yield chunk;
  }
  throw new AnswerError("broken");
}

async function post(address, body, signal) {
  try {
    return await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new AnswerError("unreachable");
  }
}

async function errorOf(response) {
  const type = response.headers.get("content-type") ?? "";
  return type.startsWith("application/json") ? (await response.json()).error : {};
}

// In the page's own words where it has them.
function refusal(status, { message, code }) {
  if (status === 401) return new AnswerError("logged_out");
  if (status === 429) return new AnswerError("busy");
  if (code === "source_unavailable") return new AnswerError("silent");
  return new AnswerError("failed", message ?? `HTTP ${status}`);
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  for (;;) {
    const { value, done } = await read(reader);
    if (done) return;
    pending += value;
    const whole = pending.split("\n\n");
    pending = whole.pop();
    for (const event of whole) {
      if (event.startsWith("data: ")) yield event.slice("data: ".length);
    }
  }
}

async function read(reader) {
  try {
    return await reader.read();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new AnswerError("broken");
  }
}
