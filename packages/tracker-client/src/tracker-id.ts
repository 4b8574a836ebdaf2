import { WaybillError } from "@waybill/core";

const idPattern = /^[A-Za-z0-9_-]{1,64}$/;
// RFC 9110 allows more in a field value; visible ASCII is what every proxy lets through unchanged.
const keyPattern = /^[\x21-\x7e]{1,255}$/;

/** The id as one path segment. Throws `TRACKER_ID_INVALID`, so that `../` never gets into a URL. */
export function idSegment(what: "chat" | "task" | "message", id: string): string {
  if (typeof id !== "string" || !idPattern.test(id)) {
    throw new WaybillError(
      "TRACKER_ID_INVALID",
      `${JSON.stringify(String(id).slice(0, 80))} cannot be the id of a ${what}: ids are 1 to 64 of A-Z a-z 0-9 _ and -.`,
      { details: { what, id: String(id).slice(0, 80) } },
    );
  }
  return encodeURIComponent(id);
}

/** The operation's id as a header value. Throws `TRACKER_KEY_INVALID`. */
export function keyHeader(key: string): string {
  if (typeof key !== "string" || !keyPattern.test(key)) {
    throw new WaybillError(
      "TRACKER_KEY_INVALID",
      `${JSON.stringify(String(key).slice(0, 80))} cannot be an Idempotency-Key: it must be 1 to 255 visible ASCII characters.`,
      { details: { key: String(key).slice(0, 80) } },
    );
  }
  return key;
}
