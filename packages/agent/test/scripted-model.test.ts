import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { scriptedModel, scriptedModelProgram } from "../src/testing/index.ts";
import type { ScriptedModel } from "../src/testing/index.ts";
import { script } from "./run-harness.ts";

interface Block {
  readonly type: string;
  readonly text?: string;
  readonly id?: string;
  readonly name?: string;
  readonly input?: unknown;
}
interface Message {
  readonly role: string;
  readonly content: string | readonly unknown[];
}

let model: ScriptedModel;
beforeAll(async () => {
  model = await scriptedModel();
});
afterAll(() => model.close());

const tools = ["Bash", "mcp__tracker__task_take", "mcp__tracker__chat_send"].map((name) => ({
  name,
}));
const user = (content: string | readonly unknown[]): Message => ({ role: "user", content });
const result = (id: string, text: string): Message =>
  user([{ type: "tool_result", tool_use_id: id, content: [{ type: "text", text }] }]);

async function call(
  messages: readonly Message[],
  more: object = {},
  url = model.url,
): Promise<Response> {
  return fetch(`${url}/v1/messages`, {
    method: "POST",
    headers: { "x-api-key": "k" },
    body: JSON.stringify({ model: "m", max_tokens: 9, messages, tools, ...more }),
  });
}
async function ask(messages: readonly Message[], more: object = {}): Promise<readonly Block[]> {
  const body = (await (await call(messages, more)).json()) as { content: readonly Block[] };
  return body.content;
}
const said = (blocks: readonly Block[]): string =>
  blocks.map((block) => block.text ?? block.name).join(" + ");

test("a script is played by its place in the conversation, one reply for each answer", async () => {
  const talk: Message[] = [
    user(script("say I begin", `tool task_take {"task":"t-1"}`, "say the end")),
  ];
  const first = await ask(talk);
  expect(first).toMatchObject([
    { type: "text", text: "I begin" },
    { type: "tool_use", name: "mcp__tracker__task_take", input: { task: "t-1" } },
  ]);
  talk.push({ role: "assistant", content: first }, result(first[1]!.id!, "ok"));
  expect(said(await ask(talk))).toBe("the end");
  // The same request again, as after a failure or in another process: the same answer.
  expect(said(await ask(talk))).toBe("the end");
});

test("several tools go in one message", async () => {
  const blocks = await ask([
    user(script(`tool task_take {"task":"t"}`, `also Bash {"command":"ls"}`, "say x")),
  ]);
  expect(said(blocks)).toBe("mcp__tracker__task_take + Bash");
});

test("a follow-up that joins in mid-turn is answered after the running script, in the same breath", async () => {
  const talk: Message[] = [user(script(`tool Bash {"command":"ls"}`, "say first is done"))];
  const first = await ask(talk);
  talk.push({ role: "assistant", content: first }, result(first[0]!.id!, "ok"), {
    role: "system",
    content: `The user sent a new message while you were working:\n${script(`tool Bash {"command":"pwd"}`, "say second is done")}\n`,
  });
  const second = await ask(talk);
  expect(said(second)).toBe("first is done + Bash");
  talk.push({ role: "assistant", content: second }, result(second[1]!.id!, "ok"));
  expect(said(await ask(talk))).toBe("second is done");
});

test("an interrupted script is over, and its answer that was cut short is not counted", async () => {
  const talk: Message[] = [
    user(script("say a long sentence that nobody heard to the end", "say never")),
    { role: "assistant", content: [{ type: "text", text: "a long sent" }] },
  ];
  expect(said(await ask(talk))).toContain("a long sentence that nobody heard");
  const cut = [...talk, user([{ type: "text", text: "[Request interrupted by user]" }])];
  expect(said(await ask([...cut, user(script("say new"))]))).toBe("new");
});

test('"instead" drops what is left of earlier scripts', async () => {
  expect(said(await ask([user(script("say old")), user(script("instead", "say new"))]))).toBe(
    "new",
  );
});

test("recall finds what was said or given earlier, the newest first, and never its own script", async () => {
  const ask1 = script("recall /code is (\\w+)/ It is $1!");
  expect(said(await ask([user(ask1)]))).toMatch(/nothing in this conversation/);
  expect(
    said(await ask([user("the code is red"), result("x", "the code is blue"), user(ask1)])),
  ).toBe("It is blue!");
});

test("a message without a script gets a plain answer that says what answers", async () => {
  expect(said(await ask([user("How are you?")]))).toMatch(
    /^scripted model: .*You said: How are you\?$/,
  );
});

test.each([
  ["a word that it does not know", "dance", /line 2: "dance" is no word/],
  ["a tool without an object", "tool Bash ls", /line 2: "tool" needs a tool's name and its input/],
  ["a bad pattern", "recall /(/ x", /line 2: "recall" has a bad pattern/],
  ["a wait without a number", "wait long", /line 2: "wait" needs a number of milliseconds/],
  ["a fault with a wrong setting", "fail 500 when=now", /line 2: "fail" needs a status/],
  ["also without a tool", "also Bash {}", /line 2: "also" must follow a tool line/],
])("a script with %s says so", async (_, line, why) => {
  expect(said(await ask([user(script("say x", line))]))).toMatch(why);
});

test("a tool that is not offered, and a script that ran out, are said in words", async () => {
  expect(said(await ask([user(script(`tool fly {}`))]))).toMatch(
    /calls the tool "fly", which is not offered; these are: Bash/,
  );
  const talk: Message[] = [user(script(`tool Bash {}`))];
  const first = await ask(talk);
  talk.push({ role: "assistant", content: first }, result(first[0]!.id!, "ok"));
  expect(said(await ask(talk))).toBe("scripted model: The script ran out after 1 replies.");
});

test("a status is given so many times, with Retry-After, and then the answer", async () => {
  const talk = [user(script("fail 429 times=2 retry-after=3", "say fine"))];
  const more = { metadata: { user_id: "faults-1" } };
  for (const _ of [1, 2]) {
    const refused = await call(talk, more);
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("3");
    expect(await refused.json()).toMatchObject({
      type: "error",
      error: { type: "rate_limit_error" },
    });
  }
  expect(said(await ask(talk, more))).toBe("fine");
  // Another session with the same script has faults of its own.
  expect((await call(talk, { metadata: { user_id: "faults-2" } })).status).toBe(429);
});

test("a subscription's limit says at which second it ends", async () => {
  const refused = await call([user(script("fail 429 resets-in=60", "say fine"))]);
  expect(refused.status).toBe(429);
  expect(refused.headers.get("anthropic-ratelimit-unified-status")).toBe("rejected");
  const resets = Number(refused.headers.get("anthropic-ratelimit-unified-reset"));
  expect(resets - Date.now() / 1_000).toBeGreaterThan(50);
  expect(resets - Date.now() / 1_000).toBeLessThanOrEqual(61);
});

test("a stream has the API's events; a drop breaks it in the middle; a late status is an error event", async () => {
  const whole = await (
    await call([user(script("think hm", "say hello there"))], { stream: true })
  ).text();
  expect([...whole.matchAll(/^event: (.*)$/gm)].map((match) => match[1]).join(" ")).toMatch(
    /^message_start content_block_start .*content_block_stop message_delta message_stop$/,
  );
  expect(whole).toContain('"thinking_delta"');
  const dropped = await call([user(script("say hello", "drop", "say more"))], { stream: true });
  await expect(dropped.text()).rejects.toThrow("terminated");
  const late = await call([user(script("say hello", "fail 529", "say more"))], { stream: true });
  expect(await late.text()).toMatch(/event: error\ndata: .*overloaded_error/);
});

test("a hang answers nothing until the caller leaves", async () => {
  const controller = new AbortController();
  const hanging = fetch(`${model.url}/v1/messages`, {
    method: "POST",
    signal: controller.signal,
    body: JSON.stringify({ model: "m", messages: [user(script("hang", "say x"))] }),
  });
  const first = await Promise.race([
    hanging.then(() => "answered"),

    new Promise((resolve) => setTimeout(resolve, 150, "silent")),
  ]);
  expect(first).toBe("silent");
  controller.abort();
  await expect(hanging).rejects.toThrow("aborted");
});

test("tokens are counted, or what the script says", async () => {
  const counted = await fetch(`${model.url}/v1/messages/count_tokens`, {
    method: "POST",
    body: JSON.stringify({ model: "m", messages: [user("x".repeat(400))] }),
  });
  expect(((await counted.json()) as { input_tokens: number }).input_tokens).toBeGreaterThan(100);
  const body = (await (
    await call([user(script("usage input=7 output=8 cache-read=9", "say x"))])
  ).json()) as object;
  expect(body).toMatchObject({
    usage: {
      input_tokens: 7,
      output_tokens: 8,
      cache_read_input_tokens: 9,
      cache_creation_input_tokens: 0,
    },
  });
});

test("what is no call of the Messages API is refused as the API refuses it", async () => {
  expect((await fetch(`${model.url}/v1/files`)).status).toBe(404);
  const bad = await fetch(`${model.url}/v1/messages`, { method: "POST", body: "{" });
  expect(bad.status).toBe(400);
  expect(await bad.json()).toMatchObject({ error: { type: "invalid_request_error" } });
});

test("as a program it prints its address, serves, and logs requests without the credential", async () => {
  const folder = mkdtempSync(join(tmpdir(), "scripted-model-"));
  const log = join(folder, "log.jsonl");
  const child = spawn(process.execPath, [
    "--conditions=@waybill/source",
    scriptedModelProgram(),
    "--log",
    log,
  ]);
  try {
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    const { url } = JSON.parse(line) as { url: string };
    await (await call([user("hello")], {}, url)).text();
    const logged = readFileSync(log, "utf8")
      .trim()
      .split("\n")
      .map((text) => JSON.parse(text));
    expect(logged).toMatchObject([
      { path: "/v1/messages", status: 200, did: "echo", credential: { header: "x-api-key" } },
    ]);
    expect(JSON.stringify(logged)).not.toContain('"k"');
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
  } finally {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  }
});

test("whatever joins when, every reply of every script is given once and in order", async () => {
  const lines = fc.array(fc.boolean(), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(lines, { minLength: 1, maxLength: 4 }),
      fc.infiniteStream(fc.boolean()),
      async (scripts, joins) => {
        let count = 0;
        const expected: string[] = [];
        const waiting = scripts.map((steps) => {
          const texts = steps.flatMap((withTool) => {
            count += 1;
            expected.push(`reply ${count}`);
            return [`say reply ${count}`, ...(withTool ? [`tool Bash {"n":${count}}`] : [])];
          });
          return script(...texts, ...(steps.at(-1) === true ? [`say end`] : []));
        });
        const talk: Message[] = [user(waiting.shift()!)];
        const given: string[] = [];
        for (let turn = 0; turn < 60; turn += 1) {
          const blocks = await ask(talk);
          given.push(
            ...blocks.flatMap((block) =>
              block.text?.startsWith("reply") === true ? [block.text] : [],
            ),
          );
          talk.push({ role: "assistant", content: blocks });
          const uses = blocks.filter((block) => block.type === "tool_use");
          if (uses.length > 0)
            talk.push(
              user(
                uses.map((use) => ({ type: "tool_result", tool_use_id: use.id, content: "ok" })),
              ),
            );
          const isIdle = uses.length === 0;
          if (isIdle && waiting.length === 0) break;
          if (waiting.length > 0 && (isIdle || joins.next().value === true)) {
            talk.push(
              isIdle ? user(waiting.shift()!) : { role: "system", content: waiting.shift()! },
            );
          }
        }
        expect(given).toEqual(expected);
      },
    ),
    { numRuns: 60 },
  );
});
