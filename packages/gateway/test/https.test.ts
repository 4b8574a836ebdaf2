import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask } from "./support/ask.ts";
import { REAL_KEY, gatewayBed, planOf, socketOf } from "./support/gateway-bed.ts";

const noOpenssl = spawnSync("openssl", ["version"]).status !== 0;
const folder = mkdtempSync(path.join(os.tmpdir(), "wg-tls-"));
const certificate = path.join(folder, "cert.pem");
const keyFile = path.join(folder, "key.pem");

beforeAll(() => {
  if (noOpenssl) return;
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...names].concat([
      "-keyout",
      keyFile,
      "-out",
      certificate,
    ]),
    { stdio: "ignore" },
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("an https upstream is used if its certificate is trusted, and refused if not", async ({
  skip,
}) => {
  skip(noOpenssl, "openssl is not installed");
  const keys: unknown[] = [];
  const server = createServer(
    { key: readFileSync(keyFile), cert: readFileSync(certificate) },
    (request, response) => {
      keys.push(request.headers["x-api-key"]);
      request.resume().on("end", () => response.end("secure"));
    },
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  const upstream = `https://localhost:${(server.address() as AddressInfo).port}`;
  try {
    await using stranger = gatewayBed(upstream);
    const refused = await ask(socketOf(await stranger.gateway().attach(planOf("run-1"))));
    expect([refused.status, keys]).toEqual([502, []]);

    process.env["NODE_EXTRA_CA_CERTS"] = certificate;
    await using friend = gatewayBed(upstream);
    const answered = await ask(socketOf(await friend.gateway().attach(planOf("run-1"))));
    expect([answered.status, answered.text, keys]).toEqual([200, "secure", [REAL_KEY]]);
  } finally {
    delete process.env["NODE_EXTRA_CA_CERTS"];
    server.closeAllConnections();
    server.close();
  }
});
