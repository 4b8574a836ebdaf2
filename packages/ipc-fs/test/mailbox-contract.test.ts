import { mailboxContract } from "@waybill/core/testing";
import { describe, test } from "vitest";

import { mailboxFixture } from "./mailbox-fixture.ts";

const isRoot = process.getuid?.() === 0;
const users = isRoot ? (["host", "dedicated"] as const) : (["host"] as const);

for (const runsAs of users) {
  describe(`fsMailbox, protocol 1, runs as ${runsAs}`, () => {
    mailboxContract({ test, create: () => mailboxFixture({ protocol: 1, runsAs }) });
  });

  describe(`fsMailbox, protocol 0, runs as ${runsAs}`, () => {
    const none = "Protocol 0 has no such thing.";
    mailboxContract({
      test,
      create: () => mailboxFixture({ protocol: 0, runsAs, prompt: "begin" }),
      skip: {
        "an answer is found under the number of its operation, with its data": none,
        "an interrupt names its turn": none,
        "a message keeps its id, delivery, position and sender":
          "Protocol 0 carries the text alone.",
        "every word survives as it was said":
          "Protocol 0 has but some of the words; another clause has those.",
        "a place that stayed empty becomes a gap once the run is over": none,
        "a place that stays empty becomes a gap while the run goes on": none,
        "an activity is handed over and never recorded": none,
      },
      skipped: (name, reason) => test.skipIf(true)(`${name} (skipped: ${reason})`, () => undefined),
    });
  });
}

describe("fsMailbox without a watch", () => {
  mailboxContract({ test, create: () => mailboxFixture({ protocol: 1 }, { watch: false }) });
});
