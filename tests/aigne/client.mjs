// Asks a hub with AIGNE Hub's published client, and writes what the client made of the answers as one line of JSON.
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const index = join(process.env.AIGNE_CLIENT, "node_modules/@aigne/aigne-hub/lib/esm/index.js");
const { AIGNEHubChatModel, AIGNEHubImageModel, AIGNEHubVideoModel } = await import(pathToFileURL(index));

const chat = (model) =>
  new AIGNEHubChatModel({ baseURL: process.env.AIGNE_HUB_API_URL, apiKey: process.env.KEY, model: `aignehub/${model}` });
const painter = (model) =>
  new AIGNEHubImageModel({ baseURL: process.env.AIGNE_HUB_API_URL, apiKey: process.env.KEY, model: `aignehub/${model}` });
const camera = (model) =>
  new AIGNEHubVideoModel({ baseURL: process.env.AIGNE_HUB_API_URL, apiKey: process.env.KEY, model });
const say = (text) => ({ messages: [{ role: "system", content: "Be brief." }, { role: "user", content: text }] });
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ type: "function", function: { name: "weather", description: "The weather.", parameters } }];

const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const image = [
  { type: "text", text: "What is this?" },
  { type: "file", data: pixel, mimeType: "image/png" },
];

const asked = {
  models: () => chat("oai/m").models(),
  whole: () => chat("oai/m").invoke(say("Hello")),
  crosswise: () => chat("ant/m").invoke(say("Hello")),
  image: () => chat("ant/m").invoke(say(image)),
  tools: () => chat("oai/m").invoke({ ...say("The weather?"), tools, toolChoice: "required" }),
  answered: () =>
    chat("ant/m").invoke({
      messages: [
        { role: "user", content: "The weather?" },
        { role: "agent", toolCalls: [{ id: "call_1", type: "function", function: { name: "w", arguments: { city: "Rome" } } }] },
        { role: "tool", toolCallId: "call_1", content: "Sunny" },
      ],
    }),
  structured: () =>
    chat("oai/m").invoke({
      ...say("As JSON"),
      responseFormat: { type: "json_schema", jsonSchema: { name: "place", schema: parameters } },
    }),
  stream: async () => {
    const told = { pieces: 0 };
    for await (const chunk of await chat("oai/m").invoke(say("Hello"), { streaming: true })) {
      told.pieces += chunk.delta?.text?.text ? 1 : 0;
      Object.assign(told, chunk.delta?.json);
    }
    return told;
  },
  heard: async () => {
    let text = "";
    for await (const chunk of await chat("oai/m").invoke(say("Hello"), { streaming: true })) text += chunk.delta?.text?.text ?? "";
    return { text };
  },
  painted: () => painter("oai/painter").invoke({ prompt: "a cat", outputFileType: "file" }),
  repainted: () => {
    const image = [{ type: "file", data: pixel, mimeType: "image/png" }];
    return painter("oai/painter").invoke({ prompt: "a hat", image, outputFileType: "file" });
  },
  video: async () => {
    const image = { type: "file", data: pixel, mimeType: "image/png" };
    const asked = { prompt: "a cat", seconds: "8", size: "1280x720", image, outputFileType: "file" };
    const fetchOptions = { headers: { "Idempotency-Key": "one video" } };
    const made = await camera("oai/video").invoke(asked, { fetchOptions });
    return { made, again: await camera("oai/video").invoke(asked, { fetchOptions }), models: await camera("oai/video").models() };
  },
  echoed: () => camera("echo/echo").invoke({ prompt: "a cat", outputFileType: "file" }),
  refused: () => chat("nobody/m").invoke(say("Hello")).catch((error) => ({ message: error.message, type: error.type })),
};

const question = asked[process.argv[2]];
process.stdout.write(JSON.stringify(await question()));
