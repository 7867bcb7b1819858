// The official Anthropic SDK for JavaScript: chat, stream, tool.
import assert from 'node:assert';
import Anthropic from '@anthropic-ai/sdk';

const { BASE_URL, MODEL: model, CHAT_PROMPT, TOOL_PROMPT } = process.env;
const client = new Anthropic({ baseURL: BASE_URL, apiKey: 'sk-any', maxRetries: 0 });
const messages = [{ role: 'user', content: CHAT_PROMPT }];
const text = (message) =>
  message.content.filter((block) => block.type === 'text').map((block) => block.text).join('');
const shell = {
  name: 'shell', description: 'run a shell command',
  input_schema: {
    type: 'object', properties: { command: { type: 'string' } }, required: ['command'],
  },
};

const modes = {
  async chat() {
    const names = [];
    for await (const each of client.models.list()) names.push(each.id);
    assert(names.includes(model), names.join());
    const counted = await client.messages.countTokens({ model, messages, tools: [shell] });
    assert(counted.input_tokens > 0);
    const reply = await client.messages.create({ model, max_tokens: 300, messages });
    assert(text(reply).includes('PONG'));
    assert.equal(reply.stop_reason, 'end_turn');
  },
  async stream() {
    const types = [];
    const events = await client.messages.create({ model, max_tokens: 300, messages, stream: true });
    for await (const event of events) types.push(event.type);
    assert.equal(types[0], 'message_start');
    assert.equal(types.at(-1), 'message_stop');
    const message = await client.messages.stream({ model, max_tokens: 300, messages }).finalMessage();
    assert(text(message).includes('PONG'));
  },
  async tool() {
    const asked = { role: 'user', content: TOOL_PROMPT };
    for (const streamed of [false, true]) {
      const request = { model, max_tokens: 500, messages: [asked], tools: [shell] };
      const message = streamed
        ? await client.messages.stream(request).finalMessage()
        : await client.messages.create(request);
      assert.equal(message.stop_reason, 'tool_use');
      const use = message.content.find((block) => block.type === 'tool_use');
      const result = { type: 'tool_result', tool_use_id: use.id, content: 'hello-from-tool' };
      const final = await client.messages.create({
        ...request,
        messages: [
          asked,
          { role: 'assistant', content: message.content },
          { role: 'user', content: [result] },
        ],
      });
      assert(text(final).includes('hello-from-tool'), text(final));
    }
    const final = await client.beta.messages.toolRunner({
      model, max_tokens: 500, messages: [asked],
      tools: [{ ...shell, run: () => 'hello-from-tool', parse: (input) => input }],
    });
    assert(text(final).includes('hello-from-tool'), text(final));
  },
};
await modes[process.argv[2]]();
console.log('ALL-OK');
