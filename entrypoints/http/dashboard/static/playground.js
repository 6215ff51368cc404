// The playground: asks each model by the relay of the hub's own API, and shows each answer as it comes.
const form = document.getElementById("playground");
const at = (id) => document.getElementById(id);
const { token, url } = form.dataset;
const RELAY = "/dashboard/relay";
const MODELS_MAX = 4;
let running = [];

const made = (tag, className, text = "") => {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
};
const models = () => [...document.querySelectorAll("input.model")].map((one) => one.value.trim()).filter(Boolean);
const problem = (text) => { at("problem").textContent = text; at("problem").hidden = !text; };
const number = (id) => (at(id).value.trim() === "" ? undefined : Number(at(id).value.replace(",", ".")));
const post = (path, body, signal) =>
  fetch(RELAY + path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": token },
    body: JSON.stringify(body),
    signal,
  });

class Column {
  constructor(model) {
    this.model = model;
    this.messages = [];
    this.element = made("section", "card play-column");
    this.element.append(made("h2", "mono", model));
    at("answers").append(this.element);
  }

  request(content) {
    const system = at("system").value.trim();
    const tools = at("tools").value.trim();
    return {
      model: this.model,
      messages: [...(system ? [{ role: "system", content: system }] : []), ...this.messages, { role: "user", content }],
      temperature: number("temperature"),
      top_p: number("top-p"),
      max_completion_tokens: number("max-tokens"),
      reasoning_effort: at("effort").value || undefined,
      tools: tools ? JSON.parse(tools) : undefined,
    };
  }

  async ask(content, shown, signal) {
    this.element.append(made("p", "play-asked", shown));
    const thoughts = made("details", "play-thoughts");
    thoughts.append(made("summary", "", "Reasoning"), made("div", "play-text"));
    thoughts.hidden = true;
    const text = made("div", "play-text");
    const facts = made("p", "quiet small", "Waiting for the first token …");
    this.element.append(thoughts, text, facts);
    const body = { ...this.request(content), stream: true, stream_options: { include_usage: true } };
    const began = performance.now();
    const seen = { text: "", thoughts: "", calls: [], usage: null, first: null };
    let id = "";
    try {
      const answer = await post("/v1/chat/completions", body, signal);
      id = answer.headers.get("x-request-id") ?? "";
      if (!answer.ok) throw new Error((await answer.json()).error?.message ?? `HTTP ${answer.status}`);
      for await (const chunk of events(answer.body)) {
        if (chunk.error) throw new Error(chunk.error.message ?? "The stream ended with an error.");
        seen.usage = chunk.usage ?? seen.usage;
        const delta = chunk.choices?.[0]?.delta ?? {};
        const thought = delta.reasoning_content ?? delta.reasoning ?? "";
        if ((delta.content || thought || delta.tool_calls) && seen.first === null) seen.first = performance.now();
        seen.text += delta.content ?? "";
        seen.thoughts += typeof thought === "string" ? thought : "";
        for (const call of delta.tool_calls ?? []) {
          seen.calls[call.index] ??= { name: "", text: "" };
          seen.calls[call.index].name += call.function?.name ?? "";
          seen.calls[call.index].text += call.function?.arguments ?? "";
        }
        text.textContent = seen.text + seen.calls.map((call) => `\n${call.name}(${call.text})`).join("");
        thoughts.hidden = !seen.thoughts;
        thoughts.lastChild.textContent = seen.thoughts;
      }
      this.messages.push({ role: "user", content }, { role: "assistant", content: seen.text });
    } catch (error) {
      this.element.append(made("p", "error", error.name === "AbortError" ? "Stopped." : error.message));
    }
    await this.facts(facts, id, seen, began);
  }

  async facts(element, id, seen, began) {
    const ended = performance.now();
    const words = [];
    if (seen.first !== null) words.push(`first token ${Math.round(seen.first - began)} ms`);
    words.push(`whole ${Math.round(ended - began)} ms`);
    const out = seen.usage?.completion_tokens;
    if (seen.usage) words.push(`${seen.usage.prompt_tokens} tokens in, ${out} out`);
    if (out && seen.first !== null && ended > seen.first) words.push(`${Math.round((out * 1000) / (ended - seen.first))} tokens/s`);
    element.textContent = words.join(" · ");
    if (!id) return;
    const settled = await fetch(`${RELAY}/calls/${id}`, { headers: { "x-csrf-token": token } });
    if (!settled.ok) return;
    const link = made("a", "", `${(await settled.json()).charge} credits`);
    link.href = `/dashboard/calls/${id}`;
    element.append(" · ", link);
  }
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const data = line.startsWith("data:") ? line.slice(5).trim() : "";
      if (data && data !== "[DONE]") yield JSON.parse(data);
    }
  }
}

let columns = [];
function arranged() {
  const wanted = models();
  if (wanted.join() !== columns.map((one) => one.model).join()) {
    at("answers").replaceChildren();
    columns = wanted.map((model) => new Column(model));
  }
  return columns;
}

async function content() {
  const text = at("prompt").value;
  const files = [...at("images").files];
  if (!files.length) return text;
  const read = (file) => new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = failed;
    reader.readAsDataURL(file);
  });
  const images = await Promise.all(files.map(read));
  return [{ type: "text", text }, ...images.map((image) => ({ type: "image_url", image_url: { url: image } }))];
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (running.length) return;
  problem("");
  try {
    const asked = await content();
    const shown = at("prompt").value;
    const abort = new AbortController();
    const all = arranged();
    all.forEach((one) => one.request(asked));
    at("send").disabled = true;
    at("stop").disabled = false;
    running = [abort];
    at("prompt").value = "";
    at("images").value = "";
    await Promise.all(all.map((one) => one.ask(asked, shown, abort.signal)));
  } catch (error) {
    problem(error instanceof SyntaxError ? `The tools are not JSON: ${error.message}` : error.message);
  }
  running = [];
  at("send").disabled = false;
  at("stop").disabled = true;
});
at("stop").addEventListener("click", () => running.forEach((one) => one.abort()));
at("clear").addEventListener("click", () => { at("answers").replaceChildren(); columns = []; at("quoted").hidden = true; });
at("prompt").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
at("add-model").addEventListener("click", () => {
  const count = document.querySelectorAll("input.model").length;
  const input = at("model-0").cloneNode();
  Object.assign(input, { id: `model-${count}`, value: "", required: false });
  input.setAttribute("aria-label", `Model ${count + 1}`);
  at("models").append(input);
  input.focus();
  at("add-model").hidden = count + 1 >= MODELS_MAX;
});
at("quote").addEventListener("click", async () => {
  problem("");
  const words = [];
  for (const column of arranged()) {
    const answer = await post("/v1/quote", { route: "/v1/chat/completions", request: column.request(await content()) });
    const quoted = await answer.json();
    words.push(
      answer.ok
        ? `${column.model}: at most ${quoted.charge_max}, probably ${quoted.charge_expected} credits${quoted.affordable ? "" : ` (${quoted.shortfall} short)`}`
        : `${column.model}: ${quoted.error?.message}`,
    );
  }
  at("quoted").textContent = words.join(" · ");
  at("quoted").hidden = false;
});
at("code").addEventListener("click", async () => {
  const [first] = arranged();
  const body = JSON.stringify(first.request(await content()), null, 2).replaceAll("'", "'\\''");
  await navigator.clipboard.writeText(
    `curl ${url}/v1/chat/completions \\\n  -H "Authorization: Bearer $HUB_KEY" -H "Content-Type: application/json" \\\n  -d '${body}'`,
  );
  at("code").textContent = "Copied";
});
form.hidden = false;
