// The official OpenAI SDK for JavaScript: chat, stream, tool.
import assert from 'node:assert';
import OpenAI from 'openai';

const { BASE_URL, MODEL: model, CHAT_PROMPT, TOOL_PROMPT } = process.env;
const client = new OpenAI({ baseURL: BASE_URL + '/v1', apiKey: 'sk-any', maxRetries: 0 });
const messages = [{ role: 'user', content: CHAT_PROMPT }];
const parameters = {
  type: 'object', properties: { command: { type: 'string' } },
  required: ['command'], additionalProperties: false,
};

const modes = {
  async chat() {
    const names = [];
    for await (const each of client.models.list()) names.push(each.id);
    assert(names.includes(model), names.join());
    const reply = await client.chat.completions.create({ model, messages });
    assert(reply.choices[0].message.content.includes('PONG'));
    assert(reply.usage.total_tokens > 0);
    const response = await client.responses.create({ model, input: CHAT_PROMPT });
    assert(response.output_text.includes('PONG'));
  },
  async stream() {
    let text = '';
    const chunks = await client.chat.completions.create({
      model, messages, stream: true, stream_options: { include_usage: true },
    });
    for await (const chunk of chunks) text += chunk.choices[0]?.delta?.content ?? '';
    assert(text.includes('PONG'), text);
    const helper = client.chat.completions.stream({ model, messages });
    assert((await helper.finalContent()).includes('PONG'));
    const final = await client.responses.stream({ model, input: CHAT_PROMPT }).finalResponse();
    assert(final.output_text.includes('PONG'));
  },
  async tool() {
    const runner = client.chat.completions.runTools({
      model, stream: true, messages: [{ role: 'user', content: TOOL_PROMPT }],
      tools: [{
        type: 'function',
        function: {
          name: 'shell', description: 'run a shell command', parameters,
          parse: JSON.parse, function: () => 'hello-from-tool',
        },
      }],
    });
    const said = await runner.finalContent();
    assert(said.includes('hello-from-tool'), said);
    const tools = [{ type: 'function', name: 'shell', description: 'run a shell command', parameters, strict: true }];
    const asked = { model, tools, store: false, include: ['reasoning.encrypted_content'] };
    const input = [{ role: 'user', content: TOOL_PROMPT }];
    const first = await client.responses.create({ ...asked, input });
    const { call_id } = first.output.find((item) => item.type === 'function_call');
    const result = { type: 'function_call_output', call_id, output: 'hello-from-tool' };
    const second = await client.responses.create({ ...asked, input: [...input, ...first.output, result] });
    assert(second.output_text.includes('hello-from-tool'), second.output_text);
  },
};
await modes[process.argv[2]]();
console.log('ALL-OK');
