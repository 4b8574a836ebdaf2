// Which key goes with which request, where there are several: of agents, of upstreams, of lives.
import { expect, test } from "vitest";
import { stopModelGateway } from "../src/index.ts";
import { ask } from "./support/ask.ts";
import { gatewayBed, planOf, socketOf } from "./support/gateway-bed.ts";
import { messageEvents, stubUpstream } from "./support/stub-upstream.ts";

test("two agents of one log have two keys, although they share root, process and upstream", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const reader = bed.gateway({ credential: { apiKey: "key-of-reader" } });
  const writer = bed.gateway({ credential: { apiKey: "key-of-writer" } });
  const one = socketOf(await reader.attach(planOf("run-1")));
  const two = socketOf(await writer.attach(planOf("run-2", { sessionId: "other" })));
  for (const socket of [one, two, one]) await ask(socket);
  expect(upstream.asked.map(({ headers }) => headers["x-api-key"])).toEqual([
    "key-of-reader",
    "key-of-writer",
    "key-of-reader",
  ]);
});

test("a refused key is asked of the gateway that brought it, and of no other", async () => {
  let valid = "old";
  await using upstream = await stubUpstream((response, { headers }) => {
    const isKnown = headers["x-api-key"] === valid;
    response.writeHead(isKnown ? 200 : 401, { "content-type": "text/event-stream" });
    response.end(isKnown ? messageEvents("hello").join("") : "{}");
  });
  await using bed = gatewayBed(upstream.url);
  const looks: string[] = [];
  const looking = (who: string, key: () => string) => (): string => {
    looks.push(who);
    return key();
  };
  const mine = bed.gateway({ credential: { apiKey: looking("mine", () => valid) } });
  const others = bed.gateway({ credential: { apiKey: looking("others", () => "another") } });
  const socket = socketOf(await mine.attach(planOf("run-1")));
  await others.attach(planOf("run-2", { sessionId: "other" }));
  valid = "new";
  expect((await ask(socket)).status).toBe(503);
  expect((await ask(socket)).status).toBe(200);
  expect(looks).toEqual(["mine", "others", "mine"]);
});

test("a named upstream gets its own credential or none, whatever else has its address", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const { url } = upstream;
  const allow = ["GET /*"];
  const gateway = bed.gateway({
    upstreams: {
      open: { url, allow },
      closed: { url, allow, authorization: "Basic closed" },
      other: { url, allow, authorization: "Basic other" },
    },
  });
  const socket = socketOf(await gateway.attach(planOf("run-1")));
  await ask(socket);
  for (const name of ["open", "closed", "other"])
    await ask(socket, { method: "GET", path: `/upstreams/${name}/x`, body: "" });
  const sent = upstream.asked.map(({ headers }) => [headers["x-api-key"], headers.authorization]);
  expect(sent).toEqual([
    ["sk-real-8f2c1d77e9", undefined],
    [undefined, undefined],
    [undefined, "Basic closed"],
    [undefined, "Basic other"],
  ]);
});

test("the next orchestrator's key takes the place of the last one's for the runs that it attaches", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const last = bed.gateway({ credential: { apiKey: "key-of-last" } });
  const one = socketOf(await last.attach(planOf("run-1")));
  const two = socketOf(await last.attach(planOf("run-2")));
  await last.close();
  const next = bed.gateway({ credential: { apiKey: "key-of-next" } });
  await next.attach(planOf("run-1"));
  for (const socket of [one, two]) await ask(socket);
  expect(upstream.asked.map(({ headers }) => headers["x-api-key"])).toEqual([
    "key-of-next",
    "key-of-last",
  ]);
});

test("without the credential that belongs there a request is not sent, and refused so that it may be repeated", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed("http://127.0.0.1:9");
  const host = { url: upstream.url, allow: ["GET /*"], authorization: "Basic mine" };
  const gateway = bed.gateway({ upstreams: { host } });
  const socket = socketOf(await gateway.attach(planOf("run-1")));
  await gateway.close();
  await stopModelGateway({ root: bed.root });
  await bed.gateway().check();
  const refused = await ask(socket, { method: "GET", path: "/upstreams/host/x", body: "" });
  expect([refused.status, refused.headers["retry-after"]]).toEqual([503, "2"]);
  expect(upstream.asked).toEqual([]);
});
