// What a model is asked by kind, and how its answer is shown as it comes.
const RELAY = "/dashboard/relay";
const NUMBERS_SHOWN = 10;

export const made = (tag, className, text = "") => {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
};

const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
const media = (tag, bytes, type, label) => {
  const element = document.createElement(tag);
  element.src = URL.createObjectURL(new Blob([bytes], { type }));
  element.controls = true;
  element.setAttribute("aria-label", label);
  return element;
};

// The answers that come whole, by kind: their elements, and what is worth a word about them.
const WHOLE = {
  image: async (answer, prompt) => {
    const { data } = await answer.json();
    const images = data.map(({ b64_json: image, url }) => {
      if (!image) return made("p", "quiet", url);
      const element = document.createElement("img");
      element.src = `data:image/png;base64,${image}`;
      element.alt = prompt;
      return element;
    });
    return [images, `${data.length} image${data.length === 1 ? "" : "s"}`];
  },
  embedding: async (answer) => {
    const { data } = await answer.json();
    const shown = data.map(({ embedding }) =>
      made("pre", "", `[${embedding.slice(0, NUMBERS_SHOWN).map((one) => one.toFixed(6)).join(", ")}${embedding.length > NUMBERS_SHOWN ? ", …" : ""}]`),
    );
    return [shown, `${data[0]?.embedding.length ?? 0} numbers`];
  },
  speech: async (answer, prompt) => {
    const bytes = await answer.arrayBuffer();
    return [[media("audio", bytes, answer.headers.get("content-type"), prompt)], `${bytes.byteLength} bytes`];
  },
  video: async (answer, prompt) => {
    const { videos } = await answer.json();
    const shown = videos.map((one) =>
      one.data ? media("video", bytesOf(one.data), one.mimeType ?? "video/mp4", prompt) : made("p", "quiet", one.url),
    );
    return [shown, `${videos.length} video${videos.length === 1 ? "" : "s"}`];
  },
};

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

export class Column {
  constructor(model, kind, token, markdown) {
    Object.assign(this, { model, kind, token, markdown, messages: [] });
    this.element = made("section", "card play-column");
    this.element.append(made("h2", "mono", model));
  }

  post(path, body, signal) {
    return fetch(RELAY + path, {
      method: "POST",
      headers: { "content-type": "application/json", "x-csrf-token": this.token },
      body: JSON.stringify(body),
      signal,
    });
  }

  async quote(asked) {
    const answer = await this.post("/v1/quote", { route: asked.path, request: asked.body });
    const quoted = await answer.json();
    if (!answer.ok) return `${this.model}: ${quoted.error?.message}`;
    const short = quoted.affordable ? "" : ` (${quoted.shortfall} short)`;
    return `${this.model}: at most ${quoted.charge_max}, probably ${quoted.charge_expected} credits${short}`;
  }

  async ask(asked, shown, signal) {
    this.element.append(made("p", "play-asked", shown));
    const place = made("div", "play-text");
    const facts = made("p", "quiet small", "Waiting …");
    this.element.append(place, facts);
    const began = performance.now();
    const clock = setInterval(() => { facts.textContent = `Waiting … ${Math.round((performance.now() - began) / 1000)} s`; }, 1000);
    const seen = { began, first: null, words: [] };
    let id = "";
    try {
      const streamed = this.kind === "text" ? { stream: true, stream_options: { include_usage: true } } : {};
      const answer = await this.post(asked.path, { ...asked.body, ...streamed }, signal);
      id = answer.headers.get("x-request-id") ?? "";
      if (!answer.ok) throw new Error((await answer.json()).error?.message ?? `HTTP ${answer.status}`);
      if (this.kind === "text") {
        await this.read(answer, place, seen, () => clearInterval(clock), facts);
        this.messages.push(asked.body.messages.at(-1), { role: "assistant", content: seen.text });
      } else {
        const [elements, words] = await WHOLE[this.kind](answer, shown);
        place.append(...elements);
        seen.words = [words];
      }
    } catch (error) {
      const problem = made("p", "error", error.name === "AbortError" ? "Stopped." : error.message);
      problem.setAttribute("role", "alert");
      this.element.insertBefore(problem, facts);
    }
    clearInterval(clock);
    await this.facts(facts, id, seen);
  }

  async read(answer, place, seen, begun, facts) {
    const thoughts = made("details", "play-thoughts");
    thoughts.append(made("summary", "", "Reasoning"), made("div", "play-text"));
    thoughts.hidden = true;
    place.before(thoughts);
    Object.assign(seen, { text: "", thoughts: "", calls: [], usage: null });
    for await (const chunk of events(answer.body)) {
      if (chunk.error) throw new Error(chunk.error.message ?? "The stream ended with an error.");
      seen.usage = chunk.usage ?? seen.usage;
      const delta = chunk.choices?.[0]?.delta ?? {};
      const thought = delta.reasoning_content ?? delta.reasoning ?? "";
      if ((delta.content || thought || delta.tool_calls) && seen.first === null) {
        seen.first = performance.now();
        begun();
        facts.textContent = `First token after ${Math.round(seen.first - seen.began)} ms …`;
      }
      seen.text += delta.content ?? "";
      seen.thoughts += typeof thought === "string" ? thought : "";
      for (const call of delta.tool_calls ?? []) {
        seen.calls[call.index] ??= { name: "", text: "" };
        seen.calls[call.index].name += call.function?.name ?? "";
        seen.calls[call.index].text += call.function?.arguments ?? "";
      }
      place.replaceChildren(...this.markdown(seen.text), ...seen.calls.map((call) => made("pre", "", `${call.name}(${call.text})`)));
      thoughts.hidden = !seen.thoughts;
      thoughts.lastChild.textContent = seen.thoughts;
    }
  }

  async facts(element, id, seen) {
    const ended = performance.now();
    const words = [...seen.words];
    if (seen.first !== null) words.push(`first token ${Math.round(seen.first - seen.began)} ms`);
    words.push(`${Math.round(ended - seen.began)} ms in all`);
    const out = seen.usage?.completion_tokens;
    if (seen.usage) words.push(`${seen.usage.prompt_tokens} tokens in, ${out} out`);
    if (out && seen.first !== null && ended > seen.first) words.push(`${Math.round((out * 1000) / (ended - seen.first))} tokens/s`);
    element.textContent = words.join(" · ");
    if (!id) return;
    const settled = await fetch(`${RELAY}/calls/${id}`, { headers: { "x-csrf-token": this.token } });
    if (!settled.ok) return;
    const link = made("a", "", `${(await settled.json()).charge} credits`);
    link.href = `/dashboard/calls/${id}`;
    element.append(" · ", link);
  }
}
