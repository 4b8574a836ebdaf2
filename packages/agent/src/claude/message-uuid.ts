import { createHash } from "node:crypto";

/** Waybill's own namespace for message ids: made once, never changed. */
const NAMESPACE = "5b0f8d4c-6f0e-4d6b-9a53-0c1d8f0a7e21";

/**
 * The UUID under which a message stands in transcripts: a version 5 UUID (RFC 9562) of its id, so
 * that any later run can tell whether a transcript holds it, without a table that could be lost.
 */
export function messageUuid(id: string): `${string}-${string}-${string}-${string}-${string}` {
  const hash = createHash("sha1")
    .update(Buffer.from(NAMESPACE.replaceAll("-", ""), "hex"))
    .update(id)
    .digest();
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = hash.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
