// Spans and metrics of whole sessions, by the real SDK, exported into memory.
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
  type ReadableSpan,
} from "@opentelemetry/sdk-trace";
import { describe, expect, test } from "vitest";
import { createOrchestrator, memoryStore } from "@waybill/core";
import { recordTelemetry, StableIds, type TelemetryOptions } from "@waybill/core/telemetry";
import {
  chat,
  exit,
  fakeTracker,
  fakeWorld,
  operation,
  reply,
  work,
  type FakeWorld,
} from "@waybill/core/testing";

const scope = { chats: ["7"] };

/** One process with an SDK of its own. */
function sdk(generator = new StableIds()) {
  const spans = new InMemorySpanExporter();
  const tracers = new TracerProvider({
    idGenerator: generator,
    spanProcessors: [new SimpleSpanProcessor({ exporter: spans })],
  });
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meters = new MeterProvider({ readers: [reader] });
  const options = (world: FakeWorld): TelemetryOptions => ({
    log: world.store,
    tracer: tracers.getTracer("test"),
    meter: meters.getMeter("test"),
    ids: generator,
    clock: world.clock,
  });
  const points = async (name: string) => {
    exporter.reset();
    await reader.forceFlush();
    const [batch] = exporter.getMetrics();
    const all = batch?.scopeMetrics.flatMap(({ metrics }) => metrics) ?? [];
    return all.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? [];
  };
  return { options, points, spans: () => spans.getFinishedSpans() };
}

/** A world whose log outlives its orchestrators. */
async function worldOf(): Promise<FakeWorld> {
  const store = memoryStore({ id: "kept" });
  await store.open();
  return fakeWorld(
    {
      coder: [
        work({ seconds: 3 }),
        operation(chat("7", "hi")),
        reply("one", { costUsd: 0.25 }),
        exit(137),
        reply("two", { costUsd: 0.75 }),
      ],
    },
    {
      store: { ...store, id: store.id, close: async () => {} },
      tracker: () => fakeTracker({ chats: ["7"] }),
    },
  );
}

async function playOut(world: FakeWorld): Promise<void> {
  await using orchestrator = await createOrchestrator(world.ports());
  const session = await orchestrator.open({ id: "a", agent: "coder", scope });
  await session.send("first");
  await world.advance({ minutes: 1 });
  await session.send("second");
  await world.advance({ minutes: 1 });
  const closed = session.close();
  await world.advance({ minutes: 1 });
  await closed;
}

function tree(spans: readonly ReadableSpan[]): readonly string[] {
  const names = new Map(spans.map((span) => [span.spanContext().spanId, span.name]));
  return spans
    .map(({ name, parentSpanContext: parent }) =>
      parent === undefined ? name : `${names.get(parent.spanId) ?? "?"} > ${name}`,
    )
    .toSorted();
}

describe("spans", () => {
  test("a session holds its runs, a run its turns, a turn its operations", async () => {
    const world = await worldOf();
    const process = sdk();
    await using recorder = await recordTelemetry(process.options(world));
    await playOut(world);
    await world.clock.settle();
    const spans = process.spans();
    expect(tree(spans)).toEqual([
      "invoke_agent coder > execute_tool chat.send",
      "run coder > invoke_agent coder",
      "run coder > invoke_agent coder",
      "run coder > invoke_agent coder",
      "session coder",
      "session coder > run coder",
      "session coder > run coder",
    ]);
    expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(1);
    expect(recorder.failure).toBeNull();
  });

  test("have the conventions' names, recorded instants and outcomes, and nothing that was said", async () => {
    const world = await worldOf();
    const process = sdk();
    await using _ = await recordTelemetry(process.options(world));
    const begun = world.clock.now();
    await playOut(world);
    await world.clock.settle();
    const spans = process.spans();
    const [first, lost] = spans.filter(({ name }) => name === "invoke_agent coder");
    expect(first?.attributes).toMatchObject({
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.id": "coder",
      "gen_ai.agent.name": "coder",
      "waybill.session.id": "a",
      "waybill.outcome": "completed",
    });
    expect(first?.startTime).toEqual([Math.floor(begun / 1_000), (begun % 1_000) * 1e6]);
    expect(first?.duration[0]).toBe(3);
    expect(lost?.attributes).toMatchObject({ "error.type": "RUN_LOST" });
    const died = spans.find(({ name }) => name === "run coder");
    expect(died?.attributes).toMatchObject({ "error.type": "RUN_CRASHED" });
    const operated = spans.find(({ name }) => name.startsWith("execute_tool"));
    expect(operated?.attributes).toMatchObject({
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "chat.send",
      "waybill.outcome": "delivered",
    });
    expect(operated?.events.map(({ name }) => name)).toEqual(["attempt"]);
    const written = JSON.stringify(spans.map(({ attributes, events }) => [attributes, events]));
    for (const said of ["first", "second", '"hi"', '"one"', '"two"']) {
      expect(written).not.toContain(said);
    }
  });

  test("that an earlier process began are ended by the next, under the same ids, and none twice", async () => {
    const whole = await worldOf();
    const one = sdk();
    await using _ = await recordTelemetry(one.options(whole));
    await playOut(whole);
    await whole.clock.settle();

    const world = await worldOf();
    const early = sdk();
    const orchestrator = await createOrchestrator(world.ports());
    const first = await recordTelemetry(early.options(world));
    const session = await orchestrator.open({ id: "a", agent: "coder", scope });
    await session.send("first");
    await world.advance({ seconds: 2 }); // in the first turn
    await first.close();
    const after = first.position ?? "";
    await world.advance({ seconds: 58 });
    await session.send("second");
    await world.advance({ minutes: 1 });
    const late = sdk();
    await using second = await recordTelemetry({ ...late.options(world), after });
    const closed = session.close();
    await world.advance({ minutes: 1 });
    await closed;
    await orchestrator[Symbol.asyncDispose]();
    await world.clock.settle();

    expect(early.spans()).toEqual([]);
    const idsOf = (spans: readonly ReadableSpan[]): readonly string[] =>
      spans.map((span) => `${span.name} ${span.spanContext().spanId}`).toSorted();
    expect(idsOf(late.spans())).toEqual(idsOf(one.spans()));
    expect(tree(late.spans())).toEqual(tree(one.spans()));
    expect(second.position).toBeDefined();
  });

  test("of what had ended before are not told again", async () => {
    const world = await worldOf();
    const early = sdk();
    const first = await recordTelemetry(early.options(world));
    await playOut(world);
    await world.clock.settle();
    await first.close();
    const late = sdk();
    await using _ = await recordTelemetry({
      ...late.options(world),
      ...(first.position === undefined ? {} : { after: first.position }),
    });
    expect(late.spans()).toEqual([]);
    expect(await late.points("waybill.cost")).toEqual([]);
  });

  test("of a question end when a person answers it", async () => {
    const store = memoryStore();
    const ask = { type: "person.ask", question: "Which?" } as const;
    const world = fakeWorld({ coder: [operation(ask), reply("ok")] }, { store });
    await using orchestrator = await createOrchestrator(world.ports());
    const process = sdk();
    await using _ = await recordTelemetry(process.options(world));
    const session = await orchestrator.open({ id: "a", agent: "coder" });
    await session.send("go");
    await world.advance({ minutes: 4 });
    const [waiting] = await session.approvals();
    await session.answer(waiting?.operation.id ?? "", "this");
    await world.advance({ seconds: 1 });
    const asked = process.spans().find(({ name }) => name.startsWith("execute_tool"));
    expect(asked?.name).toBe("execute_tool person.ask");
    expect(asked?.attributes).toMatchObject({ "waybill.outcome": "answered" });
    expect(asked?.duration[0]).toBe(240);
  });

  test("work without the generator too: parents are found while the process lives", async () => {
    const world = await worldOf();
    const process = sdk();
    const { ids: _, ...options } = process.options(world);
    await using recorder = await recordTelemetry(options);
    await playOut(world);
    await world.clock.settle();
    expect(tree(process.spans())).toContain("invoke_agent coder > execute_tool chat.send");
    expect(recorder.failure).toBeNull();
  });
});

describe("metrics", () => {
  test("count cost, durations, retries and sessions by agent", async () => {
    const world = await worldOf();
    const process = sdk();
    await using _ = await recordTelemetry(process.options(world));
    await using orchestrator = await createOrchestrator(world.ports());
    const session = await orchestrator.open({ id: "a", agent: "coder", scope });
    await session.send("first");
    await world.advance({ minutes: 1 });
    await session.send("second");
    await world.advance({ minutes: 1 });

    const agent = { "gen_ai.agent.id": "coder" };
    expect(await process.points("waybill.cost")).toMatchObject([
      { value: 0.75, attributes: agent },
    ]);
    const turns = await process.points("gen_ai.invoke_agent.duration");
    expect(turns).toMatchObject([
      { value: { count: 2 }, attributes: { ...agent, "waybill.outcome": "completed" } },
    ]);
    expect(await process.points("gen_ai.execute_tool.duration")).toMatchObject([
      { value: { count: 1 }, attributes: { "waybill.outcome": "delivered" } },
    ]);
    expect(await process.points("waybill.run.start")).toMatchObject([{ value: { count: 2 } }]);
    expect(await process.points("waybill.retries")).toMatchObject([
      { value: 1, attributes: { "waybill.what": "run", "error.type": "RUN_CRASHED" } },
    ]);
    expect(await process.points("waybill.sessions")).toMatchObject([
      { value: 1, attributes: { ...agent, "waybill.status": "idle" } },
    ]);
  });
});
