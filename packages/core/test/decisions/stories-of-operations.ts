import type { TrackerOperation } from "@waybill/core";
import { Story, failure } from "./story.ts";

const done = { id: "r1", at: 5, repeated: false, data: { answer: 42 } };
const hi: TrackerOperation = { type: "chat.send", chat: "7", content: "hi" };
const note: TrackerOperation = {
  type: "task.comment",
  task: "42",
  content: `much ${"x".repeat(90)}`,
};

/** What agents ask for, and what becomes of it. */
export const storiesOfOperations: Readonly<Record<string, () => Story>> = {
  "done in order on each target": () => {
    const story = new Story().begun().accepted().asks(hi);
    story.asks({ ...hi, content: "ho" }).asks(note);
    story.asks({ type: "task.status", task: "42", status: "review" });
    story.ok("/5/perform", done).ok("/3/perform", done).ok("/answer:3").fail("/answer:5");
    story.tick(60_000).ok("/answer:5").ok("/4/perform", done).ok("/6/perform", done);
    return story.give({ type: "RedriveOperation", operationId: "s/run-1/3" }).ended();
  },
  "not for this session": () => {
    const story = new Story()
      .begun()
      .accepted()
      .asks({ ...hi, chat: "9" });
    story.asks({ type: "task.take", task: "43" }).asks({ type: "task.list", status: "todo" });
    return story.asks({ type: "task.get", task: "42" }).asks({ type: "chat.read", chat: "7" });
  },
  "for any chat and task": () => {
    const scope = { chats: "any", tasks: "any" } as const;
    const story = new Story()
      .begun({}, { scope })
      .accepted()
      .asks({ ...hi, chat: "9" });
    story.asks({ type: "task.list" }).fail("/4/perform", failure("unknown"));
    return story.asks({ type: "task.complete", task: "43" });
  },
  "too many": () => {
    const story = new Story().begun({ operations: 1, approve: ["task.comment"] }).accepted();
    return story.asks(hi).asks(hi).asks(note).ok("/perform", done).asks(note).asks(note);
  },
  "the board fails for a while": () => {
    const story = new Story().begun().accepted().asks(hi).fail("/perform").tick(60_000);
    story
      .fail("/perform", failure("rate", { retryAfterMs: 90_000 }))
      .tick(89_999)
      .tick(1);
    return story.fail("/perform", failure("unknown")).tick(60_000).ok("/perform", done);
  },
  "refused for good": () =>
    new Story().begun().accepted().asks(hi).fail("/perform", failure("permanent")).ended(),
  "refused for good after a doubt, with keys": () => {
    const story = new Story().begun().accepted().asks(hi).fail("/perform", failure("unknown"));
    story.tick(60_000).fail("/perform", failure("permanent")).ok("/lookup", null).tick(60_000);
    return story.ok("/perform", done);
  },
  "in doubt, without keys": () => {
    const story = new Story().open().own(1, false).send().admit();
    story.ok("/start", { host: "h", handle: "x", already: false }).hello().accepted().asks(hi);
    story.fail("/perform", failure("unknown")).fail("/lookup").tick(1_000).ok("/lookup", null);
    return story.tick(60_000).ok("/lookup", null).ok("/perform", done);
  },
  "questions are asked again without a doubt": () => {
    const scope = { chats: "any", tasks: "any" } as const;
    const story = new Story().open({}, { scope }).own(1, false).send().admit();
    story.ok("/start", { host: "h", handle: "x", already: false }).hello().accepted();
    story.asks({ type: "chat.read", chat: "7" }).asks({ type: "task.get", task: "42" });
    story.asks({ type: "task.list" }).own(2, false);
    for (const question of ["/3/", "/4/", "/5/"]) story.fail(question, failure("unknown"));
    return story;
  },
  "its caller dies, with keys and without": () => {
    const story = new Story().begun().accepted().asks(hi).asks({ type: "chat.read", chat: "7" });
    return story
      .own(2)
      .own(3, false)
      .ok("/lookup", done)
      .own(4, false)
      .fail("/perform", failure("unknown"));
  },
  "given up, and driven again": () => {
    const story = new Story().begun({ operationMs: 60_000 }).accepted().asks(hi).fail("/perform");
    story.tick(60_000).fail("/perform").tick(60_000).tick(60_001);
    story.give({ type: "RedriveOperation", operationId: "s/run-1/3" });
    story.give({ type: "RedriveOperation", operationId: "s/run-1/3" });
    story.give({ type: "RedriveOperation", operationId: "s/run-1/9" });
    return story.ok("/perform", done);
  },
  "given up in doubt, and driven again": () => {
    const story = new Story().open({ operationMs: 60_000 }).own(1, false).send().admit();
    story.ok("/start", { host: "h", handle: "x", already: false }).hello().accepted().asks(hi);
    story.fail("/perform", failure("unknown"));
    story.now += 60_001;
    story.fail("/lookup", failure("unknown"));
    story.give({ type: "RedriveOperation", operationId: "s/run-1/3" });
    return story.ok("/lookup", done);
  },
  "somebody has to allow it": () => {
    const story = new Story().begun({ approve: ["chat.send"], approvalMs: 60_000 }).accepted();
    story.asks(hi).asks(hi).asks(hi).asks(note);
    const decide = (operationId: string, granted: boolean): Story =>
      story.give({ type: "DecideApproval", operationId, granted, by: "Ada", reason: "No." });
    decide("s/run-1/3", true);
    decide("s/run-1/4", false);
    decide("s/run-1/4", true);
    story.give({ type: "AnswerQuestion", operationId: "s/run-1/5", text: "yes", by: "Ada" });
    return story.tick(59_999).tick(1).ended();
  },
  "a policy says what the session may touch": () => {
    const story = new Story()
      .begun({ approve: ["task.comment"] })
      .authorised()
      .accepted();
    const far = { ...hi, chat: "9" };
    story.asks(far).asks(far).asks(note).asks({ type: "person.ask", question: "Which?" });
    story.fail("/3/authorise").tick(60_000).ok("/3/authorise", "allowed");
    story.ok("/5/authorise", "allowed").ok("/4/authorise", "forbidden");
    story.asks(hi).asks(far).asks(note);
    const decide = (operationId: string, granted: boolean): Story =>
      story.give({ type: "DecideApproval", operationId, granted, by: "Ada", reason: "No." });
    decide("s/run-1/5", true);
    decide("s/run-1/8", true);
    decide("s/run-1/8", false);
    story.ok("/7/authorise", "ask").asks({ ...far, chat: "8" });
    return story.own(3).ended();
  },
  "a person is asked": () => {
    const story = new Story().begun({ turnMs: 60_000, stallMs: 900_000 }).accepted().caughtUp();
    story.asks({ type: "person.ask", question: "Which one?" });
    story.asks({ type: "person.permit", tool: "Bash", input: {} });
    story.tick(120_000, { ...story.seen, aliveAt: story.now });
    const decide = (operationId: string, granted: boolean): Story =>
      story.give({ type: "DecideApproval", operationId, granted, by: "Ada", reason: "No." });
    decide("s/run-1/3", true);
    story.give({ type: "AnswerQuestion", operationId: "s/run-1/3", text: "That.", by: "Ada" });
    decide("s/run-1/4", true).asks({ type: "person.ask", question: "And now?" }).ended();
    return story
      .send("m2")
      .ok("/put:m2")
      .accepted("m2", "t2")
      .asks({ type: "person.ask", question: "?" });
  },
  "a person is asked by a run that dies": () => {
    const story = new Story().begun().accepted().asks({ type: "person.ask", question: "Which?" });
    story.asks({ type: "task.create", title: "New\nthing" }).over({ exitCode: 1 });
    return story
      .tick(60_000)
      .admit("run-2")
      .ok("/start", { host: "h", handle: "x", already: false })
      .hello("resumed", ["m1"]);
  },
  "a dead letter of the mailbox is driven again": () => {
    const story = new Story().begun();
    const again = { type: "RedriveWord", runId: "run-0", seq: 4, by: "Ada" } as const;
    story.give({ ...again, operation: hi }).give({ ...again, operation: hi });
    story.give({ ...again, seq: 5, operation: { ...hi, chat: "9" } }).ok("/perform", done);
    story.give({ type: "CloseSession", outcome: "stopped" }).ok("/stop").ok("/drain").ok("/remove");
    return story.give({ ...again, operation: hi });
  },
};
