import { existsSync } from "node:fs";
import { chown, mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, test } from "vitest";
import { embeddedPostgres } from "./embedded-postgres.ts";

/** A PostgreSQL server of its own, with a database that is empty. */
export interface PostgresServer extends AsyncDisposable {
  /** `postgres://…`: over TCP, as a user who may do everything. */
  readonly url: string;
  readonly port: number;
  /** The folder of its unix socket. */
  readonly socket: string;
  /** Starts it again after `stop()`, on the same port. */
  start(): Promise<void>;
  /** `"fast"` ends all connections in good order; `"immediate"` is a crash, and the start recovers. */
  stop(mode: "fast" | "immediate"): Promise<void>;
}

/**
 * A `describe` around a real server, which lives as long as its tests do. Where the programs are
 * missing its tests are skipped, with the reason in their names; where the environment's
 * WAYBILL_REQUIRE contains `postgres` that is an error.
 */
export async function describeWithPostgres(
  title: string,
  body: (server: () => PostgresServer) => void,
): Promise<void> {
  const programs = await postgresPrograms();
  if (programs === null) {
    const reason =
      "No PostgreSQL server is installed: install one (bash .ci/postgres.sh) to enable these tests.";
    if ((process.env["WAYBILL_REQUIRE"] ?? "").split(/[\s,]+/u).includes("postgres")) {
      throw new Error(`WAYBILL_REQUIRE names postgres, and tests of it cannot run. ${reason}`);
    }
    test.skipIf(true)(`${title}: skipped, ${reason}`, () => undefined);
    return;
  }
  describeServer(title, programs, body);
}

/**
 * The same, once with the server that is installed here and once with the newest one that npm
 * carries, where that has programs for this platform.
 */
export async function describeWithEachPostgres(
  title: string,
  body: (server: () => PostgresServer) => void,
): Promise<void> {
  await describeWithPostgres(`${title}, on the installed server`, body);
  const embedded = await embeddedPostgres();
  if (embedded === null) {
    const reason = "npm has no server for this platform.";
    test.skipIf(true)(`${title}, on the newest server of npm: skipped, ${reason}`, () => undefined);
    return;
  }
  describe("with programs out of npm", () => {
    afterAll(() => embedded[Symbol.asyncDispose]());
    describeServer(`${title}, on the newest server of npm`, embedded.bin, body);
  });
}

function describeServer(
  title: string,
  programs: string,
  body: (server: () => PostgresServer) => void,
): void {
  describe(title, () => {
    let server: PostgresServer | null = null;
    beforeAll(async () => {
      server = await postgresServer(programs);
    });
    afterAll(() => server?.[Symbol.asyncDispose]());
    body(() => {
      if (server === null) throw new Error("The PostgreSQL server is there only during the tests.");
      return server;
    });
  });
}

/**
 * Makes a server in a temporary folder, on a port that was free. A server refuses to run as root:
 * there it belongs to the user `postgres`.
 */
export async function postgresServer(programs: string): Promise<PostgresServer> {
  const user = await serverUser();
  const folder = await mkdtemp(join(tmpdir(), "wb-pg-"));
  const data = join(folder, "data");
  const log = join(folder, "log");
  if (user !== null) await chown(folder, user.uid, user.gid);
  const run = async (program: string, args: readonly string[]): Promise<void> => {
    // Not in the caller's folder, which that user may not be allowed to enter; and pg_ctl's server
    // keeps the streams open, so they are not waited for.
    await execa(join(programs, program), args, { cwd: folder, stdio: "ignore", ...user });
  };
  const cluster = ["-D", data, "-U", "waybill", "--auth=trust", "--encoding=UTF8", "--locale=C"];
  await run("initdb", [...cluster, "--no-sync"]);
  const port = await freePort();
  const settings = `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1 -c max_connections=200`;
  const start = (): Promise<void> =>
    run("pg_ctl", ["start", "-w", "-t", "60", "-D", data, "-l", log, "-o", settings]);
  const stop = (mode: string): Promise<void> =>
    run("pg_ctl", ["stop", "-w", "-D", data, "-m", mode]);
  await start();
  return {
    url: `postgres://waybill@127.0.0.1:${port}/postgres`,
    port,
    socket: folder,
    start,
    stop,
    [Symbol.asyncDispose]: async () => {
      // A test may have left it stopped.
      if (existsSync(join(data, "postmaster.pid"))) await stop("immediate");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The folder of the newest server's programs, or of WAYBILL_POSTGRES_BIN; null where there is none. */
export async function postgresPrograms(): Promise<string | null> {
  const chosen = process.env["WAYBILL_POSTGRES_BIN"];
  if (chosen !== undefined) return chosen;
  const root = "/usr/lib/postgresql";
  const versions = await readdir(root).catch(() => []);
  const newest = versions
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, "bin"))
    .find((bin) => existsSync(join(bin, "initdb")) && existsSync(join(bin, "pg_ctl")));
  return newest ?? null;
}

async function serverUser(): Promise<{ readonly uid: number; readonly gid: number } | null> {
  if (process.getuid?.() !== 0) return null;
  const idOf = async (flag: string): Promise<number> =>
    Number((await execa("id", [flag, "postgres"])).stdout);
  return { uid: await idOf("-u"), gid: await idOf("-g") };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
