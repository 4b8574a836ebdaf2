import { once } from "node:events";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { execa } from "execa";

/** What was asked of a server behind the gateway. */
export interface AskedOf {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
}

/** A package registry on this machine. */
export interface Registry extends AsyncDisposable {
  readonly url: string;
  readonly asked: AskedOf[];
}

/** The token without which the registry gives nothing. */
export const REGISTRY_TOKEN = "registry-token-6b1f0a";

/**
 * A registry of real packages, packed by npm. As registries do, it names tarballs by an absolute
 * address (of a host that is not there), redirects some, and encodes what it is asked to.
 */
export async function openRegistry(names: readonly string[]): Promise<Registry> {
  const folder = await mkdtemp(join(tmpdir(), "wb-registry-"));
  const packed = new Map<string, Packed>();
  for (const name of names) packed.set(name, await pack(folder, name));
  const asked: AskedOf[] = [];
  const server = createServer((request, response) => {
    const { method = "", url = "", headers } = request;
    asked.push({ method, url, headers });
    if (headers.authorization !== `Bearer ${REGISTRY_TOKEN}`) response.writeHead(401).end();
    else serve(request, response, packed);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Packed {
  readonly tarball: Buffer;
  readonly integrity: string;
}

async function pack(folder: string, name: string): Promise<Packed> {
  const place = join(folder, name);
  await mkdir(place, { recursive: true });
  const manifest = { name, version: "1.0.0", main: "index.js" };
  await writeFile(join(place, "package.json"), JSON.stringify(manifest));
  await writeFile(join(place, "index.js"), `module.exports = ${JSON.stringify(`I am ${name}`)};\n`);
  const { stdout } = await execa("npm", ["pack", "--json", "--silent"], {
    cwd: place,
    env: { npm_config_cache: join(folder, "cache"), npm_config_update_notifier: "false" },
  });
  const [{ integrity }] = JSON.parse(stdout) as [{ integrity: string }];
  const file = (await readdir(place)).find((each) => each.endsWith(".tgz")) ?? "";
  return { tarball: await readFile(join(place, file)), integrity };
}

function serve(
  { method, url = "", headers }: IncomingMessage,
  response: ServerResponse,
  packed: ReadonlyMap<string, Packed>,
): void {
  const [, name = "", moved] = /^\/(.+)\/-\/[^/]+\.tgz(\?moved)?$/.exec(url) ?? [];
  const wanted = packed.get(name);
  if (method === "GET" && wanted !== undefined) {
    if (moved === undefined)
      response.writeHead(302, { location: `http://${headers.host}${url}?moved` }).end();
    else
      response.writeHead(200, { "content-type": "application/octet-stream" }).end(wanted.tarball);
    return;
  }
  const known = packed.get(decodeURIComponent(url.slice(1)));
  if (method !== "GET" || known === undefined) return void response.writeHead(404).end("{}");
  const body = JSON.stringify(packument(decodeURIComponent(url.slice(1)), known));
  const zips = String(headers["accept-encoding"]).includes("gzip");
  response.writeHead(200, {
    "content-type": "application/json",
    ...(zips ? { "content-encoding": "gzip" } : {}),
  });
  response.end(zips ? gzipSync(body) : body);
}

function packument(name: string, { integrity }: Packed): object {
  const file = `${name.split("/").at(-1)}-1.0.0.tgz`;
  const dist = { tarball: `https://registry.example.com/${name}/-/${file}`, integrity };
  const version = { name, version: "1.0.0", main: "index.js", dist };
  return { name, "dist-tags": { latest: "1.0.0" }, versions: { "1.0.0": version } };
}
