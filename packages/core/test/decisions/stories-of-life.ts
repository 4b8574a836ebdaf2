import { Story, failure } from "./story.ts";

const exit = { host: "h", handle: "x", already: false };

/** How sessions begin, are held, and end. */
export const storiesOfLife: Readonly<Record<string, () => Story>> = {
  "nobody opened it": () =>
    new Story()
      .own()
      .send()
      .give({ type: "CloseSession", outcome: "closed" })
      .give({ type: "RaiseBudget", capUsd: 1 })
      .give({ type: "RedriveOperation", operationId: "s/run-1/9" })
      .give({ type: "Unpark" })
      .give({ type: "InterruptTurn" })
      .give({ type: "HoldForAgent", spentUsd: 3, capUsd: 2 })
      .give({ type: "AbandonSite", by: "Ada" })
      .give({ type: "EraseSession", by: "Ada" })
      .tick(5),
  "opened, owned, taken over": () =>
    new Story()
      .open({}, { priority: 3, tenant: "acme" })
      .open()
      .open({}, { agent: { slug: "writer", name: "Writer" } })
      .send()
      .own(2)
      .own(2)
      .give({ type: "OwnSession", owner: "thief", epoch: 2, trackerKeys: true })
      .own(1)
      .own(3, false),
  "answered, and closed": () => {
    const story = new Story().begun().caughtUp();
    story.give({ type: "CloseSession", outcome: "closed" });
    story.give({ type: "CloseSession", outcome: "closed" }).send("m2");
    story.accepted().ended().hear({ type: "bye" }).over();
    story.send("m2").give({ type: "CloseSession", outcome: "stopped" });
    return story.give({ type: "RedriveOperation", operationId: "s/run-1/9" }).open().send("m2");
  },
  "stopped at once": () => {
    const story = new Story().begun({ approve: ["chat.send"] });
    story.accepted().asks({ type: "chat.send", chat: "7", content: "hi" });
    story.give({ type: "CloseSession", outcome: "closed" });
    story.give({ type: "CloseSession", outcome: "stopped" });
    story.give({ type: "CloseSession", outcome: "stopped" });
    story.ok("/stop", { exitCode: null, signal: "SIGTERM", oomKilled: false });
    return story.ok("/drain").ok("/remove");
  },
  "stopped before any run": () =>
    new Story().open().own().send().send("m2").give({ type: "CloseSession", outcome: "stopped" }),
  "closing takes too long": () => {
    const story = new Story().begun({ closeMs: 60_000 });
    story.accepted().give({ type: "CloseSession", outcome: "closed" });
    story.tick(59_999).tick(1).tick(1);
    return story.ok("/stop").ok("/drain").ok("/remove");
  },
  "closing while it is parked": () =>
    new Story()
      .open()
      .own()
      .send()
      .admit()
      .fail("/start", failure("permanent", { code: "IMAGE_MISSING", message: "No image." }))
      .ok("/stop")
      .ok("/drain")
      .give({ type: "CloseSession", outcome: "closed" })
      .ok("/remove"),
  "closing with as much to allow as to do": () => {
    const story = new Story().begun({ approve: ["task.comment"] }).accepted();
    story.asks({ type: "chat.send", chat: "7", content: "hi" });
    story.asks({ type: "task.comment", task: "42", content: "hm" });
    story.ended().give({ type: "CloseSession", outcome: "closed" }).hear({ type: "bye" }).over();
    const denied = { type: "DecideApproval", operationId: "s/run-1/4", granted: false } as const;
    story.give({ ...denied, by: "Ada", reason: "No." });
    return story.ok("/perform", { id: "r", at: null, repeated: false, data: null });
  },
  "closing while it waits for a place": () =>
    new Story()
      .open()
      .own()
      .send()
      .give({ type: "CloseSession", outcome: "closed" })
      .fail("admit")
      .give({ type: "HoldForAgent", spentUsd: 3, capUsd: 2 }),
  erased: () => {
    const story = new Story().begun().accepted().ended();
    const erase = { type: "EraseSession", by: "Ada" } as const;
    story.give(erase).give({ type: "CloseSession", outcome: "closed" }).give(erase);
    story.hear({ type: "bye" }).over().give(erase).give(erase).send("m2");
    const failed = { type: "Failed", key: "erase", effect: { type: "erase" } } as const;
    story.fail("erase").tick(60_000).ok("erase").give(erase);
    story.give({ ...failed, failure: failure("transient") });
    story.give({ type: "RedriveOperation", operationId: "s/run-1/9" });
    return story.give({ type: "AbandonSite", by: "Ada" }).open();
  },
  "a full queue": () =>
    new Story().open({ queue: 2 }).own().send("m1").send("m2").send("m3").send("m2"),
  "a budget": () => {
    const story = new Story().begun({ budgetUsd: 1 }).send("m2");
    story.accepted().ended("t1", { costUsd: 0.25 });
    story.ok("/put:m2").accepted("m2", "t2").ended("t2", { costUsd: 1, usage });
    story.send("m3").give({ type: "RaiseBudget", capUsd: 1 });
    story.give({ type: "RaiseBudget", capUsd: 0.5 }).give({ type: "RaiseBudget", capUsd: 2 });
    story.give({ type: "RaiseBudget", capUsd: 2 }).give({ type: "RaiseBudget", capUsd: null });
    story.ok("/put:m3").accepted("m3", "t3");
    return story.ended("t3", { costUsd: 0.5, outcome: "failed" }).caughtUp();
  },
  "a conversation that costs nothing more": () => {
    const story = new Story().begun().accepted().ended("t1", { costUsd: 1 }).send("m2");
    story.ok("/put:m2").accepted("m2", "t2").ended("t2", { costUsd: 1 });
    return story.give({ type: "RaiseBudget", capUsd: 1 });
  },
  "a conversation that begins anew costs from nothing": () => {
    const story = new Story().begun().accepted().ended("t1", { costUsd: 1 }).over({ exitCode: 1 });
    story.send("m2").tick(60_000).admit("run-2").ok("/start", exit).hello("lost");
    return story.ok("/put:m2").accepted("m2", "t2").ended("t2", { costUsd: 3 });
  },
  "an agent's budget": () =>
    new Story()
      .open()
      .own()
      .send()
      .give({ type: "HoldForAgent", spentUsd: 3, capUsd: 2 })
      .give({ type: "HoldForAgent", spentUsd: 3, capUsd: 2 })
      .give({ type: "ReleaseForAgent", capUsd: 9 })
      .give({ type: "ReleaseForAgent", capUsd: 9 }),
  "a fork": () => {
    const forkedFrom = { sessionId: "parent", conversation: "c-0", transcriptId: "x" };
    const story = new Story().open({}, { forkedFrom }).own().send().admit();
    story.ok("/start", exit).hello("resumed").ok("/put:m1").accepted().ended("t1");
    return story.over().send("m2").admit("run-2");
  },
  "parked, and unparked": () => {
    const story = new Story().begun({ failures: 2 }).over({ exitCode: 1 });
    story.tick(10_000).admit("run-2").ok("/start", exit).hello();
    story.over({ exitCode: null, signal: "SIGKILL" }).send("m2");
    return story.give({ type: "Unpark" }).give({ type: "Unpark" });
  },
  "a limit of the model's": () => {
    const story = new Story().begun({ rateLimits: 1, rateLimitMs: 600_000 }).accepted();
    const error = { code: "MODEL_RATE_LIMITED", message: "Too many.", class: "rate" } as const;
    story.ended("t1", { outcome: "failed", error: { ...error, resetsAt: 1_090_000 } });
    story.hear({ type: "bye" }).over().tick(80_000).tick(10_001).admit("run-2");
    story.ok("/start", exit).hello("resumed", ["m1"]).ok("/put:");
    story.accepted("continuation-run-2", "t2").ended("t2", { outcome: "failed", error });
    return story.hear({ type: "bye" }).over();
  },
  "a limit that was over before it was heard of": () => {
    const story = new Story().begun().accepted();
    const error = { code: "MODEL_RATE_LIMITED", message: "Too many.", class: "rate" } as const;
    story.ended("t1", { outcome: "failed", error: { ...error, resetsAt: 999_000 } });
    return story.hear({ type: "bye" }).over();
  },
  "a turn that fails for good": () => {
    const story = new Story().begun().accepted();
    const error = { code: "TOO_LONG", message: "No.", class: "permanent" } as const;
    return story.ended("t1", { outcome: "failed", error }).hear({ type: "bye" }).over();
  },
  "a turn that fails for now, of a message that waits no more": () => {
    const story = new Story().begun({ failures: 1 }).accepted();
    const error = { code: "OVERLOADED", message: "Later.", class: "transient" } as const;
    return story.ended("t9", { outcome: "failed", error }).ended("t1").hear({ type: "bye" }).over();
  },
  "a turn that somebody broke off": () => {
    const story = new Story().begun({ failures: 1 }).send("m2").accepted();
    return story.ended("t1", { outcome: "interrupted", text: "" }).hear({ type: "bye" }).over();
  },
  "a turn that was broken off beside one that goes on": () =>
    new Story().begun().accepted().ended("t9", { outcome: "interrupted", text: "" }).over(),
  "a turn that fails for now": () => {
    const story = new Story().begun().accepted();
    const error = { code: "OVERLOADED", message: "Later.", class: "transient" } as const;
    story.ended("t1", { outcome: "failed", error }).hear({ type: "bye" }).over();
    return story.tick(60_000).admit("run-2").ok("/start", exit).hello("lost");
  },
};

const usage = {
  inputTokens: 10,
  outputTokens: 20,
  cacheReadTokens: 1,
  cacheWriteTokens: 2,
};
