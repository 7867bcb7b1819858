// Ollama's own client for JavaScript: chat, stream, tool.  `BASE_URL=… node ollama_sdk.mjs MODE`.
import assert from "node:assert/strict";
import { Ollama } from "ollama";

const { BASE_URL: host, MODEL: model, CHAT_PROMPT, TOOL_PROMPT } = process.env;
const client = new Ollama({ host });
const messages = [{ role: "user", content: CHAT_PROMPT }];
const parameters = {
  type: "object",
  properties: { command: { type: "string" } },
  required: ["command"],
};
const tools = [
  { type: "function", function: { name: "shell", description: "run a shell command", parameters } },
];

const modes = {
  async chat() {
    const names = (await client.list()).models.map((each) => each.name);
    assert(names.includes(model), names.join());
    assert((await client.show({ model: `${model}:latest` })).capabilities.includes("tools"));
    assert((await client.ps()).models.length > 0);
    assert((await client.version()).version);
    assert.equal((await client.pull({ model })).status, "success");
    for await (const each of await client.pull({ model, stream: true })) assert(each.status);
    for await (const each of await client.chat({ model, stream: true }))
      assert.equal(each.done_reason, "load");
    const reply = await client.chat({ model, messages });
    assert(reply.message.content.includes("PONG"));
    assert.equal(reply.done_reason, "stop");
    assert((await client.generate({ model, prompt: CHAT_PROMPT })).response.includes("PONG"));
    await assert.rejects(client.embed({ model, input: "x" }), /embeddings/);
  },
  async stream() {
    let text = "";
    for await (const each of await client.chat({ model, messages, stream: true }))
      text += each.message.content;
    assert(text.includes("PONG"));
    text = "";
    for await (const each of await client.generate({ model, prompt: CHAT_PROMPT, stream: true }))
      text += each.response;
    assert(text.includes("PONG"));
  },
  async tool() {
    for (const stream of [false, true]) {
      const asked = [{ role: "user", content: TOOL_PROMPT }];
      const reply = await client.chat({ model, messages: asked, tools, stream });
      const spoken = [];
      if (stream) for await (const each of reply) spoken.push(each.message);
      else spoken.push(reply.message);
      const calls = spoken.flatMap((message) => message.tool_calls ?? []);
      assert(calls[0].function.arguments.command.includes("hello-from-tool"));
      const said = { role: "assistant", content: "", tool_calls: calls };
      const result = { role: "tool", tool_name: "shell", content: "hello-from-tool" };
      const final = await client.chat({ model, messages: [...asked, said, result], tools });
      assert(final.message.content.includes("hello-from-tool"));
    }
  },
};

await modes[process.argv[2]]();
console.log("ALL-OK");
