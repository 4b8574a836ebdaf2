// A fork takes over what another session's agent remembers, and nothing that it only points to.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RunSpec } from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "wb-fork-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const spec = (sessionId: string, fork?: RunSpec["conversation"]["fork"]): RunSpec => ({
  owner: "o",
  sessionId,
  runId: `run-${sessionId}`,
  epoch: 1,
  protocol: 1,
  agent: { slug: "coder", name: "Кодер" },
  conversation: { id: `c-${sessionId}`, resume: false, ...(fork === undefined ? {} : { fork }) },
  unsettled: [],
  prompt: null,
  config: {},
  runsAs: "host",
});
const fork = { sessionId: "parent", conversation: "c-parent", transcriptId: "place-7" };

async function parentState(): Promise<string> {
  const plan = await fsMailbox({ root }).prepare(spec("parent"));
  const state = plan.folders.find(({ at }) => at === "/waybill/state");
  if (state === undefined) throw new Error("The plan has no state folder.");
  mkdirSync(join(state.host, "projects"));
  writeFileSync(join(state.host, "projects", "c-parent.jsonl"), "remembered\n");
  return state.host;
}

test("the child finds a copy, and its start word says where it begins", async () => {
  await parentState();
  const plan = await fsMailbox({ root }).prepare(spec("child", fork));
  const state = plan.folders.find(({ at }) => at === "/waybill/state")!.host;
  expect(readFileSync(join(state, "projects", "c-parent.jsonl"), "utf8")).toBe("remembered\n");
  const start: unknown = JSON.parse(readFileSync(plan.stdin.host, "utf8"));
  expect(start).toMatchObject({
    conversation: {
      id: "c-child",
      resume: false,
      fork: { conversation: "c-parent", transcript: "place-7" },
    },
  });
});

test("what the child has written since is kept when the run is prepared again", async () => {
  await parentState();
  const mailbox = fsMailbox({ root });
  const plan = await mailbox.prepare(spec("child", fork));
  const state = plan.folders.find(({ at }) => at === "/waybill/state")!.host;
  writeFileSync(join(state, "projects", "c-parent.jsonl"), "changed\n");
  await mailbox.prepare(spec("child", fork));
  expect(readFileSync(join(state, "projects", "c-parent.jsonl"), "utf8")).toBe("changed\n");
});

test("links of the parent's agent are not followed, as files or as folders", async () => {
  const state = await parentState();
  const outside = join(root, "secret");
  mkdirSync(outside);
  writeFileSync(join(outside, "key"), "the host's own");
  symlinkSync(join(outside, "key"), join(state, "link-to-file"));
  symlinkSync(outside, join(state, "link-to-folder"));
  const plan = await fsMailbox({ root }).prepare(spec("child", fork));
  const child = plan.folders.find(({ at }) => at === "/waybill/state")!.host;
  expect(readdirSync(child)).toEqual(["projects"]);
});

test("a parent that keeps nothing leaves the child with nothing", async () => {
  const plan = await fsMailbox({ root }).prepare(spec("child", fork));
  const child = plan.folders.find(({ at }) => at === "/waybill/state")!.host;
  expect(readdirSync(child)).toEqual([]);
  expect(existsSync(`${child}.unfinished`)).toBe(false);
});
