import { Story, failure } from "./story.ts";

const ok = { host: "h", handle: "x", already: false };
const lost = failure("unknown", { code: "TIMEOUT", message: "No answer." });

/** How runs start, speak, fall silent and end. */
export const storiesOfRuns: Readonly<Record<string, () => Story>> = {
  "a start that is tried five times": () => {
    const story = new Story().open({ startAttempts: 3 }).own().send().admit();
    story.fail("/start", lost).tick(60_000).fail("/start", lost).tick(60_000);
    story.fail("/start", lost).fail("/stop").tick(60_000).ok("/stop").ok("/drain");
    return story.fail("/remove").tick(60_000).ok("/remove").give({ type: "Unpark" });
  },
  "a start that fails, is stopped and had happened": () => {
    const story = new Story().open().own().send().admit();
    story.fail("/start", failure("permanent"));
    story.ok("/stop", { exitCode: 3, signal: null, oomKilled: false, detail: "why" });
    return story.ok("/drain");
  },
  "a start of which is heard twice that it failed": () => {
    const story = new Story().open().own().send().admit();
    const failed = { type: "Failed", key: "run-1/start" } as const;
    const { run } = story.state;
    if (run === null) throw new TypeError("It was admitted.");
    const effect = { type: "start", run: run.trace } as const;
    story.give({ ...failed, effect, failure: lost });
    return story.give({ ...failed, effect, failure: lost });
  },
  "a run over while what is left of the one before waits": () => {
    const story = new Story().begun().exits({ exitCode: 1 }).ok("/drain").fail("run-1/remove");
    story.now += 1;
    story.give({ type: "Unpark" }).tick(5_000).admit("run-2").ok("/start", ok).hello("fresh");
    story.fail("run-1/remove", failure("rate", { retryAfterMs: 3_600_000 }));
    story.fail("/put:m1").exits({ exitCode: 1 }).ok("run-2/drain");
    return story.tick(600_000);
  },
  "a turn that a run left open": () => {
    const story = new Story().begun().accepted().exits({ exitCode: 1 });
    story.give({ type: "InterruptTurn" });
    const error = { code: "OVERLOADED", message: "Later.", class: "transient" } as const;
    return story.ended("t1", { outcome: "failed", error }).ok("/drain");
  },
  "a host that is lost, and the lease of its run": () => {
    const story = new Story().open({ failures: 1, graceMs: 1_000 });
    story.at("a", "disk", 60_000).send().admit().ok("/start", ok).hello().ok("/put:m1").accepted();
    story.at("b", "other-disk", 60_000).at("b", "disk", 60_000).caughtUp();
    story.tick(75_999).tick(1).ok("/drain").tick(0);
    return story.ok("/remove");
  },
  "a host that is lost, and a run without a lease": () => {
    const story = new Story().open().at("a", "disk").send().admit().ok("/start", ok).hello();
    story.at("b", "disk").own(9).give({ type: "AbandonSite", by: "Ada" });
    return story.give({ type: "AbandonSite", by: "Ada" }).ok("/drain");
  },
  "folders that are gone": () => {
    const story = new Story().begun().give({ type: "AbandonSite", by: "Ada" }).ok("/drain");
    story.ok("/remove").at("a", "disk").tick(60_000).admit("run-2").ok("/start", ok);
    story.over().at("b", "other-disk").give({ type: "AbandonSite", by: "Ada" });
    return story.at("b", "other-disk");
  },
  "a start that is asked to wait": () => {
    const story = new Story().open().own().send().admit();
    story
      .fail("/start", failure("rate", { retryAfterMs: 90_000 }))
      .ok("/stop")
      .ok("/drain");
    return story.ok("/remove").tick(89_999).tick(1).admit("run-2");
  },
  "a start in vain long ago counts no more": () =>
    new Story()
      .open()
      .own()
      .send()
      .fail("admit")
      .tick(60_000)
      .fail("admit")
      .tick(600_000)
      .fail("admit"),
  "no hello": () => {
    const story = new Story().open().own().send().admit().ok("/start", ok).caughtUp();
    return story.tick(59_999).tick(1).ok("/stop").ok("/drain");
  },
  "no hello, over a downtime": () => {
    const story = new Story().open().own().send().admit().ok("/start", ok);
    story.now += 7_200_000;
    story
      .own(2)
      .give({ type: "RunSeen", runId: "run-1" })
      .give({ type: "RunSeen", runId: "run-1" });
    return story.tick(0).caughtUp().tick(59_999).hello().give({ type: "RunSeen", runId: "run-1" });
  },
  "idle, and asked to finish": () => {
    const story = new Story().begun().accepted().ended().caughtUp();
    story.tick(299_999).tick(1).tick(29_999).tick(1);
    return story.ok("/stop").ok("/drain");
  },
  "takes no message": () => {
    const story = new Story().begun().caughtUp();
    return story
      .tick(300_000)
      .ok("/stop", { exitCode: 0, signal: null, oomKilled: false })
      .ok("/drain");
  },
  stalls: () => {
    const story = new Story().begun().accepted().caughtUp();
    story.seen = { ...story.seen, aliveAt: story.now + 100_000 };
    story.tick(300_000).tick(100_000);
    return story.ok("/stop").ok("/drain");
  },
  "a turn that is too long, and interrupted": () => {
    const story = new Story().begun({ turnMs: 60_000, stallMs: 900_000 }).accepted().caughtUp();
    story.tick(59_999).tick(1).tick(29_999).tick(1);
    return story.ok("/stop").ok("/drain");
  },
  "interrupted by somebody": () => {
    const story = new Story().begun({ turnMs: null }).give({ type: "InterruptTurn" }).accepted();
    story.give({ type: "InterruptTurn" }).give({ type: "InterruptTurn" });
    return story
      .ended("t1", { outcome: "interrupted", text: "" })
      .exits()
      .give({ type: "InterruptTurn" });
  },
  "an interrupt over a downtime": () => {
    const story = new Story().begun().accepted().give({ type: "InterruptTurn" });
    story.now += 7_200_000;
    return story.own(2).caughtUp().tick(29_999).tick(1);
  },
  "asked to stop before it is there": () => {
    const story = new Story()
      .open()
      .own()
      .send()
      .admit()
      .give({ type: "StopRun", reason: "shutdown" });
    story
      .give({ type: "StopRun", reason: "asked" })
      .ok("/stop")
      .give({ type: "StopRun", reason: "asked" });
    return story.give({ type: "RunAbsent", runId: "run-1" }).ok("/drain");
  },
  "shut down in mid-turn": () => {
    const story = new Story()
      .begun()
      .accepted()
      .give({ type: "StopRun", reason: "shutdown" })
      .send("m2");
    story.now += 7_200_000;
    story.own(2).caughtUp().tick(29_999).tick(1);
    return story.exits({ exitCode: 137 }).exits().ok("/drain");
  },
  "killed when asked": () => {
    const story = new Story().begun().accepted().give({ type: "StopRun", reason: "asked" });
    return story.fail("/stop").tick(60_000).ok("/stop").ok("/drain");
  },
  gone: () => {
    const story = new Story().begun().give({ type: "RunAbsent", runId: "run-2" });
    story.give({
      type: "RunEnded",
      runId: "run-2",
      exit: { exitCode: 0, signal: null, oomKilled: false },
    });
    return story.give({ type: "RunAbsent", runId: "run-1" }).ok("/drain").ok("/remove");
  },
  "gone before it said hello": () =>
    new Story()
      .open()
      .own()
      .send()
      .admit()
      .ok("/start", ok)
      .give({ type: "RunAbsent", runId: "run-1" })
      .ok("/drain"),
  "ends without memory": () =>
    new Story().begun().over({ exitCode: null, signal: "SIGKILL", oomKilled: true }),
  "ends, and nobody knows how": () => new Story().begun().over({ exitCode: null }),
  "leaves early": () => {
    const story = new Story().begun().accepted().hear({ type: "bye" }).over();
    return story
      .tick(60_000)
      .admit("run-1")
      .admit("run-2")
      .ok("/start", ok)
      .hello("resumed", ["m1"]);
  },
  "leaves with nothing done and something queued": () => {
    const story = new Story()
      .open()
      .own()
      .send()
      .admit()
      .ok("/start", ok)
      .hello()
      .hear({ type: "bye" });
    return story.over();
  },
  "hands over again what the transcript does not hold": () => {
    const story = new Story().begun().send("m2").ok("/put:m2").accepted("m1").accepted("m2");
    story.over({ exitCode: 1 }).tick(60_000).admit("run-2").ok("/start", ok);
    story.hello("resumed", ["m2"]).ok("/put:m1:2").fail("/put:continuation").tick(60_000);
    story
      .ok("/put:continuation")
      .accepted("continuation-run-2", "t2")
      .accepted("m1", "t2")
      .ended("t2");
    return story.ended("t3");
  },
  "one continuation for two messages": () => {
    const story = new Story().begun().send("m2").ok("/put:m2").accepted("m1").accepted("m2");
    story.send("m3").over({ exitCode: 1 }).tick(60_000).admit("run-2").ok("/start", ok);
    return story.hello("resumed", ["m2", "m1"]);
  },
  "an old agent takes one after the other": () => {
    const story = new Story().open().own().send().send("m2").send("m3").admit("run-1", 0);
    return story.ok("/start", ok).hello().ended().ok("/put:m2").ended("t2").ok("/put:m3");
  },
  "a continuation of a continuation": () => {
    const story = new Story().begun().accepted().over({ exitCode: 1 }).tick(60_000).admit("run-2");
    story
      .ok("/start", ok)
      .hello("resumed", ["m1"])
      .ok("/put:continuation")
      .accepted("continuation-run-2", "t1");
    story.over({ exitCode: 1 }).tick(60_000).admit("run-3").ok("/start", ok);
    story.hello("resumed", ["continuation-run-2"]).ok("/put:continuation-run-3");
    return story.accepted("continuation-run-3", "t9").ended("t9");
  },
  "says what makes no sense": () => {
    const story = new Story()
      .begun()
      .hello()
      .accepted("nobody")
      .accepted("m1", "t1")
      .accepted("m1", "t2");
    story.hear({ type: "unreadable", code: "NOT_JSON", reason: "It is no JSON." });
    story.hear({ type: "gap", through: 9 }).hear({ type: "bye" }, "run-9");
    story.give({
      type: "Heard",
      runId: "run-1",
      words: [{ type: "word", mark: { seq: 1, offset: 0 }, at: 0, word: { type: "bye" } }],
    });
    return story.exits().hello();
  },
  "accepts before it is known that it was given": () =>
    new Story()
      .open()
      .own()
      .send()
      .admit()
      .ok("/start", ok)
      .hello()
      .accepted()
      .ended("t1", { conversation: "c-2", transcript: "x", costUsd: 0.5 }),
  "an old agent": () => {
    const story = new Story()
      .open()
      .own()
      .send()
      .send("m2")
      .admit("run-1", 0)
      .ok("/start", ok)
      .hello();
    story.asks({ type: "chat.send", chat: "7", content: "hi" });
    story
      .ended("t1", { conversation: "c-9" })
      .ok("/put:m2")
      .ok("op:", { id: "r", at: null, repeated: false, data: null });
    return story.over({ exitCode: 1 }).tick(60_000).admit("run-2", 0).ok("/start", ok);
  },
  ...Object.fromEntries(
    Object.entries({
      "an exit code": (story: Story) => story.exits({ exitCode: 3 }),
      "a signal": (story: Story) => story.exits({ exitCode: null, signal: "SIGKILL" }),
      "nothing that is known": (story: Story) => story.exits({ exitCode: null }),
      "want of memory": (story: Story) => story.exits({ exitCode: null, oomKilled: true }),
      "nobody who saw how": (story: Story) => story.give({ type: "RunAbsent", runId: "run-1" }),
      "a goodbye with a message in hand": (story: Story) => story.hear({ type: "bye" }).exits(),
      "a goodbye with a message in a turn": (story: Story) =>
        story.accepted().hear({ type: "bye" }).exits(),
      "a goodbye after the answer": (story: Story) =>
        story.accepted().ended().send("m2").hear({ type: "bye" }).exits(),
      "a goodbye with a later message in hand": (story: Story) =>
        story.accepted().ended().send("m2").ok("/put:m2").hear({ type: "bye" }).exits(),
      "a goodbye in a later turn": (story: Story) => {
        story.accepted().ended().send("m2").ok("/put:m2").accepted("m2", "t2");
        return story.hear({ type: "bye" }).exits();
      },
      "a kill for silence": (story: Story) =>
        story.caughtUp().tick(300_000).ok("/stop", { exitCode: 0, signal: null, oomKilled: false }),
      "a kill that was asked for": (story: Story) =>
        story.give({ type: "StopRun", reason: "asked" }).ok("/stop"),
    }).map(([name, end]) => [
      `what a run that ends with ${name} counts for`,
      () => end(new Story().begun({ failures: 1 })).ok("/drain"),
    ]),
  ),
};
