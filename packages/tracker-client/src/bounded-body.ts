import { WaybillError } from "@waybill/core";
import type { HttpRequest } from "./http-client.ts";

/** As much of an error's body as an error message can use. */
const errorBytes = 16_384;

/**
 * Reads a body up to its limit: for a 2xx the whole of it as UTF-8, or `TRACKER_ANSWER_UNREADABLE`;
 * for any other status only the beginning, and what cannot be read is left out.
 */
export async function readBody(
  response: Response,
  request: HttpRequest,
  options: { readonly url: string; readonly maxResponseBytes: number },
): Promise<string> {
  if (!response.ok) {
    return beginning(response);
  }
  const { bytes, complete } = await readUpTo(response, options.maxResponseBytes);
  if (!complete) {
    // A question that is too large stays too large. A write was most likely done.
    throw new WaybillError(
      "TRACKER_ANSWER_UNREADABLE",
      `The Tracker's answer to ${request.method} ${options.url}/${request.path} is larger than ${options.maxResponseBytes} bytes. Ask for less (limit), or raise maxResponseBytes.`,
      {
        class: request.method === "GET" ? "permanent" : "unknown",
        details: { status: response.status, maxResponseBytes: options.maxResponseBytes },
      },
    );
  }
  return new TextDecoder().decode(bytes);
}

// The status alone says what happened; a connection that breaks in mid-body takes nothing from that.
async function beginning(response: Response): Promise<string> {
  try {
    return new TextDecoder().decode((await readUpTo(response, errorBytes)).bytes);
  } catch {
    return "";
  }
}

async function readUpTo(
  response: Response,
  limit: number,
): Promise<{ readonly bytes: Uint8Array; readonly complete: boolean }> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let complete = true;
  // Leaving the loop early cancels the stream, and with it the connection.
  for await (const chunk of response.body ?? []) {
    const room = limit - length;
    chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
    length += Math.min(chunk.length, room);
    if (chunk.length > room) {
      complete = false;
      break;
    }
  }
  return { bytes: Buffer.concat(chunks, length), complete };
}
