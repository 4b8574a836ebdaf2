// Writes the protocol's JSON Schemas to docs/protocol/, from the schemas that the host reads with.
// Run: node --conditions=@waybill/source packages/ipc-fs/scripts/write-schemas.ts && oxfmt docs/protocol
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import { protocolJsonSchemas } from "@waybill/ipc-fs/protocol";

const folder = resolve(import.meta.dirname, "../../../docs/protocol");
await mkdir(folder, { recursive: true });
for (const [name, schema] of Object.entries(protocolJsonSchemas())) {
  await writeFile(join(folder, `${name}.schema.json`), `${JSON.stringify(schema, null, 2)}\n`);
}
