import { parseArgs } from "node:util";
import { errorCode } from "./error-code.ts";
import { runGatewayProcess } from "./gateway-process.ts";
import { sayStart } from "./say-start.ts";

/*
 * The gateway's process. It imports only `node:` modules and its neighbours, so that it starts from
 * source and from dist alike, and it gets no secret by argument, environment or file.
 */
const { values } = parseArgs({
  options: { root: { type: "string" }, "idle-ms": { type: "string" } },
});

process.umask(0o077);
// Only the stack: an inspected error would print every field that it carries.
process.on("uncaughtException", (error) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
});

try {
  const started = await runGatewayProcess({
    root: values.root ?? "",
    idleMs: Number(values["idle-ms"] ?? Number.NaN),
    exit: () => process.exit(0),
  });
  sayStart({ state: started });
  if (started === "busy") process.exit(0);
} catch (error) {
  sayStart({
    state: "failed",
    code: errorCode(error),
    message: error instanceof Error ? error.message : String(error),
  });
  process.exit(1);
}
