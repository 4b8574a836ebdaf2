import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import type { Logger } from "@waybill/core";
import { expect, test } from "vitest";
import { ask } from "./support/ask.ts";
import { REAL_KEY, gatewayBed, planOf, socketOf } from "./support/gateway-bed.ts";
import { hostProcess } from "./support/host-process.ts";
import { stubUpstream } from "./support/stub-upstream.ts";
import { until } from "./support/until.ts";

test("the key is in no argument, environment, file, log or answer", async () => {
  await using upstream = await stubUpstream((response, { url }) => {
    // An upstream that repeats its request's headers must not give the key to the run.
    response.writeHead(url.includes("deny") ? 401 : 200, {
      "content-type": "application/json",
      "x-echo": REAL_KEY,
    });
    response.end("{}");
  });
  await using bed = gatewayBed(upstream.url);
  const said: unknown[] = [];
  const take = (...words: unknown[]): void => void said.push(words);
  const logger: Logger = { debug: take, info: take, warn: take, error: take };
  const { child } = await hostProcess({
    root: bed.root,
    upstream: upstream.url,
    key: REAL_KEY,
    run: "run-1",
  });
  const pid = bed.pid();
  const gateway = bed.gateway({ logger });
  const attachment = await gateway.attach(planOf("run-2"));
  const answers = [
    await ask(socketOf(attachment)),
    await ask(socketOf(attachment), { path: "/v1/messages?deny" }),
    await ask(socketOf(attachment), { path: "/v1/other" }),
  ];
  expect(upstream.asked[0]!.headers["x-api-key"]).toBe(REAL_KEY);
  await until("all is recorded", () => bed.audit().length === 3);

  const places: Record<string, string> = {
    attachment: JSON.stringify(attachment),
    answers: JSON.stringify(answers),
    logger: JSON.stringify(said),
    "the process's arguments": readFileSync(`/proc/${pid}/cmdline`, "utf8"),
    "the process's environment": readFileSync(`/proc/${pid}/environ`, "utf8"),
    "the host's arguments": readFileSync(`/proc/${child.pid}/cmdline`, "utf8"),
    ...filesUnder(bed.root),
  };
  const found = Object.keys(places).filter((place) => places[place]!.includes(REAL_KEY));
  expect(found).toEqual([]);
  // Files were looked into: audit, records, log, lock, pid.
  expect(Object.keys(places).length).toBeGreaterThan(10);
  child.kill("SIGKILL");
  await once(child, "exit");
});

test("the process gets nothing of an environment that holds a key", async () => {
  process.env["ANTHROPIC_API_KEY"] = "sk-env-1d2c3b";
  try {
    await using bed = gatewayBed("http://127.0.0.1:9");
    await bed.gateway().check();
    const environment = readFileSync(`/proc/${bed.pid()}/environ`, "utf8");
    expect(environment).not.toContain("sk-env");
    expect(environment).toContain("PATH=");
  } finally {
    delete process.env["ANTHROPIC_API_KEY"];
  }
});

test.each([
  ["", "GATEWAY_CREDENTIAL_MISSING"],
  ["  \n", "GATEWAY_CREDENTIAL_MISSING"],
  ["sk secret-part", "GATEWAY_CREDENTIAL_INVALID"],
  ["ключ-secret-part", "GATEWAY_CREDENTIAL_INVALID"],
])("the credential %j is refused with %s and not quoted", async (apiKey, code) => {
  await using bed = gatewayBed("http://127.0.0.1:9");
  const checking = bed.gateway({ credential: { apiKey } }).check();
  await expect(checking).rejects.toMatchObject({
    code,
    message: expect.not.stringContaining("secret-part"),
  });
});

test("a credential function that fails is a transient error with its cause", async () => {
  await using bed = gatewayBed("http://127.0.0.1:9");
  const cause = new Error("vault is sealed");
  const gateway = bed.gateway({ credential: { apiKey: () => Promise.reject(cause) } });
  await expect(gateway.attach(planOf("run-1"))).rejects.toMatchObject({
    code: "GATEWAY_CREDENTIAL_UNAVAILABLE",
    class: "transient",
    cause,
  });
});

test("a failed attach() names what failed and never the key", async () => {
  await using bed = gatewayBed("http://127.0.0.1:9");
  const gateway = bed.gateway();
  await gateway.check();
  const wrong = planOf("run-1", { user: { uid: -5, gid: 0 } });
  await expect(gateway.attach(wrong)).rejects.toMatchObject({
    message: expect.not.stringContaining(REAL_KEY),
  });
});

function filesUnder(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  return Object.fromEntries(entries.map((file) => [file, readFileSync(file, "latin1")]));
}
