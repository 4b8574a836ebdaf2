import { execFileSync, spawnSync } from "node:child_process";
import { chmod, chown, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { postgresStore } from "@waybill/store-postgres";
import type { PostgresTls } from "@waybill/store-postgres";
import { describeWithPostgres } from "../../../integration/postgres-server.ts";
import type { PostgresServer } from "../../../integration/postgres-server.ts";
import { newEvents } from "./events.ts";
import { rawClient } from "./raw-client.ts";
import { newSchema } from "./schemas.ts";

const noOpenssl = spawnSync("openssl", ["version"]).status !== 0;

await describeWithPostgres("a server that encrypts", (server) => {
  test("the store's connections are encrypted and trust the given authority alone", async ({
    skip,
  }) => {
    skip(noOpenssl, "openssl is not installed");
    await using authority = await encrypt(server());
    const open = async (tls: PostgresTls | boolean): Promise<number> => {
      const schema = newSchema();
      await using store = postgresStore({ url: server().url, schema, tls });
      await store.open();
      await store.append("s", "none", newEvents(1));
      return await plainConnections(server());
    };
    expect(await open({ ca: authority.certificate, servername: "db.test" })).toBe(0);
    expect(await open({ rejectUnauthorized: false })).toBe(0);
    for (const tls of [true, { ca: authority.certificate, servername: "other.test" }]) {
      await expect(open(tls)).rejects.toMatchObject({ code: "STORE_REFUSED", class: "permanent" });
    }
  });
});

/** How many connections of stores go over the network as they are. */
async function plainConnections({ url }: PostgresServer): Promise<number> {
  await using raw = await rawClient(url, "public");
  const { rows } = await raw.query(
    `SELECT count(*) AS n FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
     WHERE application_name LIKE 'waybill%' AND NOT ssl`,
  );
  return Number(rows[0]?.n);
}

/** Gives the running server a certificate, signed by itself, for the name `db.test`. */
async function encrypt({
  url,
}: PostgresServer): Promise<AsyncDisposable & { readonly certificate: string }> {
  await using raw = await rawClient(url, "public");
  const { uid, gid } = await stat(
    String((await raw.query("SHOW data_directory")).rows[0]?.data_directory),
  );
  const folder = await mkdtemp(join(tmpdir(), "wb-tls-"));
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
      .concat(["-subj", "/CN=db.test", "-addext", "subjectAltName=DNS:db.test"])
      .concat(["-keyout", key, "-out", certificate]),
    { stdio: "pipe" },
  );
  await chmod(key, 0o600);
  for (const path of [folder, key, certificate]) await chown(path, uid, gid);
  await raw.query(`ALTER SYSTEM SET ssl_cert_file TO '${certificate}'`);
  await raw.query(`ALTER SYSTEM SET ssl_key_file TO '${key}'`);
  await raw.query("ALTER SYSTEM SET ssl TO on");
  await raw.query("SELECT pg_reload_conf()");
  await expect
    .poll(async () => (await rawSetting(url)) === "on", { message: "the server encrypts" })
    .toBe(true);
  return {
    certificate: await readFile(certificate, "utf8"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

async function rawSetting(url: string): Promise<string> {
  await using raw = await rawClient(url, "public");
  return String((await raw.query("SHOW ssl")).rows[0]?.ssl);
}
