// The request of the playground as code, for the visitor's own URL.
const LONG = 300;
const short = (_, value) => (typeof value === "string" && value.length > LONG && /^data:|^[A-Za-z0-9+/=]+$/.test(value) ? `${value.slice(0, 40)}…` : value);
const json = (body) => JSON.stringify(body, short, 2);

const python = (value, indent = "") => {
  const inner = `${indent}    `;
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return value.length ? `[\n${value.map((one) => `${inner}${python(one, inner)},\n`).join("")}${indent}]` : "[]";
  if (typeof value !== "object") return JSON.stringify(value);
  const pairs = Object.entries(value).filter(([, one]) => one !== undefined);
  return pairs.length ? `{\n${pairs.map(([name, one]) => `${inner}${JSON.stringify(name)}: ${python(one, inner)},\n`).join("")}${indent}}` : "{}";
};

const curl = (url, { path, body }, kind) =>
  `curl ${url}${path} \\\n  -H "Authorization: Bearer $HUB_KEY" -H "Content-Type: application/json" \\\n` +
  `  -d '${json(body).replaceAll("'", "'\\''")}'${kind === "speech" ? " \\\n  -o speech.audio" : ""}`;

const METHODS = { text: "chat.completions.create", image: "images.generate", embedding: "embeddings.create", speech: "audio.speech.create" };

const pythonCode = (url, asked, kind) => {
  const body = JSON.parse(json(asked.body));
  if (!METHODS[kind]) {
    return `import os\n\nimport httpx\n\nanswer = httpx.post(\n    "${url}${asked.path}",\n    headers={"authorization": f"Bearer {os.environ['HUB_KEY']}"},\n    json=${python(body, "    ")},\n    timeout=600,\n)\nprint(answer.json())`;
  }
  const fields = Object.entries(body).map(([name, value]) => `    ${name}=${python(value, "    ")},\n`);
  const print = { text: "print(answer.choices[0].message.content)", speech: 'answer.write_to_file("speech.audio")' }[kind] ?? "print(answer.data)";
  return `import os\n\nfrom openai import OpenAI\n\nclient = OpenAI(base_url="${url}/v1", api_key=os.environ["HUB_KEY"])\nanswer = client.${METHODS[kind]}(\n${fields.join("")})\n${print}`;
};

const node = (url, asked, kind) => {
  const body = json(asked.body);
  if (!METHODS[kind]) {
    return `const answer = await fetch("${url}${asked.path}", {\n  method: "POST",\n  headers: { authorization: \`Bearer \${process.env.HUB_KEY}\`, "content-type": "application/json" },\n  body: JSON.stringify(${body.replaceAll("\n", "\n  ")}),\n});\nconsole.log(await answer.json());`;
  }
  const method = METHODS[kind];
  const print = { text: "console.log(answer.choices[0].message.content);", speech: "console.log((await answer.arrayBuffer()).byteLength);" }[kind] ?? "console.log(answer.data);";
  return `import OpenAI from "openai";\n\nconst client = new OpenAI({ baseURL: "${url}/v1", apiKey: process.env.HUB_KEY });\nconst answer = await client.${method}(${body});\n${print}`;
};

export const SAMPLES = { curl, Python: pythonCode, Node: node };
