import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withUpstreams } from "../src/host/with-upstreams.ts";

test("the forwarder that the host names gives the environment", async () => {
  const folder = await mkdtemp(join(tmpdir(), "wb-forwarder-"));
  const file = join(folder, "forward.mjs");
  await writeFile(
    file,
    "export const openForwarder = async (env) => ({ ...env, UPSTREAM_NPM: 'x' });",
  );
  const env = { GATEWAY_FORWARDER: file };
  expect(await withUpstreams(env, expect.unreachable)).toEqual({ ...env, UPSTREAM_NPM: "x" });
  await rm(folder, { recursive: true });
});

test.each([
  ["there is none", undefined, 0],
  ["it is missing", "/nowhere/forward.mjs", 1],
  ["it is another program", import.meta.filename, 1],
])("where %s the agent goes on with its own environment, and says so", async (_, file, lines) => {
  const said: string[] = [];
  const env = { GATEWAY_FORWARDER: file };
  expect(await withUpstreams(env, (line) => void said.push(line))).toBe(env);
  expect(said).toHaveLength(lines);
});
