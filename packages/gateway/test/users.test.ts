import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { stopModelGateway } from "../src/index.ts";
import { ask } from "./support/ask.ts";
import { REAL_KEY, gatewayBed, planOf, socketOf } from "./support/gateway-bed.ts";
import { hostProcess } from "./support/host-process.ts";
import { stubUpstream } from "./support/stub-upstream.ts";

const run = promisify(execFile);

/** A user that no account has. */
const OTHER = 47_311;
const isRoot = process.getuid?.() === 0;
const noMounts = isRoot && spawnSync("unshare", ["--mount", "true"]).status !== 0;
const ownFile = fileURLToPath(import.meta.url);
const othersMayRead = (statSync(path.dirname(ownFile)).mode & 0o005) === 0o005;

test("a root host's run with a user of its own reaches its socket through a read-only mount, and no other", async ({
  skip,
}) => {
  skip(!isRoot, "only root gives a run another user");
  skip(noMounts, "this machine allows no mount namespaces");
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway();
  const attachment = await gateway.attach(planOf("run-1", { user: { uid: OTHER, gid: OTHER } }));
  const neighbour = await gateway.attach(planOf("run-2", { user: { uid: OTHER + 1, gid: 1 } }));
  const { uid, gid, mode } = statSync(socketOf(attachment));
  expect([uid, gid, mode & 0o777]).toEqual([OTHER, OTHER, 0o600]);

  // What an engine does: bind the folder read-only, then become the run's user.
  const at = path.join(bed.root, "at");
  mkdirSync(at);
  const inside = async (folder: string): Promise<string> => {
    const { stdout } = await run("unshare", ["--mount", "sh", "-c", SCRIPT, "sh", folder, at], {
      env: { ...process.env, CLIENT, NODE: process.execPath, U: String(OTHER) },
    });
    return stdout.trim();
  };
  expect(await inside(attachment.folders[0]!.host)).toBe("200 EROFS");
  expect(await inside(neighbour.folders[0]!.host)).toBe("EACCES EROFS");
  expect(upstream.asked).toHaveLength(1);
});

test("an ordinary user's host works with no rights of root, and can give no socket away", async ({
  skip,
}) => {
  skip(isRoot && !othersMayRead, "another user may not read this checkout");
  await using upstream = await stubUpstream();
  const user = isRoot ? { uid: OTHER, gid: OTHER } : own();
  const root = mkdtempSync(path.join(os.tmpdir(), "wg-"));
  if (isRoot) chownSync(root, user.uid, user.gid);
  try {
    const told = { root, upstream: upstream.url, key: REAL_KEY, run: "run-1" };
    const { child, attachment } = await hostProcess(told, isRoot ? user : {});
    expect(statSync(socketOf(attachment)).uid).toBe(user.uid);
    expect((await ask(socketOf(attachment))).status).toBe(200);
    child.kill("SIGKILL");
    await once(child, "exit");

    const stranger = { uid: user.uid + 1, gid: user.gid };
    const giving = hostProcess({ ...told, run: "run-2", user: stranger }, isRoot ? user : {});
    await expect(giving).rejects.toThrow("GATEWAY_USER_FORBIDDEN");
  } finally {
    await stopModelGateway({ root });
    rmSync(root, { recursive: true, force: true });
  }
});

test("a root that belongs to somebody else is refused", async ({ skip }) => {
  skip(!isRoot, "only root can make a folder somebody else's");
  await using bed = gatewayBed("http://127.0.0.1:9");
  chownSync(bed.root, OTHER, OTHER);
  await expect(bed.gateway().check()).rejects.toMatchObject({
    code: "GATEWAY_ROOT_UNUSABLE",
    message: expect.stringContaining(String(OTHER)),
  });
});

test("a platform without users leaves the socket to the host", async () => {
  await using bed = gatewayBed("http://127.0.0.1:9");
  const attachment = await bed.gateway().attach(planOf("run-1", { user: null }));
  expect(statSync(socketOf(attachment)).uid).toBe(process.getuid?.());
});

function own(): { uid: number; gid: number } {
  return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}

const SCRIPT =
  'mount --bind "$1" "$2" && mount -o remount,ro,bind "$2" && cd "$2" && ' +
  'exec setpriv --reuid "$U" --regid "$U" --clear-groups "$NODE" -e "$CLIENT"';

const CLIENT = `
  const fs = require("node:fs");
  let write = "written";
  try { fs.writeFileSync("planted", ""); } catch (error) { write = error.code; }
  const end = (word) => console.log(word, write);
  const call = require("node:http").request(
    { socketPath: "model.sock", method: "POST", path: "/v1/messages" },
    (answer) => answer.on("end", () => end(answer.statusCode)).resume(),
  );
  call.on("error", (error) => end(error.code));
  call.end("{}");
`;
