import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// Runs the assembled program once, from the start word through a turn to bye, and keeps the code that
// V8 compiled meanwhile. The model cannot be reached, so the turn fails; everything else is a start as
// any other, and proves what was put together. Usage: node record-start.ts <package folder>

const [folder = "."] = process.argv.slice(2);
const home = mkdtempSync(join(tmpdir(), "first-start-"));
const at = (name: string): string => join(home, name);
for (const name of ["inbox", "outbox", "state", "workspace", "compiled"]) mkdirSync(at(name));

letter("m.0000000001.0001.json", "message", {
  id: "m-1",
  delivery: 1,
  position: 1,
  text: "Hello",
  from: null,
});
letter("z.json", "close", { reason: "The image is built.", deadlineMs: 60_000 });
const { status, stderr } = spawnSync(process.execPath, [join(folder, "dist", "main.js")], {
  input: JSON.stringify({
    v: 1,
    protocol: 1,
    session: "s-1",
    run: "r-1",
    agent: { slug: "first", name: "First" },
    conversation: { id: "00000000-0000-4000-8000-000000000000", resume: false },
    unsettled: [],
    config: { maxRetries: 0 },
    limits: { fileBytes: 262_144, unacknowledged: 1024 },
  }),
  env: {
    PATH: process.env["PATH"],
    HOME: home,
    NODE_COMPILE_CACHE: at("compiled"),
    WAYBILL_INBOX: at("inbox"),
    WAYBILL_OUTBOX: at("outbox"),
    WAYBILL_STATE: at("state"),
    WAYBILL_WORKSPACE: at("workspace"),
    ANTHROPIC_BASE_URL: "http://127.0.0.1:9",
  },
  encoding: "utf8",
  timeout: 120_000,
});
const words = readdirSync(at("outbox"))
  .filter((name) => name.endsWith(".json"))
  .map((name): unknown => JSON.parse(readFileSync(join(at("outbox"), name), "utf8")).type);
if (status !== 0 || words.join() !== "hello,accepted,turn_ended,bye") {
  throw new Error(`The first start ended with ${status} after "${words.join()}". ${stderr}`);
}
const [made] = readdirSync(at("compiled"));
if (made === undefined) throw new Error("This Node keeps no compiled code.");
// The name ends with the user's number, and the files are its own: in a run it is another one.
const kept = join(folder, "compiled", made.replace(/-\d+$/, ""));
mkdirSync(kept, { recursive: true });
for (const name of readdirSync(join(at("compiled"), made))) {
  writeFileSync(join(kept, name), readFileSync(join(at("compiled"), made, name)));
}
rmSync(home, { recursive: true });

function letter(name: string, type: string, data: object): void {
  writeFileSync(join(at("inbox"), name), JSON.stringify({ v: 1, type, at: 0, data }));
}
