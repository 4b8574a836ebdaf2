import { lstat, mkdir } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { WaybillError } from "@waybill/core";
import { SOCKET_NAME, wayFolder } from "./way-spec.ts";

/** What a unix socket's address holds, without its closing zero byte. */
const SOCKET_PATH_BYTES = process.platform === "linux" ? 107 : 103;

/**
 * Where gateways keep state and sockets unless told otherwise: short, and one per user, as
 * `/tmp/waybill-1000`. Not in the user's runtime folder, which a logout may remove under live runs.
 */
export function defaultGatewayRoot(): string {
  return path.join(os.tmpdir(), `waybill-${userId() ?? os.userInfo().username}`);
}

/** The absolute root. Throws `GATEWAY_ROOT_TOO_LONG` where a socket in it could have no address. */
export function resolveRoot(root: string): string {
  const absolute = path.resolve(root);
  const socket = path.join(wayFolder(absolute, { sessionId: "", runId: "" }), SOCKET_NAME);
  const excess = Buffer.byteLength(socket) - SOCKET_PATH_BYTES;
  if (excess <= 0) return absolute;
  const limit = Buffer.byteLength(absolute) - excess;
  throw new WaybillError(
    "GATEWAY_ROOT_TOO_LONG",
    `The gateway's root ${absolute} is too long for unix sockets: choose a root of at most ${limit} bytes, or leave the option out to use ${defaultGatewayRoot()}.`,
    { details: { root: absolute, bytes: Buffer.byteLength(absolute), limit } },
  );
}

/**
 * Makes the root, or makes sure that it is ours alone: whoever could put a socket there would be
 * given the key. Throws `GATEWAY_ROOT_UNUSABLE`.
 */
export async function prepareRoot(root: string): Promise<void> {
  try {
    await mkdir(root, { recursive: true, mode: 0o700 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw unusable(root, `it cannot be made (${reason})`, error);
  }
  const found = await lstat(root);
  if (!found.isDirectory()) throw unusable(root, "it is no folder");
  if (found.uid !== (userId() ?? found.uid)) {
    throw unusable(root, `it belongs to user ${found.uid}, not to ${userId()}`);
  }
  if ((found.mode & 0o022) !== 0) {
    throw unusable(root, `others may write there; run \`chmod go-w ${root}\``);
  }
}

function unusable(root: string, why: string, cause?: unknown): WaybillError {
  return new WaybillError(
    "GATEWAY_ROOT_UNUSABLE",
    `The gateway cannot use the root ${root}: ${why}. Choose a folder of your own.`,
    { details: { root }, cause },
  );
}

function userId(): number | undefined {
  return process.getuid?.();
}
