// The playground: what is asked, by kind, of one model or of several side by side, over the relay of the hub's own API.
const form = document.getElementById("playground");
const at = (id) => document.getElementById(id);
const { token, url, user } = form.dataset;
const [{ Column, made }, { SAMPLES }, { markdown }] = await Promise.all([
  import(form.dataset.answers),
  import(form.dataset.code),
  import(form.dataset.markdown),
]);
const MODELS_MAX = 4;
const KEPT = `aihub-playground-${user}`;
let running = null;
let columns = [];

const kind = () => form.querySelector("input[name=kind]:checked").value;
const models = () => [...form.querySelectorAll("input.model")].map((one) => one.value.trim()).filter(Boolean);
const problem = (text) => { at("problem").textContent = text; at("problem").hidden = !text; };
const text = (id) => at(id).value.trim() || undefined;
const number = (id) => (text(id) === undefined ? undefined : Number(at(id).value.replace(",", ".")));
const json = (id, label) => {
  try {
    return text(id) === undefined ? undefined : JSON.parse(at(id).value);
  } catch (error) {
    throw new Error(`${label}: this is not JSON (${error.message}).`);
  }
};

const read = (file) => new Promise((done, failed) => {
  const reader = new FileReader();
  reader.onload = () => done(reader.result);
  reader.onerror = () => failed(reader.error);
  reader.readAsDataURL(file);
});
const part = async (file) => {
  const data = await read(file);
  if (file.type.startsWith("image/")) return { type: "image_url", image_url: { url: data } };
  if (file.type.startsWith("audio/")) {
    const format = /wav/.test(file.type) ? "wav" : "mp3";
    return { type: "input_audio", input_audio: { data: data.slice(data.indexOf(",") + 1), format } };
  }
  return { type: "file", file: { filename: file.name, file_data: data } };
};
const content = async () => {
  const files = [...at("files").files];
  return files.length ? [{ type: "text", text: at("prompt").value }, ...(await Promise.all(files.map(part)))] : at("prompt").value;
};

// The request of each kind: its route, and its body for a column.
const REQUESTS = {
  text: async (column) => ({
    path: "/v1/chat/completions",
    body: {
      model: column.model,
      messages: [...(text("system") ? [{ role: "system", content: text("system") }] : []), ...column.messages, { role: "user", content: await content() }],
      temperature: number("temperature"),
      top_p: number("top-p"),
      max_completion_tokens: number("max-tokens"),
      reasoning_effort: text("effort"),
      tools: json("tools", "Tools"),
    },
  }),
  image: async ({ model }) => ({
    path: "/v1/images/generations",
    body: { model, prompt: at("prompt").value, size: text("image-size"), quality: text("image-quality"), n: number("image-count") },
  }),
  embedding: async ({ model }) => ({ path: "/v1/embeddings", body: { model, input: at("prompt").value, dimensions: number("dimensions") } }),
  speech: async ({ model }) => ({
    path: "/v1/audio/speech",
    body: { model, input: at("prompt").value, voice: text("voice") ?? "alloy", response_format: text("audio-format"), instructions: text("instructions") },
  }),
  video: async ({ model }) => ({
    path: "/api/v2/video",
    body: { input: { prompt: at("prompt").value, size: text("video-size"), seconds: text("seconds"), modelOptions: { model } } },
  }),
};
const requestOf = async (column) => {
  const asked = await REQUESTS[column.kind](column);
  const more = json("more", "Other fields");
  const target = column.kind === "video" ? asked.body.input : asked.body;
  Object.assign(target, more);
  return asked;
};

const arranged = () => {
  const wanted = models();
  if (wanted.join() !== columns.map((one) => one.model).join() || columns.some((one) => one.kind !== kind())) {
    at("answers").replaceChildren();
    columns = wanted.map((model) => new Column(model, kind(), token, markdown));
    at("answers").append(...columns.map((one) => one.element));
  }
  return columns;
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (running) return;
  problem("");
  running = new AbortController();
  try {
    const all = arranged();
    const asked = await Promise.all(all.map(requestOf));
    const shown = [at("prompt").value, ...[...at("files").files].map((file) => file.name)].join("\n");
    at("send").disabled = true;
    at("stop").disabled = false;
    if (kind() === "text") at("prompt").value = "";
    at("files").value = "";
    at("quoted").hidden = true;
    await Promise.all(all.map((one, n) => one.ask(asked[n], shown, running.signal)));
  } catch (error) {
    problem(error.message);
  }
  running = null;
  at("send").disabled = false;
  at("stop").disabled = true;
});
at("stop").addEventListener("click", () => running?.abort());
at("clear").addEventListener("click", () => {
  at("answers").replaceChildren();
  columns = [];
  at("quoted").hidden = true;
  at("code").hidden = true;
});
at("prompt").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

const addModel = (value = "") => {
  const count = form.querySelectorAll("input.model").length;
  const input = at("model-0").cloneNode();
  Object.assign(input, { id: `model-${count}`, value, required: false });
  input.setAttribute("aria-label", `Model ${count + 1}`);
  at("models").append(input);
  at("add-model").hidden = count + 1 >= MODELS_MAX;
  return input;
};
at("add-model").addEventListener("click", () => addModel().focus());

at("quote").addEventListener("click", async () => {
  problem("");
  try {
    const all = arranged();
    const asked = await Promise.all(all.map(requestOf));
    const words = await Promise.all(all.map((one, n) => one.quote(asked[n])));
    at("quoted").replaceChildren(...words.map((one) => made("span", "line-of-quote", one)));
    at("quoted").hidden = false;
  } catch (error) {
    problem(error.message);
  }
});

for (const [name, sample] of Object.entries(SAMPLES)) {
  const button = made("button", "small", name);
  button.type = "button";
  button.addEventListener("click", async () => {
    try {
      const [first] = arranged();
      at("sample").textContent = sample(url, await requestOf(first), first.kind);
      at("code").hidden = false;
    } catch (error) {
      problem(error.message);
    }
  });
  at("languages").append(button);
}

// The fields of the chosen kind, and what was chosen the last time.
const arrange = () => {
  for (const element of form.querySelectorAll("[data-kinds]")) element.hidden = !element.dataset.kinds.split(" ").includes(kind());
  at("prompt-label").textContent = form.querySelector("input[name=kind]:checked").dataset.prompt;
};
for (const radio of form.querySelectorAll("input[name=kind]")) radio.addEventListener("change", arrange);
const kept = JSON.parse(localStorage.getItem(KEPT) ?? "null");
if (kept && !form.dataset.chosen) {
  at("model-0").value = kept.models[0] ?? at("model-0").value;
  kept.models.slice(1, MODELS_MAX).forEach((model) => addModel(model));
  at("system").value = kept.system ?? "";
}
form.addEventListener("change", () => localStorage.setItem(KEPT, JSON.stringify({ models: models(), system: at("system").value })));
arrange();
form.hidden = false;
